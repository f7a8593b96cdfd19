"""How much may be changed: counted in the ledger, by all functions together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from opalite.remediation.model import Target
from opalite.remediation.parts import Ledger

LOOKS_PER_HOUR = 2000  # in an account
CIRCUIT, RATE = "circuit open", "rate limit"  # how reasons begin


@dataclass(frozen=True, slots=True)
class Limits:
    """As the guard answers them."""

    per_hour: int  # of a policy in an account
    per_hour_everywhere: int  # of a policy in all accounts
    per_resource_day: int  # the guard itself minds it, by the history
    failures_per_hour: int  # of a policy in an account; then the circuit is open


def held(ledger: Ledger, target: Target, limits: Limits, *, at: str) -> str | None:
    """Why this must not go on now; None if it may, and then it has been counted."""
    local = f"{target.policy_id} in account {target.account_id}"
    failures = ledger.taken(_failures(target), hour=at)
    if failures >= limits.failures_per_hour:
        return f"{CIRCUIT}: {failures} remediations of {local} have failed within the hour"
    if not ledger.take(f"policy/{target.policy_id}/{target.account_id}", limits.per_hour, hour=at):
        return f"{RATE}: {limits.per_hour} remediations an hour of {local}"
    if not ledger.take(f"everywhere/{target.policy_id}", limits.per_hour_everywhere, hour=at):
        return f"{RATE}: {limits.per_hour_everywhere} remediations an hour of {target.policy_id} in all accounts"
    return None


def may_look(ledger: Ledger, target: Target, *, at: str) -> bool:
    """Whether one more resource of the account is read: whoever can make findings must not keep everybody else waiting.

    Asked for new attempts only, and what is beyond is not kept: it would wait in front of the others.
    """
    return ledger.take(f"looks/{target.account_id}", LOOKS_PER_HOUR, hour=at)


def failed(ledger: Ledger, target: Target, *, at: str) -> None:
    """One more for the circuit breaker."""
    ledger.take(_failures(target), 1_000_000, hour=at)


def may_tell(ledger: Ledger, target: Target, limit: int, *, at: str) -> bool:
    """Whether people are told of one more: a bad deployment of hundreds must not send hundreds of messages."""
    return ledger.take(f"told/{target.policy_id}/{target.account_id}", limit, hour=at)


def next_hour(at: str) -> str:
    """When the brakes are released."""
    moment = datetime.fromisoformat(at).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return _text(moment + timedelta(hours=1))


def later(at: str, *, seconds: float = 0, hours: float = 0) -> str:
    """So much after a time."""
    return _text(datetime.fromisoformat(at).astimezone(UTC) + timedelta(seconds=seconds, hours=hours))


def _failures(target: Target) -> str:
    return f"failures/{target.policy_id}/{target.account_id}"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
