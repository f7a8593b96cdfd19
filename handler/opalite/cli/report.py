"""`opalite report …`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from opalite.adapters import log_files
from opalite.adapters.row_store import RowStore
from opalite.cli import clock
from opalite.cli.options import PATH
from opalite.cli.sink import Descriptor
from opalite.model import JsonObject, Problem
from opalite.normalize.values import timestamp
from opalite.report import churn as churns
from opalite.report import evaluations as costs
from opalite.report import exemptions as excuses
from opalite.report import history
from opalite.report import time_to_fix as fixes
from opalite.report.row import Row, RowFault, row
from opalite.report.table import tables

F = TypeVar("F", bound=Callable[..., Any])

_STDOUT = 1
_TOLD = 20  # lines about what cannot be read; of a wrong folder that may be every line


def _start(since: str) -> str:
    """Texts of times compare; the empty one is before all."""
    moment = timestamp(since) if since else ""
    if moment is None:
        raise click.BadParameter(f"{since!r} is not a day like 2026-11-01", param_hint="--since")
    return moment


_OPTIONS = (
    click.option("--log", "log", type=PATH, multiple=True, required=True, metavar="PATH",
                 help="Objects of the decision log, or a folder of them; may be repeated."),
    click.option("--since", metavar="DATE", default="", callback=lambda *given: _start(given[2]),
                 help="Count from this day or time on (UTC). What is older in the log only tells how it was before."),
    click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True),
)  # fmt: skip
_top = click.option(
    "--top", type=click.IntRange(1, 10_000), default=20, show_default=True, metavar="N", help="Name so many resources."
)


@dataclass(slots=True)
class _Reading:
    """Lines of the log on their way to rows, and how much of it cannot be read."""

    problems: int = 0

    def rows(self, paths: Sequence[Path]) -> Iterator[Row]:
        for entry in log_files.lines(paths):
            if isinstance(entry, Problem):
                self._tell(entry.source, entry.message)
                continue
            place, line = entry
            try:
                # The same object is the same, wherever it lies.
                yield row(line, Path(place.rpartition(":")[0]).name)
            except RowFault as fault:
                self._tell(place, str(fault))

    def end(self) -> None:
        if self.problems > _TOLD:
            click.echo(f"opalite: error: {self.problems - _TOLD} more lines or files could not be read", err=True)

    def _tell(self, source: str, message: str) -> None:
        self.problems += 1
        if self.problems <= _TOLD:
            text = "".join(letter if letter.isprintable() else "�" for letter in f"{source}: {message}")
            click.echo(f"opalite: error: {text}", err=True)


def _options(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def report() -> None:
    """Count what the decision log tells of a stretch of time.

    Reads copies of the log's objects. Exit codes: 0; 2 misuse, or a part of the log that could not be read (all else is
    counted); 3 the output failed.
    """


@report.command()
@_options
@_top
def churn(log: tuple[Path, ...], since: str, form: str, top: int) -> int:
    """Verdicts that go to and fro, by policy and account, and the resources with most changes.

    \b
    Example:
      opalite report churn --log decisions/ --since 2026-11-01
    """
    with _stored(log) as (store, problems):
        groups = store.grouped(history.KEY, history.ORDER)
        return _told(churns.churn(history.histories(groups), since, top), since, form, problems)


@report.command(name="time-to-fix")
@_options
@_top
def time_to_fix(log: tuple[Path, ...], since: str, form: str, top: int) -> int:
    """How long failures last until they are fixed, and which are open since when.

    \b
    Example:
      opalite report time-to-fix --log decisions/ --since 2026-11-01
    """
    with _stored(log) as (store, problems):
        groups = store.grouped(history.KEY, history.ORDER)
        document = fixes.time_to_fix(history.histories(groups), since, clock.now(), top)
        return _told(document, since, form, problems)


@report.command()
@_options
def exemptions(log: tuple[Path, ...], since: str, form: str) -> int:
    """Exemptions in use: how many resources each excuses now, whose it is, and when it ends.

    \b
    Example:
      opalite report exemptions --log decisions/ --format json | jq '.exemptions[] | select(.seconds_left == 0)'
    """
    with _stored(log) as (store, problems):
        groups = store.grouped(history.KEY, history.ORDER)
        document = excuses.exemptions(history.histories(groups), since, clock.now())
        return _told(document, since, form, problems)


@report.command()
@_options
@click.option(
    "--price", default=costs.PRICE_USD, show_default=True, metavar="USD",
    help="Of one evaluation, as AWS Config charges you: that hangs on the Region and on how many there are.",
)  # fmt: skip
def evaluations(log: tuple[Path, ...], since: str, form: str, price: str) -> int:
    """How many evaluations AWS Config was told, by policy and account, and what they may have cost.

    \b
    Example:
      opalite report evaluations --log decisions/ --since 2026-11-01 --price 0.0008
    """
    each = _price(price)
    with _stored(log) as (store, problems):
        groups = store.grouped(costs.KEY, costs.ORDER)
        return _told(costs.evaluations(groups, since, each), since, form, problems)


@contextmanager
def _stored(log: Sequence[Path]) -> Iterator[tuple[RowStore, int]]:
    reading = _Reading()
    with RowStore(Row._fields) as store:
        store.add(reading.rows(log))
        reading.end()
        yield store, reading.problems


def _price(text: str) -> str:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal(-1)
    if not (price.is_finite() and 0 <= price < 1000):
        raise click.BadParameter(f"{text!r} is no price like 0.001", param_hint="--price")
    return format(price, "f")


def _told(document: JsonObject, since: str, form: str, problems: int) -> int:
    document["since"] = since or None
    document["unreadable"] = problems
    sink = Descriptor(_STDOUT, "standard output")
    if form == "json":
        sink.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    else:
        sink.write((tables(document) + "\n").encode())
    sink.flush()
    return 2 if problems else 0
