"""The catalog and the settings → Config rules, and the templates that make them in an organization or in one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opalite import catalog as catalogs
from opalite.deployment import names
from opalite.errors import UsageError
from opalite.metadata import EVERY_TYPE
from opalite.model import JsonObject
from opalite.selection import POLICIES
from opalite.settings_data import EVERY_POLICY

# https://docs.aws.amazon.com/config/latest/APIReference/API_Scope.html, and the same of organization rules.
MOST_TYPES: Final = 100
# https://docs.aws.amazon.com/config/latest/APIReference/API_OrganizationCustomRuleMetadata.html
MOST_CHARACTERS: Final = 256
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: 4 KB for all variables; the names stand in one of them.
MOST_NAMES: Final = 2800
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: resources of a template, the umbrella
# among them.
MOST_RULES: Final = 500 - 1

_CHANGES: Final = ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification")
_SCHEDULE: Final = "ScheduledNotification"
_FREQUENCIES: Final = ("One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRule:
    """`policy_id`: None for the umbrella. `types`: None for every type. `is_scheduled`: time or facts can change the verdict."""

    name: str
    description: str
    policy_id: str | None
    types: tuple[str, ...] | None
    is_scheduled: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """Both layouts: a rule for each policy, or one for all."""

    each: tuple[ConfigRule, ...]
    umbrella: ConfigRule


def rules(data: Mapping[str, Any]) -> Rules:
    """For the policies that judge anything: idle ones, and those that are off everywhere, get none. Raises UsageError.

    `data`: of the bundle: catalog, parameters, stages.
    """
    entries = data["catalog"]["policies"]
    idle = catalogs.idle(entries, data.get("parameters") or {})
    stages = data.get("stages") or {}
    chosen = {
        policy_id: entry
        for policy_id, entry in sorted(entries.items())
        if policy_id not in idle and not _is_off(policy_id, stages)
    }
    if not chosen:
        raise UsageError("no policy judges anything: all are idle, or at stage off")
    each = tuple(_rule(policy_id, entry) for policy_id, entry in chosen.items())
    _require_different(each)
    umbrella = ConfigRule(
        name=names.PREFIX,
        description=f"Opalite: the worst of what {len(each)} policies say",
        policy_id=None,
        types=_scope(kind for entry in chosen.values() for kind in entry["resource_types"]),
        is_scheduled=any(one.is_scheduled for one in each),
    )
    return Rules(each, umbrella)


def organization(found: Rules) -> JsonObject:
    """A template of organization rules."""

    def resource(rule: ConfigRule) -> JsonObject:
        metadata = {
            "LambdaFunctionArn": {"Ref": "FunctionArn"},
            "Description": rule.description,
            "OrganizationConfigRuleTriggerTypes": _triggers(rule),
            **({"InputParameters": f'{{"{POLICIES}": "{rule.policy_id}"}}'} if rule.policy_id else {}),
            **({"ResourceTypesScope": list(rule.types)} if rule.types else {}),
            **_frequency(rule),
        }
        properties = {
            "OrganizationConfigRuleName": rule.name,
            "ExcludedAccounts": {"Fn::If": ["Excluding", {"Ref": "ExcludedAccounts"}, {"Ref": "AWS::NoValue"}]},
            "OrganizationCustomRuleMetadata": metadata,
        }
        return {"Type": "AWS::Config::OrganizationConfigRule", "Properties": properties}

    excluded = {
        "Type": "CommaDelimitedList",
        "Default": "",
        "Description": "Accounts without the rules, with commas between; at most 1,000",
    }
    excluding = {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "ExcludedAccounts"}]}, ""]}]}
    return _template(
        "Opalite: Config rules of an organization, made by `make template`",
        found.umbrella,
        found.each if len(found.each) <= MOST_RULES else (),
        resource,
        parameters={"ExcludedAccounts": excluded},
        conditions={"Excluding": excluding},
    )


def account(found: Rules) -> JsonObject:
    """A template of the same rules for one account."""

    def resource(rule: ConfigRule) -> JsonObject:
        details: list[JsonObject] = [{"EventSource": "aws.config", "MessageType": kind} for kind in _CHANGES]
        if rule.is_scheduled:
            schedule = {
                "EventSource": "aws.config",
                "MessageType": _SCHEDULE,
                "MaximumExecutionFrequency": {"Ref": "Frequency"},
            }
            details.append(_if_scheduled(schedule))
        source = {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": {"Ref": "FunctionArn"}, "SourceDetails": details}
        properties = {
            "ConfigRuleName": rule.name,
            "Description": rule.description,
            **({"InputParameters": {POLICIES: rule.policy_id}} if rule.policy_id else {}),
            **({"Scope": {"ComplianceResourceTypes": list(rule.types)}} if rule.types else {}),
            "Source": source,
        }
        return {"Type": "AWS::Config::ConfigRule", "Properties": properties}

    description = "Opalite: Config rules of one account, made by `make template`"
    return _template(description, found.umbrella, _of_account(found), resource)


def account_names(found: Rules) -> JsonObject:
    """By layout, the names as OPALITE_RULES takes them; none where that layout is not to be had."""
    each = ",".join(rule.name for rule in _of_account(found))
    return {"Names": {"policy": each, "umbrella": found.umbrella.name}}


def _of_account(found: Rules) -> tuple[ConfigRule, ...]:
    """The rules of the single policies, or none: they are told to the function by name, and there may be more than fit."""
    return found.each if len(",".join(rule.name for rule in found.each)) <= MOST_NAMES else ()


def _rule(policy_id: str, entry: Mapping[str, Any]) -> ConfigRule:
    return ConfigRule(
        name=names.rule_name(policy_id),
        description=f"{entry['title']} ({policy_id})"[:MOST_CHARACTERS],
        policy_id=policy_id,
        types=_scope(entry["resource_types"]),
        is_scheduled=bool(entry.get("schedule")),
    )


def _scope(kinds: Iterable[str]) -> tuple[str, ...] | None:
    """None where AWS Config cannot name them: then every change of whatever is recorded comes."""
    found = tuple(sorted(set(kinds)))
    return None if EVERY_TYPE in found or len(found) > MOST_TYPES else found


def _is_off(policy_id: str, stages: Mapping[str, Any]) -> bool:
    """Off wherever anybody looks: no override says otherwise."""
    own, every = stages.get(policy_id) or {}, stages.get(EVERY_POLICY) or {}
    default = (own.get("default") or {}).get("stage") or (every.get("default") or {}).get("stage")
    overrides = [*(own.get("overrides") or ()), *(every.get("overrides") or ())]
    others = {(one.get("set") or {}).get("stage", "off") for one in overrides}
    return default == "off" and others <= {"off"}


def _require_different(found: Sequence[ConfigRule]) -> None:
    seen: dict[str, str | None] = {names.PREFIX: "all policies"}
    for rule in found:
        if rule.name in seen:
            raise UsageError(
                f"the Config rules of {seen[rule.name]} and {rule.policy_id} would have one name, {rule.name}"
            )
        seen[rule.name] = rule.policy_id


def _triggers(rule: ConfigRule) -> list[Any]:
    """The message types that AWS Config sends."""
    return [*_CHANGES, _if_scheduled(_SCHEDULE)] if rule.is_scheduled else list(_CHANGES)


def _frequency(rule: ConfigRule) -> JsonObject:
    return {"MaximumExecutionFrequency": _if_scheduled({"Ref": "Frequency"})} if rule.is_scheduled else {}


def _if_scheduled(value: Any) -> JsonObject:
    return {"Fn::If": ["Scheduled", value, {"Ref": "AWS::NoValue"}]}


def _template(
    description: str,
    umbrella: ConfigRule,
    each: Sequence[ConfigRule],
    resource: Any,
    *,
    parameters: JsonObject | None = None,
    conditions: JsonObject | None = None,
) -> JsonObject:
    """`each`: empty if there are more than fit; then AWS CloudFormation refuses that layout, and says why."""
    resources = {names.logical_id(str(rule.policy_id)): {**resource(rule), "Condition": "ForEach"} for rule in each}
    resources["Umbrella"] = {**resource(umbrella), "Condition": "ForAll"}
    layout = {"Ref": "Layout"}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
        "Parameters": {
            "FunctionArn": {
                "Type": "String",
                "AllowedPattern": "^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$",
                "Description": "The function that judges; in this account and Region",
            },
            "Layout": _layout(fits=bool(each)),
            "Frequency": {
                "Type": "String",
                "AllowedValues": list(_FREQUENCIES),
                "Default": _FREQUENCIES[-1],
                "Description": "With Schedule: how often",
            },
            "Schedule": {
                "Type": "String",
                "AllowedValues": ["off", "on"],
                "Default": "off",
                "Description": "Rules have schedules where time or facts can change a verdict; off: the sweep starts these",
            },
            **(parameters or {}),
        },
        "Conditions": {
            **({"ForEach": {"Fn::Equals": [layout, "policy"]}} if each else {}),
            "ForAll": {"Fn::Equals": [layout, "umbrella"]},
            "Scheduled": {"Fn::Equals": [{"Ref": "Schedule"}, "on"]},
            **(conditions or {}),
        },
        "Resources": resources,
    }


def _layout(*, fits: bool) -> JsonObject:
    if fits:
        return {
            "Type": "String",
            "AllowedValues": ["policy", "umbrella"],
            "Default": "policy",
            "Description": "A Config rule for each policy, or one for all",
        }
    return {
        "Type": "String",
        "AllowedValues": ["umbrella"],
        "Default": "umbrella",
        "Description": "One Config rule for all policies: there are too many for a rule each",
        "ConstraintDescription": "umbrella: there are too many policies for a rule each; set RuleLayout=umbrella",
    }
