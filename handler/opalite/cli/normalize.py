"""`opalite normalize`."""

from __future__ import annotations

import click

from opalite import decide
from opalite.cli.progress import Reporter
from opalite.cli.sink import Descriptor
from opalite.errors import NormalizationError
from opalite.model import Item, Problem
from opalite.normalize import resource as normalized

_STDOUT = 1


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…|-")
def normalize(paths: tuple[str, ...]) -> int:
    """Print the policy input that each configuration item becomes (JSON Lines).

    \b
    Example:
      opalite normalize item.json | opa eval -b policies -b data --stdin-input data.opalite.decision.results
    """
    unreadable = 0
    sink = Descriptor(_STDOUT, "standard output")
    with Reporter(paths) as reporter:
        for entry in reporter.items():
            if isinstance(entry, Item):
                try:
                    resource = normalized(entry)
                    at = resource.notified_at or resource.capture_time or "1970-01-01T00:00:00.000Z"
                    sink.write(decide.question(resource, at, (), selected=False).body() + b"\n")
                except NormalizationError as error:
                    unreadable += 1
                    reporter.say("error", f"{entry.source}: {error}")
            else:
                unreadable += isinstance(entry, Problem)
                reporter.say("error" if isinstance(entry, Problem) else "notice", f"{entry.source}: {entry.message}")
        sink.flush()
    return 2 if unreadable else 0
