"""Decisions as JSON Lines, as one JSON document, or as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Protocol

import orjson

from opalite.cli.sink import Sink
from opalite.cli.summary import Summary, counted
from opalite.model import Decision, Outcome, Severity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ROWS_SHOWN = 500  # a table is for people; machines take JSON Lines
_WIDTH = 180  # where no terminal tells
_WHY_WIDTH = 40
_RESOURCE_WIDTH = 32
_LONG_ID = 40
_COLOURS = {Outcome.FAIL: "red", Outcome.UNDETERMINED: "yellow", Outcome.EXEMPT: "cyan"}
_SHOWN = (Outcome.FAIL, Outcome.UNDETERMINED, Outcome.EXEMPT)


class Writer(Protocol):
    """Takes decisions in order."""

    def begin(self) -> None:
        """Before the first decision."""
        ...

    def add(self, decisions: Sequence[Decision]) -> None:
        """Some more decisions."""
        ...

    def end(self, summary: Summary) -> None:
        """After the last decision."""
        ...


class JsonLines:
    """One object per decision and line."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def begin(self) -> None:
        """Nothing comes before the first line."""

    def add(self, decisions: Sequence[Decision]) -> None:
        """A line each."""
        self._sink.write(b"".join([orjson.dumps(decision, option=orjson.OPT_APPEND_NEWLINE) for decision in decisions]))

    def end(self, summary: Summary) -> None:
        """Nothing comes after the last line."""


class JsonDocument:
    """`{"decisions": […], "summary": {…}}`, written as it grows."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._separator = b"\n"

    def begin(self) -> None:
        """Open the list."""
        self._sink.write(b'{"decisions": [')

    def add(self, decisions: Sequence[Decision]) -> None:
        """Entries of the list, one per line."""
        for decision in decisions:
            self._sink.write(self._separator + orjson.dumps(decision))
            self._separator = b",\n"

    def end(self, summary: Summary) -> None:
        """Close the list and add the summary."""
        counts = orjson.dumps(summary.document(), option=orjson.OPT_NON_STR_KEYS)  # outcomes and severities are enums
        self._sink.write(b'\n],\n"summary": ' + counts + b"}\n")


class TableForPeople:
    """What needs attention, then the counts. What passes is only counted."""

    def __init__(self, sink: Sink, terminal: bool) -> None:  # noqa: FBT001 - the form that FORMATS asks for
        self._sink = sink
        self._terminal = terminal
        self._rows: list[Decision] = []
        self._left_out = 0

    def begin(self) -> None:
        """Nothing is written before everything is known."""

    def add(self, decisions: Sequence[Decision]) -> None:
        """Keep what needs attention."""
        for decision in decisions:
            if decision.outcome not in _SHOWN:
                continue
            if len(self._rows) < ROWS_SHOWN:
                self._rows.append(decision)
            else:
                self._left_out += 1

    def end(self, summary: Summary) -> None:
        """Write it all."""
        from rich.console import Console  # noqa: PLC0415 - 40 ms, for this format alone

        text = StringIO()
        console = Console(
            file=text,
            force_terminal=self._terminal,
            no_color=None if self._terminal else True,
            width=None if self._terminal else _WIDTH,
            highlight=False,
            emoji=False,
        )
        if self._rows:
            console.print(_findings(self._rows))
            if self._left_out:
                console.print(f"… and {self._left_out} more; --format jsonl prints them all", markup=False)
        _print_summary(console, summary)
        self._sink.write(text.getvalue().encode())


def _findings(rows: Sequence[Decision]) -> Table:
    from rich.text import Text  # noqa: PLC0415

    table = _table("outcome", "severity", "account", "region", "resource", "policy", "why")
    rank = {severity: place for place, severity in enumerate(Severity)}
    for row in sorted(rows, key=lambda row: (_SHOWN.index(row.outcome), -rank[row.severity])):
        table.add_row(
            Text(row.outcome + (" (audit)" if row.stage == "audit" else ""), style=_COLOURS[row.outcome]),
            row.severity,
            row.account_id,
            row.region,
            Text(row.resource_id, overflow="fold"),
            _in_lines(row.policy_id),
            Text(row.annotation.rsplit(" [", 1)[0], overflow="fold"),
        )
    return table


def _in_lines(policy_id: str) -> str:
    """A long id in two lines, its last part in the second: the room belongs to what is wrong."""
    if len(policy_id) <= _LONG_ID:
        return policy_id
    above, _, name = policy_id.rpartition(".")
    return f"{above}.\n{name}"


def _print_summary(console: Console, summary: Summary) -> None:
    for title, name, counts in (
        ("By policy", "policy", summary.document()["by_policy"]),
        ("By account", "account", summary.document()["by_account"]),
    ):
        table = _table(name, *(str(outcome) for outcome in Outcome))
        for key, outcomes in counts.items():
            table.add_row(key, *(str(outcomes.get(outcome, "")) for outcome in Outcome))
        if counts:
            console.print(title, style="bold")
            console.print(table)
    if summary.by_severity:
        counts = ", ".join(
            f"{summary.by_severity[severity]} {severity}"
            for severity in reversed(Severity)
            if summary.by_severity[severity]
        )
        console.print(f"Failing by severity: {counts}", markup=False)
    outcomes = ", ".join(f"{summary.outcomes[outcome]} {outcome}" for outcome in Outcome if summary.outcomes[outcome])
    console.print(
        f"{counted(summary.items, 'item')}, {counted(summary.decisions, 'decision')}: {outcomes or 'none'}",
        markup=False,
    )


def _table(*columns: str) -> Table:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1))
    for column in columns:
        counted = column in set(Outcome)
        table.add_column(
            column,
            justify="right" if counted else "left",
            no_wrap=column not in {"why", "resource"},
            min_width=_WHY_WIDTH if column == "why" else None,
            max_width=_RESOURCE_WIDTH if column == "resource" else None,
        )
    return table


# What --format may say; a new format is a class above and a line here.
FORMATS: Mapping[str, Callable[[Sink, bool], Writer]] = {
    "table": TableForPeople,
    "json": lambda sink, _: JsonDocument(sink),
    "jsonl": lambda sink, _: JsonLines(sink),
}
