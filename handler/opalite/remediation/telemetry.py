"""Logs and metrics of the remediation function: those of the other functions, and what has become of attempts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from aws_lambda_powertools.metrics import MetricUnit

from opalite.config_rule.telemetry import Telemetry
from opalite.errors import OpaliteError
from opalite.remediation import brakes
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result

# Metrics without dimensions of their own; docs/remediation/function.md says what they mean.
COUNTS: Final = ("EventsIgnored", "RemediationsBraked", "RemediationsEarly", "RemediationsOvertaken")
_BRAKES: Final = (brakes.CIRCUIT, brakes.RATE)
_HELD: Final = frozenset({Result.DEFERRED, Result.NOTHING})
_LONGEST_ID: Final = 256


class RemediationTelemetry(Telemetry):
    """Ids, results and counts; reasons and plans stand in the records."""

    def __init__(self, level: str, **more: Any) -> None:
        super().__init__(level, usual="Remediation", **more)
        self._own: Counter[str] = Counter()
        self._attempts: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def invocation(self, request_id: str) -> Iterator[None]:
        """As there."""
        self._own.clear()
        self._attempts.clear()
        with super().invocation(request_id):
            yield

    def of_kind(self, kind: str) -> None:
        """What the invocation is."""
        self._type = kind
        self._log.append_keys(message_type=kind)

    def ignored(self, count: int) -> None:
        """Events that are none of ours, or tell of nothing that is wrong."""
        self._own["EventsIgnored"] += count

    def early(self, attempt: Attempt) -> None:
        """Somebody has asked for an attempt that waits for its time."""
        self._own["RemediationsEarly"] += 1
        self._told("early", attempt)

    def overtaken(self, attempt_id: str) -> None:
        """Somebody else goes on with it."""
        self._own["RemediationsOvertaken"] += 1
        self._log.info("overtaken", attempt_id=attempt_id)

    def attempted(self, before: Attempt | None, attempt: Attempt) -> None:
        """A line for each; counted only if something has come of it now."""
        self._told("attempt", attempt)
        if before is None or (before.result, before.changed_at) != (attempt.result, attempt.changed_at):
            self._attempts[attempt.target.policy_id, str(attempt.result)] += 1
            is_braked = attempt.result in _HELD and attempt.reason.startswith(_BRAKES)
            self._own["RemediationsBraked"] += is_braked

    def failed(self, error: Exception) -> None:
        """One of several things was not done; the others go on."""
        known = isinstance(error, OpaliteError)
        words = str(error) if known else "a fault in Opalite, or an answer of AWS that was not expected"
        self._failed(type(error).__name__, words)

    def _told(self, name: str, attempt: Attempt) -> None:
        target = attempt.target
        self._log.info(
            name,
            attempt_id=attempt.id,
            trigger=str(attempt.trigger.kind),
            policy_id=target.policy_id,
            action=attempt.action,
            mode=str(attempt.mode),
            result=str(attempt.result),
            steps=len(attempt.plan.steps) if attempt.plan else 0,
            applied=len(attempt.applied),
            resource_type=target.resource_type,
            resource_id=target.resource_id[:_LONGEST_ID],
            resource_account_id=target.account_id,
            resource_region=target.region,
        )

    def _write_metrics(self, milliseconds: float) -> None:
        super()._write_metrics(milliseconds)
        self._write({}, {name: (MetricUnit.Count, self._own[name]) for name in COUNTS if self._own[name]})
        for (policy_id, result), count in self._attempts.items():
            self._write({"policy_id": policy_id, "result": result}, {"Attempts": (MetricUnit.Count, count)})
