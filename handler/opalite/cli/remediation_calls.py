"""The calls that a record has AWS asked, by the names of their IAM actions."""

from __future__ import annotations

from collections.abc import Iterator

from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Call, Until

_PREFIXES = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
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
