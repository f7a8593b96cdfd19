"""Whether what would be planned now is what was planned before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opalite.remediation.applying import filled
from opalite.remediation.model import OUTPUT, Call, Plan, Step, digest


class HindranceError(Exception):
    """Why what was begun must not go on."""


class LaterError(Exception):
    """Why it must not go on now."""

    def __init__(self, reason: str, due_at: str) -> None:
        super().__init__(reason)
        self.due_at = due_at


def agreed(plan: Plan, again: Plan, outputs: Mapping[str, Any]) -> Sequence[Step]:
    """The steps that are planned now, if they are all of the plan that was begun."""
    if again.refusal:
        raise HindranceError(f"it was changed half-way: {again.refusal}")
    known = {step.name: step for step in plan.steps}
    for step in again.steps:
        if step.name not in known or not _is_same(known[step.name], step.call, outputs):
            raise HindranceError(f"it was changed half-way: {step.name} would be needed now")
    return again.steps


def _is_same(known: Step, call: Call, outputs: Mapping[str, Any]) -> bool:
    """Whether it is what was planned, or only looks at what was done. What a step has put out may stand there itself by now."""
    if known.until is not None and call == known.until.call:
        return True
    if (known.call.service, known.call.operation) != (call.service, call.operation):
        return False
    try:
        wanted = filled(known.call.parameters, outputs)
    except KeyError:  # nobody has noted what was put out: it may be this
        return OUTPUT in str(known.call.parameters)
    return digest(filled(call.parameters, outputs) if OUTPUT in str(call.parameters) else call.parameters) == digest(
        wanted
    )
