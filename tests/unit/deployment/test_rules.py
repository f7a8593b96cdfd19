from __future__ import annotations

from typing import Any

import pytest
from botocore.session import get_session

from opalite.deployment import rules
from opalite.engine import bundle, shipped
from opalite.errors import UsageError


def entry(*kinds: str, **more: Any) -> dict[str, Any]:
    return {"title": "Things are well", "resource_types": list(kinds), **more}


def data(policies: dict[str, Any], **settings: Any) -> dict[str, Any]:
    return {"catalog": {"policies": policies}, **settings}


BUCKETS = {
    "aws.s3.bucket.a": entry("AWS::S3::Bucket"),
    "aws.s3.bucket.b": entry("AWS::S3::Bucket", "AWS::SQS::Queue", schedule=True),
}


@pytest.fixture(scope="module")
def shipped_data():
    return bundle.read(shipped.folder("data")).data


CHANGES = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")


def if_scheduled(value: Any) -> dict[str, Any]:
    return {"Fn::If": ["Scheduled", value, {"Ref": "AWS::NoValue"}]}


def names(found: rules.Rules) -> list[str | None]:
    return [rule.policy_id for rule in found.each]


def test_rules_are_for_the_types_of_their_policies_and_scheduled_where_time_changes_a_verdict():
    first, second = rules.rules(data(BUCKETS)).each
    assert (first.types, first.is_scheduled, second.is_scheduled) == (("AWS::S3::Bucket",), False, True)
    assert second.description == "Things are well (aws.s3.bucket.b)"


def test_the_umbrella_is_for_all_of_it_and_has_no_parameters():
    found = rules.rules(data(BUCKETS)).umbrella
    assert (found.types, found.is_scheduled, found.policy_id) == (("AWS::S3::Bucket", "AWS::SQS::Queue"), True, None)
    assert "InputParameters" not in rules.account(rules.rules(data(BUCKETS)))["Resources"]["Umbrella"]["Properties"]


def test_a_policy_for_every_type_has_no_scope_and_neither_has_its_umbrella():
    found = rules.rules(data({**BUCKETS, "aws.any.resource.c": entry("*")}))
    assert found.each[0].types is None
    assert found.umbrella.types is None


def test_more_types_than_aws_config_takes_are_no_scope():
    kinds = [f"AWS::Test::Type{number}" for number in range(101)]
    found = rules.rules(data({"aws.test.type.a": entry(*kinds), "aws.test.type.b": entry(*kinds[:100])}))
    assert [one.types is None for one in found.each] == [True, False]


@pytest.mark.parametrize(
    ("stages", "left"),
    [
        ({}, ["aws.s3.bucket.a", "aws.s3.bucket.b"]),
        ({"aws.s3.bucket.a": {"default": {"stage": "off"}}}, ["aws.s3.bucket.b"]),
        ({"aws.s3.bucket.a": {"default": {"stage": "audit"}}}, ["aws.s3.bucket.a", "aws.s3.bucket.b"]),
        (
            {"*": {"default": {"stage": "off"}}, "aws.s3.bucket.a": {"default": {"stage": "enforce"}}},
            ["aws.s3.bucket.a"],
        ),
        (
            {
                "aws.s3.bucket.a": {
                    "default": {"stage": "off"},
                    "overrides": [{"accounts": ["1"], "set": {"stage": "audit"}}],
                }
            },
            ["aws.s3.bucket.a", "aws.s3.bucket.b"],
        ),
        (
            {
                "aws.s3.bucket.a": {
                    "default": {"stage": "off"},
                    "overrides": [{"accounts": ["1"], "set": {"severity": "LOW"}}],
                }
            },
            ["aws.s3.bucket.b"],
        ),
    ],
)
def test_what_is_off_everywhere_has_no_rule(stages, left):
    assert names(rules.rules(data(BUCKETS, stages=stages))) == left


def test_what_is_idle_has_no_rule_until_it_is_told_what_to_look_for():
    policies = {**BUCKETS, "aws.any.resource.c": entry("*", idle_without=["required"])}
    assert names(rules.rules(data(policies))) == list(BUCKETS)
    told = {"aws.any.resource.c": {"default": {"required": {"owner": None}}}}
    assert "aws.any.resource.c" in names(rules.rules(data(policies, parameters=told)))


def test_nothing_to_judge_is_a_mistake():
    with pytest.raises(UsageError, match="no policy judges anything"):
        rules.rules(data(BUCKETS, stages={"*": {"default": {"stage": "off"}}}))


def test_two_policies_of_one_name_are_a_mistake():
    with pytest.raises(UsageError, match=r"aws\.s3\.bucket\.a_b and aws\.s3\.bucket_a\.b would have one name"):
        rules.rules(data({"aws.s3.bucket.a_b": entry("*"), "aws.s3.bucket_a.b": entry("*")}))


def many(number: int) -> rules.Rules:
    return rules.rules(data({f"custom.team{one:03}.resource.well": entry("*") for one in range(number)}))


def layouts(made: dict[str, Any]) -> tuple[list[str], int]:
    """Which there are, and how many resources."""
    return made["Parameters"]["Layout"]["AllowedValues"], len(made["Resources"])


def test_two_hundred_policies_are_rules_of_the_organization_and_one_umbrella_of_an_account():
    found = many(200)
    assert layouts(rules.organization(found)) == (["policy", "umbrella"], 201)
    made = rules.account(found)
    assert layouts(made) == (["umbrella"], 1)
    assert "ForEach" not in made["Conditions"]
    assert made["Parameters"]["Layout"]["ConstraintDescription"] == (
        "umbrella: there are too many policies for a rule each; set RuleLayout=umbrella"
    )
    assert rules.account_names(found) == {"Names": {"policy": "", "umbrella": "opalite"}}


def test_names_of_the_rules_of_an_account_fit_into_the_functions_environment():
    found = many(75)
    told = rules.account_names(found)["Names"]["policy"]
    assert (len(told) <= rules.MOST_NAMES, told.split(",")) == (True, [one.name for one in found.each])
    assert layouts(rules.account(found)) == (["policy", "umbrella"], 76)


def test_more_rules_than_a_template_takes_are_one_umbrella():
    assert layouts(rules.organization(many(499))) == (["policy", "umbrella"], 500)
    assert layouts(rules.organization(many(500))) == (["umbrella"], 1)


def test_an_organization_rule_selects_its_policy_and_nothing_else():
    found = rules.organization(rules.rules(data(BUCKETS)))["Resources"]["AwsS3BucketB"]
    assert found == {
        "Type": "AWS::Config::OrganizationConfigRule",
        "Condition": "ForEach",
        "Properties": {
            "OrganizationConfigRuleName": "opalite-s3-bucket-b",
            "ExcludedAccounts": {"Fn::If": ["Excluding", {"Ref": "ExcludedAccounts"}, {"Ref": "AWS::NoValue"}]},
            "OrganizationCustomRuleMetadata": {
                "LambdaFunctionArn": {"Ref": "FunctionArn"},
                "Description": "Things are well (aws.s3.bucket.b)",
                "OrganizationConfigRuleTriggerTypes": [*CHANGES, if_scheduled("ScheduledNotification")],
                "InputParameters": '{"policies": "aws.s3.bucket.b"}',
                "ResourceTypesScope": ["AWS::S3::Bucket", "AWS::SQS::Queue"],
                "MaximumExecutionFrequency": if_scheduled({"Ref": "Frequency"}),
            },
        },
    }


def test_what_only_changes_with_its_resource_has_no_schedule_whatever_is_asked_for():
    found = rules.organization(rules.rules(data(BUCKETS)))["Resources"]["AwsS3BucketA"]["Properties"]
    metadata = found["OrganizationCustomRuleMetadata"]
    assert metadata["OrganizationConfigRuleTriggerTypes"] == list(CHANGES)
    assert "MaximumExecutionFrequency" not in metadata


def test_a_rule_of_one_account_says_the_same():
    found = rules.account(rules.rules(data(BUCKETS)))["Resources"]["AwsS3BucketB"]["Properties"]
    assert found["InputParameters"] == {"policies": "aws.s3.bucket.b"}
    assert found["Scope"] == {"ComplianceResourceTypes": ["AWS::S3::Bucket", "AWS::SQS::Queue"]}
    schedule = {
        "EventSource": "aws.config",
        "MessageType": "ScheduledNotification",
        "MaximumExecutionFrequency": {"Ref": "Frequency"},
    }
    assert found["Source"]["SourceDetails"] == [
        *({"EventSource": "aws.config", "MessageType": kind} for kind in CHANGES),
        if_scheduled(schedule),
    ]


def test_shipped_policies_have_rules_that_aws_config_takes(shipped_data):
    found = rules.rules(shipped_data)
    entries = shipped_data["catalog"]["policies"]
    assert set(entries) - set(names(found)) == {one for one, entry in entries.items() if entry.get("idle_without")}
    known = set(get_session().get_service_model("config").shape_for("ResourceType").enum)
    assert {kind for rule in found.each for kind in rule.types or ()} <= known
    shape = get_session().get_service_model("config").shape_for("OrganizationConfigRuleTriggerType")
    assert {*CHANGES, "ScheduledNotification"} <= set(shape.enum)
    assert all(len(rule.description) <= 256 for rule in found.each)
