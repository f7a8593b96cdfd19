"""EC2 instances, with what keeps them from being stopped or isolated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opalite.model import JsonObject
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask, Permission
from opalite.remediation.items import described, item, tag_map
from opalite.remediation.model import State, Target

# Tags of ours; see docs/remediation.md.
KEEP = "opalite:keep"
PURPOSE = "opalite:purpose"
QUARANTINE = "opalite:quarantine"
ISOLATION_GROUP = "opalite-quarantine"
ISOLATES = "quarantine"  # the value of PURPOSE

_READS = "Describe operations of EC2 cannot be narrowed to resources"
PERMISSIONS = (Permission(("ec2:DescribeInstances",), reason=_READS),)
STOP_PERMISSIONS = (
    Permission(("ec2:DescribeInstanceAttribute",), ("arn:${AWS::Partition}:ec2:*:${AWS::AccountId}:instance/*",)),
    Permission(("ec2:DescribeInstanceTypes", "ec2:DescribeInstances"), reason=_READS),
)
QUARANTINE_PERMISSIONS = (
    Permission(("ec2:DescribeInstances", "ec2:DescribeSecurityGroups", "ec2:DescribeSnapshots"), reason=_READS),
)


def read(ask: Ask, target: Target) -> State:
    """The instance alone."""
    instance = _instance(ask("ec2"), target)
    return _state(target, instance, {})


def read_for_stop(ask: Ask, target: Target) -> State:
    """With its protections, and whether stopping it loses the data of disks of its host."""
    ec2 = ask("ec2")
    instance = _instance(ec2, target)
    types = ec2.ask("DescribeInstanceTypes", InstanceTypes=[instance["InstanceType"]])["InstanceTypes"]
    more = {
        "protected": {
            name: _attribute(ec2, target.resource_id, name) for name in ("disableApiStop", "disableApiTermination")
        },
        "instance_store": any(bool(one.get("InstanceStorageSupported")) for one in types) if types else None,
    }
    return _state(target, instance, more)


def read_for_quarantine(ask: Ask, target: Target) -> State:
    """With the isolation group of its VPC, if there is one, and the volumes of which there are snapshots for this purpose."""
    ec2 = ask("ec2")
    instance = _instance(ec2, target)
    more = {
        "isolation": _isolation(ec2, instance.get("VpcId")),
        "snapshots_of": _snapshots(ec2, target),
    }
    return _state(target, instance, more)


def _instance(ec2: Service, target: Target) -> Mapping[str, Any]:
    answer = ec2.ask("DescribeInstances", InstanceIds=[target.resource_id])
    for reservation in answer["Reservations"]:
        for instance in reservation.get("Instances", ()):
            return {**instance, "OwnerId": reservation.get("OwnerId")}
    raise Absent("InvalidInstanceID.NotFound")


def _state(target: Target, instance: Mapping[str, Any], more: JsonObject) -> State:
    arn = f"arn:{target.partition}:ec2:{target.region}:{target.account_id}:instance/{target.resource_id}"
    tags = tag_map(instance.get("Tags"))
    configuration = described({name: value for name, value in instance.items() if name != "OwnerId"})
    return State(
        item(target, configuration=configuration, arn=arn, tags=tags),
        {"instance": _lasting(instance), "tags": tags, **more},
    )


def _lasting(instance: Mapping[str, Any]) -> JsonObject:
    """Without what changes by itself, such as its state."""
    return {
        "image": instance.get("ImageId"),
        "type": instance.get("InstanceType"),
        "vpc": instance.get("VpcId"),
        "root_device": instance.get("RootDeviceType"),
        "lifecycle": instance.get("InstanceLifecycle"),
        "hibernation": bool((instance.get("HibernationOptions") or {}).get("Configured")),
        "managed_by": (instance.get("Operator") or {}).get("Principal")
        if (instance.get("Operator") or {}).get("Managed")
        else None,
        "profile": (instance.get("IamInstanceProfile") or {}).get("Arn"),
        "volumes": sorted(_volumes(instance.get("BlockDeviceMappings") or ())),
        "interfaces": sorted(
            (_interface(entry) for entry in instance.get("NetworkInterfaces") or ()), key=lambda one: str(one["id"])
        ),
    }


def _volumes(mappings: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    return (str(mapping["Ebs"]["VolumeId"]) for mapping in mappings if (mapping.get("Ebs") or {}).get("VolumeId"))


def _interface(entry: Mapping[str, Any]) -> JsonObject:
    association = entry.get("Association") or {}
    return {
        "id": entry.get("NetworkInterfaceId"),
        "vpc": entry.get("VpcId"),
        "owner": entry.get("OwnerId"),
        "managed": bool((entry.get("Operator") or {}).get("Managed")),
        "groups": sorted(str(group["GroupId"]) for group in entry.get("Groups") or ()),
        "lent_address": association.get("IpOwnerId") == "amazon",  # AWS takes it back when the instance stops
    }


def _attribute(ec2: Service, instance_id: str, name: str) -> bool | None:
    answer = ec2.ask("DescribeInstanceAttribute", InstanceId=instance_id, Attribute=name)
    value = (answer.get(name[:1].upper() + name[1:]) or {}).get("Value")
    return value if isinstance(value, bool) else None


def _isolation(ec2: Service, vpc: str | None) -> JsonObject | None:
    if vpc is None:
        return None
    filters = [{"Name": "group-name", "Values": [ISOLATION_GROUP]}, {"Name": "vpc-id", "Values": [vpc]}]
    groups: Sequence[Mapping[str, Any]] = ec2.ask("DescribeSecurityGroups", Filters=filters)["SecurityGroups"]
    if not groups:
        return None
    group = groups[0]
    return {
        "id": group["GroupId"],
        "ours": tag_map(group.get("Tags")).get(PURPOSE) == ISOLATES,
        "lets_in": len(group.get("IpPermissions") or ()),
        "lets_out": [permission for rule in group.get("IpPermissionsEgress") or () for permission in _everywhere(rule)],
    }


def _everywhere(rule: Mapping[str, Any]) -> list[str]:
    """The ranges of the rules that a new group has by itself; "other" for any other rule."""
    ranges = [str(entry.get("CidrIp")) for entry in rule.get("IpRanges") or ()]
    ranges += [str(entry.get("CidrIpv6")) for entry in rule.get("Ipv6Ranges") or ()]
    others = rule.get("UserIdGroupPairs") or rule.get("PrefixListIds") or rule.get("IpProtocol") != "-1"
    return ["other"] if others else [one if one in {"0.0.0.0/0", "::/0"} else "other" for one in ranges]


def _snapshots(ec2: Service, target: Target) -> list[str]:
    wanted = [{"Name": f"tag:{QUARANTINE}", "Values": [target.resource_id]}]
    pages = ec2.pages("DescribeSnapshots", OwnerIds=[target.account_id], Filters=wanted)
    found = (snapshot for page in pages for snapshot in page["Snapshots"])
    return sorted({str(snapshot["VolumeId"]) for snapshot in found if snapshot.get("State") != "error"})
