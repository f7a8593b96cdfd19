"""Alerts about what has no owner go to whoever made it, where AWS CloudTrail may be asked, and by the role of the action."""

from __future__ import annotations

import pytest
from moto.backends import get_backend

from emulation.aws import REGION
from integration.outputs.test_creators import ALICE, history, made_by
from integration.remediation.function.scene import ADMIN, EXTERNAL_ID, MEMBER, TOPIC_ARN

__all__ = ["history"]
TAGS = "aws.any.resource.required_tags"
REQUIRED = {TAGS: {"default": {"required": {"cost": None}}}}


@pytest.fixture
def group(scene):
    scene.aws.allow_role(MEMBER, "opalite-remediate-tag-resource", external_id=EXTERNAL_ID)
    return scene.group(with_finding=False)


def told(scene, group, **variables):
    """The owners that messages name, and whether CloudTrail was asked, as one command runs."""
    scene.deploy(parameters=REQUIRED, **variables)
    before = scene.aws.calls["cloudtrail:LookupEvents"]
    run = {"policy_id": TAGS, "account": MEMBER, "region": REGION, "type": "AWS::EC2::SecurityGroup", "id": group}
    scene({"run": run})
    sent = get_backend("sns")[ADMIN][REGION].topics[TOPIC_ARN].sent_notifications
    owners = [attributes["owner"]["Value"] for _, _, _, attributes, _ in sent]
    return owners, scene.aws.calls["cloudtrail:LookupEvents"] - before


def test_the_maker_of_what_has_no_tags_is_told(scene, group, history):
    history[MEMBER, group] = [made_by(arn=ALICE)]
    assert told(scene, group, OPALITE_CREATOR_LOOKUP="on") == ([ALICE], 1)


def test_unless_it_is_switched_on_nobody_is_asked_for(scene, group, history):
    history[MEMBER, group] = [made_by(arn=ALICE)]
    assert told(scene, group) == (["operations"], 0)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalFailure"])
def test_a_history_that_does_not_answer_keeps_nobody_from_being_told(scene, group, history, code):
    history[MEMBER, group] = [made_by(arn=ALICE)]
    scene.aws.fail("cloudtrail", "LookupEvents", code=code, times=None)
    owners, asked = told(scene, group, OPALITE_CREATOR_LOOKUP="on")
    assert (owners, asked > 0) == (["operations"], True)


def test_owners_are_named_by_the_tags_that_are_set(scene, group):
    client = scene.aws.client("ec2", MEMBER)
    client.create_tags(
        Resources=[group], Tags=[{"Key": "squad", "Value": "web"}, {"Key": "owner", "Value": "payments"}]
    )
    assert told(scene, group, OPALITE_OWNER_TAGS="squad")[0] == ["web"]
