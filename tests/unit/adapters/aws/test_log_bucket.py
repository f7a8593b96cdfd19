"""Objects of the decision log: written whole, encrypted, into the operator's own bucket, or named as not written."""

from __future__ import annotations

import gzip
from base64 import b64encode
from hashlib import sha256

import boto3
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.log_bucket import ACTIONS, ATTEMPTS, LogBucket
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Denied

OWN, REGION, BUCKET = "123456789012", "eu-west-1", "decision-log"
KEY = "log/date=2026-11-28/region=eu-west-1/111122223333-0123.jsonl.gz"
BODY = gzip.compress(b'{"schema_version":1}\n', mtime=0)
KMS_KEY = f"arn:aws:kms:{REGION}:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DENIED = f"s3:PutObject is denied in account {OWN} (AccessDenied)"
MODEL = get_session().get_service_model("s3")


class Waits(list):
    def __call__(self, seconds):
        self.append(seconds)


def bucket(accounts, waits=None, **more):
    return LogBucket(accounts, bucket=BUCKET, sleep=waits if waits is not None else Waits(), jitter=lambda: 1.0, **more)


def plenty():
    return 60.0


def busy():
    return AwsError("s3:PutObject in account 123456789012, eu-west-1: slow down", "SlowDown")


class Turns:
    """An answer for each call."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def __call__(self, parameters):
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_an_object_is_written_encrypted_and_checked_into_the_bucket_of_the_owner(accounts):
    told = accounts().tell(OWN, "PutObject", {})
    assert bucket(told, owner=OWN, kms_key=KMS_KEY).put([(KEY, BODY)], deadline=plenty) == 1
    parameters = {
        "Bucket": BUCKET,
        "Key": KEY,
        "Body": BODY,
        "ContentType": "application/x-ndjson",
        "ContentEncoding": "gzip",
        "ChecksumSHA256": b64encode(sha256(BODY).digest()).decode(),
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": KMS_KEY,
        "BucketKeyEnabled": True,
        "ExpectedBucketOwner": OWN,
    }
    assert told.asked == [(OWN, "", "PutObject", parameters)]
    validate_parameters(parameters, MODEL.operation_model("PutObject").input_shape)


def test_without_a_key_the_encryption_is_the_buckets_own(accounts):
    told = accounts().tell(OWN, "PutObject", {})
    bucket(told).put([(KEY, BODY)], deadline=plenty)
    ((*_, parameters),) = told.asked
    assert parameters.keys() == {"Bucket", "Key", "Body", "ContentType", "ContentEncoding", "ChecksumSHA256"}


def test_it_is_the_own_account_that_writes_whoever_the_caller_says_he_is(accounts):
    told = accounts(own="000000000000").tell(OWN, "PutObject", {})
    bucket(told, own_account=OWN).put([(KEY, BODY)], deadline=plenty)
    assert [account for account, *_ in told.asked] == [OWN]


def test_a_throttled_object_is_written_again_after_a_growing_pause(accounts):
    waits = Waits()
    told = accounts().tell(OWN, "PutObject", Turns(busy(), busy(), {}))
    assert bucket(told, waits).put([(KEY, BODY)], deadline=plenty) == 1
    assert (waits, told.calls[OWN, "PutObject"]) == ([0.5, 1.0], 3)


def test_what_is_throttled_to_the_end_is_named(accounts):
    told = accounts().tell(OWN, "PutObject", busy())
    with pytest.raises(DeliveryError) as raised:
        bucket(told).put([(KEY, BODY)], deadline=plenty)
    assert str(raised.value) == (
        f"s3:PutObject to bucket {BUCKET}: not written: {KEY}: s3:PutObject in account 123456789012, eu-west-1: slow down "
        f"(attempt {ATTEMPTS} was the last)"
    )
    assert told.calls[OWN, "PutObject"] == ATTEMPTS


def test_one_that_fails_does_not_keep_the_others_from_being_written(accounts):
    told = accounts().tell(OWN, "PutObject", Turns({}, busy(), {}, {}))
    assert bucket(told).put([("a", BODY), ("b", BODY), ("c", BODY)], deadline=plenty) == 3
    assert [parameters["Key"] for *_, parameters in told.asked] == ["a", "b", "c", "b"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            Denied(DENIED),
            f"{DENIED}; may the function write there (s3:PutObject) and use the key (kms:GenerateDataKey), and is it account {OWN} that owns the bucket?",
        ),
        (Absent("NoSuchBucket"), "there is no such bucket"),
        (AwsError("the key is disabled", "KMS.DisabledException"), "the key is disabled"),
    ],
)
def test_what_will_not_be_mended_by_trying_is_tried_once(accounts, error, reason):
    told = accounts().tell(OWN, "PutObject", error)
    with pytest.raises(DeliveryError) as raised:
        bucket(told, owner=OWN).put([(KEY, BODY)], deadline=plenty)
    assert str(raised.value) == f"s3:PutObject to bucket {BUCKET}: not written: {KEY}: {reason}"
    assert told.calls[OWN, "PutObject"] == 1


def test_many_that_fail_for_one_reason_are_counted(accounts):
    told = accounts().tell(OWN, "PutObject", Absent("NoSuchBucket"))
    with pytest.raises(DeliveryError, match=r"not written: k0, k1, k2 \(\+2 more\): there is no such bucket$"):
        bucket(told).put([(f"k{n}", BODY) for n in range(5)], deadline=plenty)


def test_without_time_nothing_is_begun(accounts):
    told = accounts()
    with pytest.raises(DeliveryError, match="no time was left to write it"):
        bucket(told).put([(KEY, BODY)], deadline=lambda: 1.0)
    assert told.asked == []


def test_a_pause_that_would_outlast_the_invocation_is_not_made(accounts):
    waits = Waits()
    told = accounts().tell(OWN, "PutObject", busy())
    with pytest.raises(DeliveryError, match=r"attempt 1 was the last"):
        bucket(told, waits).put([(KEY, BODY)], deadline=lambda: 2.2)
    assert waits == []


def test_nothing_to_write_is_no_call(accounts):
    told = accounts()
    assert (bucket(told).put([], deadline=plenty), told.asked) == (0, [])


def test_s3_has_the_object_once_however_often_it_is_written(aws, clock):
    s3 = boto3.client("s3", region_name=REGION)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    target = LogBucket(AwsSessions(clock), bucket=BUCKET, sleep=Waits(), jitter=lambda: 1.0, owner=OWN, kms_key=KMS_KEY)
    for _ in range(2):
        target.put([(KEY, BODY)], deadline=plenty)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [KEY]
    found = s3.get_object(Bucket=BUCKET, Key=KEY)
    assert found["Body"].read() == BODY
    assert {
        name: found[name] for name in ("ContentType", "ContentEncoding", "ServerSideEncryption", "SSEKMSKeyId")
    } == {
        "ContentType": "application/x-ndjson",
        "ContentEncoding": "gzip",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": KMS_KEY,
    }


def test_a_bucket_that_is_not_there_is_told_of(aws, clock):
    target = LogBucket(AwsSessions(clock), bucket="not-there", sleep=Waits(), jitter=lambda: 1.0)
    with pytest.raises(DeliveryError) as raised:
        target.put([(KEY, BODY)], deadline=plenty)
    assert str(raised.value) == f"s3:PutObject to bucket not-there: not written: {KEY}: there is no such bucket"


def test_the_permission_is_that_of_the_call():
    assert ACTIONS == ("s3:PutObject",)
