"""An EBS volume, and how new volumes of its account and Region are encrypted."""

from __future__ import annotations

from opalite.model import JsonObject
from opalite.ports import Absent, Denied, Service
from opalite.remediation.action import Ask
from opalite.remediation.items import described, item, tag_map
from opalite.remediation.model import State, Target


def volume(ask: Ask, target: Target) -> State:
    """Raises Absent if it is gone."""
    ec2 = ask("ec2")
    found = ec2.ask("DescribeVolumes", VolumeIds=[target.resource_id])["Volumes"]
    if not found:
        raise Absent(target.resource_id)
    answer = found[0]
    arn = f"arn:{target.partition}:ec2:{target.region}:{target.account_id}:volume/{target.resource_id}"
    body = item(target, configuration=described(answer), arn=arn, tags=tag_map(answer.get("Tags")))
    details = {
        "encrypted": answer["Encrypted"],
        "zone": answer["AvailabilityZone"],
        "type": answer["VolumeType"],
        "iops": answer.get("Iops"),
        "throughput": answer.get("Throughput"),
        "attachments": _attachments(answer),
        **_default(ask, ec2),
    }
    return State(body, details)


def without_volume(ask: Ask, _: Target) -> JsonObject:
    """The details that are of the account and Region."""
    return _default(ask, ask("ec2"))


def _attachments(answer: JsonObject) -> list[JsonObject]:
    """Without how far they have come, which changes by itself."""
    attachments = [
        {"instance": entry["InstanceId"], "device": entry["Device"]}
        for entry in answer.get("Attachments") or ()
        if "InstanceId" in entry
    ]
    return sorted(attachments, key=lambda entry: (entry["instance"], entry["device"]))


def _default(ask: Ask, ec2: Service) -> JsonObject:
    key = ec2.ask("GetEbsDefaultKmsKeyId")["KmsKeyId"]
    return {
        "default_encryption": ec2.ask("GetEbsEncryptionByDefault")["EbsEncryptionByDefault"],
        "default_key": key,
        "default_key_is_of_aws": "alias/aws/" in key or _manager(ask("kms"), key) == "AWS",
    }


def _manager(kms: Service, key: str) -> str | None:
    try:
        return str(kms.ask("DescribeKey", KeyId=key)["KeyMetadata"].get("KeyManager"))
    except (Absent, Denied):
        return None
