"""Bucket, table, topic and queues: where decisions go beside AWS Config, and where failed events wait. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opalite.doctor.diagnosis import Diagnosis, Reply, notice, quoted, skipped, unknown, well, wrong

BUCKET_CHECKS: Final = ("log_bucket", "log_bucket_encryption", "log_bucket_public", "log_bucket_write")
TOPIC_CHECKS: Final = ("topic", "topic_encryption", "topic_subscriptions")
_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_ENABLED: Final = "ENABLED"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What S3 says. `written`: of the attempt, None without --write."""

    name: str
    location: Reply
    encryption: Reply
    block: Reply
    written: Reply | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What DynamoDB says of a table, and what it must be: key attributes in order, the index if there is one."""

    name: str
    table: Reply
    expiry: Reply
    keys: Sequence[str]
    expires: str
    index: str = ""
    index_keys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """`attributes`: of SQS; `age`: seconds of the oldest message by CloudWatch, asked for only when there is one."""

    attributes: Reply
    age: Reply = field(default_factory=Reply)


def bucket(seen: Bucket) -> Iterator[Diagnosis]:
    """Of the decision log's bucket."""
    first = BUCKET_CHECKS[0]
    if not seen.location.known:
        reply = Reply(
            unknown=f"{seen.location.unknown}; or it is another account's", permission=seen.location.permission
        )
        yield from (unknown(check, reply) for check in BUCKET_CHECKS)
        return
    if seen.location.absent:
        yield wrong(first, f"there is no bucket {seen.name}", "deploy it, or correct OPALITE_LOG_BUCKET")
        yield from (skipped(check, "there is no bucket") for check in BUCKET_CHECKS[1:])
        return
    yield well(first)
    yield _encrypted(seen)
    yield _blocked(seen)
    yield _written(seen)


def _encrypted(seen: Bucket) -> Diagnosis:
    check = "log_bucket_encryption"
    if not seen.encryption.known:
        return unknown(check, seen.encryption)
    rules = ((seen.encryption.value or {}).get("ServerSideEncryptionConfiguration") or {}).get("Rules")
    if rules:
        return well(check)
    command = f"aws s3api put-bucket-encryption --bucket {quoted(seen.name)} --server-side-encryption-configuration …"
    return wrong(check, "the bucket has no default encryption", "set one, best with a key of your own", command)


def _blocked(seen: Bucket) -> Diagnosis:
    check = "log_bucket_public"
    if not seen.block.known:
        return unknown(check, seen.block)
    given = (seen.block.value or {}).get("PublicAccessBlockConfiguration") or {}
    open_ = [name for name in _BLOCKS if given.get(name) is not True]
    if not open_:
        return well(check)
    every = ",".join(f"{name}=true" for name in _BLOCKS)
    command = (
        f"aws s3api put-public-access-block --bucket {quoted(seen.name)} --public-access-block-configuration {every}"
    )
    return wrong(check, f"not blocked: {', '.join(open_)}", "block public access to the bucket", command)


def _written(seen: Bucket) -> Diagnosis:
    check = "log_bucket_write"
    if seen.written is None:
        return skipped(check, "nothing is written without --write")
    if not seen.written.known:
        return unknown(check, seen.written)
    if seen.written.absent:
        return wrong(
            check, f"S3 does not take an object ({seen.written.absent})", "look at the bucket's policy and key"
        )
    return well(check)


def table(seen: Table, check: str, expiry: str) -> Iterator[Diagnosis]:
    """Of a table, by the ids of the two checks."""
    if not seen.table.known:
        yield from (unknown(each, seen.table) for each in (check, expiry))
    elif seen.table.absent:
        yield wrong(check, f"there is no table {seen.name}", "deploy it, or name the right one")
        yield skipped(expiry, "there is no table")
    else:
        yield _keyed(seen, check)
        yield _expiring(seen, expiry)


def _keyed(seen: Table, check: str) -> Diagnosis:
    found = (seen.table.value or {}).get("Table") or {}
    if found.get("TableStatus") not in ("ACTIVE", "UPDATING"):
        return wrong(
            check,
            f"the table is {found.get('TableStatus')}",
            "see why",
            f"aws dynamodb describe-table --table-name {quoted(seen.name)}",
        )
    kinds = {one.get("AttributeName"): one.get("AttributeType") for one in found.get("AttributeDefinitions") or ()}
    wanted = [(name, "S") for name in seen.keys]
    if [(name, kinds.get(name)) for name in _keys(found)] != wanted:
        return wrong(check, f"its key is not {', '.join(seen.keys)} (S)", "make the table anew: keys cannot be changed")
    if seen.index:
        index: Mapping[str, Any] = next(
            (one for one in found.get("GlobalSecondaryIndexes") or () if one.get("IndexName") == seen.index), {}
        )
        if _keys(index) != list(seen.index_keys):
            return wrong(
                check, f"there is no index {seen.index} by {', '.join(seen.index_keys)}", "add it to the table"
            )
    return well(check)


def _keys(schema: Mapping[str, Any]) -> list[str]:
    """The partition key first."""
    return [
        str(one.get("AttributeName")) for one in sorted(schema.get("KeySchema") or (), key=lambda one: one["KeyType"])
    ]


def _expiring(seen: Table, check: str) -> Diagnosis:
    if not seen.expiry.known:
        return unknown(check, seen.expiry)
    found = (seen.expiry.value or {}).get("TimeToLiveDescription") or {}
    if found.get("AttributeName") == seen.expires and found.get("TimeToLiveStatus") in (_ENABLED, "ENABLING"):
        return well(check)
    command = (
        f"aws dynamodb update-time-to-live --table-name {quoted(seen.name)} "
        f"--time-to-live-specification Enabled=true,AttributeName={seen.expires}"
    )
    return wrong(
        check, f"items do not expire by {seen.expires}: the table grows for ever", "set the time to live", command
    )


def topic(arn: str, attributes: Reply) -> Iterator[Diagnosis]:
    """Of the topic of notifications."""
    if not attributes.known:
        yield from (unknown(check, attributes) for check in TOPIC_CHECKS)
        return
    if attributes.absent:
        yield wrong("topic", f"there is no topic {arn}", "deploy it, or correct OPALITE_TOPIC_ARN")
        yield from (skipped(check, "there is no topic") for check in TOPIC_CHECKS[1:])
        return
    given = (attributes.value or {}).get("Attributes") or {}
    yield well("topic")
    if given.get("KmsMasterKeyId"):
        yield well("topic_encryption")
    else:
        command = f"aws sns set-topic-attributes --topic-arn {quoted(arn)} --attribute-name KmsMasterKeyId --attribute-value KEY"
        yield wrong("topic_encryption", "the topic is not encrypted", "name a key of your own", command)
    yield _subscribed(given, f"aws sns list-subscriptions-by-topic --topic-arn {quoted(arn)}")


def _subscribed(given: Mapping[str, Any], command: str) -> Diagnosis:
    check = "topic_subscriptions"
    confirmed, pending = (int(given.get(f"Subscriptions{what}") or 0) for what in ("Confirmed", "Pending"))
    if not confirmed:
        return wrong(
            check, f"nobody gets notifications: {pending} subscriptions wait to be confirmed", "subscribe", command
        )
    if pending:
        return notice(check, f"{pending} subscriptions wait to be confirmed", "have them confirmed", command)
    return well(check)


def queue(seen: Queue) -> Diagnosis:
    """Of the queue of failed events."""
    check = "failed_events"
    if not seen.attributes.known:
        return unknown(check, seen.attributes)
    if seen.attributes.absent:
        return wrong(check, "there is no such queue", "deploy it, or name the right one by --queue")
    given = (seen.attributes.value or {}).get("Attributes") or {}
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    waiting = sum(int(given.get(name) or 0) for name in names)
    if not waiting:
        return well(check)
    age = f", the oldest for {int(seen.age.value) // 3600} h" if seen.age.value else ""
    command = "opalite redrive --queue URL --function ARN --dry-run"
    return wrong(check, f"{waiting} failed events wait{age}", "mend why they failed, then send them again", command)


def switch(item: Reply) -> Diagnosis:
    """Of the switch that stops all remediation."""
    check = "remediation_switch"
    if not item.known:
        return unknown(check, item)
    if item.absent:
        return skipped(check, "there is no table")
    found = (item.value or {}).get("Item")
    if not found:
        return well(check)
    reason = ((found.get("reason") or {}).get("S")) or "no reason is told"
    return notice(
        check, f"all remediation is stopped: {reason}", "when that is over", "opalite remediate start --table NAME"
    )
