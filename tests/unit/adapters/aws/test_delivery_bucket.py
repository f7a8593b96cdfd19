"""Oversized items in the bucket of the delivery channel: the very one, or none."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import boto3
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.delivery_bucket import MEBIBYTE, OBJECTS, PACKED_BYTES, UNPACKED_BYTES, DeliveryBucket
from opalite.errors import AwsError
from opalite.ports import Absent, Denied

OWN, MEMBER, REGION, BUCKET = "123456789012", "111122223333", "eu-west-1", "org-config-logs"
MODEL = get_session().get_service_model("s3")
KIND, NAME = "AWS::SSM::ManagedInstanceInventory", "i-0cdfa98f4bdc558f0"
CAPTURED, STATE = "2026-03-04T23:59:58.089Z", 1772668798089
NOTIFIED = "2026-03-05T00:00:03.000Z"
FOLDER = f"AWSLogs/{MEMBER}/Config/{REGION}/2026/3/4/OversizedChangeNotification/{KIND}/{NAME}/"
NEXT_DAY = FOLDER.replace("/2026/3/4/", "/2026/3/5/")


def item(**more):
    return {
        "resourceType": KIND,
        "resourceId": NAME,
        "awsAccountId": MEMBER,
        "awsRegion": REGION,
        "configurationItemCaptureTime": CAPTURED,
        "configurationStateId": STATE,
        "configuration": {"AWS:Application": {}},
        **more,
    }


def packed(document):
    return gzip.compress(document if isinstance(document, bytes) else json.dumps(document).encode())


def notification(**more):
    return packed({"configurationItem": item(**more), "messageType": "ConfigurationItemChangeNotification"})


class Body(io.BytesIO):
    """Of an answer; notes how much of it was read, and that it was closed."""

    def __init__(self, data, bodies):
        super().__init__(data)
        self.given = 0
        bodies.append(self)

    def read(self, size=-1):
        data = super().read(size)
        self.given += len(data)
        return data


class Bucket:
    """Objects by key, as a caller of the account OWN sees them."""

    def __init__(self, sessions):
        self.sessions = sessions
        self.objects = {}
        self.written = {}
        self.bodies = []
        sessions.tell(OWN, "ListObjectsV2", self._list)
        sessions.tell(OWN, "GetObject", self._get)

    def put(self, key, data, *, at=None):
        self.objects[key] = data
        self.written[key] = at or datetime(2026, 3, 5, tzinfo=UTC)

    def read(self):
        """The keys of the objects that were read."""
        return [parameters["Key"] for *_, name, parameters in self.sessions.asked if name == "GetObject"]

    def listed(self):
        return [parameters["Prefix"] for *_, name, parameters in self.sessions.asked if name == "ListObjectsV2"]

    def _list(self, parameters):
        found = [
            {"Key": key, "Size": len(data), "LastModified": self.written[key]}
            for key, data in sorted(self.objects.items())
            if key.startswith(parameters["Prefix"])
        ]
        return {"IsTruncated": False, **({"Contents": found} if found else {})}

    def _get(self, parameters):
        if parameters["Key"] not in self.objects:
            raise Absent("NoSuchKey")
        return {"Body": Body(self.objects[parameters["Key"]], self.bodies)}


@pytest.fixture
def bucket(accounts):
    """In the end every request must have been one that S3 would take, of this bucket, and every body closed."""
    made = Bucket(accounts())
    yield made
    for account, region, operation, parameters in made.sessions.asked:
        assert (account, region) == (OWN, "")
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert parameters["Bucket"] == BUCKET
        assert parameters.get("ExpectedBucketOwner") == "222233334444"
    assert all(body.closed for body in made.bodies)


@pytest.fixture
def find(bucket, place):
    delivery = DeliveryBucket(bucket.sessions, bucket=BUCKET, own_account=OWN, owner="222233334444")

    def call(name=NAME, *, kind=KIND, captured=CAPTURED, state=STATE, notified=NOTIFIED):
        return delivery.item(place, kind, name, captured, state, notified)

    return call


def failure(find, **more):
    with pytest.raises(AwsError) as raised:
        find(**more)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# The item


@pytest.mark.parametrize(
    "document",
    [
        {
            "configurationItem": item(),
            "configurationItemDiff": None,
            "messageType": "ConfigurationItemChangeNotification",
        },
        {"fileVersion": "1.0", "configurationItems": [item(resourceId="other"), item()]},
        item(),
    ],
    ids=["notification", "history", "item"],
)
def test_the_item_is_found_in_each_form_of_the_object(bucket, find, document):
    bucket.put(FOLDER + "a.json.gz", packed(document))
    assert find() == item()


def test_the_days_of_capture_and_notification_are_looked_at_without_padding(bucket, find):
    bucket.put(NEXT_DAY + "a.json.gz", notification())
    assert find() == item()
    assert bucket.listed() == [FOLDER, NEXT_DAY]


def test_one_day_is_looked_at_once(bucket, find):
    assert find(notified="2026-03-05T00:59:00+01:00") is None
    assert find(notified=None) is None
    assert bucket.listed() == [FOLDER, FOLDER]


def test_what_is_not_there_yet_is_no_error(bucket, find):
    assert find() is None
    assert find(captured="yesterday") is None


@pytest.mark.parametrize(
    "other",
    [
        {"resourceType": "AWS::S3::Bucket"},
        {"resourceId": "i-0"},
        {"awsAccountId": "444455556666"},
        {"awsRegion": "eu-north-1"},
        {"awsRegion": None},
        {"configurationItemCaptureTime": "2026-03-04T23:59:58.088Z"},
        {"configurationItemCaptureTime": None},
        {"configurationStateId": STATE + 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_item_is_never_taken_for_it(bucket, find, other):
    bucket.put(FOLDER + "a.json.gz", notification(**other))
    assert find() is None
    assert bucket.read() == [FOLDER + "a.json.gz"]


def test_an_item_of_a_global_resource_is_found_where_it_was_recorded(bucket, find):
    bucket.put(FOLDER + "a.json.gz", notification(awsRegion="global"))
    assert find() == item(awsRegion="global")


def test_a_summary_without_a_state_id_is_met_by_the_capture_time(bucket, find):
    bucket.put(FOLDER + "a.json.gz", notification())
    assert [find(state=state) for state in (0, "0", "", None)] == [item()] * 4


def test_the_object_written_nearest_to_the_capture_is_read_first(bucket, find):
    captured = datetime.fromisoformat(CAPTURED)
    for hours in (5, -3, 1, 8):
        at = captured + timedelta(hours=hours)
        bucket.put(f"{FOLDER}{hours}.json.gz", notification(configurationStateId=STATE if hours == -3 else 7), at=at)
    assert find() == item()
    assert bucket.read() == [f"{FOLDER}1.json.gz", f"{FOLDER}-3.json.gz"]


@pytest.mark.parametrize("prefix", ["o-abc123/", "/o-abc123", "o-abc123", "logs/o-abc123/"])
def test_the_prefix_of_the_delivery_channel_stands_before_the_key(bucket, place, prefix):
    key = f"{prefix.strip('/')}/{FOLDER}a.json.gz"
    bucket.put(key, notification())
    delivery = DeliveryBucket(bucket.sessions, bucket=BUCKET, prefix=prefix, owner="222233334444")
    assert delivery.item(place, KIND, NAME, CAPTURED, STATE, None) == item()


def test_the_own_account_is_that_of_the_caller_or_the_given_one(accounts, place):
    bucket = Bucket(accounts("222233334444"))
    for operation, answer in (("ListObjectsV2", bucket._list), ("GetObject", bucket._get)):
        bucket.sessions.tell("222233334444", operation, answer)
    for own_account in (None, OWN):
        delivery = DeliveryBucket(bucket.sessions, bucket=BUCKET, own_account=own_account)
        assert delivery.item(place, KIND, NAME, CAPTURED, STATE, None) is None
    assert [account for account, *_ in bucket.sessions.asked] == ["222233334444", OWN]


def test_without_an_owner_none_is_expected(accounts, place):
    bucket = Bucket(accounts())
    assert DeliveryBucket(bucket.sessions, bucket=BUCKET).item(place, KIND, NAME, CAPTURED, STATE, None) is None
    assert bucket.sessions.asked == [
        (OWN, "", "ListObjectsV2", {"Bucket": BUCKET, "Prefix": FOLDER, "MaxKeys": 1000}),
    ]


# What cannot be read


def test_unreadable_objects_are_passed_over(bucket, find):
    early = datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    for name, data in (
        ("not-gzip", b"{}"),
        ("cut", notification()[:-20]),
        ("not-json", packed(b"{")),
        ("twice", packed(b'{"a":1,"a":2}')),
        ("list", packed([])),
        ("odd", packed({"configurationItem": [], "configurationItems": {}})),
        ("odder", packed({"configurationItems": [None, "x", []]})),
    ):
        bucket.put(f"{FOLDER}{name}.json.gz", data, at=early)
    bucket.put(f"{FOLDER}good.json.gz", notification())
    assert find() == item()
    assert len(bucket.read()) == 8


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{}", "is not gzip"),
        (b"", "is cut short: its gzip data have no end"),
        (notification()[:-9], "is cut short: its gzip data have no end"),
        (packed(b'{"a":'), "is cut short at byte 5"),
        (packed(b'{"a":1,"a":2}'), 'has the key "a" twice at the top'),
        (b"\x1f\x8b" + bytes(PACKED_BYTES), "is larger than 8 MB"),
    ],
    ids=["plain", "empty", "cut", "cut JSON", "twice", "large"],
)
def test_if_the_item_may_be_in_what_was_passed_over_it_is_told(bucket, find, data, reason):
    bucket.put(f"{FOLDER}a\u2028.json.gz", data)
    assert failure(find) == f"the item was not found in bucket {BUCKET}: a?.json.gz {reason}"


def test_a_few_reasons_are_told_and_the_others_counted(bucket, find):
    cut = "is cut short: its gzip data have no end"
    three = f"the item was not found in bucket {BUCKET}: 0.json.gz {cut}; 1.json.gz {cut}; 2.json.gz {cut}"
    for number in range(3):
        bucket.put(f"{FOLDER}{number}.json.gz", b"")
    assert failure(find) == three
    for number in range(3, 6):
        bucket.put(f"{FOLDER}{number}.json.gz", b"")
    assert failure(find) == f"{three} (+3 more)"


def test_an_object_that_vanishes_is_passed_over(bucket, find):
    bucket.put(f"{FOLDER}a.json.gz", notification())
    bucket.sessions.tell(OWN, "GetObject", Absent("NoSuchKey"))
    assert failure(find) == f"the item was not found in bucket {BUCKET}: a.json.gz is not there any more"


# Nobody makes it read too much


def test_a_large_object_is_not_asked_for(bucket, find):
    bucket.put(f"{FOLDER}a.json.gz", bytes(PACKED_BYTES + 1))
    failure(find)
    assert bucket.read() == []


def test_an_object_that_is_larger_than_listed_is_not_read_to_its_end(bucket, find):
    bucket.put(f"{FOLDER}a.json.gz", b"small")
    bucket.sessions.tell(OWN, "GetObject", lambda _: {"Body": Body(bytes(PACKED_BYTES + 5 * MEBIBYTE), bucket.bodies)})
    assert failure(find).endswith("a.json.gz is larger than 8 MB")
    assert bucket.bodies[0].given == PACKED_BYTES + 1


def test_a_bomb_is_not_unpacked(bucket, find):
    bomb = gzip.compress(bytes(UNPACKED_BYTES + 1))
    assert len(bomb) < PACKED_BYTES
    bucket.put(f"{FOLDER}a.json.gz", bomb)
    assert failure(find).endswith("a.json.gz is larger than 64 MB unpacked")


def test_only_some_objects_are_read(bucket, find):
    for number in range(OBJECTS + 5):
        bucket.put(f"{FOLDER}{number:02}.json.gz", notification(configurationStateId=7))
    assert failure(find) == f"the item was not found in bucket {BUCKET}: 5 of {OBJECTS + 5} objects were not read"
    assert len(bucket.read()) == OBJECTS


def listing(*names, cut):
    entries = [{"Key": FOLDER + name, "Size": 1} for name in names]
    return {"Contents": entries, "IsTruncated": cut}


def test_only_some_keys_are_looked_at(bucket, find):
    pages = [listing(str(number), cut=True) for number in range(9)]
    bucket.sessions.tell(OWN, "ListObjectsV2", *pages)
    told = failure(find, notified=None)
    assert told == f"the item was not found in bucket {BUCKET}: there are more than 2 objects of this resource and day"
    assert bucket.read() == []


def test_a_list_in_two_pages_is_a_whole_one(bucket, find):
    bucket.put(f"{FOLDER}b.json.gz", notification())
    bucket.sessions.tell(OWN, "ListObjectsV2", listing("a.txt", cut=True), listing("a.json.gz", "b.json.gz", cut=False))
    assert find() == item()
    bucket.sessions.tell(OWN, "ListObjectsV2", listing("a.txt", cut=True), listing("b.txt", cut=False))
    assert find() is None


def test_what_is_just_small_enough_is_read(bucket, find):
    whole = json.dumps({"configurationItem": item()}).encode()
    data = gzip.compress(whole + b" " * (UNPACKED_BYTES - len(whole)), 1)
    bucket.put(f"{FOLDER}a.json.gz", data + bytes(PACKED_BYTES - len(data)))
    for number in range(OBJECTS - 1):
        bucket.put(f"{FOLDER}{number:02}.json.gz", notification(configurationStateId=7))
    assert find() == item()
    bucket.objects[f"{FOLDER}a.json.gz"] = notification(configurationStateId=7)
    assert find() is None


def test_a_body_that_ends_early_is_a_failure_that_may_mend(bucket, find):
    class Broken(Body):
        def read(self, size=-1):
            raise ConnectionResetError("words of the network")

    bucket.put(f"{FOLDER}a.json.gz", notification())
    bucket.sessions.tell(OWN, "GetObject", lambda _: {"Body": Broken(b"", bucket.bodies)})
    assert failure(find) == f"s3:GetObject of bucket {BUCKET}: the answer was cut off (ConnectionResetError)"


# Nobody makes it read elsewhere


@pytest.mark.parametrize("name", ["../x", "a/../../b", "..", "a/.", "./a", "a\nb", "a\x00b", "a\x7fb", "a/.."])
def test_an_id_that_could_leave_the_folder_is_not_asked_for(bucket, find, name):
    assert failure(find, name=name) == (
        f"the item was not found in bucket {BUCKET}: its type or id is none that a key is made of"
    )
    assert bucket.sessions.asked == []


@pytest.mark.parametrize("kind", ["", "AWS/../x", "AWS::S3::Bucket/", "AWS::S3::Bücket", "a b"])
def test_a_type_that_is_none_is_not_asked_for(bucket, find, kind):
    failure(find, kind=kind)
    assert bucket.sessions.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc6c495c0c9188",
        "a..b",
        "…/%2e%2e",
        "a b+c",
    ],
)
def test_ids_are_compared_literally(bucket, find, name):
    folder = FOLDER.replace(NAME, name)
    bucket.put(f"{folder}a.json.gz", notification(resourceId=name))
    bucket.put(f"{FOLDER.replace(NAME, unquote(name).upper())}a.json.gz", notification(resourceId=name))
    assert find(name=name) == item(resourceId=name)
    assert bucket.read() == [f"{folder}a.json.gz"]


def test_a_list_that_names_keys_of_elsewhere_is_not_followed(bucket, find):
    keys = [f"{NEXT_DAY}a.json.gz", f"{FOLDER}../x.json.gz", f"{FOLDER}a\r.json.gz", f"{FOLDER}a.txt", "x.json.gz"]
    bucket.sessions.tell(OWN, "ListObjectsV2", {"Contents": [{"Key": key, "Size": 1} for key in keys]})
    assert find(notified=None) is None
    assert bucket.read() == []


# Refusals


@pytest.mark.parametrize("operation", ["ListObjectsV2", "GetObject"])
def test_without_a_permission_there_is_no_item_and_that_is_an_error(bucket, find, operation):
    bucket.put(f"{FOLDER}a.json.gz", notification())
    bucket.sessions.tell(OWN, operation, Denied(f"s3:{operation} is denied in account {OWN} (AccessDenied)"))
    with pytest.raises(AwsError) as raised:
        find()
    assert str(raised.value) == (
        f"s3:{operation} is denied in account {OWN} (AccessDenied): bucket {BUCKET} cannot be read"
    )
    assert raised.value.code == "AccessDenied"


def test_a_bucket_that_is_not_there_is_an_error(bucket, find):
    bucket.sessions.tell(OWN, "ListObjectsV2", Absent("NoSuchBucket"))
    assert failure(find) == f"there is no bucket {BUCKET}"


# Through boto3


@pytest.fixture
def real(sessions):
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return client


@pytest.mark.parametrize("name", [NAME, "arn:aws:x:eu-west-1:111122223333:app/web", "a b+c%2Fd", "ü…"])
def test_an_object_is_found_through_boto3(sessions, real, place, name):
    folder = FOLDER.replace(NAME, name)
    real.put_object(Bucket=BUCKET, Key=f"{folder}a.json.gz", Body=b"no gzip")
    real.put_object(Bucket=BUCKET, Key=f"{folder}b.json.gz", Body=notification(resourceId=name))
    delivery = DeliveryBucket(sessions, bucket=BUCKET)
    assert delivery.item(place, KIND, name, CAPTURED, STATE, NOTIFIED) == item(resourceId=name)
    assert set(sessions.calls.counts()) - {"sts:GetCallerIdentity"} == {"s3:GetObject", "s3:ListObjectsV2"}


def test_errors_of_boto3_are_told(sessions, real, place):
    with pytest.raises(AwsError, match="there is no bucket of-nobody"):
        DeliveryBucket(sessions, bucket="of-nobody").item(place, KIND, NAME, CAPTURED, STATE, None)
