"""Evaluations on their way to AWS Config: what they say, in which chunks, and what is sent again."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS
from opalite.errors import AwsError, DeliveryError

_, MEMBER, _ = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
KIND = "AWS::EC2::SecurityGroup"
GROUP = (KIND, "sg-0b1c2d3e4f5a6b7c8")
CAPTURED, NOTIFIED = "2026-03-02T08:15:30.412Z", "2026-03-02T12:00:00.250Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
UNTAKEN = f"config:PutEvaluations in account {MEMBER}, eu-west-1: not taken: "


@pytest.fixture
def rule(aws):
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})


@pytest.fixture
def several(aws, group):
    """So many groups that are recorded, every other one open; their ids."""

    def made(count):
        ids = [f"sg-{number:017x}" for number in range(count)]
        for number, name in enumerate(ids):
            aws.config.record(group(name, opened=22 if number % 2 else None))
        return ids

    return made


def sizes(aws):
    return [len(put.evaluations) for put in aws.config.put_calls]


def test_the_ordering_timestamp_of_a_change_is_its_capture_time(aws, function, rule, group):
    function(aws.config.change_event(group(opened=22), rule, notified_at="2026-03-02T11:11:11.111Z"))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_the_ordering_timestamp_of_a_schedule_is_its_notification(aws, function, rule, group):
    aws.config.record(group(opened=22))
    function(aws.config.schedule_event(MEMBER, rule, notified_at=NOTIFIED))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", NOTIFIED)}


def test_a_schedule_of_250_resources_is_delivered_in_chunks(aws, function, rule, several):
    ids = several(250)
    answer = function(aws.config.schedule_event(MEMBER, rule, notified_at=NOTIFIED))
    assert answer == {"resources": 250, "delivered": {"COMPLIANT": 125, "NON_COMPLIANT": 125}, "unreadable": 0}
    assert sizes(aws) == [100, 100, 50]
    told = function.results(rule)
    assert {key: (one[0], one[2]) for key, one in told.items()} == {
        (KIND, name): ("NON_COMPLIANT" if number % 2 else "COMPLIANT", NOTIFIED) for number, name in enumerate(ids)
    }
    assert function.counts() == {"Evaluations": 250}
    assert aws.calls == {
        "organizations:DescribeAccount": 1,
        "sts:AssumeRole": 1,
        "config:GetComplianceDetailsByConfigRule": 1,
        "config:SelectResourceConfig": 3,
        "config:PutEvaluations": 3,
    }


TAGS = "aws.any.resource.required_tags"
WALLS = {"🧱" * 118 + letter: None for letter in "abc"}  # keys of tags; a wall is two UTF-16 units
LONG = {
    "parameters": {TAGS: {"default": {"required": WALLS}}},
    "stages": {TAGS: {"default": {"severity": "CRITICAL"}}},
}


@pytest.mark.parametrize("parameters", [{"policies": TAGS}, {}])
def test_an_annotation_has_256_characters_and_ends_with_the_decision(aws, deploy, recorded, parameters):
    function = deploy(aws, layer=LONG)
    rule = aws.config.rule(MEMBER, "tags", parameters=parameters)
    function(aws.config.change_event(recorded("s3-bucket.never-configured", tags={}), rule))
    ((compliance_type, says, _),) = function.results(rule).values()
    (gravest,) = (line for line in function.lines("decision") if line["policy_id"] == TAGS)
    assert compliance_type == "NON_COMPLIANT"
    assert 250 < len(says.encode("utf-16-le")) / 2 <= 256
    assert says.endswith(f" [{gravest['decision_id'][:12]}]")


def test_what_config_did_not_take_is_sent_again_and_nothing_else(aws, function, rule, several, slept):
    ids = several(5)
    aws.config.fail_evaluations(ids[1], ids[3], times=2)
    function(aws.config.schedule_event(MEMBER, rule))
    assert [[one["ComplianceResourceId"] for one in put.evaluations] for put in aws.config.put_calls] == [
        ids,
        [ids[1], ids[3]],
        [ids[1], ids[3]],
    ]
    assert len(function.results(rule)) == 5
    assert len(slept) == 2


def test_what_config_never_takes_fails_the_event_by_name_and_the_rest_is_there(aws, function, rule, several, slept):
    ids = several(5)
    aws.config.fail_evaluations(ids[2], times=99)
    event = aws.config.schedule_event(MEMBER, rule)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert str(raised.value) == (f"{UNTAKEN}{KIND} {ids[2]}: AWS Config named it as failed (attempt 5 was the last)")
    assert set(function.results(rule)) == {(KIND, name) for name in ids if name != ids[2]}
    assert function.counts() == {"Evaluations": 5, "Failures": 1}
    aws.config.fail_evaluations(ids[2], times=0)
    function(event)  # as Lambda tries it again
    assert len(function.results(rule)) == 5


def test_a_throttled_delivery_is_tried_again(aws, function, rule, group, slept):
    aws.fail("config", "PutEvaluations", times=6)
    function(aws.config.change_event(group(opened=22), rule))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert aws.calls["config:PutEvaluations"] == 7
    assert function.calls() == {"ApiCalls": 4, "ApiRetries": 5}  # 4 + 3 attempts in two calls; the member, and its role


def test_a_delivery_that_stays_throttled_fails_the_event_and_the_next_attempt_delivers(
    aws, function, rule, group, slept
):
    aws.fail("config", "PutEvaluations", times=None)
    event = aws.config.change_event(group(opened=22), rule)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert str(raised.value).startswith(f"{UNTAKEN}{KIND} {GROUP[1]}: ")
    assert "ThrottlingException" in str(raised.value)
    assert function.results(rule) == {}
    aws.mend()
    function(event)
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_a_token_that_is_not_good_any_more_fails_the_event_at_once(aws, function, rule, group, slept):
    event = aws.config.change_event(group(opened=22), rule)
    aws.config.expire_tokens()
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert str(raised.value) == (
        f"{UNTAKEN}{KIND} {GROUP[1]}: the result token is not (any longer) valid; "
        "AWS Config evaluates anew on the next change or re-evaluation"
    )
    assert aws.calls["config:PutEvaluations"] == 1
    assert slept == []


def test_a_rule_that_is_gone_fails_the_event_at_once(aws, function, rule, group, slept):
    event = aws.config.change_event(group(opened=22), rule)
    aws.config.remove_rule(MEMBER, rule)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert str(raised.value) == f"{UNTAKEN}{KIND} {GROUP[1]}: the Config rule is not there any more"
    assert aws.calls["config:PutEvaluations"] == 1


def test_a_role_that_may_not_put_evaluations_is_named(aws, function, rule, group):
    aws.deny("config", "PutEvaluations", MEMBER)
    with pytest.raises((AwsError, DeliveryError)) as raised:
        function(aws.config.change_event(group(opened=22), rule))
    assert str(raised.value) == (
        f"{UNTAKEN}{KIND} {GROUP[1]}: config:PutEvaluations is denied in account {MEMBER} (AccessDeniedException); "
        f"the function needs config:PutEvaluations in account {MEMBER}"
    )
