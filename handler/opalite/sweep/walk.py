"""One sweep over the accounts: their Config rules, which of them are due, and the word to AWS Config to evaluate these.

AWS Config then invokes the rule's function for each resource, as if it had changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from opalite.errors import DeliveryError
from opalite.ports import Place
from opalite.sweep.at_once import RESERVE_SECONDS, AtOnce
from opalite.sweep.due import EVALUATING, Judged, Reason, due, ours

# https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html: not while an evaluation is in
# progress, nor more than once a minute.
BUSY_SECONDS = 61.0
BUSY_ROUNDS = 10
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


class Findings(Protocol):
    """Findings of an account and a Region that nobody decides about any more. Raises Denied, AwsError or DeliveryError."""

    def end(self, place: Place) -> int: ...


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
    ended: int = 0  # findings
    # Account → why findings were not ended there; those in `failed` left out, which are done anew altogether.
    unended: dict[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()  # accounts that were reached, but not their findings


class Walk:
    """Goes from account to account, some at once. `report`: one line of the log by name and fields.

    `findings`: None where none are to be ended. `with_rules`: False where that is all there is to do.
    """

    def __init__(
        self,
        rules: Rules,
        judged: Judged,
        *,
        remaining: Callable[[], float],
        sleep: Callable[[float], None],
        report: Callable[..., None],
        findings: Findings | None = None,
        with_rules: bool = True,
    ) -> None:
        self._findings = findings
        self._with_rules = with_rules
        self._rules = rules
        self._judged = judged
        self._remaining = remaining
        self._sleep = sleep
        self._report = report

    def walk(self, places: Sequence[Place]) -> Walked:
        """All of them, or as many as there is time for. What fails or stays busy in an account is in `failed`."""
        walked = Walked(accounts=len(places))
        left: Sequence[Place] = ()
        if self._with_rules:
            left = self._each(places, self._evaluate, walked)
            _check_begun(places, left)
        walked.unreached = tuple(place.account_id for place in left)
        walked.accounts -= len(left)
        if self._findings is not None:
            reached = places[: walked.accounts]
            left = self._end_findings(reached, self._findings, walked)
            if not self._with_rules:
                _check_begun(reached, left)
            walked.unseen = tuple(place.account_id for place in left)
        self._start_the_busy(walked)
        for place, names in walked.busy.items():
            more = f" (+{len(names) - _NAMED} more)" if len(names) > _NAMED else ""
            why = f"AWS Config is still evaluating {', '.join(names[:_NAMED])}{more}, or throttles"
            walked.failed.setdefault(place.account_id, why)
        # Whoever goes on with an account that failed ends its findings, too.
        walked.unended = {account: why for account, why in walked.unended.items() if account not in walked.failed}
        walked.unseen = tuple(account for account in walked.unseen if account not in walked.failed)
        for account, why in sorted(walked.failed.items()):
            self._report("account failed", member_account_id=account, reason=why)
        for account, why in sorted(walked.unended.items()):
            self._report("findings not ended", member_account_id=account, reason=why)
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
        return AtOnce(work, partial(self._note, walked), walked.failed, self._remaining).each(places)

    def _end_findings(self, places: Sequence[Place], findings: Findings, walked: Walked) -> Sequence[Place]:
        def note(place: Place, ended: int) -> None:
            walked.ended += ended
            if ended:
                self._report("ended", member_account_id=place.account_id, findings=ended)

        return AtOnce(findings.end, note, walked.unended, self._remaining).each(places)

    def _note(self, walked: Walked, place: Place, asked: _Asked) -> None:
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


def _check_begun(places: Sequence[Place], left: Sequence[Place]) -> None:
    """Who hands on all that he was given would never end."""
    if left and len(left) == len(places):
        raise DeliveryError("the sweep has no time for a single account: give the function more time")
