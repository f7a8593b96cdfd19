"""Notifications about attempts: within the bounds of SNS, one line for each thing, and nothing forged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalite.adapters.aws.topics import CALL_BYTES, _fault, _parcel
from opalite.publish.annotation import length
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.model import Result
from opalite.remediation.notice import MOST_STEPS, message
from unit.publish.notification_cases import weight
from unit.remediation.attempts import ATTEMPTS, WORDS
from unit.remediation.aws.cases import ATTEMPT, STEP

TITLE = "Security groups do not open administration ports to the world"
ENTRY = {"title": TITLE, "severity": "HIGH"}
LABELS = ("Reason", "Policy", "Resource", "Account", "Why", "Now", "Mode", "Attempt", "Asked by", "To ", "The record")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ATTEMPTS, WORDS)
def test_whatever_became_of_it_sns_takes_the_message(attempt, title):
    told = message(attempt, {"title": title})

    assert _fault(told, _parcel("message 1 of 1", "m1", told)) is None
    assert weight(told) <= CALL_BYTES
    assert re.fullmatch(r"[!-~][ -~]{0,98}", told.subject)
    assert 1 <= len(told.attributes) <= 10
    assert all(value for value in told.attributes.values())
    assert told.text.replace("\n", "").isprintable()
    assert (told.text[-1], told.text.count("\n\n\n")) == ("\n", 0)
    assert all(length(line) <= 1100 for line in told.text.splitlines())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ATTEMPTS)
def test_no_word_of_others_begins_a_line(attempt):
    lines = message(replace(attempt, plan=None), ENTRY).text.splitlines()

    assert lines[0].startswith("Remediation: ")
    assert all(line == "" or line.startswith(LABELS) for line in lines[1:])
    assert not any("://" in line for line in lines)


@pytest.mark.parametrize("count", [MOST_STEPS, MOST_STEPS + 1, 1000])
def test_a_long_plan_is_told_in_part(count):
    plan = replace(ATTEMPT.plan, steps=tuple(replace(STEP, name=f"step {n}") for n in range(count)))
    told = message(replace(ATTEMPT, plan=plan, applied=()), ENTRY)

    rest = count - MOST_STEPS
    assert (f"+{rest} more, in the record." in told.text) is (rest > 0)
    assert (len(told.document["steps"]), told.document["step_count"]) == (MOST_STEPS, count)
    assert weight(told) <= CALL_BYTES


@pytest.mark.parametrize("letter", ["x", "名", "🏳", "\\", '"'])
def test_a_message_of_many_long_words_is_taken(letter):
    steps = tuple(replace(STEP, name=f"{n} {letter * 900}", reason=letter * 900) for n in range(100))
    plan = replace(ATTEMPT.plan, steps=steps, instructions=(letter * 5000,) * 15)
    told = message(replace(ATTEMPT, plan=plan, reason=letter * 5000, applied=()), {"title": letter * 5000})

    assert _fault(told, _parcel("message 1 of 1", "m1", told)) is None


def test_a_message_says_what_was_done_why_and_how_it_is_taken_back():
    told = message(ATTEMPT, ENTRY)

    assert told.subject == (
        "Opalite remediation: mended, the policy passes: revoke_ingress on sg-0f4d2c1b3a5968778 in 111122..."
    )
    assert told.text == (
        "Remediation: mended, the policy passes\n"
        "\n"
        "Reason:     the policy passes\n"
        f"Policy:     {TITLE} (aws.ec2.securitygroup.restricted_ingress)\n"
        "Resource:   AWS::EC2::SecurityGroup sg-0f4d2c1b3a5968778\n"
        "Account:    111122223333, eu-west-1\n"
        "Why:        open\n"
        "Mode:       auto\n"
        "Attempt:    0123456789abcdef0123\n"
        "\n"
        "What was done:\n"
        "1. revoke 0.0.0.0/0 (RevokeSecurityGroupIngress) - done\n"
        "   because open to all\n"
        "\n"
        "What is up to you:\n"
        "- look\n"
        "\n"
        'To take it back: invoke the remediation function with {"undo": "0123456789abcdef0123"}\n'
    )


def test_what_cannot_be_taken_back_is_not_offered_to_be():
    told = message(replace(ATTEMPT, applied=(Applied(STEP.name, Progress.DONE),)), ENTRY)

    assert told.text.splitlines()[-1] == "The record: opalite remediate show 0123456789abcdef0123"


@given(st.sampled_from(Result))
def test_subscriptions_choose_by_the_same_attributes_as_those_of_decisions(result):
    assert message(replace(ATTEMPT, result=result), ENTRY).attributes == {
        "severity": "HIGH",
        "owner": "operations",
        "change": f'["remediation_{result}"]',
        "policy": '["aws.ec2.securitygroup.restricted_ingress"]',
        "account": '["111122223333"]',
        "region": '["eu-west-1"]',
    }
