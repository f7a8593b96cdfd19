"""Which Config rules are due to be evaluated anew, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opalite.catalog import Catalog
from opalite.errors import InvocationError
from opalite.event import ConfigRule
from opalite.normalize.values import timestamp
from opalite.ports import Place
from opalite.selection import selection
from opalite.strict_json import loads
from opalite.trust import is_trusted

# States of a Config rule: https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigRule.html
EVALUATING = "EVALUATING"  # since somebody has had it evaluated anew
_ALIVE = ("ACTIVE", EVALUATING)

Described = Mapping[str, Any]  # a Config rule as DescribeConfigRules tells it


class Reason(StrEnum):
    """What may have changed a verdict without a change of the resource."""

    DATA = "policies or settings have changed"
    EXEMPTION = "an exemption has expired"
    TIME = "time or facts can change the verdict"


@dataclass(frozen=True, slots=True)
class Window:
    """The time since the last sweep: after `start`, up to `end`. RFC 3339 in UTC with milliseconds, so that texts compare."""

    start: str
    end: str

    def has(self, moment: str | None) -> bool:
        """Whether a time lies in it."""
        return moment is not None and self.start < moment <= self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Which Config rules the function serves, by what it judges, and since when."""

    function_arn: str  # what its Config rules name as their source
    listed: AbstractSet[str]  # those that are not of the organization: their ARNs; names in the function's own account
    own_account: str
    catalog: Catalog
    exemptions: Mapping[str, Mapping[str, Mapping[str, Any]]]
    window: Window
    everything: bool  # the layer, and so policies or settings, may be another one since the last sweep


def ours(rules: Iterable[Described], place: Place, judged: Judged) -> list[Described]:
    """The Config rules of an account that the function serves. It would refuse the events of all others that name it."""
    return [rule for rule in rules if _is_ours(rule, place, judged)]


def due(own: Sequence[Described], place: Place, judged: Judged) -> dict[str, Reason]:
    """Names of those among our Config rules that are to be evaluated anew."""
    reasons = {rule["ConfigRuleName"]: _reason(rule, place.account_id, judged) for rule in own}
    return {name: reason for name, reason in sorted(reasons.items()) if reason is not None}


def _is_ours(rule: Described, place: Place, judged: Judged) -> bool:
    source = rule.get("Source") or {}
    named = str(source.get("SourceIdentifier"))
    by_name = named == judged.function_arn or named.startswith(f"{judged.function_arn}:")  # a version, or an alias
    if source.get("Owner") != "CUSTOM_LAMBDA" or not by_name:
        return False
    modes = rule.get("EvaluationModes") or [{"Mode": "DETECTIVE"}]
    if rule.get("ConfigRuleState", "ACTIVE") not in _ALIVE or {"Mode": "DETECTIVE"} not in modes:
        return False
    name, arn = str(rule.get("ConfigRuleName", "")), str(rule.get("ConfigRuleArn", ""))
    known = ConfigRule(name, arn, place.partition, place.region, place.account_id, {})
    return bool(name) and is_trusted(known, judged.listed, judged.own_account)


def _reason(rule: Described, account_id: str, judged: Judged) -> Reason | None:
    chosen = _chosen(rule.get("InputParameters"), judged.catalog)
    if chosen is None:
        return None
    if judged.everything:  # idle policies too: they may not have been, and what they said is to be taken back
        return Reason.DATA
    awake = chosen - judged.catalog.idle.keys()
    if any(
        judged.window.has(timestamp(entry.get("expires"))) and _may_cover(entry, account_id)
        for policy_id in awake
        for entry in judged.exemptions.get(policy_id, {}).values()
    ):
        return Reason.EXEMPTION
    return Reason.TIME if any(judged.catalog.policies[policy_id].schedule for policy_id in awake) else None


def _chosen(parameters: Any, catalog: Catalog) -> frozenset[str] | None:
    """The policies of a Config rule; None if the function would refuse its parameters, for then it has no verdicts."""
    try:
        document = loads(parameters.encode()) if isinstance(parameters, str) and parameters else {}
        if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
            return None
        chosen = selection(document, catalog).chosen
    except (ValueError, InvocationError):  # no strict JSON, no Unicode; or no choice of policies
        return None
    return frozenset(catalog.policies) if chosen is None else chosen


def _may_cover(exemption: Mapping[str, Any], account_id: str) -> bool:
    """Units, tags and ids of resources are not known here: what names no accounts may hold for any."""
    accounts = (exemption.get("scope") or {}).get("accounts")
    return not accounts or account_id in accounts
