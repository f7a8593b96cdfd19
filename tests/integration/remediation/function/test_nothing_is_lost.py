"""What a hostile account, a short invocation or a person asks of the function: nothing that was begun or agreed to is lost."""

from __future__ import annotations

import copy
from dataclasses import replace

import orjson
import pytest

from integration.remediation.function.scene import MEMBER, TABLE, event
from opalite.errors import InvocationError
from opalite.remediation import brakes, files
from opalite.remediation.action import Permission
from opalite.remediation.actions import ACTIONS
from opalite.remediation.model import Call, Step, Until

BOTH, OFFICE = ["0.0.0.0/0", "192.0.2.0/24"], ["192.0.2.0/24"]


def use_up_the_looks(scene):
    """As so many findings of the account would."""
    name = f"count#{scene.clock.text()[:13]}#looks/{MEMBER}"
    item = {"pk": {"S": name}, "sk": {"S": "count"}, "n": {"N": str(brakes.LOOKS_PER_HOUR)}}
    scene.aws.client("dynamodb").put_item(TableName=TABLE, Item=item)


def test_what_a_person_has_agreed_to_is_done_though_the_account_has_used_up_its_looks(scene):
    scene.deploy("approve")
    group = scene.group()
    scene(event("finding_imported", group))
    (attempt,) = scene.attempts()
    use_up_the_looks(scene)

    answer = scene({"advance": attempt.id, "approval": scene.signed(attempt)})

    assert (answer["result"], scene.ranges(group)) == ("applied", OFFICE)


def test_what_waits_for_the_brakes_is_not_lost_by_a_flood(scene):
    scene.deploy(settings={"limits": {"per_hour": 1}})
    first, second = scene.group(), scene.group()
    for group in (first, second):
        scene(event("finding_imported", group))
    assert (scene.ranges(first), scene.ranges(second)) == (OFFICE, BOTH)
    scene.clock.sleep(3600)
    use_up_the_looks(scene)

    (answer,) = scene({"due": True})["attempts"]

    assert (answer["result"], scene.ranges(second)) == ("applied", OFFICE)


def test_a_new_event_beyond_the_looks_of_its_account_is_left_out_and_counted(scene):
    scene.deploy()
    group = scene.group()
    use_up_the_looks(scene)

    (answer,) = scene(event("finding_imported", group))["attempts"]

    assert (answer["result"], scene.attempts(), scene.ranges(group)) == ("nothing", [], BOTH)
    assert ({}, {"RemediationsBraked": 1}) in scene.metrics()


def test_one_finding_that_is_malformed_keeps_none_of_the_others_from_being_mended(scene):
    scene.deploy()
    groups = [scene.group(), scene.group()]
    told = event("custom_action", groups[0])
    (good, *_) = told["detail"]["findings"]
    other = event("custom_action", groups[1])["detail"]["findings"][0]
    forged = [
        {**copy.deepcopy(good), "ProductFields": fields}
        for fields in (None, {}, {**good["ProductFields"], "opalite/resource_id": "a\nb"})
    ]
    told["detail"]["findings"] = [*forged, good, other]

    with pytest.raises(InvocationError, match=r"^ProductFields: expected an object$"):
        scene(told)

    assert [scene.ranges(group) for group in groups] == [OFFICE, OFFICE]
    assert ({"reason": "event"}, {"RefusedBy": 3}) in scene.metrics()


def lending():
    """Lends something that AWS takes its time to give back; then it fails."""
    real = ACTIONS["revoke_ingress"]

    def plan(found):
        group = found.target.resource_id
        tags = {"Resources": [group], "Tags": [{"Key": "lent", "Value": "yes"}]}
        look = Call("ec2", "DescribeSecurityGroups", {"GroupIds": [group]})
        path = "SecurityGroups[0].Tags[?Key=='given back'] | [0].Value"
        lend = Step(
            name="lend",
            reason="it is needed",
            call=Call("ec2", "CreateTags", tags),
            inverse=Call("ec2", "DeleteTags", tags),
            inverse_until=Until(look, path, wanted=("yes",), seconds=60),
        )
        gone = {"GroupId": "sg-00000000000000000", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1}]}
        fail = Step(name="fail", reason="it never works", call=Call("ec2", "RevokeSecurityGroupIngress", gone))
        return replace(real.plan(found), steps=(lend, fail))

    permissions = (*real.permissions, Permission(("ec2:DeleteTags",), reason="for this test"))
    return {**ACTIONS, "revoke_ingress": replace(real, plan=plan, permissions=permissions, simulated=None)}


def test_taking_back_goes_on_in_the_next_invocation_where_one_is_too_short(scene):
    """Between two steps of an undo nobody may have the resource: it must not stay so until a person comes."""
    scene.deploy(actions=lending())
    group = scene.group()
    scene.seconds = 100.0
    (answer,) = scene(event("finding_imported", group))["attempts"]
    (attempt,) = scene.attempts()
    assert (answer["result"], answer["wait_seconds"]) == ("deferred", 60)
    assert "taking back what was done goes on" in attempt.reason
    scene.parts.parts.ledger.stop("drill", "anna")  # which is no reason to leave it half-way

    scene.clock.sleep(60)
    assert [one["result"] for one in scene({"due": True})["attempts"]] == ["deferred"]
    scene.aws.client("ec2", MEMBER).create_tags(Resources=[group], Tags=[{"Key": "given back", "Value": "yes"}])
    scene.clock.sleep(60)
    assert [one["result"] for one in scene({"due": True})["attempts"]] == ["failed"]

    (attempt,) = scene.attempts()
    assert attempt.applied == ()
    assert attempt.reason.endswith("; what was done before was taken back")
    assert scene.aws.calls["ec2:CreateTags"] == 1


def test_what_the_function_has_done_is_taken_back_by_it(scene):
    scene.deploy()
    group = scene.group()
    (answer,) = scene(event("finding_imported", group))["attempts"]
    roles = len(scene.aws.assumed)

    undone = scene({"undo": answer["attempt"]})

    assert (undone["result"], scene.ranges(group)) == ("undone", BOTH)
    assert {one["RoleArn"].partition("/")[2] for one in scene.aws.assumed[roles:]} <= {
        "opalite-remediate-revoke-ingress"
    }
    assert sorted(str(one.result) for one in scene.attempts()) == ["applied", "undone"]
    assert scene({"undo": answer["attempt"]}) == undone
    later = event("finding_imported", group)
    later["detail"]["findings"][0]["UpdatedAt"] = "2026-11-29T12:30:00.000Z"
    assert [one["result"] for one in scene(later)["attempts"]] == ["off"]  # a person has decided
    assert scene.ranges(group) == BOTH


def test_what_was_changed_since_is_not_taken_back_by_the_function(scene):
    scene.deploy()
    group = scene.group()
    (answer,) = scene(event("finding_imported", group))["attempts"]
    scene.aws.client("ec2", MEMBER).authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="198.51.100.0/24"
    )

    assert scene({"undo": answer["attempt"]})["result"] == "refused"
    assert scene.ranges(group) == ["192.0.2.0/24", "198.51.100.0/24"]


@pytest.mark.parametrize("name", ["0123456789abcdef0123", "../x", "", 7])
def test_what_was_never_attempted_is_not_taken_back(scene, name):
    scene.deploy()

    with pytest.raises(InvocationError, match=r"^(there is no attempt|undo: expected)"):
        scene({"undo": name})


def test_the_record_in_the_bucket_can_be_read_as_one(scene, tmp_path):
    scene.deploy("approve")
    group = scene.group()
    scene(event("finding_imported", group))
    scene.execution()  # which leaves its token
    (attempt,) = scene.attempts()
    scene({"advance": attempt.id, "approval": scene.signed(attempt)})
    ((_, record),) = scene.records().items()
    assert record["redacted"] == ["/approval/token"]
    path = tmp_path / "record.json"
    path.write_bytes(orjson.dumps(record))

    assert files.read(path).applied == scene.attempts()[0].applied
