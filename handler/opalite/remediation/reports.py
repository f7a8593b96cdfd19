"""Events of AWS Security Hub and AWS Config that tell of a resource → requests to look after it. Pure.

https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html
https://docs.aws.amazon.com/config/latest/developerguide/monitor-config-with-cloudwatchevents.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opalite.errors import InvocationError
from opalite.remediation.model import Request, Target, Trigger, TriggerKind

IMPORTED = "Security Hub Findings - Imported"
CUSTOM_ACTION = "Security Hub Findings - Custom Action"
COMPLIANCE = "Config Rules Compliance Change"

GENERATOR = "opalite/"
ANY_TYPE = re.compile(r"[A-Za-z0-9]{2,64}::[A-Za-z0-9]{0,64}::[A-Za-z0-9]{2,64}(?:::[A-Za-z0-9]{2,64})?")
_PRODUCT = re.compile(r"arn:(aws[a-z-]*):securityhub:([a-z0-9-]{4,32}):([0-9]{12}):product/\3/default")
_RULE = re.compile(r"arn:(aws[a-z-]*):config:([a-z0-9-]{4,32}):([0-9]{12}):config-rule/.{1,256}")
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """What an event asks for. `account_id`: who sent it, by EventBridge's word. `ignored`: what is not for us, or not wrong.

    `faults`: of findings that are not of their form, beside others that are.
    """

    account_id: str
    requests: tuple[Request, ...] = ()
    ignored: int = 0
    faults: tuple[InvocationError, ...] = ()


def findings(event: Mapping[str, Any], partition: str, region: str, *, is_action: bool) -> Seen:
    """Findings that are ours, and of this Region: each has a ledger of its own, and two would mend the same at once.

    Imported ones count only while they fail and nobody has taken them up; a person may point at any.

    A custom action does not tell who it was: AWS CloudTrail does.
    """
    account_id, detail = word(event, "account"), _object(event, "detail")
    entries = detail.get("findings")
    if not isinstance(entries, list) or not entries:
        raise InvocationError("the event has no findings")
    kind, by = TriggerKind.FINDING, ""
    if is_action:
        kind, by = TriggerKind.CUSTOM_ACTION, f"Security Hub action {word(detail, 'actionName')} in {account_id}"
    action_id = word(event, "id") if is_action else None
    requests, faults = [], []
    for index, finding in enumerate(entries):
        if not isinstance(finding, dict):
            faults.append(InvocationError(f"findings[{index}]: expected an object"))
        elif _is_ours(finding) and _is_of(finding, region) and (is_action or _is_open(finding)):
            try:
                requests.append(_found(finding, partition, kind, by, action_id))
            except InvocationError as fault:
                faults.append(fault)
    if faults and not requests:
        raise faults[0]
    return Seen(account_id, tuple(requests), len(entries) - len(requests) - len(faults), tuple(faults))


def changed(event: Mapping[str, Any], partition: str, applying: Callable[[str], Sequence[str]]) -> Seen:
    """What a Config rule has found, of any of ours or of others: each policy for the type is to say so itself."""
    account_id, detail = word(event, "account"), _object(event, "detail")
    result = _object(detail, "newEvaluationResult") if detail.get("newEvaluationResult") is not None else {}
    is_change = detail.get("messageType") == "ComplianceChangeNotification"
    if not is_change or result.get("complianceType") != "NON_COMPLIANT":
        return Seen(account_id, ignored=1)
    rule = _RULE.fullmatch(word(detail, "configRuleARN", 512))
    place = (word(detail, "awsAccountId"), word(detail, "awsRegion"))
    if rule is None or rule[1] != partition or place != (rule[3], rule[2]):
        raise InvocationError("configRuleARN: is not of the account and the Region of the event")
    kind = word(detail, "resourceType")
    if not ANY_TYPE.fullmatch(kind):
        raise InvocationError("resourceType: is not the type of a resource")
    resource_id, recorded = word(detail, "resourceId"), word(result, "resultRecordedTime")
    trigger = Trigger(
        kind=TriggerKind.COMPLIANCE_CHANGE,
        event_id=f"{rule[0]}/{kind}/{resource_id}/{recorded}",
        at=word(event, "time"),
    )
    targets = (
        Target(
            policy_id=policy_id,
            partition=partition,
            account_id=place[0],
            region=place[1],
            resource_type=kind,
            resource_id=resource_id,
        )
        for policy_id in applying(kind)
    )
    return Seen(account_id, tuple(Request(target, trigger) for target in targets))


def word(members: Mapping[str, Any], name: str, longest: int = _LONGEST) -> str:
    """One line of text. Raises InvocationError, which never shows it."""
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise InvocationError(f"{name}: expected one line of at most {longest} characters")
    return value


def _object(members: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = members.get(name)
    if not isinstance(value, dict):
        raise InvocationError(f"{name}: expected an object")
    return value


def _is_ours(finding: Mapping[str, Any]) -> bool:
    generator = finding.get("GeneratorId")
    return isinstance(generator, str) and generator.startswith(GENERATOR)


def _is_of(finding: Mapping[str, Any], region: str) -> bool:
    """Where Security Hub gathers findings of other Regions, it tells of them as well."""
    product = _PRODUCT.fullmatch(str(finding.get("ProductArn")))
    return product is None or product[2] == region


def _is_open(finding: Mapping[str, Any]) -> bool:
    """What has failed, and nobody has taken up: what we note on a finding comes back as an event, too."""
    return (
        _status(finding, "Compliance") == "FAILED"
        and _status(finding, "Workflow") == "NEW"
        and finding.get("RecordState") == "ACTIVE"
    )


def _status(finding: Mapping[str, Any], name: str) -> Any:
    members = finding.get(name)
    return members.get("Status") if isinstance(members, dict) else None


def _found(finding: Mapping[str, Any], partition: str, kind: TriggerKind, by: str, action_id: str | None) -> Request:
    """Account and Region are those of the product, by which Security Hub lets nobody but the account itself import."""
    arn, fields = word(finding, "ProductArn", 2048), _object(finding, "ProductFields")
    product = _PRODUCT.fullmatch(arn)
    if product is None or product[1] != partition or word(finding, "AwsAccountId") != product[3]:
        raise InvocationError("ProductArn: is not the default product of the finding's account")
    policy_id = word(fields, "opalite/policy_id")
    if word(finding, "GeneratorId") != f"{GENERATOR}{policy_id}":
        raise InvocationError("opalite/policy_id: is not the policy of GeneratorId")
    resource_type = word(fields, "opalite/resource_type")
    if not ANY_TYPE.fullmatch(resource_type):
        raise InvocationError("opalite/resource_type: is not the type of a resource")
    name, updated, status = word(finding, "Id"), word(finding, "UpdatedAt"), _status(finding, "Workflow")
    target = Target(
        policy_id=policy_id,
        partition=partition,
        account_id=product[3],
        region=product[2],
        resource_type=resource_type,
        resource_id=word(fields, "opalite/resource_id"),
    )
    trigger = Trigger(
        kind=kind,
        event_id=f"{name}/{updated}" if action_id is None else f"action/{action_id}/{name}",
        at=updated,
        by=by,
        finding_id=name,
        product_arn=arn,
        workflow_status=status if isinstance(status, str) and status.isprintable() else None,
    )
    return Request(target, trigger)
