"""KMS keys that an account keeps for a purpose: those behind certain aliases, and those that carry a certain tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from opalite.model import JsonObject
from opalite.normalize.policy import policy
from opalite.normalize.values import GapError
from opalite.ports import Absent, Denied, Service
from opalite.remediation.action import Ask
from opalite.remediation.matching import matches

# Of another origin, whoever has the material can take it away.
_WANTED = {
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "Origin": "AWS_KMS",
}
_DECRYPT = "kms:Decrypt"


class Terms(Protocol):
    """What a key's policy must say; it is given as normalize.policy has it."""

    def is_ours(self, document: JsonObject | None) -> bool:
        """Whether the key was made here, and its policy is still as it was then."""
        ...

    def against(self, document: JsonObject | None) -> str:
        """Why the key must not be relied on; empty if it may."""
        ...


def keys(ask: Ask, *, aliases: str, tag: str, terms: Terms) -> list[JsonObject]:
    """Keys with an alias that begins so; of ours without one, the first for each value of the tag. In the order of their ARNs.

    Each as {arn, aliases, tag, unusable, rotates, named}. `tag`, `rotates`: None unless the key is ours, for anybody can set a tag.
    `unusable`: what is against encrypting with it, or nothing. `named`: the principals that its policy lets decrypt; None: not known.
    """
    kms = ask("kms")
    by_key: dict[str, set[str]] = {}
    for page in kms.pages("ListAliases"):
        for alias in page["Aliases"]:
            if alias["AliasName"].startswith(aliases) and "TargetKeyId" in alias:
                arn = f"{alias['AliasArn'].partition(':alias/')[0]}:key/{alias['TargetKeyId']}"
                by_key.setdefault(arn, set()).add(alias["AliasName"])
    tagged = _tagged(ask("resourcegroupstaggingapi"), tag)
    found: list[JsonObject] = []
    for arn in sorted({*by_key, *tagged}):
        key = _key(kms, arn, by_key.get(arn, ()), tag, terms)
        if key is not None and (key["aliases"] or _is_first(key, found)):
            found.append(key)
    return found


def _is_first(key: JsonObject, found: list[JsonObject]) -> bool:
    """Of the keys that only their tag tells; those that lack nothing but the alias, because nobody else needs them."""
    left = (one["tag"] for one in found if not one["aliases"])
    return key["tag"] is not None and not key["unusable"] and key["tag"] not in left


def _tagged(tagging: Service, tag: str) -> set[str]:
    """ARNs. This service may hear of a new key, or of a deleted one, some time late."""
    pages = tagging.pages("GetResources", TagFilters=[{"Key": tag}], ResourceTypeFilters=["kms:key"])
    return {resource["ResourceARN"] for page in pages for resource in page["ResourceTagMappingList"]}


def _key(kms: Service, arn: str, aliases: Iterable[str], tag: str, terms: Terms) -> JsonObject | None:
    try:
        unusable = _unusable(kms.ask("DescribeKey", KeyId=arn)["KeyMetadata"])
    except Absent:
        return None
    except Denied:
        unusable = "nobody may look at it"
    document = None if unusable else _policy(kms, arn)
    if not unusable:
        unusable = "its policy cannot be read" if document is None else terms.against(document)
    value = _tag(kms, arn, tag) if terms.is_ours(document) else None
    return {
        "arn": arn,
        "aliases": sorted(aliases),
        "tag": value,
        "unusable": unusable,
        "rotates": None if value is None else _rotates(kms, arn),
        "named": None if document is None else _named(document),
    }


def _rotates(kms: Service, arn: str) -> bool | None:
    try:
        return bool(kms.ask("GetKeyRotationStatus", KeyId=arn)["KeyRotationEnabled"])
    except Denied:
        return None


def _tag(kms: Service, arn: str, tag: str) -> str | None:
    """What KMS itself says, which is never late; a key whose tags nobody may see is none of ours."""
    try:
        tags = [entry for page in kms.pages("ListResourceTags", KeyId=arn) for entry in page["Tags"]]
    except Denied:
        return None
    return next((str(entry["TagValue"]) for entry in tags if entry["TagKey"] == tag), None)


def _unusable(metadata: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {metadata.get(name)}" for name, wanted in _WANTED.items() if metadata.get(name) != wanted)


def _policy(kms: Service, arn: str) -> JsonObject | None:
    """None: it cannot be read."""
    try:
        return policy(kms.ask("GetKeyPolicy", KeyId=arn, PolicyName="default")["Policy"])
    except (Absent, Denied, GapError):
        return None


def _named(document: JsonObject) -> list[str]:
    named: set[str] = set()
    for statement in document["statements"]:
        if statement["effect"] == "Allow" and any(matches(action, _DECRYPT) for action in statement["actions"]):
            for principals in (statement["principals"] or {}).values():
                # Everybody on a condition is everybody of something: of an account, or through a service.
                named.update(one for one in principals if one != "*" or not statement["conditions"])
    return sorted(named)
