"""The ARN and the tags of resources of any type."""

from __future__ import annotations

import pytest

from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import anything

KEY = {"resourceType": "AWS::AppSync::GraphQLApi", "resourceId": "abc"}


class Aws:
    """Config and the tagging API: what each answers."""

    def __init__(self, known=(), listed=()):
        self._answers = {
            "BatchGetResourceConfig": {"baseConfigurationItems": list(known)},
            "GetResources": {"ResourceTagMappingList": list(listed)},
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
        ("AWS::S3::Bucket", "reports", "arn:aws-cn:s3:::reports"),
        ("AWS::EC2::Volume", "vol-1", "arn:aws-cn:ec2:cn-north-1:111122223333:volume/vol-1"),
        ("AWS::X::Y", "arn:aws-cn:x:y", "arn:aws-cn:x:y"),
    ],
)
def test_an_arn_that_is_clear_is_not_asked_for(resource_type, resource_id, arn):
    aws = Aws()
    assert anything.read(aws, target(resource_type, resource_id)).details["arn"] == arn
    assert aws.asked == [("GetResources", {"ResourceARNList": [arn]})]


def test_aws_config_knows_the_arn_of_the_others():
    arn = "arn:aws-cn:appsync:cn-north-1:111122223333:apis/abc"
    aws = Aws([{"arn": arn, **KEY}], [{"ResourceARN": arn, "Tags": [{"Key": "Owner", "Value": "x"}]}])
    state = anything.read(aws, target(KEY["resourceType"], KEY["resourceId"]))
    assert state.details == {"arn": arn, "service": "appsync", "tags": {"Owner": "x"}}
    assert (state.item["ARN"], state.item["tags"], state.item["configuration"]) == (arn, {"Owner": "x"}, {})


@pytest.mark.parametrize("known", [[], [{**KEY}], [{**KEY, "arn": "x", "configurationItemStatus": "ResourceDeleted"}]])
def test_what_aws_config_does_not_know_is_gone(known):
    with pytest.raises(Absent):
        anything.read(Aws(known), target(KEY["resourceType"], KEY["resourceId"]))


def test_what_is_not_listed_has_no_tags_if_its_service_is_known():
    assert anything.tags(Aws(), "arn:aws:sqs:eu-west-1:111122223333:orders") == {}
    assert anything.tags(Aws(), "arn:aws:appsync:eu-west-1:111122223333:apis/abc") is None
