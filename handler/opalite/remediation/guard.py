"""How far a remediation may go: asked of data.opalite.remediation, and read strictly. Pure but for the engine that is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson

from opalite.errors import DecisionError, UsageError
from opalite.model import JsonObject
from opalite.ports import GUARD_RULE, GuardEngine, PolicyFault
from opalite.remediation.action import Action
from opalite.remediation.brakes import Limits
from opalite.remediation.model import Mode
from opalite.settings_check import subset
from opalite.settings_check.remediation import MOST_APPROVAL_HOURS

_KEY = "0"
_NAMES = frozenset(each.name for each in fields(Limits))


@dataclass(frozen=True, slots=True)
class Window:
    """Whether a maintenance window is open, and when the next one opens: None if one is open, or none opens within days."""

    open: bool
    opens_at: str | None  # RFC 3339


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """The guard's answer. `action`: empty if nobody names one. `window`: None where any time will do."""

    mode: Mode
    action: str
    parameters: JsonObject  # as they are set: see `parameters`
    reason: str  # one line
    contested: bool  # off for one reason alone: what was mended is changed back, again and again
    limits: Limits
    approval_hours: int
    window: Window | None


def ask(engine: GuardEngine, question: Mapping[str, Any]) -> Guarded:
    """`question`: of policies/schemas/remediation.json.

    Raises DecisionError for whatever is no answer to exactly that, EngineError if OPA cannot be reached: nothing may be done then.
    """
    try:
        answers = engine.ask(orjson.dumps({_KEY: question}), GUARD_RULE)
    except PolicyFault as fault:
        raise DecisionError(
            f"the guard of remediation failed: {fault}; look at the settings and custom.remediation.guard"
        ) from fault
    if answers.keys() != {_KEY}:
        raise DecisionError("the guard of remediation has no answer: does its bundle have the same version as Opalite?")
    return guarded(answers[_KEY])


def guarded(answer: Any) -> Guarded:
    """The answer as a value. Raises DecisionError."""
    members = _members("it", answer, {each.name for each in fields(Guarded)})
    return Guarded(
        mode=_mode(members["mode"]),
        action=_of("action", members["action"], str),
        parameters=_of("parameters", members["parameters"], dict),
        reason=" ".join(_of("reason", members["reason"], str).split()),
        contested=_of("contested", members["contested"], bool),
        limits=_limits(members["limits"]),
        approval_hours=_count("approval_hours", members["approval_hours"], MOST_APPROVAL_HOURS),
        window=None if members["window"] is None else _window(members["window"]),
    )


def parameters(action: Action, given: Mapping[str, Any]) -> JsonObject:
    """What is set, and the defaults for all else. Raises UsageError for what the action's schema refuses."""
    schema = action.parameters or subset.NOTHING
    found = next(subset.faults(given, schema), None)
    if found is not None:
        raise UsageError(f"{action.name}: {found}; correct `parameters` in the settings of remediation")
    return subset.filled(given, schema)


def _mode(value: Any) -> Mode:
    try:
        return Mode(_of("mode", value, str))
    except ValueError:
        raise _refused("mode is none") from None


def _limits(value: Any) -> Limits:
    members = _members("limits", value, _NAMES)
    return Limits(**{name: _count(f"limits.{name}", members[name]) for name in sorted(_NAMES)})


def _window(value: Any) -> Window:
    members = _members("window", value, {"open", "opens_at"})
    window = Window(_of("window.open", members["open"], bool), members["opens_at"])
    if window.opens_at is not None and (window.open or not _is_time(window.opens_at)):
        raise _refused("window.opens_at is not a time, or a window is open already")
    return window


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


def _count(name: str, value: Any, most: int | None = None) -> int:
    if type(value) is not int or value < 1 or (most is not None and value > most):
        raise _refused(f"{name} is not a whole number from 1" + (f" to {most}" if most else " on"))
    return value


def _of(name: str, value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise _refused(f"{name} is of another type")
    return value


def _members(name: str, value: Any, expected: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict) or value.keys() != expected:
        raise _refused(f"{name} is not an object of {', '.join(sorted(expected))}")
    return value


def _refused(what: str) -> DecisionError:
    return DecisionError(f"the answer of the guard of remediation is not used: {what}")
