"""What policies of resources and roles say: whom they let in, and on which condition. Pure, and never more generous than AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson

JsonObject = Mapping[str, Any]
_STAR: Final = re.compile(r"\*+")
_POSITIVE: Final = frozenset({"StringEquals", "StringLike", "ArnEquals", "ArnLike"})


def statements(policy: object) -> list[JsonObject]:
    """The statements of a policy, which may be a text. Raises ValueError for what is no policy."""
    document = orjson.loads(policy) if isinstance(policy, (str, bytes)) else policy
    found = document.get("Statement") if isinstance(document, Mapping) else None
    entries = [found] if isinstance(found, Mapping) else found
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError("it is not a policy")
    return entries


def allowing(policy: object, action: str, *, effect: str = "Allow") -> list[JsonObject]:
    """The statements that allow an action, or deny it."""
    return [entry for entry in statements(policy) if entry.get("Effect") == effect and _is_of(entry, action.lower())]


def principals(entry: JsonObject, kind: str) -> list[str]:
    """Those of a kind, `AWS` or `Service`. `*` alone is everybody, whatever the kind."""
    principal = entry.get("Principal")
    if principal == "*":
        return ["*"]
    return listed(principal.get(kind)) if isinstance(principal, Mapping) else []


def conditions(entry: JsonObject) -> Iterator[tuple[str, str, list[str]]]:
    """Operator, key in small letters, values."""
    for operator, keys in (entry.get("Condition") or {}).items():
        for key, values in keys.items():
            yield operator, key.lower(), listed(values)


def demands(entry: JsonObject, key: str, value: str = "") -> bool:
    """Whether the statement holds only for certain values of a key; if one is given, for that one alone."""
    return any(
        name == key.lower()
        and operator.rpartition(":")[2] in _POSITIVE
        and values
        and (set(values) == {value} if value else "*" not in values)
        for operator, name, values in conditions(entry)
    )


def lets(entry: JsonObject, given: Mapping[str, Sequence[str]]) -> bool:
    """Whether all conditions hold for the given values by key in small letters; a key that is not given holds for none.

    Of several values that a caller may have, one is enough.
    """
    return all(
        any(_holds(operator, one, value) for one in given.get(key, ()) for value in values)
        for operator, key, values in conditions(entry)
    )


def listed(value: object) -> list[str]:
    """One text or a list of texts, as policies have it."""
    if isinstance(value, list):
        return [str(entry) for entry in value]
    return [] if value is None else [str(value)]


def matches(text: str, pattern: str) -> bool:
    """`*` and `?` as in policies; brackets mean nothing there."""
    return fnmatchcase(text, _STAR.sub("*", pattern).replace("[", "[[]"))


def _is_of(entry: JsonObject, action: str) -> bool:
    """Whether a statement speaks of an action in small letters, be it by what it leaves out."""
    if "NotAction" in entry:
        return not any(matches(action, name.lower()) for name in listed(entry["NotAction"]))
    return any(matches(action, name.lower()) for name in listed(entry.get("Action")))


def _holds(operator: str, one: str, value: str) -> bool:
    if operator == "StringEquals":
        return one == value
    return operator in ("StringLike", "ArnLike", "ArnEquals") and matches(one, value)
