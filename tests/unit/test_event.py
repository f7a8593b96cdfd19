"""What Lambda hands over is one of AWS Config's events, or it is refused in one line that names the part."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.errors import InvocationError
from opalite.event import ConfigRule, Invocation, MessageType, parse
from opalite.model import Item

MEMBER, STRANGER = "111122223333", "999988887777"
ARN = (
    f"arn:aws:config:eu-west-1:{MEMBER}:config-rule/"
    "aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-3fa9zk"
)
RULE = "OrgConfigRule-opalite-encryption-l2bsf8vd"
NOTIFIED, CAPTURED = "2026-11-20T08:00:03.127Z", "2026-11-20T08:00:00.455Z"
SECRET = "hunter2-Tr0ub4dor"
LONGEST_MESSAGE = 300

ITEM = {
    "relatedEvents": [],
    "relationships": [],
    "configuration": {"name": "reports", "note": SECRET, "creationDate": "2026-01-02T03:04:05.000Z"},
    "supplementaryConfiguration": {"AccessControlList": json.dumps({"owner": {"displayName": SECRET}})},
    "tags": {"owner": SECRET},
    "configurationItemVersion": "1.3",
    "configurationItemCaptureTime": CAPTURED,
    "configurationStateId": 1795161600455,
    "awsAccountId": MEMBER,
    "configurationItemStatus": "OK",
    "resourceType": "AWS::S3::Bucket",
    "resourceId": "reports",
    "resourceName": "reports",
    "ARN": "arn:aws:s3:::reports",
    "awsRegion": "eu-west-1",
    "availabilityZone": "Regional",
    "configurationStateMd5Hash": "",
    "resourceCreationTime": "2026-01-02T03:04:05.000Z",
}
CHANGE = {
    "configurationItemDiff": {"changedProperties": {}, "changeType": "CREATE"},
    "configurationItem": ITEM,
    "notificationCreationTime": NOTIFIED,
    "messageType": "ConfigurationItemChangeNotification",
    "recordVersion": "1.3",
}
SUMMARY = {
    "changeType": "UPDATE",
    "configurationItemVersion": "1.3",
    "configurationItemCaptureTime": CAPTURED,
    "configurationStateId": 0,
    "awsAccountId": MEMBER,
    "configurationItemStatus": "OK",
    "resourceType": "AWS::EC2::SecurityGroup",
    "resourceId": "sg-0a1b2c3d4e5f60718",
    "resourceName": None,
    "ARN": f"arn:aws:ec2:eu-west-1:{MEMBER}:security-group/sg-0a1b2c3d4e5f60718",
    "awsRegion": "eu-west-1",
    "availabilityZone": "Not Applicable",
    "configurationStateMd5Hash": "",
    "resourceCreationTime": None,
}
OVERSIZED = {
    "configurationItemSummary": SUMMARY,
    "s3DeliverySummary": {"s3BucketLocation": "elsewhere/item.json.gz", "errorCode": None, "errorMessage": None},
    "messageType": "OversizedConfigurationItemChangeNotification",
    "notificationCreationTime": NOTIFIED,
    "recordVersion": "1.0",
}
SCHEDULE = {
    "awsAccountId": MEMBER,
    "notificationCreationTime": NOTIFIED,
    "messageType": "ScheduledNotification",
    "recordVersion": "1.0",
}
ENVELOPE = {
    "version": "1.0",
    "ruleParameters": '{"tags":"encryption"}',
    "resultToken": "eyJlbmNyeXB0ZWREYXRhIjpbLTQyXX0=",
    "eventLeftScope": False,
    "executionRoleArn": f"arn:aws:iam::{MEMBER}:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
    "configRuleArn": ARN,
    "configRuleName": RULE,
    "configRuleId": "config-rule-3fa9zk",
    "accountId": MEMBER,
    "evaluationMode": "DETECTIVE",
}


def event(invoking=CHANGE, /, **members):
    """`...` leaves a member out."""
    text = invoking if isinstance(invoking, str) else json.dumps(invoking)
    whole = {**ENVELOPE, "invokingEvent": text, **members}
    return {name: value for name, value in whole.items() if value is not ...}


def changed(document, /, **members):
    return {name: value for name, value in {**document, **members}.items() if value is not ...}


def item_changed(**members):
    return event(changed(CHANGE, configurationItem=changed(ITEM, **members)))


def refusal(given_event):
    with pytest.raises(InvocationError) as caught:
        parse(given_event)
    return str(caught.value)


EXPECTED_RULE = ConfigRule(RULE, ARN, "aws", "eu-west-1", MEMBER, {"tags": "encryption"})


def test_a_change():
    assert parse(event()) == Invocation(
        rule=EXPECTED_RULE,
        message_type=MessageType.CHANGE,
        result_token="eyJlbmNyeXB0ZWREYXRhIjpbLTQyXX0=",
        left_scope=False,
        notified_at=NOTIFIED,
        item=Item(ITEM, f"event of {RULE}", NOTIFIED, left_scope=False, oversized=False),
    )


def test_an_oversized_change_carries_the_summary_only():
    assert parse(event(OVERSIZED)) == Invocation(
        rule=EXPECTED_RULE,
        message_type=MessageType.OVERSIZED,
        result_token="eyJlbmNyeXB0ZWREYXRhIjpbLTQyXX0=",
        left_scope=False,
        notified_at=NOTIFIED,
        item=Item(SUMMARY, f"event of {RULE}", NOTIFIED, left_scope=False, oversized=True),
    )


def test_a_schedule_carries_no_item():
    assert parse(event(SCHEDULE)) == Invocation(
        rule=EXPECTED_RULE,
        message_type=MessageType.SCHEDULE,
        result_token="eyJlbmNyeXB0ZWREYXRhIjpbLTQyXX0=",
        left_scope=False,
        notified_at=NOTIFIED,
        item=None,
    )


def test_what_has_left_the_scope_is_said_of_the_item_too():
    invocation = parse(event(eventLeftScope=True))
    assert invocation.left_scope
    assert invocation.item == Item(ITEM, f"event of {RULE}", NOTIFIED, left_scope=True, oversized=False)


def test_a_deleted_resource_has_no_configuration():
    deleted = changed(ITEM, configurationItemStatus="ResourceDeleted", configuration=None, tags={})
    invocation = parse(event(changed(CHANGE, configurationItem=deleted)))
    assert invocation.item is not None
    assert invocation.item.body == deleted


@pytest.mark.parametrize("name", ["version", "evaluationMode", "eventLeftScope", "executionRoleArn", "configRuleId"])
def test_members_that_older_or_handmade_events_lack_may_be_missing(name):
    assert parse(event(**{name: ...})) == parse(event())


def test_a_change_may_lack_the_time_of_the_notification():
    invocation = parse(event(changed(CHANGE, notificationCreationTime=...)))
    assert (invocation.notified_at, invocation.item.notified_at) == (None, None)


def test_a_schedule_may_lack_the_account_which_the_rule_tells():
    assert parse(event(changed(SCHEDULE, awsAccountId=...))) == parse(event(SCHEDULE))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-11-20T08:00:03Z", "2026-11-20T08:00:03.000Z"),
        ("2026-11-20T09:00:03.127+01:00", NOTIFIED),
        (1795161603.127, NOTIFIED),
    ],
)
def test_times_are_told_in_utc_with_milliseconds(written, expected):
    assert parse(event(changed(CHANGE, notificationCreationTime=written))).notified_at == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (..., {}),
        (None, {}),
        ("", {}),
        ("{}", {}),
        ('{"policies": "aws.s3.bucket.encryption", "tags": ""}', {"policies": "aws.s3.bucket.encryption", "tags": ""}),
    ],
)
def test_rule_parameters(written, expected):
    assert parse(event(ruleParameters=written)).rule.parameters == expected


@pytest.mark.parametrize(
    ("arn", "partition", "region"),
    [
        (f"arn:aws-cn:config:cn-north-1:{MEMBER}:config-rule/config-rule-abc123", "aws-cn", "cn-north-1"),
        (f"arn:aws-us-gov:config:us-gov-west-1:{MEMBER}:config-rule/config-rule-a", "aws-us-gov", "us-gov-west-1"),
    ],
)
def test_partition_and_region_are_those_of_the_rule(arn, partition, region):
    rule = parse(event(configRuleArn=arn)).rule
    assert (rule.arn, rule.partition, rule.region, rule.account_id) == (arn, partition, region, MEMBER)


def test_the_token_of_the_rule_development_kit_is_test_mode():
    assert parse(event(resultToken="TESTMODE")).test_mode
    assert not parse(event()).test_mode


def test_a_rule_may_have_a_name_of_128_characters():
    assert parse(event(configRuleName="r" * 128)).rule.name == "r" * 128


def test_an_item_of_another_region_is_taken_since_global_resources_are():
    assert parse(item_changed(awsRegion="global")).item.body["awsRegion"] == "global"


@pytest.mark.parametrize(
    ("given_event", "says"),
    [
        (None, "the event is missing: only AWS Config invokes this function"),
        ([event()], "the event is an array: only AWS Config invokes this function"),
        ("{}", "the event is a text: only AWS Config invokes this function"),
        (7, "the event is a number: only AWS Config invokes this function"),
        (True, "the event is true or false: only AWS Config invokes this function"),
        ({}, "the event has no invokingEvent, so it is not AWS Config's; it has no members"),
        (
            dict.fromkeys("abcde"),
            "the event has no invokingEvent, so it is not AWS Config's; it has a, b, c, d, e",
        ),
        (
            {"Records": [], "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1},
            "the event has no invokingEvent, so it is not AWS Config's; it has Records, b, c, d, e and 2 more",
        ),
    ],
)
def test_other_peoples_events_are_refused(given_event, says):
    assert refusal(given_event) == says


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({"evaluationMode": "PROACTIVE"}, "evaluationMode is PROACTIVE: only DETECTIVE rules are served"),
        ({"evaluationMode": ["DETECTIVE"]}, "evaluationMode is an array: only DETECTIVE rules are served"),
        ({"accountId": ...}, "accountId is missing: expected text"),
        ({"accountId": ""}, "accountId is empty: expected text"),
        ({"accountId": 111122223333}, "accountId is a number: expected text"),
        ({"accountId": "1111-2222-3333"}, "accountId is 1111-2222-3333: expected 12 digits"),
        ({"accountId": f"{MEMBER}\n"}, f"accountId is {MEMBER}?: expected 12 digits"),
        ({"accountId": "١١١١٢٢٢٢٣٣٣٣"}, "accountId is ١١١١٢٢٢٢٣٣٣٣: expected 12 digits"),
        ({"accountId": STRANGER}, f"accountId is {STRANGER}, but configRuleArn is of account {MEMBER}"),
        ({"configRuleArn": ...}, "configRuleArn is missing: expected text"),
        ({"configRuleArn": "config-rule-3fa9zk"}, "configRuleArn is not the ARN of a Config rule"),
        ({"configRuleArn": f"{ARN}\n"}, "configRuleArn is not the ARN of a Config rule"),
        ({"configRuleArn": ARN.replace(":config:", ":lambda:")}, "configRuleArn is not the ARN of a Config rule"),
        ({"configRuleName": ...}, "configRuleName is missing: expected text"),
        ({"configRuleName": {}}, "configRuleName is an object: expected text"),
        ({"configRuleName": "r" * 129}, "configRuleName has 129 characters: at most 128 are possible"),
        ({"configRuleName": "two\nlines"}, "configRuleName has characters that cannot be printed"),
        ({"resultToken": ...}, "resultToken is missing: expected text"),
        ({"resultToken": ""}, "resultToken is empty: expected text"),
        ({"resultToken": 1}, "resultToken is a number: expected text"),
        ({"eventLeftScope": "true"}, "eventLeftScope is a text: expected true or false"),
        ({"eventLeftScope": 1}, "eventLeftScope is a number: expected true or false"),
        ({"invokingEvent": ""}, "invokingEvent is empty"),
        ({"invokingEvent": CHANGE}, "invokingEvent is an object: expected JSON in a text"),
        ({"invokingEvent": None}, "invokingEvent is missing: expected JSON in a text"),
        ({"invokingEvent": "null"}, "invokingEvent holds null: expected an object"),
        ({"invokingEvent": "[]"}, "invokingEvent holds an array: expected an object"),
        ({"invokingEvent": '""'}, "invokingEvent holds a text: expected an object"),
        ({"invokingEvent": "{'a': 1}"}, "invokingEvent is not valid JSON: expecting property name enclosed in double quotes at byte 1"),
        ({"invokingEvent": '{"a": 1'}, "invokingEvent is cut short at byte 7"),
        ({"invokingEvent": '{"a": 1, "a": 2}'}, 'invokingEvent has the key "a" twice at the top'),
        ({"invokingEvent": '{"a": NaN}'}, "invokingEvent holds NaN, which JSON does not know, at a"),
        ({"invokingEvent": '{"a": "\\ud800"}'}, "invokingEvent holds half a surrogate pair at a"),
        ({"invokingEvent": '{"a": "\ud800"}'}, "invokingEvent holds half a surrogate pair, which is no Unicode"),
        ({"invokingEvent": "[" * 100_000}, "invokingEvent is nested deeper than 100 levels"),
        ({"invokingEvent": '{"a":' * 100_000 + "1" + "}" * 100_000}, "invokingEvent is nested deeper than 100 levels"),
        ({"ruleParameters": "policies=a"}, "ruleParameters is not valid JSON: expecting value at byte 0"),
        ({"ruleParameters": "[]"}, "ruleParameters holds an array: expected an object"),
        ({"ruleParameters": {"tags": "encryption"}}, "ruleParameters is an object: expected JSON in a text"),
        ({"ruleParameters": '{"tags": ["encryption"]}'}, "ruleParameters: tags is an array: expected text"),
        ({"ruleParameters": '{"tags": null}'}, "ruleParameters: tags is missing: expected text"),
        ({"ruleParameters": '{"limit\\u0007": 3}'}, "ruleParameters: limit? is a number: expected text"),
        ({"ruleParameters": '{"tags": "a", "tags": "b"}'}, 'ruleParameters has the key "tags" twice at the top'),
    ],
)  # fmt: skip
def test_a_wrong_member_of_the_event_is_named(members, says):
    assert refusal(event(**members)) == says


EXPECTED_TYPES = (
    "expected one of ConfigurationItemChangeNotification, OversizedConfigurationItemChangeNotification, "
    "ScheduledNotification"
)


@pytest.mark.parametrize(
    ("invoking", "says"),
    [
        (changed(CHANGE, messageType=...), f"messageType is missing: {EXPECTED_TYPES}"),
        (changed(CHANGE, messageType=["ScheduledNotification"]), f"messageType is an array: {EXPECTED_TYPES}"),
        (changed(CHANGE, messageType={}), f"messageType is an object: {EXPECTED_TYPES}"),
        (
            changed(CHANGE, messageType="configurationitemchangenotification"),
            f"messageType is configurationitemchangenotification: {EXPECTED_TYPES}",
        ),
        (
            {"configSnapshotId": "3c2d", "s3ObjectKey": "k", "s3Bucket": "b", "notificationCreationTime": NOTIFIED,
             "messageType": "ConfigurationSnapshotDeliveryCompleted", "recordVersion": "1.1"},
            f"messageType is ConfigurationSnapshotDeliveryCompleted: {EXPECTED_TYPES}",
        ),
        (
            changed(CHANGE, configurationItem=...),
            "ConfigurationItemChangeNotification has no configurationItem: it is missing",
        ),
        (
            changed(CHANGE, configurationItem=json.dumps(ITEM)),
            "ConfigurationItemChangeNotification has no configurationItem: it is a text",
        ),
        (
            changed(CHANGE, messageType="OversizedConfigurationItemChangeNotification"),
            "OversizedConfigurationItemChangeNotification has no configurationItemSummary: it is missing",
        ),
        (
            changed(CHANGE, configurationItem=changed(ITEM, awsAccountId=STRANGER)),
            f"the item is of account {STRANGER}, the Config rule of {MEMBER}",
        ),
        (
            changed(OVERSIZED, configurationItemSummary=changed(SUMMARY, awsAccountId=STRANGER)),
            f"the item is of account {STRANGER}, the Config rule of {MEMBER}",
        ),
        (
            changed(CHANGE, configurationItem=changed(ITEM, resourceType=...)),
            "configurationItem.resourceType is missing: expected text",
        ),
        (
            changed(CHANGE, configurationItem=changed(ITEM, resourceId="")),
            "configurationItem.resourceId is empty: expected text",
        ),
        (
            changed(OVERSIZED, configurationItemSummary=changed(SUMMARY, awsAccountId=111122223333)),
            "configurationItemSummary.awsAccountId is a number: expected text",
        ),
        (changed(SCHEDULE, awsAccountId=STRANGER), f"the schedule is of account {STRANGER}, the Config rule of {MEMBER}"),
        (changed(SCHEDULE, awsAccountId=7), f"the schedule is of account a number, the Config rule of {MEMBER}"),
        (changed(SCHEDULE, notificationCreationTime=...), "notificationCreationTime is missing: expected a time"),
        (changed(SCHEDULE, notificationCreationTime="yesterday"), "notificationCreationTime is yesterday: expected a time"),
        (changed(CHANGE, notificationCreationTime="2026-13-01"), "notificationCreationTime is 2026-13-01: expected a time"),
        (changed(CHANGE, notificationCreationTime=[NOTIFIED]), "notificationCreationTime is an array: expected a time"),
        (changed(CHANGE, notificationCreationTime=True), "notificationCreationTime is true or false: expected a time"),
        (changed(CHANGE, notificationCreationTime=1e300), "notificationCreationTime is a number: expected a time"),
    ],
)  # fmt: skip
def test_a_wrong_member_of_the_invoking_event_is_named(invoking, says):
    assert refusal(event(invoking)) == says


def test_where_a_fault_lies_is_told_shortly_however_deep_it_is():
    deep = "x" * 60
    text = f'{{"{deep}":' * 90 + '{"a":1,"a":2}' + "}" * 90
    message = refusal(event(text))
    assert message.startswith('invokingEvent has the key "a" twice at xxxx')
    assert message.endswith("…")
    assert len(message) < LONGEST_MESSAGE


@pytest.mark.parametrize(
    "broken",
    [
        json.dumps(CHANGE)[:-1],
        json.dumps(CHANGE)[: json.dumps(CHANGE).index(SECRET) + 4],
        json.dumps(CHANGE).replace(f'"{SECRET}"', f'"{SECRET}" 1', 1),
        json.dumps(CHANGE).replace(f'"{SECRET}"', f'{{"a": "{SECRET}", "a": "{SECRET}"}}', 1),
        json.dumps([CHANGE]),
        json.dumps(changed(CHANGE, configurationItem=[ITEM])),
        json.dumps(changed(CHANGE, configurationItem=changed(ITEM, resourceType={"a": SECRET}))),
        json.dumps(changed(CHANGE, notificationCreationTime={"a": SECRET})),
        json.dumps(changed(CHANGE, messageType={"a": SECRET})),
    ],
)
def test_what_an_item_holds_is_in_no_message(broken):
    assert SECRET[:4] not in refusal(event(broken))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def is_taken_or_told(given_event):
    try:
        invocation = parse(given_event)
    except InvocationError as error:
        message = str(error)
        assert message.isprintable()
        assert 0 < len(message) <= LONGEST_MESSAGE
        assert SECRET not in message
    else:
        assert isinstance(invocation, Invocation)


@given(JSON)
def test_whatever_json_says_it_is_an_invocation_or_refused_in_a_short_line(document):
    is_taken_or_told(document)
    is_taken_or_told(event(json.dumps(document)))


@given(st.sampled_from(sorted({*ENVELOPE, "invokingEvent"})), JSON)
def test_one_member_of_the_event_replaced_by_anything(name, value):
    is_taken_or_told(event(**{name: value}))
    if isinstance(value, str):
        is_taken_or_told(event(**{name: json.dumps(value)}))


@given(
    st.sampled_from([CHANGE, OVERSIZED, SCHEDULE]),
    st.sampled_from(sorted({*CHANGE, *OVERSIZED, *SCHEDULE})),
    st.sampled_from(["", *sorted({*ITEM, *SUMMARY})]),
    JSON,
)
def test_one_member_of_the_invoking_event_replaced_by_anything(invoking, name, inner, value):
    invoking = deepcopy(invoking)
    if inner and isinstance(invoking.get(name), dict):
        invoking[name][inner] = value
    else:
        invoking[name] = value
    is_taken_or_told(event(invoking))


@given(st.integers(0, len(json.dumps(CHANGE))), st.text(max_size=3))
def test_an_invoking_event_that_is_cut_or_mangled(place, noise):
    text = json.dumps(CHANGE)
    is_taken_or_told(event(text[:place]))
    is_taken_or_told(event(text[:place] + noise + text[place:]))
