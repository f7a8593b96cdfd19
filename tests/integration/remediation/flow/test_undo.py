"""Taking back: exactly, once, and only if nobody has changed the resource since."""

from __future__ import annotations

import pytest

from integration.remediation.flow.scene import APPROVING
from opalite.errors import AwsError
from opalite.ports import Absent
from opalite.remediation.attempt import read, written
from opalite.remediation.undoing import differences, undo

BEFORE = ["0.0.0.0/0", "192.0.2.0/24"]


@pytest.fixture
def applied(scene):
    return scene.considered(scene.group())


def _undone(scene, attempt):
    return undo(scene.parts, attempt, scene.request(attempt.target, kind="command").trigger)


def test_it_is_as_it_was_before(scene, applied):
    attempt = _undone(scene, applied)

    reason = "taken back, but it is not quite as before: rules[0].SecurityGroupRuleId"  # which AWS gives
    assert (attempt.result, attempt.reason, attempt.undoes) == ("undone", reason, applied.id)
    assert scene.ranges(applied.target) == BEFORE


def test_by_its_record_alone(scene, applied):
    assert _undone(scene, read(written(applied))).result == "undone"


def test_twice_is_once(scene, applied):
    first = _undone(scene, applied)
    scene.close(applied.target, "192.0.2.0/24")

    assert _undone(scene, applied) == first
    assert scene.ranges(applied.target) == ["0.0.0.0/0"]


def test_what_was_changed_since_is_explained_and_left_alone(scene, applied):
    scene.open(applied.target, "203.0.113.0/24")

    attempt = _undone(scene, applied)

    assert attempt.result == "refused"
    assert attempt.reason.startswith("it was changed since: rules (2 instead of 1); take back by hand")
    assert scene.ranges(applied.target) == ["192.0.2.0/24", "203.0.113.0/24"]


def test_what_changed_nothing_cannot_be_taken_back(scene):
    attempt = scene.considered(scene.group(ranges=("192.0.2.0/24",)), kind="command")

    assert "nothing to take back" in _undone(scene, attempt).reason


def test_an_undo_is_not_undone(scene, applied):
    attempt = _undone(scene, applied)

    assert "start that remediation again instead" in _undone(scene, attempt).reason


def test_what_a_person_has_taken_back_is_not_done_again_by_itself(scene, applied):
    _undone(scene, applied)

    attempt = scene.considered(applied.target)

    assert (attempt.result, scene.ranges(applied.target)) == ("off", BEFORE)


def test_somebody_else_at_the_resource_comes_first(scene, applied):
    scene.ledger.lock(applied.target.resource_key, "somebody", until="2026-11-29T23:00:00.000Z")

    assert "somebody is at the resource" in _undone(scene, applied).reason
    assert scene.ranges(applied.target) == ["192.0.2.0/24"]


def test_an_undo_that_failed_can_be_tried_again(scene, applied, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(scene.sessions, "service", _refusing(scene.sessions.service))
        assert _undone(scene, applied).result == "failed"

    assert _undone(scene, applied).result == "undone"
    assert scene.ranges(applied.target) == BEFORE


def test_one_that_is_asked_for_too_early_spoils_no_later_one(scene):
    waiting = scene.considered(scene.group(APPROVING))
    early = _undone(scene, waiting)
    scene.flow.approve(waiting.id, scene.signed(waiting))
    scene.open(waiting.target, "203.0.113.0/24")
    changed = _undone(scene, scene.ledger.load(waiting.id))
    scene.close(waiting.target, "203.0.113.0/24")
    done = _undone(scene, scene.ledger.load(waiting.id))

    reason = f"attempt {waiting.id} is not over, it is waiting: wait for its end, or stop it and let it go on"
    assert (early.result, early.reason) == ("refused", reason)
    assert (changed.result, changed.reason[:44]) == ("refused", "it was changed since: rules (2 instead of 1)")
    assert (done.result, scene.ranges(waiting.target)) == ("undone", BEFORE)


def test_what_was_half_taken_back_and_changed_since_is_left_alone(scene, monkeypatch):
    target = scene.group()
    world = {"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "CidrIp": "0.0.0.0/0"}
    scene.ec2(target.account_id).authorize_security_group_ingress(GroupId=target.resource_id, **world)
    group = scene.considered(target)
    with monkeypatch.context() as patched:
        patched.setattr(scene.sessions, "service", _refusing(scene.sessions.service, after=1))
        half = _undone(scene, group)
    left = scene.ranges(group.target)
    scene.open(group.target, "203.0.113.0/24")
    refused = _undone(scene, group)
    scene.close(group.target, "203.0.113.0/24")
    done = _undone(scene, group)

    assert (half.result, len(left)) == ("failed", 2)
    assert (refused.result, refused.reason[:44]) == ("refused", "it was changed since: rules (3 instead of 2)")
    assert (done.result, scene.ranges(group.target)) == ("undone", ["0.0.0.0/0", *BEFORE])


def test_the_function_leaves_alone_what_was_taken_back_after_other_attempts(scene, applied):
    """An undo that was refused at first counts from when it was done."""
    scene.open(applied.target, "0.0.0.0/0")
    assert _undone(scene, applied).result == "refused"
    scene.later(hours=25)
    assert scene.considered(applied.target).result == "applied"
    assert _undone(scene, applied).result == "undone"

    attempt = scene.considered(applied.target)

    reason = "a person has taken it back: exempt it, or have a person start it again"
    assert (attempt.result, attempt.reason, scene.ranges(applied.target)) == ("off", reason, BEFORE)


def test_the_function_leaves_alone_what_could_not_be_taken_back_as_a_whole(scene, applied, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(scene.sessions, "service", _refusing(scene.sessions.service))
        assert _undone(scene, applied).result == "failed"
    scene.open(applied.target, "0.0.0.0/0")

    assert scene.considered(applied.target).result == "off"


def test_what_an_inverse_needs_and_is_gone_is_no_success(scene, applied, monkeypatch):
    with monkeypatch.context() as patched:
        gone = Absent("ec2:AuthorizeSecurityGroupIngress: InvalidPrefixListID.NotFound")
        patched.setattr(scene.sessions, "service", _refusing(scene.sessions.service, error=gone))
        attempt = _undone(scene, applied)

    assert (attempt.result, "something that it needs is gone" in attempt.reason) == ("failed", True)
    assert _undone(scene, applied).result == "undone"


def _refusing(real, *, after=0, error=None):
    """Nothing is let in any more, but for the first so many calls."""
    left = [after]

    def service(name, account, region):
        found = real(name, account, region)
        if name == "ec2":
            inner = found.ask

            def ask(operation, **parameters):
                if operation.startswith("Authorize"):
                    left[0] -= 1
                    if left[0] < 0:
                        raise error or AwsError("ec2: refused", "Throttling")
                return inner(operation, **parameters)

            found.ask = ask
        return found

    return service


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": [1, 2]}, {"a": [1, 2]}, []),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]"]),
        ({"a": [1, 2]}, {"a": [1]}, ["a (1 instead of 2)"]),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, ["a.b", "a.c"]),
        (None, {}, ["everything"]),
    ],
)
def test_differences_name_places_and_no_values(before, after, found):
    assert list(differences(before, after)) == found
