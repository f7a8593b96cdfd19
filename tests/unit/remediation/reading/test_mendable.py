"""What is gone, what was never set, and load balancers that are targets themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from opalite.errors import AwsError
from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import loadbalancer, mendable

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"


IDS = {loadbalancer.NEXT: ARN, "AWS::SNS::Topic": "arn:aws:sns:eu-west-1:111122223333:orders"}


class Aws:
    """Answers by operation; an exception is raised."""

    def __init__(self, **answers):
        location = {"LocationConstraint": "eu-west-1"}
        self._answers = {"GetResources": {"ResourceTagMappingList": []}, "GetBucketLocation": location, **answers}

    def __call__(self, service):
        return self

    def ask(self, operation, **parameters):
        answer = self._answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer(parameters) if callable(answer) else answer

    def pages(self, operation, **parameters):
        yield self.ask(operation, **parameters)


def target(resource_type, resource_id=None):
    return Target(
        policy_id="x",
        partition="aws",
        account_id="111122223333",
        region="eu-west-1",
        resource_type=resource_type,
        resource_id=resource_id or IDS.get(resource_type, "x"),
    )


@pytest.mark.parametrize(
    ("resource_type", "answers"),
    [
        ("AWS::RDS::DBInstance", {"DescribeDBInstances": {"DBInstances": []}}),
        ("AWS::Redshift::Cluster", {"DescribeClusters": AwsError("x", "ClusterNotFound")}),
        ("AWS::SNS::Topic", {"GetTopicAttributes": AwsError("x", "NotFound")}),
        ("AWS::CloudTrail::Trail", {"GetTrail": AwsError("x", "TrailNotFoundException")}),
        ("AWS::S3::Bucket", {"GetBucketPolicy": Absent("NoSuchBucket")}),
        ("AWS::S3::Bucket", {"GetBucketLocation": Absent("NoSuchBucket")}),
        (loadbalancer.NEXT, {"DescribeLoadBalancers": {"LoadBalancers": []}}),
    ],
)
def test_what_is_not_there_is_gone(resource_type, answers):
    with pytest.raises(Absent):
        mendable.READINGS[resource_type].read(Aws(**answers), target(resource_type))


def test_a_classic_load_balancer_that_is_not_there_is_gone():
    with pytest.raises(Absent):
        loadbalancer.read(Aws(DescribeLoadBalancers={"LoadBalancerDescriptions": []}), target(loadbalancer.CLASSIC))


@pytest.mark.parametrize("never", [Absent, lambda code: AwsError("x", code)])
def test_a_bucket_of_which_nothing_was_ever_set(never):
    aws = Aws(
        GetBucketPolicy=never("NoSuchBucketPolicy"), GetPublicAccessBlock=never("NoSuchPublicAccessBlockConfiguration")
    )
    assert mendable.bucket(aws, target("AWS::S3::Bucket")).details == {"policy": None, "block": None}


@pytest.mark.parametrize("resource_type", ["AWS::S3::Bucket", "AWS::SNS::Topic"])
def test_other_failures_are_failures(resource_type):
    throttled = AwsError("throttled", "Throttling")
    with pytest.raises(AwsError, match="throttled"):
        mendable.READINGS[resource_type].read(
            Aws(GetBucketPolicy=throttled, GetTopicAttributes=throttled), target(resource_type)
        )


def test_keys_that_cannot_be_rotated_are_not_asked_about_it():
    known = {"Arn": "arn:aws:kms:eu-west-1:111122223333:key/x", "KeyId": "x", "KeyManager": "CUSTOMER"}
    metadata = {**known, "KeySpec": "HMAC_256", "Origin": "AWS_KMS"}
    state = mendable.key(Aws(DescribeKey={"KeyMetadata": metadata}), target("AWS::KMS::Key"))
    assert (state.details["rotation"], state.item["supplementaryConfiguration"]) == (None, {})


PLACES = ("aws:{}:us-east-1:111122223333", "aws:{}:eu-west-1:999999999999", "aws-cn:{}:eu-west-1:111122223333")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("resource_type", "service", "answers"),
    [
        ("AWS::CloudTrail::Trail", "cloudtrail", lambda arn: {"GetTrail": {"Trail": {"TrailARN": arn, "Name": "x"}}}),
        ("AWS::DynamoDB::Table", "dynamodb", lambda arn: {"DescribeTable": {"Table": {"TableArn": arn}}}),
        ("AWS::KMS::Key", "kms", lambda arn: {"DescribeKey": {"KeyMetadata": {"Arn": arn, "KeyId": "x"}}}),
        (
            "AWS::RDS::DBInstance",
            "rds",
            lambda arn: {"DescribeDBInstances": {"DBInstances": [{"DBInstanceArn": arn, "DbiResourceId": "db-X"}]}},
        ),
    ],
)
def test_what_answers_from_another_place_is_not_what_is_meant(place, resource_type, service, answers):
    """An ARN, or a name that is shared, may lead elsewhere."""
    with pytest.raises(Absent, match="is not in account 111122223333, eu-west-1"):
        mendable.READINGS[resource_type].read(
            Aws(**answers(f"arn:{place.format(service)}:thing/x")), target(resource_type)
        )


@pytest.mark.parametrize("resource_type", [loadbalancer.NEXT, "AWS::SNS::Topic"])
def test_an_arn_of_another_region_is_not_asked_for(resource_type):
    elsewhere = target(resource_type, IDS[resource_type].replace("eu-west-1", "us-east-1"))
    with pytest.raises(Absent):
        mendable.READINGS[resource_type].read(Aws(), elsewhere)


@pytest.mark.parametrize(
    ("told", "region"), [(None, "us-east-1"), ("", "us-east-1"), ("EU", "eu-west-1"), ("eu-north-1", "eu-north-1")]
)
def test_a_bucket_is_read_in_its_own_region_alone(told, region):
    never = {"GetBucketPolicy": "NoSuchBucketPolicy", "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration"}
    aws = Aws(GetBucketLocation={"LocationConstraint": told}, **{name: Absent(code) for name, code in never.items()})
    bucket = target("AWS::S3::Bucket")
    with pytest.raises(Absent, match="not in eu-central-1"):
        mendable.bucket(aws, replace(bucket, region="eu-central-1"))
    assert mendable.bucket(aws, replace(bucket, region=region)).item["awsRegion"] == region


HOME = "eu-west-1:111122223333"
KEYED = {"Arn": f"arn:aws:kms:{HOME}:key/1234", "KeyId": "1234"}
TABLE = {"TableArn": f"arn:aws:dynamodb:{HOME}:table/orders", "TableName": "orders"}
TRAIL = {"TrailARN": f"arn:aws:cloudtrail:{HOME}:trail/all", "Name": "all"}


@pytest.mark.parametrize(
    ("resource_type", "asked", "canonical", "answers"),
    [
        ("AWS::KMS::Key", "alias/data", "1234", {"DescribeKey": {"KeyMetadata": KEYED}}),
        ("AWS::DynamoDB::Table", TABLE["TableArn"], "orders", {"DescribeTable": {"Table": TABLE}}),
        ("AWS::CloudTrail::Trail", TRAIL["TrailARN"], "all", {"GetTrail": {"Trail": TRAIL}}),
        (
            "AWS::Redshift::Cluster",
            "Sales",
            "sales",
            {"DescribeClusters": {"Clusters": [{"ClusterIdentifier": "sales"}]}},
        ),
    ],
)
def test_whichever_name_it_was_asked_by_it_has_the_id_of_aws_config(resource_type, asked, canonical, answers):
    state = mendable.READINGS[resource_type].read(Aws(**answers), target(resource_type, asked))
    assert state.item["resourceId"] == canonical


def test_a_load_balancer_that_is_a_target_of_another_one():
    made = {"LoadBalancerArn": ARN, "Type": "application", "CreatedTime": datetime(2025, 1, 1, tzinfo=UTC)}
    secret = {"Type": "authenticate-oidc", "AuthenticateOidcConfig": {"ClientId": "c", "ClientSecret": "s"}}
    targets = {"own": [], "alb": [{"Target": {"Id": ARN}}], "other": [{"Target": {"Id": "arn:other"}}]}
    aws = Aws(
        DescribeLoadBalancers={"LoadBalancers": [made]},
        DescribeLoadBalancerAttributes={"Attributes": []},
        DescribeTags={"TagDescriptions": []},
        DescribeListeners={"Listeners": [{"ListenerArn": "l", "DefaultActions": [secret]}]},
        DescribeRules={"Rules": []},
        DescribeTargetGroups={
            "TargetGroups": [
                {"TargetGroupArn": "own", "LoadBalancerArns": [ARN], "TargetType": "ip"},
                {"TargetGroupArn": "alb", "LoadBalancerArns": ["arn:nlb"], "TargetType": "alb"},
                {"TargetGroupArn": "other", "LoadBalancerArns": ["arn:nlb"], "TargetType": "alb"},
                {"TargetGroupArn": "not asked about", "LoadBalancerArns": ["arn:nlb"], "TargetType": "instance"},
            ]
        },
        DescribeTargetHealth=lambda given: {"TargetHealthDescriptions": targets[given["TargetGroupArn"]]},
        DescribeAutoScalingGroups={"AutoScalingGroups": []},
        DescribeVpcEndpointServiceConfigurations={"ServiceConfigurations": []},
    )
    state = loadbalancer.read_whole(aws, target(loadbalancer.NEXT, ARN))
    assert (state.details["behind"], state.details["targets"]) == (["alb"], 0)
    assert state.details["listeners"][0]["DefaultActions"][0]["AuthenticateOidcConfig"] == {"ClientId": "c"}
    assert state.item["supplementaryConfiguration"]["Traffic"] == {"problem": "AWS did not say what time it is"}
