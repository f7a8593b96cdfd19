"""A decision → the finding of its policy and resource, in the format of Security Hub (ASFF). Pure; docs/findings.md.

What people wrote and what resources are called is cut to the limits of the format, so that no decision is lost to a long name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from opalite.model import Case, Decision, JsonObject, Outcome, Standing
from opalite.publish.annotation import clean, cut, detail, excuse, gap, length
from opalite.publish.asff_resource import resource
from opalite.publish.frameworks import requirements, standards
from opalite.publish.life import ARCHIVED, FAILED, NOT_AVAILABLE, WARNING, instant

SCHEMA_VERSION = "2018-10-08"
PRODUCT = "Opalite"
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
TITLE_CHARACTERS = 256
DESCRIPTION_CHARACTERS = 1024
GENERATOR_CHARACTERS = 512
PRODUCT_FIELDS, FIELD_CHARACTERS = 50, 2048
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
REMEDIATION_CHARACTERS = 512
# https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html: 240 KB for one finding
FINDING_BYTES = 240_000

_URL_CHARACTERS = 2048
_TEXT_CHARACTERS = 512  # of a reason or a product field; the former have no limit in the format
_REASONS = 20
_VIOLATIONS = 3  # named in the description; the reasons have more, the decision log all
_SENTENCE_CHARACTERS = 700  # that leave room for what the policy is about
_BEST_PRACTICES = "Software and Configuration Checks/AWS Security Best Practices"
_STANDARDS = "Software and Configuration Checks/Industry and Regulatory Standards"
_GLOBAL = "global"
_KEPT = {
    FAILED: "It failed when last known; now it is undetermined",
    WARNING: "It was exempt when last known; now it is undetermined",
}


def product_arn(case: Case, *, home_region: str) -> str:
    """The product to which every account may import findings of its own.

    `home_region`: where findings on global resources go, always the same, since one id in two regions would be two findings.
    """
    partition = case.judged["resource"].get("partition") or "aws"
    decision = case.decision
    region = home_region if decision.region == _GLOBAL else decision.region
    return f"arn:{partition}:securityhub:{region}:{decision.account_id}:product/{decision.account_id}/default"


def finding(
    case: Case, entry: Mapping[str, Any], standing: Standing, *, product_arn: str, is_new: bool = False
) -> JsonObject:
    """`entry`: the policy's in the catalog. `standing`: that of the step which asks for the finding to be sent.

    `is_new`: nothing was ever sent of it. Later on severity and types are ours to say only as fields of the provider: at the top
    stands what the customer made of them.
    """
    decision = case.decision
    status = standing.status or NOT_AVAILABLE
    provided: JsonObject = {"Severity": {"Label": str(decision.severity)}, "Types": _types(entry)}
    found: JsonObject = {
        "SchemaVersion": SCHEMA_VERSION,
        "Id": standing.finding_id,
        "ProductArn": product_arn,
        "ProductName": PRODUCT,
        "GeneratorId": cut(f"opalite/{decision.policy_id}", GENERATOR_CHARACTERS),
        "AwsAccountId": decision.account_id,
        **_times(decision, standing),
        "Title": cut(clean(str(entry.get("title", ""))), TITLE_CHARACTERS) or decision.policy_id,
        "Description": _description(decision, entry, status),
        "FindingProviderFields": provided,
        "ProductFields": _product_fields(decision),
        "Resources": [resource(case)],
        "Compliance": _compliance(decision, entry, status),
        "RecordState": ARCHIVED if status == ARCHIVED else "ACTIVE",
        **_remediation(entry),
        **(provided if is_new else {}),
    }
    return _within_limit(found)


def content(case: Case) -> str:
    """Digest of what the finding would say, apart from times, ids of decisions, and by what it was decided.

    A new bundle that says the same of a resource is no reason to send its finding again.
    """
    decision = case.decision
    said = (
        (decision.policy_id, decision.policy_version, decision.outcome, decision.severity, decision.stage),
        (list(decision.violations), list(decision.unknown), list(decision.reasons), decision.exemption),
        resource(case),
    )
    return sha256(_json(said).encode()).hexdigest()


def _times(decision: Decision, standing: Standing) -> JsonObject:
    evaluated_at = instant(decision.evaluated_at)
    return {
        "CreatedAt": standing.first_observed_at,
        "UpdatedAt": standing.sent_at or max(evaluated_at, standing.first_observed_at),
        "FirstObservedAt": min(standing.since, evaluated_at),
        "LastObservedAt": evaluated_at,
    }


def _types(entry: Mapping[str, Any]) -> list[str]:
    return [_BEST_PRACTICES, _STANDARDS] if entry.get("frameworks") else [_BEST_PRACTICES]


def _description(decision: Decision, entry: Mapping[str, Any], status: str) -> str:
    """What is wrong here, then what the policy is about."""
    sentence = cut(clean(_sentence(decision, status)), _SENTENCE_CHARACTERS)
    about = clean(str(entry.get("description") or entry.get("title", "")))
    return cut(f"{sentence} {about}".strip(), DESCRIPTION_CHARACTERS) or decision.policy_id


def _sentence(decision: Decision, status: str) -> str:
    match decision.outcome:
        case Outcome.FAIL:
            return f"{_found(decision.violations)}."
        case Outcome.EXEMPT:
            return f"Exempt {excuse(decision.exemption or {})}: {_found(decision.violations)}."
        case Outcome.NOT_APPLICABLE:
            return f"Not applicable: {_listed(decision.reasons)}."
        case Outcome.UNDETERMINED:
            missing = _listed([gap(entry) for entry in decision.unknown])
            return f"{_KEPT.get(status, 'Undetermined')}: {missing}."
        case Outcome.PASS:
            return ""


def _found(violations: Sequence[JsonObject]) -> str:
    return _listed([f"{violation['message']}{detail(violation)}" for violation in violations])


def _listed(entries: Sequence[str]) -> str:
    more = f" (+{len(entries) - _VIOLATIONS} more)" if len(entries) > _VIOLATIONS else ""
    return "; ".join(cut(clean(entry), _TEXT_CHARACTERS) for entry in entries[:_VIOLATIONS]) + more


def _compliance(decision: Decision, entry: Mapping[str, Any], status: str) -> JsonObject:
    found: JsonObject = {
        # What is archived has no answer any more. It is never PASSED, which only a proof is.
        "Status": NOT_AVAILABLE if status == ARCHIVED else status,
        "SecurityControlId": decision.policy_id,
    }
    if reasons := _reasons(decision):
        found["StatusReasons"] = reasons
    if related := requirements(entry.get("frameworks")):
        found["RelatedRequirements"] = related
    if associated := standards(entry.get("frameworks")):
        found["AssociatedStandards"] = [{"StandardsId": name} for name in associated]
    return found


def _reasons(decision: Decision) -> list[JsonObject]:
    told: list[tuple[str, str]] = []
    if decision.stage == "audit":
        told.append(("STAGE", f"the policy is at stage {decision.stage}: it is reported, but not enforced"))
    if (exemption := decision.exemption) is not None:
        text = f"exempt {excuse(exemption)}, owner {exemption.get('owner', '?')}: {exemption.get('reason', '?')}"
        told.append(("EXEMPTION", text))
    told += [("VIOLATION", f"{violation['message']}{detail(violation)}") for violation in decision.violations]
    told += [("UNDETERMINED", gap(entry)) for entry in decision.unknown]
    told += [("NOT_APPLICABLE", reason) for reason in decision.reasons]
    lines = [(code, cut(clean(text), _TEXT_CHARACTERS)) for code, text in told[:_REASONS]]
    return [{"ReasonCode": code, "Description": text} for code, text in lines if text]


def _remediation(entry: Mapping[str, Any]) -> JsonObject:
    remediation = entry.get("remediation")
    summary = remediation.get("summary") if isinstance(remediation, Mapping) else None
    recommendation = {}
    if text := cut(clean(str(summary or "")), REMEDIATION_CHARACTERS):
        recommendation["Text"] = text
    if url := next(filter(_is_url, (related.get("ref") for related in entry.get("related_resources") or ())), None):
        recommendation["Url"] = url
    return {"Remediation": {"Recommendation": recommendation}} if recommendation else {}


def _is_url(ref: Any) -> bool:
    if not isinstance(ref, str) or len(ref) > _URL_CHARACTERS or not ref.isascii():
        return False
    return ref.startswith(("https://", "http://")) and ref.isprintable() and " " not in ref


def _product_fields(decision: Decision) -> dict[str, str]:
    """By what to find the decision again, and whoever answers for an exemption. A field without a value is not there."""
    exemption = decision.exemption or {}
    fields: JsonObject = {
        "policy_id": decision.policy_id,
        "policy_version": decision.policy_version,
        "outcome": str(decision.outcome),
        "stage": decision.stage,
        "compliance_type": decision.compliance_type,
        "decision_id": decision.decision_id,
        "bundle_revision": decision.bundle_revision,
        "opa_version": decision.opa_version,
        "input_digest": decision.input_digest,
        "evaluated_at": decision.evaluated_at,
        "capture_time": decision.capture_time,
        "resource_type": decision.resource_type,
        "resource_id": decision.resource_id,
        "violations": str(len(decision.violations)) if decision.violations else None,
    }
    fields |= {f"exemption_{name}": exemption.get(name) for name in ("id", "ticket", "owner", "reason", "expires")}
    found = {f"opalite/{name}": cut(clean(str(value)), _TEXT_CHARACTERS) for name, value in fields.items() if value}
    found["opalite/evidence"] = _evidence(decision.violations)
    return {name: value for name, value in found.items() if value}


def _evidence(violations: Sequence[JsonObject]) -> str:
    """As many whole violations as fit, as JSON: an array that was cut could not be read."""
    shown: list[str] = []
    room = FIELD_CHARACTERS - length("[]")
    for violation in violations[:_REASONS]:
        text = _json(violation)
        room -= length(text) + length(",")
        if room < 0:
            break
        shown.append(text)
    return f"[{','.join(shown)}]" if shown else ""


def _json(value: Any) -> str:
    """In ASCII, so that half a surrogate pair does no harm."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


def _within_limit(found: JsonObject) -> JsonObject:
    """Gives up details, then tags. All else is bounded: together it stays far below the limit."""
    for part in ("Details", "Tags"):
        if len(json.dumps(found)) > FINDING_BYTES:
            found["Resources"][0].pop(part, None)
    return found
