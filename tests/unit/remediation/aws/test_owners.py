"""Whom messages of a remediation are for."""

from __future__ import annotations

import pytest

from opalite.publish.addressees import UP_TO_CREATOR, TagKeys
from opalite.remediation.actions import ACTIONS
from opalite.remediation.aws.owners import Owners

ALICE = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0f1e/alice@example.com"
NOBODYS = {"id": "i-0a1b2c3d4e5f60718", "tags": {"Name": "web-1"}}


class Creators:
    """Tells of one, and by which action it was asked."""

    def __init__(self, *makers):
        self.asked = []
        self._makers = list(makers)

    def of(self, action):
        self._action = action.name
        return self

    def find(self, resources, *, deadline):
        self.asked.append((self._action, list(resources.values()), deadline()))
        return dict(zip(resources, self._makers, strict=False))


def owner(creators, action, resource, keys=None):
    return Owners(keys or TagKeys(), creators and creators.of, lambda: 600.0)(ACTIONS[action], resource)


@pytest.mark.parametrize("action", ACTIONS)
def test_who_made_what_is_nobodys_is_asked_for_by_the_role_of_the_action_if_it_is_up_to_him(action):
    creators = Creators(ALICE)
    asked = action in UP_TO_CREATOR
    assert owner(creators, action, NOBODYS) == (ALICE if asked else "operations")
    assert creators.asked == ([(action, [NOBODYS], 600.0)] if asked else [])


@pytest.mark.parametrize(
    ("tags", "keys", "expected"),
    [
        ({"Owner": "payments", "creator": "bob"}, None, "payments"),
        ({"creator": "bob"}, None, "bob"),
        ({"squad": "web"}, TagKeys(owner=("squad",)), "web"),
    ],
)
def test_whom_its_tags_name_is_told_and_nobody_is_asked(tags, keys, expected):
    creators = Creators(ALICE)
    assert owner(creators, "tag_resource", {"tags": tags}, keys) == expected
    assert creators.asked == []


@pytest.mark.parametrize(
    "creators", [None, Creators(), Creators(""), Creators("arn:aws:iam::111122223333:user/AKIAIOSFODNN7EXAMPLE")]
)
def test_who_is_not_known_or_has_a_key_for_a_name_is_operations(creators):
    assert owner(creators, "notify_owner", NOBODYS) == "operations"


@pytest.mark.parametrize("tags", [None, [], "owner"])
def test_tags_that_are_not_known_name_nobody(tags):
    assert owner(Creators(ALICE), "notify_owner", {"tags": tags}) == ALICE
