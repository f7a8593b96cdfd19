"""What of an instance matters for stopping it and cutting it off; moto knows only a part of it."""

from __future__ import annotations

import pytest

from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import instance as reading

ID = "i-0123456789abcdef0"
TARGET = Target(
    policy_id="x",
    partition="aws",
    account_id="111122223333",
    region="eu-west-1",
    resource_type="AWS::EC2::Instance",
    resource_id=ID,
)


class Ec2:
    def __init__(self, **answers):
        self._answers = answers

    def __call__(self, service):
        assert service == "ec2"
        return self

    def ask(self, operation, **_):
        return self._answers[operation]

    def pages(self, operation, **_):
        return iter([self._answers[operation]])


def described(**more):
    instance = {"InstanceId": ID, "InstanceType": "m5d.large", "VpcId": "vpc-1", "State": {"Name": "running"}, **more}
    return {"Reservations": [{"OwnerId": "111122223333", "Instances": [instance]}]}


def group(*egress, tags=(), ingress=()):
    return {
        "SecurityGroups": [
            {"GroupId": "sg-9", "Tags": list(tags), "IpPermissions": list(ingress), "IpPermissionsEgress": list(egress)}
        ]
    }


def test_one_that_is_not_there_is_gone():
    with pytest.raises(Absent):
        reading.read(Ec2(DescribeInstances={"Reservations": []}), TARGET)


def test_what_changes_by_itself_is_not_in_the_details():
    one, other = (
        reading.read(Ec2(DescribeInstances=described(State={"Name": name}, StateTransitionReason=name)), TARGET)
        for name in ("running", "stopping")
    )
    assert (one.digest, one.item == other.item) == (other.digest, False)


def test_who_manages_it_and_who_lends_its_address():
    interface = {
        "NetworkInterfaceId": "eni-1", "VpcId": "vpc-1", "OwnerId": "111122223333",
        "Groups": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}], "Association": {"IpOwnerId": "amazon"},
    }  # fmt: skip
    more = {
        "Operator": {"Managed": True, "Principal": "eks.amazonaws.com"},
        "NetworkInterfaces": [interface],
        "InstanceLifecycle": "spot",
        "HibernationOptions": {"Configured": True},
    }
    found = reading.read(Ec2(DescribeInstances=described(**more)), TARGET).details["instance"]
    assert (found["managed_by"], found["lifecycle"], found["hibernation"]) == ("eks.amazonaws.com", "spot", True)
    assert found["interfaces"] == [
        {
            "id": "eni-1", "vpc": "vpc-1", "owner": "111122223333", "managed": False,
            "groups": ["sg-1", "sg-2"], "lent_address": True,
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "known"), [({"DisableApiStop": {"Value": True}}, True), ({"DisableApiStop": {}}, None), ({}, None)]
)
def test_a_protection_is_on_off_or_not_known(answer, known):
    types = {"InstanceTypes": [{"InstanceType": "m5d.large", "InstanceStorageSupported": True}]}
    ec2 = Ec2(DescribeInstances=described(), DescribeInstanceAttribute=answer, DescribeInstanceTypes=types)
    details = reading.read_for_stop(ec2, TARGET).details
    assert (details["protected"]["disableApiStop"], details["instance_store"]) == (known, True)


ALL = {"IpProtocol": "-1"}
OURS = [{"Key": "opalite:purpose", "Value": "quarantine"}]


@pytest.mark.parametrize(
    ("groups", "isolation"),
    [
        ({"SecurityGroups": []}, None),
        (group(tags=OURS), {"id": "sg-9", "ours": True, "lets_in": 0, "lets_out": []}),
        (
            group({**ALL, "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, tags=OURS),
            {"id": "sg-9", "ours": True, "lets_in": 0, "lets_out": ["0.0.0.0/0", "::/0"]},
        ),
        (
            group({"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}),
            {"id": "sg-9", "ours": False, "lets_in": 0, "lets_out": ["other"]},
        ),
        (
            group({**ALL, "UserIdGroupPairs": [{"GroupId": "sg-1"}]}, ingress=[ALL], tags=OURS),
            {"id": "sg-9", "ours": True, "lets_in": 1, "lets_out": ["other"]},
        ),
        (
            group({**ALL, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}, tags=OURS),
            {"id": "sg-9", "ours": True, "lets_in": 0, "lets_out": ["other"]},
        ),
    ],
)
def test_whether_the_isolation_group_isolates(groups, isolation):
    snapshots = {"Snapshots": [{"VolumeId": "vol-2", "State": "pending"}, {"VolumeId": "vol-1", "State": "error"}]}
    ec2 = Ec2(DescribeInstances=described(), DescribeSecurityGroups=groups, DescribeSnapshots=snapshots)
    details = reading.read_for_quarantine(ec2, TARGET).details
    assert (details["isolation"], details["snapshots_of"]) == (isolation, ["vol-2"])


def test_without_a_vpc_there_is_no_isolation_group():
    ec2 = Ec2(DescribeInstances=described(VpcId=None), DescribeSnapshots={"Snapshots": []})
    assert reading.read_for_quarantine(ec2, TARGET).details["isolation"] is None
