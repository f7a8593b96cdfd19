"""Whose Config rule calls, and whether it speaks the truth about its scope."""

from __future__ import annotations

import pytest

from opalite.event import ConfigRule
from opalite.model import Item
from opalite.trust import Refusal, is_in_scope, is_trusted

OWN, MEMBER = "444455556666", "111122223333"
SERVICE = "config-multiaccountsetup.amazonaws.com"


def arn(path, account=MEMBER, head="arn:aws:config:eu-west-1"):
    return f"{head}:{account}:config-rule/{path}"


ORGANIZATION = arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk")
PLAIN = arn("config-rule-3fa9zk")


def rule(of, name="OrgConfigRule-opalite-l2bsf8vd"):
    _, partition, _, region, account, _ = of.split(":", 5)
    return ConfigRule(name, of, partition, region, account, {})


@pytest.mark.parametrize(
    "of",
    [
        ORGANIZATION,
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk", OWN),
        arn(f"aws-service-rule/{SERVICE}/config-rule-a", head="arn:aws-us-gov:config:us-gov-west-1"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-a", head="arn:aws-cn:config:cn-north-1"),
    ],
)
def test_rules_of_the_organization_are_trusted(of):
    assert is_trusted(rule(of), frozenset(), OWN)


@pytest.mark.parametrize(
    "of",
    [
        PLAIN,
        arn("aws-service-rule/config-conforms.amazonaws.com/config-rule-3fa9zk"),
        arn("aws-service-rule/securityhub.amazonaws.com/config-rule-3fa9zk"),
        arn(f"{SERVICE}/config-rule-3fa9zk"),
        arn(f"aws-service-rule/{SERVICE}/"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk/more"),
        arn(f"aws-service-rule/{SERVICE}.example.com/config-rule-3fa9zk"),
        arn(f"aws-service-rule/x-{SERVICE}/config-rule-3fa9zk"),
        arn("aws-service-rule/config-multiaccountsetupXamazonaws.com/config-rule-3fa9zk"),
        arn(f"aws-service-rule/{SERVICE}/../config-rule-3fa9zk"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk", head="arn:aws:config:eu\nwest"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk", "11112222333"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk", head="arn:x:config:eu-west-1"),
        arn(f"aws-service-rule/{SERVICE}/config-rule-3fa9zk", head="arn:aws:sns:eu-west-1"),
        f"{ORGANIZATION}\n",
        f"\n{ORGANIZATION}",
        f" {ORGANIZATION}",
        f"{ORGANIZATION} ",
        f"{PLAIN}\n{ORGANIZATION}",
        ORGANIZATION.upper(),
    ],
)
def test_rules_that_anybody_can_make_are_not(of):
    assert not is_trusted(rule(of), frozenset(), OWN)
    assert not is_trusted(rule(of), frozenset({PLAIN + "0"}), OWN)


def test_a_rule_is_trusted_when_its_arn_is_listed():
    assert is_trusted(rule(PLAIN), frozenset({PLAIN}), OWN)
    assert not is_trusted(rule(f"{PLAIN}x"), frozenset({PLAIN}), OWN)
    assert not is_trusted(rule(arn("config-rule-3fa9zk", "777788889999")), frozenset({PLAIN}), OWN)


def test_a_name_counts_in_the_functions_own_account_only():
    listed = frozenset({"nightly"})
    assert is_trusted(rule(arn("config-rule-a", OWN), "nightly"), listed, OWN)
    assert not is_trusted(rule(arn("config-rule-a", MEMBER), "nightly"), listed, OWN)
    assert not is_trusted(rule(arn("config-rule-a", OWN), "nightly2"), listed, OWN)


def test_a_name_that_looks_like_a_listed_arn_is_none():
    assert not is_trusted(rule(arn("config-rule-a", MEMBER), PLAIN), frozenset({PLAIN}), OWN)


def test_the_reasons_are_those_of_the_metric():
    assert [str(refusal) for refusal in Refusal] == ["rule", "account", "left_scope", "parameters", "event"]


BUCKET = {"resourceType": "AWS::S3::Bucket", "resourceId": "reports", "tags": {"stage": "prod", "empty": ""}}
UNTAGGED = {"resourceType": "AWS::S3::Bucket", "resourceId": "reports", "tags": {}}
TAGS_UNKNOWN = {"resourceType": "AWS::S3::Bucket", "resourceId": "reports"}
TYPES = {"ComplianceResourceTypes": ["AWS::S3::Bucket", "AWS::EC2::Volume"]}


@pytest.mark.parametrize(
    ("scope", "body", "expected"),
    [
        (None, BUCKET, True),
        ({}, BUCKET, True),
        ({"ComplianceResourceTypes": []}, BUCKET, True),
        (TYPES, BUCKET, True),
        ({"ComplianceResourceTypes": ["AWS::EC2::Volume"]}, BUCKET, False),
        ({"ComplianceResourceTypes": ["AWS::S3::Bucket"], "ComplianceResourceId": "reports"}, BUCKET, True),
        ({"ComplianceResourceTypes": ["AWS::S3::Bucket"], "ComplianceResourceId": "other"}, BUCKET, False),
        ({"ComplianceResourceTypes": ["AWS::EC2::Volume"], "ComplianceResourceId": "reports"}, BUCKET, False),
        ({"TagKey": "stage"}, BUCKET, True),
        ({"TagKey": "stage", "TagValue": ""}, BUCKET, True),
        ({"TagKey": "stage", "TagValue": "prod"}, BUCKET, True),
        ({"TagKey": "stage", "TagValue": "test"}, BUCKET, False),
        ({"TagKey": "empty"}, BUCKET, True),
        ({"TagKey": "Stage"}, BUCKET, False),
        ({"TagKey": "stage"}, UNTAGGED, False),
        ({"TagKey": "stage"}, TAGS_UNKNOWN, None),
        ({"TagKey": "stage", "TagValue": "prod"}, {**BUCKET, "tags": [{"key": "stage", "value": "prod"}]}, None),
        ({**TYPES, "TagKey": "stage"}, TAGS_UNKNOWN, None),
        ({"ComplianceResourceTypes": ["AWS::EC2::Volume"], "TagKey": "stage"}, TAGS_UNKNOWN, False),
        ({**TYPES, "ComplianceResourceId": "reports", "TagKey": "stage"}, UNTAGGED, False),
        ({**TYPES, "ComplianceResourceId": "other", "TagKey": "stage"}, TAGS_UNKNOWN, False),
        (TYPES, TAGS_UNKNOWN, True),
    ],
)
def test_an_item_is_in_the_scope_of_its_rule(scope, body, expected):
    assert is_in_scope(scope, Item(body, "event")) is expected
