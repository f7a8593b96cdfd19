"""An instance is cut off from the network and its disks are kept for whoever investigates. It goes on running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission, only
from opalite.remediation.actions.stop_instance import refusals_of_both
from opalite.remediation.model import OUTPUT, Call, Mode, Plan, Step, Until
from opalite.remediation.reading import instance as reading

_NAME = "quarantine_instance"
_GROUP = "isolation_group"  # the output
_ENDED = frozenset({"terminated", "shutting-down"})
_EVERYWHERE = {"0.0.0.0/0": "IpRanges", "::/0": "Ipv6Ranges"}
_RANGE = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6"}
_CLOSE = {"0.0.0.0/0": "close_isolation_group", "::/0": "close_isolation_group_ipv6"}
_ISOLATED = (
    "cut off from the network, it still breaks the policy: replace it by one from an approved image, then terminate it"
)

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "snapshots": {
            "description": "Whether snapshots of all its volumes are made before it is cut off",
            "type": "boolean",
            "default": True,
        },
    },
}


def plan(found: Found) -> Plan:
    """The steps that are still missing, or why none may be done."""
    details = found.state.details
    instance: JsonObject = details["instance"]
    state = str((found.state.item["configuration"].get("state") or {}).get("name"))
    if state in _ENDED:
        return Plan(action=_NAME, instructions=(f"it is {state}: there is nothing left to cut off",), mends=False)
    refusal = next(_refusals(details, instance), "")
    if refusal:
        return Plan(action=_NAME, refusal=refusal)
    isolation: JsonObject | None = details["isolation"]
    group: Any = isolation["id"] if isolation else {OUTPUT: _GROUP}
    outside = [entry for entry in instance["interfaces"] if isolation is None or entry["groups"] != [isolation["id"]]]
    steps: list[Step] = []
    if isolation is None:
        steps.append(_create(str(instance["vpc"])))
    steps += _closed(group, list(_EVERYWHERE) if isolation is None else isolation["lets_out"])
    if outside and found.parameters["snapshots"] and not set(instance["volumes"]) <= set(details["snapshots_of"]):
        steps.append(_snapshots(found.target.resource_id))
    steps += [_isolate(entry, group) for entry in outside]
    return Plan(
        action=_NAME,
        steps=tuple(steps),
        instructions=tuple(_advice(instance)),
        mends=False,
        locks=(f"{reading.ISOLATION_GROUP}/{found.target.account_id}/{found.target.region}/{instance['vpc']}",),
    )


def left(details: JsonObject) -> JsonObject:
    """Its interfaces with their groups. Whoever investigates deletes snapshots, changes tags and takes disks and roles away."""
    kept: JsonObject = only(details, "instance", "isolation")
    if "instance" in kept:
        kept["instance"] = _connected(kept["instance"])
    if "isolation" in kept:
        kept["isolation"] = only(kept["isolation"], "id")
    return kept


def _connected(instance: Any) -> Any:
    kept = only(instance, "managed_by", "interfaces")
    if isinstance(kept, dict) and isinstance(kept.get("interfaces"), list):
        told = ("id", "vpc", "owner", "managed", "groups")
        kept["interfaces"] = [only(entry, *told) for entry in kept["interfaces"]]
    return kept


def _refusals(details: JsonObject, instance: JsonObject) -> Iterator[str]:
    yield from refusals_of_both(details, instance)
    interfaces: list[JsonObject] = instance["interfaces"]
    if not interfaces or instance["vpc"] is None:
        yield "it has no interface in a VPC that could be cut off: stop it"
    if any(entry["vpc"] != instance["vpc"] for entry in interfaces):
        yield "it has interfaces in more than one VPC: cut it off by hand"
    if any(entry["managed"] or not entry["groups"] for entry in interfaces):
        yield "one of its interfaces is managed by a service of AWS, or takes no security groups: cut it off by hand"
    if len({entry["owner"] for entry in interfaces}) > 1:
        yield "one of its interfaces belongs to another account: cut it off by hand"
    isolation: JsonObject | None = details["isolation"]
    if isolation is None:
        return
    if not isolation["ours"]:
        yield f"there is a security group {reading.ISOLATION_GROUP} that is none of ours: rename it"
    if isolation["lets_in"] or "other" in isolation["lets_out"]:
        yield f"somebody has given security group {isolation['id']} rules, so it isolates nothing: take them away"


def _create(vpc: str) -> Step:
    tags = [{"Key": reading.PURPOSE, "Value": reading.ISOLATES}]
    return Step(
        name="create_isolation_group",
        reason="there is no security group without rules in the VPC",
        call=Call(
            "ec2",
            "CreateSecurityGroup",
            {
                "GroupName": reading.ISOLATION_GROUP,
                "Description": "No rules: cuts off instances that were put under quarantine",
                "VpcId": vpc,
                "TagSpecifications": [{"ResourceType": "security-group", "Tags": tags}],
            },
        ),
        irreversible="the group stays for the next instance: others may be in it, and it costs nothing",
        stays=True,
        outputs={_GROUP: "GroupId"},
    )


def _closed(group: Any, ranges: list[str]) -> Iterator[Step]:
    """A group that is new lets everything out, until these rules are taken away."""
    for index, everywhere in enumerate(ranges):
        member = _EVERYWHERE[everywhere]
        rule = {"IpProtocol": "-1", member: [{_RANGE[member]: everywhere}]}
        last = index == len(ranges) - 1
        yield Step(
            name=_CLOSE[everywhere],
            reason=f"the isolation group lets everything out to {everywhere}",
            call=Call("ec2", "RevokeSecurityGroupEgress", {"GroupId": group, "IpPermissions": [rule]}),
            irreversible="other instances may be in the group, and must not be let out again",
            stays=True,
            already=("InvalidPermission.NotFound",),
            until=Until(
                Call("ec2", "DescribeSecurityGroups", {"GroupIds": [group]}),
                "length(SecurityGroups[0].IpPermissionsEgress)",
                wanted=("0",),
                seconds=10,
            )
            if last
            else None,
        )


def _snapshots(instance_id: str) -> Step:
    tags = [{"Key": reading.QUARANTINE, "Value": instance_id}]
    return Step(
        name="snapshot_volumes",
        reason="whoever investigates needs its disks as they were",
        call=Call(
            "ec2",
            "CreateSnapshots",
            {
                "InstanceSpecification": {"InstanceId": instance_id, "ExcludeBootVolume": False},
                "Description": f"Volumes of {instance_id} before it was put under quarantine",
                "TagSpecifications": [{"ResourceType": "snapshot", "Tags": tags}],
            },
        ),
        irreversible="the snapshots are evidence: delete them once nobody needs them",
        stays=True,
        outputs={"snapshots": "Snapshots[].SnapshotId"},
    )


def _isolate(interface: JsonObject, group: Any) -> Step:
    interface_id = interface["id"]
    return Step(
        name=f"isolate_{interface_id}",
        reason="its security groups let it talk to others",
        call=_regrouped(interface_id, [group]),
        inverse=_regrouped(interface_id, interface["groups"]),
    )


def _regrouped(interface_id: str, groups: list[Any]) -> Call:
    return Call("ec2", "ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": interface_id, "Groups": groups})


def _advice(instance: JsonObject) -> Iterator[str]:
    yield _ISOLATED
    yield "connections that were open may go on until they end; a network ACL of its subnet ends them"
    if instance["profile"] is not None:
        yield f"credentials that it got by {instance['profile']} are valid for some hours: revoke the role's sessions"
    if instance["root_device"] != "ebs":
        yield "disks in its host are in no snapshot, and are lost when it stops"
    yield f"snapshots are tagged {reading.QUARANTINE}; those of an earlier quarantine are not made again"


_EC2 = "arn:${AWS::Partition}:ec2:*:${AWS::AccountId}"
_SNAPSHOTS = "arn:${AWS::Partition}:ec2:*::snapshot/*"
_OURS = {"StringEquals": {f"aws:RequestTag/{reading.PURPOSE}": reading.ISOLATES}}

ACTION = Action(
    name=_NAME,
    title="Cut an instance off from the network, and keep its disks",
    resource_types=("AWS::EC2::Instance",),
    read=reading.read_for_quarantine,
    plan=plan,
    most=Mode.APPROVE,
    permissions=(
        *reading.QUARANTINE_PERMISSIONS,
        Permission(("ec2:CreateSecurityGroup",), (f"{_EC2}:security-group/*",), _OURS),
        Permission(("ec2:CreateSecurityGroup",), (f"{_EC2}:vpc/*",)),
        Permission(
            ("ec2:RevokeSecurityGroupEgress",),
            (f"{_EC2}:security-group/*",),
            {"StringEquals": {f"aws:ResourceTag/{reading.PURPOSE}": reading.ISOLATES}},
        ),
        Permission(("ec2:CreateSnapshots",), (f"{_EC2}:instance/*", f"{_EC2}:volume/*")),
        Permission(
            ("ec2:CreateSnapshots",), (_SNAPSHOTS,), {"Null": {f"aws:RequestTag/{reading.QUARANTINE}": "false"}}
        ),
        Permission(
            ("ec2:CreateTags",),
            (f"{_EC2}:security-group/*", _SNAPSHOTS),
            {"StringEquals": {"ec2:CreateAction": ["CreateSecurityGroup", "CreateSnapshots"]}},
        ),
        Permission(
            ("ec2:ModifyNetworkInterfaceAttribute",),
            (f"{_EC2}:instance/*", f"{_EC2}:network-interface/*", f"{_EC2}:security-group/*"),
            reason="the groups that an instance had, which undoing gives back, can be any",
        ),
    ),
    parameters=_PARAMETERS,
    left=left,
)
