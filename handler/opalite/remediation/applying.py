"""Steps → calls to AWS: one after the other, each noted before the next is begun."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import jmespath

from opalite.errors import AwsError, OpaliteError
from opalite.model import JsonObject
from opalite.ports import Absent, Denied
from opalite.remediation.action import Ask
from opalite.remediation.model import OUTPUT, Call, Step, Until

# AWS may have done it all the same.
_UNCERTAIN = re.compile(r"|.*(Internal|Unavailable|Timeout).*|5[0-9][0-9]")
# AWS has not done it, and will if it is asked later.
THROTTLED = frozenset(
    {
        "EC2ThrottledException", "PriorRequestNotComplete", "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException",
        "SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    }
)  # fmt: skip


class StepError(OpaliteError):
    """A step was not done; the message says which and why. `certain`: AWS has refused it, so nothing has changed."""

    def __init__(self, message: str, *, certain: bool) -> None:
        super().__init__(message)
        self.certain = certain


class BusyError(Exception):
    """AWS has refused a step for now."""


def is_uncertain(code: str) -> bool:
    """Whether an error of AWS leaves it open if anything was done."""
    return _UNCERTAIN.fullmatch(code) is not None


class Progress(StrEnum):
    """How far a step has got."""

    BEGUN = "begun"  # the call may have been made
    NOT_MADE = "not_made"  # AWS has refused it
    WAITING = "waiting"  # the call was made; what it brings about goes on
    DONE = "done"


@dataclass(slots=True)
class Applied:
    """What has become of a step. Kept in the record."""

    name: str
    progress: Progress
    already: bool = False  # AWS said that it had been done before
    outputs: dict[str, Any] = field(default_factory=dict)
    inverse: Call | None = None  # with the outputs filled in
    inverse_until: Until | None = None
    busy: tuple[str, ...] = ()
    stays: bool = False  # it may stand when all else is taken back
    closes: bool = False  # only a person takes it back


Note = Callable[[Applied], None]

BUSY_SECONDS = 30  # before AWS is asked again


def apply(
    ask: Ask, steps: Sequence[Step], applied: Mapping[str, Applied], note: Note, *, anew: frozenset[str] = frozenset()
) -> int | None:
    """All steps that are not done yet, in order. Seconds until it may go on, None when all is done.

    `anew`: steps that are made again although they were done, because they are not done any more.

    `note` is told of each step before and after its call, so that whoever goes on after a crash knows what may have happened.
    Raises StepError for the step that was not done; those after it are not tried.
    """
    outputs = {name: value for one in applied.values() for name, value in one.outputs.items()}
    for step in steps:
        one = applied.get(step.name)
        if one is None or one.progress in (Progress.BEGUN, Progress.NOT_MADE) or _is_gone(one, anew):
            again = one is not None and one.progress is not Progress.NOT_MADE
            try:
                one = _begun(ask, step, outputs, note, again=again)
            except BusyError:
                return BUSY_SECONDS
        outputs |= one.outputs
        if one.progress is Progress.WAITING and step.until is not None:
            seconds = look(ask, step.name, step.until, outputs)
            if seconds is not None:
                return seconds
        if one.progress is not Progress.DONE:
            one.progress = Progress.DONE
            note(one)
    return None


def _is_gone(one: Applied, anew: frozenset[str]) -> bool:
    return one.progress is Progress.DONE and one.name in anew


def filled(value: Any, outputs: Mapping[str, Any]) -> Any:
    """Parameters with what earlier steps have put out. Raises KeyError for what none has."""
    if isinstance(value, dict):
        if value.keys() == {OUTPUT}:
            return outputs[value[OUTPUT]]
        return {key: filled(entry, outputs) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [filled(entry, outputs) for entry in value]
    return value


def _begun(ask: Ask, step: Step, outputs: Mapping[str, Any], note: Note, *, again: bool) -> Applied:
    """`again`: we may have made it before. What AWS calls done then was our doing, and is ours to take back."""
    one = Applied(step.name, Progress.BEGUN, stays=step.stays, closes=step.closes, busy=step.busy)
    if step.inverse is not None and OUTPUT not in str(step.inverse):  # if nobody ever learns whether it was made
        one.inverse, one.inverse_until = step.inverse, step.inverse_until
    note(one)
    try:
        answer = _made(ask, step, outputs, one)
    except (BusyError, StepError) as error:
        if (isinstance(error, BusyError) or error.certain) and not again:
            one.progress = Progress.NOT_MADE
            note(one)
        raise
    one.already = one.already and not again
    for name, path in step.outputs.items():
        value = jmespath.search(path, answer)
        if value is None:
            raise StepError(f"{step.name}: AWS's answer does not tell {path}", certain=False)
        one.outputs[name] = value
    if one.already:
        one.inverse = one.inverse_until = None
    elif step.inverse is not None:
        known = {**outputs, **one.outputs}
        one.inverse = _call(step.inverse, known)
        if step.inverse_until is not None:
            one.inverse_until = replace(step.inverse_until, call=_call(step.inverse_until.call, known))
    one.progress = Progress.WAITING
    note(one)
    return one


def called(ask: Ask, call: Call) -> Mapping[str, Any]:
    """The answer. Raises AwsError also for one of success that says that nothing was done; else what the service raises."""
    answer = ask(call.service).ask(call.operation, **call.parameters)
    code = jmespath.search(call.refusal, answer) if call.refusal else None
    if code is not None:
        raise AwsError(f"{call.service}:{call.operation}: {code}", str(code))
    return answer


def _made(ask: Ask, step: Step, outputs: Mapping[str, Any], one: Applied) -> Mapping[str, Any]:
    try:
        return called(ask, _call(step.call, outputs))
    except AwsError as error:
        if error.code in step.already:
            one.already = True
            return {}
        if error.code in step.busy or error.code in THROTTLED:
            raise BusyError from error
        raise StepError(f"{step.name}: {error}", certain=not is_uncertain(error.code)) from error
    except (Denied, Absent) as refusal:
        if str(refusal) in step.already or any(f"({code})" in str(refusal) for code in step.already):
            one.already = True
            return {}
        raise StepError(f"{step.name}: {refusal}", certain=True) from refusal


def _call(call: Call, outputs: Mapping[str, Any]) -> Call:
    return replace(call, parameters=filled(call.parameters, outputs))


def look(ask: Ask, name: str, until: Until, outputs: Mapping[str, Any]) -> int | None:
    """Seconds to wait, None if it has come about. Raises StepError if it never will, AwsError if that cannot be told now."""
    try:
        answer: JsonObject | Mapping[str, Any] = ask(until.call.service).ask(
            until.call.operation, **filled(until.call.parameters, outputs)
        )
    except Absent:
        if until.absent:
            return None
        raise StepError(f"{name}: what it was to bring about is not there", certain=True) from None
    except Denied as denied:
        raise StepError(f"{name}: whether it has come about: {denied}", certain=True) from denied
    seen = str(jmespath.search(until.path, answer))
    if seen in until.failed:
        raise StepError(f"{name}: it ended as {seen}", certain=True)
    return None if seen in until.wanted else until.seconds
