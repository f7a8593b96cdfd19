"""The roles of a member account, as a template for a stack set: one to read and to write back, one for each remediation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from opalite.deployment.member_parameters import CONDITIONS, PARAMETERS, groups, is_on, rules, switch
from opalite.deployment.names import logical_id
from opalite.deployment.statements import imports, plain, statements, updates
from opalite.model import JsonObject
from opalite.publish.addressees import UP_TO_CREATOR
from opalite.remediation.action import Action, Permission
from opalite.remediation.actions.run_automation import DOCUMENTS

FACTS_OF_CALLER: Final = "account"  # the kind of fact that the member's role does not ask for
SWEEP_ALONE: Final = frozenset({"config:StartConfigRulesEvaluation"})  # the function behind the rules starts none
SESSIONS: Final = "opalite*"  # what the sessions of remediation are called

# Policies for which an action is set in the settings, beside those whose METADATA name it.
ALSO_FOR: Final[Mapping[str, tuple[str, ...]]] = {
    "delete_load_balancer": (
        "aws.elasticloadbalancing.loadbalancer.in_use",
        "aws.elasticloadbalancingv2.loadbalancer.in_use",
    ),
    "quarantine_instance": ("aws.ec2.instance.approved_image",),
    "run_automation": tuple(document.policy_id for document in DOCUMENTS.values()),
    "stop_instance": ("aws.ec2.instance.approved_image",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The IAM actions of what asks AWS in a member account, as the adapters name them.

    `facts`: by kind. `hub`, `workflows`, `creators`: only where these are switched on. `suppress`, `note`: the workflow states that
    the Config rules' function, and that of remediation, set.
    """

    config: Sequence[str]
    sweep: Sequence[str]
    facts: Mapping[str, Sequence[str]]
    hub: Sequence[str]
    findings: Sequence[str]
    workflows: Sequence[str]
    creators: Sequence[str]
    suppress: Sequence[str]
    note: Sequence[str]

    def facts_of(self, kinds: Iterable[str]) -> list[str]:
        """The actions for some kinds."""
        return [action for kind in kinds if kind != FACTS_OF_CALLER for action in self.facts[kind]]


def template(needs: Needs, actions: Mapping[str, Action], policies: Mapping[str, Any]) -> JsonObject:
    """`policies`: the catalog's."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Opalite: roles of a member account, made by `make template`",
        "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": groups(actions)}},
        "Parameters": {**PARAMETERS, **{logical_id(name): switch(action) for name, action in actions.items()}},
        "Rules": rules(actions),
        "Conditions": {
            **CONDITIONS,
            **{f"{logical_id(name)}On": is_on(logical_id(name)) for name in actions},
        },
        "Resources": {
            "MemberRole": _member_role(needs),
            **{f"{logical_id(name)}Role": _remediation(action, needs, policies) for name, action in actions.items()},
        },
    }


def used_by(action: Action, policies: Mapping[str, Any]) -> list[str]:
    """The policies that an action is for."""
    named = {
        policy_id
        for policy_id, entry in policies.items()
        if (entry.get("remediation") or {}).get("action") == action.name
    }
    return sorted(named | (set(ALSO_FOR.get(action.name, ())) & policies.keys()))


def own_account(needs: Needs) -> tuple[list[JsonObject], dict[str, str]]:
    """What the Config rules' function needs for rules of its own account, where it has no other role; and the reasons by Sid.

    In the accounts it shares the member role with the sweep. Here each has its own.
    """
    alone = replace(needs, config=[one for one in needs.config if one not in SWEEP_ALONE], sweep=(), findings=())
    return _switched(_detection(alone), "Own")


def own_account_of_the_sweep(needs: Needs) -> tuple[list[JsonObject], dict[str, str]]:
    """The same of the sweep."""
    findings = (*plain(needs.findings), imports(needs.hub))
    suppression = (updates(needs.workflows, needs.suppress),)
    return _switched(((plain(needs.sweep), ""), (findings, "HubOn"), (suppression, "SuppressionOn")), "Own")


def role_name(action: str) -> str:
    """Behind the beginning that all have; as remediation.aws.asking has it."""
    return action.replace("_", "-")


def _detection(needs: Needs) -> tuple[tuple[Sequence[Permission], str], ...]:
    """Permissions, and the condition under which they are given."""
    always = plain([*needs.config, *needs.sweep, *needs.facts_of(needs.facts)])
    return (
        (always, ""),
        ((imports(needs.hub), *plain(needs.findings)), "HubOn"),
        ((updates(needs.workflows, needs.suppress),), "SuppressionOn"),
        (plain(needs.creators), "CreatorsOn"),
    )


def _switched(
    parts: Iterable[tuple[Sequence[Permission], str]], prefix: str
) -> tuple[list[JsonObject], dict[str, str]]:
    found: list[JsonObject] = []
    reasons: dict[str, str] = {}
    for permissions, condition in parts:
        made, why = statements(permissions, f"{prefix}{condition.removesuffix('On') or 'Config'}")
        reasons |= why
        found += [{"Fn::If": [condition, one, {"Ref": "AWS::NoValue"}]} for one in made] if condition else made
    return found, reasons


def _member_role(needs: Needs) -> JsonObject:
    made, reasons = _switched(_detection(needs), "")
    return {
        "Type": "AWS::IAM::Role",
        "Condition": "Detecting",
        "Metadata": {"Reasons": reasons},
        "Properties": {
            "RoleName": {"Ref": "MemberRoleName"},
            "Description": "Read by Opalite, and told what it has found; assumed by its functions alone",
            "AssumeRolePolicyDocument": _trust("FunctionRoleArns", {}),
            "Policies": [_policy("detection", made)],
        },
    }


def _remediation(action: Action, needs: Needs, policies: Mapping[str, Any]) -> JsonObject:
    kinds = {kind for policy_id in used_by(action, policies) for kind in policies[policy_id].get("facts") or ()}
    has = {one for permission in action.permissions if not permission.conditions for one in permission.actions}
    name = logical_id(action.name)
    own, why = statements(action.permissions, name)
    facts, why_facts = statements(plain({*needs.facts_of(kinds)} - has), f"{name}Facts")
    noted, _ = statements([updates(needs.workflows, needs.note), *plain(needs.findings)], f"{name}Note")
    creators = plain(needs.creators) if action.name in UP_TO_CREATOR else ()
    looked_up, why_looked_up = _switched(((creators, "CreatorsOn"),), name)
    return {
        "Type": "AWS::IAM::Role",
        "Condition": f"{name}On",
        "Metadata": {"Reasons": {**why, **why_facts, **why_looked_up}},
        "Properties": {
            "RoleName": {"Fn::Sub": f"${{RemediationRolePrefix}}{role_name(action.name)}"},
            "Description": f"{action.title}; assumed by Opalite's remediation alone",
            "AssumeRolePolicyDocument": _trust(
                "RemediationRoleArns", {"StringLike": {"sts:RoleSessionName": SESSIONS}}
            ),
            "Policies": [_policy(action.name, [*own, *facts, *noted, *looked_up])],
        },
    }


def _policy(name: str, made: Sequence[JsonObject]) -> JsonObject:
    return {"PolicyName": name, "PolicyDocument": {"Version": "2012-10-17", "Statement": list(made)}}


def _trust(principals: str, more: JsonObject) -> JsonObject:
    """Of roles by their ARN, of our organization (or account), who know the external id and bear the source identity."""
    nothing = {"Ref": "AWS::NoValue"}
    ours = {
        "aws:PrincipalOrgID": {"Fn::If": ["InOrganization", {"Ref": "OrganizationId"}, nothing]},
        "aws:PrincipalAccount": {"Fn::If": ["InOrganization", nothing, {"Ref": "AWS::AccountId"}]},
    }
    equal = {
        **ours,
        "sts:ExternalId": {"Ref": "ExternalId"},
        "sts:SourceIdentity": {"Fn::If": ["WithSourceIdentity", {"Ref": "SourceIdentity"}, nothing]},
    }
    assume = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": principals}},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": equal, **more},
    }
    # The account alone: the roles a second time would leave room for half as many Regions. It lets nobody in.
    account = {"Fn::Select": [4, {"Fn::Split": [":", {"Fn::Select": [0, {"Ref": principals}]}]}]}
    identity = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": ["arn:${AWS::Partition}:iam::${Account}:root", {"Account": account}]}},
        "Action": "sts:SetSourceIdentity",
        "Condition": {"StringEquals": {**ours, "sts:SourceIdentity": {"Ref": "SourceIdentity"}}},
    }
    both = [assume, {"Fn::If": ["WithSourceIdentity", identity, nothing]}]
    return {"Version": "2012-10-17", "Statement": both}
