"""AWS::EC2::Instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.values import GapError, boolean, integer, objects, text, timestamp, unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

# What nobody selects one by one: a row with all of these is a query's whole `configuration`.
_EVERY_INSTANCE = frozenset({"instanceId", "imageId", "hypervisor", "rootDeviceType", "virtualizationType"})
_MONITORED = {"enabled": True, "pending": True, "disabled": False, "disabling": False}


def instance(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    configuration = recorded.configuration
    if not configuration:
        unrecorded(recorded, unknown)
        return None
    document: JsonObject = dict.fromkeys(_MEMBERS)
    whole = recorded.complete or configuration.keys() >= _EVERY_INSTANCE
    for member, (key, always, read) in _MEMBERS.items():
        value = configuration.get(key)
        if value is None or value == "":
            if always or not (whole or key in configuration):
                path = f"resource.configuration.{member}"
                unknown.append({"path": path, "reason": f"the item has no configuration.{key}"})
        elif read is text and type(value) is str:
            document[member] = value
        else:
            try:
                document[member] = read(value)
            except GapError as gap:
                unknown.append({"path": f"resource.configuration.{member}", "reason": str(gap)})
    return document


def _object(value: Any, key: str) -> Any:
    """A member of an object that means nothing without it."""
    if type(value) is not dict:
        raise GapError("malformed: expected an object")
    content = value.get(key)
    if content is None or content == "":
        raise GapError(f"malformed: expected an object with {key}")
    return content


def _state(value: Any) -> str | None:
    return text(_object(value, "name"))


def _launch_time(value: Any) -> str:
    moment = timestamp(value)
    if moment is None:
        raise GapError("malformed: expected a time")
    return moment


def _profile_arn(value: Any) -> str | None:
    return text(_object(value, "arn"))


def _metadata_options(value: Any) -> JsonObject:
    return {
        "http_tokens": text(_object(value, "httpTokens")),
        "http_endpoint": text(_object(value, "httpEndpoint")),
        "http_put_response_hop_limit": integer(_object(value, "httpPutResponseHopLimit")),
    }


def _security_groups(value: Any) -> list[str]:
    return [_text(entry, "groupId") for entry in objects(value)]


def _text(value: Any, key: str) -> str:
    content = _object(value, key)
    if type(content) is not str:
        raise GapError("malformed: expected text")
    return content


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


def _monitoring(value: Any) -> bool:
    state = _text(value, "state")
    if state not in _MONITORED:
        raise GapError("malformed: expected a state of monitoring")
    return _MONITORED[state]


def _tenancy(value: Any) -> str | None:
    return text(_object(value, "tenancy"))


# Our name: Config's key, whether every instance has one, and how it is read.
# The others are null for "none": no key pair, no public address.
_MEMBERS: dict[str, tuple[str, bool, Callable[[Any], Any]]] = {
    "image_id": ("imageId", True, text),
    "instance_type": ("instanceType", True, text),
    "state": ("state", True, _state),
    "launch_time": ("launchTime", True, _launch_time),
    "architecture": ("architecture", True, text),
    "platform": ("platform", False, text),
    "key_name": ("keyName", False, text),
    "vpc_id": ("vpcId", False, text),
    "subnet_id": ("subnetId", False, text),
    "private_ip_address": ("privateIpAddress", False, text),
    "public_ip_address": ("publicIpAddress", False, text),
    "iam_instance_profile_arn": ("iamInstanceProfile", False, _profile_arn),
    "metadata_options": ("metadataOptions", True, _metadata_options),
    "security_groups": ("securityGroups", True, _security_groups),
    "block_devices": ("blockDeviceMappings", True, _block_devices),
    "detailed_monitoring": ("monitoring", True, _monitoring),
    "tenancy": ("placement", True, _tenancy),
    "ebs_optimized": ("ebsOptimized", True, boolean),
}
