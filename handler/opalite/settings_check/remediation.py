"""Settings of remediation: how far it may go, by which action, when and how often. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from opalite.remediation.action import Action
from opalite.remediation.model import Mode
from opalite.settings_check import values
from opalite.settings_check.remark import Remark, error, nearest, no_choice, notice

MOST_APPROVAL_HOURS = 720
_MOST = 10_000  # of whatever a limit counts
_LIMITS = ("per_hour", "per_hour_everywhere", "per_resource_day", "failures_per_hour")
_WINDOW = ("days", "from", "to", "zone")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")
_MIDNIGHT = "24:00"
_ZONE = re.compile(r"^(UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)+)$")

# Sets of values by their place: `default`, `overrides[0].set`.
Sets = Mapping[str, Any]
Actions = Mapping[str, Action]


def remarks(
    place: str, sets: Sets, policy: Mapping[str, Any] | None, actions: Actions | None = None
) -> Iterator[Remark]:
    """An error for each thing that is not of the agreed shape. `policy` is None where they are for every policy.

    `actions`: None if they are not known here; then what hangs on them is left to whoever knows them.
    """
    for where, given in sets.items():
        for key, value in given.items() if isinstance(given, dict) else ():
            spot = f"{place}.{where}.{key}"
            check = _CHECKS.get(key)
            if check is not None:
                yield from check(spot, value)
            elif key == "action":
                yield from _action(spot, value, policy, actions)
            elif key != "parameters":
                meant = nearest(key, (*_CHECKS, "action", "parameters"))
                there = f"there are {', '.join((*_CHECKS, 'action', 'parameters'))}"
                yield error("unknown_key", spot, "unknown", f"did you mean {meant}? {there}" if meant else there)
        if isinstance(given, dict):
            yield from _parameters(f"{place}.{where}", given, sets.get("default"), policy, actions)


def ceilings(
    place: str, sets: Sets, policy: Mapping[str, Any] | None, actions: Actions | None = None
) -> Iterator[Remark]:
    """Modes beyond what the action ever does."""
    for where, given in sets.items():
        mode = given.get("mode") if isinstance(given, dict) else None
        if policy is None or mode not in list(Mode):
            continue
        name = _action_name(given, sets.get("default"), policy)
        action = (actions or {}).get(name)
        if action is not None and list(Mode).index(action.most) < list(Mode).index(mode):
            what = f"{name} goes no further than {action.most}"
            yield notice(
                "goes_no_further", f"{place}.{where}.mode", what, f"write {action.most}, or name another action"
            )


def _action_name(given: Mapping[str, Any], default: Any, policy: Mapping[str, Any]) -> str:
    in_general = default.get("action") if isinstance(default, dict) else None
    return str(given.get("action") or in_general or (policy.get("remediation") or {}).get("action") or "")


def _action(spot: str, value: Any, policy: Mapping[str, Any] | None, actions: Actions | None) -> Iterator[Remark]:
    if actions is None and isinstance(value, str):
        return
    actions = actions or {}
    action = actions.get(value) if isinstance(value, str) else None
    if action is None:
        meant = nearest(value, actions) if isinstance(value, str) else None
        there = f"there are {', '.join(sorted(actions)) or 'none'}"
        yield error(
            "unknown_action", spot, "there is no such action", f"did you mean {meant}? {there}" if meant else there
        )
        return
    kinds, types = set(action.resource_types), set((policy or {}).get("resource_types", ()))
    if policy is not None and "*" not in kinds | types and not kinds & types:
        what = f"{action.name} is for {', '.join(sorted(kinds))}, the policy for {', '.join(sorted(types))}"
        yield error("wrong_value", spot, what)


def _parameters(
    where: str, given: Mapping[str, Any], default: Any, policy: Mapping[str, Any] | None, actions: Actions | None
) -> Iterator[Remark]:
    """Held against the action that is named in the same place, or else in general."""
    if "parameters" in given:
        spot, value = f"{where}.parameters", given["parameters"]
        if policy is None:
            what = "these are parameters of an action, and actions differ"
            yield error("unknown_key", spot, what, "write them below the id of a policy")
        elif not isinstance(value, dict):
            yield error("wrong_shape", spot, "must be an object")
        elif actions is None:
            return
        elif action := actions.get(_action_name(given, default, policy)):
            yield from values.remarks(spot, value, action.parameters, "action")
        elif value:
            yield error("unknown_parameter", spot, "its action is not built in, so it has no parameters")
    elif "action" in given and policy is not None and actions is not None and given is not default:
        inherited = default.get("parameters") if isinstance(default, dict) else None
        action = actions.get(_action_name(given, default, policy))
        if action and inherited and not _fits(inherited, action):
            what = f"the parameters of `default` are not those of {action.name}"
            yield error("wrong_value", f"{where}.action", what, "set `parameters` beside it, if only to {}")


def _fits(parameters: Any, action: Action) -> bool:
    return isinstance(parameters, dict) and not list(values.remarks("", parameters, action.parameters, "action"))


def _mode(spot: str, value: Any) -> Iterator[Remark]:
    if not isinstance(value, str) or value not in list(Mode):
        yield no_choice(spot, value, Mode)


def _windows(spot: str, value: Any) -> Iterator[Remark]:
    if not isinstance(value, list):
        yield error("wrong_shape", spot, "must be a list")
        return
    for index, window in enumerate(value):
        where = f"{spot}[{index}]"
        if not isinstance(window, dict) or window.keys() != set(_WINDOW):
            yield error("wrong_shape", where, f"must be an object of {', '.join(_WINDOW)}")
        else:
            yield from _window(where, window)


def _window(where: str, window: Mapping[str, Any]) -> Iterator[Remark]:
    days = window["days"]
    if not isinstance(days, list) or not days or not all(day in _DAYS for day in days):
        yield error("wrong_value", f"{where}.days", f"must be a list of any of {', '.join(_DAYS)}")
    for key in ("from", "to"):
        text = window[key]
        if not isinstance(text, str) or not (_TIME.match(text) or (key == "to" and text == _MIDNIGHT)):
            hint = " (in YAML put times in quotes)" if isinstance(text, int) else ""
            yield error("wrong_time", f"{where}.{key}", f'{text!r} is not a time of the day like "22:00"{hint}')
    if window["from"] == window["to"]:
        what = "closes when it opens"
        yield error("wrong_time", where, what, 'a whole day is from "00:00" to "24:00"')
    zone = window["zone"]
    if not isinstance(zone, str) or not _is_zone(zone):
        meant = nearest(zone, _zones()) if isinstance(zone, str) else None
        like = "write a name of the IANA data base like Europe/Berlin or UTC"
        yield error(
            "wrong_value",
            f"{where}.zone",
            f"{zone!r} is no time zone",
            f"did you mean {meant}? {like}" if meant else like,
        )


def _is_zone(name: str) -> bool:
    """Where the machine has no data base of zones, whatever has the form of one."""
    return bool(_ZONE.match(name)) and (not _zones() or name in _zones())


@cache
def _zones() -> frozenset[str]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - only where somebody sets windows

    return frozenset(available_timezones())


def _environments(spot: str, value: Any) -> Iterator[Remark]:
    if not isinstance(value, dict):
        yield error("wrong_shape", spot, "must be an object: a mode by the value of a tag")
        return
    seen: dict[str, str] = {}
    for name, mode in value.items():
        yield from _mode(f"{spot}.{name}", mode)
        if name.lower() in seen:
            yield error("wrong_value", f"{spot}.{name}", f"is {seen[name.lower()]} again: upper and lower case are one")
        seen[name.lower()] = name


def _environment_tags(spot: str, value: Any) -> Iterator[Remark]:
    if not isinstance(value, list) or not value or not all(isinstance(key, str) and key for key in value):
        yield error("wrong_shape", spot, "must be a list of keys of tags")


def _limits(spot: str, value: Any) -> Iterator[Remark]:
    if not isinstance(value, dict):
        yield error("wrong_shape", spot, "must be an object")
        return
    for key, count in value.items():
        if key not in _LIMITS:
            yield error("unknown_key", f"{spot}.{key}", "unknown", f"there are {', '.join(_LIMITS)}")
        else:
            yield from _count(f"{spot}.{key}", count, _MOST)


def _approval_hours(spot: str, value: Any) -> Iterator[Remark]:
    yield from _count(spot, value, MOST_APPROVAL_HOURS)


def _count(spot: str, value: Any, most: int) -> Iterator[Remark]:
    if type(value) is not int or not 1 <= value <= most:
        yield error("wrong_value", spot, f"{value!r} is not a whole number from 1 to {most}")


_CHECKS: Mapping[str, Callable[[str, Any], Iterator[Remark]]] = {
    "mode": _mode,
    "windows": _windows,
    "environments": _environments,
    "environment_tags": _environment_tags,
    "limits": _limits,
    "approval_hours": _approval_hours,
}
