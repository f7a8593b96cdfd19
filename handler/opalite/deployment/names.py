"""What a policy is called where AWS has less room than a policy id takes."""

from __future__ import annotations

import re
from hashlib import sha256

PREFIX = "opalite"
# The copies of an organization rule are called OrgConfigRule-<name>-<8 characters>, and most of AWS Config reads names of at most 64:
# https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html
LONGEST = 64 - len("OrgConfigRule-") - len("-12345678")

_SHORT = {
    "elasticloadbalancing": "elb", "elasticloadbalancingv2": "elbv2", "loadbalancer": "lb", "securitygroup": "sg", "targetgroup": "tg",
}  # fmt: skip
_SHIPPED = "aws"
_DIGEST_CHARACTERS = 6
_WORD = re.compile(r"[A-Za-z0-9]+")


def rule_name(policy_id: str) -> str:
    """The same for ever, like the id; cut to what fits, and then told apart by a digest of the id."""
    root, *rest = policy_id.split(".")
    words = [_SHORT.get(word, word) for word in rest]
    name = "-".join([PREFIX, *([] if root == _SHIPPED else [root]), *words]).replace("_", "-")
    if len(name) <= LONGEST:
        return name
    digest = sha256(policy_id.encode()).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{name[: LONGEST - len(digest) - 1].rstrip('-')}-{digest}"


def logical_id(name: str) -> str:
    """A name as CloudFormation takes it for a resource: AwsS3BucketTlsOnly."""
    return "".join(word[0].upper() + word[1:] for word in _WORD.findall(name))
