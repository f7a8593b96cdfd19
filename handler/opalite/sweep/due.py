"""Which Config rules are due to be evaluated anew, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opalite.catalog import Catalog
from opalite.errors import InvocationError
from opalite.normalize.values import timestamp
from opalite.selection import selection
from opalite.strict_json import JsonFault, loads


class Reason(StrEnum):
    """What may have changed a verdict without a change of the resource."""

    DATA = "policies or settings have changed"
    EXEMPTION = "an exemption has expired"
    TIME = "time or facts can change the verdict"


@dataclass(frozen=True, slots=True)
class Window:
    """The time since the last sweep: after `start`, up to `end`. RFC 3339."""

    start: str
    end: str

    def has(self, moment: str | None) -> bool:
        """Whether a time lies in it."""
        return moment is not None and self.start < moment <= self.end


@dataclass(frozen=True, slots=True)
class Judged:
    """By what the function judges, and since when."""

    catalog: Catalog
    exemptions: Mapping[str, Mapping[str, Mapping[str, Any]]]
    function_arn: str  # what our Config rules name as their source
    everything: bool  # the layer, and so policies or settings, may be another one since the last sweep


def due(rules: Iterable[Mapping[str, Any]], account_id: str, window: Window, judged: Judged) -> dict[str, Reason]:
    """Names of the Config rules of an account that are to be evaluated anew."""
    found: dict[str, Reason] = {}
    for rule in rules:
        reason = _reason(rule, account_id, window, judged) if _is_ours(rule, judged.function_arn) else None
        if reason is not None:
            found[rule["ConfigRuleName"]] = reason
    return dict(sorted(found.items()))


def _is_ours(rule: Mapping[str, Any], function_arn: str) -> bool:
    source = rule.get("Source") or {}
    active = rule.get("ConfigRuleState", "ACTIVE") in ("ACTIVE", "EVALUATING")
    return active and source.get("Owner") == "CUSTOM_LAMBDA" and source.get("SourceIdentifier") == function_arn


def _reason(rule: Mapping[str, Any], account_id: str, window: Window, judged: Judged) -> Reason | None:
    chosen = _chosen(rule.get("InputParameters"), judged.catalog)
    if not chosen:
        return None
    if judged.everything:
        return Reason.DATA
    if any(
        window.has(timestamp(entry.get("expires"))) and _may_cover(entry, account_id)
        for policy_id in chosen
        for entry in judged.exemptions.get(policy_id, {}).values()
    ):
        return Reason.EXEMPTION
    return Reason.TIME if any(judged.catalog.policies[policy_id].schedule for policy_id in chosen) else None


def _chosen(parameters: Any, catalog: Catalog) -> frozenset[str]:
    """The policies of a Config rule; none if its parameters are refused, for then it has no verdicts."""
    try:
        document = loads(parameters.encode()) if isinstance(parameters, str) and parameters else {}
        chosen = selection(document, catalog).chosen
    except (JsonFault, InvocationError, AttributeError, TypeError):
        return frozenset()
    return frozenset(catalog.policies) - catalog.idle.keys() if chosen is None else chosen - catalog.idle.keys()


def _may_cover(exemption: Mapping[str, Any], account_id: str) -> bool:
    accounts = (exemption.get("scope") or {}).get("accounts")
    return not accounts or account_id in accounts
