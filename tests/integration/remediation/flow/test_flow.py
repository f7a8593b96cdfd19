"""The flow: from an event to what is mended, told and kept; and all that must keep it from doing anything."""

from __future__ import annotations

import pytest

from integration.remediation.flow.scene import APPROVING, MENDING, MIXED, PLANNING
from opalite.errors import AwsError, DeliveryError
from opalite.remediation.model import TriggerKind


def test_what_fails_is_mended_verified_and_told(scene):
    target = scene.group()

    attempt = scene.considered(target)

    assert (attempt.result, attempt.mode, attempt.action) == ("applied", "auto", "revoke_ingress")
    assert scene.ranges(target) == ["192.0.2.0/24"]
    assert (attempt.before.outcome, attempt.after.outcome) == ("fail", "pass")
    assert [step.call.operation for step in attempt.plan.steps] == ["RevokeSecurityGroupIngress"]
    assert scene.told.results("records") == [
        "applying",
        "applied",
    ]  # the state before is on record before anything is done
    assert scene.told.results("notes") == ["applied"]
    assert [message.document["result"] for message in scene.told.messages] == ["applied"]
    assert attempt.told == ("record", "finding", "notice")


def test_the_owner_of_the_resource_is_told(scene):
    scene.considered(scene.group(owner="payments"))

    assert [message.attributes["owner"] for message in scene.told.messages] == ["payments"]


def test_a_second_event_finds_nothing_to_do_and_says_nothing(scene):
    target = scene.group()
    scene.considered(target)
    told = len(scene.told.records)

    assert (scene.considered(target).result, scene.considered(target).reason) == ("nothing", "it complies")
    assert len(scene.told.records) == told


def test_the_same_event_again_is_the_same_attempt(scene):
    request = scene.request(scene.group())

    first = scene.flow.consider(request)
    asked = len(scene.asked)

    assert scene.flow.consider(request) == first
    assert len(scene.asked) == asked
    assert len(scene.told.messages) == 1


def test_where_only_plans_are_allowed_a_plan_is_told_once_and_nothing_is_done(scene):
    target = scene.group(PLANNING)

    attempts = [scene.considered(target), scene.considered(target)]

    assert [attempt.result for attempt in attempts] == ["planned", "planned"]
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]
    assert len(scene.told.messages) == 1
    assert "1. revoke" in scene.told.messages[0].text


def test_what_is_exempt_is_left_alone(scene):
    target = scene.group(role="bastion")

    assert (scene.considered(target).result, scene.ranges(target)) == ("nothing", ["0.0.0.0/0", "192.0.2.0/24"])


@pytest.mark.parametrize(
    ("tags", "result"), [({"environment": "prod"}, "planned"), ({}, "planned"), ({"environment": "test"}, "applied")]
)
def test_an_environment_lowers_the_mode_and_an_unknown_one_lowers_it_most(scene, tags, result):
    target = scene.group(MIXED, **tags)

    assert scene.considered(target).result == result


def test_what_is_gone_is_nothing_to_mend(scene):
    target = scene.target(MENDING, "sg-0123456789abcdef0")

    assert (scene.considered(target).result, scene.considered(target).reason) == (
        "nothing",
        "AWS does not know it: it is gone, or not of this id, account and Region",
    )


def test_the_switch_is_read_at_each_event(scene):
    target = scene.group()
    scene.ledger.stop("incident 7", "anna")

    attempt = scene.considered(target)

    assert (attempt.result, attempt.reason.count("incident 7"), scene.asked) == ("off", 1, [])
    scene.ledger.start()
    assert scene.considered(target).result == "applied"


def test_a_person_who_asked_is_told_that_nothing_is_done(scene):
    target = scene.group(ranges=("192.0.2.0/24",))

    attempt = scene.considered(target, kind=TriggerKind.CUSTOM_ACTION, by="anna", finding_id="opalite/x")

    assert attempt.result == "nothing"
    assert scene.told.results("notes") == ["nothing"]
    assert len(scene.told.messages) == 1


@pytest.mark.parametrize("broken", ["records"])
def test_without_a_record_of_the_state_before_nothing_is_changed(scene, broken):
    target = scene.group()
    scene.told.broken = {broken}
    request = scene.request(target)

    with pytest.raises(AwsError):
        scene.flow.consider(request)

    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]
    scene.told.broken = set()
    assert scene.flow.consider(request).result == "applied"
    assert scene.ranges(target) == ["192.0.2.0/24"]


@pytest.mark.parametrize("broken", ["notes", "messages"])
def test_what_could_not_be_told_is_told_by_the_next_delivery_and_nothing_is_done_twice(scene, broken):
    target = scene.group()
    request = scene.request(target)
    scene.told.broken = {broken}

    with pytest.raises(DeliveryError, match="was not told to"):
        scene.flow.consider(request)

    assert scene.ranges(target) == ["192.0.2.0/24"]
    scene.told.broken = set()
    attempt = scene.flow.consider(request)
    assert (attempt.result, sorted(attempt.told)) == ("applied", ["finding", "notice", "record"])
    assert scene.told.results("records") == ["applying", "applied"]
    assert (len(scene.told.notes), len(scene.told.messages)) == (1, 1)


def test_the_brake_holds_for_many_findings(scene):
    targets = [scene.group(ranges=("0.0.0.0/0",)) for _ in range(12)]

    results = [str(scene.considered(target).result) for target in targets]

    assert results == ["applied"] * 5 + ["deferred"] * 7
    assert [scene.ranges(target) for target in targets] == [[]] * 5 + [["0.0.0.0/0"]] * 7
    scene.later(hours=1)
    due = scene.ledger.due(scene.clock())
    assert len(due) == 7
    assert [str(scene.flow.go_on(name).result) for name in due] == ["applied"] * 5 + ["deferred"] * 2


def test_what_somebody_changes_back_again_and_again_is_left_alone_and_told_once(scene):
    target = scene.group(ranges=("0.0.0.0/0",))
    mended = []
    for _ in range(2):
        mended.append(scene.considered(target))
        scene.open(target, "0.0.0.0/0")
    told = len(scene.told.messages)

    attempts = [scene.considered(target) for _ in range(2)]

    reason = f"somebody changes it back: remediated 2 times within a day, first at {mended[0].started_at}"
    assert [(attempt.result, attempt.reason) for attempt in attempts] == [("refused", reason)] * 2
    assert scene.ranges(target) == ["0.0.0.0/0"]
    assert [message.document["reason"] for message in scene.told.messages[told:]] == [reason]
    assert scene.told.results("records")[-2:] == scene.told.results("notes")[-2:] == ["refused", "refused"]
    scene.later(days=1)
    assert scene.considered(target).result == "applied"


def test_a_resource_that_somebody_is_at_is_left_alone(scene):
    target = scene.group()
    scene.ledger.lock(target.resource_key, "somebody", until="2026-11-29T13:00:00.000Z")

    attempt = scene.considered(target)

    assert (attempt.result, attempt.reason) == ("deferred", "attempt somebody is at it")
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]
    scene.later(hours=2)
    assert scene.flow.go_on(attempt.id).result == "applied"


def test_a_guard_that_cannot_be_asked_means_that_nothing_is_done(scene, monkeypatch):
    target = scene.group()
    monkeypatch.setattr(scene.ledger, "stopped", lambda: (_ for _ in ()).throw(AwsError("throttled")))

    with pytest.raises(AwsError):
        scene.considered(target)

    assert (scene.ranges(target), scene.told.records, scene.asked) == (["0.0.0.0/0", "192.0.2.0/24"], [], [])


def test_in_mode_approve_it_waits_for_a_person(scene):
    target = scene.group(APPROVING)

    attempt = scene.considered(target)

    assert (attempt.result, scene.told.started) == ("waiting", [attempt.id])
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]
    assert f"opalite remediate approve {attempt.id}" in scene.told.messages[0].text
    assert scene.considered(target).result == "off"  # the next finding does not ask again


def test_what_waits_for_somebody_else_takes_nothing_of_the_rate(scene):
    """Five in an hour are allowed in the account."""
    target = scene.group()
    scene.ledger.lock(target.resource_key, "somebody", until="2026-11-30T12:00:00.000Z")
    attempt = scene.considered(target)
    for _ in range(6):
        scene.later(minutes=5)
        assert scene.flow.go_on(attempt.id).result == "deferred"

    assert scene.considered(scene.group()).result == "applied"


def test_what_has_to_wait_outlives_a_stop(scene):
    target = scene.group()
    scene.ledger.lock(target.resource_key, "somebody", until="2026-11-29T12:10:00.000Z")
    attempt = scene.considered(target)
    scene.ledger.stop("INC-7", "anna")
    scene.later(minutes=30)
    stopped = scene.flow.go_on(attempt.id)
    recorded = len(scene.told.records)
    scene.later(minutes=30)
    assert scene.flow.go_on(attempt.id).reason == stopped.reason
    assert len(scene.told.records) == recorded  # told once
    scene.ledger.start()
    scene.later(minutes=30)

    assert (stopped.result, stopped.reason) == ("deferred", "remediation is stopped: INC-7 (by anna)")
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]
    assert scene.ledger.due(scene.clock()) == [attempt.id]
    assert scene.flow.go_on(attempt.id).result == "applied"


def test_what_was_agreed_to_while_all_is_stopped_is_done_afterwards(scene):
    attempt = scene.considered(scene.group(APPROVING))
    scene.ledger.stop("INC-7", "anna")
    stopped = scene.flow.approve(attempt.id, scene.signed(attempt))
    scene.ledger.start()
    scene.later(minutes=30)

    assert (stopped.result, scene.ranges(attempt.target)) == ("deferred", ["0.0.0.0/0", "192.0.2.0/24"])
    done = scene.flow.go_on(attempt.id)
    assert (done.result, done.reason, scene.ranges(attempt.target)) == (
        "applied",
        "the policy passes",
        ["192.0.2.0/24"],
    )


def test_a_resource_and_day_counts_from_when_it_was_mended(scene):
    """Twice a day are allowed. The first had to wait for a day."""
    target = scene.group()
    scene.ledger.lock(target.resource_key, "somebody", until="2026-11-30T12:00:00.000Z")
    waiting = scene.considered(target)
    scene.later(hours=25)
    first = scene.flow.go_on(waiting.id)
    scene.open(target, "0.0.0.0/0")
    assert (first.result, scene.considered(target).result) == ("applied", "applied")
    scene.open(target, "0.0.0.0/0")

    attempt = scene.considered(target)

    reason = f"somebody changes it back: remediated 2 times within a day, first at {first.started_at}"
    assert (attempt.result, attempt.reason) == ("refused", reason)
