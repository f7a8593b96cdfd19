"""KMS keys that an account keeps for a purpose: those behind certain aliases, and those that carry a certain tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opalite.model import JsonObject
from opalite.normalize.policy import policy
from opalite.normalize.values import GapError
from opalite.ports import Absent, Denied, Service
from opalite.remediation.action import Ask
from opalite.remediation.matching import matches

# What makes a key fit to encrypt with, of DescribeKey: JMESPath that gives its ARN, or nothing.
FIT = (
    "[KeyMetadata][?KeyManager=='CUSTOMER' && KeyState=='Enabled'"
    " && KeySpec=='SYMMETRIC_DEFAULT' && KeyUsage=='ENCRYPT_DECRYPT'] | [0].Arn"
)
_WANTED = {
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
}
_DECRYPT = "kms:Decrypt"


def keys(ask: Ask, *, aliases: str, tag: str) -> list[JsonObject]:
    """Keys of the account and Region with an alias that begins so, or with the tag; in the order of their ARNs.

    Each as {arn, aliases, tag, unusable, rotates, named}. `unusable`: what is against encrypting with it, or nothing; `rotates`:
    None where it is not ours to care; `named`: the principals that its policy lets decrypt; None: not known.
    """
    kms = ask("kms")
    by_key: dict[str, set[str]] = {}
    for page in kms.pages("ListAliases"):
        for alias in page["Aliases"]:
            if alias["AliasName"].startswith(aliases) and "TargetKeyId" in alias:
                arn = f"{alias['AliasArn'].partition(':alias/')[0]}:key/{alias['TargetKeyId']}"
                by_key.setdefault(arn, set()).add(alias["AliasName"])
    tagged = _tagged(ask("resourcegroupstaggingapi"), tag)
    found = (_key(kms, arn, by_key.get(arn, ()), tag) for arn in sorted({*by_key, *tagged}))
    return [key for key in found if key is not None]


def _tagged(tagging: Service, tag: str) -> set[str]:
    """ARNs. This service may hear of a new key, or of a deleted one, some time late."""
    pages = tagging.pages("GetResources", TagFilters=[{"Key": tag}], ResourceTypeFilters=["kms:key"])
    return {resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]}


def _key(kms: Service, arn: str, aliases: Iterable[str], tag: str) -> JsonObject | None:
    try:
        metadata = kms.ask("DescribeKey", KeyId=arn)["KeyMetadata"]
    except Absent:
        return None
    unusable = _unusable(metadata)
    value = _tag(kms, arn, tag)
    rotates = None
    if value is not None and not unusable:
        rotates = bool(kms.ask("GetKeyRotationStatus", KeyId=arn)["KeyRotationEnabled"])
    return {
        "arn": arn,
        "aliases": sorted(aliases),
        "tag": value,
        "unusable": unusable,
        "rotates": rotates,
        "named": None if unusable else _named(kms, arn),
    }


def _tag(kms: Service, arn: str, tag: str) -> str | None:
    """What KMS itself says, which is never late; a key whose tags nobody may see is none of ours."""
    try:
        tags = [entry for page in kms.pages("ListResourceTags", KeyId=arn) for entry in page["Tags"]]
    except Denied:
        return None
    return next((str(entry["TagValue"]) for entry in tags if entry["TagKey"] == tag), None)


def _unusable(metadata: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {metadata.get(name)}" for name, wanted in _WANTED.items() if metadata.get(name) != wanted)


def _named(kms: Service, arn: str) -> list[str] | None:
    try:
        document = policy(kms.ask("GetKeyPolicy", KeyId=arn, PolicyName="default")["Policy"])
    except (Denied, GapError):
        return None
    named: set[str] = set()
    for statement in (document or {"statements": []})["statements"]:
        if statement["effect"] == "Allow" and any(matches(action, _DECRYPT) for action in statement["actions"]):
            for principals in (statement["principals"] or {}).values():
                # Everybody on a condition is everybody of something: of an account, or through a service.
                named.update(one for one in principals if one != "*" or not statement["conditions"])
    return sorted(named)
