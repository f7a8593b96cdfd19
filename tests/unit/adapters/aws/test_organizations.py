"""Facts about accounts."""

from __future__ import annotations

import boto3

from opalite.adapters.aws.organizations import Accounts
from opalite.ports import Absent, Answer, Denied, Place

OWN, MEMBER = "123456789012", "111122223333"
PLACE = Place("aws", "", "")


def told(sessions, clock, *keys):
    return Accounts(sessions, clock).fetch(PLACE, list(keys))


def test_the_units_of_an_account_root_first(sessions, clock):
    organizations = boto3.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    above = organizations.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    unit = organizations.create_organizational_unit(ParentId=above, Name="shop")["OrganizationalUnit"]["Id"]
    members = [
        organizations.create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]["AccountId"]
        for name in ("shop", "other")
    ]
    organizations.move_account(AccountId=members[0], SourceParentId=root, DestinationParentId=unit)
    assert told(sessions, clock, *members) == {
        members[0]: Answer({"organizational_units": [root, above, unit]}),
        members[1]: Answer({"organizational_units": [root]}),
    }
    assert sessions.calls.counts() == {"organizations:ListParents": 4, "sts:GetCallerIdentity": 1}


def parents(**by_child):
    def answer(parameters):
        kind, parent = by_child[parameters["ChildId"].replace("-", "_")]
        return {"Parents": [{"Id": parent, "Type": kind}]}

    return answer


def test_units_are_asked_for_once_for_all_their_accounts(accounts, clock):
    ids = [f"{number:012d}" for number in range(30)]
    above = {f"{name}": ("ORGANIZATIONAL_UNIT", "ou-1") for name in ids}
    sessions = accounts().tell(OWN, "ListParents", parents(**above, ou_1=("ROOT", "r-1")))
    assert told(sessions, clock, *ids) == dict.fromkeys(ids, Answer({"organizational_units": ["r-1", "ou-1"]}))
    assert sessions.calls == {(OWN, "ListParents"): 31}


def test_a_refusal_is_told(accounts, clock):
    sessions = accounts().tell(OWN, "ListParents", Denied("organizations:ListParents is denied in account x"))
    assert told(sessions, clock, MEMBER) == {MEMBER: Answer(None, "organizations:ListParents is denied in account x")}


def test_an_account_of_elsewhere_has_no_known_units(accounts, clock):
    sessions = accounts().tell(OWN, "ListParents", Absent("ChildNotFoundException"))
    assert told(sessions, clock, MEMBER) == {
        MEMBER: Answer(None, "111122223333 is not in the organization of account 123456789012")
    }


def test_what_is_no_account_is_not_asked_for(accounts, clock):
    assert told(accounts(), clock, "ou-1") == {"ou-1": Answer(None, "this is not the id of an account")}


def test_an_answer_without_a_parent_or_without_an_end_tells_nothing(accounts, clock):
    sessions = accounts().tell(OWN, "ListParents", {"Parents": []})
    assert told(sessions, clock, MEMBER) == {MEMBER: Answer(None, "111122223333 has 0 parents")}
    sessions = accounts().tell(OWN, "ListParents", {"Parents": [{"Id": "ou-1", "Type": "ORGANIZATIONAL_UNIT"}]})
    assert told(sessions, clock, MEMBER) == {MEMBER: Answer(None, "no root above ou-1")}
