"""One sweep over the accounts: their Config rules, which of them are due, and the word to AWS Config to evaluate these.

AWS Config then invokes the rule's function for each resource, as if it had changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Denied, Place
from opalite.sweep.due import EVALUATING, Judged, Reason, due, ours

AT_ONCE = 8  # accounts; each is a role to assume and two calls or more
RESERVE_SECONDS = 45.0  # with less left, no further account is begun
HAND_ON_SECONDS = 15.0  # with less left, what is under way is not waited for any longer: the rest must be handed on
# https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html: not while an evaluation is in
# progress, nor more than once a minute.
BUSY_SECONDS = 61.0
BUSY_ROUNDS = 10
_LONGEST_WAIT = 900.0  # seconds that an invocation of Lambda may take
_NAMED = 3  # Config rules in one message


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was done in one account."""

    rules: int = 0  # that are ours
    due: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    started: int = 0
    busy: tuple[str, ...] = ()


@dataclass(slots=True)
class Walked:
    """What one invocation has done."""

    accounts: int = 0
    rules: int = 0  # that are ours
    started: int = 0
    busy: dict[Place, tuple[str, ...]] = field(default_factory=dict)  # their Config rules that are not started yet
    failed: dict[str, str] = field(default_factory=dict)  # account → why
    unreached: tuple[str, ...] = ()


class Walk:
    """Goes from account to account, some at once. `report`: one line of the log by name and fields."""

    def __init__(
        self,
        rules: Rules,
        judged: Judged,
        *,
        remaining: Callable[[], float],
        sleep: Callable[[float], None],
        report: Callable[..., None],
    ) -> None:
        self._rules = rules
        self._judged = judged
        self._remaining = remaining
        self._sleep = sleep
        self._report = report

    def walk(self, places: Sequence[Place]) -> Walked:
        """All of them, or as many as there is time for. What fails or stays busy in an account is in `failed`."""
        walked = Walked(accounts=len(places))
        left = self._each(places, self._evaluate, walked)
        if left and len(left) == len(places):
            raise DeliveryError("the sweep has no time for a single account: give the function more time")
        walked.unreached = tuple(place.account_id for place in left)
        walked.accounts -= len(left)
        self._start_the_busy(walked)
        for place, names in walked.busy.items():
            more = f" (+{len(names) - _NAMED} more)" if len(names) > _NAMED else ""
            why = f"AWS Config is still evaluating {', '.join(names[:_NAMED])}{more}, or throttles"
            walked.failed.setdefault(place.account_id, why)
        for account, why in sorted(walked.failed.items()):
            self._report("account failed", member_account_id=account, reason=why)
        return walked

    def _start_the_busy(self, walked: Walked) -> None:
        """What is being evaluated may have been judged as of before the change, so it is not enough."""
        for _ in range(BUSY_ROUNDS):
            if not walked.busy or self._remaining() < BUSY_SECONDS + RESERVE_SECONDS:
                return
            self._sleep(BUSY_SECONDS)
            waiting, walked.busy = walked.busy, {}
            left = self._each(list(waiting), partial(self._again, waiting), walked)
            walked.busy |= {place: waiting[place] for place in left}

    def _each(self, places: Sequence[Place], work: Callable[[Place], _Asked], walked: Walked) -> Sequence[Place]:
        """Do it everywhere; those that there was no time to begin with."""
        under_way: dict[Future[_Asked], Place] = {}
        begun = 0
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            while under_way or begun < len(places):
                while begun < len(places) and len(under_way) < AT_ONCE and self._remaining() >= RESERVE_SECONDS:
                    under_way[pool.submit(work, places[begun])] = places[begun]
                    begun += 1
                if not under_way or not self._collect(under_way, walked):
                    break
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever hangs must not keep us from handing on
        for place in under_way.values():
            walked.failed[place.account_id] = "AWS did not answer in time"
        return places[begun:]

    def _collect(self, under_way: dict[Future[_Asked], Place], walked: Walked) -> bool:
        """Wait for the next to finish; False if there is no time for that."""
        patience = min(self._remaining() - HAND_ON_SECONDS, _LONGEST_WAIT)
        finished, _ = wait(under_way, max(patience, 0.0), FIRST_COMPLETED)
        for future in finished:
            place = under_way.pop(future)
            try:
                self._note(place, future.result(), walked)
            except Absent as error:
                walked.failed[place.account_id] = f"AWS Config answers {error}"
            except (Denied, AwsError) as error:
                walked.failed[place.account_id] = str(error)
        return bool(finished)

    def _note(self, place: Place, asked: _Asked, walked: Walked) -> None:
        walked.rules += asked.rules
        walked.started += asked.started
        if asked.busy:
            walked.busy[place] = asked.busy
        if asked.due:
            self._report(
                "started",
                member_account_id=place.account_id,
                config_rules=asked.started,
                busy=len(asked.busy),
                reasons=[str(reason) for reason in asked.reasons],
            )

    def _evaluate(self, place: Place) -> _Asked:
        own = ours(self._rules.rules(place), place, self._judged)
        found = due(own, place, self._judged)
        evaluating = {rule["ConfigRuleName"] for rule in own if rule.get("ConfigRuleState") == EVALUATING}
        asked = self._start(place, [name for name in found if name not in evaluating])
        busy = (*asked.busy, *(name for name in found if name in evaluating))
        return _Asked(len(own), tuple(found), tuple(sorted(set(found.values()))), asked.started, busy)

    def _again(self, waiting: Mapping[Place, Sequence[str]], place: Place) -> _Asked:
        return self._start(place, waiting[place])

    def _start(self, place: Place, names: Sequence[str]) -> _Asked:
        if not names:
            return _Asked()
        told = self._rules.start(place, names)
        return _Asked(due=tuple(names), started=len(told.started), busy=tuple(told.busy))
