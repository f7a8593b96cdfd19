"""The process dies at each moment at which something is kept, or AWS fails at each call: what comes next goes on, or takes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integration.remediation.flow.scene import Crash
from opalite.errors import AwsError
from opalite.remediation.actions import ACTIONS
from opalite.remediation.model import Call, Plan, Step
from opalite.remediation.undoing import undo

WRITES = 8  # of an attempt that splits one rule: begun, two steps of two notes each, ended, told


def _revoked_and_authorized(scene, target):
    """A plan of two steps: the range is narrowed by hand first."""
    found = ACTIONS["revoke_ingress"]

    def plan(seen):
        made = found.plan(seen)
        if not made.steps:
            return made
        call = {
            "GroupId": target.resource_id,
            "IpProtocol": "tcp",
            "FromPort": 22,
            "ToPort": 22,
            "CidrIp": "198.51.100.0/24",
        }
        there = any(rule.get("CidrIpv4") == "198.51.100.0/24" for rule in seen.state.details["rules"])
        first = Step(
            name="authorize the office",
            reason="it works from there",
            call=Call("ec2", "AuthorizeSecurityGroupIngress", call),
            inverse=Call("ec2", "RevokeSecurityGroupIngress", call),
            already=("InvalidPermission.Duplicate",),
        )
        return replace(made, steps=(*(() if there else (first,)), *made.steps))

    return replace(found, plan=plan, simulated=None)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_an_attempt_that_died_is_finished_by_the_next_delivery(scene, write, after):
    target = scene.group()
    scene.parts = replace(scene.parts, actions={"revoke_ingress": _revoked_and_authorized(scene, target)})
    scene.flow = type(scene.flow)(scene.parts)
    scene.ledger.crash_at, scene.ledger.after = write, after
    request = scene.request(target)

    with pytest.raises(Crash):
        scene.flow.consider(request)
        raise Crash  # it had fewer writes
    scene.ledger.crash_at = None
    scene.later(hours=2)  # its hold on the resource is over
    attempt = scene.flow.consider(request)

    assert attempt.result == "applied"
    assert scene.ranges(target) == ["192.0.2.0/24", "198.51.100.0/24"]
    assert {"authorize the office"} < attempt.steps_done.keys()
    assert scene.told.results("notes") == ["applied"]
    assert scene.ledger.lock(target.resource_key, "the next", until="2026-11-30T00:00:00.000Z") is None


@pytest.mark.parametrize("write", range(2, 6))
def test_what_a_dead_process_left_is_due_once_its_time_is_over(scene, write):
    target = scene.group()
    scene.ledger.crash_at, scene.ledger.after = write, True
    with pytest.raises(Crash):
        scene.considered(target)
        raise Crash
    scene.ledger.crash_at = None

    assert scene.ledger.due(scene.clock()) == [] or write > 3
    scene.later(hours=2)
    for name in scene.ledger.due(scene.clock()):
        assert scene.flow.go_on(name).result == "applied"
    assert scene.ranges(target) == ["192.0.2.0/24"]


def _failing(scene, operation, error):
    """Each call of the operation fails."""
    inner = scene.parts.ask

    class Service:
        def __init__(self, service):
            self._service = service

        def ask(self, name, **parameters):
            if name == operation:
                raise error
            return self._service.ask(name, **parameters)

        def pages(self, name, **parameters):
            return self._service.pages(name, **parameters)

    scene.parts = replace(
        scene.parts, ask=lambda action, target: lambda service: Service(inner(action, target)(service))
    )
    scene.flow = type(scene.flow)(scene.parts)


def test_what_aws_refuses_half_way_is_taken_back(scene):
    target = scene.group()
    scene.parts = replace(scene.parts, actions={"revoke_ingress": _revoked_and_authorized(scene, target)})
    inner = scene.parts
    _failing(scene, "RevokeSecurityGroupIngress", AwsError("ec2: refused", "UnauthorizedOperation"))

    attempt = scene.considered(target)

    # The inverse of the first step is the very operation that is refused: so it says what stands.
    assert (attempt.result, attempt.applied[0].name) == ("failed", "authorize the office")
    assert "taking back what was done" in attempt.reason
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24", "198.51.100.0/24"]
    scene.parts = inner
    trigger = scene.request(target, kind="command").trigger
    undone = undo(scene.parts, attempt, trigger)
    assert (undone.result, undone.reason) == ("undone", "it is as it was before")
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]


def test_what_aws_refuses_at_once_leaves_everything_as_it_was(scene):
    target = scene.group()
    _failing(scene, "RevokeSecurityGroupIngress", AwsError("ec2: refused", "RulesPerSecurityGroupLimitExceeded"))

    attempt = scene.considered(target)

    assert (attempt.result, attempt.applied) == ("failed", ())
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]


def test_a_lost_answer_is_asked_for_again_and_given_up_in_the_end(scene):
    target = scene.group()
    _failing(scene, "RevokeSecurityGroupIngress", AwsError("ec2: no answer"))

    attempt = scene.considered(target)
    results = [str(attempt.result)]
    while attempt.is_open:
        scene.later(minutes=6)
        attempt = scene.flow.go_on(attempt.id)
        results.append(str(attempt.result))

    assert results == ["deferred"] * 3 + ["failed"]
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]


def test_failures_open_the_circuit(scene):
    _failing(scene, "RevokeSecurityGroupIngress", AwsError("ec2: refused", "RulesPerSecurityGroupLimitExceeded"))

    attempts = [scene.considered(scene.group()) for _ in range(3)]

    assert [str(attempt.result) for attempt in attempts] == ["failed", "failed", "deferred"]
    assert "circuit open" in attempts[2].reason


def test_what_does_not_pass_afterwards_is_said_and_counts_as_a_failure(scene):
    found = ACTIONS["revoke_ingress"]
    nothing = Step(name="look", reason="…", call=Call("ec2", "DescribeSecurityGroups"))
    idle = replace(found, plan=lambda _: Plan(action=found.name, steps=(nothing,)), simulated=None)
    scene.parts = replace(scene.parts, actions={found.name: idle})
    scene.flow = type(scene.flow)(scene.parts)

    attempt = scene.considered(scene.group())

    assert (attempt.result, attempt.after.outcome) == ("unverified", "fail")
    assert "the policy does not pass" in attempt.reason
    assert scene.told.results("notes") == ["unverified"]


def test_what_was_stopped_half_way_is_taken_back(scene):
    target = scene.group()
    scene.parts = replace(scene.parts, actions={"revoke_ingress": _revoked_and_authorized(scene, target)})
    scene.flow = type(scene.flow)(scene.parts)
    request = scene.request(target)
    scene.dies(lambda: scene.flow.consider(request), at_write=3)  # the first step is made, the second is not
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24", "198.51.100.0/24"]
    scene.ledger.stop("incident 7", "anna")

    attempt = scene.flow.consider(request)

    assert attempt.result == "failed"
    assert "stopped half-way: incident 7" in attempt.reason
    assert scene.ranges(target) == ["0.0.0.0/0", "192.0.2.0/24"]


def test_what_was_changed_half_way_is_taken_back(scene):
    target = scene.group()
    scene.parts = replace(scene.parts, actions={"revoke_ingress": _revoked_and_authorized(scene, target)})
    scene.flow = type(scene.flow)(scene.parts)
    request = scene.request(target)
    scene.dies(lambda: scene.flow.consider(request), at_write=3)
    scene.ec2(target.account_id).authorize_security_group_ingress(
        GroupId=target.resource_id, IpProtocol="tcp", FromPort=3389, ToPort=3389, CidrIp="0.0.0.0/0"
    )

    attempt = scene.flow.consider(request)

    assert (attempt.result, attempt.reason.startswith("it was changed half-way: ")) == ("failed", True)
    assert "198.51.100.0/24" not in scene.ranges(target)
