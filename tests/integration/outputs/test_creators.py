"""Who made a resource is asked of CloudTrail in its account, where that is switched on, and only if a message hangs on it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.cloudtrail.responses import CloudTrailResponse

from emulation.aws import ACCOUNTS, REGION

MEMBER = ACCOUNTS[1]
TAGS = "aws.any.resource.required_tags"
REQUIRED = {"parameters": {TAGS: {"default": {"required": {"cost": None}}}}}
ALICE = f"arn:aws:sts::{MEMBER}:assumed-role/AWSReservedSSO_Admin_0f1e/alice@example.com"
LOOK_UP = (MEMBER, "LookupEvents")


def made_by(**identity: Any) -> dict[str, Any]:
    """As CloudTrail has it in its history; times are no matter here."""
    record = {
        "eventSource": "ec2.amazonaws.com",
        "eventName": "CreateSecurityGroup",
        "recipientAccountId": MEMBER,
        "userIdentity": {"type": "AssumedRole", "accessKeyId": "ASIAIOSFODNN7EXAMPLE", **identity},
    }
    return {"EventName": "CreateSecurityGroup", "EventTime": 1772439300, "CloudTrailEvent": json.dumps(record)}


@pytest.fixture
def history(monkeypatch) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """CloudTrail's events by account and resource name, the newest first. moto has none."""
    events: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def lookup_events(response: Any) -> str:
        (attribute,) = response._get_param("LookupAttributes")
        assert (attribute["AttributeKey"], response.region) == ("ResourceName", REGION)
        return json.dumps({"Events": events.get((response.current_account, attribute["AttributeValue"]), [])})

    monkeypatch.setattr(CloudTrailResponse, "lookup_events", lookup_events, raising=False)
    return events


@pytest.fixture
def tagging(aws) -> Any:
    """A Config rule of the policy on tags, in a member."""
    return aws.config.rule(MEMBER, "tagging", parameters={"policies": TAGS})


@pytest.fixture
def function(deploy):
    return deploy(REQUIRED, OPALITE_CREATOR_LOOKUP="on")


def test_the_maker_of_a_resource_without_tags_is_told(scene, function, tagging, group, history):
    history[MEMBER, "sg-1"] = [made_by(arn=ALICE)]
    function(scene.aws.config.change_event(group("sg-1", tags={}), tagging))
    assert function.asked("cloudtrail") == [LOOK_UP]
    assert (scene.changes(), scene.pending()) == ([(ALICE, "new_failure", "sg-1")], {})


@pytest.mark.parametrize(
    "event",
    [
        None,
        made_by(
            arn=f"arn:aws:sts::{MEMBER}:assumed-role/Deploy/AWSCloudFormation", invokedBy="cloudformation.amazonaws.com"
        ),
        made_by(arn=f"arn:aws:sts::{MEMBER}:assumed-role/Deploy/x\nFor: payments"),
        made_by(),
        {"EventName": "CreateSecurityGroup", "CloudTrailEvent": "{"},
    ],
    ids=["too young", "by a service", "forged", "without arn", "unreadable"],
)
def test_who_is_not_known_is_operations(scene, function, tagging, group, history, event):
    history[MEMBER, "sg-1"] = [event] if event else []
    function(scene.aws.config.change_event(group("sg-1", tags={}), tagging))
    assert (scene.changes(), scene.pending()) == ([("operations", "new_failure", "sg-1")], {})


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalFailure"])
def test_a_history_that_does_not_answer_keeps_nobody_from_being_told(scene, function, tagging, group, history, code):
    scene.aws.fail("cloudtrail", "LookupEvents", code=code, times=None)
    function(scene.aws.config.change_event(group("sg-1", tags={}), tagging))
    function(scene.aws.config.change_event(group("sg-2", tags={}), tagging))
    assert set(function.asked("cloudtrail")) == {LOOK_UP}
    assert scene.changes() == [("operations", "new_failure", name) for name in ("sg-1", "sg-2")]
    assert scene.pending() == {}


def test_nobody_is_asked_for_where_tags_tell_or_nothing_is_told_or_the_policy_is_another(
    scene, function, tagging, rule, group, history
):
    config = scene.aws.config
    function(config.change_event(group("sg-1", tags={"owner": "payments"}), tagging))
    function(config.change_event(group("sg-2", tags={"creator": "bob"}), tagging))
    function(config.change_event(group("sg-3", tags={"cost": "1"}), tagging))
    function(config.change_event(group("sg-4", tags={}, opened=22), rule))
    assert scene.changes() == [
        ("bob", "new_failure", "sg-2"),
        ("operations", "new_failure", "sg-4"),
        ("payments", "new_failure", "sg-1"),
    ]
    assert function.asked("cloudtrail") == []


def test_a_failure_that_is_known_asks_for_nobody_again(scene, function, tagging, group, history):
    history[MEMBER, "sg-1"] = [made_by(arn=ALICE)]
    for at in ("08:15:30.412", "09:15:30.412"):
        function(scene.aws.config.change_event(group("sg-1", tags={}, at=at), tagging))
    assert (function.asked("cloudtrail"), scene.changes()) == ([LOOK_UP], [(ALICE, "new_failure", "sg-1")])


def test_a_schedule_asks_for_a_few_and_leaves_the_others_to_operations(scene, function, tagging, group, history):
    for number in range(12):
        history[MEMBER, f"sg-{number:02}"] = [made_by(arn=ALICE)]
        scene.aws.config.record(group(f"sg-{number:02}", tags={}))
    function(scene.aws.config.schedule_event(MEMBER, tagging, notified_at="2026-03-02T12:00:00.250Z"))
    assert function.asked("cloudtrail") == [LOOK_UP] * 10
    assert [owner for owner, _, _ in scene.changes()] == [ALICE] * 10 + ["operations"] * 2


def test_unless_it_is_switched_on_nobody_is_asked_for(scene, deploy, tagging, group, history):
    history[MEMBER, "sg-1"] = [made_by(arn=ALICE)]
    function = deploy(REQUIRED)
    function(scene.aws.config.change_event(group("sg-1", tags={}), tagging))
    assert (function.asked("cloudtrail"), scene.changes()) == ([], [("operations", "new_failure", "sg-1")])
