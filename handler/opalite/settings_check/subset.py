"""Values held against a JSON Schema where jsonschema is not there: the keywords that parameters of actions use. Pure.

It agrees with draft 7 for these; a schema with any other keyword lets nothing pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from opalite.model import JsonObject
from opalite.settings_check.formats import FORMATS

NOTHING: Final[JsonObject] = {"type": "object", "additionalProperties": False, "properties": {}}
_SAID = frozenset({"title", "description", "default", "examples"})  # for people


def faults(value: Any, schema: Any, place: str = "parameters") -> Iterator[str]:
    """A line for each thing that the schema refuses, or that is not checked here. It never shows the value."""
    if schema is True:
        return
    if not isinstance(schema, Mapping):
        yield f"{place}: is not known"
        return
    for keyword, wanted in schema.items():
        check = _CHECKS.get(keyword)
        if check is not None:
            yield from check(place, value, wanted, schema)
        elif keyword not in _SAID:
            yield f"{place}: its schema says {keyword!r}, which is not checked"


def filled(given: Mapping[str, Any], schema: Mapping[str, Any]) -> JsonObject:
    """`given`, and the default of each property that it lacks."""
    properties = schema.get("properties") or {}
    return {name: entry["default"] for name, entry in properties.items() if "default" in entry} | dict(given)


def _type(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if not any(_TYPES[kind](value) for kind in kinds):
        yield f"{place}: is not of type {' or '.join(kinds)}"


def _enum(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    if not any(_same(value, choice) for choice in wanted):
        yield f"{place}: is not one of {', '.join(str(choice) for choice in wanted)}"


def _const(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    if not _same(value, wanted):
        yield f"{place}: is not {wanted}"


def _bound(what: str, is_of: Callable[[Any], bool], keeps: Callable[[Any, Any], bool]) -> Any:
    def check(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
        if is_of(value) and not keeps(value, wanted):
            yield f"{place}: {what.format(wanted)}"

    return check


def _items(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    for index, entry in enumerate(value if isinstance(value, list) else ()):
        yield from faults(entry, wanted, f"{place}[{index}]")


def _unique(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    if wanted and isinstance(value, list) and any(_same(*pair) for pair in combinations(value, 2)):
        yield f"{place}: names something twice"


def _properties(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    for name, entry in wanted.items() if isinstance(value, dict) else ():
        if name in value:
            yield from faults(value[name], entry, f"{place}.{name}")


def _additional(place: str, value: Any, wanted: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}):
            yield from faults(value[name], wanted, f"{place}.{name}")


def _names(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    for name in value if isinstance(value, dict) else ():
        if next(faults(name, wanted), None) is not None:
            yield f"{place}: {name} cannot be a name here"


def _not(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    unchecked = _unchecked(wanted)
    if unchecked:  # what cannot be checked would pass, turned round
        yield f"{place}: its schema says {unchecked!r}, which is not checked"
    elif next(faults(value, wanted), None) is None:
        yield f"{place}: is not right"


def _unchecked(schema: Any) -> str | None:
    """A keyword below `not` that is not checked. No other keywords with schemas of their own are wanted there."""
    keywords = schema.keys() if isinstance(schema, Mapping) else ()
    return next((keyword for keyword in keywords if keyword not in _SAID | _PLAIN), None)


def _required(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    for name in wanted if isinstance(value, dict) else ():
        if name not in value:
            yield f"{place}.{name}: is missing"


def _format(place: str, value: Any, wanted: Any, _: Any) -> Iterator[str]:
    try:
        is_right = wanted in FORMATS and FORMATS[wanted](value)
    except ValueError:
        is_right = False
    if not is_right:
        yield f"{place}: is not right, or its format {wanted!r} is not known"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _same(first: Any, second: Any) -> bool:
    """Equal as JSON: true is not 1, while 1.0 is."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(value, second[key]) for key, value in first.items())
    return bool(first == second)


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "number": _is_number,
    "integer": lambda value: _is_number(value) and value == value // 1,
    "boolean": lambda value: isinstance(value, bool),
    "array": _is_list,
    "object": _is_object,
    "null": lambda value: value is None,
}
_CHECKS: Mapping[str, Callable[[str, Any, Any, Any], Iterator[str]]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound("is less than {}", _is_number, lambda value, least: value >= least),
    "maximum": _bound("is more than {}", _is_number, lambda value, most: value <= most),
    "minLength": _bound("has less than {} characters", _is_text, lambda value, least: len(value) >= least),
    "maxLength": _bound("has more than {} characters", _is_text, lambda value, most: len(value) <= most),
    "pattern": _bound("does not match {}", _is_text, lambda value, pattern: bool(re.search(pattern, value))),
    "format": _format,
    "items": _items,
    "minItems": _bound("has less than {} entries", _is_list, lambda value, least: len(value) >= least),
    "maxItems": _bound("has more than {} entries", _is_list, lambda value, most: len(value) <= most),
    "uniqueItems": _unique,
    "minProperties": _bound("has less than {} members", _is_object, lambda value, least: len(value) >= least),
    "maxProperties": _bound("has more than {} members", _is_object, lambda value, most: len(value) <= most),
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "propertyNames": _names,
    "not": _not,
}
_PLAIN = _CHECKS.keys() - {"items", "properties", "additionalProperties", "propertyNames", "not", "format"}
