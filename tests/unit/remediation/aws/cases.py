"""Attempts as the flow keeps them."""

from __future__ import annotations

from dataclasses import replace

from opalite.remediation.action import Action
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.attempt import Approval, Attempt, Judgement
from opalite.remediation.model import Call, Mode, Plan, Result, Step, Target, Trigger, TriggerKind, Until

OWN, MEMBER, REGION = "123456789012", "111122223333", "eu-west-1"  # OWN: of moto's credentials
POLICY, GROUP = "aws.ec2.securitygroup.restricted_ingress", "sg-0f4d2c1b3a5968778"
BEGAN = "2026-11-29T12:00:00.000Z"
TARGET = Target(
    policy_id=POLICY,
    partition="aws",
    account_id=MEMBER,
    region=REGION,
    resource_type="AWS::EC2::SecurityGroup",
    resource_id=GROUP,
)
FINDING = f"opalite/aws/{MEMBER}/{REGION}/AWS::EC2::SecurityGroup/{GROUP}/{POLICY}"
STEP = Step(
    name="revoke 0.0.0.0/0",
    reason="open to all",
    call=Call("ec2", "RevokeSecurityGroupIngress", {"GroupId": GROUP, "SecurityGroupRuleIds": ["sgr-1"]}),
    inverse=Call("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": GROUP, "Password": "hunter2hunter2"}),
    already=("InvalidPermission.NotFound",),
    outputs={"rule": "Rules[0].Id"},
    until=Until(Call("ec2", "DescribeSecurityGroups", {}), "Groups[0].State", ("done",)),
)
ATTEMPT = Attempt(
    id="0123456789abcdef0123",
    target=TARGET,
    trigger=Trigger(kind=TriggerKind.FINDING, event_id="event", at=BEGAN, finding_id=FINDING, workflow_status="NEW"),
    workflow_status="NEW",
    began_at=BEGAN,
    changed_at=BEGAN,
    mode=Mode.AUTO,
    action="revoke_ingress",
    result=Result.APPLIED,
    reason="the policy passes",
    finding_id=FINDING,
    before=Judgement(
        decision_id="d1", outcome="fail", severity="HIGH", annotation="open", bundle_revision="r", evaluated_at=BEGAN
    ),
    details_before={"rules": [{"id": "sgr-1"}]},
    plan=Plan(action="revoke_ingress", steps=(STEP,), instructions=("look",)),
    applied=(Applied(STEP.name, Progress.DONE, outputs={"rule": "sgr-1"}, inverse=STEP.inverse),),
    approval=Approval(expires="2026-12-02T12:00:00.000Z", token="the-token-of-the-machine"),
)
ACTION = Action(
    name="revoke_ingress",
    title="Revoke ingress",
    resource_types=("AWS::EC2::SecurityGroup",),
    read=lambda ask, target: None,  # type: ignore[arg-type,return-value]
    plan=lambda found: Plan(action="revoke_ingress"),
    most=Mode.AUTO,
    permissions=(),
)


def attempt(**changes):
    return replace(ATTEMPT, **changes)
