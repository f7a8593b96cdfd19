"""What the schedule hands over → one sweep. Pure.

An event of EventBridge has `time`. What a sweep has not reached it hands on to the next invocation in the same form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from opalite.errors import InvocationError
from opalite.normalize.values import timestamp
from opalite.sweep.due import Window

# Schedules are not punctual to the second. What lies in the windows of two sweeps is done twice; what lies between them, never.
OVERLAP = timedelta(minutes=10)

_SWITCHES = {"everything": False, "findings": False, "rules": True}
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Sweep:
    """`accounts`: those that are left; None for all. `everything`: policies or settings may be other ones.

    `findings`: those of policies that are not asked any more are to be ended, as they are with `everything`. `rules`: False where
    that is all there is to do.
    """

    at: str  # RFC 3339
    everything: bool = False
    accounts: tuple[str, ...] | None = None
    attempt: int = 1
    findings: bool = False
    rules: bool = True

    def window(self, hours: int) -> Window:
        """What lies between this sweep and the one before. Raises InvocationError."""
        try:
            start = datetime.fromisoformat(self.at) - timedelta(hours=hours) - OVERLAP
        except OverflowError:
            raise InvocationError("the event's `time` lies before all time: what has changed since when?") from None
        return Window(str(timestamp(start.isoformat())), self.at)

    def rest(self, accounts: tuple[str, ...], *, failed: bool) -> dict[str, Any]:
        """The event that goes on with other accounts."""
        attempt = self.attempt + 1 if failed else self.attempt
        told = {"time": self.at, "everything": self.everything, "accounts": list(accounts), "attempt": attempt}
        return told | ({"findings": True} if self.findings else {}) | ({} if self.rules else {"rules": False})

    def of_findings(self) -> Sweep:
        """What is left of it when its Config rules have been seen to."""
        return self if not self.rules else replace(self, accounts=None, findings=True, rules=False)


def parse(event: Any) -> Sweep:
    """Raises InvocationError."""
    if not isinstance(event, dict):
        raise InvocationError("the event is no object: expected one of EventBridge's schedule, with its `time`")
    at = timestamp(event.get("time"))
    if at is None:
        raise InvocationError("the event has no `time` like 2026-11-29T04:00:00Z: what has changed since when?")
    accounts, attempt = event.get("accounts"), event.get("attempt", 1)
    switches = {name: event.get(name, preset) for name, preset in _SWITCHES.items()}
    for name, value in switches.items():
        if not isinstance(value, bool):
            raise InvocationError(f"{name}: expected true or false")
    if accounts is not None and not (
        isinstance(accounts, list) and all(isinstance(entry, str) and _ACCOUNT.fullmatch(entry) for entry in accounts)
    ):
        raise InvocationError("accounts: expected an array of texts of 12 digits")
    if type(attempt) is not int or attempt < 1:
        raise InvocationError("attempt: expected a whole number from 1")
    return Sweep(at, accounts=None if accounts is None else tuple(dict.fromkeys(accounts)), attempt=attempt, **switches)
