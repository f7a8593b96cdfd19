"""What AWS Config holds of its Config rules, and starting them anew."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.config_results import ACTIONS, ConfigResults, Started
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError
from opalite.ports import Absent, Denied, Place

MEMBER, REGION, RULE = "111122223333", "eu-west-1", "OrgConfigRule-opalite-lf3sbwf9"
MODEL = get_session().get_service_model("config")
BUCKET = "AWS::S3::Bucket"


@pytest.fixture
def config(accounts):
    """AWS Config of the member account; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (MEMBER, REGION)
        assert f"config:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)
        assert len(parameters.get("ConfigRuleNames", ())) <= 25


@pytest.fixture
def slept():
    return []


@pytest.fixture
def results(config):
    return ConfigResults(config)


def result(name, compliance_type, *, rule=RULE, **qualifier):
    return {
        "EvaluationResultIdentifier": {
            "EvaluationResultQualifier": {
                "ConfigRuleName": rule,
                "ResourceType": BUCKET,
                "ResourceId": name,
                **qualifier,
            },
            "OrderingTimestamp": datetime(2026, 1, 2, tzinfo=UTC),
        },
        "ComplianceType": compliance_type,
    }


def page(*found):
    return {"EvaluationResults": list(found)}


def started(**by_state):
    return Started(**{state: tuple(names) for state, names in by_state.items()})


# Results


def test_the_results_of_all_pages_by_type_and_id(config, results, place):
    config.tell(
        MEMBER,
        "GetComplianceDetailsByConfigRule",
        page(result("a", "COMPLIANT"), result("b", "NON_COMPLIANT", EvaluationMode="DETECTIVE")),
        page(),
        page(result("a", "NON_COMPLIANT", ResourceType="AWS::EC2::Volume")),
    )
    assert results.held(place, RULE) == {
        (BUCKET, "a"): "COMPLIANT",
        (BUCKET, "b"): "NON_COMPLIANT",
        ("AWS::EC2::Volume", "a"): "NON_COMPLIANT",
    }
    assert config.asked == [
        (
            MEMBER,
            REGION,
            "GetComplianceDetailsByConfigRule",
            {"ConfigRuleName": RULE, "ComplianceTypes": ["COMPLIANT", "NON_COMPLIANT"], "Limit": 100},
        )
    ]


def test_proactive_evaluations_are_no_results_of_resources(config, results, place):
    told = page(result("a", "COMPLIANT", EvaluationMode="PROACTIVE"), result("b", "INSUFFICIENT_DATA"))
    config.tell(MEMBER, "GetComplianceDetailsByConfigRule", told)
    assert results.held(place, RULE) == {}


def test_the_result_of_one_resource_is_that_of_this_rule(config, results, place):
    config.tell(
        MEMBER,
        "GetComplianceDetailsByResource",
        page(result("a", "COMPLIANT", rule="another"), result("a", "COMPLIANT", EvaluationMode="PROACTIVE")),
        page(result("a", "NON_COMPLIANT")),
    )
    assert results.held_of(place, RULE, BUCKET, "a") == "NON_COMPLIANT"
    assert results.held_of(place, "third", BUCKET, "a") is None
    assert config.asked[0][3] == {
        "ResourceType": BUCKET,
        "ResourceId": "a",
        "ComplianceTypes": ["COMPLIANT", "NON_COMPLIANT"],
    }


def test_of_a_rule_that_is_not_there_nothing_is_held(config, results, place):
    for operation in ("GetComplianceDetailsByConfigRule", "GetComplianceDetailsByResource", "DescribeConfigRules"):
        config.tell(MEMBER, operation, Absent("NoSuchConfigRuleException"))
    assert results.held(place, RULE) == {}
    assert results.held_of(place, RULE, BUCKET, "a") is None
    assert results.rule(place, RULE) is None


@pytest.mark.parametrize("error", [Denied("config:… is denied"), AwsError("config:… too fast", "ThrottlingException")])
def test_a_failure_is_never_taken_for_nothing_held(config, results, place, error):
    for operation in ("GetComplianceDetailsByConfigRule", "GetComplianceDetailsByResource", "DescribeConfigRules"):
        config.tell(MEMBER, operation, error)
    for question in (
        lambda: results.held(place, RULE),
        lambda: results.held_of(place, RULE, BUCKET, "a"),
        lambda: results.rule(place, RULE),
        lambda: results.rules(place),
    ):
        with pytest.raises(type(error)):
            question()


# Config rules


def rule(name):
    return {"ConfigRuleName": name, "Source": {"Owner": "CUSTOM_LAMBDA"}}


def test_one_rule_and_all_rules_as_aws_describes_them(config, results, place):
    config.tell(MEMBER, "DescribeConfigRules", {"ConfigRules": [rule(RULE)]}, {"ConfigRules": [rule("other")]})
    assert results.rule(place, RULE) == rule(RULE)
    assert results.rule(place, "other") is None
    assert results.rules(place) == [rule(RULE), rule("other")]
    assert [parameters for *_, parameters in config.asked] == [
        {"ConfigRuleNames": [RULE]},
        {"ConfigRuleNames": ["other"]},
        {},
    ]


# Starting them


def starting(**faults):
    """By name: the errors that a call with it meets, one after the other."""
    left = {name: list(errors) for name, errors in faults.items()}

    def answer(parameters):
        for name in parameters["ConfigRuleNames"]:
            if left.get(name):
                raise left[name].pop(0)
        return {}

    return answer


def error(code):
    return AwsError(f"config:StartConfigRulesEvaluation: {code}", code)


def calls(config):
    return [parameters["ConfigRuleNames"] for *_, parameters in config.asked]


def test_rules_are_started_once_each_and_25_together(config, results, place):
    config.tell(MEMBER, "StartConfigRulesEvaluation", {})
    names = [f"r{number}" for number in range(30)]
    assert results.start(place, [*names, *names]) == started(started=names)
    assert calls(config) == [names[:25], names[25:]]


def test_no_rules_are_no_call(config, results, place):
    assert results.start(place, []) == Started()
    assert config.asked == []


@pytest.mark.parametrize("code", ["ResourceInUseException", "LimitExceededException"])
def test_one_busy_rule_does_not_keep_the_others_from_being_started(config, results, place, code):
    config.tell(MEMBER, "StartConfigRulesEvaluation", starting(b=[error(code)] * 3))
    assert results.start(place, ["a", "b", "c"]) == started(started=["a", "c"], busy=["b"])
    assert calls(config) == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_a_rule_that_is_gone_is_told_and_not_asked_for_again(config, results, place):
    gone = [Absent("NoSuchConfigRuleException")] * 9
    config.tell(MEMBER, "StartConfigRulesEvaluation", starting(b=gone))
    assert results.start(place, ["a", "b", "c"]) == started(started=["a", "c"], gone=["b"])
    assert results.start(place, ["b"]) == started(gone=["b"])


def test_rules_of_a_throttled_call_are_asked_for_one_by_one_and_those_that_it_still_meets_are_busy(
    config, results, place
):
    config.tell(MEMBER, "StartConfigRulesEvaluation", starting(a=[error("ThrottlingException")] * 2))
    assert results.start(place, ["a", "b"]) == started(started=["b"], busy=["a"])
    assert calls(config) == [["a", "b"], ["a"], ["b"]]


@pytest.mark.parametrize("failure", [error("InternalError"), Denied("config:StartConfigRulesEvaluation is denied")])
def test_any_other_failure_to_start_is_passed_on(config, results, place, failure):
    config.tell(MEMBER, "StartConfigRulesEvaluation", starting(a=[failure]))
    with pytest.raises(type(failure)):
        results.start(place, ["a"])


@given(
    st.dictionaries(st.integers(0, 99).map(str), st.sampled_from(["fine", "busy", "gone", "throttled"]), max_size=70)
)
def test_each_rule_is_told_of_exactly_once(fates):
    class Config:
        def __init__(self):
            self.begun = Counter()

        def service(self, *_):
            return self

        def ask(self, operation, *, ConfigRuleNames):  # noqa: N803 - as AWS spells them
            assert 1 <= len(ConfigRuleNames) <= 25
            met = {fates[name] for name in ConfigRuleNames}
            if "gone" in met:
                raise Absent("NoSuchConfigRuleException")
            if "busy" in met:
                raise error("LimitExceededException")
            if "throttled" in met:
                raise error("ThrottlingException")
            self.begun.update(ConfigRuleNames)

    config = Config()
    told = ConfigResults(config).start(Place("aws", MEMBER, REGION), list(fates))
    names = {fate: {name for name, of in fates.items() if of == fate} for fate in ("fine", "busy", "gone", "throttled")}
    assert (set(told.started), set(told.gone)) == (names["fine"], names["gone"])
    assert set(told.busy) == names["busy"] | names["throttled"]
    assert len(told.started + told.busy + told.gone) == len(fates)
    assert config.begun == dict.fromkeys(names["fine"], 1)


# Through boto3


def test_boto3_takes_the_questions_and_its_answers_are_understood(scripted, clock):
    for operation, answer in (
        ("get_compliance_details_by_config_rule", page(result("a", "COMPLIANT")) | {"NextToken": "2"}),
        ("get_compliance_details_by_config_rule", page(result("b", "NON_COMPLIANT"))),
        ("get_compliance_details_by_resource", page(result("a", "COMPLIANT"))),
        ("describe_config_rules", "NoSuchConfigRuleException"),
        ("describe_config_rules", {"ConfigRules": [rule(RULE)], "NextToken": "2"}),
        ("describe_config_rules", {"ConfigRules": [rule("other")]}),
        ("start_config_rules_evaluation", "NoSuchConfigRuleException"),
    ):
        scripted.answer("config", operation, answer)
    results = ConfigResults(AwsSessions(clock, own=scripted))
    place = Place("aws", "123456789012", REGION)
    assert results.held(place, RULE) == {(BUCKET, "a"): "COMPLIANT", (BUCKET, "b"): "NON_COMPLIANT"}
    assert results.held_of(place, RULE, BUCKET, "a") == "COMPLIANT"
    assert results.rule(place, RULE) is None
    assert results.rules(place) == [rule(RULE), rule("other")]
    assert results.start(place, [RULE]) == started(gone=[RULE])


def test_what_is_not_found_but_the_rule_does_not_mean_that_there_is_none(config, results, place):
    config.tell(MEMBER, "DescribeConfigRules", Absent("NotFoundException"))
    with pytest.raises(AwsError, match=r"config:DescribeConfigRules in account .*: NotFoundException"):
        results.rule(place, RULE)
