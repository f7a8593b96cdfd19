"""What a deployment has to do and what it costs, by its size: `python benchmarks/scale.py --accounts 1000 --resources 500`.

Formulas over assumptions, no measurement: put your own numbers in. docs/operators.md shows the tables of the defaults.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from scale_cost import MONTH, monthly
from scale_load import QUEUE_HOURS, Assumptions, Layout, Load, assumed, load

ACCOUNTS = (10, 1_000, 10_000)
MILLION = 1e6
_MEGA = 1e6

Row = tuple[str, Callable[[Load], float]]
ROWS: tuple[Row, ...] = (
    ("changes in a day", lambda it: it.changes),
    ("events for the function in a day", lambda it: it.events),
    ("evaluations in a day", lambda it: it.evaluations),
    ("decisions in a day", lambda it: it.decisions),
    ("events of changes in a second, at the peak", lambda it: it.change_events_at_peak),
    ("events of the sweep in a second", lambda it: it.sweep_events_at_peak),
    ("sandboxes at once, every day", lambda it: it.sandboxes_at_peak),
    (f"sandboxes to be through in {QUEUE_HOURS} hours after a new layer", lambda it: it.sandboxes_for_a_new_layer),
    ("PutEvaluations in a day", lambda it: it.put_evaluations),
    ("BatchImportFindings in a day", lambda it: it.imports),
    ("first day of findings, seconds for each account", lambda it: it.seconds_of_first_imports),
    ("one schedule of a Config rule, seconds (at most 900)", lambda it: it.seconds_of_a_schedule),
    ("DynamoDB: units written in a day", lambda it: it.writes),
    ("S3: objects in a day", lambda it: it.objects),
    ("STS: sessions in a day, at most", lambda it: it.role_sessions_at_most),
    ("CloudWatch: MB of logs in a day", lambda it: it.log_bytes / _MEGA),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=float, nargs="+", default=list(ACCOUNTS), metavar="N")
    for name, default, text in assumed():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=default, metavar="N", help=f"{text} ({default:g})")
    options = vars(parser.parse_args())
    accounts = options.pop("accounts")
    refuse = [name for name, value in options.items() if value < 0]
    if refuse or min(accounts) <= 0 or not options["sweep_hours"] or not options["refresh_days"]:
        parser.error("numbers are positive; only shares and what happens in a day may be 0")
    print(report(Assumptions(**options), accounts))


def report(given: Assumptions, accounts: Sequence[float]) -> str:
    """Four tables in Markdown."""
    tables = (assumptions(given), loads(given, accounts), costs(given, accounts), per_million(given))
    return "\n\n".join("\n".join(lines) for lines in tables)


def assumptions(given: Assumptions) -> Iterator[str]:
    yield "| option | assumption | |"
    yield "|---|---|--:|"
    for name, _, text in assumed():
        yield f"| `--{name.replace('_', '-')}` | {text} | {getattr(given, name):g} |"


def loads(given: Assumptions, accounts: Sequence[float]) -> Iterator[str]:
    columns = [load(given, count, layout) for count in accounts for layout in Layout]
    yield from head("", accounts)
    for name, value in ROWS:
        yield line(name, [value(column) for column in columns])


def costs(given: Assumptions, accounts: Sequence[float]) -> Iterator[str]:
    columns = [monthly(given, load(given, count, layout)) for count in accounts for layout in Layout]
    yield from head("USD in a month", accounts)
    for name in columns[0]:
        yield line(name, [column[name] for column in columns])
    yield line("**together**", [sum(column.values()) for column in columns])


def per_million(given: Assumptions) -> Iterator[str]:
    """Changes alone: neither schedules nor sweeps, nor what a stack costs by itself."""
    alone = replace(given, schedules=0, sweeps=0, resources=MILLION / MONTH, changes=1, failing=0)
    columns = [monthly(alone, load(alone, 1, layout)) for layout in Layout]
    yield "| USD for a million changes | " + " | ".join(Layout) + " |"
    yield "|---|" + "--:|" * len(columns)
    for name in columns[0]:
        if "dashboard" not in name:
            yield line(name, [column[name] for column in columns])


def head(name: str, accounts: Sequence[float]) -> Iterator[str]:
    names = [f"{count:,.0f}, {layout}" for count in accounts for layout in Layout]
    yield f"| {name} | " + " | ".join(names) + " |"
    yield "|---|" + "--:|" * len(names)


def line(name: str, values: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(map(short, values)) + " |"


def short(value: float) -> str:
    """Two digits that count: more would be a promise."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 or rounded == int(rounded) else f"{rounded:g}"


if __name__ == "__main__":
    main()
