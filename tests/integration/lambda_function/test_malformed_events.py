"""Events that are none of AWS Config's, or not quite: each is an error that names the part, and nothing else happens."""

from __future__ import annotations

import json

import pytest

from emulation.aws import ACCOUNTS
from emulation.config_service import CHANGE, OVERSIZED
from opalite.errors import InvocationError

_, MEMBER, OTHER = ACCOUNTS
GROUP = ("AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8")
CAPTURED = "2026-03-02T08:15:30.412Z"
EXPECTED = f"expected one of {CHANGE}, {OVERSIZED}, ScheduledNotification"


@pytest.fixture
def event(shared, group):
    """One that would be served."""
    return shared.aws.config.change_event(group(opened=22), shared.aws.config.rule(MEMBER, "all"))


def notice(**members):
    return json.dumps({"messageType": CHANGE, "notificationCreationTime": CAPTURED, **members})


ITEM = {"resourceType": GROUP[0], "resourceId": GROUP[1], "awsAccountId": MEMBER}
NOT_CONFIGS = [
    (None, "the event is missing: only AWS Config invokes this function"),
    ([], "the event is an array: only AWS Config invokes this function"),
    ({}, "the event has no invokingEvent, so it is not AWS Config's; it has no members"),
    (ITEM, "the event has no invokingEvent, so it is not AWS Config's; it has resourceType, resourceId, awsAccountId"),
    (
        {"configurationItem": ITEM},
        "the event has no invokingEvent, so it is not AWS Config's; it has configurationItem",
    ),
    (
        {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": notice(configurationItem=ITEM)}}]},
        "the event has no invokingEvent, so it is not AWS Config's; it has Records",
    ),
    (
        {"source": "aws.config", "detail-type": "Config Configuration Item Change", "detail": {}},
        "the event has no invokingEvent, so it is not AWS Config's; it has source, detail-type, detail",
    ),
]


@pytest.mark.parametrize(("event", "says"), NOT_CONFIGS)
def test_what_config_does_not_send_is_an_error(shared, event, says):
    with pytest.raises(InvocationError) as raised:
        shared(event)
    assert str(raised.value) == says
    assert shared.lines("refused") == [{"reason": "event"}]
    assert shared.lines("failed") == [{"error": "InvocationError", "reason": says}]
    assert shared.counts() == {"Refused": 1, "Failures": 1}
    assert shared.aws.calls == {}


WRONG = [
    ({"invokingEvent": "{"}, "invokingEvent is cut short at byte 1"),
    ({"invokingEvent": {}}, "invokingEvent is an object: expected JSON in a text"),
    ({"invokingEvent": "[]"}, "invokingEvent holds an array: expected an object"),
    ({"invokingEvent": "{}"}, f"messageType is missing: {EXPECTED}"),
    (
        {"invokingEvent": notice(messageType="ConfigurationSnapshotDeliveryCompleted")},
        f"messageType is ConfigurationSnapshotDeliveryCompleted: {EXPECTED}",
    ),
    ({"invokingEvent": notice()}, f"{CHANGE} has no configurationItem: it is missing"),
    (
        {"invokingEvent": notice(messageType=OVERSIZED, configurationItem=ITEM)},
        f"{OVERSIZED} has no configurationItemSummary: it is missing",
    ),
    (
        {"invokingEvent": notice(configurationItem=ITEM | {"resourceId": ""})},
        "configurationItem.resourceId is empty: expected text",
    ),
    (
        {"invokingEvent": notice(configurationItem=ITEM | {"awsAccountId": OTHER})},
        f"the item is of account {OTHER}, the Config rule of {MEMBER}",
    ),
    (
        {"invokingEvent": notice(messageType="ScheduledNotification", awsAccountId=OTHER)},
        f"the schedule is of account {OTHER}, the Config rule of {MEMBER}",
    ),
    (
        {"invokingEvent": notice(messageType="ScheduledNotification", notificationCreationTime=None)},
        "notificationCreationTime is missing: expected a time",
    ),
    (
        {"invokingEvent": notice(configurationItem=ITEM, notificationCreationTime="soon")},
        "notificationCreationTime is soon: expected a time",
    ),
    ({"evaluationMode": "PROACTIVE"}, "evaluationMode is PROACTIVE: only DETECTIVE rules are served"),
    ({"eventLeftScope": "true"}, "eventLeftScope is a text: expected true or false"),
    ({"resultToken": None}, "resultToken is missing: expected text"),
    ({"configRuleName": ""}, "configRuleName is empty: expected text"),
    ({"configRuleArn": "config-rule-0b4fee"}, "configRuleArn is not the ARN of a Config rule"),
    ({"accountId": "12"}, "accountId is 12: expected 12 digits"),
    ({"accountId": OTHER}, f"accountId is {OTHER}, but configRuleArn is of account {MEMBER}"),
    ({"ruleParameters": '{"policies": []}'}, "ruleParameters: policies is an array: expected text"),
    ({"ruleParameters": "all"}, "ruleParameters is not valid JSON: expecting value at byte 0"),
]


@pytest.mark.parametrize(("members", "says"), WRONG)
def test_an_event_that_is_wrong_in_one_part_names_it_and_is_not_served(shared, event, members, says):
    with pytest.raises(InvocationError) as raised:
        shared(event | members)
    assert str(raised.value) == says
    assert shared.counts() == {"Refused": 1, "Failures": 1}
    assert shared.aws.calls == {}
