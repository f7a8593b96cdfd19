"""How much may be changed: counted in the ledger, by all functions together."""

from __future__ import annotations

from collections.abc import Iterator
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
    """Why this must not go on now; None if it may. Nothing is counted: it may have to wait for something else."""
    failures = ledger.taken(_failures(target), hour=at)
    if failures >= limits.failures_per_hour:
        local = f"{target.policy_id} in account {target.account_id}"
        return f"{CIRCUIT}: {failures} remediations of {local} have failed within the hour"
    return next((said for name, limit, said in _rates(target, limits) if ledger.taken(name, hour=at) >= limit), None)


def counted(ledger: Ledger, target: Target, limits: Limits, *, at: str) -> str | None:
    """Why this must not go on after all, others having been faster; None if it may, and then it is counted."""
    return next((said for name, limit, said in _rates(target, limits) if not ledger.take(name, limit, hour=at)), None)


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


def _rates(target: Target, limits: Limits) -> Iterator[tuple[str, int, str]]:
    """By name of a counter: how many, and what is said beyond. The account's own first: its flood costs nobody else a count."""
    policy, account = target.policy_id, target.account_id
    here, everywhere = limits.per_hour, limits.per_hour_everywhere
    yield f"policy/{policy}/{account}", here, f"{RATE}: {here} remediations an hour of {policy} in account {account}"
    yield f"everywhere/{policy}", everywhere, f"{RATE}: {everywhere} remediations an hour of {policy} in all accounts"


def _failures(target: Target) -> str:
    return f"failures/{target.policy_id}/{target.account_id}"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
