"""One invocation of the remediation function, from the event to what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import ceil
from typing import Any

from opalite.catalog import Catalog
from opalite.config_rule.parts import Context, Remaining
from opalite.errors import AwsError, DeliveryError, InvocationError
from opalite.ports import Absent, Denied, Members, Place
from opalite.remediation.attempt import Attempt, attempt_id
from opalite.remediation.environment import Environment
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Request, Result, Trigger, TriggerKind
from opalite.remediation.parts import Overtaken, Parts
from opalite.remediation.reports import Seen
from opalite.remediation.telemetry import RemediationTelemetry
from opalite.remediation.telling import tell
from opalite.remediation.triggers import Advance, Ask, Due, Expire, Message, Run, Triggers, Undo, Work
from opalite.remediation.undoing import undo
from opalite.trust import Refusal

BEGIN_SECONDS = (
    90.0  # with less left nothing new is begun: it takes a plan, its steps, and looking whether they have helped
)
# Of the state machine: as often as that it may look, and so long it may sleep.
SHORTEST_WAIT, LONGEST_WAIT = 15, 86_400
_UNKNOWN_WAIT = 300

_FUNCTION_ARN = re.compile(r"arn:(aws[a-z-]*):lambda:([a-z0-9-]+):([0-9]{12}):function:.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionParts:
    """What the function is made of. `begin`: told the id of the attempt that comes next."""

    environment: Environment
    catalog: Catalog
    parts: Parts
    members: Members
    telemetry: RemediationTelemetry
    remaining: Remaining
    begin: Callable[[str], None]
    renew: Callable[[], None]
    known_as: Callable[[str, str], Any]


class Function:
    """Serves one invocation after the other; what it keeps between them are caches."""

    def __init__(self, parts: FunctionParts) -> None:
        self._own = parts
        self._parts = parts.parts
        self._ledger = parts.parts.ledger
        self._remediation = Remediation(parts.parts)
        self._telemetry = parts.telemetry

    def handle(self, event: Any, context: Context) -> dict[str, Any]:
        """What was done; of a queue, the messages that are to come again.

        Raises what keeps from it, so that whoever has invoked the function tries again.
        """
        self._own.remaining.begin(context)
        with self._telemetry.invocation(context.aws_request_id):
            home = self._home(context)
            self._own.renew()
            triggers = Triggers(home, self._applying)
            try:
                work = triggers.parse(event, request_id=context.aws_request_id, at=self._parts.now())
            except InvocationError:
                self._telemetry.refused(Refusal.EVENT)
                raise
            if isinstance(work, tuple):
                return self._of_the_queue(triggers, work, home)
            return self._served(work, home)

    def _of_the_queue(self, triggers: Triggers, messages: tuple[Message, ...], home: Place) -> dict[str, Any]:
        """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: those named come again."""
        self._telemetry.of_kind("Queue")
        failed = []
        for message in messages:
            try:
                self._in_time()
                self._served(triggers.message(message), home)
            except Exception as error:  # noqa: BLE001 - of one message: the others must not come again for it
                self._telemetry.failed(error)
                failed.append({"itemIdentifier": message.message_id})
        return {"batchItemFailures": failed}

    def _served(self, work: Work, home: Place) -> dict[str, Any]:
        self._telemetry.of_kind(type(work).__name__)
        match work:
            case Seen():
                self._telemetry.ignored(work.ignored)
                asked = [one for one in work.requests if self._is_ours(one, work.account_id, home)]
                tasks = [partial(self._considered, request) for request in asked]
                return self._several([*tasks, *(partial(self._not_believed, fault) for fault in work.faults)])
            case Due():
                return self._several([partial(self._gone_on, one) for one in self._ledger.due(self._parts.now())])
            case Run():
                if not self._is_ours(work.request, home.account_id, home):
                    return {"refused": str(Refusal.ACCOUNT)}
                attempt = self._considered(work.request)
            case Advance():
                attempt = self._advanced(work)
            case Ask():
                attempt = self._asked(work)
            case Undo():
                attempt = self._undone(self._known(work.attempt_id))
            case Expire():
                attempt = self._through(work.attempt_id, lambda: self._remediation.expire(work.attempt_id))
        return _answer(attempt, self._parts.now())

    def _several(self, tasks: Sequence[Callable[[], Attempt]]) -> dict[str, Any]:
        """All are tried; what kept from the first that was not done is raised in the end."""
        done: list[Attempt] = []
        errors: list[Exception] = []
        for task in tasks:
            try:
                self._in_time()
                done.append(task())
            except Exception as error:  # noqa: BLE001 - one of several: it is raised below
                errors.append(error)
        for other in errors[1:]:
            self._telemetry.failed(other)
        if errors:
            raise errors[0]
        return {"attempts": [_answer(one, self._parts.now()) for one in done]}

    def _not_believed(self, fault: InvocationError) -> Attempt:
        """One finding of several."""
        self._telemetry.refused(Refusal.EVENT)
        raise fault

    def _considered(self, request: Request) -> Attempt:
        """What is noted on a finding comes back as an event: an attempt that waits for its time is left alone."""
        name = attempt_id(request.target, request.trigger.event_id)
        known = self._ledger.load(name)
        if known is not None and self._is_early(known):
            return self._left_alone(known)
        return self._through(name, lambda: self._remediation.consider(request), known)

    def _gone_on(self, name: str) -> Attempt:
        known = self._known(name)
        if self._is_early(known):
            return self._left_alone(known)
        return self._through(name, lambda: self._remediation.go_on(name), known)

    def _advanced(self, work: Advance) -> Attempt:
        if work.signed is None:
            return self._gone_on(work.attempt_id)
        signed, known = work.signed, self._known(work.attempt_id)
        return self._through(known.id, lambda: self._remediation.approve(known.id, signed), known)

    def _asked(self, work: Ask) -> Attempt:
        """The token is kept where whoever approves finds it."""
        known = self._known(work.attempt_id)
        if known.result is not Result.WAITING or known.approval is None:
            raise InvocationError(f"attempt {known.id} waits for no approval: it is {known.result}")
        try:
            return self._ledger.save(replace(known, approval=replace(known.approval, token=work.token)))
        except Overtaken as overtaken:
            raise AwsError(f"{overtaken}: the token of the state machine was not kept, ask again") from None

    def _undone(self, known: Attempt) -> Attempt:
        """By the role of the action, too. Where AWS takes longer than the invocation it has failed, and goes on if asked again."""
        if known.action not in self._parts.actions:
            raise InvocationError(f"attempt {known.id}: there is no action {known.action or 'at all'} to take back")
        trigger = Trigger(kind=TriggerKind.COMMAND, event_id=f"undo/{known.id}", at=self._parts.now())
        return self._through(known.id, lambda: undo(self._parts, known, trigger))

    def _known(self, name: str) -> Attempt:
        known = self._ledger.load(name)
        if known is None:
            raise InvocationError(f"there is no attempt {name}")
        return known

    def _through(self, name: str, go: Callable[[], Attempt], before: Attempt | None = None) -> Attempt:
        """What the flow makes of it, in sessions of its own, and told."""
        self._own.begin(name)
        try:
            attempt = go()
        except Overtaken:
            self._telemetry.overtaken(name)
            return self._known(name)
        except (Denied, Absent) as refusal:
            raise AwsError(f"attempt {name}: {refusal}") from None
        self._telemetry.attempted(before, attempt)
        return attempt

    def _is_early(self, attempt: Attempt) -> bool:
        if not attempt.is_open or attempt.result is Result.WAITING or attempt.due_at is None:
            return False
        return _seconds(self._parts.now(), attempt.due_at) > 0

    def _left_alone(self, attempt: Attempt) -> Attempt:
        """Nothing is done before its time, but what was not told yet is. Who is at it at this moment is not disturbed."""
        self._telemetry.early(attempt)
        if attempt.result is not Result.DEFERRED:
            return attempt
        return self._through(attempt.id, lambda: tell(self._parts, attempt), attempt)

    def _is_ours(self, request: Request, speaker: str, home: Place) -> bool:
        """Whether the account may speak of the resource, and the resource is one of ours."""
        account, allowed = request.target.account_id, self._own.environment.accounts
        is_ours = speaker in (account, home.account_id) and (
            account == home.account_id
            or (self._own.members.is_member(account) if allowed is None else account in allowed)
        )
        if not is_ours:
            self._telemetry.refused(Refusal.ACCOUNT)
        return is_ours

    def _in_time(self) -> None:
        if self._own.remaining() < BEGIN_SECONDS:
            raise DeliveryError("no time was left to begin with it: it comes again")

    def _applying(self, resource_type: str) -> list[str]:
        catalog = self._own.catalog
        return [one for one in catalog.applying_to(resource_type, None) if one not in catalog.idle]

    def _home(self, context: Context) -> Place:
        parts = _FUNCTION_ARN.fullmatch(context.invoked_function_arn)
        if parts is None:
            raise InvocationError("the function's own ARN does not tell its account")
        self._own.known_as(parts[3], parts[1])
        return Place(parts[1], parts[3], parts[2])


def _answer(attempt: Attempt, at: str) -> dict[str, Any]:
    """For whoever waits. Numbers are those of the state machine; None where there is nothing to wait for."""
    wait, approval = None, None
    if attempt.result is Result.WAITING:
        expires = attempt.approval.expires if attempt.approval else at
        approval = max(1, ceil(_seconds(at, expires)))
    elif attempt.is_open:
        seconds = ceil(_seconds(at, attempt.due_at)) if attempt.due_at else _UNKNOWN_WAIT
        wait = min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
    return {
        "attempt": attempt.id,
        "result": str(attempt.result),
        "wait_seconds": wait,
        "approval_seconds": approval,
    }


def _seconds(at: str, until: str) -> float:
    return (datetime.fromisoformat(until) - datetime.fromisoformat(at)).total_seconds()
