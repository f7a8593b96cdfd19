"""The state machine as it is deployed, with the function and AWS behind it: for a person's approval, and for AWS."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

import pytest

from integration.remediation.function.scene import ADMIN, MACHINE_ARN, MEMBER, OTHER, definition, event
from opalite.remediation.actions import ACTIONS
from opalite.remediation.model import Call, Until

BOTH, OFFICE = ["0.0.0.0/0", "192.0.2.0/24"], ["192.0.2.0/24"]
HOURS_72 = 72 * 3600


def asked(scene, account=MEMBER):
    """A finding in an account where a person has to agree."""
    scene.deploy("approve")
    group = scene.group(account)
    (answer,) = scene(event("finding_imported", group, account))["attempts"]
    assert (answer["result"], answer["wait_seconds"], answer["approval_seconds"]) == ("waiting", None, HOURS_72)
    return group, answer["attempt"]


def handed(scene, attempt):
    """What `opalite remediate approve` ends the task with."""
    return {"approval": scene.signed(attempt)}


def test_what_a_person_agrees_to_is_done(scene):
    group, name = asked(scene)
    assert scene.executions() == [(name, {"attempt": name})]
    execution = scene.execution()
    (attempt,) = scene.attempts()
    assert (execution.visited, execution.token) == (["Settle", "Advance", "What for", "Ask"], attempt.approval.token)
    assert (scene.ranges(group), scene.finding(group)[0]) == (BOTH, "NOTIFIED")

    execution.succeed(attempt.approval.token, handed(scene, attempt))

    assert (execution.status, execution.document["result"]) == ("SUCCEEDED", "applied")
    assert execution.visited[4:] == ["Approve", "What for", "Done"]
    assert (scene.ranges(group), scene.finding(group)[0]) == (OFFICE, "RESOLVED")
    assert [subject.split(":")[1].strip() for subject in scene.subjects()] == [
        "waits for an approval",
        "mended, the policy passes",
    ]


def test_an_approval_that_was_forged_changes_nothing_and_the_wait_goes_on(scene):
    group, _ = asked(scene)
    execution = scene.execution()
    (attempt,) = scene.attempts()
    forged = {"approval": {**scene.signed(attempt), "signature": base64.b64encode(b"x" * 32).decode()}}

    execution.succeed(execution.token, forged)

    assert execution.visited[4:] == ["Approve", "Settle", "Advance", "What for", "Ask"]
    assert (scene.ranges(group), scene.attempts()[0].approval.token) == (BOTH, execution.token)
    execution.succeed(execution.token, handed(scene, attempt))
    assert (execution.status, scene.ranges(group)) == ("SUCCEEDED", OFFICE)


def test_what_is_no_approval_changes_nothing_and_the_wait_goes_on(scene):
    group, _ = asked(scene)
    execution = scene.execution()

    for output in ({}, "yes", {"approved": True}, {"approval": None}, None):
        execution.succeed(execution.token, output)
        assert (execution.visited[-1], execution.status, scene.ranges(group)) == ("Ask", "RUNNING", BOTH)


def test_what_nobody_agrees_to_in_time_is_given_up(scene):
    group, _ = asked(scene)
    execution = scene.execution()
    scene.clock.sleep(HOURS_72)

    execution.expire()

    (attempt,) = scene.attempts()
    assert (execution.status, execution.document["result"]) == ("SUCCEEDED", "refused")
    assert (attempt.reason, scene.ranges(group)) == ("nobody has approved it in time", BOTH)


def test_an_approval_given_past_the_machine_ends_its_wait_at_the_next_look(scene):
    group, name = asked(scene)
    (attempt,) = scene.attempts()
    assert scene({"advance": name, "approval": scene.signed(attempt)})["result"] == "applied"

    execution = scene.execution()

    assert (execution.status, execution.visited) == ("SUCCEEDED", ["Settle", "Advance", "What for", "Done"])
    assert scene.ranges(group) == OFFICE


def test_a_function_that_is_out_of_order_for_a_while_is_asked_again(scene):
    group, _ = asked(scene)
    execution = scene.execution()
    (attempt,) = scene.attempts()
    scene.aws.fail("dynamodb", "GetItem", code="InternalServerError", status=500, times=9)

    execution.succeed(execution.token, handed(scene, attempt))

    assert (execution.status, scene.ranges(group)) == ("SUCCEEDED", OFFICE)


def test_an_approval_whose_answer_was_lost_is_not_refused_for_being_given_twice(scene):
    group, _ = asked(scene)
    execution = scene.execution()
    (attempt,) = scene.attempts()
    serve, lost = execution.invoke, ["approval"]

    def losing(payload):
        answer = serve(payload)
        if lost and lost[0] in payload:
            lost.pop()
            raise ConnectionError
        return answer

    execution.invoke = losing
    execution.succeed(execution.token, handed(scene, attempt))

    assert execution.visited[4:] == ["Approve", "Settle", "Advance", "What for", "Done"]
    assert (execution.status, scene.ranges(group)) == ("SUCCEEDED", OFFICE)
    assert scene.aws.calls["ec2:RevokeSecurityGroupIngress"] == 1


def test_a_function_that_never_comes_back_leaves_the_attempt_to_the_schedule(scene):
    group, name = asked(scene)
    scene.aws.fail("dynamodb", "GetItem", code="InternalServerError", status=500, times=None)

    execution = scene.execution()

    assert execution.status == "FAILED RemediationStuck"
    scene.aws.mend()
    scene.clock.sleep(HOURS_72)
    (answer,) = scene({"due": True})["attempts"]
    assert (answer["attempt"], answer["result"], scene.ranges(group)) == (name, "refused", BOTH)


def test_an_execution_that_has_ended_is_followed_by_another_one(scene):
    _, name = asked(scene)
    client = scene.aws.client("stepfunctions")
    (first,) = client.list_executions(stateMachineArn=MACHINE_ARN)["executions"]
    assert scene({"advance": name})["result"] == "waiting"
    assert scene.executions() == [(name, {"attempt": name})]  # it still runs

    client.stop_execution(executionArn=first["executionArn"])
    scene({"advance": name})

    assert scene.executions() == [(name, {"attempt": name}), (f"{name}-2", {"attempt": name})]


def test_the_token_is_kept_for_nothing_but_what_waits(scene):
    scene.deploy()
    group = scene.group()
    (answer,) = scene(event("finding_imported", group))["attempts"]

    with pytest.raises(Exception, match="waits for no approval: it is applied"):
        scene({"ask": answer["attempt"], "token": "token-1"})


def slow():
    """That of the policy, but AWS takes its time: what it brings about is there at the third look."""
    real = ACTIONS["revoke_ingress"]
    group_of = "SecurityGroups[0].Tags[?Key=='ready'] | [0].Value"

    def plan(found):
        made = real.plan(found)
        call = Call("ec2", "DescribeSecurityGroups", {"GroupIds": [found.target.resource_id]})
        until = Until(call, group_of, wanted=("yes",), failed=("broken",), seconds=60)
        steps: Sequence = [replace(step, until=until) for step in made.steps]
        return replace(made, steps=tuple(steps))

    return {**ACTIONS, "revoke_ingress": replace(real, plan=plan)}


def test_what_takes_aws_its_time_is_looked_at_until_it_has_come_about(scene):
    scene.deploy(actions=slow())
    group = scene.group()
    (answer,) = scene(event("finding_imported", group))["attempts"]
    assert (answer["result"], answer["wait_seconds"]) == ("deferred", 60)
    assert scene.executions() == [(answer["attempt"], {"attempt": answer["attempt"]})]
    looks = []

    def served(payload):
        looks.append(payload)
        if len(looks) == 4:
            scene.aws.client("ec2", MEMBER).create_tags(Resources=[group], Tags=[{"Key": "ready", "Value": "yes"}])
        return scene(payload)

    running = scene.execution(served)

    assert (running.status, running.document["result"], scene.ranges(group)) == ("SUCCEEDED", "applied", OFFICE)
    assert running.waited == [15, 45, 60, 60]  # the first look comes too early, and does nothing
    assert scene.aws.calls["ec2:RevokeSecurityGroupIngress"] == 1


def test_what_aws_cannot_bring_about_is_given_up_and_nothing_is_opened_again(scene):
    scene.deploy(actions=slow())
    group = scene.group(OTHER)
    scene(event("finding_imported", group, OTHER))
    scene.aws.client("ec2", OTHER).create_tags(Resources=[group], Tags=[{"Key": "ready", "Value": "broken"}])

    running = scene.execution()

    (attempt,) = scene.attempts()
    assert (running.status, running.document["result"], str(attempt.result)) == ("SUCCEEDED", "failed", "failed")
    assert "it ended as broken; 1 step stands, see the record" in attempt.reason
    assert running.waited == [15, 45]


def test_the_machine_says_nothing_that_depends_on_where_it_is_deployed(repository):
    text = (repository / "deploy" / "statemachine" / "remediation.asl.json").read_text()
    states = definition()["States"]

    assert ADMIN not in text
    assert "arn:aws" not in text
    assert {states[name].get("Next") for name in states} - {None} <= states.keys()
    for name, state in states.items():
        if state["Type"] == "Task":
            assert state["Retry"][0] == {"ErrorEquals": ["InvocationError"], "MaxAttempts": 0}, name
            assert state["Catch"][-1] == {"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Stuck"}, name
