"""A request → what may and should be done about it: read afresh, judged again, planned. Nothing is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opalite.errors import UsageError
from opalite.model import Decision, Outcome
from opalite.ports import Absent, Denied
from opalite.publish.life import finding_id
from opalite.remediation import brakes, guard
from opalite.remediation.action import Action, Found
from opalite.remediation.attempt import Approval, Attempt, attempt_id, judgement
from opalite.remediation.deciding import Decided, decide
from opalite.remediation.guard import Guarded
from opalite.remediation.model import Mode, Plan, Request, Result, State, Target
from opalite.remediation.parts import Parts, Past

_PAST_HOURS = 24.0 * 30  # of the history that the guard sees

_WHY_NOT = {
    Outcome.PASS: (Result.NOTHING, "it complies"),
    Outcome.EXEMPT: (Result.NOTHING, "it is exempt"),
    Outcome.NOT_APPLICABLE: (Result.NOTHING, "the policy does not apply to it"),
    Outcome.UNDETERMINED: (Result.REFUSED, "nobody knows whether it complies"),
}


@dataclass(frozen=True, slots=True)
class Look:
    """What came of it. `action` is there if it got so far; `guarded`: the guard's last word."""

    attempt: Attempt
    action: Action | None = None
    guarded: Guarded | None = None


class _Enough(Exception):  # noqa: N818 - no error: the attempt ends here
    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result
        self.reason = reason


def look(parts: Parts, request: Request, *, known: Attempt | None = None) -> Look:
    """An attempt of result OFF, NOTHING, REFUSED, ALERTED, PLANNED, WAITING or APPLYING: the last two still have all before them.

    `known`: the attempt that is looked at again, because it had to wait.
    Raises what keeps from knowing (EngineError, DecisionError, AwsError, NormalizationError): then nothing is to be done.
    """
    at = parts.now()
    target = request.target
    attempt = Attempt(
        id=known.id if known else attempt_id(target, request.trigger.event_id),
        target=target,
        trigger=request.trigger,
        began_at=known.began_at if known else at,
        changed_at=at,
        mode=Mode.OFF,
        action="",
        result=Result.NOTHING,
        reason="",
        finding_id=request.trigger.finding_id,
        approval=known.approval if known else None,
        version=known.version if known else 0,
    )
    return _Looking(parts, request, at, attempt, is_known=known is not None).all()


def asked_again(parts: Parts, attempt: Attempt, decided: Decided) -> Guarded:
    """What the guard says of an attempt that is under way."""
    looking = _Looking(parts, Request(attempt.target, attempt.trigger), parts.now(), attempt, is_known=True)
    return looking.guarded(parts.entries[attempt.target.policy_id], parts.ledger.stopped(), decided)


class _Looking:
    """One look, step by step; `attempt` says what is known so far. `is_known`: it is kept; no brake on looks is to lose it."""

    def __init__(self, parts: Parts, request: Request, at: str, attempt: Attempt, *, is_known: bool) -> None:
        self._parts = parts
        self._request = request
        self._at = at
        self._attempt = attempt
        self._is_known = is_known
        self._action: Action | None = None
        self._guarded: Guarded | None = None

    def all(self) -> Look:
        """As far as it goes."""
        try:
            self._through()
        except _Enough as enough:
            self._attempt = replace(self._attempt, result=enough.result, reason=enough.reason)
        return Look(self._attempt, self._action, self._guarded)

    def _through(self) -> None:
        target = self._request.target
        entry = self._parts.entries.get(target.policy_id)
        if entry is None:
            raise _Enough(Result.NOTHING, f"there is no policy {target.policy_id}")
        stopped = self._parts.ledger.stopped()
        first = self._asked("request", entry, stopped, None)
        action = self._action = self._chosen(first, entry)
        if not self._is_known and not brakes.may_look(self._parts.ledger, target, at=self._at):
            raise _Enough(Result.NOTHING, f"{brakes.RATE}: {brakes.LOOKS_PER_HOUR} looks an hour in an account")
        state = self._read(action)
        target = self._named_as(state)
        decided = decide(self._parts, action, target, state, at=self._at)
        decision = self._failing(decided)
        self._attempt = replace(
            self._attempt,
            before=judgement(decision),
            details_before=state.details,
            owner=self._parts.owner(action, decided.resource),
            finding_id=self._attempt.finding_id or (finding_id(decided.case, entry) if decided.case else None),
        )
        self._attempt = replace(self._attempt, workflow_status=self._workflow_status())
        guarded = self._guarded = self._asked("state", entry, stopped, decided)
        if guarded.action != action.name:
            raise _Enough(Result.REFUSED, f"the guard has changed its mind: {action.name}, then {guarded.action}")
        self._attempt = replace(self._attempt, mode=min(guarded.mode, action.most, key=list(Mode).index))
        plan = self._planned(action, state, decision, guarded)
        self._attempt = replace(self._attempt, plan=plan)
        self._ends_with(plan, guarded)

    def guarded(self, entry: Mapping[str, Any], stopped: str | None, decided: Decided) -> Guarded:
        """The guard's answer for what was read."""
        return guard.ask(self._parts.engine, self._question("state", entry, stopped, decided))

    def _asked(self, phase: str, entry: Mapping[str, Any], stopped: str | None, decided: Decided | None) -> Guarded:
        guarded = guard.ask(self._parts.engine, self._question(phase, entry, stopped, decided))
        self._attempt = replace(self._attempt, mode=guarded.mode, action=guarded.action, reason=guarded.reason)
        if guarded.mode is Mode.OFF:
            # Of a refusal people hear.
            raise _Enough(Result.REFUSED if guarded.contested else Result.OFF, guarded.reason)
        return guarded

    def _question(
        self, phase: str, entry: Mapping[str, Any], stopped: str | None, decided: Decided | None
    ) -> dict[str, Any]:
        target, trigger = self._attempt.target, self._request.trigger
        decision = decided.decision if decided else None
        since = brakes.later(self._at, hours=-_PAST_HOURS)
        past = self._parts.ledger.history(target, since=since) if decided else ()
        units = self._parts.units(target)
        return {
            "version": 1,
            "phase": phase,
            "at": self._at,
            "trigger": {"kind": str(trigger.kind), "by": trigger.by},
            "policy": {
                "id": target.policy_id,
                "action": str((entry.get("remediation") or {}).get("action") or ""),
                "severity": str(decision.severity if decision else entry.get("severity")),
            },
            "resource": {
                "type": target.resource_type,
                "id": target.resource_id,
                "account_id": target.account_id,
                "region": target.region,
                "partition": target.partition,
                "organizational_units": None if units is None else list(units),
                "tags": decided.resource.get("tags") if decided else None,
            },
            "decision": None
            if decision is None
            else {
                "outcome": str(decision.outcome),
                "stage": decision.stage,
                "exemption": decision.exemption,
                "violations": [str(violation.get("message", "")) for violation in decision.violations],
            },
            "finding": None
            if self._attempt.workflow_status is None
            else {"workflow_status": self._attempt.workflow_status, "record_state": "ACTIVE"},
            "history": {
                "attempts": [
                    {"at": one.when, "result": one.result, "action": one.action, "changed": one.begun}
                    for one in past
                    if one.policy_id == target.policy_id and one.id != self._attempt.id
                ],
                "in_progress": next((one.id for one in past if self._goes_before(one)), None),
            },
            "stopped": stopped,
        }

    def _goes_before(self, other: Past) -> bool:
        """Whether another one is at it. Of two that only wait, for each other even, neither keeps a kept one from going on."""
        if other.id == self._attempt.id or other.policy_id != self._attempt.target.policy_id:
            return False
        return other.result in _GOING_ON and (other.begun or not self._is_known)

    def _chosen(self, guarded: Guarded, entry: Mapping[str, Any]) -> Action:
        action = self._parts.actions.get(guarded.action)
        if action is None:
            summary = (entry.get("remediation") or {}).get("summary") or "see the policy's page"
            raise _Enough(Result.NOTHING, f"no action {guarded.action or 'at all'} is built in: {summary}")
        kind = self._request.target.resource_type
        if kind not in action.resource_types and "*" not in action.resource_types:
            raise _Enough(Result.REFUSED, f"{action.name} is not for {kind}")
        return action

    def _read(self, action: Action) -> State:
        target = self._request.target
        try:
            return action.read(self._parts.ask(action, target), target)
        except Absent:
            raise _Enough(
                Result.NOTHING, "AWS does not know it: it is gone, or not of this id, account and Region"
            ) from None
        except Denied as denied:
            raise _Enough(Result.REFUSED, f"its state cannot be read: {denied}") from None

    def _named_as(self, state: State) -> Target:
        """By the id that AWS Config knows it by: exemptions, locks and the history go by that one."""
        name = state.item.get("resourceId")
        if isinstance(name, str) and name and name != self._attempt.target.resource_id:
            self._attempt = replace(self._attempt, target=replace(self._attempt.target, resource_id=name))
        return self._attempt.target

    def _workflow_status(self) -> str | None:
        """As it is now; what the event says of it may be days old, or nothing."""
        findings = self._parts.findings
        if findings is None or self._attempt.finding_id is None:
            return self._request.trigger.workflow_status
        try:
            return findings.status(self._attempt) or self._request.trigger.workflow_status
        except Denied:
            return self._request.trigger.workflow_status

    def _failing(self, decided: Decided) -> Decision:
        decision = decided.decision
        if decision is None:
            raise _Enough(Result.OFF, "the policy is switched off here")
        if decision.outcome is not Outcome.FAIL:
            raise _Enough(*_WHY_NOT[decision.outcome])
        if decision.stage != "enforce":
            raise _Enough(Result.OFF, f"the policy is at stage {decision.stage} here")
        return decision

    def _planned(self, action: Action, state: State, decision: Decision, guarded: Guarded) -> Plan:
        try:
            parameters = guard.parameters(action, guarded.parameters)
        except UsageError as error:
            raise _Enough(Result.REFUSED, f"its parameters: {error}") from None
        self._attempt = replace(self._attempt, parameters=dict(parameters))
        plan = action.plan(Found(self._attempt.target, state, decision, parameters, self._at))
        foretold = action.simulated(state, plan) if plan.steps and action.simulated is not None else None
        if foretold is not None:
            after = decide(self._parts, action, self._attempt.target, foretold, at=self._at)
            if after.decision is None or after.decision.outcome is not Outcome.PASS:
                told = after.decision.annotation if after.decision else "the policy says nothing"
                self._attempt = replace(self._attempt, plan=plan)
                raise _Enough(Result.REFUSED, f"the plan would not be enough: {told}")
        return plan

    def _ends_with(self, plan: Plan, guarded: Guarded) -> None:
        """The result where nothing is to be done now, or what is still before it."""
        if plan.refusal:
            raise _Enough(Result.REFUSED, plan.refusal)
        if not plan.steps:
            if plan.instructions:
                raise _Enough(Result.ALERTED, "what is to be done is up to a person")
            raise _Enough(Result.REFUSED, f"{self._attempt.action} knows nothing to do about it")
        match self._attempt.mode:
            case Mode.PLAN:
                raise _Enough(Result.PLANNED, guarded.reason)
            case Mode.APPROVE:
                approval = self._attempt.approval or Approval(
                    expires=brakes.later(self._at, hours=guarded.approval_hours)
                )
                self._attempt = replace(self._attempt, approval=approval, due_at=approval.expires)
                raise _Enough(Result.WAITING, "a person has to agree to it")
            case _:
                raise _Enough(Result.APPLYING, guarded.reason)


_GOING_ON = frozenset({str(Result.WAITING), str(Result.APPLYING), str(Result.DEFERRED)})
