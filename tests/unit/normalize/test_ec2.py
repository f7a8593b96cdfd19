from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
ALL = "resource.configuration"


def changed(case: str = "ec2-instance.event", /, **members: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    body["configuration"] |= members
    found = resource(Item(body=body, source="test"))
    return found.document["configuration"], list(found.unknown)


def without(case: str, member: str) -> tuple[dict[str, Any], list[dict[str, str]]]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    body["configuration"].pop(member, None)
    found = resource(Item(body=body, source="test"))
    return found.document["configuration"], list(found.unknown)


@pytest.mark.parametrize(
    ("ours", "key"),
    [
        ("image_id", "imageId"),
        ("instance_type", "instanceType"),
        ("state", "state"),
        ("launch_time", "launchTime"),
        ("architecture", "architecture"),
        ("metadata_options", "metadataOptions"),
        ("security_groups", "securityGroups"),
        ("block_devices", "blockDeviceMappings"),
        ("network_interfaces", "networkInterfaces"),
        ("detailed_monitoring", "monitoring"),
        ("tenancy", "placement"),
        ("ebs_optimized", "ebsOptimized"),
    ],
)
def test_what_every_instance_has_is_unknown_when_it_is_missing_or_null(ours: str, key: str) -> None:
    gap = [{"path": f"{ALL}.{ours}", "reason": f"the item has no configuration.{key}"}]
    before = changed()[0]
    assert changed(**{key: None}) == (before | {ours: None}, gap)
    assert without("ec2-instance.event", key) == (before | {ours: None}, gap)


@pytest.mark.parametrize(
    ("ours", "key"),
    [
        ("platform", "platform"),
        ("key_name", "keyName"),
        ("vpc_id", "vpcId"),
        ("subnet_id", "subnetId"),
        ("private_ip_address", "privateIpAddress"),
        ("public_ip_address", "publicIpAddress"),
        ("iam_instance_profile_arn", "iamInstanceProfile"),
    ],
)
def test_what_an_instance_need_not_have_is_none_when_it_is_missing_or_null(ours: str, key: str) -> None:
    before = changed()[0]
    assert changed(**{key: None}) == (before | {ours: None}, [])
    assert changed(**{key: ""}) == (before | {ours: None}, [])
    assert without("ec2-instance.event", key) == (before | {ours: None}, [])
    assert without("ec2-instance.select", key) == (before | {ours: None}, [])


def test_a_query_for_single_members_does_not_say_that_others_are_none() -> None:
    configuration, unknown = without("ec2-instance.select", "hypervisor")
    assert configuration == changed()[0]
    assert unknown == [
        {"path": f"{ALL}.{ours}", "reason": f"the item has no configuration.{key}"}
        for ours, key in (("platform", "platform"), ("key_name", "keyName"), ("public_ip_address", "publicIpAddress"))
    ]


def test_devices_without_a_volume_and_with_text_as_boolean() -> None:
    mappings = [{"deviceName": "/dev/sdb", "ebs": None}, {"ebs": {"volumeId": "vol-1", "deleteOnTermination": "true"}}]
    assert changed(blockDeviceMappings=mappings)[0]["block_devices"] == [
        {"device_name": "/dev/sdb", "volume_id": None, "delete_on_termination": None},
        {"device_name": None, "volume_id": "vol-1", "delete_on_termination": True},
    ]


def interface(**members: Any) -> dict[str, Any]:
    whole = {"networkInterfaceId": "eni-1", "ownerId": "111122223333", "sourceDestCheck": True, "status": "in-use"}
    return {**whole, "subnetId": "subnet-1", "privateIpAddresses": [], **members}


def private(**members: Any) -> dict[str, Any]:
    return {"privateIpAddress": "10.20.1.15", "primary": True, **members}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, []),
        ({"association": None, "privateIpAddresses": [private(association=None)]}, []),
        ({"association": {"publicIp": "203.0.113.7"}}, ["203.0.113.7"]),
        ({"association": {"carrierIp": "198.51.100.12", "publicIp": None}}, []),
        ({"privateIpAddresses": [private(), private(association={"publicIp": "203.0.113.7"})]}, ["203.0.113.7"]),
        (
            {
                "association": {"publicIp": "203.0.113.8"},
                "privateIpAddresses": [
                    private(association={"publicIp": "203.0.113.8"}),
                    private(association={"publicIp": "203.0.113.7"}),
                ],
            },
            ["203.0.113.7", "203.0.113.8"],
        ),
    ],
)
def test_public_addresses_stand_at_an_interface_and_at_its_private_addresses(
    members: dict[str, Any], expected: list[str]
) -> None:
    assert changed(networkInterfaces=[interface(**members)])[0]["network_interfaces"] == [
        {"network_interface_id": "eni-1", "subnet_id": "subnet-1", "public_ip_addresses": expected}
    ]


@pytest.mark.parametrize("member", ["networkInterfaceId", "ownerId", "sourceDestCheck", "status", "privateIpAddresses"])
def test_an_interface_of_which_members_were_selected_may_have_an_address(member: str) -> None:
    part = {key: value for key, value in interface().items() if key != member}
    gap = {
        "path": f"{ALL}.network_interfaces",
        "reason": "the item has only some members of configuration.networkInterfaces",
    }
    expected = (changed()[0] | {"network_interfaces": None}, [gap])
    assert changed(networkInterfaces=[interface(), part]) == expected
    for key in private():
        address = {each: value for each, value in private().items() if each != key}
        assert changed(networkInterfaces=[interface(privateIpAddresses=[address])]) == expected


@pytest.mark.parametrize(
    ("state", "expected"), [("enabled", True), ("pending", True), ("disabled", False), ("disabling", False)]
)
def test_detailed_monitoring(state: str, *, expected: bool) -> None:
    assert changed(monitoring={"state": state})[0]["detailed_monitoring"] is expected


@pytest.mark.parametrize(
    ("ours", "key", "value", "reason"),
    [
        ("security_groups", "securityGroups", [{"groupName": "web"}], "malformed: expected an object with groupId"),
        ("security_groups", "securityGroups", [{"groupId": 3}], "malformed: expected text"),
        ("detailed_monitoring", "monitoring", {"state": "on"}, "malformed: expected a state of monitoring"),
        ("network_interfaces", "networkInterfaces", [interface(association=[])], "malformed: expected an object"),
        (
            "network_interfaces",
            "networkInterfaces",
            [interface(association={"PublicIp": "203.0.113.7"})],
            "malformed: expected an association with publicIp or carrierIp",
        ),
        (
            "network_interfaces",
            "networkInterfaces",
            [interface(association={"publicIp": 3})],
            "malformed: expected text",
        ),
        (
            "network_interfaces",
            "networkInterfaces",
            [interface(privateIpAddresses=[3])],
            "malformed: expected a list of objects",
        ),
        ("key_name", "keyName", False, "malformed: expected text"),
        ("key_name", "keyName", [], "malformed: expected text"),
    ],
)
def test_a_malformed_member_is_unknown_and_the_others_are_not(ours: str, key: str, value: Any, reason: str) -> None:
    expected = changed()[0] | {ours: None}
    assert changed(**{key: value}) == (expected, [{"path": f"{ALL}.{ours}", "reason": reason}])


def test_metadata_options_without_a_limit_of_hops_are_known_but_for_it() -> None:
    configuration, gaps = changed(metadataOptions={"httpTokens": "required", "httpEndpoint": "enabled"})
    options = {"http_tokens": "required", "http_endpoint": "enabled", "http_put_response_hop_limit": None}
    assert (configuration["metadata_options"], gaps) == (options, [])
