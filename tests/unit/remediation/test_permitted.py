"""A record's calls must be such as its action makes: by IAM's names, which the actions' permissions have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opalite.cli.remediating import to_be_carried_out
from opalite.errors import UsageError
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.model import Call, Plan, Step, Until
from opalite.remediation.permitted import calls, iam_action
from unit.remediation.aws.cases import ATTEMPT

MADE = [  # by each action: what changes, and what takes it back
    ("delete_load_balancer", "elb", "DeleteLoadBalancer"),
    ("delete_load_balancer", "elbv2", "DeleteLoadBalancer"),
    ("delete_load_balancer", "elbv2", "DescribeLoadBalancers"),
    ("enable_default_volume_encryption", "ec2", "ModifyEbsDefaultKmsKeyId"),
    ("enable_default_volume_encryption", "ec2", "ResetEbsDefaultKmsKeyId"),
    ("enable_default_volume_encryption", "ec2", "EnableEbsEncryptionByDefault"),
    ("enable_default_volume_encryption", "ec2", "DisableEbsEncryptionByDefault"),
    ("enable_default_volume_encryption", "kms", "DescribeKey"),
    ("quarantine_instance", "ec2", "ModifyNetworkInterfaceAttribute"),
    ("quarantine_instance", "ec2", "RevokeSecurityGroupEgress"),
    ("revoke_ingress", "ec2", "AuthorizeSecurityGroupIngress"),
    ("revoke_ingress", "ec2", "RevokeSecurityGroupIngress"),
    ("run_automation", "ssm", "StartAutomationExecution"),
    ("run_automation", "ssm", "GetAutomationExecution"),
    ("set_bucket_encryption", "s3", "PutBucketEncryption"),
    ("set_bucket_encryption", "s3", "DeleteBucketEncryption"),
    ("set_bucket_encryption", "kms", "CreateKey"),
    ("set_bucket_encryption", "kms", "EnableKeyRotation"),
    ("set_bucket_encryption", "kms", "CreateAlias"),
    ("stop_instance", "ec2", "StopInstances"),
    ("stop_instance", "ec2", "StartInstances"),
    ("tag_resource", "resourcegroupstaggingapi", "TagResources"),
    ("tag_resource", "resourcegroupstaggingapi", "UntagResources"),
    ("replace_with_encrypted_instance", "rds", "CreateDBSnapshot"),
    ("replace_with_encrypted_instance", "rds", "CopyDBSnapshot"),
    ("replace_with_encrypted_instance", "rds", "RestoreDBInstanceFromDBSnapshot"),
    ("replace_with_encrypted_instance", "rds", "ModifyDBInstance"),
    ("replace_with_encrypted_instance", "rds", "DeleteDBInstance"),
    ("replace_with_encrypted_instance", "rds", "DescribeDBInstances"),
]


def doing(action, *made):
    step = Step(name="a", reason="b", call=made[0])
    return replace(ATTEMPT, action=action, plan=Plan(action=action, steps=(step,)), applied=())


@pytest.mark.parametrize(("action", "service", "operation"), MADE)
def test_what_an_action_does_is_taken(action, service, operation):
    attempt = doing(action, Call(service, operation))

    assert to_be_carried_out(attempt) == attempt


@pytest.mark.parametrize("place", ["call", "inverse", "until", "inverse_until", "applied", "applied_until"])
def test_what_it_never_does_is_refused_wherever_it_stands(place):
    evil = Call("iam", "CreateAccessKey", {"UserName": "root"})
    until = Until(evil, "a", ("b",))
    step = ATTEMPT.plan.steps[0]
    one = Applied("a", Progress.DONE)
    attempt = {
        "call": lambda: replace(ATTEMPT, plan=replace(ATTEMPT.plan, steps=(replace(step, call=evil),))),
        "inverse": lambda: replace(ATTEMPT, plan=replace(ATTEMPT.plan, steps=(replace(step, inverse=evil),))),
        "until": lambda: replace(ATTEMPT, plan=replace(ATTEMPT.plan, steps=(replace(step, until=until),))),
        "inverse_until": lambda: replace(ATTEMPT, plan=replace(ATTEMPT.plan, steps=(replace(step, inverse_until=until),))),
        "applied": lambda: replace(ATTEMPT, applied=(replace(one, inverse=evil),)),
        "applied_until": lambda: replace(ATTEMPT, applied=(replace(one, inverse_until=until),)),
    }[place]()  # fmt: skip

    with pytest.raises(UsageError, match="was edited: revoke_ingress never calls 'iam:CreateAccessKey'"):
        to_be_carried_out(attempt)


@pytest.mark.parametrize("action", ["", "format_disk"])
def test_without_an_action_nothing_is_carried_out(action):
    with pytest.raises(UsageError, match="has no action that is built in"):
        to_be_carried_out(replace(ATTEMPT, action=action))


def test_what_was_only_looked_at_has_no_calls():
    assert list(calls(replace(ATTEMPT, plan=None, applied=()))) == []


def test_names_are_those_of_iam():
    assert iam_action(Call("elbv2", "DeleteLoadBalancer")) == "elasticloadbalancing:DeleteLoadBalancer"
    assert iam_action(Call("ec2", "StopInstances")) == "ec2:StopInstances"
