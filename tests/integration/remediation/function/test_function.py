"""The function from the event to what was done and told, in every form in which it is invoked."""

from __future__ import annotations

import copy
import json

import pytest

from integration.remediation.function.scene import (
    ADMIN,
    BUCKET,
    EXTERNAL_ID,
    MEMBER,
    OTHER,
    POLICY,
    REGION,
    ROLE,
    event,
)
from opalite.errors import AwsError, DeliveryError, InvocationError

BOTH, OFFICE = ["0.0.0.0/0", "192.0.2.0/24"], ["192.0.2.0/24"]
ATTEMPT = "0123456789abcdef0123"  # nobody's


def command(group, account=MEMBER, **more):
    body = {"policy_id": POLICY, "account": account, "region": REGION, "type": "AWS::EC2::SecurityGroup", "id": group}
    return {"run": {**body, **more}}


def queue(*bodies):
    (record, _) = event("queue")["Records"]
    return {
        "Records": [
            {**record, "messageId": f"m{number}", "body": body if isinstance(body, str) else json.dumps(body)}
            for number, body in enumerate(bodies)
        ]
    }


def failed(*numbers):
    return {"batchItemFailures": [{"itemIdentifier": f"m{number}"} for number in numbers]}


def test_a_failed_finding_is_mended_and_told(scene):
    scene.deploy()
    group = scene.group()

    answer = scene(event("finding_imported", group))

    (attempt,) = scene.attempts()
    assert answer == {
        "attempts": [{"attempt": attempt.id, "result": "applied", "wait_seconds": None, "approval_seconds": None}]
    }
    assert scene.ranges(group) == OFFICE
    workflow, note = scene.finding(group)
    assert (workflow, note.startswith("Opalite remediation applied (auto revoke_ingress)")) == ("RESOLVED", True)
    assert [POLICY in subject or group in subject for subject in scene.subjects()] == [True]
    ((key, record),) = scene.records().items()
    assert key == f"remediation/date=2026-11-29/region={REGION}/{MEMBER}-{attempt.id}.json"
    assert (record["result"], record["target"]["resource_id"], record["after"]["outcome"]) == ("applied", group, "pass")
    assert scene.metrics() == [({"policy_id": POLICY, "result": "applied"}, {"Attempts": 1})]
    (line,) = scene.lines("attempt")
    assert (line["attempt_id"], line["result"], line["applied"], line["resource_id"]) == (
        attempt.id,
        "applied",
        1,
        group,
    )


def test_every_call_to_the_member_is_of_the_role_of_the_action_and_bears_the_attempt(scene):
    scene.deploy(OPALITE_SOURCE_IDENTITY="opalite")
    group = scene.group()

    scene(event("finding_imported", group))

    (attempt,) = scene.attempts()
    assert scene.aws.assumed == [
        {
            "RoleArn": f"arn:aws:iam::{MEMBER}:role/{ROLE}",
            "RoleSessionName": f"opalite-{attempt.id}",
            "DurationSeconds": 3600,
            "ExternalId": EXTERNAL_ID,
            "SourceIdentity": "opalite",
        }
    ]
    made = {(call.account, call.service) for call in scene.aws.calls_made}
    assert {service for account, service in made if account == MEMBER} == {"ec2", "securityhub"}
    assert {service for account, service in made if account == ADMIN} == {
        "dynamodb", "organizations", "s3", "sns", "sts",
    }  # fmt: skip


def test_in_its_own_account_the_function_changes_nothing_but_by_the_role_either(scene):
    scene.deploy()
    group = scene.group(ADMIN)
    scene.aws.forbid_role(ADMIN, ROLE)

    with pytest.raises(DeliveryError, match=f"role {ROLE} of account {ADMIN} cannot be assumed"):
        scene(event("finding_imported", group, ADMIN))  # which cannot be noted on the finding either

    (attempt,) = scene.attempts()
    assert (attempt.result, scene.ranges(group, ADMIN)) == ("refused", BOTH)
    assert {call.operation for call in scene.aws.calls_made if call.service == "ec2"} == set()

    scene.aws.allow_role(ADMIN, ROLE, external_id=EXTERNAL_ID)
    assert scene(command(group, ADMIN))["result"] == "applied"
    assert scene.aws.assumed[-1]["RoleArn"] == f"arn:aws:iam::{ADMIN}:role/{ROLE}"


def test_the_same_event_again_is_the_same_attempt(scene):
    scene.deploy()
    group = scene.group()
    first = scene(event("finding_imported", group))
    before = scene.aws.calls["ec2:RevokeSecurityGroupIngress"]

    assert scene(event("finding_imported", group)) == first

    assert scene.aws.calls["ec2:RevokeSecurityGroupIngress"] == before == 1
    assert (len(scene.attempts()), len(scene.subjects()), scene.metrics()) == (1, 1, [])


def test_what_is_not_ours_or_not_open_is_ignored(scene):
    scene.deploy()
    group = scene.group()
    changes = (
        {"Compliance": {"Status": "PASSED"}},
        {"Workflow": {"Status": "NOTIFIED"}},
        {"Workflow": {"Status": "SUPPRESSED"}},
        {"RecordState": "ARCHIVED"},
        {"GeneratorId": "security-control/EC2.2"},
    )
    for change in changes:
        told = event("finding_imported", group)
        told["detail"]["findings"][0].update(change)

        assert (scene(told), scene.attempts()) == ({"attempts": []}, [])
        assert scene.metrics() == [({}, {"EventsIgnored": 1})]


def test_a_custom_action_looks_after_each_finding_of_ours_that_a_person_has_chosen(scene):
    scene.deploy()
    one, other = scene.group(), scene.group()
    told = json.loads(json.dumps(event("custom_action", one)).replace("sg-0a1b2c3d4e5f60718", other))

    answer = scene(told)

    assert [entry["result"] for entry in answer["attempts"]] == ["applied", "applied"]
    assert (scene.ranges(one), scene.ranges(other)) == (OFFICE, OFFICE)
    assert {attempt.trigger.by for attempt in scene.attempts()} == {f"Security Hub action OpaliteRemediate in {ADMIN}"}
    assert ({}, {"EventsIgnored": 1}) in scene.metrics()


def test_a_finding_that_lies_is_only_a_reason_to_look(scene):
    scene.deploy()
    group = scene.group()
    scene.aws.client("ec2", MEMBER).revoke_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )

    (answer,) = scene(event("finding_imported", group))["attempts"]

    assert (answer["result"], scene.ranges(group), scene.attempts()) == ("nothing", OFFICE, [])


def test_what_a_config_rule_has_found_is_looked_at_by_each_policy_of_the_type(scene):
    scene.deploy()
    group = scene.group(with_finding=False)

    answer = scene(event("compliance_change", group))

    assert "applied" in [entry["result"] for entry in answer["attempts"]]
    assert scene.ranges(group) == OFFICE
    (attempt,) = [one for one in scene.attempts() if one.target.policy_id == POLICY]
    assert (attempt.trigger.kind, attempt.finding_id.endswith(f"{group}/{POLICY}")) == ("compliance_change", True)


def test_what_a_config_rule_has_found_to_comply_is_ignored(scene):
    scene.deploy()
    told = event("compliance_change", scene.group())
    told["detail"]["newEvaluationResult"]["complianceType"] = "COMPLIANT"

    assert scene(told) == {"attempts": []}


def test_of_a_queue_only_what_was_not_done_comes_again(scene):
    scene.deploy()
    one, other = scene.group(), scene.group()
    alien = {**event("finding_imported"), "source": "example.of.others"}

    answer = scene(
        queue(
            event("finding_imported", one),
            "{",
            command(other),
            alien,
            {"due": True},
            event("finding_imported", other),
        )
    )

    assert answer == failed(1, 2, 3, 4)  # no command comes by the queue
    assert (scene.ranges(one), scene.ranges(other)) == (OFFICE, OFFICE)
    assert ({}, {"Failures": 4}) in scene.metrics()
    assert [line["error"] for line in scene.lines("failed")] == ["InvocationError"] * 4


def test_of_a_queue_nothing_is_begun_that_could_not_be_ended(scene):
    scene.deploy()
    group = scene.group()
    scene.seconds = 80

    assert scene(queue(event("finding_imported", group))) == failed(0)
    assert scene.attempts() == []


def test_accounts_that_are_none_of_ours_are_refused(scene):
    scene.deploy()
    stranger = "444455556666"

    answer = scene(event("finding_imported", account=stranger))

    assert (answer, scene.attempts(), scene.aws.assumed) == ({"attempts": []}, [], [])
    assert scene(command("sg-0f4d2c1b3a5968778", stranger)) == {"refused": "account"}
    assert scene.metrics() == [({}, {"Refused": 1}), ({"reason": "account"}, {"RefusedBy": 1})]


def test_accounts_that_are_listed_are_the_only_ones(scene):
    scene.deploy(OPALITE_ACCOUNTS=OTHER)
    group = scene.group()

    scene(event("finding_imported", group))

    assert (scene.ranges(group), scene.aws.calls["organizations:DescribeAccount"]) == (BOTH, 0)


def test_a_member_speaks_of_itself_only(scene):
    scene.deploy()
    group = scene.group(OTHER)
    told = event("finding_imported", group, OTHER)
    told["account"] = MEMBER

    assert (scene(told), scene.attempts()) == ({"attempts": []}, [])
    told["account"] = ADMIN  # to whom all findings come
    assert [entry["result"] for entry in scene(told)["attempts"]] == ["applied"]


def test_a_command_may_be_given_again(scene):
    scene.deploy()
    group = scene.group()

    first = scene(command(group, request="7d3f0c1a"))
    scene.aws.client("ec2", MEMBER).authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
    )

    assert (first["result"], scene(command(group, request="7d3f0c1a"))) == ("applied", first)
    assert scene.ranges(group) == BOTH
    assert scene(command(group, request="8e4f1d2b"))["result"] == "applied"


def test_what_waits_for_its_time_is_left_alone_until_then(scene):
    scene.deploy(
        settings={"limits": {"per_hour": 1, "per_hour_everywhere": 100, "per_resource_day": 9, "failures_per_hour": 9}}
    )
    one, other = scene.group(), scene.group()
    scene(event("finding_imported", one))
    (braked,) = scene(event("finding_imported", other))["attempts"]
    assert (braked["result"], braked["wait_seconds"], scene.ranges(other)) == ("deferred", 3600, BOTH)
    assert ({}, {"RemediationsBraked": 1}) in scene.metrics()
    (version,) = {attempt.version for attempt in scene.attempts() if attempt.result == "deferred"}

    scene.clock.sleep(10)
    (again,) = scene(event("finding_imported", other))["attempts"]  # as what is noted on the finding makes it come

    assert (again["wait_seconds"], scene.metrics()) == (3590, [({}, {"RemediationsEarly": 1})])
    assert {attempt.version for attempt in scene.attempts() if attempt.result == "deferred"} == {version}
    assert scene({"advance": braked["attempt"]})["wait_seconds"] == 3590
    assert scene({"due": True}) == {"attempts": []}

    scene.clock.sleep(3600)
    assert [entry["result"] for entry in scene({"due": True})["attempts"]] == ["applied"]
    assert scene.ranges(other) == OFFICE


def test_what_was_not_told_is_told_when_the_event_comes_again(scene):
    scene.deploy()
    group = scene.group()
    scene.aws.fail("sns", "PublishBatch", code="InternalError", status=500, times=None)

    with pytest.raises(DeliveryError, match="not told to notice"):
        scene(event("finding_imported", group))

    assert (scene.ranges(group), scene.subjects()) == (OFFICE, [])
    scene.aws.mend()
    scene(event("finding_imported", group))
    assert (len(scene.subjects()), scene.aws.calls["ec2:RevokeSecurityGroupIngress"]) == (1, 1)


def test_without_a_record_nothing_is_changed(scene):
    scene.deploy()
    group = scene.group()
    scene.aws.fail("s3", "PutObject", code="InternalError", status=500, times=None)

    with pytest.raises((AwsError, DeliveryError), match="PutObject"):
        scene(event("finding_imported", group))

    assert scene.ranges(group) == BOTH


def test_without_the_ledger_nothing_is_changed(scene):
    scene.deploy(OPALITE_REMEDIATION_TABLE="another")
    group = scene.group()

    with pytest.raises(AwsError, match="there is no table another"):
        scene(event("finding_imported", group))

    assert scene.ranges(group) == BOTH


def test_a_hub_that_is_off_is_no_failure(scene):
    scene.deploy()
    group = scene.group()
    scene.aws.fail("securityhub", "BatchUpdateFindings", code="InvalidAccessException", status=400, times=None)

    (answer,) = scene(event("finding_imported", group))["attempts"]

    assert answer["result"] == "applied"


def test_without_outputs_there_are_the_ledger_and_the_record(scene):
    scene.deploy(OPALITE_SECURITY_HUB=None, OPALITE_TOPIC_ARN=None)
    group = scene.group()

    scene(event("finding_imported", group))

    assert (len(scene.records()), scene.subjects(), scene.finding(group)) == (1, [], ("NEW", ""))


def test_what_is_no_event_of_ours_is_refused(scene):
    scene.deploy()

    for what in (
        None,
        [],
        "due",
        {},
        {"due": 1},
        {"run": {}},
        {"Records": []},
        {"detail-type": "x", "source": "aws.s3"},
    ):
        with pytest.raises(InvocationError):
            scene(what)
        assert ({"reason": "event"}, {"RefusedBy": 1}) in scene.metrics()


def test_attempts_that_nobody_knows_are_refused(scene):
    scene.deploy()

    for what in ({"advance": ATTEMPT}, {"expire": ATTEMPT}, {"ask": ATTEMPT, "token": "token-1"}):
        with pytest.raises(InvocationError, match=f"there is no attempt {ATTEMPT}"):
            scene(what)


def test_what_was_not_told_of_what_waits_is_told_though_its_time_has_not_come(scene):
    limits = {"per_hour": 1, "per_hour_everywhere": 100, "per_resource_day": 9, "failures_per_hour": 9}
    scene.deploy(settings={"limits": limits})
    one, other = scene.group(), scene.group()
    scene(event("finding_imported", one))
    scene.aws.fail("s3", "PutObject", code="InternalError", status=500, times=None)
    with pytest.raises(DeliveryError, match="is deferred, but was not told to record"):
        scene(event("finding_imported", other))

    scene.aws.mend()
    scene(event("finding_imported", other))

    assert sorted(record["result"] for record in scene.records().values()) == ["applied", "deferred"]
    assert scene.ranges(other) == BOTH


def test_nothing_of_what_is_written_holds_the_token_or_the_description(scene):
    scene.deploy("approve")
    group = scene.group()
    scene(event("finding_imported", group))
    (attempt,) = scene.attempts()
    log = scene.log.getvalue()

    scene({"ask": attempt.id, "token": "the-token-of-the-machine"})
    scene({"advance": attempt.id, "approval": scene.signed(scene.attempts()[0])})

    written = scene.aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert len(written) == 1
    ((_, record),) = scene.records().items()
    assert (record["approval"]["token"], record["redacted"]) == ("[redacted]", ["/approval/token"])
    assert "web tier" not in log + scene.log.getvalue()
    assert "the-token" not in scene.log.getvalue()


def test_one_of_several_requests_that_fails_does_not_keep_the_others(scene):
    scene.deploy()
    one, other = scene.group(), scene.group()
    told = event("custom_action", one)
    finding = copy.deepcopy(told["detail"]["findings"][0])
    told["detail"]["findings"] = [finding, json.loads(json.dumps(finding).replace(one, other))]
    scene.aws.fail("ec2", "DescribeSecurityGroups", code="InternalError", status=500, times=4)  # all of one call

    with pytest.raises(AwsError, match="DescribeSecurityGroup"):
        scene(told)

    assert sorted([scene.ranges(one), scene.ranges(other)]) == [BOTH, OFFICE]
