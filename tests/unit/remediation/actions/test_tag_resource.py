"""Which tags are set, and when none is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import JsonObject
from opalite.remediation.actions.tag_resource import ACTION, plan, simulated
from unit.remediation.actions.cases import found, target

POLICY = "aws.any.resource.required_tags"
ARN = "arn:aws:s3:::reports"
KEYS = st.sampled_from(["Owner", "owner", "CostCenter", "Stage", "aws:x"])
VALUES = st.sampled_from(["a", "b", " ", "4711"])
EXPECTED = st.sampled_from(["any value", ["a", "c"], {"pattern": "[0-9]{4}"}, {"pattern": r"\pL+"}, {"pattern": "("}])


def missing(key, expected="any value"):
    evidence = {"path": ["tags", key], "actual": None, "expected": expected}
    return {"message": f"tag {key} is missing", "subject": key, "evidence": evidence}


def wrong(key, value):
    evidence = {"path": ["tags", key], "actual": value, "expected": ["a"]}
    return {"message": f"tag {key} is {value}; allowed: a", "subject": key, "evidence": evidence}


def few(least):
    return {
        "message": f"at least {least} are required",
        "subject": "number of tags",
        "evidence": {"path": ["tags"], "actual": 0, "expected": least},
    }


def planned(tags, defaults, *violations, resource_type="AWS::S3::Bucket", service="s3"):
    details: JsonObject = {"arn": ARN, "service": service, "tags": tags}
    one = target(POLICY, resource_type, "reports")
    return plan(found(ACTION, one, details, violations=violations, defaults=defaults))


def added(plan):
    return [step.call.parameters["Tags"] for step in plan.steps]


@given(
    tags=st.dictionaries(KEYS, VALUES),
    defaults=st.dictionaries(KEYS, VALUES),
    wanted=st.dictionaries(KEYS, EXPECTED, min_size=1),
)
def test_only_what_is_missing_is_set_and_undone(tags, defaults, wanted):
    violations = [missing(key, expected) for key, expected in wanted.items() if key not in tags]
    made = planned(tags, defaults, *violations)
    spelled = {key.lower() for key in tags}
    assert bool(made.steps) + bool(made.refusal) + (not made.steps and bool(made.instructions)) == 1
    for step in made.steps:
        given_tags = step.call.parameters["Tags"]
        assert set(given_tags) == {violation["subject"] for violation in violations}  # all of it, or nothing
        assert given_tags.items() <= defaults.items()
        assert not {key.lower() for key in given_tags} & spelled
        assert all(value.strip() for value in given_tags.values())
        assert step.inverse is not None
        assert step.inverse.parameters == {"ResourceARNList": [ARN], "TagKeys": sorted(given_tags)}


@pytest.mark.parametrize(
    ("value", "expected", "allowed"),
    [
        ("a", "any value", True),
        (" ", "any value", False),
        ("a", ["a", "b"], True),
        ("A", ["a", "b"], False),
        ("4711", {"pattern": "[0-9]{4}"}, True),
        ("47110", {"pattern": "[0-9]{4}"}, False),
        ("a", {"pattern": "(?i:A)"}, False),  # it would do, but who knows that RE2 and Python agree
        ("a", {"pattern": "("}, False),
        ("a", None, False),
    ],
)
def test_a_default_is_set_only_if_the_policy_takes_it(value, expected, allowed):
    assert added(planned({}, {"Owner": value}, missing("Owner", expected))) == ([{"Owner": value}] if allowed else [])


def test_one_that_is_wrong_keeps_all_others_from_being_set():
    made = planned({"Stage": "x"}, {"Owner": "a"}, missing("Owner"), wrong("Stage", "x"))
    assert (made.steps, made.refusal) == ((), "")
    assert made.instructions == (
        "tag Stage is x; allowed: a",
        "tag Owner is missing; the account's default for it would do",
    )


def test_too_few_tags_are_mended_only_by_those_that_are_missing():
    assert added(planned({"x": "y"}, {"Owner": "a"}, missing("Owner"), few(2))) == [{"Owner": "a"}]
    assert planned({}, {"Owner": "a"}, missing("Owner"), few(2)).steps == ()
    assert planned({"aws:x": "y"}, {"Owner": "a"}, missing("Owner"), few(2)).steps == ()  # those of AWS do not count


def test_tags_that_are_not_known_are_not_set():
    made = planned(None, {"Owner": "a"}, missing("Owner"))
    assert (made.steps, bool(made.refusal)) == ((), True)


def test_stacks_and_services_without_the_api_are_left_to_people():
    for more in ({"resource_type": "AWS::CloudFormation::Stack"}, {"service": "appsync"}):
        made = planned({}, {"Owner": "a"}, missing("Owner"), **more)
        assert (made.steps, made.refusal, bool(made.instructions)) == ((), "", True)


def test_more_tags_than_aws_takes_are_refused():
    made = planned({str(number): "x" for number in range(50)}, {"Owner": "a"}, missing("Owner"))
    assert made.refusal == "it would have more than 50 tags: take some away first"
    of_aws = {f"aws:{number}": "x" for number in range(9)}
    assert added(planned({str(number): "x" for number in range(49)} | of_aws, {"Owner": "a"}, missing("Owner"))) == [
        {"Owner": "a"}
    ]


def test_violations_that_name_no_tag_are_refused():
    assert bool(planned({}, {"Owner": "a"}).refusal)


def test_what_comes_of_it_can_be_told_beforehand():
    case = found(ACTION, target(POLICY, "AWS::S3::Bucket", "reports"), {"arn": ARN, "service": "s3", "tags": {"x": "y"}},
                 violations=[missing("Owner")], defaults={"Owner": "a"})  # fmt: skip
    after = simulated(case.state, plan(case))
    assert (after.item["tags"], after.details["tags"]) == ({"x": "y", "Owner": "a"}, {"x": "y", "Owner": "a"})


def test_a_template_would_take_the_tags_away():
    tags = {"aws:cloudformation:stack-name": "shop"}
    assert "set the tags in its template" in planned(tags, {"Owner": "a"}, missing("Owner")).instructions[0]
