"""What set_bucket_encryption takes: its parameters, the permissions of its role, and what it leaves to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from opalite.model import JsonObject
from opalite.remediation.action import Found, Permission
from opalite.remediation.model import OUTPUT
from opalite.remediation.planning.new_bucket_key import ALIASES, TAG

PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "alias": {
            "description": "The alias of the key in each account and Region; without a key of that alias one is made",
            "type": "string",
            "pattern": f"^{ALIASES}[A-Za-z0-9/_-]{{0,200}}$",
            "default": ALIASES,
        },
        "key_arn": {
            "description": "The ARN of a key of the bucket's Region to use instead, of whichever account; empty: that of the alias",
            "type": "string",
            "default": "",
        },
        "key_tags": {
            "description": "Tags of a key that is made, beside the one that Opalite finds it by",
            "type": "object",
            "maxProperties": 40,
            "propertyNames": {"pattern": "^(?!aws:)[\\w .:/=+@-]{1,128}$"},
            "additionalProperties": {"type": "string", "pattern": "^[\\w .:/=+@-]{0,256}$"},
            "default": {},
        },
        "prepared_principals": {
            "description": (
                "Services and principals of other accounts, as bucket policies write them, that may use the key already, to reason"
            ),
            "type": "object",
            "additionalProperties": {"type": "string"},
            "default": {},
        },
    },
}

_OURS = {"StringLike": {f"aws:ResourceTag/{TAG}": f"{ALIASES}*"}}
_OWN_BUCKETS = {"StringEquals": {"aws:ResourceAccount": "${AWS::AccountId}"}}
_KEYS = "arn:${AWS::Partition}:kms:*:${AWS::AccountId}:key/*"

# https://docs.aws.amazon.com/kms/latest/developerguide/kms-api-permissions-reference.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
PERMISSIONS = (
    Permission(
        actions=(
            "s3:GetBucketAcl",
            "s3:GetBucketLocation",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketWebsite",
            "s3:GetEncryptionConfiguration",
            "s3:GetReplicationConfiguration",
            "s3:PutEncryptionConfiguration",
        ),
        resources=("arn:${AWS::Partition}:s3:::*",),
        conditions=_OWN_BUCKETS,
        reason="whichever bucket of the account fails the policy",
    ),
    Permission(actions=("s3:GetAccountPublicAccessBlock",), reason="it is of the account, not of a resource"),
    Permission(
        actions=("kms:ListAliases", "tag:GetResources"),
        reason="lists know no resources; the key is found by its alias, or by its tag where an attempt broke off",
    ),
    Permission(
        actions=("kms:DescribeKey",),
        resources=("arn:${AWS::Partition}:kms:*:*:key/*",),
        reason="the key of the alias may be anybody's, that of key_arn another account's; AWS tells no secret of a key",
    ),
    Permission(
        actions=("kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
        resources=(_KEYS,),
        reason="the key of the alias may have been made by people, and then has no tag of ours",
    ),
    Permission(
        actions=("kms:CreateKey",),
        conditions={
            "StringEquals": {
                "kms:KeyOrigin": "AWS_KMS",
                "kms:KeySpec": "SYMMETRIC_DEFAULT",
                "kms:KeyUsage": "ENCRYPT_DECRYPT",
            },
            "StringLike": {f"aws:RequestTag/{TAG}": f"{ALIASES}*"},
            "Bool": {"kms:BypassPolicyLockoutSafetyCheck": "false", "kms:MultiRegion": "false"},
        },
        reason="a key that does not exist yet has no ARN; only one with our tag is made",
    ),
    Permission(
        actions=("kms:TagResource",),
        resources=(_KEYS,),
        conditions={"StringLike": {f"aws:RequestTag/{TAG}": f"{ALIASES}*"}},
        reason="CreateKey asks for it where a key is made with tags, before the key has an ARN; only with our tag among them",
    ),
    Permission(
        actions=("kms:CreateAlias",), resources=(f"arn:${{AWS::Partition}}:kms:*:${{AWS::AccountId}}:{ALIASES}*",)
    ),
    Permission(actions=("kms:CreateAlias", "kms:EnableKeyRotation"), resources=(_KEYS,), conditions=_OURS),
)


_USERS = (
    "Whoever of the account uses the bucket must not be kept from kms:GenerateDataKey and kms:Decrypt by a permissions boundary or a "
    "service control policy, and must sign with version 4."
)
_COPY = "Objects that are there already stay as they are: copy them onto themselves by S3 Batch Operations (S3PutObjectCopy)"
BUCKET_KEY_ONLY = (
    "Objects that are there already stay without a bucket key.",
    "If the key's policy or a grant names single objects (kms:EncryptionContext:aws:s3:arn), it must name the bucket instead.",
)


def instructions(found: Found, rule: JsonObject, *, made: bool) -> tuple[str, ...]:
    """What is left to do, and what to look out for. `made`: a key is made."""
    default = rule["ApplyServerSideEncryptionByDefault"]
    told = [
        _USERS,
        *_existing(found, default, bucket_key=rule["BucketKeyEnabled"]),
    ]
    if made:
        told.append(
            f"A key of the alias {found.parameters['alias']} is made, and costs what a KMS key costs each month. It stays when the "
            "encryption is taken back: schedule its deletion once no object is encrypted with it."
        )
    if found.parameters["key_arn"]:
        told.append(
            "The policy of the key that key_arn names must let whoever uses the bucket use it; of another account's key, IAM of "
            "this account must let them, too."
        )
    if found.state.details["replication"]:
        told.append(
            "Replication goes on if its role may use the key: see whether new objects arrive at the destination."
        )
    return tuple(told)


def _existing(found: Found, default: Mapping[str, Any], *, bucket_key: bool) -> list[str]:
    """The objects that are there already."""
    if default["SSEAlgorithm"] != "aws:kms":
        return [
            "Objects that are there already stay as they are: copy them onto themselves by S3 Batch Operations (S3PutObjectCopy)."
        ]
    target, key = found.target, default["KMSMasterKeyID"]
    if key == {OUTPUT: "key_arn"}:
        key = f"arn:{target.partition}:kms:{target.region}:{target.account_id}:key/<id of {found.parameters['alias']}>"
    if key.split(":")[4] != target.account_id:
        return [f"{_COPY}, because UpdateObjectEncryption takes no key of another account."]
    operation = {
        "S3UpdateObjectEncryption": {"ObjectEncryption": {"SSEKMS": {"KMSKeyArn": key, "BucketKeyEnabled": bucket_key}}}
    }
    manifest = {
        "S3JobManifestGenerator": {
            "ExpectedBucketOwner": target.account_id,
            "SourceBucket": f"arn:{target.partition}:s3:::{target.resource_id}",
            "EnableManifestOutput": False,
            "Filter": {"MatchAnyObjectEncryption": [{"SSES3": {}}]},
        }
    }
    command = (
        f"aws s3control create-job --account-id {target.account_id} --region {target.region} --priority 10 --role-arn <role of S3 "
        f"Batch Operations> --operation '{orjson.dumps(operation).decode()}' --manifest-generator "
        f"""'{orjson.dumps(manifest).decode()}' --report '{{"Enabled":false}}'"""
    )
    return [f"Objects that are there already stay as they are. Those of SSE-S3 are encrypted anew by: {command}"]
