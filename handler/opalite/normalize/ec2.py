"""AWS::EC2::Instance and AWS::EC2::Volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, inside, maybe, needed, time, typed
from opalite.normalize.values import GapError, boolean, integer, objects, text

if TYPE_CHECKING:
    from opalite.model import JsonObject

_MONITORED = {"enabled": True, "pending": True, "disabled": False, "disabling": False}

_http_tokens = needed("httpTokens")
_http_endpoint = needed("httpEndpoint")
# Only a limit of hops needs it; without one its absence does not matter.
_hop_limit = inside("httpPutResponseHopLimit", integer)
_group_id = needed("groupId")
_instance_id = needed("instanceId")
_monitoring_state = needed("state")


def _metadata_options(value: Any) -> JsonObject:
    return {
        "http_tokens": _http_tokens(value),
        "http_endpoint": _http_endpoint(value),
        "http_put_response_hop_limit": _hop_limit(value),
    }


def _security_groups(value: Any) -> list[str]:
    return [_group_id(entry) for entry in objects(value)]


def _block_devices(value: Any) -> list[JsonObject]:
    devices = []
    for entry in objects(value):
        volume = entry.get("ebs") or {}
        if type(volume) is not dict:
            raise GapError("malformed: expected an object as ebs")
        devices.append(
            {
                "device_name": text(entry.get("deviceName")),
                "volume_id": text(volume.get("volumeId")),
                "delete_on_termination": boolean(volume.get("deleteOnTermination")),
            }
        )
    return devices


# Every interface and every private address has these, and no query names them all one by one.
_INTERFACE = frozenset({"networkInterfaceId", "ownerId", "sourceDestCheck", "status", "privateIpAddresses"})
_PRIVATE_ADDRESS = frozenset({"privateIpAddress", "primary"})

_read_public_ip = inside("publicIp")


def _public_ip(association: Any) -> str | None:
    """Null for an association with the network of a telephone company; an association has an address, or it was not read."""
    found: str | None = _read_public_ip(association)
    if association.keys().isdisjoint({"publicIp", "carrierIp"}):
        raise GapError("malformed: expected an association with publicIp or carrierIp")
    return found


def _network_interfaces(value: Any) -> list[JsonObject]:
    return [
        {
            "network_interface_id": text(entry.get("networkInterfaceId")),
            "subnet_id": text(entry.get("subnetId")),
            "public_ip_addresses": _public_addresses(entry),
        }
        for entry in objects(value)
    ]


def _public_addresses(interface: JsonObject) -> list[str]:
    """Each private address may have one; that of the first stands at the interface, too."""
    addresses = objects(interface.get("privateIpAddresses") or [])
    if not (interface.keys() >= _INTERFACE and all(each.keys() >= _PRIVATE_ADDRESS for each in addresses)):
        raise GapError("the item has only some members of configuration.networkInterfaces")
    associations = [holder.get("association") for holder in (interface, *addresses)]
    found = {_public_ip(association) for association in associations if association is not None}
    return sorted(address for address in found if address is not None)


def _monitoring(value: Any) -> bool:
    state = _monitoring_state(value)
    if state not in _MONITORED:
        raise GapError("malformed: expected a state of monitoring")
    return _MONITORED[state]


instance = typed(
    {
        "image_id": always("imageId"),
        "instance_type": always("instanceType"),
        "state": always("state", needed("name")),
        "launch_time": always("launchTime", time),
        "architecture": always("architecture"),
        "platform": maybe("platform"),
        "key_name": maybe("keyName"),
        "vpc_id": maybe("vpcId"),
        "subnet_id": maybe("subnetId"),
        "private_ip_address": maybe("privateIpAddress"),
        "public_ip_address": maybe("publicIpAddress"),
        "iam_instance_profile_arn": maybe("iamInstanceProfile", needed("arn")),
        "metadata_options": always("metadataOptions", _metadata_options),
        "security_groups": always("securityGroups", _security_groups),
        "block_devices": always("blockDeviceMappings", _block_devices),
        "network_interfaces": always("networkInterfaces", _network_interfaces),
        "detailed_monitoring": always("monitoring", _monitoring),
        "tenancy": always("placement", needed("tenancy")),
        "ebs_optimized": always("ebsOptimized", boolean),
    },
    every=("instanceId", "imageId", "hypervisor", "rootDeviceType", "virtualizationType"),
)


def _volume_state(value: Any) -> str | None:
    """Text in older items, an object with `value` in newer ones."""
    return text(value["value"] if type(value) is dict and "value" in value else value)


def _attached_instances(value: Any) -> list[str]:
    return [_instance_id(entry) for entry in objects(value) if entry.get("instanceId")]


volume = typed(
    {
        "encrypted": always("encrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
        "state": always("state", _volume_state),
        "size": always("size", integer),
        "volume_type": always("volumeType"),
        "snapshot_id": maybe("snapshotId"),
        "attached_instances": always("attachments", _attached_instances),
    },
    every=("volumeId", "availabilityZone", "createTime", "volumeType"),
)
