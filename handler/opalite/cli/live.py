"""`--live`: from the options to a source of facts. boto3 is loaded here, and only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from opalite.cli import clock
from opalite.errors import UsageError
from opalite.ports import Facts

# A run is short: what AWS has said once stands until its end, so that all of its decisions are of the same facts.
_SECONDS = 24 * 3600


class Live(NamedTuple):
    """AWS as a source of facts, and what was asked of it so far."""

    facts: Facts
    kinds: frozenset[str]
    calls: Callable[[], Mapping[str, int]]
    stop: Callable[[], None]  # nobody waits for AWS any more

    def notice(self) -> str:
        """How often AWS was called, and by which operations."""
        counts = self.calls()
        total = sum(counts.values())
        if not total:
            return "no AWS call was needed"
        shown = ", ".join(f"{name} {count}" for name, count in counts.items())
        return f"{total} AWS call{'s' if total > 1 else ''}: {shown}"


def live(*, wanted: bool, role: str | None, given: bool) -> Live | None:
    """The source for `--live`, with `--live-role`; None without it. `given`: whether there is `--facts`."""
    if not wanted:
        if role is not None:
            raise UsageError("--live-role says how to ask AWS, which only --live does")
        return None
    if given:
        raise UsageError("--facts and --live are two sources of the same: give one of them")
    from opalite.adapters.aws.sessions import AwsSessions  # noqa: PLC0415 - boto3 takes half a second
    from opalite.facts.live import KINDS, LiveFacts  # noqa: PLC0415

    sessions = AwsSessions(_now, role=role)
    facts = LiveFacts(sessions, _now, seconds=_SECONDS)
    return Live(facts, KINDS, sessions.calls.counts, facts.stop)


def _now() -> datetime:
    return datetime.fromisoformat(clock.now())
