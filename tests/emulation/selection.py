"""The part of AWS Config's query language that lists resources: columns, `=`, `IN`, `AND`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulation.faults import AwsFault

_QUERY = re.compile(r"\s*SELECT\s+(?P<columns>.+?)(?:\s+WHERE\s+(?P<where>.+?))?\s*", re.IGNORECASE | re.DOTALL)
_COLUMN = re.compile(r"\*|[A-Za-z][\w.]*")
_TEXT = r"'((?:[^']|'')*)'"
_CONDITION = re.compile(
    rf"\s*(?P<column>[A-Za-z][\w.]*)\s*(?:=\s*(?P<one>{_TEXT})|IN\s*\(\s*(?P<many>{_TEXT}(?:\s*,\s*{_TEXT})*)\s*\))\s*",
    re.IGNORECASE,
)
_AND = re.compile(rf"({_TEXT})|\s+AND\s+", re.IGNORECASE)
_CUT = "\x00"

Row = Mapping[str, Any]


class Query:
    """A parsed expression. Raises AwsFault for what it cannot read, which may be more than AWS refuses."""

    def __init__(self, expression: str) -> None:
        match = _QUERY.fullmatch(expression)
        if match is None:
            raise _invalid("expected is SELECT columns WHERE conditions")
        self.columns = [column.strip() for column in match["columns"].split(",")]
        if not all(_COLUMN.fullmatch(column) for column in self.columns):
            raise _invalid("these columns are not known to the emulation")
        self._conditions = [_condition(text) for text in _parts(match["where"])]

    def meets(self, row: Row) -> bool:
        return all(condition(row) for condition in self._conditions)

    def selected(self, row: Row) -> dict[str, Any]:
        """The columns of a row; `*` stands for those that hold a single value."""
        found: dict[str, Any] = {}
        for column in self.columns:
            if column == "*":
                found |= {name: value for name, value in row.items() if not isinstance(value, (dict, list))}
            elif (value := _value(row, column)) is not None:
                _put(found, column.split("."), value)
        return found


def _parts(where: str | None) -> Iterable[str]:
    if where is None:
        return ()
    return _AND.sub(lambda match: match[1] or _CUT, where).split(_CUT)


def _condition(text: str) -> Callable[[Row], bool]:
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise _invalid("a condition is none that the emulation knows")
    accepted = {value.replace("''", "'") for value in re.findall(_TEXT, match["one"] or match["many"])}
    column = match["column"]
    return lambda row: _value(row, column) in accepted


def _value(row: Row, column: str) -> Any:
    value: Any = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _put(target: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = value


def _invalid(reason: str) -> AwsFault:
    return AwsFault("InvalidExpressionException", f"The expression is not valid: {reason}")
