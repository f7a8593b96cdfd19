"""The ARN and the tags of resources of any type."""

from __future__ import annotations

import pytest

from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import anything

TOPIC = "arn:aws-cn:sns:cn-north-1:111122223333:orders"
KEY = {"resourceType": "AWS::AppSync::GraphQLApi", "resourceId": "abc"}


class Aws:
    """Config, S3 and the tagging API: what each answers."""

    def __init__(self, known=(), listed=(), location="cn-north-1"):
        self._answers = {
            "BatchGetResourceConfig": {"baseConfigurationItems": list(known)},
            "GetResources": {"ResourceTagMappingList": list(listed)},
            "GetBucketLocation": {"LocationConstraint": location},
        }
        self.asked = []

    def __call__(self, service):
        return self

    def ask(self, operation, **parameters):
        self.asked.append((operation, parameters))
        return self._answers[operation]


def target(resource_type, resource_id):
    return Target(
        policy_id="x",
        partition="aws-cn",
        account_id="111122223333",
        region="cn-north-1",
        resource_type=resource_type,
        resource_id=resource_id,
    )


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "arn"),
    [
        ("AWS::EC2::Volume", "vol-1", "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1"),
        ("AWS::SNS::Topic", TOPIC, TOPIC),
    ],
)
def test_an_arn_that_is_clear_is_not_asked_for(resource_type, resource_id, arn):
    aws = Aws()
    assert anything.read(aws, target(resource_type, resource_id)).details["arn"] == arn
    assert aws.asked == [("GetResources", {"ResourceARNList": [arn]})]


def test_a_bucket_is_looked_for_where_it_is_said_to_be():
    aws = Aws()
    assert anything.read(aws, target("AWS::S3::Bucket", "reports")).details["arn"] == "arn:aws-cn:s3:::reports"
    assert aws.asked[0] == ("GetBucketLocation", {"Bucket": "reports", "ExpectedBucketOwner": "111122223333"})
    with pytest.raises(Absent, match="not in cn-north-1"):
        anything.read(Aws(location="cn-northwest-1"), target("AWS::S3::Bucket", "reports"))


@pytest.mark.parametrize(
    ("resource_type", "resource_id"),
    [
        ("AWS::EC2::Volume", "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1"),
        ("AWS::DynamoDB::Table", "orders/index/x"),
        ("AWS::KMS::Key", "alias/data"),
        ("AWS::SNS::Topic", "orders"),
        ("AWS::SNS::Topic", f"{TOPIC}:1234"),  # a subscription
        ("AWS::SNS::Topic", "arn:aws-cn:sqs:cn-north-1:111122223333:orders"),
        ("AWS::SNS::Topic", "arn:aws-cn:sns:cn-north-1:999999999999:orders"),
        ("AWS::SNS::Topic", "arn:aws-cn:sns:cn-northwest-1:111122223333:orders"),
        ("AWS::SNS::Topic", "arn:aws:sns:cn-north-1:111122223333:orders"),
    ],
)
def test_what_has_another_id_is_not_there(resource_type, resource_id):
    aws = Aws()
    with pytest.raises(Absent):
        anything.read(aws, target(resource_type, resource_id))
    assert aws.asked == []


def test_aws_config_knows_the_arn_of_the_others():
    arn = "arn:aws-cn:appsync:cn-north-1:111122223333:apis/abc"
    aws = Aws([{"arn": arn, **KEY}], [{"ResourceARN": arn, "Tags": [{"Key": "Owner", "Value": "x"}]}])
    state = anything.read(aws, target(KEY["resourceType"], KEY["resourceId"]))
    assert state.details == {"arn": arn, "service": "appsync", "tags": {"Owner": "x"}}
    assert (state.item["ARN"], state.item["tags"], state.item["configuration"]) == (arn, {"Owner": "x"}, {})


@pytest.mark.parametrize(
    "known",
    [
        [],
        [{**KEY}],
        [{**KEY, "arn": "x", "configurationItemStatus": "ResourceDeleted"}],
        [{**KEY, "arn": "x", "resourceId": "another"}],
    ],
)
def test_what_aws_config_does_not_know_is_gone(known):
    with pytest.raises(Absent):
        anything.read(Aws(known), target(KEY["resourceType"], KEY["resourceId"]))


def test_what_is_not_listed_has_no_tags_if_its_service_is_known():
    assert anything.tags(Aws(), "arn:aws:sqs:eu-west-1:111122223333:orders") == {}
    assert anything.tags(Aws(), "arn:aws:appsync:eu-west-1:111122223333:apis/abc") is None
