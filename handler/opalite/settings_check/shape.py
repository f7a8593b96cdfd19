"""The agreed shape of settings. What is not exactly of it is an error: no run takes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from opalite.model import Severity
from opalite.publish.evaluation import EXEMPT_CHOICES, UNDETERMINED_CHOICES
from opalite.settings_check import values
from opalite.settings_check.remark import Remark, error, nearest, no_choice

if TYPE_CHECKING:  # the functions behind Config rules read settings, and remediate nothing
    from opalite.remediation.action import Action

ROOTS = ("parameters", "exemptions", "stages", "remediation")
EVERY_POLICY = "*"
_FOR_EVERY_POLICY = frozenset({"stages", "remediation"})
SCOPES = ("accounts", "organizational_units", "regions")
_EXEMPTION_SCOPES = (*SCOPES, "resources", "tags")
_EXEMPTION_TEXTS = ("owner", "ticket", "reason", "expires")
_RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$")
_ACCOUNT = re.compile(r"^\d{12}$")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "stage": ("off", "audit", "enforce"),
    "severity": tuple(Severity),
    "exempt": EXEMPT_CHOICES,
    "undetermined": UNDETERMINED_CHOICES,
}


def remarks(
    document: Any, policies: Mapping[str, Any], actions: Mapping[str, Action] | None = None
) -> Iterator[Remark]:
    """An error for each thing in a settings document that is not of the agreed shape.

    `policies` are those of the catalog; `actions` of remediation: None if they are not known here.
    """
    if not isinstance(document, dict):
        yield error("wrong_shape", "", f"must be an object with any of {', '.join(ROOTS)}")
        return
    for root in sorted(document.keys() - set(ROOTS)):
        below = " (a policy's id stands below one of these)" if root in policies else ""
        yield error("unknown_key", root, "not a kind of setting", f"there are {', '.join(ROOTS)}{below}")
    for root in ROOTS:
        entries = document.get(root)
        if entries is None:
            continue
        if not isinstance(entries, dict):
            yield error("wrong_shape", root, "must be an object by policy id")
            continue
        for policy_id, entry in entries.items():
            place = f"{root}.{policy_id}"
            if policy_id not in policies and not (root in _FOR_EVERY_POLICY and policy_id == EVERY_POLICY):
                yield _no_such_policy(place, policy_id, policies)
            elif not isinstance(entry, dict):
                yield error("wrong_shape", place, "must be an object")
            elif root == "exemptions":
                yield from _exemptions(place, entry)
            else:
                yield from _scoped(place, entry)
                yield from _values(root, place, entry, policies.get(policy_id), actions)


def parameter_sets(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each set of values of a scoped setting, with its place: the default, and that of every override."""
    if "default" in entry:
        yield "default", entry["default"]
    for index, override in enumerate(entry.get("overrides") or ()):
        if isinstance(override, dict):
            yield f"overrides[{index}].set", override.get("set")


def value_sets(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The same by place; none of overrides that are no list."""
    return dict(parameter_sets(entry if isinstance(entry.get("overrides", []), list) else {**entry, "overrides": []}))


def moment(text: str) -> datetime | None:
    """The time that OPA's time.parse_rfc3339_ns will read; None if it would not."""
    if not _RFC3339.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _no_such_policy(place: str, policy_id: str, policies: Mapping[str, Any]) -> Remark:
    listed = "`opalite policies list` shows them"
    for name, entry in policies.items():
        if policy_id in entry.get("aliases", ()):
            return error("former_id", place, "there is no such policy", f"this is the former id of {name}: write that")
    meant = nearest(policy_id, policies)
    if meant:
        listed = f"did you mean {meant}? {listed}"
    elif policy_id.startswith("custom."):
        listed += "; one of your own needs `--bundle`"
    return error("unknown_policy", place, "there is no such policy", listed)


def _scoped(place: str, entry: Mapping[str, Any]) -> Iterator[Remark]:
    for key in sorted(entry.keys() - {"default", "overrides"}):
        remedy = "values belong below `default`, or below `set` of an entry of `overrides`"
        yield error("unknown_key", f"{place}.{key}", "unknown", remedy)
    overrides = entry.get("overrides", [])
    if not isinstance(overrides, list):
        yield error("wrong_shape", f"{place}.overrides", "must be a list")
        return
    for index, override in enumerate(overrides):
        where = f"{place}.overrides[{index}]"
        if not isinstance(override, dict):
            yield error("wrong_shape", where, "must be an object")
            continue
        for key in sorted(override.keys() - {*SCOPES, "set"}):
            yield error("unknown_key", f"{where}.{key}", "unknown", f"there are {', '.join(SCOPES)} and set")
        named = {key: override[key] for key in SCOPES if key in override}
        if not named:
            yield error(
                "no_scope", where, "names no accounts, organizational_units or regions", "write it below `default`"
            )
        yield from _lists(where, named)
    for where, given in parameter_sets(entry):
        if not isinstance(given, dict):
            yield error("wrong_shape", f"{place}.{where}", "must be an object")


def _values(
    root: str,
    place: str,
    entry: Mapping[str, Any],
    policy: Mapping[str, Any] | None,
    actions: Mapping[str, Action] | None,
) -> Iterator[Remark]:
    """`policy` is None where the entry is for every one."""
    if root == "stages":
        yield from _stages(place, entry)
    elif root == "remediation":
        from opalite.settings_check import remediation  # noqa: PLC0415 - as above

        yield from remediation.remarks(place, value_sets(entry), policy, actions)
    else:
        yield from _parameters(place, entry, policy or {})


def _stages(place: str, entry: Mapping[str, Any]) -> Iterator[Remark]:
    for where, given in parameter_sets(entry):
        for key, value in given.items() if isinstance(given, dict) else ():
            spot = f"{place}.{where}.{key}"
            if key not in _CHOICES:
                yield error("unknown_key", spot, "unknown", f"there are {', '.join(_CHOICES)}")
            elif value not in _CHOICES[key]:
                yield no_choice(spot, value, _CHOICES[key])


def _parameters(place: str, entry: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[Remark]:
    for where, given in parameter_sets(entry):
        if isinstance(given, dict):
            yield from values.remarks(f"{place}.{where}", given, policy.get("parameters"))


def _exemptions(place: str, entries: Mapping[str, Any]) -> Iterator[Remark]:
    for name, exemption in entries.items():
        where = f"{place}.{name}"
        if not isinstance(exemption, dict):
            yield error("wrong_shape", where, "must be an object")
            continue
        for key in sorted(exemption.keys() - {"scope", *_EXEMPTION_TEXTS}):
            yield error("unknown_key", f"{where}.{key}", "unknown", f"there are scope, {', '.join(_EXEMPTION_TEXTS)}")
        for key in _EXEMPTION_TEXTS:
            if not isinstance(exemption.get(key), str) or not exemption[key].strip():
                remedy = f"every exemption names {', '.join(_EXEMPTION_TEXTS)} (times and numbers in quotes)"
                yield error("missing_text", f"{where}.{key}", "is missing", remedy)
        ends = exemption.get("expires")
        if isinstance(ends, str) and ends.strip() and moment(ends) is None:
            yield error("wrong_time", f"{where}.expires", f'{ends!r} is not a time like "2027-03-31T00:00:00Z"')
        yield from _exemption_scope(f"{where}.scope", exemption.get("scope"))


def _exemption_scope(where: str, scope: Any) -> Iterator[Remark]:
    if not isinstance(scope, dict) or not scope:
        what = f"must name {', '.join(_EXEMPTION_SCOPES[:-1])} or {_EXEMPTION_SCOPES[-1]}"
        yield error("no_scope", where, what, "an empty scope covers nothing")
        return
    for key in sorted(scope.keys() - set(_EXEMPTION_SCOPES)):
        yield error("unknown_key", f"{where}.{key}", "unknown", f"there are {', '.join(sorted(_EXEMPTION_SCOPES))}")
    if "tags" in scope:
        if not {"accounts", "organizational_units"} & scope.keys():
            what = "also name accounts or organizational_units, for whoever may tag a resource could exempt it"
            yield error("tags_alone", f"{where}.tags", what)
        if not isinstance(scope["tags"], dict) or not all(isinstance(value, str) for value in scope["tags"].values()):
            yield error("wrong_shape", f"{where}.tags", "must be an object of texts")
    yield from _lists(where, {key: scope[key] for key in (*SCOPES, "resources") if key in scope})


def _lists(where: str, lists: Mapping[str, Any]) -> Iterator[Remark]:
    for key, given in lists.items():
        if not isinstance(given, list) or not given or not all(isinstance(value, str) for value in given):
            hint = " (account ids in quotes: YAML drops leading zeros)" if key == "accounts" else ""
            yield error("wrong_shape", f"{where}.{key}", f"must be a list of texts{hint}")
        elif key == "accounts":
            for value in given:
                if not _ACCOUNT.match(value):
                    yield error("wrong_account", f"{where}.accounts", f"{value!r} is not an account id of 12 digits")
