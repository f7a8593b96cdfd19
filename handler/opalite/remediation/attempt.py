"""One attempt to mend a resource, from the look at it to its end: what is kept, and what the record says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson

from opalite.errors import InvocationError
from opalite.model import Decision, JsonObject
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.model import (
    Call,
    Mode,
    Plan,
    Result,
    Step,
    Target,
    Trigger,
    TriggerKind,
    Until,
    digest,
)

FORM = 1
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html: an item, 400 KB with its names.
MOST_BYTES = 390_000
_ID_CHARACTERS = 20  # of a digest: 80 bits
_OPEN = frozenset({Result.WAITING, Result.DEFERRED, Result.APPLYING})
_APPROVAL = "/approval/"  # nothing of it is needed to take an attempt back


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the policy said, and of what."""

    decision_id: str
    outcome: str
    severity: str
    annotation: str
    bundle_revision: str
    evaluated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person is asked for. `token`: of the state machine that waits; whoever has it still needs the right to sign."""

    expires: str  # RFC 3339
    token: str | None = None
    approver: str | None = None  # as he called himself; AWS CloudTrail knows who signed
    signature: str | None = None  # base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`version` counts how often it was written, so that of two who go on with it one notices."""

    id: str
    target: Target
    trigger: Trigger
    began_at: str  # RFC 3339
    changed_at: str
    mode: Mode
    action: str
    result: Result
    reason: str  # one line
    owner: str = "operations"  # whom people's messages are for
    parameters: JsonObject = field(default_factory=dict)
    finding_id: str | None = None
    workflow_status: str | None = None  # of the finding, when it was looked at; None: not known
    before: Judgement | None = None
    details_before: JsonObject | None = None
    plan: Plan | None = None
    applied: tuple[Applied, ...] = ()
    approval: Approval | None = None
    after: Judgement | None = None
    details_after: JsonObject | None = None
    due_at: str | None = None
    started_at: str | None = None  # when the first step was begun
    undoes: str | None = None  # the id of the attempt that this one takes back
    gives_up: str = ""  # why: what was done is being taken back, and nothing else is begun
    retries: int = 0  # of a step of which nobody knows whether it was made, or of taking back
    told: tuple[str, ...] = ()  # outputs that have it: see telling
    version: int = 0

    @property
    def is_open(self) -> bool:
        """Whether something is still to come."""
        return self.result in _OPEN

    @property
    def locks(self) -> tuple[str, ...]:
        """What only one attempt may be at: the resource, and whatever else the plan names."""
        return (self.target.resource_key, *(self.plan.locks if self.plan else ()))

    @property
    def has_changed_something(self) -> bool:
        """Whether any call was, or may have been, made."""
        return bool(self.applied)

    @property
    def can_be_undone(self) -> bool:
        """Whether anything of it can be taken back: what was deleted stays deleted."""
        return any(one.inverse is not None for one in self.applied)

    @property
    def steps_done(self) -> Mapping[str, Applied]:
        """By name of the step."""
        return {one.name: one for one in self.applied}

    def ended(self, result: Result, reason: str, at: str, **members: Any) -> Attempt:
        """With another result, told to nobody yet."""
        return replace(self, result=result, reason=reason, changed_at=at, told=(), **{"due_at": None, **members})

    def noted(self, one: Applied) -> Attempt:
        """With what has become of a step."""
        others = tuple(entry for entry in self.applied if entry.name != one.name)
        return replace(self, applied=(*others, replace(one, outputs=dict(one.outputs))))


def attempt_id(target: Target, event_id: str) -> str:
    """The same for the same event and target: an event that is delivered again finds its attempt."""
    return digest([asdict(target), event_id])[:_ID_CHARACTERS]


def next_version(attempt: Attempt) -> Attempt:
    """As it is to be written."""
    return replace(attempt, version=attempt.version + 1)


def has_room(attempt: Attempt) -> bool:
    """Whether the attempt will fit when it has ended: with the state after it, and what takes each step back."""
    plan = 0 if attempt.plan is None else len(orjson.dumps(asdict(attempt.plan)))
    return _size(attempt) + 2 * len(orjson.dumps(attempt.details_before)) + 2 * plan < MOST_BYTES


def fitting(attempt: Attempt) -> Attempt:
    """Without the state after it, if that is too long to be kept."""
    if _size(attempt) < MOST_BYTES:
        return attempt
    reason = f"{attempt.reason}; how it was left is too long to be kept"
    return replace(attempt, details_after=None, reason=reason)


def _size(attempt: Attempt) -> int:
    return len(orjson.dumps(written(attempt)))


def judgement(decision: Decision) -> Judgement:
    """What is kept of a decision."""
    return Judgement(
        decision_id=decision.decision_id,
        outcome=str(decision.outcome),
        severity=str(decision.severity),
        annotation=decision.annotation,
        bundle_revision=decision.bundle_revision,
        evaluated_at=decision.evaluated_at,
    )


def written(attempt: Attempt) -> JsonObject:
    """JSON of it, as the ledger and the record keep it."""
    return {"form": FORM, **asdict(attempt)}


def read(document: Any) -> Attempt:
    """What `written` wrote, or an earlier version of it: what that did not know yet has its default. Also as it lies in the bucket.

    Raises InvocationError: a record that was edited is none, nor is one in which what it takes was left out.
    """
    try:
        body = dict(document)
        if body.pop("form") != FORM:
            raise InvocationError(f"the record is not of form {FORM}: another version has written it")
        left_out = [place for place in body.pop("redacted", ()) if not str(place).startswith(_APPROVAL)]
        if left_out:
            raise InvocationError(
                f"{left_out[0]} was left out of the record, as a secret: only the ledger has all of it"
            )
        return Attempt(
            **{
                **body,
                "target": Target(**body["target"]),
                "trigger": Trigger(**{**body["trigger"], "kind": TriggerKind(body["trigger"]["kind"])}),
                "mode": Mode(body["mode"]),
                "result": Result(body["result"]),
                "before": _optional(Judgement, body["before"]),
                "after": _optional(Judgement, body["after"]),
                "plan": None if body["plan"] is None else _plan(body["plan"]),
                "applied": tuple(_applied(one) for one in body["applied"]),
                "approval": _optional(Approval, body["approval"]),
                "told": tuple(body.get("told", ())),
                "retries": int(body.get("retries", 0)),
                "version": int(body["version"]),
                "began_at": _moment(body["began_at"]),
                "changed_at": _moment(body["changed_at"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvocationError(f"this is no record of a remediation ({type(error).__name__}: {error})"[:300]) from None


def _moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _optional(kind: Any, members: Any) -> Any:
    return None if members is None else kind(**members)


def _call(members: Any) -> Call:
    return Call(**members)


def _plan(members: Mapping[str, Any]) -> Plan:
    return Plan(
        **{
            **members,
            "steps": tuple(_step(step) for step in members["steps"]),
            "instructions": tuple(members["instructions"]),
            "locks": tuple(members.get("locks", ())),
        }
    )


def _step(members: Mapping[str, Any]) -> Step:
    return Step(
        **{
            **members,
            "call": _call(members["call"]),
            "inverse": _optional(Call, members["inverse"]),
            "already": tuple(members["already"]),
            "busy": tuple(members.get("busy", ())),
            "until": _until(members["until"]),
            "inverse_until": _until(members.get("inverse_until")),
        }
    )


def _until(members: Mapping[str, Any] | None) -> Until | None:
    if members is None:
        return None
    return Until(
        **{
            **members,
            "call": _call(members["call"]),
            "wanted": tuple(members["wanted"]),
            "failed": tuple(members["failed"]),
        }
    )


def _applied(members: Mapping[str, Any]) -> Applied:
    return Applied(
        **{
            **members,
            "progress": Progress(members["progress"]),
            "inverse": _optional(Call, members["inverse"]),
            "busy": tuple(members.get("busy", ())),
            "inverse_until": _until(members.get("inverse_until")),
        }
    )
