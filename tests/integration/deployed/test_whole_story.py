"""From an event of AWS Config to a mended security group, through nothing but what the templates deploy.

CloudFormation has made queues, rules, tables, bucket, topic, keys, roles and the state machine; the functions are the packages and
the layer that `sam build` makes, run by the true runtime client with the variables and the roles of the templates. Each of their
calls is held against the policies of the role that makes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from emulation.deployment.story import APPROVE, AUTO, RULE, until

pytestmark = pytest.mark.slow

OPERATOR = {  # docs/lambda.md: what `opalite redrive` needs
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "arn:aws:lambda:eu-west-1:111111111111:function:opalite"},
        {
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"],
            "Resource": "arn:aws:sqs:eu-west-1:111111111111:opalite-failed",
        },
    ],
}  # fmt: skip


def test_failures_are_found_told_mended_and_agreed_to_through_all_that_is_deployed(story):
    a_failure_is_told_everywhere_and_mended(story)
    a_plan_waits_for_a_person(story)
    a_failed_event_waits_in_the_queue_and_is_sent_again(story)
    the_schedules_reach_their_functions(story)
    nobody_else_may_invoke(story)
    the_packages_have_all_that_they_import(story)

    missing = {(role, resource) for role, _, resource in story.deployment.permitted.refused}
    # StackSets leave out the management account: it has no role, and nobody asks for one, because it is excluded.
    assert missing == set()


def a_failure_is_told_everywhere_and_mended(story):
    group = story.open_group(AUTO)

    (judged,) = story.changed(AUTO, group)
    assert (judged.error, story.result(AUTO, group), story.decisions(group)) == (None, "NON_COMPLIANT", ["fail"])
    assert story.finding(AUTO, group)["Compliance"]["Status"] == "FAILED"
    assert [one["change"] for one in story.messages(group)] == [["new_failure"]]

    (mended,) = story.told(AUTO, group)
    assert (mended.error, mended.payload) == (None, {"batchItemFailures": []})
    assert (story.ranges(AUTO, group), story.records(group)) == (["192.0.2.0/24"], ["applied"])
    assert story.finding(AUTO, group)["Workflow"] == {"Status": "RESOLVED"}
    assert [one["type"] for one in story.messages(group)] == ["opalite.remediation"]


def a_plan_waits_for_a_person(story):
    group = story.open_group(APPROVE)
    story.changed(APPROVE, group)
    (planned,) = story.told(APPROVE, group)
    assert planned.payload == {"batchItemFailures": []}
    attempt = until(lambda: _asked(story.attempt(group)))
    assert attempt
    assert (attempt["result"], story.execution(attempt["id"])) == ("waiting", "RUNNING")
    assert story.ranges(APPROVE, group) == ["0.0.0.0/0", "192.0.2.0/24"]

    done = story.approve(attempt["id"])
    assert (done.returncode, done.stderr) == (0, "")
    assert until(lambda: story.execution(attempt["id"]) == "SUCCEEDED")
    assert (story.ranges(APPROVE, group), story.records(group)) == (["192.0.2.0/24"], ["applied"])
    assert story.attempt(group)["approval"]["approver"] == "arn:aws:sts::111111111111:assumed-role/Approver/anna"


def a_failed_event_waits_in_the_queue_and_is_sent_again(story):
    group, running = story.open_group(AUTO), story.deployment
    running.aws.deny("config", "PutEvaluations")
    running.config_invokes(story.recorded(AUTO, group), running.rules[AUTO, RULE])
    assert [one.error for one in story.answers("opalite", 3)] == ["Unhandled"] * 3
    running.aws.mend()
    queue = running.main.outputs["FailedQueueUrl"]
    count = "ApproximateNumberOfMessages"
    sqs, iam = running.client("sqs"), running.client("iam")
    assert until(lambda: sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[count])["Attributes"][count] == "1")

    iam.create_role(RoleName="Operator", AssumeRolePolicyDocument="{}")
    iam.put_role_policy(RoleName="Operator", PolicyName="redrive", PolicyDocument=json.dumps(OPERATOR))
    url = f"https://sqs.eu-west-1.amazonaws.com/{running.home}/{queue.rpartition('/')[2]}"
    sent = story.command("redrive", "--queue", url, "--function", running.main.outputs["FunctionArn"], role="Operator")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert (story.answers("opalite")[0].error, story.result(AUTO, group)) == (None, "NON_COMPLIANT")


def the_schedules_reach_their_functions(story):
    running = story.deployment
    running.fire("opalite-due", "2026-11-29T12:00:00Z")
    (due,) = story.answers("opalite-remediation")
    assert (due.error, running.invoked[-1][1]) == (None, {"due": True})

    # All has just been deployed, so that a sweep of the next day starts every rule.
    tomorrow = datetime.now(UTC) + timedelta(hours=12)  # noqa: TID251 - the emulated Lambda goes by the real clock
    running.fire("opalite-sweep", tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ"))
    (swept,) = story.answers("opalite-sweep")
    ours = {name: value for name, value in swept.payload.items() if name in ("accounts", "started", "failed")}
    assert ours == {"accounts": 3, "started": len(running.rules), "failed": []}


def nobody_else_may_invoke(story):
    running = story.deployment
    foreign = running.aws.config.rule(
        AUTO, "ours", function_arn=running.main.outputs["FunctionArn"], organization=False
    )
    event = running.aws.config.schedule_event(AUTO, foreign)
    with pytest.raises(PermissionError):
        running.config_invokes(event, foreign)


def the_packages_have_all_that_they_import(story):
    """Without what is installed here: -S leaves out site-packages."""
    for function in story.deployment.functions.values():
        code = f"import sys; sys.path.insert(0, {str(function._task_root)!r}); import {function._handler.rpartition('.')[0]}"
        done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False, env={})
        assert (done.stderr, done.returncode) == ("", 0)


def _asked(attempt):
    """Once the state machine has asked: the ledger has its token."""
    return attempt if attempt and (attempt.get("approval") or {}).get("token") else None
