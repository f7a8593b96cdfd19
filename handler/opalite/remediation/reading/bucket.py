"""An S3 bucket: its default encryption, and everything that tells who else works with its objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.normalize.policy import policy
from opalite.normalize.values import GapError
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask
from opalite.remediation.items import item, tag_map
from opalite.remediation.model import State, Target
from opalite.remediation.reading.place import bucket_at_home

# What S3 answers where something was never set:
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_NEVER_SET = frozenset(
    {
        "NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "NoSuchWebsiteConfiguration",
        "OwnershipControlsNotFoundError", "ReplicationConfigurationNotFoundError",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)  # fmt: skip


def bucket(ask: Ask, target: Target) -> State:
    """Raises Absent if there is none of the name in the account and Region."""
    s3 = _Bucket(ask("s3"), target)
    rules = s3.asked("GetBucketEncryption", "ServerSideEncryptionConfiguration", "Rules")
    tags = tag_map(s3.asked("GetBucketTagging", "TagSet"))
    statements, unreadable = _statements(s3.asked("GetBucketPolicy", "Policy"))
    account = ask("s3control")
    details = {
        "rules": rules,
        "statements": statements,
        "unreadable": unreadable,  # why its policy cannot be told
        "replication": _replication(s3.asked("GetBucketReplication", "ReplicationConfiguration", "Rules")),
        "website": s3.answer("GetBucketWebsite") is not None,
        "grants": _grants(s3.answer("GetBucketAcl") or {}),
        "acls": _with_acls(s3.asked("GetBucketOwnershipControls", "OwnershipControls", "Rules")),
        "public_acls_ignored": _ignoring(s3.answer("GetPublicAccessBlock"))
        or _ignoring(_answer(account, "GetPublicAccessBlock", AccountId=target.account_id)),
    }
    return State(bucket_item(target, rules, tags), details)


def bucket_item(target: Target, rules: list[JsonObject] | None, tags: Mapping[str, str]) -> JsonObject:
    """As AWS Config writes it, as far as its encryption goes."""
    record = None if rules is None else {"rules": [_recorded(rule) for rule in rules]}
    return item(
        target,
        configuration={"name": target.resource_id},
        arn=f"arn:{target.partition}:s3:::{target.resource_id}",
        name=target.resource_id,
        tags=tags,
        supplementary={"ServerSideEncryptionConfiguration": record},
    )


class _Bucket:
    """S3, asked about one bucket."""

    def __init__(self, s3: Service, target: Target) -> None:
        self._s3 = s3
        self._named = bucket_at_home(s3, target)

    def answer(self, operation: str) -> Mapping[str, Any] | None:
        return _answer(self._s3, operation, **self._named)

    def asked(self, operation: str, *members: str) -> Any:
        found: Any = self.answer(operation)
        for member in members:
            found = None if found is None else found[member]
        return found


def _answer(service: Service, operation: str, **parameters: Any) -> Mapping[str, Any] | None:
    """None: never set."""
    try:
        return service.ask(operation, **parameters)
    except Absent as absent:
        if str(absent) not in _NEVER_SET:
            raise
    except AwsError as error:
        if error.code not in _NEVER_SET:
            raise
    return None


def _recorded(rule: JsonObject) -> JsonObject:
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    return {
        "applyServerSideEncryptionByDefault": {
            "sseAlgorithm": default.get("SSEAlgorithm"),
            "kmsMasterKeyID": default.get("KMSMasterKeyID"),
        },
        "bucketKeyEnabled": rule.get("BucketKeyEnabled", False),
    }


def _statements(text: str | None) -> tuple[list[JsonObject], str]:
    try:
        document = policy(text)
    except GapError as gap:
        return [], str(gap)
    return (document["statements"] if document else []), ""


def _replication(rules: list[JsonObject] | None) -> list[JsonObject]:
    """Rules that are in force: their ids, and whether they replicate what a KMS key has encrypted."""
    return [
        {"id": rule.get("ID", ""), "kms": _with_kms(rule)} for rule in rules or () if rule.get("Status") == "Enabled"
    ]


def _with_kms(rule: JsonObject) -> bool:
    chosen = (rule.get("SourceSelectionCriteria") or {}).get("SseKmsEncryptedObjects") or {}
    return bool(chosen.get("Status") == "Enabled")


def _grants(answer: Mapping[str, Any]) -> list[JsonObject]:
    """What the ACL gives others than the owner."""
    owner = answer["Owner"]["ID"]
    grants = ((grant.get("Grantee") or {}, grant.get("Permission")) for grant in answer["Grants"])
    return sorted(
        (
            {
                "to": grantee.get("URI") or grantee.get("ID") or grantee.get("EmailAddress") or "",
                "permission": permission,
            }
            for grantee, permission in grants
            if grantee.get("ID") != owner
        ),
        key=lambda grant: (grant["to"], grant["permission"]),
    )


def _with_acls(rules: list[JsonObject] | None) -> bool:
    return not any(rule["ObjectOwnership"] == "BucketOwnerEnforced" for rule in rules or ())


def _ignoring(answer: Mapping[str, Any] | None) -> bool:
    return answer is not None and bool(answer["PublicAccessBlockConfiguration"].get("IgnorePublicAcls"))
