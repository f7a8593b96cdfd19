"""Reports as tables for people. Whatever others have named so, a line stays a line, and nothing speaks to the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from opalite.model import JsonObject

_WIDEST: Final = 60  # characters of a cell
_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600

Column = tuple[str, str, Callable[[Any], str]]  # what stands above it, the member of the document, how that is written


def _text(value: Any) -> str:
    given = "" if value is None else str(value)
    line = "".join(letter if letter.isprintable() else "�" for letter in given[: _WIDEST + 1])
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _count(value: Any) -> str:
    return f"{value}" if value else ""


def _money(value: float) -> str:
    return f"{value:.2f}" if value >= 1 or not value else f"{value:.4f}"


def _span(value: int | None) -> str:
    """In two units at most: nobody fixes anything to the second."""
    if value is None:
        return ""
    if value < _HOUR:
        return f"{value // _MINUTE} min"
    if value < _DAY:
        return f"{value // _HOUR} h {value % _HOUR // _MINUTE} min"
    return f"{value // _DAY} d {value % _DAY // _HOUR} h"


def _left(value: int | None) -> str:
    return "expired" if value == 0 else _span(value)


def _moment(value: str | None) -> str:
    return _text(value[:16] + "Z" if value and len(value) == len("2026-11-29T00:00:00.000Z") else value)


_RESOURCE: Final[tuple[Column, ...]] = (
    ("policy", "policy_id", _text),
    ("account", "account_id", _text),
    ("region", "region", _text),
    ("type", "resource_type", _text),
    ("resource", "resource_id", _text),
)
_CHURN: Final[tuple[Column, ...]] = (
    ("decisions", "decisions", _count),
    ("resources", "resources", _count),
    ("changed", "changed_resources", _count),
    ("changes", "changes", _count),
    ("reopened", "reopened", _count),
    ("to undetermined", "to_undetermined", _count),
)
_FIX: Final[tuple[Column, ...]] = (
    ("fixed", "fixed", _count),
    ("mean", "mean_seconds", _span),
    ("median", "median_seconds", _span),
    ("excused", "excused", _count),
    ("removed", "removed", _count),
    ("withdrawn", "withdrawn", _count),
    ("open", "open", _count),
    ("open since", "open_since", _moment),
)
_COST: Final[tuple[Column, ...]] = (
    ("decisions", "decisions", _count),
    ("evaluations", "evaluations", _count),
    ("cost", "cost", _money),
)
_POLICY: Final[Column] = ("policy", "policy_id", _text)
_ACCOUNT: Final[Column] = ("account", "account_id", _text)

# By report: the title of each table, the list of the document that it shows, its columns.
TABLES: Final[Mapping[str, Sequence[tuple[str, str, Sequence[Column]]]]] = {
    "churn": (
        ("By policy", "by_policy", (_POLICY, *_CHURN)),
        ("By account", "by_account", (_ACCOUNT, *_CHURN)),
        (
            "Most changes",
            "flappiest",
            (("changes", "changes", _count), ("reopened", "reopened", _count), ("now", "outcome", _text), *_RESOURCE),
        ),
    ),
    "time-to-fix": (
        ("By severity", "by_severity", (("severity", "severity", _text), *_FIX)),
        ("By policy", "by_policy", (_POLICY, *_FIX)),
        ("By account", "by_account", (_ACCOUNT, *_FIX)),
        (
            "Open for longest",
            "oldest_open",
            (("since", "since", _moment), ("for", "seconds", _span), ("severity", "severity", _text), *_RESOURCE),
        ),
    ),
    "exemptions": (
        (
            "In use",
            "exemptions",
            (
                ("exemption", "exemption_id", _text),
                _POLICY,
                ("owner", "owner", _text),
                ("ticket", "ticket", _text),
                ("expires", "expires", _moment),
                ("left", "seconds_left", _left),
                ("resources", "resources", _count),
                ("accounts", "accounts", _count),
                ("last used", "last_used", _moment),
            ),
        ),
    ),
    "evaluations": (
        ("By policy", "by_policy", (_POLICY, *_COST)),
        ("By account", "by_account", (_ACCOUNT, *_COST)),
    ),
}
_NUMBERS: Final = (_count, _money, _span, _left)


def tables(document: JsonObject) -> str:
    """All tables of a report that have rows, and its totals in one line."""
    parts = [
        _table(title, columns, document[name]) for title, name, columns in TABLES[document["report"]] if document[name]
    ]
    return "\n".join([*parts, _total(document["total"])])


def _table(title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    cells = [[written(row[name]) for _, name, written in columns] for row in rows]
    heads = [head for head, *_ in columns]
    widths = [max(len(line[place]) for line in [heads, *cells]) for place in range(len(columns))]
    right = [written in _NUMBERS for *_, written in columns]
    lines = [_line(line, widths, right) for line in (heads, ["─" * width for width in widths], *cells)]
    return "\n".join([title, *lines, ""])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    placed = zip(cells, widths, right, strict=True)
    return "   ".join(cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in placed).rstrip()


def _total(counts: Mapping[str, Any]) -> str:
    written: dict[str, Callable[[Any], str]] = {
        **dict.fromkeys(("mean_seconds", "median_seconds"), _span),
        "cost": _money,
        "open_since": _moment,
    }
    shown = ((name, written.get(name, str)(value)) for name, value in counts.items() if value is not None)
    return "Total: " + ", ".join(f"{name.removesuffix('_seconds').replace('_', ' ')} {value}" for name, value in shown)
