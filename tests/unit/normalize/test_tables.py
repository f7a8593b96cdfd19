"""Types that are hardly more than a table of members: SNS, SQS, Secrets Manager, Kinesis, ECR and CloudTrail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item, Resource
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
TOPIC, QUEUE, SECRET = "sns-topic", "sqs-queue", "secretsmanager-secret"
STREAM, REPOSITORY, TRAIL = "kinesis-stream", "ecr-repository", "cloudtrail-trail"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"


def load(case: str) -> dict[str, Any]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def normalized(body: dict[str, Any]) -> Resource:
    return resource(Item(body=body, source="test"))


def changed(case: str, /, **members: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    body = load(f"{case}.event")
    body["configuration"] |= members
    found = normalized(body)
    return found.document["configuration"], [dict(gap) for gap in found.unknown]


def gaps(reason: str, *members: str) -> list[dict[str, str]]:
    return [{"path": f"resource.configuration.{member}", "reason": reason} for member in members]


@pytest.mark.parametrize("case", [TOPIC, QUEUE, SECRET, STREAM, REPOSITORY, TRAIL])
@pytest.mark.parametrize("dialect", ["api", "select"])
def test_every_dialect_gives_the_resource_of_the_event(case: str, dialect: str) -> None:
    event, other = normalized(load(f"{case}.event")), normalized(load(f"{case}.{dialect}"))
    assert orjson.dumps(event) == orjson.dumps(other)
    assert event.unknown == []


@pytest.mark.parametrize(
    ("case", "key", "members"),
    [
        (TOPIC, "Policy", ["policy"]),
        (TOPIC, "Owner", ["owner"]),
        (QUEUE, "SqsManagedSseEnabled", ["sqs_managed_sse"]),
        (QUEUE, "VisibilityTimeout", ["visibility_timeout"]),
        (QUEUE, "MessageRetentionPeriod", ["message_retention_period"]),
        (QUEUE, "MaximumMessageSize", ["maximum_message_size"]),
        (QUEUE, "DelaySeconds", ["delay"]),
        (QUEUE, "ReceiveMessageWaitTimeSeconds", ["receive_wait_time"]),
        (SECRET, "Name", ["name"]),
        (STREAM, "Name", ["name"]),
        (STREAM, "RetentionPeriodHours", ["retention_period"]),
        (REPOSITORY, "RepositoryName", ["name"]),
        (REPOSITORY, "EncryptionConfiguration", ["encryption_type", "kms_key_id"]),
        (REPOSITORY, "ImageScanningConfiguration", ["scan_on_push"]),
        (REPOSITORY, "ImageTagMutability", ["image_tag_mutability"]),
        (TRAIL, "name", ["name"]),
        (TRAIL, "homeRegion", ["home_region"]),
        (TRAIL, "isMultiRegionTrail", ["multi_region"]),
        (TRAIL, "isOrganizationTrail", ["organization"]),
        (TRAIL, "includeGlobalServiceEvents", ["global_service_events"]),
        (TRAIL, "logFileValidationEnabled", ["log_file_validation"]),
        (TRAIL, "s3BucketName", ["s3_bucket"]),
        (TRAIL, "hasCustomEventSelectors", ["custom_event_selectors"]),
    ],
)
def test_what_every_resource_of_a_type_has_is_unknown_when_it_is_missing(
    case: str, key: str, members: list[str]
) -> None:
    before = changed(case)[0]
    expected = before | dict.fromkeys(members), gaps(f"the item has no configuration.{key}", *members)
    assert changed(case, **{key: None}) == expected


@pytest.mark.parametrize(
    ("case", "key", "members"),
    [
        (TOPIC, "KmsMasterKeyId", ["kms_key_id"]),
        (TOPIC, "DisplayName", ["display_name"]),
        (QUEUE, "KmsMasterKeyId", ["kms_key_id"]),
        (QUEUE, "KmsDataKeyReusePeriodSeconds", ["kms_data_key_reuse_period"]),
        (SECRET, "KMSKeyId", ["kms_key_id"]),
        (SECRET, "RotationEnabled", ["rotation_enabled"]),
        (SECRET, "RotationLambdaARN", ["rotation_lambda_arn"]),
        (SECRET, "RotationRules", ["rotation_rules"]),
        (SECRET, "Deleted", ["deleted"]),
        (STREAM, "ShardCount", ["shard_count"]),
        (STREAM, "StreamEncryption", ["encryption_type", "kms_key_id"]),
        (REPOSITORY, "LifecyclePolicy", ["lifecycle_policy"]),
        (TRAIL, "kmsKeyId", ["kms_key_id"]),
        (TRAIL, "cloudWatchLogsLogGroupArn", ["log_group_arn"]),
    ],
)
def test_what_a_resource_may_do_without_is_none_when_it_is_missing(case: str, key: str, members: list[str]) -> None:
    before = changed(case)[0]
    assert None not in [before[member] for member in members]
    assert changed(case, **{key: None}) == (before | dict.fromkeys(members), [])


@pytest.mark.parametrize(
    ("case", "members"),
    [
        (TOPIC, {"TopicArn": "arn:aws:sns:eu-central-1:111122223333:orders-placed", "Owner": "111122223333"}),
        (QUEUE, {"QueueArn": "arn:aws:sqs:eu-central-1:111122223333:orders", "CreatedTimestamp": 1763629200.0}),
        (SECRET, {"ARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:orders-a1B2c3", "Name": "orders"}),
        (STREAM, {"Arn": "arn:aws:kinesis:eu-central-1:111122223333:stream/orders", "Name": "orders"}),
        (TRAIL, {"trailARN": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/organization", "homeRegion": "x"}),
    ],
)
def test_a_row_of_single_members_does_not_say_that_there_is_no_key(case: str, members: dict[str, Any]) -> None:
    found = normalized(load(f"{case}.select") | {"configuration": members})
    assert "resource.configuration.kms_key_id" in [gap["path"] for gap in found.unknown]


@pytest.mark.parametrize(("written", "read"), [("true", True), (True, True), ("false", False), (False, False)])
def test_sse_sqs_is_written_as_text_or_not(written: object, read: bool) -> None:  # noqa: FBT001 - a case
    before = changed(QUEUE)[0]
    assert changed(QUEUE, SqsManagedSseEnabled=written) == (before | {"sqs_managed_sse": read}, [])


def test_the_policy_of_a_topic_is_unknown_when_it_cannot_be_read() -> None:
    before = changed(TOPIC)[0]
    expected = before | {"policy": None}, gaps("malformed: expected a policy in JSON", "policy")
    assert changed(TOPIC, Policy="{not JSON") == expected


def test_the_key_of_a_secret_has_two_spellings_and_config_s_own_goes_first() -> None:
    before = changed(SECRET)[0]
    assert changed(SECRET, KMSKeyId=None, KmsKeyId="alias/own") == (before | {"kms_key_id": "alias/own"}, [])
    assert changed(SECRET, KMSKeyId="", KmsKeyId="alias/own") == (before | {"kms_key_id": "alias/own"}, [])
    assert changed(SECRET, KmsKeyId="alias/own") == (before, [])
    assert changed(SECRET, KMSKeyId=None, KmsKeyId=None) == (before | {"kms_key_id": None}, [])


@pytest.mark.parametrize("value", [[], 0, False, {}])
def test_a_malformed_key_of_a_secret_is_unknown_in_either_spelling(value: object) -> None:
    unread = changed(SECRET)[0] | {"kms_key_id": None}, gaps("malformed: expected text", "kms_key_id")
    assert changed(SECRET, KMSKeyId=value) == unread
    assert changed(SECRET, KMSKeyId=None, KmsKeyId=value) == unread


def test_the_rules_of_rotation_tell_days_schedule_and_duration() -> None:
    before = changed(SECRET)[0]
    rules = {"AutomaticallyAfterDays": 7.0, "RotationScheduleExpression": "cron(0 8 1 * ? *)", "RotationDuration": "4h"}
    read = {"after_days": 7, "schedule": "cron(0 8 1 * ? *)", "duration": "4h"}
    assert changed(SECRET, RotationRules=rules) == (before | {"rotation_rules": read}, [])
    unread = before | {"rotation_rules": None}, gaps("malformed: expected an object", "rotation_rules")
    assert changed(SECRET, RotationRules=[rules]) == unread


@pytest.mark.parametrize(
    ("encryption", "read", "unknown"),
    [
        ({"EncryptionType": "NONE"}, [None, None], []),
        ({"EncryptionType": "NONE", "KeyId": KEY}, [None, None], []),
        ({"EncryptionType": "KMS", "KeyId": KEY}, ["KMS", KEY], []),
        ({"EncryptionType": "KMS"}, ["KMS", None], gaps("malformed: expected an object with KeyId", "kms_key_id")),
        (
            {"KeyId": KEY},
            [None, None],
            gaps("malformed: expected an object with EncryptionType", "encryption_type", "kms_key_id"),
        ),
        (
            {"EncryptionType": "none"},
            [None, None],
            gaps("malformed: expected KMS or NONE as EncryptionType", "encryption_type", "kms_key_id"),
        ),
    ],
)
def test_a_stream_is_encrypted_with_a_key_or_not_at_all(
    encryption: dict[str, str], read: list[str | None], unknown: list[dict[str, str]]
) -> None:
    expected = changed(STREAM)[0] | dict(zip(("encryption_type", "kms_key_id"), read, strict=True)), unknown
    assert changed(STREAM, StreamEncryption=encryption) == expected


@pytest.mark.parametrize(
    ("encryption", "read", "unknown"),
    [
        ({"EncryptionType": "AES256"}, ["AES256", None], []),
        ({"EncryptionType": "KMS_DSSE", "KmsKey": KEY}, ["KMS_DSSE", KEY], []),
        ({"EncryptionType": "KMS"}, ["KMS", None], gaps("malformed: expected an object with KmsKey", "kms_key_id")),
        (
            {"EncryptionType": "NONE"},
            [None, None],
            gaps(
                "malformed: expected AES256, KMS or KMS_DSSE as EncryptionType",
                "encryption_type",
                "kms_key_id",
            ),
        ),
    ],
)
def test_a_repository_is_always_encrypted(
    encryption: dict[str, str], read: list[str | None], unknown: list[dict[str, str]]
) -> None:
    expected = changed(REPOSITORY)[0] | dict(zip(("encryption_type", "kms_key_id"), read, strict=True)), unknown
    assert changed(REPOSITORY, EncryptionConfiguration=encryption) == expected


def test_an_empty_lifecycle_policy_is_none() -> None:
    before = changed(REPOSITORY)[0]
    assert changed(REPOSITORY, LifecyclePolicy={}) == (before | {"lifecycle_policy": None}, [])
