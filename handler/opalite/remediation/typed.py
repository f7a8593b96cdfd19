"""Whether a document could be a record: each member of the type that its dataclass says. Pure.

Records are files, and files are edited: what is no text must not come to light as an error where it is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints


def faults(value: Any, kind: Any, place: str = "") -> Iterator[str]:
    """Places in a document of JSON that are of another type; never what stands there."""
    if kind is Any:
        return
    if get_origin(kind) is UnionType:
        choices = get_args(kind)
        if value is None and NoneType in choices:
            return
        yield from faults(value, next(choice for choice in choices if choice is not NoneType), place)
    elif is_dataclass(kind):
        yield from _members(value, kind, place)
    elif get_origin(kind) in (dict, Mapping):
        yield from _entries(value, kind, place)
    elif get_origin(kind) is tuple:
        yield from _list(value, get_args(kind)[0], place)
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            yield f"{place} is none of {', '.join(kind)}"
    elif type(value) is not kind:
        yield f"{place} is no {kind.__name__}"


def _members(value: Any, kind: Any, place: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{place or 'it'} is no object"
        return
    hints = _hints(kind)
    for field in fields(kind):
        where = f"{place}.{field.name}" if place else field.name
        if field.name in value:
            yield from faults(value[field.name], hints[field.name], where)
        elif field.default is MISSING and field.default_factory is MISSING:
            yield f"{where} is missing"


def _list(value: Any, kind: Any, place: str) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield f"{place} is no list"
        return
    for index, entry in enumerate(value):
        yield from faults(entry, kind, f"{place}[{index}]")


def _entries(value: Any, kind: Any, place: str) -> Iterator[str]:
    if not isinstance(value, Mapping) or any(not isinstance(name, str) for name in value):
        yield f"{place} is no object"
        return
    for name, entry in value.items():
        yield from faults(entry, get_args(kind)[1], f"{place}.{name}")


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)
