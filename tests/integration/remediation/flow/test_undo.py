"""Taking back: exactly, once, and only if nobody has changed the resource since."""

from __future__ import annotations

import pytest

from opalite.errors import AwsError
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


def _refusing(real):
    def service(name, account, region):
        found = real(name, account, region)
        if name == "ec2":
            inner = found.ask

            def ask(operation, **parameters):
                if operation.startswith("Authorize"):
                    raise AwsError("ec2: refused", "Throttling")
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
