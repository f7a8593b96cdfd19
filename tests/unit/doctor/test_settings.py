"""What is said where function, organization and options do not fit together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opalite.doctor.diagnosis import State
from opalite.ports import Denied
from unit.doctor.cloud import FUNCTION, MANAGEMENT, MEMBER, OTHER, OWN, REGION, SUBJECT, Cloud, found, states, trust

NONE = Denied(f"organizations:DescribeOrganization is denied in account {OWN} (AWSOrganizationsNotInUseException)")
RULES = "config:DescribeOrganizationConfigRules"
OWN_ONLY = {"OPALITE_ACCOUNTS": ""}


def scene(*, organization=True, **variables) -> Cloud:
    cloud = Cloud()
    cloud.answers["lambda:GetFunctionConfiguration"]["Environment"]["Variables"] |= variables
    if not organization:
        cloud.answers["organizations:DescribeOrganization"] = NONE
    return cloud


def said(cloud, subject=SUBJECT):
    [one] = [one for one in found(cloud, subject) if one.check == "function_settings"]
    return str(one.state), one.message


@pytest.mark.parametrize(
    ("given", "variables", "whole", "message"),
    [
        (FUNCTION, {}, False, "the function serves an organization, but its account is in none"),
        (FUNCTION, {}, True, "the function serves an organization, but its account is in none"),
        (FUNCTION, OWN_ONLY, True, ""),
        (FUNCTION, {"OPALITE_ACCOUNTS": MEMBER}, False, ""),
        (FUNCTION, {"OPALITE_ACCOUNTS": MEMBER}, True, "--all means an organization, but the account is in none"),
        (None, {}, True, "--all means an organization, but the account is in none"),
    ],
)
def test_without_an_organization_nobody_can_serve_one(given, variables, whole, message):
    state, told = said(scene(organization=False, **variables), replace(SUBJECT, function=given, whole=whole))
    assert (state, told) == ("wrong" if message else "well", message)


def test_what_is_unknown_of_the_settings_stays_so_without_an_organization():
    cloud = scene(organization=False)
    cloud.deny("lambda:GetFunctionConfiguration")
    assert said(cloud)[0] == "unknown"


def test_a_function_of_an_organization_without_a_role_enters_no_account_whoever_the_doctor_is():
    message = "the function serves an organization, but has no role to enter its accounts (OPALITE_MEMBER_ROLE)"
    cloud = scene(OPALITE_MEMBER_ROLE="", OPALITE_EXTERNAL_ID="")
    assert said(cloud) == said(cloud, replace(SUBJECT, role="OpaliteRead")) == ("wrong", message)


def test_a_function_of_one_account_that_organization_rules_name_refuses_all_others():
    assert said(scene(**OWN_ONLY)) == (
        "wrong", "the function refuses the events of other accounts, but organization rules name it: buckets",
    )  # fmt: skip
    cloud = scene(**OWN_ONLY)
    cloud.deny(RULES)
    assert said(cloud) == ("well", "")
    cloud.answers[RULES] = {"OrganizationConfigRules": []}
    assert said(cloud) == ("well", "")


@pytest.mark.parametrize("qualifier", ["live", "7"])
def test_rules_of_the_plain_function_are_told_from_those_of_an_alias(qualifier):
    message = "the Config rules name the plain function, not this version or alias"
    for cloud, check in ((scene(), "organization_rules"), (scene(organization=False, **OWN_ONLY), "rule_state")):
        told = found(cloud, replace(SUBJECT, function=f"{FUNCTION}:{qualifier}"))
        wrong = [one for one in told if one.check == check and one.state is State.WRONG]
        assert {one.message for one in wrong} == {message}
        assert {one.remedy for one in wrong} == {"leave it out of --function, or let the rules name it"}


def test_a_rule_that_is_not_listed_is_worth_knowing_in_another_account():
    cloud = scene()
    copy, strange = cloud.answers["config:DescribeConfigRules"]["ConfigRules"]
    mine = {
        **copy,
        "ConfigRuleName": "mine",
        "ConfigRuleArn": f"arn:aws:config:{REGION}:{MEMBER}:config-rule/config-rule-a",
    }
    cloud.only("config:DescribeConfigRules", MEMBER, {"ConfigRules": [copy, strange, mine]})
    status = cloud.answers["config:DescribeConfigRuleEvaluationStatus"]["ConfigRulesEvaluationStatus"]
    status.append(status[0] | {"ConfigRuleName": "mine"})
    told = found(cloud)
    assert (states(told, State.WRONG), ("rule_state", MEMBER) in states(told, State.NOTICE)) == ([], True)


def test_the_doctors_role_that_is_not_in_the_management_account_is_a_notice():
    told = found(Cloud(), replace(SUBJECT, role="OpaliteRead"))
    assert ("member_role", MANAGEMENT) in states(told, State.NOTICE)
    assert states(told, State.UNKNOWN) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"Account": {"State": "SUSPENDED"}}, "the account is SUSPENDED"),
        ({"Account": {"Status": "SUSPENDED"}}, "the account is SUSPENDED"),
        ({"Account": {"State": "ACTIVE"}}, None),
        (Denied("organizations:DescribeAccount is denied in account 111111111111 (AccessDeniedException)"), None),
    ],
)
def test_a_named_account_that_is_gone_is_told_as_such(answer, message):
    cloud = Cloud(closed={OTHER})
    cloud.answers["organizations:DescribeAccount"] = answer
    told = [one for one in found(cloud, replace(SUBJECT, whole=False, accounts=(OTHER,))) if one.account_id == OTHER]
    [role] = [one for one in told if one.check == "member_role"]
    assert role.message == (message or "role OpaliteMember cannot be assumed")
    assert {one.state for one in told} == {State.WRONG, State.SKIPPED if message else State.UNKNOWN}


def test_the_external_id_of_an_option_is_the_doctors_not_the_functions():
    cloud = scene()
    document = trust(condition={"StringEquals": {"sts:ExternalId": "of-the-doctor"}})
    cloud.answers["iam:GetRole"] = {"Role": {"AssumeRolePolicyDocument": document}}
    subject = replace(SUBJECT, role="OpaliteMember", external_id="of-the-doctor")
    assert states(found(cloud, subject), State.WRONG) == [("role_trust", MEMBER), ("role_trust", OTHER)]


def test_where_the_environment_is_not_known_the_trust_must_name_the_function_and_no_more():
    cloud = scene(OPALITE_UNKNOWN="x")
    subject = replace(SUBJECT, role="OpaliteMember")
    assert not [one for one in found(cloud, subject) if one.check == "role_trust" and one.state is State.WRONG]
    cloud.answers["iam:GetRole"] = {
        "Role": {"AssumeRolePolicyDocument": trust(principal={"AWS": f"arn:aws:iam::{OWN}:role/X"})}
    }
    assert {one.message for one in found(cloud, subject) if one.check == "role_trust" and one.state is State.WRONG} == {
        "the role does not trust the function"
    }
