"""What Config rules hold of resources: the operations that take and give evaluations."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from emulation.dialects import stamp
from emulation.faults import AwsFault
from emulation.paging import Pager, with_token
from emulation.rules import Rule, Rules

# https://docs.aws.amazon.com/config/latest/APIReference/API_Evaluation.html
TAKEN = frozenset({"COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"})
ACCOUNT_TYPE = "AWS::::Account"  # the only one that PutEvaluations takes beside those that Config records

Document = dict[str, Any]
Parameters = Mapping[str, Any]
Key = tuple[str, str]  # type, id


@dataclass(frozen=True, slots=True)
class Put:
    """A call of PutEvaluations that was taken. Times are texts, as items have them."""

    account: str
    rule: str | None  # None in test mode
    evaluations: Sequence[Mapping[str, Any]]
    test_mode: bool


@dataclass(slots=True)
class _Held:
    """What a rule holds of a resource."""

    compliance_type: str
    annotation: str | None
    ordered: float
    recorded: float

    def told(self) -> Document:
        return {
            "complianceType": self.compliance_type,
            "annotation": self.annotation,
            "orderingTimestamp": _text(self.ordered),
        }


@dataclass(slots=True)
class Results:
    """Evaluations by rule and resource; of several the one with the newest ordering timestamp counts."""

    rules: Rules
    recorded_types: frozenset[str]
    pages: Pager
    now: Callable[[], float] = time.time
    put_calls: list[Put] = field(default_factory=list)
    _held: defaultdict[tuple[str, str], dict[Key, _Held]] = field(default_factory=lambda: defaultdict(dict))
    _failing: dict[str, int] = field(default_factory=dict)

    def fail_evaluations(self, *resource_ids: str, times: int = 1) -> None:
        """PutEvaluations does not take the evaluations of these resources, the next times that they come."""
        self._failing |= dict.fromkeys(resource_ids, times)

    def results(self, account: str, rule: str | Rule) -> dict[Key, Document]:
        """What the rule holds, by type and id of the resource; of each the newest ordering timestamp."""
        return {key: held.told() for key, held in self._held[account, self.rules.named(account, rule).name].items()}

    def forget(self, rule: Rule) -> None:
        self._held.pop((rule.account, rule.name), None)

    def operations(self) -> Mapping[str, Callable[[str, str, Parameters], Document]]:
        return {
            "DescribeConfigRuleEvaluationStatus": self._status,
            "GetComplianceDetailsByConfigRule": self._of_rule,
            "GetComplianceDetailsByResource": self._of_resource,
            "PutEvaluations": self._put,
        }

    def _put(self, account: str, region: str, asked: Parameters) -> Document:
        evaluations, test_mode = asked.get("Evaluations", []), asked.get("TestMode", False)
        for evaluation in evaluations:
            self._check(evaluation)
        rule = None if test_mode else self.rules.of_token(asked["ResultToken"])
        if not test_mode:
            if rule is None or rule.account != account or region != self.rules.region:
                raise AwsFault("InvalidResultTokenException", "The specified ResultToken is not valid")
            self.rules.find(account, rule.name)
        self.put_calls.append(Put(account, rule.name if rule else None, tuple(map(_told, evaluations)), test_mode))
        failed = [evaluation for evaluation in evaluations if self._fails(evaluation["ComplianceResourceId"])]
        if rule is not None:
            for evaluation in evaluations:
                if evaluation not in failed:
                    self._take(rule, evaluation)
        return {"FailedEvaluations": failed}

    def _check(self, evaluation: Parameters) -> None:
        if evaluation["ComplianceType"] not in TAKEN:
            raise AwsFault("InvalidParameterValueException", f"{evaluation['ComplianceType']} cannot be put")
        resource_type = evaluation["ComplianceResourceType"]
        if resource_type != ACCOUNT_TYPE and resource_type not in self.recorded_types:
            raise AwsFault("InvalidParameterValueException", f"{resource_type} is not a valid resource type")

    def _fails(self, resource_id: str) -> bool:
        left = self._failing.get(resource_id, 0)
        if left:
            self._failing[resource_id] = left - 1
        return left > 0

    def _take(self, rule: Rule, evaluation: Parameters) -> None:
        held = self._held[rule.account, rule.name]
        key = (evaluation["ComplianceResourceType"], evaluation["ComplianceResourceId"])
        ordered = evaluation["OrderingTimestamp"]
        if key not in held or held[key].ordered <= ordered:
            held[key] = _Held(evaluation["ComplianceType"], evaluation.get("Annotation"), ordered, self.now())

    def _status(self, account: str, region: str, asked: Parameters) -> Document:
        rules, token = self.rules.page("status", account, region, asked, 50)
        found = [
            {
                "ConfigRuleName": rule.name,
                "ConfigRuleArn": rule.arn,
                "ConfigRuleId": rule.id,
                "FirstEvaluationStarted": bool(self._held[account, rule.name]),
                **_last(self._held[account, rule.name].values()),
            }
            for rule in rules
        ]
        return with_token({"ConfigRulesEvaluationStatus": found}, token)

    def _of_rule(self, account: str, region: str, asked: Parameters) -> Document:
        name = asked["ConfigRuleName"]
        self.rules.here(account, region, name)
        types = _types(asked)
        found = [
            _detail(name, key, held)
            for key, held in sorted(self._held[account, name].items(), key=lambda pair: pair[0])
            if held.compliance_type in types
        ]
        page, token = self.pages.page("of-rule", found, asked.get("NextToken"), asked.get("Limit"), 10)
        return with_token({"EvaluationResults": page}, token)

    def _of_resource(self, account: str, region: str, asked: Parameters) -> Document:
        if not {"ResourceType", "ResourceId"} <= asked.keys():
            raise AwsFault("InvalidParameterValueException", "Give type and id of a resource")
        key, types = (asked["ResourceType"], asked["ResourceId"]), _types(asked)
        found = [
            _detail(name, key, held[key])
            for (owner, name), held in sorted(self._held.items(), key=lambda pair: pair[0])
            if owner == account and region == self.rules.region and key in held and held[key].compliance_type in types
        ]
        page, token = self.pages.page("of-resource", found, asked.get("NextToken"), None, 10)
        return with_token({"EvaluationResults": page}, token)


def _types(asked: Parameters) -> frozenset[str]:
    types = frozenset(asked.get("ComplianceTypes") or TAKEN)
    if not types <= TAKEN:
        raise AwsFault("InvalidParameterValueException", "INSUFFICIENT_DATA is no filter")
    return types


def _detail(rule: str, key: Key, held: _Held) -> Document:
    qualifier = {"ConfigRuleName": rule, "ResourceType": key[0], "ResourceId": key[1], "EvaluationMode": "DETECTIVE"}
    members = {
        "EvaluationResultIdentifier": {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": held.ordered},
        "ComplianceType": held.compliance_type,
        "ResultRecordedTime": held.recorded,
        "ConfigRuleInvokedTime": held.recorded,
        "Annotation": held.annotation,
    }
    return {name: value for name, value in members.items() if value is not None}


def _told(evaluation: Parameters) -> Document:
    return {**evaluation, "OrderingTimestamp": _text(evaluation["OrderingTimestamp"])}


def _text(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(seconds, UTC))


def _last(held: Iterable[_Held]) -> Document:
    times = [each.recorded for each in held]
    if not times:
        return {}
    return {"LastSuccessfulInvocationTime": max(times), "LastSuccessfulEvaluationTime": max(times)}
