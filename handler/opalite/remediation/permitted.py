"""The calls that a record has AWS asked, and whether its action makes such calls: a record may have been edited. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from opalite.remediation.action import Action
from opalite.remediation.attempt import Attempt
from opalite.remediation.matching import matches
from opalite.remediation.model import Call, Until

_SHOWN = 100
_PREFIXES = {
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "resourcegroupstaggingapi": "tag",
    "stepfunctions": "states",
}
# Operations whose IAM action has another name:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
_OTHERWISE = {
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
}


def calls(attempt: Attempt) -> Iterator[Call]:
    """All that going on with it, or taking it back, may make."""
    for step in attempt.plan.steps if attempt.plan else ():
        yield step.call
        yield from _there(step.inverse, step.until, step.inverse_until)
    for one in attempt.applied:
        yield from _there(one.inverse, one.inverse_until)


def iam_action(call: Call) -> str:
    """As permissions name it."""
    name = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
    return _OTHERWISE.get(name, name)


def _there(*given: Call | Until | None) -> Iterator[Call]:
    for one in given:
        if one is not None:
            yield one.call if isinstance(one, Until) else one


def stranger(attempt: Attempt, action: Action) -> str | None:
    """The first call that the role of the action may not even make; None if there is none."""
    for call in calls(attempt):
        name = iam_action(call)
        if not any(matches(pattern, name) for permission in action.permissions for pattern in permission.actions):
            return name[:_SHOWN]
    return None
