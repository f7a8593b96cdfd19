"""The key of an account and Region for its buckets: got by its alias, or made step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from opalite.model import JsonObject
from opalite.remediation.model import OUTPUT, Call, Step, Target

ALIASES = "alias/opalite/s3"  # what its alias begins with
TAG = "opalite:s3-default-key"  # on keys made here; its value is the alias. By it a key is found that has no alias yet
_STAYS = "the key stays, because objects may have been encrypted with it: schedule its deletion once nothing is"


def key_steps(target: Target, alias: str, key: JsonObject | None, tags: Mapping[str, str]) -> tuple[Step, ...]:
    """What is missing of the key. `key`: as it was read; None if there is none. A key that others made is left as it is."""
    arn: Any = {OUTPUT: "key_arn"} if key is None else key["arn"]
    steps = []
    if key is None:
        steps.append(_create(target, alias, tags))
    if key is None or alias not in key["aliases"]:
        steps.append(
            Step(
                name="name_key",
                reason=f"other buckets find the key by {alias}",
                call=Call("kms", "CreateAlias", {"AliasName": alias, "TargetKeyId": arn}),
                irreversible=_STAYS,
                stays=True,
                already=("AlreadyExistsException",),
            )
        )
    if key is None or (key["tag"] == alias and key["rotates"] is False):
        steps.append(
            Step(
                name="rotate_key",
                reason="its material is renewed once a year",
                call=Call("kms", "EnableKeyRotation", {"KeyId": arn}),
                irreversible=_STAYS,
                stays=True,
            )
        )
    return tuple(steps)


def _create(target: Target, alias: str, tags: Mapping[str, str]) -> Step:
    given = {**tags, TAG: alias}
    return Step(
        name="create_key",
        reason=f"there is no key with the alias {alias}",
        call=Call(
            "kms",
            "CreateKey",
            {
                "Description": "Default encryption of S3 buckets, made by Opalite",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "Policy": orjson.dumps(key_policy(target)).decode(),
                "Tags": [{"TagKey": name, "TagValue": value} for name, value in sorted(given.items())],
            },
        ),
        irreversible=_STAYS,
        stays=True,
        outputs={"key_arn": "KeyMetadata.Arn"},
    )


def key_policy(target: Target) -> JsonObject:
    """Administered by whom IAM of the account lets, and used by whoever of the account S3 lets at the objects, through S3 alone."""
    suffixes = ("amazonaws.com", "amazonaws.com.cn") if target.partition == "aws-cn" else ("amazonaws.com",)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Administration",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{target.partition}:iam::{target.account_id}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "UseThroughS3",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {
                        "kms:CallerAccount": target.account_id,
                        "kms:ViaService": [f"s3.{target.region}.{suffix}" for suffix in suffixes],
                    }
                },
            },
        ],
    }
