"""Items that come late, twice, out of order, without content or with odd times: AWS Config ends with the newest verdict."""

from __future__ import annotations

import json

import pytest

from integration.lambda_faults.scene import errors

FIRST, SECOND = "2026-11-28T09:00:00.000Z", "2026-11-28T10:00:00.000Z"
TYPES = 24  # at least, of which there is an item among those of the tests


def held(member, name="sg-closed"):
    return member.aws.config.results(member.account, member.rule)["AWS::EC2::SecurityGroup", name]


def oversized(member, item, **more):
    return member.aws.config.oversized_event(item, member.rule, **more)


def test_an_oversized_item_that_is_not_in_the_history_yet_is_found_by_the_next_attempt(shared, stage, member):
    item = member.open()
    stage.line.after(member.account, "GetResourceConfigHistory", lambda: stage.aws.config.record(item))
    assert errors(shared.invoke_async(oversized(member, item, recorded=False))) == ["Unhandled", None]
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}
    where = f"the history of account {member.account}"
    assert shared.failures == [f"AwsError: AWS::EC2::SecurityGroup sg-open: {where} has no item captured at {FIRST}"]


def test_an_oversized_item_that_never_comes_leaves_the_event_among_the_dead_letters(shared, stage, member):
    item = member.closed()
    event = oversized(member, item, recorded=False)
    stage.aws.config.record(member.closed(at=SECOND))  # a newer one is not the one that is meant
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert (shared.kept, member.compliance, member.told) == ([event], {}, [])
    stage.aws.config.record(item)
    assert errors(shared.invoke_async(event)) == [None]
    assert held(member)["orderingTimestamp"] == FIRST


@pytest.mark.parametrize(
    "body", [b"<html>It works!</html>", b'{"configurationItems": [{}]}', b'{"configurationItems": null}']
)
def test_a_history_that_answers_nonsense_fails_the_attempt_and_the_next_one_delivers(shared, stage, member, body):
    stage.line.garble(member.account, "GetResourceConfigHistory", body)
    assert errors(shared.invoke_async(oversized(member, member.open()))) == ["Unhandled", None]
    assert member.told == [["NON_COMPLIANT"]]


def test_a_history_that_gives_another_resource_is_no_verdict_of_this_one(shared, stage, member):
    stage.aws.config.record(member.closed("sg-other"))
    other = {
        "resourceType": "AWS::EC2::SecurityGroup", "resourceId": "sg-other", "accountId": member.account,
        "awsRegion": "eu-west-1", "configurationItemStatus": "OK", "configurationItemCaptureTime": 1795856400.0,
        "configurationStateId": "20261128090000000", "configuration": json.dumps(member.closed()["configuration"]),
    }  # fmt: skip
    body = json.dumps({"configurationItems": [other]}).encode()
    stage.line.garble(member.account, "GetResourceConfigHistory", body, times=3)
    event = oversized(member, member.open())
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert (shared.kept, member.compliance, member.told) == ([event], {}, [])


@pytest.mark.parametrize("what", ["throttled", "denied", "recorder off"])
def test_a_history_that_cannot_be_read_fails_the_event(in_haste, stage, member, what):
    event = oversized(member, member.closed())
    if what == "throttled":
        stage.aws.fail("config", "GetResourceConfigHistory", account=member.account, times=None)
    elif what == "denied":
        stage.aws.deny("config", "GetResourceConfigHistory", member.account)
    else:
        stage.aws.config.recorder_off.add(member.account)
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert (in_haste.kept, member.compliance, member.told) == ([event], {}, [])
    assert [failure.startswith("AwsError: ") for failure in in_haste.failures] == [True] * 3


@pytest.mark.parametrize("more", [{}, {"supplementaryConfiguration": None}], ids=["empty", "null"])
def test_no_item_without_a_configuration_is_compliant_whatever_its_type(shared, member, repository, more):
    """AWS Config says OK of it: of all shipped policies none takes that for a proof."""
    umbrella, seen = member.other("umbrella"), {}
    for path in sorted((repository / "tests" / "data" / "items").glob("*.event.json")):
        text = path.read_text(encoding="utf-8").replace("111122223333", member.account)
        item = json.loads(text.replace("eu-central-1", "eu-west-1"))
        emptied = item | {"configuration": None, "supplementaryConfiguration": {}, **more}
        assert errors(shared.invoke_async(umbrella.event(emptied))) == [None], path.name
        seen[item["resourceType"]] = item["resourceId"]
    assert len(seen) >= TYPES
    assert [types for types in umbrella.told if "COMPLIANT" in types] == []


def test_an_item_without_a_configuration_takes_compliant_back(shared, member):
    shared.invoke_async(member.event(member.closed()))
    empty = member.closed(at=SECOND) | {"configuration": None}
    assert errors(shared.invoke_async(member.event(empty))) == [None]
    assert member.compliance == {"sg-closed": "NON_COMPLIANT"}


def test_an_item_without_a_configuration_is_no_verdict_where_there_was_none(shared, member):
    assert errors(shared.invoke_async(member.event(member.closed() | {"configuration": None}))) == [None]
    assert (member.compliance, member.told) == ({}, [[]])


def test_the_same_event_twice_says_the_same_twice(shared, stage, member):
    event = member.event(member.open())
    assert errors(shared.invoke_async(event) + shared.invoke_async(event)) == [None, None]
    first, second = (put.evaluations for put in stage.aws.config.put_calls if put.account == member.account)
    assert first == second
    assert len({line["decision_id"] for line in shared.said("decision")}) == 1
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}


def test_of_two_events_the_newer_counts_though_the_older_comes_last(shared, member):
    older, newer = member.event(member.open("sg", FIRST)), member.event(member.closed("sg", SECOND))
    assert errors(shared.invoke_async(newer) + shared.invoke_async(older)) == [None, None]
    assert member.told == [["COMPLIANT"], ["NON_COMPLIANT"]]
    assert (member.compliance, held(member, "sg")["orderingTimestamp"]) == ({"sg": "COMPLIANT"}, SECOND)


def test_an_older_event_that_is_delivered_late_does_not_bring_its_verdict_back(shared, stage, member):
    """The older one passed and could not be told; meanwhile the resource was opened."""
    older, newer = member.event(member.closed("sg", FIRST)), member.event(member.open("sg", SECOND))
    stage.aws.deny("config", "PutEvaluations", member.account)
    shared.invoke_async(older)
    stage.aws.mend()
    shared.invoke_async(newer)
    assert errors(shared.invoke_async(shared.kept[0])) == [None]
    assert (member.compliance, held(member, "sg")["orderingTimestamp"]) == ({"sg": "NON_COMPLIANT"}, SECOND)


def test_a_deleted_resource_is_not_brought_back_by_an_older_event(shared, member):
    gone = member.open("sg", SECOND) | {"configurationItemStatus": "ResourceDeleted", "configuration": None}
    shared.invoke_async(member.event(gone))
    shared.invoke_async(member.event(member.open("sg", FIRST)))
    assert member.compliance == {"sg": "NOT_APPLICABLE"}


@pytest.mark.parametrize(
    "notified_at",
    ["2026-11-28T09:00:00.750Z", "2026-11-28T08:00:00.000Z", "1999-12-31T23:59:59.999Z", "2099-01-01T00:00:00.000Z"],
    ids=["soon after", "before the capture", "long ago", "far ahead"],
)
def test_the_time_of_a_notification_changes_neither_verdict_nor_order(shared, member, notified_at):
    event = member.event(member.open(at=FIRST), notified_at=notified_at)
    assert errors(shared.invoke_async(event)) == [None]
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}
    assert held(member, "sg-open")["orderingTimestamp"] == FIRST


@pytest.mark.parametrize("at", ["2014-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"])
def test_an_item_that_was_captured_at_an_odd_time_is_ordered_by_it(shared, member, at):
    assert errors(shared.invoke_async(member.event(member.open(at=at), notified_at=FIRST))) == [None]
    assert held(member, "sg-open")["orderingTimestamp"] == at


@pytest.mark.parametrize("what", ["capture", "notification"])
def test_a_time_that_is_none_is_not_guessed(shared, member, what):
    item = member.closed()
    event = member.event(item)
    invoking = json.loads(event["invokingEvent"])
    if what == "capture":
        invoking["configurationItem"]["configurationItemCaptureTime"] = "soon"
    else:
        invoking["notificationCreationTime"] = "soon"
    event["invokingEvent"] = json.dumps(invoking)
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert [failure.startswith("InvocationError: ") for failure in shared.failures] == [True] * 3
    assert (shared.kept, member.compliance, member.asked) == ([event], {}, [])
