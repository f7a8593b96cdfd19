from __future__ import annotations

import pytest

from opalite.deployment.statements import imports, plain, statements, substituted, updates
from opalite.errors import UsageError
from opalite.remediation.action import Permission


def test_actions_stand_together_by_how_far_they_can_be_narrowed():
    found, reasons = statements(
        plain(["kms:ListAliases", "config:PutEvaluations", "ec2:DescribeImages", "securityhub:GetFindings"]), "Own"
    )
    assert [(one["Action"], one["Resource"]) for one in found] == [
        (["config:PutEvaluations"], "*"),
        (["ec2:DescribeImages", "kms:ListAliases"], "*"),
        (["securityhub:GetFindings"], {"Fn::Sub": "arn:${AWS::Partition}:securityhub:*:${AWS::AccountId}:hub/default"}),
    ]  # fmt: skip
    assert list(reasons) == ["Own1", "Own2"]


def test_a_width_without_a_reason_is_refused():
    with pytest.raises(UsageError, match="ec2:StopInstances: for every resource, and no reason says why"):
        statements([Permission(("ec2:StopInstances",))], "Own")


def test_an_action_by_a_wildcard_is_refused():
    with pytest.raises(UsageError, match=r"ec2:\*: name every action"):
        statements([Permission(("ec2:*",), ("arn:aws:ec2:::x",))], "Own")


def test_pseudo_parameters_are_substituted_wherever_they_stand_and_other_variables_are_left():
    given = {"a": ["${AWS::AccountId}", "${aws:PrincipalTag/x}", 1], "b": {"c": "plain"}}
    assert substituted(given) == {
        "a": [{"Fn::Sub": "${AWS::AccountId}"}, "${aws:PrincipalTag/x}", 1],
        "b": {"c": "plain"},
    }


def test_findings_are_imported_for_the_own_account_only():
    [found], _ = statements([imports(["securityhub:BatchImportFindings"])], "Hub")
    assert found["Condition"] == {"StringEquals": {"securityhub:TargetAccount": {"Fn::Sub": "${AWS::AccountId}"}}}


def test_of_findings_the_severity_stays():
    [found], _ = statements([updates(["securityhub:BatchUpdateFindings"], ["SUPPRESSED", "NEW"])], "Hub")
    condition = found["Condition"]
    assert condition["StringEqualsIfExists"] == {"securityhub:ASFFSyntaxPath/Workflow.Status": ["NEW", "SUPPRESSED"]}
    assert condition["Null"]["securityhub:ASFFSyntaxPath/Severity.Label"] == "true"
