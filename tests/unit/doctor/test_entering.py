"""Whether the function gets in by the trust of a role, whoever the doctor is."""

from __future__ import annotations

import json

import pytest

from opalite.doctor import entering
from opalite.doctor.diagnosis import Reply
from opalite.doctor.entering import Answer
from opalite.doctor.settings import Entering
from unit.doctor.cloud import FUNCTION, FUNCTION_ROLE, OWN, REGION

ORGANIZATION = "o-exampleorgid"
ROOT = f"arn:aws:iam::{OWN}:root"
USUAL = {"StringEquals": {"aws:PrincipalOrgID": ORGANIZATION, "sts:ExternalId": "abc"}}
GIVEN = Entering(external_id="abc")
IDENTIFIED = Entering(external_id="abc", source_identity="opalite")
IN = "the role does not let the function in: "
OF_OURS = {"StringEquals": {"sts:SourceIdentity": "opalite"}}


def allow(condition=USUAL, *, principal=FUNCTION_ROLE, action="sts:AssumeRole", **more):
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, "Condition": condition} | more


def deny(condition=None, **more):
    denied = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
    return denied | ({} if condition is None else {"Condition": condition}) | more


def answer(*statements, given=GIVEN, organization=ORGANIZATION, told=None):
    one = entering.caller(FUNCTION_ROLE, given, told or Reply(value={"Id": organization}), organization)
    return entering.answered(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), one)


def external(value):
    return {"StringEquals": {"sts:ExternalId": value}}


@pytest.mark.parametrize(
    "statements",
    [
        [allow()],
        [allow(principal=ROOT)],
        [allow(principal=OWN)],
        [allow(principal="*")],
        [allow(action=["sts:TagSession", "sts:Assume*"])],
        [allow(external("other")), allow()],
        [allow(), deny(external("other"))],
        [allow(), deny(Principal={"AWS": "arn:aws:iam::444455556666:root"})],
        [allow(), deny(Action="sts:SetSourceIdentity")],
        [allow(), deny({"Bool": {"aws:SecureTransport": "false"}})],
        [allow(), deny({"StringNotEquals": {"aws:PrincipalOrgID": ORGANIZATION}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}})],
        [allow({"StringEquals": {"sts:RoleSessionName": "opalite", "aws:PrincipalAccount": OWN}})],
        [allow({"ArnEquals": {"aws:PrincipalArn": FUNCTION_ROLE}}, principal=ROOT)],
        [allow(), allow({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})],
    ],
)  # fmt: skip
def test_the_function_is_let_in(statements):
    assert answer(*statements) == Answer(lets=True)


@pytest.mark.parametrize(
    ("statements", "given", "why"),
    [
        ([allow(external("rotated"))], GIVEN, IN + "sts:ExternalId is another one"),
        ([allow({"StringEquals": {"aws:PrincipalOrgID": "o-other"}})], GIVEN, IN + "aws:PrincipalOrgID is another one"),
        ([allow()], Entering(), IN + "sts:ExternalId is demanded, and the function has none"),
        ([allow()], IDENTIFIED, IN + "its trust does not allow sts:SetSourceIdentity"),
        ([allow(), allow({"StringEquals": {"sts:SourceIdentity": "x"}}, action="sts:SetSourceIdentity")], IDENTIFIED,
         IN + "sts:SourceIdentity is another one"),
        ([allow({"StringEquals": {"sts:SourceIdentity": "opalite"}})], GIVEN,
         IN + "sts:SourceIdentity is demanded, and the function has none"),
        ([allow(), deny()], GIVEN, IN + "its trust denies sts:AssumeRole"),
        ([allow(), deny(external("abc"), Principal={"AWS": ROOT})], GIVEN, IN + "its trust denies sts:AssumeRole"),
        ([allow(), deny({"Null": {"sts:SourceIdentity": "true"}})], GIVEN, IN + "its trust denies sts:AssumeRole"),
        ([allow(), {"Effect": "Deny", "Principal": "*", "NotAction": "sts:TagSession"}], GIVEN,
         IN + "its trust denies sts:AssumeRole"),
        ([allow({"ArnEquals": {"aws:PrincipalArn": ROOT.replace("root", "role/other")}}, principal=ROOT)], GIVEN,
         IN + "aws:PrincipalArn is another one"),
        ([allow({"StringNotEquals": {"sts:ExternalId": "abc"}})], GIVEN, IN + "StringNotEquals of sts:ExternalId does not hold"),
        ([allow(external("x") | {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], GIVEN, IN + "sts:ExternalId is another one"),
        ([allow(principal=f"{ROOT}".replace("root", "role/Other"))], GIVEN, entering.NOT_NAMED),
        ([allow(action="sts:TagSession")], GIVEN, entering.NOT_NAMED),
        ([allow(Principal={"Service": "ec2.amazonaws.com"})], GIVEN, entering.NOT_NAMED),
        ([], GIVEN, entering.NOT_NAMED),
        ([allow()], Entering(external_id="abc", session_tags={"team": "blue"}), IN + "its trust does not allow sts:TagSession"),
    ],
)  # fmt: skip
def test_the_function_is_not_let_in_and_the_reason_shows_no_value(statements, given, why):
    told = answer(*statements, given=given)
    assert told == Answer(lets=False, why=why)
    assert not {"rotated", "abc", "o-other"} & set(told.why.replace(",", "").split())


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ([allow({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})], "IpAddress of aws:SourceIp"),
        ([allow(), deny({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}})], "StringNotEquals of aws:SourceVpc"),
        ([allow(principal=f"arn:aws:sts::{OWN}:assumed-role/OpaliteFunction/opalite")],
         "a principal that is a session"),
        ([allow(), {"Effect": "Deny", "NotPrincipal": {"AWS": FUNCTION_ROLE}, "Action": "*"}],
         "NotPrincipal"),
        ([allow({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), deny({"Bool": {"aws:MultiFactorAuthPresent": "false"}})],
         "Bool of aws:MultiFactorAuthPresent, IpAddress of aws:SourceIp"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_neither_well_nor_wrong(statements, why):
    assert answer(*statements) == Answer(lets=None, why=why)


def test_a_source_identity_and_tags_as_the_template_allows_them():
    given = Entering(external_id="abc", source_identity="opalite", session_tags={"Team": "blue"})
    identity = allow(OF_OURS, principal=ROOT, action="sts:SetSourceIdentity")
    tags = {"StringEquals": {"aws:RequestTag/Team": "blue"}, "ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}
    tagged = allow(tags, action="sts:TagSession")
    assume = allow({"StringEquals": USUAL["StringEquals"] | OF_OURS["StringEquals"]})
    assert answer(assume, identity, tagged, given=given).lets is True


def test_the_organization_may_be_none_or_nobody_says():
    assert answer(allow(), organization="", told=Reply(absent="AWSOrganizationsNotInUseException")).lets is False
    assert answer(allow(), organization="", told=Reply(unknown="denied")).lets is None


def test_nothing_shows_the_external_id():
    one = entering.caller(FUNCTION_ROLE, Entering(external_id="hidden", session_tags={"a": "hidden"}), Reply(), "o-1")
    assert "hidden" not in repr(one) + repr(Entering(external_id="hidden", session_tags={"a": "hidden"}))


def test_the_role_of_the_sweep_is_known_where_the_template_has_made_the_functions():
    made = f"arn:aws:iam::{OWN}:role/path/opalite-rules-{REGION}"
    assert entering.sweep_of(FUNCTION, made) == f"arn:aws:iam::{OWN}:role/path/opalite-sweep-{REGION}"
    for function, role in ((FUNCTION, FUNCTION_ROLE), (FUNCTION, f"{made}-2"), (None, made), (FUNCTION, "")):
        assert entering.sweep_of(function, role) == ""


def test_a_role_names_another_or_its_account():
    sweep = f"arn:aws:iam::{OWN}:role/opalite-sweep-{REGION}"
    policies = [{"Statement": allow(principal=one)} for one in (sweep, ROOT, FUNCTION_ROLE)]
    assert [entering.names(policy, sweep) for policy in policies] == [True, True, False]
