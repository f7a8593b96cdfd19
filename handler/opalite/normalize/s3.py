"""AWS::S3::Bucket. Config keeps everything but the name and the owner under supplementaryConfiguration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opalite.normalize import policy as policies
from opalite.normalize.values import GapError, boolean, decoded, objects, text, unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

# Since this day S3 encrypts every bucket, and Config records it for every bucket:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
ALWAYS_ENCRYPTED_SINCE = "2023-01-05T00:00:00.000Z"

# The first is what Config writes; the others are how the key is called elsewhere at AWS. S3 itself writes SSEAlgorithm.
_KEY_SPELLINGS = ("kmsMasterKeyID", "kmsMasterKeyId", "KMSMasterKeyID", "kMSMasterKeyID")
_BLOCKS = ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets")
# What nobody selects one by one: a row with both is a query's whole `supplementaryConfiguration`.
_EVERY_BUCKET = frozenset({"AccessControlList", "IsRequesterPaysEnabled"})


def bucket(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    supplementary = recorded.supplementary
    if recorded.configuration is None or not (recorded.configuration or supplementary):
        unrecorded(recorded, unknown)
        return None
    document: JsonObject = {}
    for member, read in _MEMBERS:
        try:
            if supplementary is None:
                raise GapError("the item has no supplementaryConfiguration")  # noqa: TRY301 - noted like the other gaps
            document[member] = read(supplementary, recorded)
        except GapError as gap:
            document[member] = None
            unknown.append({"path": f"resource.configuration.{member}", "reason": str(gap)})
    return document


def _record(supplementary: JsonObject, recorded: Recorded, name: str, *members: str) -> JsonObject | None:
    """None: never set for this bucket, which only an item with all that Config knows can say."""
    record = supplementary.get(name)
    if type(record) is str:
        record = decoded(record)
    if record is not None and type(record) is not dict:
        raise GapError("malformed: expected an object")
    if _is_selection(supplementary, recorded):
        for member in members:
            if record is None or member not in record:
                raise GapError(f"the item has no supplementaryConfiguration.{name}.{member}")
    return record


def _is_selection(supplementary: JsonObject, recorded: Recorded) -> bool:
    """A query's row with single members, where a missing one does not mean "none"."""
    return not (recorded.complete or supplementary.keys() >= _EVERY_BUCKET)


def _encryption(supplementary: JsonObject, recorded: Recorded) -> JsonObject:
    record = _record(supplementary, recorded, "ServerSideEncryptionConfiguration", "rules")
    if record and "rules" not in record:
        raise GapError("malformed: expected an object with rules")
    rules = record.get("rules") if record is not None else None
    if rules is None:
        if recorded.captured_at is None or recorded.captured_at < ALWAYS_ENCRYPTED_SINCE:
            raise GapError("the item has no encryption record, which proves nothing before 2023-01-05")
        return {"algorithm": None, "key": None, "bucket_key": None}
    found = [_rule(rule) for rule in objects(rules)]
    if not found:
        return {"algorithm": None, "key": None, "bucket_key": None}
    if any(rule != found[0] for rule in found):
        raise GapError("malformed: expected one rule, found several that differ")
    if _is_selection(supplementary, recorded):
        missing = "algorithm" if found[0]["algorithm"] is None else "key"
        if found[0][missing] is None and found[0]["algorithm"] != "AES256":
            raise GapError(
                f"the item may have no {missing} because none was selected: select supplementaryConfiguration"
            )
    return found[0]


def _rule(rule: JsonObject) -> JsonObject:
    default = rule.get("applyServerSideEncryptionByDefault")
    if default is None:
        default = {}
    if type(default) is not dict:
        raise GapError("malformed: expected an object as applyServerSideEncryptionByDefault")
    key = None
    for spelling in _KEY_SPELLINGS:
        key = key or text(default.get(spelling))
    return {
        "algorithm": text(default.get("sseAlgorithm")) or text(default.get("SSEAlgorithm")),
        "key": key,
        "bucket_key": boolean(rule.get("bucketKeyEnabled")),
    }


def _versioning(supplementary: JsonObject, recorded: Recorded) -> str | None:
    record = _record(supplementary, recorded, "BucketVersioningConfiguration", "status")
    status = text(record.get("status")) if record is not None else None
    if status not in {"Enabled", "Suspended", "Off", None}:
        raise GapError("malformed: expected Enabled, Suspended or Off")
    return None if status == "Off" else status


def _mfa_delete(supplementary: JsonObject, recorded: Recorded) -> bool | None:
    record = _record(supplementary, recorded, "BucketVersioningConfiguration", "isMfaDeleteEnabled")
    return boolean(record.get("isMfaDeleteEnabled")) if record is not None else None


def _public_access_block(supplementary: JsonObject, recorded: Recorded) -> JsonObject | None:
    record = _record(supplementary, recorded, "PublicAccessBlockConfiguration", *_BLOCKS)
    if record is None:
        return None
    return {
        "block_public_acls": boolean(record.get("blockPublicAcls")),
        "ignore_public_acls": boolean(record.get("ignorePublicAcls")),
        "block_public_policy": boolean(record.get("blockPublicPolicy")),
        "restrict_public_buckets": boolean(record.get("restrictPublicBuckets")),
    }


def _logging(supplementary: JsonObject, recorded: Recorded) -> JsonObject | None:
    record = _record(supplementary, recorded, "BucketLoggingConfiguration", "destinationBucketName")
    target = text(record.get("destinationBucketName")) if record is not None else None
    if record is None or target is None:
        return None
    return {"bucket": target, "prefix": text(record.get("logFilePrefix"))}


def _policy(supplementary: JsonObject, recorded: Recorded) -> JsonObject | None:
    record = _record(supplementary, recorded, "BucketPolicy", "policyText")
    if record and "policyText" not in record:
        raise GapError("malformed: expected an object with policyText")
    return policies.policy(record["policyText"]) if record else None


_MEMBERS: tuple[tuple[str, Callable[[JsonObject, Recorded], object]], ...] = (
    ("encryption", _encryption),
    ("versioning", _versioning),
    ("mfa_delete", _mfa_delete),
    ("public_access_block", _public_access_block),
    ("logging", _logging),
    ("policy", _policy),
)
