"""The rules that the operator has listed in OPALITE_RULES, and those of the function that he has not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from opalite import trust
from opalite.event import ConfigRule
from opalite.ports import Place


def missing(rules: Sequence[Mapping[str, Any]], listed: AbstractSet[str], place: Place, own: str) -> list[str]:
    """Of the listed ones that must be here, those that are none of the function's rules. A name counts in its own account."""
    names = {str(rule.get("ConfigRuleName")) for rule in rules}
    arns = {str(rule.get("ConfigRuleArn")) for rule in rules}
    here = f":config:{place.region}:{place.account_id}:config-rule/"
    return sorted(
        one
        for one in listed
        if (one not in arns and here in one if one.startswith("arn:") else place.account_id == own and one not in names)
    )


def refused(rules: Sequence[Mapping[str, Any]], listed: AbstractSet[str], place: Place, own: str) -> list[str]:
    """Those of the function whose events it refuses, because they are neither the organization's nor listed."""
    return sorted(
        str(rule.get("ConfigRuleName"))
        for rule in rules
        if rule.get("ConfigRuleArn") and not trust.is_trusted(_rule(rule, place), listed, own)
    )


def _rule(rule: Mapping[str, Any], place: Place) -> ConfigRule:
    return ConfigRule(
        name=str(rule.get("ConfigRuleName")),
        arn=str(rule["ConfigRuleArn"]),
        partition=place.partition,
        region=place.region,
        account_id=place.account_id,
        parameters={},
    )
