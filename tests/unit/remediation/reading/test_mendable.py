"""What is gone, what was never set, and load balancers that are targets themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from opalite.errors import AwsError
from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import loadbalancer, mendable

ARN = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/shop/50dc6c495c0c9188"


class Aws:
    """Answers by operation; an exception is raised."""

    def __init__(self, **answers):
        self._answers = {"GetResources": {"ResourceTagMappingList": []}, **answers}

    def __call__(self, service):
        return self

    def ask(self, operation, **parameters):
        answer = self._answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer(parameters) if callable(answer) else answer

    def pages(self, operation, **parameters):
        yield self.ask(operation, **parameters)


def target(resource_type, resource_id="x"):
    return Target(
        policy_id="x",
        partition="aws",
        account_id="111122223333",
        region="eu-west-1",
        resource_type=resource_type,
        resource_id=resource_id,
    )


@pytest.mark.parametrize(
    ("resource_type", "answers"),
    [
        ("AWS::RDS::DBInstance", {"DescribeDBInstances": {"DBInstances": []}}),
        ("AWS::Redshift::Cluster", {"DescribeClusters": AwsError("x", "ClusterNotFound")}),
        ("AWS::SNS::Topic", {"GetTopicAttributes": AwsError("x", "NotFound")}),
        ("AWS::CloudTrail::Trail", {"GetTrail": AwsError("x", "TrailNotFoundException")}),
        ("AWS::S3::Bucket", {"GetBucketPolicy": Absent("NoSuchBucket")}),
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
    metadata = {"Arn": "a", "KeyManager": "CUSTOMER", "KeySpec": "HMAC_256", "Origin": "AWS_KMS"}
    state = mendable.key(Aws(DescribeKey={"KeyMetadata": metadata}), target("AWS::KMS::Key"))
    assert (state.details["rotation"], state.item["supplementaryConfiguration"]) == (None, {})


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
