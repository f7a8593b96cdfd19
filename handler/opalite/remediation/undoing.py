"""Taking a remediation back: the inverses of what was done, if the resource is still as it was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opalite.model import JsonObject
from opalite.ports import Absent, Denied
from opalite.remediation import brakes, permitted
from opalite.remediation.action import Action, Ask
from opalite.remediation.attempt import Attempt
from opalite.remediation.carrying_out import locked
from opalite.remediation.model import Mode, Result, State, Trigger, digest
from opalite.remediation.parts import Parts
from opalite.remediation.taking_back import stands, taken_back
from opalite.remediation.telling import tell

_LEASE_SECONDS = 1200.0
_NAMED = 5
_ID_CHARACTERS = 20
_UNDOABLE = frozenset({Result.APPLIED, Result.UNVERIFIED, Result.FAILED, Result.ALERTED})


def undo(parts: Parts, original: Attempt, trigger: Trigger) -> Attempt:
    """An attempt of its own, UNDONE, REFUSED or FAILED. It may be called again after a failure or a crash, and goes on."""
    action = parts.actions[original.action]
    at = parts.now()
    known = parts.ledger.load(_id(original))
    attempt = known or Attempt(
        id=_id(original),
        target=original.target,
        trigger=trigger,
        began_at=at,
        changed_at=at,
        mode=Mode.APPROVE,
        action=original.action,
        result=Result.APPLYING,
        reason=f"a person takes attempt {original.id} back",
        finding_id=original.finding_id,
        details_before=original.details_after,
        plan=original.plan,
        applied=original.applied,
        undoes=original.id,
    )
    if attempt.result is Result.UNDONE:
        return tell(parts, attempt)
    ask = parts.ask(action, original.target)
    attempt = replace(attempt, undoes=original.id, plan=original.plan)
    holder = locked(parts.ledger, attempt, until=brakes.later(at, seconds=_LEASE_SECONDS))
    if holder is not None:
        return replace(attempt, result=Result.REFUSED, reason=f"attempt {holder} is at the resource: try again later")
    try:
        refusal = _refusal(original, action)
        is_begun = known is not None and (known.result is Result.APPLYING or known.applied != original.applied)
        if refusal is None and not is_begun:
            refusal = _difference(action, ask, original)
        if refusal is not None:
            return tell(parts, parts.ledger.save(attempt.ended(Result.REFUSED, refusal, at)))
        return tell(parts, _undone(parts, ask, action, attempt, original))
    finally:
        for key in attempt.locks:
            parts.ledger.unlock(key, attempt.id)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The places where two documents differ; never what stands there."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else str(key))
    elif _is_list(before) and _is_list(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif _is_list(before) and _is_list(after):
        yield f"{path or 'everything'} ({len(after)} instead of {len(before)})"
    elif before != after:
        yield path or "everything"


def _undone(parts: Parts, ask: Ask, action: Action, attempt: Attempt, original: Attempt) -> Attempt:
    attempt = parts.ledger.save(replace(attempt, result=Result.APPLYING, changed_at=parts.now(), told=()))

    def note(left: tuple[Any, ...]) -> None:
        nonlocal attempt
        attempt = parts.ledger.save(replace(attempt, applied=left))

    back = taken_back(parts, ask, attempt.applied, note, by_a_person=True)
    at = parts.now()
    if back.problem:
        reason = f"{back.problem}; {stands(len(back.left))} still: undo can be tried again"
        return parts.ledger.save(attempt.ended(Result.FAILED, reason, at))
    if back.left:
        why = next((step.irreversible for step in _steps(original) if step.name == back.left[-1].name), "")
        reason = f"{stands(len(back.left))}: {back.left[-1].name} cannot be taken back: {why or 'it has no inverse'}"
        return parts.ledger.save(attempt.ended(Result.FAILED, reason, at))
    try:
        details: JsonObject | None = action.read(ask, original.target).details
    except (Absent, Denied):
        details = None
    found = list(differences(original.details_before, details))
    if found:
        return parts.ledger.save(
            attempt.ended(
                Result.UNDONE, f"taken back, but it is not quite as before: {_few(found)}", at, details_after=details
            )
        )
    return parts.ledger.save(attempt.ended(Result.UNDONE, "it is as it was before", at, details_after=details))


def _refusal(original: Attempt, action: Action) -> str | None:
    if original.undoes is not None:
        return f"attempt {original.id} took another one back: start that remediation again instead"
    if original.result not in _UNDOABLE:
        return f"attempt {original.id} has ended as {original.result}: there is nothing to take back"
    if not original.applied:
        return f"attempt {original.id} has changed nothing"
    stranger = permitted.stranger(original, action)
    return f"the record was edited: {action.name} never calls {stranger}" if stranger else None


def _difference(action: Action, ask: Ask, original: Attempt) -> str | None:
    """Why it is not as it was left; None if it is."""
    successor = original.plan.successor if original.plan else None
    target = replace(original.target, resource_id=successor or original.target.resource_id)
    try:
        state: State = action.read(ask, target)
    except Absent:
        return "the resource is gone"
    except Denied as denied:
        return f"its state cannot be read: {denied}"
    if original.details_after is None:
        return "how it was left is not known: compare it with the record, and take back by hand what is to be"
    found = list(differences(original.details_after, state.details))
    return (
        f"it was changed since: {_few(found)}; take back by hand what is to be, the record has all calls"
        if found
        else None
    )


def _steps(original: Attempt) -> Sequence[Any]:
    return original.plan.steps if original.plan else ()


def _few(found: Sequence[str]) -> str:
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" (+{more} more)" if more > 0 else "")


def _id(original: Attempt) -> str:
    return digest(["undo", original.id])[:_ID_CHARACTERS]


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
