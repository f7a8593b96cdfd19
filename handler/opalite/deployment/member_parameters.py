"""What the template of the roles of a member account asks for: parameters, conditions on them, and rules that they keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opalite.deployment.names import logical_id
from opalite.model import JsonObject
from opalite.remediation.action import Action
from opalite.remediation.environment import ROLE_PREFIX

ROLE: Final = "OpaliteMember"


def switch(action: Action) -> JsonObject:
    """The parameter by which the role of an action is asked for."""
    return {
        "Type": "String",
        "AllowedValues": ["off", "on"],
        "Default": "off",
        "Description": f"{action.title}: the role for this remediation",
    }


def rules(actions: Iterable[str]) -> JsonObject:
    """A role is made for somebody: without, CloudFormation would say only that a trust policy is malformed."""
    switches = {"Detection": "FunctionRoleArns", **{logical_id(name): "RemediationRoleArns" for name in actions}}
    return {f"{name}IsForSomebody": _assumed(name, principals) for name, principals in switches.items()}


def _assumed(switch: str, principals: str) -> JsonObject:
    nobody = {"Fn::EachMemberEquals": [{"Ref": principals}, ""]}
    told = f"{switch}=on: set {principals}, an output of the main stack"
    return {
        "RuleCondition": is_on(switch),
        "Assertions": [{"Assert": {"Fn::Not": [nobody]}, "AssertDescription": told}],
    }


def is_on(name: str) -> JsonObject:
    """The condition of a parameter that is on or off."""
    return {"Fn::Equals": [{"Ref": name}, "on"]}


def groups(actions: Iterable[str]) -> list[JsonObject]:
    """The parameters as the console shows them."""
    who = ["FunctionRoleArns", "RemediationRoleArns", "OrganizationId", "ExternalId", "SourceIdentity"]
    what = ["Detection", "SecurityHub", "ExemptFindings", "CreatorLookup", "MemberRoleName"]
    mended = [*map(logical_id, actions), "RemediationRolePrefix"]
    parts = (("Who may assume the roles", who), ("Detection", what), ("Remediation: a role for each action", mended))
    return [{"Label": {"default": label}, "Parameters": names} for label, names in parts]


_ARNS: Final = r"^(arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+)?$"
PARAMETERS: Final[JsonObject] = {
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
        "AllowedPattern": "^[A-Za-z0-9_+=,.@:/-]{2,64}$",
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
CONDITIONS: Final[JsonObject] = {
    "InOrganization": {"Fn::Not": [{"Fn::Equals": [{"Ref": "OrganizationId"}, ""]}]},
    "WithSourceIdentity": {"Fn::Not": [{"Fn::Equals": [{"Ref": "SourceIdentity"}, ""]}]},
    "Detecting": is_on("Detection"),
    "HubOn": is_on("SecurityHub"),
    "SuppressionOn": {"Fn::And": [{"Condition": "HubOn"}, {"Fn::Equals": [{"Ref": "ExemptFindings"}, "suppressed"]}]},
    "CreatorsOn": is_on("CreatorLookup"),
}
