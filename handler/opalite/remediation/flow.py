"""Requests → attempts, from the first look to the last word.

Everything is kept before it is done, so that anybody can go on with it.
"""

from __future__ import annotations

import base64
from dataclasses import replace

from opalite.errors import InvocationError, OpaliteError
from opalite.remediation import approving, brakes
from opalite.remediation.approving import Signed
from opalite.remediation.attempt import Attempt, attempt_id
from opalite.remediation.carrying_out import carry_out, locked
from opalite.remediation.considering import Look, look
from opalite.remediation.guard import Guarded
from opalite.remediation.model import Request, Result, TriggerKind
from opalite.remediation.parts import Overtaken, Parts
from opalite.remediation.telling import tell

LEASE_SECONDS = 1200.0  # a function ends after 900; who holds a resource longer than this is dead
_BUSY_SECONDS = 300.0
_STOPPED_SECONDS = 900.0  # until it is asked again whether it may go on
_IN_SILENCE = frozenset({Result.OFF, Result.NOTHING})  # unless a person has asked
_ASKED = frozenset({TriggerKind.CUSTOM_ACTION, TriggerKind.COMMAND})
_CHANGED = "the resource was changed since the plan was approved: ask for another approval"


class Remediation:
    """Stateless but for its parts. Each method may be called again with the same arguments, and then goes on where it was."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def consider(self, request: Request) -> Attempt:
        """An event. Raises what keeps from an answer; then nothing has been done that was not kept."""
        known = self._parts.ledger.load(attempt_id(request.target, request.trigger.event_id))
        if known is not None:
            return self._go_on(known)
        return self._begin(look(self._parts, request))

    def go_on(self, attempt_id: str) -> Attempt:
        """What was deferred or left half done; what is ended stays as it is."""
        return self._go_on(self._load(attempt_id))

    def approve(self, attempt_id: str, signed: Signed) -> Attempt:
        """A person has agreed. Raises InvocationError if that cannot be believed: then nothing is done."""
        attempt = self._load(attempt_id)
        approving.check(self._parts.signatures, attempt, signed, at=self._parts.now())
        signature = base64.b64encode(signed.signature).decode("ascii")
        approval = (
            replace(attempt.approval, approver=signed.approver, signature=signature) if attempt.approval else None
        )
        return self._looked_again(replace(attempt, approval=approval))

    def expire(self, attempt_id: str) -> Attempt:
        """Nobody has agreed in time."""
        attempt = self._load(attempt_id)
        is_late = attempt.approval is None or attempt.approval.expires <= self._parts.now()
        if attempt.result is not Result.WAITING or not is_late:
            return attempt
        return self._kept(attempt.ended(Result.REFUSED, "nobody has approved it in time", self._parts.now()))

    def _load(self, attempt_id: str) -> Attempt:
        attempt = self._parts.ledger.load(attempt_id)
        if attempt is None:
            raise InvocationError(f"there is no attempt {attempt_id}")
        return attempt

    def _go_on(self, attempt: Attempt) -> Attempt:
        if not attempt.is_open:
            return tell(self._parts, attempt)  # what was not told yet
        if attempt.result is Result.WAITING:
            is_late = attempt.approval is not None and attempt.approval.expires <= self._parts.now()
            return self.expire(attempt.id) if is_late else self._asked(attempt)
        if attempt.undoes is not None:
            raise InvocationError(
                f"attempt {attempt.id} takes back {attempt.undoes}: undo that one again, which goes on"
            )
        if attempt.action not in self._parts.actions:
            return self._kept(
                attempt.ended(Result.FAILED, f"there is no action {attempt.action} any more", self._parts.now())
            )
        return self._resumed(attempt) if attempt.has_changed_something else self._looked_again(attempt)

    def _resumed(self, attempt: Attempt) -> Attempt:
        """The resource may have become somebody else's since."""
        at = self._parts.now()
        holder = locked(self._parts.ledger, attempt, until=brakes.later(at, seconds=LEASE_SECONDS))
        if holder is not None:
            return self._busy(attempt, holder, at)
        return self._carried_out(attempt)

    def _looked_again(self, before: Attempt) -> Attempt:
        """What had to wait is seen with fresh eyes; an approval is for the plan that it was given to. A stop ends neither."""
        stopped = self._parts.ledger.stopped()
        if stopped is not None:
            return self._kept(_stopped(before, stopped, self._parts.now()))
        seen = look(self._parts, Request(before.target, before.trigger), known=before)
        fresh = seen.attempt
        approved = approving.is_approved(self._parts.signatures, before)
        if approved and fresh.result in (Result.WAITING, Result.APPLYING):
            if fresh.plan is None or before.plan is None or fresh.plan.digest != before.plan.digest:
                return self._kept(fresh.ended(Result.REFUSED, _CHANGED, fresh.changed_at))
            reason = f"approved by {before.approval.approver}" if before.approval else ""
            seen = replace(
                seen, attempt=replace(fresh, result=Result.APPLYING, reason=reason, approval=before.approval)
            )
        return self._begin(seen)

    def _begin(self, seen: Look) -> Attempt:
        """What a look has shown is kept, and done if it is to be."""
        if seen.attempt.result is Result.WAITING:
            return self._asked(self._parts.ledger.save(seen.attempt))
        if seen.attempt.result is Result.APPLYING:
            return self._braked(seen, seen.attempt)
        return self._kept(seen.attempt)

    def _braked(self, seen: Look, attempt: Attempt) -> Attempt:
        """Done now, unless it has to wait: for its window, for the brakes, or for whoever else is at the resource."""
        at = self._parts.now()
        waiting = self._waiting(seen.guarded, attempt, at)
        if waiting is not None:
            return self._kept(waiting)
        ledger, until = self._parts.ledger, brakes.later(at, seconds=LEASE_SECONDS)
        holder = locked(ledger, attempt, until=until)
        if holder is not None:
            return self._busy(attempt, holder, at)
        try:
            limits = seen.guarded.limits if seen.guarded is not None else None
            held = brakes.counted(ledger, attempt.target, limits, at=at) if limits is not None else None
            fresh = self._still(attempt) if held is None else _until_next_hour(attempt, held, at)
            if fresh.result is not Result.APPLYING:
                self._unlock(attempt)
                return self._kept(fresh)
            # Whoever finds it after a crash looks again, for nothing has been changed.
            begun = ledger.save(replace(fresh, due_at=until))
        except (OpaliteError, Overtaken):
            self._unlock(attempt)
            raise
        return self._carried_out(begun)

    def _waiting(self, guarded: Guarded | None, attempt: Attempt, at: str) -> Attempt | None:
        """As it has to wait, if it has to, before the resource is taken."""
        if guarded is None:
            return None
        if guarded.window is not None and not guarded.window.open:
            if guarded.window.opens_at is None:
                return attempt.ended(Result.REFUSED, "no maintenance window opens within a week", at)
            reason = f"until its maintenance window opens at {guarded.window.opens_at}"
            return attempt.ended(Result.DEFERRED, reason, at, due_at=guarded.window.opens_at)
        held = brakes.held(self._parts.ledger, attempt.target, guarded.limits, at=at)
        return _until_next_hour(attempt, held, at) if held is not None else None

    def _still(self, attempt: Attempt) -> Attempt:
        """Looked at once more, now that it is ours: until then anybody may have changed it."""
        fresh = look(self._parts, Request(attempt.target, attempt.trigger), known=attempt).attempt
        plan, agreed = fresh.plan, attempt.plan
        if fresh.result not in (Result.APPLYING, Result.WAITING) or plan is None or agreed is None:
            return fresh
        if plan.digest != agreed.digest and fresh.result is Result.WAITING:
            return fresh.ended(Result.REFUSED, _CHANGED, fresh.changed_at)
        if not set(fresh.locks) <= set(attempt.locks):
            due_at = brakes.later(fresh.changed_at, seconds=_BUSY_SECONDS)
            return fresh.ended(Result.DEFERRED, "the resource is being changed", fresh.changed_at, due_at=due_at)
        return replace(fresh, result=Result.APPLYING, reason=attempt.reason, approval=attempt.approval)

    def _busy(self, attempt: Attempt, holder: str, at: str) -> Attempt:
        due_at = brakes.later(at, seconds=_BUSY_SECONDS)
        return self._kept(attempt.ended(Result.DEFERRED, f"attempt {holder} is at it", at, due_at=due_at))

    def _unlock(self, attempt: Attempt) -> None:
        for key in attempt.locks:
            self._parts.ledger.unlock(key, attempt.id)

    def _carried_out(self, attempt: Attempt) -> Attempt:
        done = carry_out(self._parts, attempt)
        if done.result is Result.DEFERRED and self._parts.machine is not None:
            self._parts.machine.start(done)
        return tell(self._parts, done)

    def _asked(self, attempt: Attempt) -> Attempt:
        """A person is asked by the state machine, which also knows when it is too late."""
        if self._parts.machine is not None:
            self._parts.machine.start(attempt)
        return tell(self._parts, attempt)

    def _kept(self, attempt: Attempt) -> Attempt:
        if attempt.result in _IN_SILENCE and attempt.version == 0 and attempt.trigger.kind not in _ASKED:
            return attempt
        return tell(self._parts, self._parts.ledger.save(attempt))


def _until_next_hour(attempt: Attempt, held: str, at: str) -> Attempt:
    return attempt.ended(Result.DEFERRED, held, at, due_at=brakes.next_hour(at))


def _stopped(attempt: Attempt, why: str, at: str) -> Attempt:
    """Told once, however long it lasts."""
    reason, due_at = f"remediation is stopped: {why}", brakes.later(at, seconds=_STOPPED_SECONDS)
    told = attempt.told if (attempt.result, attempt.reason) == (Result.DEFERRED, reason) else ()
    return replace(attempt.ended(Result.DEFERRED, reason, at, due_at=due_at), told=told)
