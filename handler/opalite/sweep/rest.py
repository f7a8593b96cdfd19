"""What one invocation of a sweep leaves to the next: the accounts that it did not reach, and those that failed.

It ends: accounts that were not reached get fewer with each invocation, and those that failed have so many attempts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from opalite.errors import DeliveryError
from opalite.sweep.event import Sweep

ATTEMPTS = 3  # for an account that fails
ACCOUNTS_PER_EVENT = 10_000  # some 150 KB
_NAMED = 10
_UNDONE = "Config rules were not evaluated anew"
_UNENDED = "findings of policies that are not asked any more were not ended"


def hand_on(
    sweep: Sweep, unreached: Sequence[str], failed: Mapping[str, str], send: Callable[[dict[str, Any]], None]
) -> None:
    """Send events for what is left. `failed`: why, by account. Raises DeliveryError for what has failed too often.

    Lambda repeats the event of an invocation that raises, and keeps it in the end. So that nothing else is repeated and kept,
    only that of an event which holds nothing but the failed accounts; others hand them on to one that does.
    """
    for accounts in _parts(unreached):
        send(sweep.rest(accounts, failed=False))
    if not failed:
        return
    if sweep.attempt >= ATTEMPTS and sweep.accounts is not None and failed.keys() == set(sweep.accounts):
        raise DeliveryError(_told(failed, _UNDONE if sweep.rules else _UNENDED))
    for accounts in _parts(sorted(failed)):
        send(sweep.rest(accounts, failed=True))


def _parts(accounts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(accounts), ACCOUNTS_PER_EVENT):
        yield tuple(accounts[first : first + ACCOUNTS_PER_EVENT])


def _told(failed: Mapping[str, str], what: str) -> str:
    named = "; ".join(f"{account}: {why}" for account, why in sorted(failed.items())[:_NAMED])
    more = f" (+{len(failed) - _NAMED} more)" if len(failed) > _NAMED else ""
    return f"{what} in {len(failed)} accounts: {named}{more}"
