from __future__ import annotations

from typing import Any

import pytest

from opalite.errors import NormalizationError
from opalite.normalize.header import MAX_RESOURCE_ID, gone_because, place, time_of, type_and_id

SUBJECT = ("AWS::SQS::Queue", "orders")
ARN = "arn:aws:sqs:eu-central-1:111122223333:orders"


def refusal(call: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(NormalizationError) as raised:
        call(*arguments, **named)
    return str(raised.value)


@pytest.mark.parametrize(
    "name", ["AWS::S3::Bucket", "AWS::::Account", "AWS::EC2::VOLUME", "MongoDB::Atlas::Cluster", "A::B::C::MODULE"]
)
def test_a_type_is_kept_as_it_is_written(name: str) -> None:
    assert type_and_id({"resourceType": name, "resourceId": "x"}) == (name, "x")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "no resourceType: expected a type such as AWS::EC2::Instance"),
        ({"resourceType": ""}, "resourceType is '': expected a type such as AWS::EC2::Instance"),
        ({"resourceType": None}, "resourceType is none: expected a type such as AWS::EC2::Instance"),
        ({"resourceType": ["AWS"]}, "resourceType is a list: expected a type such as AWS::EC2::Instance"),
        ({"resourceType": {}}, "resourceType is an object: expected a type such as AWS::EC2::Instance"),
        ({"resourceType": "bucket"}, "resourceType is 'bucket': expected a type such as AWS::EC2::Instance"),
        ({"resourceType": "AWS::S3::Bucket"}, "AWS::S3::Bucket: no resourceId: expected text of 1 to 768 characters"),
        (
            {"resourceType": "AWS::S3::Bucket", "resourceId": 7},
            "AWS::S3::Bucket: resourceId is 7: expected text of 1 to 768 characters",
        ),
    ],
)
def test_an_item_without_type_or_id_is_refused(body: dict[str, Any], message: str) -> None:
    assert refusal(type_and_id, body) == message


def test_an_id_of_the_greatest_length_is_kept_and_a_longer_one_refused() -> None:
    longest = "x" * MAX_RESOURCE_ID
    assert type_and_id({"resourceType": "AWS::S3::Bucket", "resourceId": longest}) == ("AWS::S3::Bucket", longest)
    assert refusal(type_and_id, {"resourceType": "AWS::S3::Bucket", "resourceId": longest + "x"}) == (
        f"AWS::S3::Bucket: resourceId is '{'x' * 39}: expected text of 1 to 768 characters"
    )


@pytest.mark.parametrize("account", ["ACCOUNTID", "Account ID", "SAMPLE", "0123456789012"])
def test_an_account_named_by_a_word_as_samples_do_is_kept(account: str) -> None:
    assert place({"awsAccountId": account, "awsRegion": "eu-central-1"}, ARN, SUBJECT)[0] == account


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("111122223333", "111122223333"),
        ("11122223333", "011122223333"),
        (11122223333, "011122223333"),
        (11122223333.0, "011122223333"),
        ("", "111122223333"),
        (None, "111122223333"),
    ],
)
def test_an_account_has_twelve_digits(account: Any, expected: str) -> None:
    assert place({"awsAccountId": account, "awsRegion": "eu-central-1"}, ARN, SUBJECT)[0] == expected
    assert place({"accountId": account, "awsRegion": "eu-central-1"}, ARN, SUBJECT)[0] == expected


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("٠١٢٣٤٥٦٧٨٩٠١", r"'\u0660\u0661\u0662\u0663\u0664\u0665\u0"),
        (True, "true"),
        (-5, "-5"),
        (1.5, "1.5"),
        ([1], "a list"),
        ({"id": 1}, "an object"),
    ],
)
def test_anything_else_as_account_is_refused(account: Any, shown: str) -> None:
    body = {"awsAccountId": account, "awsRegion": "eu-central-1"}
    assert refusal(place, body, ARN, SUBJECT) == f"AWS::SQS::Queue orders: the account is {shown}: expected 12 digits"


def test_a_missing_place_is_taken_from_the_arn() -> None:
    assert place({}, ARN, SUBJECT) == ("111122223333", "eu-central-1", "aws")
    assert place({"awsRegion": "Not Applicable"}, ARN, SUBJECT) == ("111122223333", "eu-central-1", "aws")


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "arn:aws",
        "urn:aws:sqs:eu-central-1:111122223333:orders",
        "arn:aws:s3:::orders",
        "arn:aws:us-west-2b:111122223333:volume/vol-1",
    ],
)
def test_a_region_that_the_arn_does_not_tell_is_missed(arn: str | None) -> None:
    assert refusal(place, {"accountId": "111122223333"}, arn, SUBJECT) == (
        "AWS::SQS::Queue orders: no awsRegion, and the ARN does not tell it: "
        "in a query select accountId and awsRegion too"
    )


def test_an_account_that_the_arn_does_not_tell_is_missed() -> None:
    assert refusal(place, {"awsRegion": "eu-central-1"}, "arn:aws:s3:::orders", SUBJECT) == (
        "AWS::SQS::Queue orders: no accountId, and the ARN does not tell it: "
        "in a query select accountId and awsRegion too"
    )


@pytest.mark.parametrize(("region", "shown"), [("Frankfurt", "'Frankfurt'"), ({}, "an object"), (3, "3")])
def test_a_region_that_is_none_is_refused(region: Any, shown: str) -> None:
    assert refusal(place, {"awsRegion": region}, ARN, SUBJECT) == (
        f"AWS::SQS::Queue orders: awsRegion is {shown}: expected a region"
    )


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("global", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("us-isof-south-1", "aws-iso-f"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_without_an_arn_the_region_tells_the_partition(region: str, partition: str) -> None:
    body = {"accountId": "111122223333", "awsRegion": region}
    assert place(body, None, SUBJECT) == ("111122223333", region, partition)
    assert place(body, "arn:%s:sqs:x:y:z", SUBJECT) == ("111122223333", region, partition)


def test_the_arn_tells_the_partition_of_a_global_resource() -> None:
    body = {"accountId": "111122223333", "awsRegion": "global"}
    assert place(body, "arn:aws-cn:iam::111122223333:role/x", SUBJECT) == ("111122223333", "global", "aws-cn")


@pytest.mark.parametrize(
    ("status", "gone"), [("Ok", None), ("Discovered", None), ("Deleted", "the resource was deleted")]
)
def test_a_status_by_its_former_name(status: str, gone: str | None) -> None:
    assert gone_because({"configurationItemStatus": status}, left_scope=False, subject=SUBJECT) == gone


@pytest.mark.parametrize("status", ["Fine", "Failed", "ok", "", 1, [], {}])
def test_an_unheard_of_status_is_refused(status: Any) -> None:
    assert "expected one of OK, ResourceDiscovered, ResourceDeleted, " in refusal(
        gone_because, {"configurationItemStatus": status}, left_scope=False, subject=SUBJECT
    )


def test_a_message_is_one_short_line_whatever_the_item_says() -> None:
    message = refusal(time_of, "x\ny" * 100, "configurationItemCaptureTime", ("A::B::C", "\n" * 100))
    named, shown = "'" + "\\n" * 49 + "\\", "'" + "x\\ny" * 9 + "x\\n"
    assert message == (
        f"A::B::C {named}: configurationItemCaptureTime is {shown}: expected ISO 8601, or an epoch number"
    )


def test_a_missing_time_is_no_error() -> None:
    assert time_of(None, "configurationItemCaptureTime", SUBJECT) is None


@pytest.mark.parametrize("member", ["availabilityZone", "availibilityZone"])
def test_an_item_without_a_region_is_in_the_region_of_its_zone(member: str) -> None:
    body = {"accountId": "111122223333", member: "us-west-2b"}
    assert place(body, "arn:aws:us-west-2b:111122223333:volume/vol-1", SUBJECT)[1] == "us-west-2"


@pytest.mark.parametrize("zone", ["Not Applicable", "Regional", "us-west-2", None, 7])
def test_what_is_no_zone_tells_no_region(zone: object) -> None:
    assert "no awsRegion" in refusal(place, {"accountId": "111122223333", "availabilityZone": zone}, None, SUBJECT)
