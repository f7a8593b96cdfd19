"""Findings about which nobody decides any more: policies that are switched off, resources whose deletion only a schedule notices."""

from __future__ import annotations

from typing import Any

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.scene import Shown
from opalite.errors import DeliveryError

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS, KEYS = "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption"
KIND = "AWS::EC2::SecurityGroup"
KEY = f"{MEMBER} sg-1 restricted_ingress"
OFF = {"stages": {INGRESS: {"default": {"stage": "off"}}}}
OFF_THERE = {"stages": {INGRESS: {"overrides": [{"accounts": [MEMBER], "set": {"stage": "off"}}]}}}
GONE = {"configurationItemStatus": "ResourceDeleted", "configuration": None}
NOON, LATER, LATEST = (f"2026-03-02T{hour}:00:00.250Z" for hour in (12, 13, 14))


def at(time: str) -> str:
    return f"2026-03-02T{time}Z"


def archived(scene: Any, key: str = KEY) -> Shown:
    shown = scene.findings()[key]
    assert (shown.status, shown.state) == ("NOT_AVAILABLE", "ARCHIVED")
    return shown


def reasons(scene: Any) -> list[Any]:
    return [
        reason["Description"]
        for one in scene.whole_findings().values()
        for reason in one["Compliance"].get("StatusReasons", ())
    ]


def compliance(scene: Any, rule: Any) -> dict[str, str]:
    return {key[1]: one["complianceType"] for key, one in scene.aws.config.results(rule.account, rule).items()}


# Policies that are switched off


def test_a_policy_that_is_switched_off_archives_its_finding_once_and_fails_anew_when_it_is_on(
    scene, deploy, rule, group
):
    event = scene.aws.config.change_event
    deploy()(event(group("sg-1", at="08:00:00.000", opened=22), rule))
    assert (scene.imported(), scene.changes()) == ([KEY], [("payments", "new_failure", "sg-1")])
    off = deploy(OFF)
    events = [event(group("sg-1", at=f"{hour}:00:00.000", opened=22), rule) for hour in ("09", "10")]
    for each in [*events, *events]:
        off(each)
        assert archived(scene) == Shown("NOT_AVAILABLE", "ARCHIVED", at("08:00:00.750"), *[at("09:00:00.750")] * 2)
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [], {})
    assert reasons(scene) == ["the policy is switched off for this resource"]
    (finding,) = scene.whole_findings().values()
    assert finding["Resources"][0]["Tags"] == {"owner": "payments", "env": "prod"}
    deploy()(event(group("sg-1", at="11:00:00.000", opened=22), rule))
    times = [at(time) for time in ("08:00:00.750", "11:00:00.750", "11:00:00.750")]
    assert scene.findings() == {KEY: Shown("FAILED", "ACTIVE", *times)}
    assert (scene.imported(), scene.changes()) == ([KEY], [("payments", "new_failure", "sg-1")])
    assert [one["outcome"] for one in scene.records()] == ["fail", "fail"]  # the end is no decision


def test_a_policy_that_is_switched_off_in_one_account_is_archived_there_by_the_next_schedule(scene, deploy, group):
    rules = {
        account: scene.aws.config.rule(account, "ingress", parameters={"policies": INGRESS}) for account in ACCOUNTS
    }
    for account in ACCOUNTS:
        for name, port in (("sg-1", 22), ("sg-2", None)):
            scene.aws.config.record(group(name, account, opened=port))
    first, second, third = (
        [scene.aws.config.schedule_event(account, rules[account], notified_at=moment) for account in ACCOUNTS]
        for moment in (NOON, LATER, LATEST)
    )
    for event in first:
        deploy()(event)
    assert len(scene.imported()) == 3
    off = deploy(OFF_THERE)
    for event in [*second, *second, *third]:
        off(event)
    assert scene.imported() == [KEY]
    assert {name: (one.status, one.state) for name, one in scene.findings().items()} == {
        f"{ADMIN} sg-1 restricted_ingress": ("FAILED", "ACTIVE"),
        KEY: ("NOT_AVAILABLE", "ARCHIVED"),
        f"{OTHER} sg-1 restricted_ingress": ("FAILED", "ACTIVE"),
    }
    stages = {name: (one.outcome, one.stage) for name, one in scene.standings().items() if name.startswith(MEMBER)}
    assert stages == {f"{MEMBER} {name} restricted_ingress": ("not_applicable", "off") for name in ("sg-1", "sg-2")}
    assert len([change for change in scene.changes() if change[1] != "new_failure"]) == 0


def test_what_is_off_costs_one_reading_and_after_its_end_no_writing(scene, deploy, rule, group):
    deploy()(scene.aws.config.change_event(group("sg-1", at="08:00:00.000", opened=22), rule))
    off = deploy(OFF)
    off(scene.aws.config.change_event(group("sg-1", at="09:00:00.000", opened=22), rule))
    before = scene.aws.calls.copy()
    off(scene.aws.config.change_event(group("sg-1", at="10:00:00.000", opened=22), rule))
    off(scene.aws.config.change_event(group("sg-new", at="10:00:00.000", opened=22), rule))
    after = scene.aws.calls - before
    beside = {
        name: count for name, count in after.items() if name.partition(":")[0] in ("dynamodb", "securityhub", "s3")
    }
    assert beside == {"dynamodb:BatchGetItem": 2}


def test_where_findings_are_off_nothing_is_read_for_what_is_off(scene, deploy, rule, group):
    off = deploy(OFF, OPALITE_SECURITY_HUB=None)
    off(scene.aws.config.change_event(group("sg-1", opened=22), rule))
    assert not [name for name in scene.aws.calls if name.startswith("dynamodb")]


def test_an_older_event_of_before_does_not_open_it_again(scene, deploy, rule, group):
    late = scene.aws.config.change_event(group("sg-1", at="08:30:00.000", opened=3389), rule)
    deploy()(scene.aws.config.change_event(group("sg-1", at="08:00:00.000", opened=22), rule))
    off = deploy(OFF)
    off(scene.aws.config.change_event(group("sg-1", at="09:00:00.000", opened=22), rule))
    deploy()(late)
    archived(scene)


def test_an_end_that_security_hub_does_not_take_is_told_by_the_next_attempt(scene, deploy, rule, group):
    deploy()(scene.aws.config.change_event(group("sg-1", at="08:00:00.000", opened=22), rule))
    off = deploy(OFF)
    event = scene.aws.config.change_event(group("sg-1", at="09:00:00.000", opened=22), rule)
    scene.aws.deny("securityhub", account=MEMBER)
    with pytest.raises(DeliveryError, match=r"^securityhub:BatchImportFindings: not taken: opalite/aws/222222222222/"):
        off(event)
    assert scene.pending() == {KEY: ("securityhub",)}
    assert [one.status for one in scene.findings().values()] == ["FAILED"]
    scene.aws.mend()
    scene.imported()
    for _ in range(3):
        off(event)
    assert (scene.imported(), scene.pending()) == ([KEY], {})
    archived(scene)


EXEMPT = {
    "exemptions": {
        INGRESS: {
            "EX-2026-014": {
                "scope": {"resources": ["sg-1"]},
                "owner": "platform",
                "ticket": "SEC-401",
                "reason": "moves behind Session Manager",
                "expires": "2026-12-31T00:00:00Z",
            }
        }
    }
}


@pytest.mark.parametrize("is_denied_first", [False, True])
def test_what_an_exemption_had_suppressed_is_released_with_its_end(scene, deploy, rule, group, is_denied_first):
    suppressing = {"OPALITE_EXEMPT_FINDINGS": "suppressed"}
    deploy(EXEMPT, **suppressing)(scene.aws.config.change_event(group("sg-1", at="08:00:00.000", opened=22), rule))
    off = deploy({**EXEMPT, **OFF}, **suppressing)
    event = scene.aws.config.change_event(group("sg-1", at="09:00:00.000", opened=22), rule)
    if is_denied_first:
        scene.aws.deny("securityhub", "BatchUpdateFindings")
        with pytest.raises(DeliveryError):
            off(event)
        scene.aws.mend()
    for _ in range(2):
        off(event)
    archived(scene)
    (finding,) = scene.whole_findings().values()
    assert (finding["Workflow"]["Status"], scene.pending()) == ("NEW", {})


# Resources that are gone


@pytest.fixture
def failed(scene, function, rule, group) -> Any:
    """A group that failed by a schedule, and one that passed."""
    for name, port in (("sg-1", 22), ("sg-2", None)):
        scene.aws.config.record(group(name, at="08:00:00.000", opened=port))
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    assert (scene.imported(), scene.changes()) == ([KEY], [("payments", "new_failure", "sg-1")])
    return function


def test_a_deletion_that_the_history_tells_is_decided_as_any_other(scene, failed, rule, group):
    scene.aws.config.record(group("sg-1", at="12:30:00.000", **GONE))
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER)
    for _ in range(2):
        failed(event)
    assert archived(scene).updated == LATER
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [], {})
    (last,) = [one for one in scene.records() if one["resource_id"] == "sg-1" and one["evaluated_at"] == LATER]
    assert (last["outcome"], last["capture_time"], last["evaluated_at"]) == (
        "not_applicable", at("12:30:00.000"), LATER,
    )  # fmt: skip
    assert scene.standings()[KEY].decision_id == last["decision_id"]
    (_, annotation, ordered_at) = failed.results(rule)[KIND, "sg-1"]
    assert (annotation, ordered_at) == (f"not applicable: the resource was deleted [{last['decision_id'][:12]}]", LATER)


def test_a_deletion_that_nobody_tells_ends_what_is_known(scene, failed, rule):
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER)
    for _ in range(2):
        failed(event)
    assert archived(scene) == Shown("NOT_AVAILABLE", "ARCHIVED", NOON, LATER, LATER)
    assert reasons(scene) == ["the resource was deleted"]
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [], {})
    standing = scene.standings()[KEY]
    assert (standing.outcome, standing.stage, standing.capture_time) == (
        "not_applicable", "enforce", at("08:00:00.000"),
    )  # fmt: skip
    assert [one["resource_id"] for one in scene.records() if one["outcome"] == "not_applicable"] == []


def test_an_older_deletion_in_the_history_does_not_keep_what_came_after_it_open(scene, failed, rule, group):
    """The history may not have the last one yet."""
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    scene.aws.config.record(group("sg-1", at="07:00:00.000", **GONE))
    failed(scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER))
    archived(scene)
    assert (scene.standings()[KEY].decision_id, scene.imported()) == ("ended:gone", [KEY])


def test_a_history_that_is_denied_keeps_no_finding_open(scene, failed, rule):
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    scene.aws.deny("config", "GetResourceConfigHistory")
    failed(scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER))
    archived(scene)


@pytest.mark.parametrize("by", ["before", "after"])
def test_a_resource_that_was_created_again_meanwhile_is_not_archived(scene, failed, rule, group, by):
    """By somebody who told of it while the schedule was under way."""
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    anew = scene.aws.config.change_event(
        group("sg-1", at="13:00:05.000", opened=22), rule, recorded=False, notified_at=at("13:00:06.000")
    )
    schedule = scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER)
    for event in (anew, schedule) if by == "before" else (schedule, anew):
        failed(event)
    shown = scene.findings()[KEY]
    assert (shown.status, shown.state) == ("FAILED", "ACTIVE")
    assert (scene.standings()[KEY].outcome, scene.pending()) == ("fail", {})


@pytest.mark.parametrize("service", ["securityhub", "dynamodb"])
def test_what_the_outputs_do_not_take_stays_with_aws_config_so_that_the_next_attempt_finds_it(
    scene, failed, rule, service
):
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER)
    scene.aws.deny(service)
    with pytest.raises(DeliveryError):
        failed(event)
    assert compliance(scene, rule)["sg-1"] == "NON_COMPLIANT"
    assert [one.status for one in scene.findings().values()] == ["FAILED"]
    scene.aws.mend()
    scene.imported()
    for _ in range(3):
        failed(event)
    assert (scene.imported(), scene.pending(), scene.changes()) == ([KEY], {}, [])
    archived(scene)
    assert compliance(scene, rule).get("sg-1") in (None, "NOT_APPLICABLE")


def test_a_resource_without_a_region_ends_as_well(scene, function, rule, group):
    scene.aws.config.record(group("sg-1", opened=22, awsRegion="global"))
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    assert "/global/" in next(iter(scene.whole_findings()))
    scene.aws.config.forget(MEMBER, KIND, "sg-1")
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=LATER))
    archived(scene)
