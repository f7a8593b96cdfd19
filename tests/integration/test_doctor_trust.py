"""`opalite doctor` where the doctor gets in and the function does not, and where function and organization do not fit."""

from __future__ import annotations

import json
import time

import pytest
from moto.backends import get_backend

from emulation.aws import REGION
from emulation.organization import MANAGEMENT
from integration.test_doctor import (  # noqa: F401 - fixtures
    ADMIN,
    FUNCTION,
    FUNCTION_ROLE,
    MEMBER,
    OTHER,
    ROLE,
    aws,
    doctor,
    told,
)

OWN_ROLE = "OpaliteDoctor"
IN = "the role does not let the function in: "
OTHER_ROLE = f"arn:aws:iam::{ADMIN}:role/Other"
EXTERNAL = {"StringEquals": {"sts:ExternalId": "abc"}}


def statement(condition=EXTERNAL, **more):
    usual = {"Effect": "Allow", "Principal": {"AWS": FUNCTION_ROLE}, "Action": "sts:AssumeRole"}
    return usual | ({"Condition": condition} if condition else {}) | more


@pytest.fixture
def looked(aws, doctor):  # noqa: F811
    """Examined by a role of the doctor's own, whom all accounts let in."""
    for account in (MEMBER, OTHER):
        aws.allow_role(account, OWN_ROLE)

    def run(*options):
        done = doctor("--all", "--role", OWN_ROLE, "--format", "json", *options)
        assert done.code == (1 if told(done) else 0)
        return done

    return run


def trust(aws, *statements):  # noqa: F811
    for account in (MEMBER, OTHER):
        client = aws.client("iam", account)
        client.update_assume_role_policy(
            RoleName=ROLE, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements})
        )


def settings(aws, **variables):  # noqa: F811
    own = aws.functions.configuration["Environment"]["Variables"]
    aws.functions.configuration["Environment"] = {"Variables": own | variables}


def said(done, check):
    return {one["message"] for one in json.loads(done.out)["diagnoses"] if one["check"] == check and one["message"]}


def test_what_is_well_stays_so_by_the_doctors_own_role(looked):
    assert told(looked()) == []


ROOT = {"AWS": f"arn:aws:iam::{ADMIN}:root"}


@pytest.mark.parametrize(
    ("statements", "variables", "message"),
    [
        ([statement({"StringEquals": {"sts:ExternalId": "rotated"}})], {}, IN + "sts:ExternalId is another one"),
        ([statement({"StringEquals": {"aws:PrincipalOrgID": "o-zzzzzzzzzz", "sts:ExternalId": "abc"}})], {},
         IN + "aws:PrincipalOrgID is another one"),
        ([statement()], {"OPALITE_EXTERNAL_ID": ""}, IN + "sts:ExternalId is demanded, and the function has none"),
        ([statement()], {"OPALITE_SOURCE_IDENTITY": "opalite"}, IN + "its trust does not allow sts:SetSourceIdentity"),
        ([statement({"StringEquals": {"sts:ExternalId": "abc", "sts:SourceIdentity": "opalite"}})], {},
         IN + "sts:SourceIdentity is demanded, and the function has none"),
        ([statement(), statement(None, Effect="Deny", Principal="*")], {}, IN + "its trust denies sts:AssumeRole"),
        ([statement(EXTERNAL | {"ArnEquals": {"aws:PrincipalArn": OTHER_ROLE}}, Principal=ROOT)], {},
         IN + "aws:PrincipalArn is another one"),
    ],
    ids=["external id", "organization", "no external id", "source identity", "no source identity", "deny", "another role"],
)  # fmt: skip
def test_a_trust_that_does_not_let_the_function_in_is_wrong(aws, looked, statements, variables, message):  # noqa: F811
    trust(aws, *statements)
    settings(aws, **variables)
    done = looked()
    assert told(done) == [("wrong", "role_trust", account) for account in (MEMBER, OTHER)]
    assert message in said(done, "role_trust")
    assert b"rotated" not in done.out


def test_what_cannot_be_told_of_a_trust_is_unknown(aws, looked, doctor):  # noqa: F811
    trust(aws, statement(EXTERNAL | {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    assert told(looked()) == [("unknown", "role_trust", account) for account in (MEMBER, OTHER)]
    # The function itself was let in: that is a proof.
    assert told(doctor("--all", "--format", "json")) == []


def test_the_sweep_that_the_template_has_made_should_be_named_too(aws, looked):  # noqa: F811
    made = f"arn:aws:iam::{ADMIN}:role/opalite-rules-{REGION}"
    aws.functions.configuration["Role"] = made
    trust(aws, statement(Principal={"AWS": made}))
    done = looked()
    assert (done.code, told(done)) == (0, [])
    assert f"the role does not name the sweep's role opalite-sweep-{REGION}" in said(done, "role_trust")
    trust(aws, statement(Principal={"AWS": [made, made.replace("rules", "sweep")]}))
    assert not any("sweep" in message for message in said(looked(), "role_trust"))


def test_a_function_of_an_organization_in_an_account_that_is_in_none_is_wrong(aws, doctor):  # noqa: F811
    aws.fail("organizations", "DescribeOrganization", code="AWSOrganizationsNotInUseException", times=None)
    done = doctor("--all", "--format", "json")
    assert ("wrong", "function_settings", "") in told(done)
    assert said(done, "function_settings") == {"the function serves an organization, but its account is in none"}


def test_rules_of_an_organization_for_a_function_of_one_account_are_wrong_if_anybody_says_so(aws, doctor):  # noqa: F811
    settings(aws, OPALITE_ACCOUNTS="", OPALITE_MEMBER_ROLE="", OPALITE_EXTERNAL_ID="")
    done = doctor("--format", "json")
    assert told(done) == [("wrong", "function_settings", "")]
    assert said(done, "function_settings") == {
        "the function refuses the events of other accounts, but organization rules name it: buckets"
    }
    aws.fail("config", "DescribeOrganizationConfigRules", code="AccessDeniedException", times=None)
    assert doctor().code == 0


@pytest.fixture
def single(aws, doctor):  # noqa: F811
    """A function of one account in no organization."""
    aws.fail("organizations", "DescribeOrganization", code="AWSOrganizationsNotInUseException", times=None)
    settings(aws, OPALITE_ACCOUNTS="", OPALITE_MEMBER_ROLE="", OPALITE_EXTERNAL_ID="", OPALITE_RULES="buckets,volumes,")
    aws.config.remove_rule(ADMIN, "OrgConfigRule-buckets-abcdefgh")
    for name in ("buckets", "volumes"):
        rule(aws, name)
    return lambda: doctor("--all", "--format", "json")


def rule(aws, name):  # noqa: F811
    """One of the account's own, that was evaluated."""
    made = aws.config.rule(ADMIN, name, function_arn=FUNCTION, organization=False)
    evaluation = {"ComplianceResourceType": "AWS::S3::Bucket", "ComplianceResourceId": "b", "ComplianceType": "COMPLIANT",
                  "OrderingTimestamp": time.time()}  # fmt: skip
    token = aws.config.token(ADMIN, made)
    aws.client("config", ADMIN).put_evaluations(Evaluations=[evaluation], ResultToken=token)


def test_the_rules_of_a_single_account_are_those_that_are_listed(aws, single):  # noqa: F811
    assert told(single()) == []
    aws.config.remove_rule(ADMIN, "volumes")
    done = single()
    assert told(done) == [("wrong", "rule_state", ADMIN)]
    assert said(done, "rule_state") == {"OPALITE_RULES lists what is no Config rule of the function here: volumes"}
    rule(aws, "volumes")
    rule(aws, "mine")
    done = single()
    assert told(done) == [("wrong", "rule_state", ADMIN)]
    assert said(done, "rule_state") == {"the function refuses the events of what OPALITE_RULES does not list: mine"}


def test_the_management_account_that_the_doctors_role_is_not_in_is_a_notice(looked):
    done = looked()
    found = [one for one in json.loads(done.out)["diagnoses"] if one["account_id"] == MANAGEMENT]
    assert [one["state"] for one in found if one["check"] == "member_role"] == ["notice"]


def test_an_account_that_is_suspended_or_a_strangers_is_told_as_such(aws, doctor):  # noqa: F811
    stranger = "444455556666"
    for account in get_backend("organizations")[MANAGEMENT]["aws"].accounts:
        if account.id == OTHER:
            account.status = account.state = "SUSPENDED"
    aws.forbid_role(OTHER, ROLE)
    done = doctor("--accounts", f"{OTHER},{stranger}", "--format", "json")
    assert told(done) == [("wrong", "member_role", OTHER), ("wrong", "member_role", stranger)]
    assert said(done, "member_role") == {"the account is SUSPENDED", "the account is not in the organization"}
