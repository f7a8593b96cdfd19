"""IAM statements as CloudFormation has them, and how far each action of a member's role can be narrowed.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from opalite.errors import UsageError
from opalite.model import JsonObject
from opalite.remediation.action import Permission

EVERYTHING: Final = "*"
_OWN: Final = "${AWS::AccountId}"
_HUB: Final = f"arn:${{AWS::Partition}}:securityhub:*:{_OWN}:hub/default"
_PSEUDO: Final = re.compile(r"\$\{AWS::\w+\}")

_READS: Final = "only lists and describes, and the service knows no resources for it"
# Who asks that nothing but these be changed: BatchUpdateFindings can change more of a finding than its note and its workflow.
_UNTOUCHED: Final = (
    "Confidence", "Criticality", "RelatedFindings", "Severity.Label", "Severity.Normalized", "Severity.Product", "Types",
    "UserDefinedFields", "VerificationState",
)  # fmt: skip

# Actions that can be narrowed, by their resources; all others are for everything, by their reason.
_RESOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "config:GetComplianceDetailsByConfigRule": (f"arn:${{AWS::Partition}}:config:*:{_OWN}:config-rule/*",),
    "config:StartConfigRulesEvaluation": (f"arn:${{AWS::Partition}}:config:*:{_OWN}:config-rule/*",),
    "kms:DescribeKey": ("arn:${AWS::Partition}:kms:*:*:key/*",),
    "securityhub:GetFindings": (_HUB,),
    "sqs:GetQueueAttributes": (f"arn:${{AWS::Partition}}:sqs:*:{_OWN}:*",),
}
_REASONS: Final[Mapping[str, str]] = {
    "cloudtrail:LookupEvents": "CloudTrail knows no resources for it",
    "config:PutEvaluations": "AWS Config knows no resources for it; what it writes belongs to the rule of the result token",
}


def plain(actions: Iterable[str]) -> tuple[Permission, ...]:
    """As few statements as there are kinds of resources."""
    groups: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for action in sorted(set(actions)):
        resources = _RESOURCES.get(action, (EVERYTHING,))
        reason = _REASONS.get(action, _READS) if resources == (EVERYTHING,) else ""
        groups.setdefault((resources, reason), []).append(action)
    return tuple(Permission(tuple(found), resources, reason=reason) for (resources, reason), found in groups.items())


def imports(actions: Sequence[str]) -> Permission:
    """Findings of the own account, for its own default product."""
    product = f"arn:${{AWS::Partition}}:securityhub:*:{_OWN}:product/{_OWN}/default"
    return Permission(actions, (product,), {"StringEquals": {"securityhub:TargetAccount": _OWN}})


def updates(actions: Sequence[str], workflow: Iterable[str]) -> Permission:
    """The note and the workflow of findings, and of that only what we ever set.

    https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html
    """
    status = {"securityhub:ASFFSyntaxPath/Workflow.Status": sorted(workflow)}
    untouched = {f"securityhub:ASFFSyntaxPath/{path}": "true" for path in _UNTOUCHED}
    return Permission(actions, (_HUB,), {"StringEqualsIfExists": status, "Null": untouched})


def statements(permissions: Iterable[Permission], sid: str) -> tuple[list[JsonObject], dict[str, str]]:
    """Statements, and the reasons of those that are wide, by Sid. Raises UsageError for a width without a reason."""
    found: list[JsonObject] = []
    reasons: dict[str, str] = {}
    for number, permission in enumerate(permissions, 1):
        name = f"{sid}{number}"
        if EVERYTHING in permission.resources and not permission.reason:
            raise UsageError(f"{', '.join(permission.actions)}: for every resource, and no reason says why")
        if any(EVERYTHING in action for action in permission.actions):
            raise UsageError(f"{', '.join(permission.actions)}: name every action")
        if permission.reason:
            reasons[name] = permission.reason
        resources = [substituted(one) for one in permission.resources]
        statement: JsonObject = {
            "Sid": name,
            "Effect": "Allow",
            "Action": list(permission.actions),
            "Resource": resources[0] if len(resources) == 1 else resources,
        }
        if permission.conditions:
            statement["Condition"] = substituted(permission.conditions)
        found.append(statement)
    return found, reasons


def substituted(value: Any) -> Any:
    """With Fn::Sub around each text that names a pseudo parameter."""
    if isinstance(value, str):
        return {"Fn::Sub": value} if _PSEUDO.search(value) else value
    if isinstance(value, Mapping):
        return {name: substituted(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [substituted(one) for one in value]
    return value
