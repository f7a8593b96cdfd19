"""What plans of the actions are made of, in tests."""

from __future__ import annotations

from opalite.model import Decision, Outcome, Severity
from opalite.remediation.action import Found
from opalite.remediation.model import State, Target

ACCOUNT, REGION, AT = "111122223333", "eu-west-1", "2026-11-30T12:00:00.000Z"


def target(policy_id, resource_type, resource_id):
    return Target(
        policy_id=policy_id,
        partition="aws",
        account_id=ACCOUNT,
        region=REGION,
        resource_type=resource_type,
        resource_id=resource_id,
    )


def decision(target, violations):
    return Decision(
        account_id=target.account_id,
        region=target.region,
        resource_type=target.resource_type,
        resource_id=target.resource_id,
        arn=None,
        capture_time=AT,
        evaluated_at=AT,
        policy_id=target.policy_id,
        policy_version="1.0.0",
        outcome=Outcome.FAIL,
        compliance_type="NON_COMPLIANT",
        severity=Severity.LOW,
        annotation="",
        violations=violations,
        unknown=(),
        reasons=(),
        exemption=None,
        stage="enforce",
        decision_id="0" * 12,
        bundle_revision="",
        opa_version="",
        input_digest="",
    )


def found(action, target, details, *, item=None, violations=(), at=AT, **given):
    """With the action's defaults for what is not given."""
    defaults = {name: entry["default"] for name, entry in action.parameters["properties"].items()}
    state = State(item or {"configuration": {}, "supplementaryConfiguration": {}}, details)
    return Found(target, state, decision(target, violations), {**defaults, **given}, at)
