"""Approvals: for this plan, in time, once, by whoever may sign."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.remediation.flow.scene import APPROVING
from opalite.errors import InvocationError
from opalite.remediation import approving

BEFORE = ["0.0.0.0/0", "192.0.2.0/24"]


@pytest.fixture
def waiting(scene):
    return scene.considered(scene.group(APPROVING))


def test_what_was_agreed_to_is_done(scene, waiting):
    attempt = scene.flow.approve(waiting.id, scene.signed(waiting))

    assert (attempt.result, attempt.approval.approver) == ("applied", "arn:aws:iam::999999999999:user/anna")
    assert scene.ranges(waiting.target) == ["192.0.2.0/24"]


def test_an_approval_counts_once(scene, waiting):
    signed = scene.signed(waiting)
    scene.flow.approve(waiting.id, signed)
    scene.open(waiting.target, "0.0.0.0/0")

    with pytest.raises(InvocationError, match="waits for no approval: it is applied"):
        scene.flow.approve(waiting.id, signed)

    assert scene.ranges(waiting.target) == BEFORE


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signature": "Zm9yZ2Vk"}, "not signed"),
        ({"approver": "arn:aws:iam::999999999999:user/eve"}, "not signed"),
        ({"plan": "0" * 64}, "not for the plan"),
        ({"expires": "2030-01-01T00:00:00.000Z"}, "not for the plan"),
        ({"attempt": "0" * 20}, "not for the plan"),
    ],
)
def test_a_forged_approval_is_refused(scene, waiting, changes, why):
    with pytest.raises(InvocationError, match=why):
        scene.flow.approve(waiting.id, scene.signed(waiting, **changes))

    assert scene.ranges(waiting.target) == BEFORE
    assert scene.flow.approve(waiting.id, scene.signed(waiting)).result == "applied"  # a forgery uses nothing up


def test_an_approval_for_another_attempt_is_refused(scene, waiting):
    other = scene.considered(scene.group(APPROVING))

    with pytest.raises(InvocationError, match="not for the plan"):
        scene.flow.approve(waiting.id, scene.signed(other))

    assert scene.ranges(waiting.target) == BEFORE


def test_an_approval_that_comes_too_late_is_refused(scene, waiting):
    signed = scene.signed(waiting)
    scene.later(hours=72)

    with pytest.raises(InvocationError, match="has expired"):
        scene.flow.approve(waiting.id, signed)

    assert scene.ranges(waiting.target) == BEFORE
    assert scene.flow.expire(waiting.id).reason == "nobody has approved it in time"
    assert scene.considered(waiting.target).result == "waiting"  # the next finding may ask anew


def test_what_nobody_approves_ends_even_without_the_state_machine(scene, waiting):
    scene.later(hours=80)

    (due,) = scene.ledger.due(scene.clock())

    assert (due, scene.flow.go_on(due).result) == (waiting.id, "refused")


def test_a_plan_that_would_be_another_one_by_now_is_not_carried_out(scene, waiting):
    signed = scene.signed(waiting)
    scene.ec2(APPROVING).authorize_security_group_ingress(
        GroupId=waiting.target.resource_id, IpProtocol="tcp", FromPort=3389, ToPort=3389, CidrIp="0.0.0.0/0"
    )

    attempt = scene.flow.approve(waiting.id, signed)

    assert attempt.result == "refused"
    assert "changed since the plan was approved" in attempt.reason
    assert scene.ranges(waiting.target) == ["0.0.0.0/0", *BEFORE]


def test_what_was_mended_meanwhile_is_left_alone(scene, waiting):
    scene.close(waiting.target, "0.0.0.0/0")

    assert scene.flow.approve(waiting.id, scene.signed(waiting)).result == "nothing"


def test_what_was_stopped_meanwhile_is_left_alone(scene, waiting):
    scene.ledger.stop("incident 7", "anna")

    attempt = scene.flow.approve(waiting.id, scene.signed(waiting))

    assert (attempt.result, attempt.reason) == ("deferred", "remediation is stopped: incident 7 (by anna)")
    assert scene.ranges(waiting.target) == BEFORE


def test_what_is_approved_beyond_the_brakes_waits_and_is_then_done_without_asking_again(scene):
    waiting = [scene.considered(scene.group(APPROVING)) for _ in range(6)]
    done = [scene.flow.approve(attempt.id, scene.signed(attempt)) for attempt in waiting]
    assert [str(attempt.result) for attempt in done] == ["applied"] * 5 + ["deferred"]

    scene.later(hours=1)
    attempt = scene.flow.go_on(waiting[5].id)

    assert (attempt.result, attempt.approval.approver) == ("applied", "arn:aws:iam::999999999999:user/anna")


def test_what_is_approved_but_changed_while_it_waited_for_the_brakes_is_not_done(scene):
    waiting = [scene.considered(scene.group(APPROVING)) for _ in range(6)]
    for attempt in waiting:
        scene.flow.approve(attempt.id, scene.signed(attempt))
    scene.open(waiting[5].target, "203.0.113.0/24")  # harmless, and yet not what was looked at
    scene.close(waiting[5].target, "0.0.0.0/0")
    scene.open(waiting[5].target, "0.0.0.0/0")

    scene.later(hours=1)
    attempt = scene.flow.go_on(waiting[5].id)

    assert attempt.result == "refused"


def test_nothing_can_be_approved_where_no_key_is_set(scene, waiting):
    signed = scene.signed(waiting)
    flow = type(scene.flow)(replace(scene.parts, signatures=None))

    with pytest.raises(InvocationError, match="no key for approvals"):
        flow.approve(waiting.id, signed)


def test_the_function_cannot_make_an_approval_of_what_is_not_waiting(scene):
    attempt = scene.considered(scene.group())

    with pytest.raises(InvocationError, match="waits for no approval"):
        approving.to_sign(attempt, "eve")


def test_two_approvals_at_once_are_carried_out_once(scene, waiting):
    """The second has read the attempt before the first wrote it."""
    signed = scene.signed(waiting)
    real = scene.ledger.load
    stale = real(waiting.id)
    scene.flow.approve(waiting.id, signed)
    scene.open(waiting.target, "0.0.0.0/0")
    scene.ledger.load = lambda name: stale if name == waiting.id else real(name)

    with pytest.raises(Exception, match="written by somebody else"):
        scene.flow.approve(waiting.id, signed)

    assert scene.ranges(waiting.target) == BEFORE
