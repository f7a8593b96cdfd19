"""Facts about KMS keys."""

from __future__ import annotations

import pytest

from opalite.adapters.aws.kms import Keys
from opalite.ports import Absent, Answer, Denied

MEMBER, OWNER = "111122223333", "444455556666"
ID = "1b9ebde5-0daf-49eb-ab92-b95c9dca7195"


def arn(rest=f"key/{ID}", account=MEMBER):
    return f"arn:aws:kms:eu-west-1:{account}:{rest}"


def described(account=MEMBER, manager="CUSTOMER"):
    return {"KeyMetadata": {"KeyId": ID, "Arn": arn(account=account), "KeyManager": manager, "KeyState": "Enabled"}}


def fact(account=MEMBER, aliases=(), manager="CUSTOMER"):
    return {
        "manager": manager,
        "arn": arn(account=account),
        "account_id": account,
        "state": "Enabled",
        "aliases": None if aliases is None else list(aliases),
    }


GONE = {"manager": None, "arn": None, "account_id": MEMBER, "state": "gone", "aliases": None}
NO_ALIASES = {"Aliases": []}


def told(sessions, clock, place, *keys):
    return Keys(sessions, clock).fetch(place, list(keys))


def test_a_key_is_found_by_its_arn_and_by_an_alias(sessions, clock, place, as_account):
    kms = as_account("kms")
    key = kms.create_key()["KeyMetadata"]
    other = kms.create_key()["KeyMetadata"]
    for name in ("alias/shop", "alias/archive"):
        kms.create_alias(AliasName=name, TargetKeyId=key["KeyId"])
    kms.disable_key(KeyId=other["KeyId"])
    expected = {"manager": "CUSTOMER", "arn": key["Arn"], "account_id": MEMBER, "state": "Enabled"}
    with_aliases = Answer(expected | {"aliases": ["alias/archive", "alias/shop"]})
    assert told(sessions, clock, place, key["Arn"], arn("alias/shop"), other["Arn"]) == {
        key["Arn"]: with_aliases,
        arn("alias/shop"): with_aliases,
        other["Arn"]: Answer(expected | {"arn": other["Arn"], "state": "Disabled", "aliases": []}),
    }
    assert sessions.calls.counts() == {
        "kms:DescribeKey": 3, "kms:ListAliases": 1, "sts:AssumeRole": 1, "sts:GetCallerIdentity": 1,
    }  # fmt: skip


def test_a_key_that_its_own_account_does_not_know_is_gone(sessions, clock, place):
    assert told(sessions, clock, place, arn()) == {arn(): Answer(GONE, "there is no such key")}


def test_the_key_of_an_aws_alias_is_looked_up_without_making_it(accounts, clock, place):
    alias = {"AliasName": "alias/aws/s3", "TargetKeyId": ID}
    sessions = accounts().tell(MEMBER, "ListAliases", {"Aliases": [alias]})
    sessions.tell(MEMBER, "DescribeKey", described(manager="AWS"))
    assert told(sessions, clock, place, arn("alias/aws/s3"), arn("alias/aws/rds")) == {
        arn("alias/aws/s3"): Answer(fact(aliases=["alias/aws/s3"], manager="AWS")),
        arn("alias/aws/rds"): Answer(None, "AWS has not made this key yet"),
    }
    assert [asked[2:] for asked in sessions.asked] == [("ListAliases", {}), ("DescribeKey", {"KeyId": arn()})]


def test_an_aws_alias_is_not_known_where_aliases_may_not_be_listed(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "ListAliases", Denied("no"))
    reason = "its aliases are not known: no"
    assert told(sessions, clock, place, arn("alias/aws/s3")) == {
        arn("alias/aws/s3"): Answer(None, reason, refused=True)
    }


def test_without_the_list_of_aliases_they_are_not_known_but_the_rest_is(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "DescribeKey", described()).tell(MEMBER, "ListAliases", Denied("no"))
    assert told(sessions, clock, place, arn()) == {
        arn(): Answer(fact(aliases=None), "its aliases are not known: no", refused=True)
    }


def test_all_pages_of_aliases_count_and_names_without_a_key_do_not(accounts, clock, place):
    pages = [{"Aliases": [{"AliasName": f"alias/{name}", "TargetKeyId": ID}]} for name in "ba"]
    pages.append({"Aliases": [{"AliasName": "alias/aws/unused"}]})
    sessions = accounts().tell(MEMBER, "DescribeKey", described()).tell(MEMBER, "ListAliases", *pages)
    assert told(sessions, clock, place, arn()) == {arn(): Answer(fact(aliases=["alias/a", "alias/b"]))}


THEIRS = arn(account=OWNER)


def test_anothers_key_is_asked_of_the_member_and_its_aliases_of_the_owner(accounts, clock, place):
    alias = {"AliasName": "alias/theirs", "TargetKeyId": ID}
    sessions = accounts().tell(MEMBER, "DescribeKey", described(OWNER))
    sessions.tell(OWNER, "ListAliases", {"Aliases": [alias]})
    assert told(sessions, clock, place, THEIRS) == {THEIRS: Answer(fact(OWNER, ["alias/theirs"]))}


@pytest.mark.parametrize("members", [Denied("no"), Absent("NotFoundException")])
def test_anothers_key_that_the_member_may_not_see_is_asked_of_the_owner(accounts, clock, place, members):
    sessions = accounts().tell(MEMBER, "DescribeKey", members)
    sessions.tell(OWNER, "DescribeKey", described(OWNER)).tell(OWNER, "ListAliases", NO_ALIASES)
    assert told(sessions, clock, place, THEIRS) == {THEIRS: Answer(fact(OWNER))}


def test_anothers_key_is_gone_when_the_owner_says_so(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "DescribeKey", Denied("no")).tell(OWNER, "DescribeKey", Absent("x"))
    assert told(sessions, clock, place, THEIRS) == {
        THEIRS: Answer(GONE | {"account_id": OWNER}, "there is no such key")
    }


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        (Denied("the member may not"), "the member may not; the owner may not"),
        (Absent("x"), "account 111122223333 does not find it; the owner may not"),
    ],
)
def test_a_key_that_nobody_may_see_is_not_known_and_never_gone(accounts, clock, place, members, reason):
    sessions = accounts().tell(MEMBER, "DescribeKey", members).tell(OWNER, "DescribeKey", Denied("the owner may not"))
    assert told(sessions, clock, place, THEIRS) == {THEIRS: Answer(None, reason)}


def test_a_key_is_asked_for_in_its_own_region(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "DescribeKey", described()).tell(MEMBER, "ListAliases", NO_ALIASES)
    told(sessions, clock, place, arn().replace("eu-west-1", "us-east-1"))
    assert {region for _, region, *_ in sessions.asked} == {"us-east-1"}


@pytest.mark.parametrize("key", ["arn:aws:kms:eu-west-1", "arn:aws:s3:::bucket", arn("grant/x"), "", "x"])
def test_what_is_no_key_is_not_asked_for(accounts, clock, place, key):
    assert told(accounts(), clock, place, key) == {key: Answer(None, "this is not the ARN of a KMS key")}


def test_an_aws_alias_that_was_missing_is_looked_up_anew_by_the_next_event(accounts, clock, place):
    sessions = accounts().tell(MEMBER, "ListAliases", NO_ALIASES).tell(MEMBER, "DescribeKey", described(manager="AWS"))
    keys, alias = Keys(sessions, clock), arn("alias/aws/s3")
    missing = {alias: Answer(None, "AWS has not made this key yet")}
    assert [keys.fetch(place, [alias]) for _ in range(2)] == [missing, missing]
    sessions.tell(MEMBER, "ListAliases", {"Aliases": [{"AliasName": "alias/aws/s3", "TargetKeyId": ID}]})
    for _ in range(2):
        for cache in keys.caches:
            cache.renew()
        assert keys.fetch(place, [alias]) == {alias: Answer(fact(aliases=["alias/aws/s3"], manager="AWS"))}
    assert sessions.calls[MEMBER, "ListAliases"] == 2
