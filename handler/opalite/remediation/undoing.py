"""Taking a remediation back: the inverses of what was done, if the resource is still as it was left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Absent, Denied
from opalite.remediation import brakes, permitted
from opalite.remediation.action import Action, Ask
from opalite.remediation.attempt import Attempt
from opalite.remediation.carrying_out import locked
from opalite.remediation.model import Mode, Result, Trigger, digest
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
    known = parts.ledger.load(_id(original))
    attempt = _attempt(parts, original, trigger, known)
    if attempt.result is Result.UNDONE:
        return tell(parts, attempt)
    ask = parts.ask(action, original.target)
    at = parts.now()
    holder = locked(parts.ledger, attempt, until=brakes.later(at, seconds=_LEASE_SECONDS))
    if holder is not None:
        return replace(attempt, result=Result.REFUSED, reason=f"attempt {holder} is at the resource: try again later")
    try:
        refusal = _refusal(original, action)
        if refusal is None:
            refusal = (
                _since_begun(action, ask, original, attempt) if _is_begun(attempt) else _since(action, ask, original)
            )
        if refusal is not None:
            return tell(parts, parts.ledger.save(attempt.ended(Result.REFUSED, refusal, at)))
        return tell(parts, _undone(parts, ask, action, attempt, original))
    finally:
        for key in attempt.locks:
            parts.ledger.unlock(key, attempt.id)


def _attempt(parts: Parts, original: Attempt, trigger: Trigger, known: Attempt | None) -> Attempt:
    """The one that has begun to take it back, or a new one: what was refused before says nothing of what is there now."""
    if known is not None and (_is_begun(known) or known.result is Result.UNDONE):
        return replace(known, undoes=original.id, plan=original.plan)
    at = parts.now()
    return Attempt(
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
        version=known.version if known else 0,
    )


def _is_begun(attempt: Attempt) -> bool:
    return attempt.started_at is not None


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
    at = parts.now()
    begun = replace(attempt, result=Result.APPLYING, changed_at=at, started_at=attempt.started_at or at, told=())
    attempt = parts.ledger.save(begun)

    def note(left: tuple[Any, ...]) -> None:
        nonlocal attempt
        attempt = parts.ledger.save(replace(attempt, applied=left))

    back = taken_back(parts, ask, attempt.applied, note, by_a_person=True)
    at = parts.now()
    if back.problem or back.left:
        try:
            details = _details(action, ask, original)
        except AwsError:  # nor does it tell how it is now
            details = None
    if back.problem:
        reason = f"{back.problem}; {stands(back.left)} still: undo can be tried again"
        return parts.ledger.save(attempt.ended(Result.FAILED, reason, at, details_after=details))
    if back.left:
        why = next((step.irreversible for step in _steps(original) if step.name == back.left[-1].name), "")
        reason = f"{stands(back.left)}: {back.left[-1].name} cannot be taken back: {why or 'it has no inverse'}"
        return parts.ledger.save(attempt.ended(Result.FAILED, reason, at, details_after=details))
    details = _details(action, ask, original)
    found = _found(action, original.details_before, details)
    reason = f"taken back, but it is not quite as before: {_few(found)}" if found else "it is as it was before"
    return parts.ledger.save(attempt.ended(Result.UNDONE, reason, at, details_after=details))


def _details(action: Action, ask: Ask, original: Attempt) -> JsonObject | None:
    """How it is left now, as far as that can be told: by its own name, or by that of what took its place."""
    for name in (original.target.resource_id, _mended(original)):
        try:
            return _read(action, ask, original, name)
        except (Absent, Denied):
            continue
    return None


def _mended(original: Attempt) -> str:
    """The id of what it has left: the resource itself, where it did not come to a successor."""
    successor = original.plan.successor if original.plan else None
    return original.target.resource_id if original.result is Result.FAILED or not successor else successor


def _read(action: Action, ask: Ask, original: Attempt, name: str) -> JsonObject:
    target = replace(original.target, resource_id=name)
    try:
        return action.read(ask, target).details
    except Absent:
        if action.read_without is None:
            raise
        return action.read_without(ask, target)


def _found(action: Action, before: JsonObject | None, after: JsonObject | None) -> list[str]:
    """What differs of all that is ours to take back."""
    left, now = (None if side is None else action.left(side) for side in (before, after))
    return list(differences(left, now))


def _refusal(original: Attempt, action: Action) -> str | None:
    if original.undoes is not None:
        return f"attempt {original.id} took another one back: start that remediation again instead"
    if original.is_open:
        return (
            f"attempt {original.id} is not over, it is {original.result}: wait for its end, or stop it and let it go on"
        )
    if original.result not in _UNDOABLE:
        return f"attempt {original.id} has ended as {original.result}: there is nothing to take back"
    if not original.applied:
        return f"attempt {original.id} has changed nothing"
    stranger = permitted.stranger(original, action)
    return f"the record was edited: {action.name} never calls {stranger}" if stranger else None


def _since(action: Action, ask: Ask, original: Attempt) -> str | None:
    """Why it is not as it was left; None if it is."""
    mended = _mended(original)
    try:
        now = _read(action, ask, original, mended)
    except Absent:
        return "the resource is gone"
    except Denied as denied:
        return f"its state cannot be read: {denied}"
    if original.details_after is None:
        return "how it was left is not known: compare it with the record, and take back by hand what is to be"
    if mended != original.target.resource_id and not _is_there(action, ask, original):
        return "the original is gone, so what has taken its place stays"
    return _told(_found(action, original.details_after, now))


def _is_there(action: Action, ask: Ask, original: Attempt) -> bool:
    try:
        action.read(ask, original.target)
    except (Absent, Denied):
        return False
    return True


def _since_begun(action: Action, ask: Ask, original: Attempt, attempt: Attempt) -> str | None:
    """The same of one that has taken a part of it back, and of which it is known how it left the rest."""
    if attempt.is_open or attempt.details_after is None:
        return None
    return _told(_found(action, attempt.details_after, _details(action, ask, original)))


def _told(found: Sequence[str]) -> str | None:
    if not found:
        return None
    return f"it was changed since: {_few(found)}; take back by hand what is to be, the record has all calls"


def _steps(original: Attempt) -> Sequence[Any]:
    return original.plan.steps if original.plan else ()


def _few(found: Sequence[str]) -> str:
    more = len(found) - _NAMED
    return ", ".join(found[:_NAMED]) + (f" (+{more} more)" if more > 0 else "")


def _id(original: Attempt) -> str:
    return digest(["undo", original.id])[:_ID_CHARACTERS]


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)
