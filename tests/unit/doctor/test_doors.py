"""Who else may invoke the function, what is told of a Region that is off, and of an organization in which there is nobody."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from opalite.doctor.diagnosis import Diagnosis, State
from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from unit.doctor.cloud import FUNCTION, FUNCTION_ROLE, MANAGEMENT, MEMBER, OTHER, OWN, SUBJECT, Cloud, found, trust

CONFIG = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "lambda:InvokeFunction"}
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"}
URL = "lambda:InvokeFunctionUrl"


def policy(*statements):
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements})}


def permission(cloud: Cloud, subject=SUBJECT) -> Diagnosis:
    return next(one for one in found(cloud, subject) if one.check == "function_permission")


@pytest.mark.parametrize(
    ("more", "is_open"),
    [
        ({}, True),
        ({"Principal": {"AWS": [f"arn:aws:iam::{OWN}:root", "*"]}}, True),
        ({"Condition": {"StringLike": {"aws:PrincipalArn": "*"}}}, True),
        ({"Action": URL, "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}}, True),
        ({"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}, False),
        ({"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/r-exmp/*"}}}, False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:config:*:{OWN}:*"}}}, False),
        ({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
    ],
)  # fmt: skip
def test_everybody_may_invoke_it_unless_a_condition_says_who_he_is(more, is_open):
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = policy(CONFIG, EVERYBODY | more)
    told = permission(cloud)
    assert (told.state is State.WRONG, told.message) == (
        is_open,
        "everybody may invoke the function" if is_open else "",
    )


@pytest.mark.parametrize(
    ("denied", "accounts"),
    [
        ({}, 3),
        ({"Principal": {"Service": "config.amazonaws.com"}}, 3),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": MEMBER}}}, 1),
        ({"Principal": {"AWS": "*"}}, 0),
        ({"Action": "lambda:UpdateFunctionCode"}, 0),
    ],
)
def test_what_the_policy_denies_is_not_allowed(denied, accounts):
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = policy(CONFIG, EVERYBODY | {"Effect": "Deny"} | denied)
    told = permission(cloud)
    assert told.state is (State.WRONG if accounts else State.WELL)
    assert told.message.startswith(f"AWS Config of {accounts} accounts may not" if accounts else "")


def test_the_commands_let_nobody_in_but_the_own_account():
    """A permission without a source would be for Config rules of whatever account; and it replaces nothing that a template made."""
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = policy()
    assert permission(cloud).command == ""

    cloud.absent("organizations:DescribeOrganization", "AWSOrganizationsNotInUseException")
    told = permission(cloud, replace(SUBJECT, whole=False))
    assert told.command == (
        f"aws lambda add-permission --function-name {FUNCTION} --statement-id config --action lambda:InvokeFunction "
        f"--principal config.amazonaws.com --source-account {OWN}"
    )


def test_a_resource_policy_is_looked_at_where_it_is():
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = Absent("ResourceNotFoundException")
    cloud.answers["lambda:GetResourcePolicy"] = policy(EVERYBODY)
    assert permission(cloud).command == f"aws lambda get-resource-policy --resource-arn {FUNCTION}"


def test_no_permission_helps_in_a_region_that_is_not_enabled():
    """Not even of the role by which an evaluation is tried."""
    cloud = Cloud()
    refused = Denied("config:X is denied in account 222222222222, eu-west-1 (UnrecognizedClientException)")
    config = {"config:DescribeConfigurationRecorders", "config:DescribeConfigRules", "config:PutEvaluations"}
    cloud.answers |= dict.fromkeys(config, refused)
    told = [one for one in found(cloud) if one.account_id == MEMBER and one.state is not State.WELL]
    assert {one.check for one in told} >= {"recorder", "rule_state", "test_evaluation"}
    assert {(one.state, one.remedy) for one in told} == {
        (State.UNKNOWN, "enable the Region in the account, or leave it out of --regions")
    }


def test_to_have_looked_at_no_account_is_not_well():
    with pytest.raises(AwsError, match="AWS lists no active account"):
        found(Cloud(), accounts=tuple)


LEFT_OUT = "all rules of the organization leave the account out"


def left_out(*accounts: str) -> Cloud:
    cloud = Cloud(closed={OTHER, MANAGEMENT})
    cloud.entry("config:DescribeOrganizationConfigRules", ExcludedAccounts=[])
    rules = cloud.answers["config:DescribeOrganizationConfigRules"]["OrganizationConfigRules"]
    rules[1] = rules[1] | {"ExcludedAccounts": list(accounts)}
    return cloud


def of(account: str, diagnoses: list[Diagnosis]) -> set[tuple[str, str]]:
    return {(one.state, one.message) for one in diagnoses if one.account_id == account}


def test_nothing_is_expected_of_accounts_that_all_rules_leave_out():
    """Neither of the management account, as docs/deploy.md has it, nor of another one."""
    told = found(left_out(OTHER, MANAGEMENT))
    assert of(OTHER, told) == of(MANAGEMENT, told) == {(State.SKIPPED, LEFT_OUT)}
    several = found(left_out(OTHER), replace(SUBJECT, regions=("eu-west-1", "us-east-1")))
    checks = [(one.check, one.region) for one in several if one.account_id == OTHER]
    assert len(checks) == len(set(checks)) == 2 + 2 * 10


def test_whoever_names_an_account_or_lists_a_rule_of_it_wants_it_looked_at():
    named = found(left_out(OTHER), replace(SUBJECT, whole=False, accounts=(OTHER,)))
    cloud = left_out(OTHER)
    environment = cloud.answers["lambda:GetFunctionConfiguration"]["Environment"]["Variables"]
    environment["OPALITE_RULES"] = f"arn:aws:config:eu-west-1:{OTHER}:config-rule/config-rule-abcdef"
    for told in (named, found(cloud)):
        assert [one.state for one in told if (one.check, one.account_id) == ("member_role", OTHER)] == [State.WRONG]
    served = found(left_out(MANAGEMENT))
    assert [one.state for one in served if (one.check, one.account_id) == ("member_role", OTHER)] == [State.WRONG]


STRANGER = "999911112222"
NO_ORGANIZATION = {"StringEquals": {"sts:ExternalId": "abc"}}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"AWS": f"arn:aws:iam::{STRANGER}:root"}, STRANGER),
        ({"AWS": [STRANGER]}, STRANGER),
        ({"AWS": [FUNCTION_ROLE, f"arn:aws:iam::{STRANGER}:role/OpaliteFunction"]}, STRANGER),
        ({"AWS": f"arn:aws:iam::{OWN}:role/doctor"}, ""),
        ({"Service": "ec2.amazonaws.com"}, ""),
    ],
)
def test_a_role_that_trusts_a_stranger_beside_the_function_is_found(more, named):
    """An external id is no secret: whoever reads the stack set's parameters knows it."""
    cloud = Cloud()
    document = trust()
    document["Statement"] += trust(principal=more, condition=NO_ORGANIZATION)["Statement"]
    cloud.answers["iam:GetRole"] = {"Role": {"AssumeRolePolicyDocument": document}}
    (told,) = [one for one in found(cloud) if (one.check, one.account_id) == ("role_trust", MEMBER)]
    assert (told.state, told.message) == (
        (State.WRONG, f"the role trusts account {named} as well, of whatever organization")
        if named
        else (State.WELL, "")
    )


@pytest.mark.parametrize(
    ("principal", "organization", "state"),
    [
        ({"AWS": f"arn:aws:iam::{STRANGER}:root"}, "o-exampleorgid", State.WELL),
        ({"AWS": f"arn:aws:iam::{STRANGER}:root"}, "o-another00000", State.WRONG),
        ({"AWS": "*"}, "o-exampleorgid", State.WELL),
        ({"AWS": "*"}, "o-another00000", State.WRONG),
        ({"AWS": "*"}, ["o-exampleorgid", "o-another00000"], State.WRONG),
    ],
)
def test_who_is_of_the_organization_is_no_stranger(principal, organization, state):
    cloud = Cloud()
    document = trust()
    condition = {"StringEquals": {"aws:PrincipalOrgID": organization}}
    document["Statement"] += trust(principal=principal, condition=condition)["Statement"]
    cloud.answers["iam:GetRole"] = {"Role": {"AssumeRolePolicyDocument": document}}
    assert [one.state for one in found(cloud) if (one.check, one.account_id) == ("role_trust", MEMBER)] == [state]
