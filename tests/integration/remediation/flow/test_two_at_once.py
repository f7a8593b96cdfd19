"""Two events about one resource at once, as Security Hub and AWS Config send them: one mends it, whichever comes in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.remediation.flow.scene import APPROVING
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.model import Result

MENDED = ["192.0.2.0/24"]


@pytest.fixture
def meanwhile(scene, monkeypatch):
    """Does something once, just after a call of the ledger."""

    def set_up(name, act):
        real = getattr(scene.ledger, name)

        def called(*arguments, **options):
            monkeypatch.setattr(scene.ledger, name, real)
            answer = real(*arguments, **options)
            act()
            return answer

        monkeypatch.setattr(scene.ledger, name, called)

    return set_up


def test_who_has_the_resource_is_not_kept_from_it_by_one_that_waits_for_it(scene, meanwhile):
    """The second looks before the first is kept, and finds the lock."""
    target = scene.group()
    others = []
    meanwhile("lock", lambda: others.append(scene.considered(target)))

    attempt = scene.considered(target)

    (other,) = others
    assert (other.result, other.reason) == ("deferred", f"attempt {attempt.id} is at it")
    assert (attempt.result, scene.ranges(target)) == ("applied", MENDED)
    gone_on = scene.flow.go_on(other.id)
    assert (gone_on.result, gone_on.reason) == ("nothing", "it complies")


def test_of_two_plans_for_one_resource_the_one_that_is_agreed_to_is_done(scene, meanwhile):
    target = scene.group(APPROVING)
    others = []
    meanwhile("history", lambda: others.append(scene.considered(target)))

    attempt = scene.considered(target)

    (other,) = others
    assert (attempt.result, other.result) == ("waiting", "waiting")
    assert scene.flow.approve(attempt.id, scene.signed(attempt)).result == "applied"
    assert scene.ranges(target) == MENDED
    late = scene.flow.approve(other.id, scene.signed(other))
    assert (late.result, late.reason) == ("nothing", "it complies")


def test_one_that_waits_yields_to_one_that_is_half_done(scene):
    """As a database is, for hours: its lock may have ended."""
    waiting = scene.considered(scene.group(APPROVING))
    step = waiting.plan.steps[0]
    done = Applied(name=step.name, progress=Progress.DONE, inverse=step.inverse)
    half = replace(waiting, id="half", result=Result.DEFERRED, applied=(done,), version=0)
    scene.ledger.save(half)

    attempt = scene.flow.approve(waiting.id, scene.signed(waiting))

    reason = "another remediation of the resource is not over: half"
    assert (attempt.result, attempt.reason) == ("off", reason)
    assert "0.0.0.0/0" in scene.ranges(waiting.target)


def test_a_new_one_yields_to_one_that_only_waits(scene):
    target = scene.group(APPROVING)
    waiting = scene.considered(target)

    attempt = scene.considered(target)

    assert (attempt.result, attempt.reason) == ("off", f"another remediation of the resource is not over: {waiting.id}")
