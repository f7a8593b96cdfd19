"""Facts about images."""

from __future__ import annotations

from collections import Counter

import pytest

from opalite.adapters.aws.ec2 import Images
from opalite.ports import Answer, Denied, Place

OWN, MEMBER, OWNER = "123456789012", "111122223333", "444455556666"
GONE = {"state": "gone", "owner_id": None, "owner_alias": None, "name": None, "created_at": None, "tags": None}
IDS = [f"ami-{number:017x}" for number in range(500)]


def image(image_id=IDS[0], owner=MEMBER, tags=None, **more):
    told = {
        "ImageId": image_id,
        "State": "available",
        "OwnerId": owner,
        "Name": "golden",
        "CreationDate": "2026-09-22T12:00:00.000Z",
        **more,
    }
    return told | ({"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {})


def fact(owner=MEMBER, tags=None, alias=None, state="available"):
    return {
        "state": state,
        "owner_id": owner,
        "owner_alias": alias,
        "name": "golden",
        "created_at": "2026-09-22T12:00:00.000Z",
        "tags": tags,
    }


def told(sessions, clock, place, *ids):
    return Images(sessions, clock).fetch(place, list(ids))


def test_an_image_of_the_account_and_one_that_is_gone(sessions, clock, place, as_account):
    ec2 = as_account("ec2")
    kept, gone = (ec2.register_image(Name=name)["ImageId"] for name in ("golden", "old"))
    ec2.create_tags(Resources=[kept], Tags=[{"Key": "approved", "Value": "yes"}])
    ec2.deregister_image(ImageId=gone)
    answers = told(sessions, clock, place, kept, gone)
    assert answers == {
        kept: Answer(
            {
                "state": "available",
                "owner_id": MEMBER,
                "owner_alias": None,
                "name": "golden",
                "created_at": answers[kept].fact["created_at"],
                "tags": {"approved": "yes"},
            }
        ),
        gone: Answer(GONE),
    }
    assert answers[kept].fact["created_at"].endswith("Z")
    assert sessions.calls.counts()["ec2:DescribeImages"] == 1


def test_an_image_of_amazon_has_an_alias_and_tags_that_nobody_else_sees(sessions, clock, place, as_account):
    amazons = as_account("ec2").describe_images(Owners=["amazon"])["Images"][0]
    answer = told(sessions, clock, place, amazons["ImageId"])[amazons["ImageId"]]
    assert answer == Answer(
        {
            "state": "available",
            "owner_id": amazons["OwnerId"],
            "owner_alias": "amazon",
            "name": amazons["Name"],
            "created_at": amazons["CreationDate"],
            "tags": None,
        },
        f"only amazon sees the tags of image {amazons['ImageId']}",
    )


def test_deprecated_and_disabled_images_are_asked_for_too_and_many_ids_per_call(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "DescribeImages", {"Images": []})
    assert told(sessions, clock, place, *IDS) == dict.fromkeys(IDS, Answer(GONE))
    assert [parameters for *_, parameters in sessions.asked] == [
        {
            "Filters": [{"Name": "image-id", "Values": IDS[start : start + 200]}],
            "IncludeDeprecated": True,
            "IncludeDisabled": True,
        }
        for start in (0, 200, 400)
    ]


def test_every_page_counts(accounts, clock, place):
    pages = ({"Images": [image(IDS[0])]}, {"Images": []}, {"Images": [image(IDS[1], State="deregistered")]})
    sessions = accounts().tell(MEMBER, "DescribeImages", *pages)
    assert told(sessions, clock, place, *IDS[:2]) == {IDS[0]: Answer(fact(tags={})), IDS[1]: Answer(GONE)}


def test_what_is_no_image_id_is_not_asked_for(accounts, clock, place):
    sessions = accounts()
    ids = ["ami-*", "ami-1234567?", "i-0123456789abcdef0", ""]
    assert told(sessions, clock, place, *ids) == dict.fromkeys(ids, Answer(None, "this is not the id of an image"))
    assert sessions.calls == Counter()


def test_a_refusal_is_told_for_each_image(accounts, clock, place):
    refused = Answer(None, "no", refused=True)
    sessions = accounts().tell(MEMBER, "DescribeImages", Denied("no"))
    assert told(sessions, clock, place, *IDS[:2]) == {IDS[0]: refused, IDS[1]: refused}


SHARED = image(owner=OWNER, tags={"approved": "says the member"})


def test_of_a_shared_image_only_the_owners_tags_count(accounts, clock, place):
    sessions = (
        accounts()
        .tell(MEMBER, "DescribeImages", {"Images": [SHARED]})
        .tell(OWNER, "DescribeImages", {"Images": [image(owner=OWNER, tags={"approved": "yes"})]})
    )
    assert told(sessions, clock, place, IDS[0]) == {IDS[0]: Answer(fact(OWNER, {"approved": "yes"}))}


@pytest.mark.parametrize(
    ("owners", "reason", "refused"),
    [
        (Denied("role R cannot be assumed"), "only the owner sees the tags: role R cannot be assumed", True),
        ({"Images": []}, "only the owner sees the tags, and he does not know the image", False),
        (
            {"Images": [SHARED | {"OwnerId": MEMBER}]},
            "only the owner sees the tags, and he does not know the image",
            False,
        ),
    ],
)
def test_tags_that_the_owner_does_not_tell_are_not_known(accounts, clock, place, owners, reason, refused):
    sessions = accounts().tell(MEMBER, "DescribeImages", {"Images": [SHARED]}).tell(OWNER, "DescribeImages", owners)
    assert told(sessions, clock, place, IDS[0]) == {IDS[0]: Answer(fact(OWNER), reason, refused=refused)}


def test_an_image_without_an_owner_has_unknown_tags(accounts, clock, place):
    nobodys = {key: value for key, value in SHARED.items() if key != "OwnerId"}
    sessions = accounts().tell(MEMBER, "DescribeImages", {"Images": [nobodys]})
    answer = told(sessions, clock, place, IDS[0])[IDS[0]]
    assert answer == Answer(fact(None), f"only its owner sees the tags of image {IDS[0]}")


def test_the_owner_is_asked_once_for_all_accounts_that_use_his_images(accounts, clock):
    members = [f"{number:012d}" for number in range(1, 6)]
    sessions = accounts().tell(OWNER, "DescribeImages", {"Images": [image(name, OWNER) for name in IDS[:50]]})
    images = Images(sessions, clock)
    for member in members:
        sessions.tell(member, "DescribeImages", {"Images": [image(name, OWNER) for name in IDS[:50]]})
        answers = images.fetch(Place("aws", member, "eu-west-1"), IDS[:50])
        assert answers == dict.fromkeys(IDS[:50], Answer(fact(OWNER, {})))
    assert sessions.calls == {(account, "DescribeImages"): 1 for account in [*members, OWNER]}
