from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from opalite.adapters.aws import cloudtrail_events
from opalite.cli.template import needs
from opalite.deployment import member
from opalite.engine import bundle, shipped
from opalite.facts import live
from opalite.publish.addressees import UP_TO_CREATOR
from opalite.remediation.actions import ACTIONS
from opalite.remediation.aws import asking, findings


@pytest.fixture(scope="module")
def policies():
    return bundle.read(shipped.folder("data")).data["catalog"]["policies"]


@pytest.fixture(scope="module")
def template(policies):
    return member.template(needs(), ACTIONS, policies)


def allowed(role: dict, condition: str = "") -> set[str]:
    """Always, or only under a condition."""
    listed = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    switched = [one["Fn::If"] for one in listed if "Fn::If" in one]
    given = (
        [one for name, one, _ in switched if name == condition]
        if condition
        else [one for one in listed if "Action" in one]
    )
    return {action for one in given for action in one["Action"]}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_of_use_for_a_policy(policies, name):
    found = member.used_by(ACTIONS[name], policies)
    assert found
    kinds = {kind for policy_id in found for kind in policies[policy_id]["resource_types"]}
    assert "*" in ACTIONS[name].resource_types or kinds <= set(ACTIONS[name].resource_types)


@pytest.mark.parametrize("name", ACTIONS)
def test_a_role_of_remediation_has_the_actions_permissions_and_the_facts_of_its_policies(policies, template, name):
    action = ACTIONS[name]
    kinds = {kind for policy_id in member.used_by(action, policies) for kind in policies[policy_id].get("facts") or ()}
    facts = {one for kind in kinds for one in live.ACTIONS[kind]}
    own = {one for permission in action.permissions for one in permission.actions}
    assert allowed(template["Resources"][f"{member.logical_id(name)}Role"]) == own | facts | set(findings.ACTIONS)


@pytest.mark.parametrize("name", ACTIONS)
def test_only_roles_of_what_is_up_to_the_creator_may_look_him_up_and_only_if_that_is_on(template, name):
    role = template["Resources"][f"{member.logical_id(name)}Role"]
    assert allowed(role, "CreatorsOn") == (set(cloudtrail_events.ACTIONS) if name in UP_TO_CREATOR else set())


def test_roles_of_remediation_are_off_by_default(template):
    assert {template["Parameters"][member.logical_id(name)]["Default"] for name in ACTIONS} == {"off"}
    assert {template["Resources"][f"{member.logical_id(name)}Role"]["Condition"] for name in ACTIONS} == {
        f"{member.logical_id(name)}On" for name in ACTIONS
    }


def test_whoever_asks_for_a_role_says_for_whom(template):
    asked = {"Detection": "FunctionRoleArns", **{member.logical_id(name): "RemediationRoleArns" for name in ACTIONS}}
    assert template["Rules"] == {
        f"{switch}IsForSomebody": {
            "RuleCondition": {"Fn::Equals": [{"Ref": switch}, "on"]},
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::EachMemberEquals": [{"Ref": principals}, ""]}]},
                    "AssertDescription": f"{switch}=on: set {principals}, an output of the main stack",
                }
            ],
        }
        for switch, principals in asked.items()
    }


def test_what_only_the_administrator_of_the_organization_may_ask_is_no_permission_of_a_member(template):
    every = {action for role in template["Resources"].values() for one in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] for action in one.get("Action", ())}  # fmt: skip
    services = {action.partition(":")[0] for action in every}
    assert {"config", "kms", "s3", "organizations"} & services == {"config", "kms", "s3"}


def test_roles_and_sessions_are_called_as_remediation_calls_them():
    assert [member.role_name(name) for name in ACTIONS] == [asking.role_name("", name) for name in ACTIONS]
    assert fnmatchcase(f"{asking.NOBODY}-4f1c", member.SESSIONS)


def test_names_of_roles_fit_behind_the_longest_prefix():
    assert max(len(member.role_name(name)) for name in ACTIONS) + 24 <= 64
