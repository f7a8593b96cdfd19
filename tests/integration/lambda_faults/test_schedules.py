"""A schedule that cannot learn what there is, or cannot judge or tell all of it: what AWS Config holds is not taken back."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import SLOW, STRICT, WHOLE, errors

NIGHT = "2026-12-02T12:00:00.250Z"
LISTING = [
    "GetComplianceDetailsByConfigRule", "SelectResourceConfig", "GetDiscoveredResourceCounts", "ListDiscoveredResources",
    "BatchGetResourceConfig",
]  # fmt: skip


@pytest.fixture
def judged(stage, member, shared):
    """The schedule's event of a member with two results. Queries do not know the type, so that no way to learn of it is left out."""
    for item in (member.open(), member.closed()):
        assert errors(shared.invoke_async(member.event(item))) == [None]
    stage.aws.config.not_queried.add("AWS::EC2::SecurityGroup")
    yield stage.aws.config.schedule_event(member.account, member.rule, notified_at=NIGHT)
    stage.aws.config.not_queried.clear()


HELD = {"sg-open": "NON_COMPLIANT", "sg-closed": "COMPLIANT"}


def test_a_schedule_without_any_fault_says_the_same_again(shared, stage, member, judged):
    assert errors(shared.invoke_async(judged)) == [None]
    assert member.compliance == HELD
    held = stage.aws.config.results(member.account, member.rule)
    assert {each["orderingTimestamp"] for each in held.values()} == {NIGHT}
    assert set(LISTING) <= set(member.asked)


@pytest.mark.parametrize("operation", LISTING)
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_what_there_is_cannot_be_learnt(in_haste, stage, member, judged, operation, code):
    stage.aws.fail("config", operation, account=member.account, code=code, times=None)
    assert errors(in_haste.invoke_async(judged)) == ["Unhandled"] * 3
    assert in_haste.failures == in_haste.failures[:1] * 3
    assert in_haste.failures[0].startswith("AwsError: ")
    assert f"config:{operation}" in in_haste.failures[0]
    assert (in_haste.kept, member.compliance) == ([judged], HELD)
    stage.aws.mend()
    assert errors(in_haste.invoke_async(judged)) == [None]
    assert member.compliance == HELD


@pytest.mark.parametrize(
    "operation", ["GetComplianceDetailsByConfigRule", "SelectResourceConfig", "ListDiscoveredResources"]
)
@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"{}"], ids=["page", "json"])
def test_what_there_is_is_answered_with_nonsense(in_haste, stage, member, judged, operation, body):
    stage.line.garble(member.account, operation, body)
    assert errors(in_haste.invoke_async(judged)) == ["Unhandled", None]
    assert member.compliance == HELD


@pytest.mark.parametrize("operation", LISTING)
def test_a_connection_that_is_reset_is_tried_again(in_haste, stage, member, judged, operation):
    stage.line.cut(member.account, operation, arrives=True, times=2)
    assert errors(in_haste.invoke_async(judged)) == [None]
    assert member.compliance == HELD


def test_keys_that_aws_config_leaves_unprocessed_are_not_taken_for_gone(in_haste, stage, member, judged):
    stage.aws.config.leave_unprocessed(("AWS::EC2::SecurityGroup", "sg-open"), times=None)
    assert errors(in_haste.invoke_async(judged)) == ["Unhandled"] * 3
    assert (in_haste.kept, member.compliance) == ([judged], HELD)
    stage.aws.config.leave_unprocessed(("AWS::EC2::SecurityGroup", "sg-open"), times=0)


def test_a_recorder_that_is_off_takes_nothing_back(in_haste, stage, member, judged):
    stage.aws.config.recorder_off.add(member.account)
    assert errors(in_haste.invoke_async(judged)) == ["Unhandled"] * 3
    assert (in_haste.kept, member.compliance) == ([judged], HELD)


def test_of_a_page_of_a_schedule_all_is_taken_but_what_is_named_as_failed(in_haste, stage, member):
    names = [f"{member.account}-{number:03}" for number in range(120)]
    for name in names:
        stage.aws.config.record(member.closed(name))
    lost, late = names[7], names[70]
    stage.aws.config.fail_evaluations(lost, times=1000)
    stage.aws.config.fail_evaluations(late, times=2)
    event = stage.aws.config.schedule_event(member.account, member.rule)
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert f"AWS::EC2::SecurityGroup {lost}: AWS Config named it as failed" in in_haste.failures[0]
    assert in_haste.kept == [event]
    taken = {name for name in names[:100] if name != lost}  # the whole page but one
    assert (taken - member.compliance.keys(), lost in member.compliance) == (set(), False)


def test_one_bad_item_in_a_schedule_leaves_the_verdicts_of_the_others(shared, member):
    rule = member.other("own", policies=STRICT)
    for number in range(8):
        created = "yesterday" if number == 5 else "2026-01-01T00:00:00Z"
        rule.aws.config.record(rule.project(f"project-{number}", created=created))
    assert errors(shared.invoke_async(rule.aws.config.schedule_event(rule.account, rule.rule))) == [None]
    assert rule.compliance == {f"project-{number}": "COMPLIANT" for number in range(8) if number != 5}


def test_opa_killed_in_the_middle_of_a_schedule_leaves_no_resource_out(stage, member):
    patient, slow = stage.function(), member.other("slow", policies=SLOW)
    for number in range(130):
        slow.aws.config.record(slow.project(f"project-{number:03}", rounds=100))
    with patient.working_on(slow.aws.config.schedule_event(slow.account, slow.rule)) as results:
        patient.kill_busy_opa()
    assert errors(results.result()) == [None]
    assert slow.compliance == {f"project-{number:03}": "COMPLIANT" for number in range(130)}
    assert (patient.failures, patient.living) == ([], WHOLE)


def test_a_schedule_that_runs_out_of_time_has_delivered_what_it_judged_and_is_kept(stage, member):
    """A page is begun with fifteen seconds to spare; the function has seventeen, and the first page takes more than two."""
    function = stage.function(timeout=17)
    for number in range(130):
        stage.aws.config.record(member.closed(f"sg-{number:03}"))
    stage.aws.slow("config", "PutEvaluations", account=member.account, seconds=2.2)
    event = stage.aws.config.schedule_event(member.account, member.rule)
    assert errors(function.invoke_async(event, retries=0)) == ["Unhandled"]
    how_far = f"{member.rule.name} in account {member.account}: time ran out after 100 resources"
    remedy = "give the function more time, or each policy a Config rule of its own"
    assert function.failures == [f"DeliveryError: {how_far}: {remedy}"]
    assert (function.kept, member.compliance) == ([event], {f"sg-{number:03}": "COMPLIANT" for number in range(100)})
    assert errors(function.invoke_async(event)) == [None]
    assert member.compliance == {f"sg-{number:03}": "COMPLIANT" for number in range(130)}
