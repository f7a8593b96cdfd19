"""Whoever made a resource is told where no tag names anybody, if CloudTrail knows who that was."""

from __future__ import annotations

import pytest

from opalite.model import Severity
from opalite.publish.addressees import BY_CLOUDTRAIL, TagKeys, unclaimed
from opalite.publish.notification import messages
from unit.publish.notification_cases import ACCOUNT, ENTRIES, INGRESS, TAGGED, UNUSED, news

ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


@pytest.mark.parametrize(
    ("tags", "policy", "creator", "addressee"),
    [
        ({}, TAGGED, ALICE, ALICE),
        (None, UNUSED, ALICE, ALICE),
        ({"owner": "payments"}, TAGGED, ALICE, "payments"),
        ({"CreatedBy": "bob"}, TAGGED, ALICE, "bob"),
        ({}, INGRESS, ALICE, "operations"),
        ({}, TAGGED, "", "operations"),
        ({}, TAGGED, " [[", "operations"),
        ({}, TAGGED, '["a", "b"]\nFor: c', '"a", "b"] For: c'),
        ({}, TAGGED, "x" * 300, "x" * 255 + "…"),
        ({}, TAGGED, f"arn:aws:sts::{ACCOUNT}:assumed-role/ci/AKIAIOSFODNN7EXAMPLE", "operations"),
    ],
    ids=["nobody's", "without tags", "owned", "made by", "another policy", "unknown", "empty", "forged", "long", "key"],
)
def test_the_maker_that_cloudtrail_names_is_told_where_tags_name_nobody(tags, policy, creator, addressee):
    change = news(tags=tags, policy_id=policy)
    (message,) = messages([change], ENTRIES, creators={change[2].finding_id: creator, "another": "bob"})
    assert message.attributes["owner"] == message.document["owner"] == addressee


def test_programs_learn_that_cloudtrail_named_the_addressee():
    change = news(tags={}, policy_id=TAGGED)
    found = messages([change], ENTRIES, creators={change[2].finding_id: ALICE})
    assert [message.document["addressed_by"] for message in found] == [[BY_CLOUDTRAIL]]


def test_a_maker_is_looked_for_only_where_that_is_the_point_and_no_tag_names_one_the_gravest_first():
    wanted = [
        news(tags={}, policy_id=TAGGED, resource_id="low", severity=Severity.LOW),
        news(tags={"team": " "}, policy_id=UNUSED, resource_id="high"),
        news(tags=None, policy_id=TAGGED, resource_id="critical", severity=Severity.CRITICAL),
    ]
    others = [
        news(tags={}, resource_id="another policy"),
        news(tags={"owner": "payments"}, policy_id=TAGGED, resource_id="owned"),
        news(tags={"creator": "bob"}, policy_id=UNUSED, resource_id="made by bob"),
        news(tags={}, policy_id="custom.of.no.catalog", resource_id="unknown"),
    ]
    found = unclaimed([*wanted, *others], ENTRIES, TagKeys())
    assert list(found.items()) == [
        (standing.finding_id, case.judged["resource"]) for _, case, standing in reversed(wanted)
    ]
