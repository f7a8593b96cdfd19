"""Messages of the queue for failed events, in both forms that Lambda gives them."""

from __future__ import annotations

import json

import pytest

from opalite.adapters.aws.evaluations import Evaluations
from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Place
from opalite.redrive.failed import Failed, NotOurs, is_dead, parse

FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
PLACE = Place("aws", "222222222222", "eu-west-1")
RULE_ARN = (
    "arn:aws:config:eu-west-1:222222222222:"
    "config-rule/aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-abc123"
)
ITEM = {
    "resourceType": "AWS::S3::Bucket",
    "resourceId": "reports",
    "awsAccountId": "222222222222",
    "awsRegion": "eu-west-1",
    "configurationItemCaptureTime": "2026-11-28T09:00:00.000Z",
    "configurationItemStatus": "OK",
    "configuration": {"name": "reports"},
}
CHANGE = {
    "messageType": "ConfigurationItemChangeNotification",
    "configurationItem": ITEM,
    "notificationCreationTime": "2026-11-28T09:00:01.000Z",
}
SCHEDULE = {"messageType": "ScheduledNotification", "notificationCreationTime": "2026-11-28T09:00:01.000Z"}
ABOUT = "ConfigurationItemChangeNotification of AWS::S3::Bucket reports for opalite in account 222222222222, eu-west-1"


def event(invoking=CHANGE, **more):
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(invoking),
        "resultToken": "token",
        "configRuleArn": RULE_ARN,
        "configRuleName": "opalite",
        "accountId": "222222222222",
        **more,
    }


def record(payload, error="no time was left", **context):
    return {
        "version": "1.0",
        "timestamp": "2026-11-28T09:10:00.000Z",
        "requestContext": {
            "requestId": "9b2f6f0e-31c4-4ad5-8d0e-0a4a54a1f7c2",
            "functionArn": f"{FUNCTION}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
            **context,
        },
        "requestPayload": payload,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": error, "errorType": "DeliveryError"},
    }


def parsed(document, told="", arn=FUNCTION):
    return parse(json.dumps(document), told, arn)


@pytest.mark.parametrize("document", [record(event()), event()], ids=["record", "plain"])
@pytest.mark.parametrize("arn", [FUNCTION, f"{FUNCTION}:live"])
def test_the_event_is_found_as_it_was(document, arn):
    found = parsed(document, arn=arn)
    assert json.loads(found.payload) == event()
    assert found == Failed(found.payload, PLACE, "opalite", ABOUT, dead=False)


def test_a_schedule_names_its_rule_alone():
    assert parsed(event(SCHEDULE)).about == "ScheduledNotification for opalite in account 222222222222, eu-west-1"


def test_what_aws_config_takes_no_more_is_known_from_what_the_function_said():
    dead = "config:PutEvaluations in account 222222222222, eu-west-1: not taken: x: the result token is not (any longer) valid; y"
    assert parsed(record(event(), dead)).dead
    assert parsed(event(), dead).dead
    assert not parsed(record(event(), "the result token was taken")).dead


@pytest.mark.parametrize("answer", [AwsError("no", "InvalidResultTokenException"), Absent("NoSuchConfigRuleException")])
def test_those_are_the_words_of_the_function(accounts, answer):
    sessions = accounts().tell("222222222222", "PutEvaluations", answer)
    with pytest.raises(DeliveryError) as caught:
        Evaluations(sessions, sleep=lambda _: None, jitter=lambda: 0.0).put(
            PLACE, [], "token", test_mode=False, deadline=lambda: 60.0
        )
    assert is_dead(str(caught.value))


@pytest.mark.parametrize(
    ("body", "lost", "reason"),
    [
        ("no json", True, "is no JSON"),
        ("[]", True, "is neither a record of Lambda nor an event of AWS Config"),
        ("{}", True, "holds no event that this version of opalite understands: the event has no invokingEvent, "),
        (
            json.dumps(record(event(), functionArn=f"{FUNCTION}-sweep")),
            False,
            f"is of another function, {FUNCTION}-sweep",
        ),
        (json.dumps(record(event(), condition="Success")), False, "is of an invocation that went well"),
        (
            json.dumps(record(event(accountId="1"))),
            True,
            "holds no event that this version of opalite understands: accountId",
        ),
        (json.dumps({"requestContext": 1, "requestPayload": 2}), False, "is of another function, None"),
        (json.dumps(record({"Records": []})), True, "holds no event that this version of opalite understands: "),
    ],
)
def test_what_is_none_of_our_events_is_left_and_told_of(body, lost, reason):
    found = parse(body, "", FUNCTION)
    assert isinstance(found, NotOurs)
    assert (found.lost, found.reason[: len(reason)]) == (lost, reason)


def test_what_others_wrote_stays_one_line_of_bounded_length():
    hostile = {**ITEM, "resourceId": "a\nopalite: all is well\x1b[2J" + "x" * 5000}
    about = parsed(event({**CHANGE, "configurationItem": hostile})).about
    assert about.isprintable()
    assert len(about) == 300
    told = parsed(record(event(), functionArn="\x1b[2J\n" + "f" * 5000)).reason
    assert told.isprintable()
    assert len(told) < 350
