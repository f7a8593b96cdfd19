"""A security group as EC2 tells it: one state, whatever the order, and none while EC2 contradicts itself."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from opalite.errors import AwsError
from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import securitygroup

TARGET = Target(
    policy_id="aws.ec2.securitygroup.restricted_ingress",
    partition="aws-cn",
    account_id="111122223333",
    region="cn-north-1",
    resource_type="AWS::EC2::SecurityGroup",
    resource_id="sg-0d1e2f3a4b5c6d7e8",
)
RULES = [
    {"SecurityGroupRuleId": "sgr-1", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv4": "0.0.0.0/0"},
    {"SecurityGroupRuleId": "sgr-2", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIpv6": "::/0", "Description": "six"},
    {"SecurityGroupRuleId": "sgr-3", "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "PrefixListId": "pl-1"},
    {
        "SecurityGroupRuleId": "sgr-4", "IpProtocol": "-1", "FromPort": -1, "ToPort": -1,
        "ReferencedGroupInfo": {"GroupId": "sg-1", "UserId": "444455556666", "PeeringStatus": "active"},
    },
]  # fmt: skip
EGRESS = {"SecurityGroupRuleId": "sgr-9", "IsEgress": True, "IpProtocol": "-1", "CidrIpv4": "0.0.0.0/0"}
GROUP = {
    "GroupId": TARGET.resource_id,
    "GroupName": "web",
    "OwnerId": TARGET.account_id,
    "Description": "web tier",
    "VpcId": "vpc-1",
    "Tags": [{"Key": "aws:cloudformation:stack-id", "Value": "s"}, {"Key": "team", "Value": "shop"}],
    "IpPermissions": [
        {
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            "Ipv6Ranges": [{"CidrIpv6": "0::0/0"}],
        }
    ],
    "IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
}


class Ec2:
    """Answers with the rules that the list has next; the last ones for ever."""

    def __init__(self, *answers: list[dict[str, Any]], groups: Any = (GROUP,)) -> None:
        self._answers, self._groups = list(answers), groups

    def __call__(self, service: str) -> Ec2:
        assert service == "ec2"
        return self

    def ask(self, operation: str, **parameters: Any) -> Any:
        assert (operation, parameters) == ("DescribeSecurityGroups", {"GroupIds": [TARGET.resource_id]})
        return {"SecurityGroups": list(self._groups)}

    def pages(self, operation: str, **parameters: Any) -> Iterator[Any]:
        assert operation == "DescribeSecurityGroupRules"
        assert parameters["Filters"] == [{"Name": "group-id", "Values": [TARGET.resource_id]}]
        rules = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        told = [{"IsEgress": False, "Tags": [], **rule} for rule in rules] + [EGRESS]
        yield {"SecurityGroupRules": told[:2]}
        yield {"SecurityGroupRules": told[2:]}


def test_a_group_with_all_kinds_of_sources():
    state = securitygroup.read(Ec2(RULES), TARGET)
    assert state.item["configuration"]["ipPermissions"] == [
        {
            "ipProtocol": "-1",
            "ipv4Ranges": [],
            "ipv6Ranges": [],
            "prefixListIds": [],
            "userIdGroupPairs": [{"groupId": "sg-1", "userId": "444455556666"}],
            "ipRanges": [],
        },
        {
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}],
            "ipv6Ranges": [{"cidrIpv6": "::/0", "description": "six"}],
            "prefixListIds": [{"prefixListId": "pl-1"}],
            "userIdGroupPairs": [],
            "ipRanges": ["0.0.0.0/0"],
        },
    ]
    assert state.item["ARN"] == "arn:aws-cn:ec2:cn-north-1:111122223333:security-group/sg-0d1e2f3a4b5c6d7e8"
    assert state.item["tags"] == {"aws:cloudformation:stack-id": "s", "team": "shop"}
    assert state.details == {
        "group_id": TARGET.resource_id,
        "owner_id": TARGET.account_id,
        "is_default": False,
        "managers": ["aws:"],
        "rules": [
            {
                "SecurityGroupRuleId": "sgr-4",
                "IpProtocol": "-1",
                "FromPort": -1,
                "ToPort": -1,
                "ReferencedGroupInfo": {"GroupId": "sg-1", "UserId": "444455556666"},
                "Tags": [],
            },
            *({**rule, "Tags": []} for rule in RULES[:3]),
        ],
    }


def test_the_order_in_which_ec2_tells_rules_makes_no_difference():
    states = []
    for seed in range(10):
        rules = list(RULES)
        Random(seed).shuffle(rules)  # noqa: S311 - no secret
        states.append(securitygroup.read(Ec2(rules), TARGET))
    assert all(state == states[0] for state in states)


def test_a_group_of_which_nothing_is_told_is_absent():
    with pytest.raises(Absent):
        securitygroup.read(Ec2(RULES, groups=()), TARGET)


def test_ec2_is_asked_again_while_it_contradicts_itself():
    assert securitygroup.read(Ec2(RULES[1:], RULES[:1], RULES), TARGET) == securitygroup.read(Ec2(RULES), TARGET)


def test_ec2_that_keeps_contradicting_itself_is_an_error():
    with pytest.raises(
        AwsError,
        match="tells other rules of sg-0d1e2f3a4b5c6d7e8 than ec2:DescribeSecurityGroups: they are being changed",
    ):
        securitygroup.read(Ec2(RULES[1:]), TARGET)


@pytest.mark.parametrize(
    ("cidr", "canonical"), [("10.1.2.3/8", "10.0.0.0/8"), ("0::0/0", "::/0"), ("everybody", "everybody")]
)
def test_ranges_are_compared_however_they_are_written(cidr, canonical):
    assert securitygroup.canonical(cidr) == canonical
