"""AWS Config for many accounts in one region: what it has recorded, its Config rules, and the events that it sends to them."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Any

from emulation import dialects
from emulation.faults import AwsFault, Call
from emulation.limits import problems, service_model
from emulation.paging import Pager
from emulation.recorder import Document, Recorder
from emulation.results import Put, Results
from emulation.rules import ORGANIZATION, Rule, Rules
from emulation.wire import Asked, Reply, answer

CHANGE = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
SCHEDULE = "ScheduledNotification"
FUNCTION = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
_PARAMETERS = 1024  # https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigRule.html


class ConfigService:
    """Meets what tests want of AWS Config. Each request must be one that AWS takes, else it is refused and noted."""

    def __init__(self, region: str, *, partition: str = "aws", now: Callable[[], float] = time.time) -> None:
        self._model = service_model("config")
        self._partition = partition
        self._lock = Lock()
        self.region = region
        self.violations: list[str] = []  # requests that AWS would have refused for what they say
        self.pages = Pager()
        self.recorder = Recorder(region, self.pages)
        self.rules = Rules(region, self.pages)
        recorded = frozenset(self._model.shape_for("ResourceType").enum)
        self._results = Results(self.rules, recorded, self.pages, now)
        self.record, self.forget = self.recorder.record, self.recorder.forget
        self.leave_unprocessed, self.not_queried = self.recorder.leave_unprocessed, self.recorder.not_queried
        self.recorder_off = self.recorder.recorder_off
        self.busy, self.expire_tokens = self.rules.busy, self.rules.expire_tokens
        self.results, self.fail_evaluations = self._results.results, self._results.fail_evaluations
        self._operations = {**self.recorder.operations(), **self.rules.operations(), **self._results.operations()}

    @property
    def put_calls(self) -> list[Put]:
        """The calls of PutEvaluations that were taken."""
        return self._results.put_calls

    @property
    def started(self) -> list[tuple[str, tuple[str, ...]]]:
        """The calls of StartConfigRulesEvaluation that were taken: account, names of rules."""
        return self.rules.started

    def rule(
        self,
        account: str,
        name: str,
        *,
        arn: str | None = None,
        scope: Mapping[str, Any] | None = None,
        function_arn: str = FUNCTION,
        parameters: Mapping[str, Any] | None = None,
        organization: bool = True,
        created_by: str | None = None,
        message_types: tuple[str, ...] = (CHANGE, OVERSIZED, SCHEDULE),
    ) -> Rule:
        """Add a Config rule. One of the organization gets the name, the ARN and the creator that AWS gives its copies.

        With an ARN of its own it keeps its name.
        """
        rule_id = "config-rule-" + hashlib.sha256(f"{account} {name}".encode()).hexdigest()[:6]
        path = f"aws-service-rule/{ORGANIZATION}/{rule_id}" if organization else rule_id
        given_name = name
        if organization and arn is None and not name.startswith("OrgConfigRule-"):
            name = f"OrgConfigRule-{name}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        if len(json.dumps(dict(parameters or {}))) > _PARAMETERS:
            raise ValueError(f"the parameters of a Config rule have at most {_PARAMETERS} characters")
        return self.rules.add(
            Rule(
                account=account,
                name=name,
                given_name=given_name,
                arn=arn or f"arn:{self._partition}:config:{self.region}:{account}:config-rule/{path}",
                function_arn=function_arn,
                parameters=parameters or {},
                scope=scope,
                created_by=created_by or (ORGANIZATION if organization else None),
                message_types=message_types,
            )
        )

    def remove_rule(self, account: str, rule: str | Rule) -> None:
        """The rule is gone, with its results."""
        gone = self.rules.named(account, rule)
        self.rules.remove(gone)
        self._results.forget(gone)

    def token(self, account: str, rule: str | Rule) -> str:
        """A result token of the rule."""
        return self.rules.token(self.rules.named(account, rule))

    def change_event(
        self,
        item: Mapping[str, Any],
        rule: str | Rule,
        *,
        diff: Mapping[str, Any] | None = None,
        notified_at: str | None = None,
        recorded: bool = True,
        **more: Any,
    ) -> Document:
        """The whole event of a changed item, which Config has recorded unless `recorded` is false.

        `more`: members of the event to be set or, as None, left out.
        """
        if recorded:
            self.record(item)
        notice = {
            "configurationItemDiff": diff,
            "configurationItem": dict(item),
            "notificationCreationTime": notified_at or _soon_after(item),
            "messageType": CHANGE,
            "recordVersion": "1.3",
        }
        return self._event(self.rules.named(item["awsAccountId"], rule), notice, more)

    def oversized_event(
        self,
        item: Mapping[str, Any],
        rule: str | Rule,
        *,
        change_type: str = "UPDATE",
        delivery: Mapping[str, Any] | None = None,
        notified_at: str | None = None,
        recorded: bool = True,
        **more: Any,
    ) -> Document:
        """The same of an item that is too large for a notification. `delivery`: the s3DeliverySummary, if there is one."""
        if recorded:
            self.record(item)
        notice = {
            "configurationItemSummary": dialects.summary(item, change_type),
            **({} if delivery is None else {"s3DeliverySummary": dict(delivery)}),
            "notificationCreationTime": notified_at or _soon_after(item),
            "messageType": OVERSIZED,
            "recordVersion": "1.0",
        }
        return self._event(self.rules.named(item["awsAccountId"], rule), notice, more)

    def schedule_event(
        self, account: str, rule: str | Rule, *, notified_at: str = "2026-03-02T12:00:00.250Z", **more: Any
    ) -> Document:
        """The event of a rule that is evaluated from time to time."""
        notice = {
            "awsAccountId": account,
            "notificationCreationTime": notified_at,
            "messageType": SCHEDULE,
            "recordVersion": "1.0",
        }
        return self._event(self.rules.named(account, rule), notice, more)

    def answer(self, call: Call, said: Asked) -> Reply:
        """One request over the wire. Raises AwsFault."""
        operation = self._operations.get(call.operation)
        if operation is None:
            raise AwsFault("UnknownOperationException", f"The emulation does not know {call.operation}")
        asked = json.loads(said.body or b"{}")
        model = self._model.operation_model(call.operation)
        try:
            if wrong := problems(model.input_shape, asked):
                raise _refused(model, wrong[0])
            with self._lock:
                return answer(operation(call.account, call.region, asked))
        except AwsFault as fault:
            if fault.code in _MALFORMED:
                self.violations.append(f"{call.operation} in account {call.account}: {fault}")
            raise

    def _event(self, rule: Rule, notice: Mapping[str, Any], more: Mapping[str, Any]) -> Document:
        role = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
        event = {
            "version": "1.0",
            "invokingEvent": json.dumps(notice, separators=(",", ":"), ensure_ascii=False),
            "ruleParameters": json.dumps(dict(rule.parameters), separators=(",", ":")),
            "resultToken": self.rules.token(rule),
            "eventLeftScope": False,
            "executionRoleArn": f"arn:{self._partition}:iam::{rule.account}:{role}",
            "configRuleArn": rule.arn,
            "configRuleName": rule.name,
            "configRuleId": rule.id,
            "accountId": rule.account,
            "evaluationMode": "DETECTIVE",
        }
        return {name: value for name, value in (event | dict(more)).items() if value is not None}


# What AWS answers to a request that should not have been sent.
_MALFORMED = frozenset(
    {
        "InvalidExpressionException", "InvalidLimitException", "InvalidNextTokenException", "InvalidParameterValueException",
        "InvalidTimeRangeException", "UnknownOperationException", "ValidationException",
    }
)  # fmt: skip


def _refused(model: Any, wrong: str) -> AwsFault:
    named = {shape.name for shape in model.error_shapes}
    if ".limit " in wrong.lower() and "InvalidLimitException" in named:
        return AwsFault("InvalidLimitException", wrong)
    code = "ValidationException" if "ValidationException" in named else "InvalidParameterValueException"
    return AwsFault(code, wrong)


def _soon_after(item: Mapping[str, Any]) -> str:
    """When Config sends word of an item."""
    return dialects.stamp(dialects.moment(item["configurationItemCaptureTime"]) + timedelta(milliseconds=750))
