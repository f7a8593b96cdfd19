"""A plan → changes, verified; what could not be finished is taken back, as far as that is certain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from opalite.errors import AwsError, DecisionError, EngineError, NormalizationError
from opalite.model import JsonObject, Outcome
from opalite.ports import Absent, Denied
from opalite.remediation import brakes, permitted
from opalite.remediation.action import Action, Ask, Found
from opalite.remediation.agreeing import HindranceError, LaterError, agreed
from opalite.remediation.applying import Applied, Progress, StepError, apply
from opalite.remediation.approving import is_approved
from opalite.remediation.attempt import Attempt, fitting, has_room, judgement, written
from opalite.remediation.considering import asked_again
from opalite.remediation.deciding import Decided, decide
from opalite.remediation.guard import Guarded
from opalite.remediation.model import Mode, Plan, Result, State, Step, Target
from opalite.remediation.parts import Ledger, Parts
from opalite.remediation.taking_back import RESERVE_SECONDS, stands, taken_back

_LOOKS = 5  # until what was written can be read, each after twice the time of the one before
_LOOK_SECONDS = 1.0
_RETRIES = 3
_LONGEST_HOURS = 48
_RETRY_SECONDS = 300.0
_BACK_SECONDS = 60.0  # between two turns of taking back: half-way nobody may have the resource
_BACK_TURNS = 20
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
        stranger = permitted.stranger(self._attempt, self._action)
        if stranger is not None:  # nothing of it is believed, nor taken back
            return self._ended(Result.FAILED, f"the record was edited: {self._action.name} never calls {stranger}")
        try:
            return self._continued(plan)
        except HindranceError as hindrance:
            return self._failed(str(hindrance))
        except LaterError as later:
            return self._later(str(later), later.due_at)

    def _continued(self, plan: Plan) -> Attempt:
        if self._attempt.gives_up:
            return self._failed(self._attempt.gives_up)
        return self._gone_on(plan) if self._attempt.has_changed_something else self._begun(plan)

    def _begun(self, plan: Plan) -> Attempt:
        if not has_room(self._attempt):
            return self._ended(Result.REFUSED, "the resource is too large to be kept on record: mend it by hand")
        # The state before must be on record: without it nothing is changed.
        self._attempt = replace(self._attempt, started_at=self._parts.now())
        self._parts.records.put(self._attempt, written(self._attempt))
        return self._applied(plan, plan.steps)

    def _gone_on(self, plan: Plan) -> Attempt:
        """What is planned anew is made anew, whatever was noted of it: it is not there any more. But for what only looks."""
        steps, is_new = self._left(plan)
        anew = {step.name for step in steps if is_new and not step.only_looks}
        return self._applied(plan, steps, anew=frozenset(anew))

    def _applied(self, plan: Plan, steps: Sequence[Step], *, anew: frozenset[str] = frozenset()) -> Attempt:
        try:
            seconds = apply(self._ask, steps, self._attempt.steps_done, self._note, anew=anew)
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
        """Before each call the switch is looked at once more."""
        if one.progress is Progress.BEGUN:
            self._check_switch()
        retries = self._attempt.retries if one.progress in (Progress.BEGUN, Progress.NOT_MADE) else 0
        self._attempt = self._parts.ledger.save(replace(self._attempt.noted(one), retries=retries))

    def _check_switch(self) -> None:
        stopped = self._parts.ledger.stopped()
        if stopped:
            raise HindranceError(f"it was stopped half-way: {stopped}")

    def _left(self, plan: Plan) -> tuple[Sequence[Step], bool]:
        """What of a plan that was begun is still to be done, and whether it was planned anew from what is there.

        Raises HindranceError if it must not go on: it is stopped, or somebody has changed the resource meanwhile; LaterError
        where it has to wait.
        """
        self._check_switch()
        try:
            state = self._state(self._attempt.target.resource_id)
            decided = self._decided(self._attempt.target, state)
        except Absent:
            return plan.steps, False  # they know whether that is as it should be
        except Denied as denied:
            raise HindranceError(f"its state cannot be read: {denied}") from None
        decision = decided.decision
        if decision is None or decision.outcome is Outcome.EXEMPT:
            raise HindranceError("it was exempted, or the policy switched off, half-way")
        if decision.outcome is Outcome.PASS:  # by us or by somebody else: what goes on is waited for, nothing is begun
            known = self._attempt.steps_done
            going_on = [one.name for one in known.values() if one.progress is Progress.WAITING]
            return [step for step in plan.steps if step.name in going_on], False
        if decision.outcome is not Outcome.FAIL:
            raise HindranceError(f"half-way the policy says {decision.outcome}")
        guarded = asked_again(self._parts, self._attempt, decided)
        if not self._may(guarded):
            raise HindranceError(f"half-way the mode is {guarded.mode}: {guarded.reason}")
        found = Found(self._attempt.target, state, decision, self._attempt.parameters, self._attempt.began_at)
        steps = agreed(plan, self._action.plan(found), self._outputs())
        self._check_window(guarded, plan, steps)
        return steps, True

    def _may(self, guarded: Guarded) -> bool:
        """By itself in mode auto; in mode approve what a person has signed, whatever else the ledger says."""
        if min(guarded.mode, self._action.most, key=list(Mode).index) is Mode.AUTO:
            return True
        return guarded.mode in (Mode.APPROVE, Mode.AUTO) and is_approved(self._parts.signatures, self._attempt)

    def _outputs(self) -> Mapping[str, Any]:
        return {name: value for one in self._attempt.applied for name, value in one.outputs.items()}

    def _check_window(self, guarded: Guarded, plan: Plan, steps: Sequence[Step]) -> None:
        """Nothing is begun outside of a window but what must follow at once."""
        if guarded.window is None or guarded.window.open:
            return
        known, planned = self._attempt.steps_done, {step.name: step for step in plan.steps}
        next_ = next((planned[step.name] for step in steps if step.name not in known), None)
        if next_ is not None and not next_.at_once:
            due_at = guarded.window.opens_at or brakes.later(self._parts.now(), hours=24)
            raise LaterError(f"until its maintenance window opens at {due_at}", due_at)

    def _verified(self, plan: Plan) -> Attempt:
        """The policy has the last word. What AWS has just written may take a moment to be read."""
        target = self._attempt.target
        why = "the policy is switched off"
        for turn in range(_LOOKS):
            if turn:
                self._parts.sleep(_LOOK_SECONDS * 2 ** (turn - 1))
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
        """What was done before is taken back, the last first; where that is not possible, the record says what stands.

        An invocation may end before AWS has: then the next one goes on taking back.
        """
        back = taken_back(self._parts, self._ask, self._attempt.applied, self._taken_back)
        if back.goes_on and self._attempt.retries < _BACK_TURNS:
            self._attempt = replace(self._attempt, gives_up=reason, retries=self._attempt.retries + 1)
            return self._deferred(f"{reason}; taking back what was done goes on: {back.problem}", _BACK_SECONDS)
        members: dict[str, object] = {"applied": back.left}
        if back.left:
            members["details_after"] = self._details()
        if back.problem:
            return self._counted(Result.FAILED, f"{reason}; taking back what was done: {back.problem}", **members)
        if back.left:
            return self._counted(Result.FAILED, f"{reason}; {stands(back.left)}, see the record", **members)
        told = f"{reason}; what was done before was taken back" if back.done else reason
        looks = {step.name for step in (self._attempt.plan.steps if self._attempt.plan else ()) if step.only_looks}
        stays = [name for name in back.stays if name not in looks]
        told += f"; {', '.join(stays)} may stay" if stays else ""
        return self._counted(Result.FAILED, told, **members)

    def _taken_back(self, left: tuple[Applied, ...]) -> None:
        """Whoever goes on after a crash must not believe that it is still done."""
        self._attempt = self._parts.ledger.save(replace(self._attempt, applied=left))

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
        return self._parts.ledger.save(fitting(self._attempt.ended(result, reason, self._parts.now(), **members)))

    def _deferred(self, reason: str, seconds: float) -> Attempt:
        return self._later(reason, brakes.later(self._parts.now(), seconds=seconds))

    def _later(self, reason: str, due_at: str) -> Attempt:
        """The resource stays ours until some time after that."""
        until = brakes.later(due_at, seconds=_GRACE_SECONDS)
        for key in self._attempt.locks:
            self._parts.ledger.lock(key, self._attempt.id, until=until)
        return self._parts.ledger.save(self._attempt.ended(Result.DEFERRED, reason, self._parts.now(), due_at=due_at))

    def _state(self, resource_id: str) -> State:
        return self._action.read(self._ask, replace(self._attempt.target, resource_id=resource_id))

    def _decided(self, target: Target, state: State) -> Decided:
        return decide(self._parts, self._action, target, state, at=self._parts.now())


def _removes(plan: Plan) -> bool:
    """Whether the resource is to be gone in the end."""
    until = plan.steps[-1].until if plan.steps else None
    return until is not None and until.absent and plan.successor is None
