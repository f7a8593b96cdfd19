"""A plan → changes, verified; what could not be finished is taken back, as far as that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from opalite.errors import AwsError, DecisionError, EngineError, NormalizationError
from opalite.model import JsonObject, Outcome
from opalite.ports import Absent, Denied
from opalite.remediation import brakes
from opalite.remediation.action import Action, Ask, Found
from opalite.remediation.applying import Applied, StepError, apply
from opalite.remediation.attempt import Attempt, judgement, written
from opalite.remediation.deciding import Decided, decide
from opalite.remediation.model import OUTPUT, Call, Plan, Result, State, Step, Target, digest
from opalite.remediation.parts import Ledger, Parts
from opalite.remediation.taking_back import RESERVE_SECONDS, taken_back

_LOOKS = 4  # until what was written can be read
_LOOK_SECONDS = 2.0
_RETRIES = 3
_LONGEST_HOURS = 48
_RETRY_SECONDS = 300.0
_GRACE_SECONDS = 3600.0  # beyond what AWS was to take, before somebody else may touch the resource


def carry_out(parts: Parts, attempt: Attempt) -> Attempt:
    """All that is still to be done of the attempt's plan. The resource is ours; it is given back unless more is to come.

    Gives an attempt that is kept in the ledger. Raises AwsError where the ledger, or the record beforehand, cannot be written:
    then nothing more was done, and whoever comes next goes on.
    """
    done = _CarryingOut(parts, attempt).all()
    if not done.is_open:
        for key in done.locks:
            parts.ledger.unlock(key, done.id)
    return done


def locked(ledger: Ledger, attempt: Attempt, *, until: str) -> str | None:
    """None once everything that the attempt needs for itself is its own; else who has some of it, and then none is kept."""
    for number, key in enumerate(attempt.locks):
        holder = ledger.lock(key, attempt.id, until=until)
        if holder is not None:
            for taken in attempt.locks[:number]:
                ledger.unlock(taken, attempt.id)
            return holder
    return None


class _CarryingOut:
    def __init__(self, parts: Parts, attempt: Attempt) -> None:
        self._parts = parts
        self._attempt = attempt
        self._action: Action = parts.actions[attempt.action]
        self._ask: Ask = parts.ask(self._action, attempt.target)

    def all(self) -> Attempt:
        """As far as it goes now."""
        plan = self._attempt.plan
        if plan is None:
            return self._ended(Result.FAILED, "there is no plan")
        if self._parts.remaining() < RESERVE_SECONDS:
            return self._deferred("there is no time left now", 1.0)
        if self._attempt.has_changed_something:
            try:
                return self._applied(plan, self._left(plan))
            except _HindranceError as hindrance:
                return self._failed(str(hindrance))
        # The state before must be on record: without it nothing is changed.
        self._attempt = replace(self._attempt, started_at=self._parts.now())
        self._parts.records.put(self._attempt, written(self._attempt))
        return self._applied(plan, plan.steps)

    def _applied(self, plan: Plan, steps: Sequence[Step]) -> Attempt:
        try:
            seconds = apply(self._ask, steps, self._attempt.steps_done, self._note)
        except StepError as error:
            return self._stuck(error)
        except AwsError as error:  # of a look at what goes on
            return self._again(str(error))
        if seconds is None:
            return self._verified(plan)
        if self._is_too_long():
            return self._failed(f"AWS has not finished within {_LONGEST_HOURS} hours")
        return self._deferred("AWS is still at it", float(seconds))

    def _is_too_long(self) -> bool:
        began = self._attempt.started_at
        return began is not None and brakes.later(began, hours=_LONGEST_HOURS) < self._parts.now()

    def _note(self, one: Applied) -> None:
        self._attempt = self._parts.ledger.save(self._attempt.noted(one))

    def _left(self, plan: Plan) -> Sequence[Step]:
        """What of a plan that was begun is still to be done, planned anew from what is there.

        Raises _HindranceError if it must not go on: it is stopped, or somebody has changed the resource meanwhile.
        """
        stopped = self._parts.ledger.stopped()
        if stopped:
            raise _HindranceError(f"it was stopped half-way: {stopped}")
        try:
            state = self._state(self._attempt.target.resource_id)
            decision = self._decided(self._attempt.target, state).decision
        except Absent:
            return plan.steps  # they know whether that is as it should be
        except Denied as denied:
            raise _HindranceError(f"its state cannot be read: {denied}") from None
        if decision is None or decision.outcome is Outcome.EXEMPT:
            raise _HindranceError("it was exempted, or the policy switched off, half-way")
        if decision.outcome is not Outcome.FAIL:
            return plan.steps  # what is left to do is to tidy up
        found = Found(self._attempt.target, state, decision, self._attempt.parameters, self._attempt.began_at)
        return _agreed(plan, self._action.plan(found))

    def _verified(self, plan: Plan) -> Attempt:
        """The policy has the last word. What AWS has just written may take a moment to be read."""
        target = self._attempt.target
        why = "the policy is switched off"
        for turn in range(_LOOKS):
            if turn:
                self._parts.sleep(_LOOK_SECONDS)
            try:
                state = self._state(plan.successor or target.resource_id)
                decided = self._decided(target, state)
            except (Absent, AwsError) as error:
                if isinstance(error, Absent) and _removes(plan):
                    return self._ended(Result.APPLIED, "the resource is gone, as it should be")
                why = "the resource is not there" if isinstance(error, Absent) else str(error)
                continue
            except (Denied, EngineError, DecisionError, NormalizationError) as error:
                return self._counted(Result.UNVERIFIED, f"it was done, but cannot be judged again: {error}")
            decision = decided.decision
            if decision is None:
                continue
            members = {"after": judgement(decision), "details_after": state.details}
            if decision.outcome is Outcome.PASS:
                return self._ended(Result.APPLIED, "the policy passes", **members)
            if not plan.mends and self._nothing_left(state, decided):
                return self._ended(Result.ALERTED, "done; the rest is up to a person", **members)
            self._attempt = replace(self._attempt, after=judgement(decision), details_after=state.details)
        told = self._attempt.after.annotation if self._attempt.after else why
        return self._counted(Result.UNVERIFIED, f"it was done, but the policy does not pass: {told}")

    def _nothing_left(self, state: State, decided: Decided) -> bool:
        if decided.decision is None or decided.decision.outcome is not Outcome.FAIL:
            return False
        attempt = self._attempt
        found = Found(attempt.target, state, decided.decision, attempt.parameters, self._parts.now())
        again = self._action.plan(found)
        return not again.steps and not again.refusal

    def _stuck(self, error: StepError) -> Attempt:
        return self._failed(str(error)) if error.certain else self._again(str(error))

    def _again(self, reason: str) -> Attempt:
        """Nobody knows whether it was done; doing it again does no harm."""
        if self._attempt.retries >= _RETRIES:
            return self._failed(f"{reason}; tried {_RETRIES} times more")
        self._attempt = replace(self._attempt, retries=self._attempt.retries + 1)
        return self._deferred(reason, _RETRY_SECONDS)

    def _failed(self, reason: str) -> Attempt:
        """What was done before is taken back, the last first; where that is not possible, the record says what stands."""
        back = taken_back(self._parts, self._ask, self._attempt.applied)
        members: dict[str, object] = {"applied": back.left}
        if back.left:
            members["details_after"] = self._details()
        if back.problem:
            return self._counted(Result.FAILED, f"{reason}; taking back what was done: {back.problem}", **members)
        if back.left:
            return self._counted(Result.FAILED, f"{reason}; {len(back.left)} steps stand, see the record", **members)
        told = f"{reason}; what was done before was taken back" if back.done else reason
        told += f"; {', '.join(back.stays)} may stay" if back.stays else ""
        return self._counted(Result.FAILED, told, **members)

    def _details(self) -> JsonObject | None:
        """How the resource was left, as far as that can be told."""
        try:
            return self._state(self._attempt.target.resource_id).details
        except (Absent, Denied, AwsError):
            return None

    def _counted(self, result: Result, reason: str, **members: object) -> Attempt:
        brakes.failed(self._parts.ledger, self._attempt.target, at=self._parts.now())
        return self._ended(result, reason, **members)

    def _ended(self, result: Result, reason: str, **members: object) -> Attempt:
        return self._parts.ledger.save(self._attempt.ended(result, reason, self._parts.now(), **members))

    def _deferred(self, reason: str, seconds: float) -> Attempt:
        at = self._parts.now()
        due_at = brakes.later(at, seconds=seconds)
        until = brakes.later(at, seconds=seconds + _GRACE_SECONDS)
        locked(self._parts.ledger, self._attempt, until=until)
        return self._parts.ledger.save(self._attempt.ended(Result.DEFERRED, reason, at, due_at=due_at))

    def _state(self, resource_id: str) -> State:
        return self._action.read(self._ask, replace(self._attempt.target, resource_id=resource_id))

    def _decided(self, target: Target, state: State) -> Decided:
        return decide(self._parts, self._action, target, state, at=self._parts.now())


class _HindranceError(Exception):
    """Why what was begun must not go on."""


def _agreed(plan: Plan, again: Plan) -> Sequence[Step]:
    """The steps that are planned now, if they are all of the plan that was begun."""
    if again.refusal:
        raise _HindranceError(f"it was changed half-way: {again.refusal}")
    known = {step.name: step for step in plan.steps}
    for step in again.steps:
        if step.name not in known or not _is_same(known[step.name], step.call):
            raise _HindranceError(f"it was changed half-way: {step.name} would be needed now")
    return again.steps


def _is_same(agreed: Step, call: Call) -> bool:
    """Whether it is what was planned, or only looks at what was done; what an earlier step has put out stands there itself by now."""
    if agreed.until is not None and call == agreed.until.call:
        return True
    if OUTPUT in str(agreed.call.parameters):
        return (agreed.call.service, agreed.call.operation) == (call.service, call.operation)
    return digest(asdict(agreed.call)) == digest(asdict(call))


def _removes(plan: Plan) -> bool:
    """Whether the resource is to be gone in the end."""
    until = plan.steps[-1].until if plan.steps else None
    return until is not None and until.absent and plan.successor is None
