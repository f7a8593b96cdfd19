"""What is told again, and what is not: time has passed, a change came late, another bundle or another Config rule says the same."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS, REGION
from integration.outputs.scene import Shown
from opalite.errors import DeliveryError

MEMBER = ACCOUNTS[1]
INGRESS, TAGS = "aws.ec2.securitygroup.restricted_ingress", "aws.any.resource.required_tags"
KEY = f"{MEMBER} sg-1 restricted_ingress"
NOON = "2026-03-02T12:00:00.250Z"
NEW = [("payments", "new_failure", "sg-1")]


def test_an_open_failure_is_sent_again_before_security_hub_forgets_it_and_nobody_is_notified(
    scene, function, rule, group
):
    scene.aws.config.record(group("sg-1", opened=22))
    for day, sent in (("2026-03-02", [KEY]), ("2026-03-20", []), ("2026-04-05", [KEY]), ("2026-04-06", [])):
        function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=f"{day}T12:00:00.250Z"))
        assert scene.imported() == sent
    assert scene.findings() == {KEY: Shown("FAILED", "ACTIVE", NOON, NOON, "2026-04-05T12:00:00.250Z")}
    assert scene.changes() == NEW


def test_a_change_that_a_schedule_did_not_know_of_is_taken_though_it_was_earlier(scene, function, rule, group):
    scene.aws.config.record(group("sg-1", opened=22))
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    function(scene.aws.config.change_event(group("sg-1", at="11:59:00.000"), rule))
    passed = Shown("PASSED", "ACTIVE", NOON, "2026-03-02T11:59:00.750Z", "2026-03-02T12:00:00.251Z")
    assert (scene.findings(), scene.hubs.dropped) == ({KEY: passed}, [])


def test_another_bundle_that_says_the_same_tells_nothing_but_the_log(scene, deploy, rule, group):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    first, second = deploy(), deploy({"stages": {"aws.s3.bucket.encryption": {"default": {"severity": "LOW"}}}})
    first(event)
    assert (scene.imported(), scene.changes()) == ([KEY], NEW)
    for function in (second, second, first):
        function(event)
    assert (scene.imported(), scene.changes(), scene.pending()) == ([], [], {})
    revisions = [one["bundle_revision"] for one in scene.records()]
    assert sorted(revisions) == sorted([first.layer.bundle_revision, second.layer.bundle_revision])


@pytest.mark.parametrize("delay", ["08:15:31.162", "08:15:31.163"], ids=["at once", "later"])
def test_two_rules_of_one_policy_tell_once(scene, function, group, delay):
    item = group("sg-1", opened=22)
    for name, when in (("one", "08:15:31.162"), ("two", delay)):
        rule = scene.aws.config.rule(MEMBER, name, parameters={"policies": INGRESS})
        function(scene.aws.config.change_event(item, rule, notified_at=f"2026-03-02T{when}Z"))
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], NEW, {})
    assert len(scene.records()) == len(scene.objects()) == 2


def test_all_policies_of_an_umbrella_have_findings_of_their_own(scene, function, recorded):
    rule = scene.aws.config.rule(MEMBER, "umbrella")
    event = scene.aws.config.change_event(recorded("s3-bucket.sse-s3"), rule)
    outcomes = function(event)["outcomes"]
    failing = sorted(policy for policy, outcome in outcomes.items() if outcome == "fail")
    assert len(failing) > 1
    assert sorted(one["Compliance"]["SecurityControlId"] for one in scene.whole_findings().values()) == failing
    assert {one["policy_id"]: one["outcome"] for one in scene.records()} == outcomes
    messages = scene.messages()
    assert sorted(change["policy_id"] for message in messages for change in message["changes"]) == failing
    assert len(messages) == len({message["severity"] for message in messages})


def test_findings_of_what_passes_are_begun_if_they_are_asked_for(scene, deploy, rule, group):
    deploy(OPALITE_PASSED_FINDINGS="on")(scene.aws.config.change_event(group("sg-1"), rule))
    assert ([one.status for one in scene.findings().values()], scene.changes()) == (["PASSED"], [])


def test_what_is_in_no_region_is_told_in_the_home_region(scene, deploy, group):
    """And whoever made it is told that it has no owner."""
    function = deploy({"parameters": {TAGS: {"default": {"required": {"owner": None}}}}})
    role = group("AROA0F27827D3ACA3D40E", resourceType="AWS::IAM::Role", tags={"createdBy": "ada"}, configuration={})
    role |= {"awsRegion": "global", "ARN": f"arn:aws:iam::{MEMBER}:role/orders", "resourceName": "orders"}
    rule = scene.aws.config.rule(MEMBER, "tags", parameters={"policies": TAGS})
    function(scene.aws.config.change_event(role, rule))
    ((name, finding),) = scene.whole_findings().items()
    assert name == f"opalite/aws/{MEMBER}/global/AWS::IAM::Role/AROA0F27827D3ACA3D40E/{TAGS}"
    assert finding["ProductArn"] == f"arn:aws:securityhub:{REGION}:{MEMBER}:product/{MEMBER}/default"
    assert [(one["owner"], one["addressed_by"], one["region"]) for one in scene.messages()] == [
        ("ada", ["createdBy"], ["global"])
    ]
    assert [key.split("/")[2] for key in scene.objects()] == ["region=global"]


def test_what_there_was_no_time_for_is_told_by_the_next_attempt(scene, function, rule, group):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)

    def seconds() -> float:
        return 1.5 if scene.aws.calls["config:PutEvaluations"] else 60.0

    with pytest.raises(DeliveryError) as raised:
        function(event, seconds=seconds)
    assert str(raised.value).count(": no time was left to ") == 3
    assert (scene.objects(), scene.findings(), scene.changes()) == ({}, {}, [])
    function(event)
    assert (scene.imported(), scene.changes(), scene.pending(), len(scene.records())) == ([KEY], NEW, {}, 1)
