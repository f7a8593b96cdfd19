"""What AWS Config holds of its Config rules: the rules themselves, their results, and starting them anew.

Asked with the credentials of the member account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from opalite.errors import AwsError
from opalite.ports import Absent, Key, Place, Service, Sessions

ACTIONS: Final = (  # of the member account
    "config:DescribeConfigRules",
    "config:GetComplianceDetailsByConfigRule",
    "config:GetComplianceDetailsByResource",
    "config:StartConfigRulesEvaluation",
)

# https://docs.aws.amazon.com/config/latest/APIReference/API_GetComplianceDetailsByConfigRule.html
RESULTS_PER_PAGE: Final = 100
# https://docs.aws.amazon.com/config/latest/APIReference/API_StartConfigRulesEvaluation.html: Config rules of a call. One rule that is
# being evaluated, was started less than a minute ago, or is not there fails the whole call.
RULES_PER_CALL: Final = 25

_GIVEN: Final = ("COMPLIANT", "NON_COMPLIANT")
_NO_RULE: Final = "NoSuchConfigRuleException"
_BUSY: Final = frozenset(
    {
        "LimitExceededException", "ResourceInUseException",
        "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Started:
    """Names of Config rules, each in one of the three."""

    started: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()  # being evaluated, started a moment ago, or AWS Config throttles
    gone: tuple[str, ...] = ()


class ConfigResults:
    """Meets opalite.ports.ConfigResults, and opalite.sweep.walk.Rules."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def held(self, place: Place, rule_name: str) -> dict[Key, str]:
        """Compliance types by resource type and id; NOT_APPLICABLE is no result that Config holds."""
        pages = self._service(place).pages(
            "GetComplianceDetailsByConfigRule",
            ConfigRuleName=rule_name,
            ComplianceTypes=list(_GIVEN),
            Limit=RESULTS_PER_PAGE,
        )
        return {
            (qualifier["ResourceType"], qualifier["ResourceId"]): compliance_type
            for qualifier, compliance_type in _results(pages)
        }

    def held_of(self, place: Place, rule_name: str, resource_type: str, resource_id: str) -> str | None:
        """The compliance type of one resource, None if there is none."""
        pages = self._service(place).pages(
            "GetComplianceDetailsByResource",
            ResourceType=resource_type,
            ResourceId=resource_id,
            ComplianceTypes=list(_GIVEN),
        )
        held = (given for qualifier, given in _results(pages) if qualifier.get("ConfigRuleName") == rule_name)
        return next(held, None)

    def rule(self, place: Place, rule_name: str) -> Mapping[str, Any] | None:
        """A Config rule as AWS describes it, None if there is none of that name."""
        try:
            rules = self._service(place).ask("DescribeConfigRules", ConfigRuleNames=[rule_name])["ConfigRules"]
        except Absent as absent:
            if str(absent) != _NO_RULE:
                raise AwsError(
                    f"config:DescribeConfigRules in account {place.account_id}, {place.region}: {absent}"
                ) from None
            return None
        return next((rule for rule in rules if rule.get("ConfigRuleName") == rule_name), None)

    def rules(self, place: Place) -> list[dict[str, Any]]:
        """All Config rules of the account and region."""
        return [
            dict(rule) for page in self._service(place).pages("DescribeConfigRules") for rule in page["ConfigRules"]
        ]

    def start(self, place: Place, names: Sequence[str]) -> Started:
        """Have AWS Config evaluate the rules against the items that it has.

        A rule that is busy may stay so for a minute and more: whoever wants it started asks again later.
        """
        service = self._service(place)
        states: dict[str, str] = {}
        asked = list(dict.fromkeys(names))
        for first in range(0, len(asked), RULES_PER_CALL):
            chunk = asked[first : first + RULES_PER_CALL]
            told = _start(service, chunk)
            if told != "started" and len(chunk) > 1:  # because of one of them, and AWS does not say which
                states |= {name: _start(service, [name]) for name in chunk}
            else:
                states |= dict.fromkeys(chunk, told)
        return Started(
            started=tuple(name for name in asked if states[name] == "started"),
            busy=tuple(name for name in asked if states[name] == "busy"),
            gone=tuple(name for name in asked if states[name] == "gone"),
        )

    def _service(self, place: Place) -> Service:
        return self._sessions.service("config", place.account_id, place.region)


def _results(pages: Iterator[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """What a result is of, and its compliance type. Of resources that are there: proactive evaluations are of plans."""
    try:
        for page in pages:
            for result in page["EvaluationResults"]:
                qualifier = result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]
                if result["ComplianceType"] in _GIVEN and qualifier.get("EvaluationMode", "DETECTIVE") == "DETECTIVE":
                    yield qualifier, result["ComplianceType"]
    except Absent:  # the Config rule, or the resource: then nothing is held
        return


def _start(service: Service, names: Sequence[str]) -> str:
    try:
        service.ask("StartConfigRulesEvaluation", ConfigRuleNames=list(names))
    except Absent:
        return "gone"
    except AwsError as error:
        if error.code in _BUSY:
            return "busy"
        raise
    return "started"
