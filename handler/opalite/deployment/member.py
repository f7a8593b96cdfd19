"""The roles of a member account, as a template for a stack set: one to read and to write back, one for each remediation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opalite.deployment.names import logical_id
from opalite.deployment.statements import imports, plain, statements, updates
from opalite.model import JsonObject
from opalite.remediation.action import Action, Permission
from opalite.remediation.actions.run_automation import DOCUMENTS
from opalite.remediation.environment import ROLE_PREFIX

FACTS_OF_CALLER: Final = "account"  # the kind of fact that the member's role does not ask for
ROLE: Final = "OpaliteMember"
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
        "Metadata": {"AWS::CloudFormation::Interface": {"ParameterGroups": _groups(actions)}},
        "Parameters": {**_PARAMETERS, **{logical_id(name): _switch(action) for name, action in actions.items()}},
        "Conditions": {
            **_CONDITIONS,
            **{f"{logical_id(name)}On": _is_on(logical_id(name)) for name in actions},
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
    """What the Config rules' function needs for rules of its own account, where it has no other role; and the reasons by Sid."""
    return _switched(_detection(needs), "Own")


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
    [noted], _ = statements([updates(needs.workflows, needs.note)], f"{name}Note")
    return {
        "Type": "AWS::IAM::Role",
        "Condition": f"{name}On",
        "Metadata": {"Reasons": {**why, **why_facts}},
        "Properties": {
            "RoleName": {"Fn::Sub": f"${{RemediationRolePrefix}}{role_name(action.name)}"},
            "Description": f"{action.title}; assumed by Opalite's remediation alone",
            "AssumeRolePolicyDocument": _trust(
                "RemediationRoleArns", {"StringLike": {"sts:RoleSessionName": SESSIONS}}
            ),
            "Policies": [_policy(action.name, [*own, *facts, noted])],
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
    identity = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": principals}},
        "Action": "sts:SetSourceIdentity",
        "Condition": {"StringEquals": {**ours, "sts:SourceIdentity": {"Ref": "SourceIdentity"}}},
    }
    both = [assume, {"Fn::If": ["WithSourceIdentity", identity, nothing]}]
    return {"Version": "2012-10-17", "Statement": both}


def _switch(action: Action) -> JsonObject:
    return {
        "Type": "String",
        "AllowedValues": ["off", "on"],
        "Default": "off",
        "Description": f"{action.title}: the role for this remediation",
    }


def _is_on(name: str) -> JsonObject:
    return {"Fn::Equals": [{"Ref": name}, "on"]}


def _groups(actions: Mapping[str, Action]) -> list[JsonObject]:
    who = ["FunctionRoleArns", "RemediationRoleArns", "OrganizationId", "ExternalId", "SourceIdentity"]
    what = ["Detection", "SecurityHub", "ExemptFindings", "CreatorLookup", "MemberRoleName"]
    mended = [*map(logical_id, actions), "RemediationRolePrefix"]
    parts = (("Who may assume the roles", who), ("Detection", what), ("Remediation: a role for each action", mended))
    return [{"Label": {"default": label}, "Parameters": names} for label, names in parts]


_ARNS: Final = r"^(arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+)?$"
_PARAMETERS: Final[JsonObject] = {
    "FunctionRoleArns": {
        "Type": "CommaDelimitedList",
        "AllowedPattern": _ARNS,
        "Default": "",
        "Description": "Roles of the functions behind Config rules and of the sweep, of all Regions: outputs of the main stack",
    },
    "RemediationRoleArns": {
        "Type": "CommaDelimitedList",
        "AllowedPattern": _ARNS,
        "Default": "",
        "Description": "Roles of the remediation functions, of all Regions: outputs of the main stack",
    },
    "OrganizationId": {
        "Type": "String",
        "AllowedPattern": "^(o-[a-z0-9]{10,32})?$",
        "Default": "",
        "Description": "Of the organization that the functions are in; empty: they are in this account",
    },
    "ExternalId": {
        "Type": "String",
        "AllowedPattern": "^[A-Za-z0-9_+=,.@:/-]{2,1224}$",
        "Description": "As the main stack has it",
    },
    "SourceIdentity": {
        "Type": "String",
        "AllowedPattern": "^([A-Za-z0-9_+=,.@-]{2,64})?$",
        "Default": "",
        "Description": "As the main stack has it; empty: none",
    },
    "Detection": {
        "Type": "String",
        "AllowedValues": ["on", "off"],
        "Default": "on",
        "Description": "off: no role to read and write back, where the functions are in this account",
    },
    "SecurityHub": {
        "Type": "String",
        "AllowedValues": ["off", "on"],
        "Default": "off",
        "Description": "Findings in Security Hub",
    },
    "ExemptFindings": {
        "Type": "String",
        "AllowedValues": ["warning", "suppressed"],
        "Default": "warning",
        "Description": "suppressed: findings of what is exempt are suppressed, too",
    },
    "CreatorLookup": {
        "Type": "String",
        "AllowedValues": ["off", "on"],
        "Default": "off",
        "Description": "Ask CloudTrail who has made a resource that no tag names an owner of",
    },
    "MemberRoleName": {
        "Type": "String",
        "AllowedPattern": "^[A-Za-z0-9+=,.@_-]{1,64}$",
        "Default": ROLE,
        "Description": "As the main stack has it",
    },
    "RemediationRolePrefix": {
        "Type": "String",
        "AllowedPattern": "^[A-Za-z0-9+=,.@_-]{1,24}$",
        "Default": ROLE_PREFIX,
        "Description": "What the names of the remediation roles begin with; as the main stack has it",
    },
}
_CONDITIONS: Final[JsonObject] = {
    "InOrganization": {"Fn::Not": [{"Fn::Equals": [{"Ref": "OrganizationId"}, ""]}]},
    "WithSourceIdentity": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SourceIdentity"}, ""]}]},
    "Detecting": _is_on("Detection"),
    "HubOn": _is_on("SecurityHub"),
    "SuppressionOn": {"Fn::And": [{"Condition": "HubOn"}, {"Fn::Equals": [{"Ref": "ExemptFindings"}, "suppressed"]}]},
    "CreatorsOn": _is_on("CreatorLookup"),
}
