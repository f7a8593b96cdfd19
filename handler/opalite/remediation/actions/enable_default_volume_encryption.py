"""enable_default_volume_encryption: new volumes of the account and Region are encrypted; the one that fails is up to a person.

A volume cannot be encrypted where it is, so the plan mends nothing by itself: it keeps others from coming, and says what to do.
"""

from __future__ import annotations

import re

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission, only
from opalite.remediation.model import Call, Mode, Plan, Step, Target
from opalite.remediation.planning.key_check import check_step
from opalite.remediation.reading.volume import volume, without_volume

NAME = "enable_default_volume_encryption"
PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "key": {
            "description": (
                "ARN of a key, or alias of one of the account, that becomes the default key of EBS, if that is still AWS's own; "
                "empty: the default key stays"
            ),
            "type": "string",
            "pattern": "^(|alias/(?!aws/)[A-Za-z0-9/_-]{1,250}|arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[A-Za-z0-9-]+)$",
            "default": "",
        },
    },
}
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
_PERMISSIONS = (
    Permission(actions=("ec2:DescribeVolumes",), reason="it knows no resources"),
    Permission(
        actions=(
            "ec2:DisableEbsEncryptionByDefault",
            "ec2:EnableEbsEncryptionByDefault",
            "ec2:GetEbsDefaultKmsKeyId",
            "ec2:GetEbsEncryptionByDefault",
            "ec2:ModifyEbsDefaultKmsKeyId",
            "ec2:ResetEbsDefaultKmsKeyId",
        ),
        reason="they are of the account and Region, and know no resources",
    ),
    Permission(
        actions=("kms:DescribeKey",),
        resources=("arn:${AWS::Partition}:kms:*:*:key/*",),
        reason="the default key may be anybody's; AWS tells no secret of a key",
    ),
)


def plan(found: Found) -> Plan:
    """The steps that are missing, and always what a person has to do about the volume."""
    details, key = found.state.details, found.parameters["key"]
    steps: list[Step] = []
    if key and details["default_key_is_of_aws"]:
        if key.startswith("arn:") and key.split(":")[1:4:2] != [found.target.partition, found.target.region]:
            return Plan(
                action=NAME, refusal=f"key names no key of {found.target.region}: EBS takes keys of its Region only"
            )
        steps += _key_steps(key)
    if not details["default_encryption"]:
        steps.append(
            Step(
                name="enable_default",
                reason="new volumes, and copies of snapshots, are encrypted",
                call=Call("ec2", "EnableEbsEncryptionByDefault"),
                inverse=Call("ec2", "DisableEbsEncryptionByDefault"),
            )
        )
    target = found.target
    return Plan(
        action=NAME,
        steps=tuple(steps),
        # Of the account and Region, as its steps: what one attempt has found off, another may just have switched on.
        locks=(f"ebs/{target.account_id}/{target.region}",) if steps else (),
        instructions=(*_about_the_default(found, steps), *_about_the_volume(found.target, details, key)),
        mends=False,
    )


def left(details: JsonObject) -> JsonObject:
    """The default, which is there without the volume: people are told to delete that."""
    kept: JsonObject = only(details, "default_encryption", "default_key")
    return kept


def _key_steps(key: str) -> list[Step]:
    """EBS finds out too late that a key is of no use, so it is looked at before."""
    return [
        check_step(key, "the key must be there, enabled, symmetric and not of AWS: without it no instance would start"),
        Step(
            name="set_default_key",
            reason="new volumes are encrypted with this key where they name none",
            call=Call("ec2", "ModifyEbsDefaultKmsKeyId", {"KmsKeyId": key}),
            inverse=Call("ec2", "ResetEbsDefaultKmsKeyId"),
        ),
    ]


def _about_the_default(found: Found, steps: list[Step]) -> list[str]:
    told = []
    if any(step.name == "enable_default" for step in steps):
        told.append(
            "This is for the whole account and Region: from then on, instance types without support for encrypted volumes cannot be "
            "launched."
        )
    if any(step.name == "set_default_key" for step in steps):
        told.append(
            "Whoever launches instances must be let use the key, service-linked roles too: AWSServiceRoleForAutoScaling needs it in "
            "the key's policy, with kms:CreateGrant, or its groups launch nothing any more."
        )
    of_aws = found.state.details["default_key_is_of_aws"]
    if of_aws and not found.parameters["key"] and _wants_a_customer_key(found):
        told.append(
            "The default key is AWS's own, and the policy asks for a customer managed one: new volumes that name no key are "
            "encrypted, but fail still, until the parameter key names one."
        )
    return told


def _wants_a_customer_key(found: Found) -> bool:
    evidence = (violation.get("evidence") or {} for violation in found.decision.violations)
    return any(re.search("customer managed|allowed", str(one.get("expected"))) for one in evidence)


def _about_the_volume(target: Target, details: JsonObject, key: str) -> list[str]:
    """Commands, with what is known filled in."""
    volume_id, region = target.resource_id, f"--region {target.region}"
    key = key or ("<key>" if details["default_key_is_of_aws"] else details["default_key"])
    attached = details["attachments"]
    told = [
        f"The volume itself stays as it is: make a copy of it with {key}, and replace it. "
        + ("Stop what writes to it, then: " if attached else "It is not attached: ")
        + " && ".join(
            [
                *(f"aws ec2 stop-instances {region} --instance-ids {entry['instance']}" for entry in attached),
                *(f"aws ec2 wait instance-stopped {region} --instance-ids {entry['instance']}" for entry in attached),
                f"aws ec2 create-snapshot {region} --volume-id {volume_id}",
                f"aws ec2 wait snapshot-completed {region} --snapshot-ids <snapshot>",
                f"aws ec2 create-volume {region} --snapshot-id <snapshot> --encrypted --kms-key-id {key} {_form(details)}",
            ]
        )
    ]
    for entry in attached:
        instance, device = entry["instance"], entry["device"]
        told.append(
            f"aws ec2 detach-volume {region} --volume-id {volume_id} && aws ec2 wait volume-available {region} --volume-ids "
            f"{volume_id} && aws ec2 attach-volume {region} --volume-id <new volume> --instance-id {instance} --device {device} && "
            f"aws ec2 start-instances {region} --instance-ids {instance}"
        )
    told.append(
        "Give the copy the tags of the volume and its DeleteOnTermination; delete the volume and the snapshot, which are not "
        "encrypted as they should be, once the copy has proved itself. The volume passes the policy only when it is gone."
    )
    return told


def _form(details: JsonObject) -> str:
    given = {"availability-zone": details["zone"], "volume-type": details["type"]}
    if details["type"] in {"gp3", "io1", "io2"} and details["iops"]:
        given["iops"] = details["iops"]
    if details["throughput"]:
        given["throughput"] = details["throughput"]
    return " ".join(f"--{name} {value}" for name, value in given.items())


ACTION = Action(
    name=NAME,
    title="Encrypt new volumes of the account and Region",
    resource_types=("AWS::EC2::Volume",),
    read=volume,
    plan=plan,
    most=Mode.APPROVE,
    permissions=_PERMISSIONS,
    parameters=PARAMETERS,
    left=left,
    read_without=without_volume,
)
