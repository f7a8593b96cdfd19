"""data.parameters, data.exemptions and data.stages: their shape, and the overlay of one set over another. Pure.

A mistake here would be a silent fail-open (an exemption that covers too much, a parameter that nobody reads), so whatever
is not exactly of the agreed shape is refused, naming file, key and remedy.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from opalite.model import JsonObject, Severity
from opalite.publish.evaluation import EXEMPT_CHOICES, UNDETERMINED_CHOICES

ROOTS = ("parameters", "exemptions", "stages")
EVERY_POLICY = "*"
_LAST_PORT = 65535
_MESSAGE_CHARACTERS = 250
_SCOPES = frozenset({"accounts", "organizational_units", "regions"})
_EXEMPTION_SCOPES = _SCOPES | {"resources", "tags"}
_EXEMPTION_TEXTS = ("owner", "ticket", "reason", "expires")
_RFC3339 = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$")
_ACCOUNT = re.compile(r"^\d{12}$")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "stage": ("off", "audit", "enforce"),
    "severity": tuple(Severity),
    "exempt": EXEMPT_CHOICES,
    "undetermined": UNDETERMINED_CHOICES,
}


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> JsonObject:
    """`base` with what `over` says: parameters and stages key by key, their overrides whole, exemptions id by id."""
    merged: JsonObject = {root: dict(base.get(root) or {}) for root in ROOTS}
    for root in ROOTS:
        for policy_id, entry in (over.get(root) or {}).items():
            before = merged[root].get(policy_id) or {}
            if root == "exemptions":
                merged[root][policy_id] = {**before, **entry}
                continue
            after = {**before, **entry}
            after["default"] = {**(before.get("default") or {}), **(entry.get("default") or {})}
            merged[root][policy_id] = after
    return merged


def faults(document: Any, catalog: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing in a settings document that is not of the agreed shape. `catalog` is data.catalog."""
    if not isinstance(document, dict):
        yield f"must be an object with any of {', '.join(ROOTS)}"
        return
    for root in sorted(document.keys() - set(ROOTS)):
        yield f"{root}: not a kind of setting; there are {', '.join(ROOTS)}"
    policies = catalog["policies"]
    for root in ROOTS:
        entries = document.get(root)
        if entries is None:
            continue
        if not isinstance(entries, dict):
            yield f"{root}: must be an object by policy id"
            continue
        for policy_id, entry in entries.items():
            place = f"{root}.{policy_id}"
            if policy_id not in policies and not (root == "stages" and policy_id == EVERY_POLICY):
                yield f"{place}: there is no such policy; `opalite policies list` shows them"
            elif not isinstance(entry, dict):
                yield f"{place}: must be an object"
            elif root == "exemptions":
                yield from _exemption_faults(place, entry)
            else:
                yield from _scoped_faults(place, entry)
                yield from (
                    _stage_faults(place, entry)
                    if root == "stages"
                    else _parameter_faults(place, entry, policies[policy_id])
                )


def parameter_sets(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each set of values of a scoped setting, with its place: the default, and that of every override."""
    if "default" in entry:
        yield "default", entry["default"]
    for index, override in enumerate(entry.get("overrides") or ()):
        if isinstance(override, dict):
            yield f"overrides[{index}].set", override.get("set")


def _scoped_faults(place: str, entry: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(entry.keys() - {"default", "overrides"}):
        yield f"{place}.{key}: unknown; values belong below `default`, or below `set` of an entry of `overrides`"
    overrides = entry.get("overrides", [])
    if not isinstance(overrides, list):
        yield f"{place}.overrides: must be a list"
        return
    for index, override in enumerate(overrides):
        where = f"{place}.overrides[{index}]"
        if not isinstance(override, dict):
            yield f"{where}: must be an object"
            continue
        for key in sorted(override.keys() - _SCOPES - {"set"}):
            yield f"{where}.{key}: unknown; there are accounts, organizational_units, regions and set"
        if not _SCOPES & override.keys():
            yield f"{where}: names no accounts, organizational_units or regions; write it below `default`"
        yield from _list_faults(where, {key: override[key] for key in sorted(_SCOPES & override.keys())})
    for where, values in parameter_sets(entry):
        if not isinstance(values, dict):
            yield f"{place}.{where}: must be an object"


def _stage_faults(place: str, entry: Mapping[str, Any]) -> Iterator[str]:
    for where, values in parameter_sets(entry):
        for key, value in values.items() if isinstance(values, dict) else ():
            if key not in _CHOICES:
                yield f"{place}.{where}.{key}: unknown; there are {', '.join(_CHOICES)}"
            elif value not in _CHOICES[key]:
                # YAML reads a bare `off` as false; that is the one mistake that everybody makes here.
                hint = ' (in YAML write "off" with quotes)' if value is False else ""
                yield f"{place}.{where}.{key}: {value!r} is not one of {', '.join(_CHOICES[key])}{hint}"


def _parameter_faults(place: str, entry: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[str]:
    from jsonschema import Draft7Validator, FormatChecker  # noqa: PLC0415 - 70 ms, only where somebody sets parameters

    formats = FormatChecker(formats=())
    formats.checks("cidr", raises=ValueError)(_is_cidr)
    formats.checks("ports", raises=ValueError)(_is_range_of_ports)
    schema = policy.get("parameters") or {"type": "object", "additionalProperties": False}
    validator = Draft7Validator(schema, format_checker=formats)
    for where, values in parameter_sets(entry):
        for error in sorted(
            validator.iter_errors(values), key=lambda error: [str(part) for part in error.absolute_path]
        ):
            path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
            yield f"{place}.{where}{path}: {_said(error, schema)[:_MESSAGE_CHARACTERS]}"


def _said(error: Any, schema: Mapping[str, Any]) -> str:
    """The message of jsonschema, or where that says nothing to a person, what the parameter is for."""
    shown = json.dumps(error.instance)
    if error.validator in {"oneOf", "anyOf", "pattern", "format"} and error.absolute_path:
        wanted = schema["properties"].get(error.absolute_path[0], {}).get("description", "something else")
        return f"{shown} is not right here; wanted: {wanted}"
    hint = " (in YAML put yes, no, on, off in quotes)" if isinstance(error.instance, bool) else ""
    return str(error.message).splitlines()[0] + hint


def _is_cidr(value: object) -> bool:
    return not isinstance(value, str) or bool(ipaddress.ip_network(value, strict=False))


def _is_range_of_ports(value: object) -> bool:
    if not isinstance(value, str):
        return True
    first, _, last = value.partition("-")
    return int(first) <= int(last or first) <= _LAST_PORT


def _exemption_faults(place: str, entries: Mapping[str, Any]) -> Iterator[str]:
    for name, exemption in entries.items():
        where = f"{place}.{name}"
        if not isinstance(exemption, dict):
            yield f"{where}: must be an object"
            continue
        for key in sorted(exemption.keys() - {"scope", *_EXEMPTION_TEXTS}):
            yield f"{where}.{key}: unknown; there are scope, {', '.join(_EXEMPTION_TEXTS)}"
        for key in _EXEMPTION_TEXTS:
            if not isinstance(exemption.get(key), str) or not exemption[key].strip():
                yield f"{where}.{key}: is missing; every exemption names {', '.join(_EXEMPTION_TEXTS)} (times and numbers in quotes)"
        if isinstance(exemption.get("expires"), str) and not _is_time(exemption["expires"]):
            yield f'{where}.expires: {exemption["expires"]!r} is not a time like "2027-03-31T00:00:00Z"'
        yield from _exemption_scope_faults(f"{where}.scope", exemption.get("scope"))


def _exemption_scope_faults(where: str, scope: Any) -> Iterator[str]:
    if not isinstance(scope, dict) or not scope:
        yield f"{where}: must name accounts, organizational_units, regions, resources or tags; an empty scope covers nothing"
        return
    for key in sorted(scope.keys() - _EXEMPTION_SCOPES):
        yield f"{where}.{key}: unknown; there are {', '.join(sorted(_EXEMPTION_SCOPES))}"
    if "tags" in scope:
        if not {"accounts", "organizational_units"} & scope.keys():
            yield f"{where}.tags: also name accounts or organizational_units, for whoever may tag a resource could exempt it"
        if not isinstance(scope["tags"], dict) or not all(isinstance(value, str) for value in scope["tags"].values()):
            yield f"{where}.tags: must be an object of texts"
    yield from _list_faults(where, {key: scope[key] for key in sorted((_SCOPES | {"resources"}) & scope.keys())})


def _list_faults(where: str, lists: Mapping[str, Any]) -> Iterator[str]:
    for key, values in lists.items():
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            hint = " (account ids in quotes: YAML drops leading zeros)" if key == "accounts" else ""
            yield f"{where}.{key}: must be a list of texts{hint}"
        elif key == "accounts":
            yield from (
                f"{where}.accounts: {value!r} is not an account id of 12 digits"
                for value in values
                if not _ACCOUNT.match(value)
            )


def _is_time(text: str) -> bool:
    """Whether OPA's time.parse_rfc3339_ns will read it."""
    if not _RFC3339.match(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def unused(exemptions: Mapping[str, Any], used: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(policy id, exemption id) of the exemptions that no decision named."""
    seen = set(used)
    return [
        (policy_id, name)
        for policy_id, entries in exemptions.items()
        for name in entries
        if (policy_id, name) not in seen
    ]
