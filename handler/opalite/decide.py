"""Resource and facts → question for OPA; OPA's result → decisions, parsed strictly. Pure.

No result is ever completed by a guess: what is not one of the agreed shapes raises DecisionError, and no evaluation is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from opalite.errors import DecisionError, NormalizationError
from opalite.model import Decision, JsonObject, Outcome, Policy, Question, Resource, Severity

INPUT_VERSION = 1
STAGES = ("off", "audit", "enforce")
_SEVERITIES = frozenset(Severity)
Render = Callable[[Outcome, "Told", str], tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Identity:
    """What every decision of a run carries: who answered, and by which policies and data."""

    bundle_revision: str
    opa_version: str


@dataclass(frozen=True, slots=True)
class Told:
    """The parsed result of one policy for one resource."""

    outcome: Outcome
    violations: Sequence[JsonObject]
    unknown: Sequence[JsonObject]
    reasons: Sequence[str]
    exemption: JsonObject | None
    treatment: Mapping[str, str]


def question(
    resource: Resource,
    evaluated_at: str,
    expected: tuple[str, ...],
    *,
    selected: bool,
    facts: Mapping[str, Any] | None = None,
) -> Question:
    """What to ask of one resource. `facts` has the shape of `input.facts`; the first time there are none."""
    try:
        core = orjson.dumps(
            {
                "version": INPUT_VERSION,
                "resource": resource.document,
                "facts": facts or {},
                "unknown": resource.unknown,
                "gone": resource.gone,
            },
            option=orjson.OPT_SORT_KEYS,
        )
    except (TypeError, orjson.JSONEncodeError) as error:
        raise NormalizationError(f"cannot be written as JSON: {error}") from None
    return Question(resource, evaluated_at, core, sha256(core).hexdigest(), expected, selected)


def needs(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts (kind, key) on which an undetermined result hangs."""
    if result.get("outcome") != Outcome.UNDETERMINED:
        return []
    return sorted(
        (gap["fact"], gap["key"])
        for gap in result.get("unknown", ())
        if isinstance(gap, dict) and isinstance(gap.get("fact"), str) and isinstance(gap.get("key"), str)
    )


def told(policy_id: str, result: Mapping[str, Any]) -> Told | None:
    """One policy's result, parsed; None when the policy is switched off for the resource."""
    word = result.get("outcome")
    if word == "off":
        return None
    if word == "silent":
        raise DecisionError(f"{policy_id} gave no result: its package is not in the bundle, or has no `violations`")
    treatment = _treatment(policy_id, result.get("treatment", {}))
    if word == "fault":
        gap = {"reason": f"the policy failed: {result.get('message', '')}"}
        return Told(Outcome.UNDETERMINED, (), (gap,), (), None, treatment)
    try:
        outcome = Outcome(word)  # type: ignore[arg-type]
    except ValueError:
        raise DecisionError(f"{policy_id} answered the unknown outcome {word!r}") from None
    violations = [_violation(policy_id, entry) for entry in result.get("violations", ())]
    unknown = [_gap(policy_id, entry) for entry in result.get("unknown", ())]
    reasons = [_text(policy_id, "a reason", entry) for entry in result.get("reasons", ())]
    exemption = result.get("exemption")
    _check_evidence(policy_id, outcome, (violations, unknown, reasons, exemption))
    return Told(outcome, violations, unknown, sorted(reasons), exemption, treatment)


def decision(asked: Question, policy: Policy, answer: Told, identity: Identity, render: Render) -> Decision:
    """The whole decision. `render` gives what Config would be told: compliance type and annotation."""
    document = asked.resource.document
    account, region, kind, name = document["account_id"], document["region"], document["type"], document["id"]
    decision_id = sha256(
        "\n".join(
            (
                policy.id, asked.digest, identity.bundle_revision, asked.evaluated_at,
                document["partition"], account, region, kind, name,
            )
        ).encode()
    ).hexdigest()  # fmt: skip
    compliance_type, annotation = render(answer.outcome, answer, decision_id)
    stage = answer.treatment.get("stage", "enforce")
    return Decision(
        account_id=account,
        region=region,
        resource_type=kind,
        resource_id=name,
        arn=document["arn"],
        capture_time=asked.resource.capture_time,
        evaluated_at=asked.evaluated_at,
        policy_id=policy.id,
        policy_version=policy.version,
        outcome=answer.outcome,
        compliance_type=compliance_type if stage == "enforce" else None,
        severity=Severity(answer.treatment.get("severity", policy.severity)),
        annotation=annotation,
        violations=answer.violations,
        unknown=answer.unknown,
        reasons=answer.reasons,
        exemption=answer.exemption,
        stage=stage,
        decision_id=decision_id,
        bundle_revision=identity.bundle_revision,
        opa_version=identity.opa_version,
        input_digest=asked.digest,
    )


def _violation(policy_id: str, entry: Any) -> JsonObject:
    if not isinstance(entry, dict):
        raise DecisionError(
            f"{policy_id} answered a violation that is no object; the contract asks for message, subject, evidence"
        )
    message = _text(policy_id, "a violation's message", entry.get("message"))
    evidence = entry.get("evidence", {})
    if not isinstance(evidence, dict):
        raise DecisionError(f"{policy_id} answered a violation whose evidence is no object")
    return {"message": message, "subject": str(entry.get("subject", "")), "evidence": evidence}


def _gap(policy_id: str, entry: Any) -> JsonObject:
    if not isinstance(entry, dict) or not entry:
        raise DecisionError(f"{policy_id} answered an unknown that is no object of {{fact, key}} or {{path}}")
    return entry


def _text(policy_id: str, what: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DecisionError(f"{policy_id} answered {what} that is no text")
    return value


def _treatment(policy_id: str, treatment: Any) -> Mapping[str, str]:
    if not isinstance(treatment, dict) or not all(isinstance(value, str) for value in treatment.values()):
        raise DecisionError(f"{policy_id}: data.stages holds something other than texts")
    if treatment.get("stage", "enforce") not in STAGES:
        raise DecisionError(f"{policy_id}: data.stages names the unknown stage {treatment['stage']!r}")
    if treatment.get("severity", Severity.LOW) not in _SEVERITIES:
        raise DecisionError(f"{policy_id}: data.stages names the unknown severity {treatment['severity']!r}")
    return treatment


def _check_evidence(policy_id: str, outcome: Outcome, parts: tuple[Any, Any, Any, Any]) -> None:
    """Every outcome but pass says why, and pass says nothing else."""
    violations, unknown, reasons, exemption = parts
    match outcome:
        case Outcome.PASS:
            whole = not violations and not unknown and not reasons and exemption is None
        case Outcome.FAIL:
            whole = bool(violations) and exemption is None
        case Outcome.EXEMPT:
            whole = bool(violations) and isinstance(exemption, dict)
        case Outcome.NOT_APPLICABLE:
            whole = bool(reasons)
        case Outcome.UNDETERMINED:
            whole = bool(unknown)
    if not whole:
        raise DecisionError(f"{policy_id} answered {outcome} without what must go with it")
