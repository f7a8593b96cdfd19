"""One sweep over the accounts: their Config rules, which of them are due, and the word to AWS Config to evaluate these.

AWS Config then invokes the rule's function for each resource, as if it had changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

from opalite.errors import AwsError, DeliveryError
from opalite.ports import Denied, Place
from opalite.sweep.due import Judged, Window, due
from opalite.sweep.event import Sweep

AT_ONCE = 8  # accounts; each is a role to assume and two calls or more
RESERVE_SECONDS = 45.0  # for the accounts that are under way when time runs out, and for handing on the rest
ATTEMPTS = 3  # for an account that fails
_NAMED = 10


class Started(Protocol):
    """What became of the word to AWS Config: names of Config rules."""

    @property
    def started(self) -> Sequence[str]: ...
    @property
    def busy(self) -> Sequence[str]: ...


class Rules(Protocol):
    """The Config rules of an account and a Region. Raises Denied or AwsError."""

    def rules(self, place: Place) -> Sequence[Mapping[str, Any]]: ...
    def start(self, place: Place, names: Sequence[str]) -> Started: ...


@dataclass(slots=True)
class Walked:
    """What one invocation has done."""

    accounts: int = 0
    started: int = 0
    busy: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # account → why
    unreached: tuple[str, ...] = ()


class Walk:
    """Goes from account to account, some at once. `report`: one line of the log by name and fields."""

    def __init__(
        self,
        rules: Rules,
        window: Window,
        judged: Judged,
        *,
        remaining: Callable[[], float],
        report: Callable[..., None],
    ) -> None:
        self._rules = rules
        self._window = window
        self._judged = judged
        self._remaining = remaining
        self._report = report

    def walk(self, places: Sequence[Place]) -> Walked:
        """All of them, or as many as there is time for."""
        walked = Walked()
        under_way: dict[Future[Started | None], str] = {}
        begun = 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for place in places:
                if self._remaining() < RESERVE_SECONDS:
                    break
                begun += 1
                under_way[pool.submit(self._evaluate, place)] = place.account_id
                if len(under_way) >= AT_ONCE:
                    _collect(under_way, walked)
            while under_way:
                _collect(under_way, walked)
        if not begun and places:
            raise DeliveryError("the sweep has no time for a single account: give the function more time")
        walked.unreached = tuple(place.account_id for place in places[begun:])
        return walked

    def _evaluate(self, place: Place) -> Started | None:
        found = due(self._rules.rules(place), place.account_id, self._window, self._judged)
        if not found:
            return None
        done = self._rules.start(place, list(found))
        reasons = sorted({str(reason) for reason in found.values()})
        self._report(
            "started",
            member_account_id=place.account_id,
            config_rules=len(done.started),
            busy=len(done.busy),
            reasons=reasons,
        )
        return done


def hand_on(sweep: Sweep, walked: Walked, send: Callable[[dict[str, Any]], None]) -> None:
    """What is left goes to the next invocation; what has failed too often is told by name."""
    if walked.unreached:
        send(sweep.rest(walked.unreached, failed=False))
    if not walked.failed:
        return
    if sweep.attempt < ATTEMPTS:
        send(sweep.rest(tuple(sorted(walked.failed)), failed=True))
        return
    named = "; ".join(f"{account}: {why}" for account, why in sorted(walked.failed.items())[:_NAMED])
    more = f" (+{len(walked.failed) - _NAMED} more)" if len(walked.failed) > _NAMED else ""
    raise DeliveryError(f"Config rules were not evaluated anew in {len(walked.failed)} accounts: {named}{more}")


def _collect(under_way: dict[Future[Started | None], str], walked: Walked) -> None:
    finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in finished:
        account = under_way.pop(future)
        walked.accounts += 1
        try:
            done = future.result()
        except (Denied, AwsError) as error:
            walked.failed[account] = str(error)
            continue
        if done is not None:
            walked.started += len(done.started)
            walked.busy += len(done.busy)
