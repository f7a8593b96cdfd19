"""What revoke_ingress takes: its parameters, and the permissions of its role."""

from __future__ import annotations

from opalite.model import JsonObject
from opalite.remediation.action import Permission

# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: inbound rules of a group, counted for IPv4 and for
# IPv6 by itself; a quota that can be raised. A prefix list counts as often as it has entries, which only EC2 knows.
_USUAL_RULES = 60
_MOST_RULES = 1000
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpRange.html
_DESCRIPTION = r"^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{0,255}$"

PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "replace_by": {
            "description": (
                "CIDR (10.0.0.0/8, not 10.1.2.3/8) to description: networks that keep what is taken from a wider range that "
                "they lie in"
            ),
            "type": "object",
            "propertyNames": {"format": "network", "pattern": "/"},
            "additionalProperties": {"type": "string", "pattern": _DESCRIPTION},
            "maxProperties": 20,
            "default": {},
        },
        "all_traffic": {
            "description": (
                "What becomes of a rule for all traffic (-1) of which only a part is wrong. refuse: nothing. split: it is replaced by "
                "rules for TCP, UDP and ICMP without that part and for `keep_protocols`, and all other protocols are cut off. "
                "revoke: nothing of it is kept"
            ),
            "enum": ["refuse", "split", "revoke"],
            "default": "refuse",
        },
        "keep_protocols": {
            "description": "Protocols by number (50) that a rule for all traffic keeps when it is split",
            "type": "array",
            "items": {
                "type": "string",
                "pattern": "^(0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])$",
                "not": {"enum": ["1", "6", "17", "58"]},
            },
            "maxItems": 20,
            "uniqueItems": True,
            "default": [],
        },
        "most_rules": {
            "description": "The account's quota of inbound rules for each security group",
            "type": "integer",
            "minimum": 1,
            "maximum": _MOST_RULES,
            "default": _USUAL_RULES,
        },
    },
}

_GROUPS = "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:security-group/*"
_RULES = "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:security-group-rule/*"
PERMISSIONS = (
    Permission(
        ("ec2:DescribeSecurityGroups", "ec2:DescribeSecurityGroupRules"),
        reason="EC2 does not restrict what describes to resources",
    ),
    Permission(
        ("ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"),
        (_GROUPS, _RULES),
        reason="which groups will need it is not known beforehand; EC2 has no condition on what a rule says",
    ),
    Permission(
        ("ec2:CreateTags",),
        (_RULES,),
        {"StringEquals": {"ec2:CreateAction": "AuthorizeSecurityGroupIngress"}},
        reason="only while a rule is made, so that it has the tags of the one whose part it is",
    ),
)
