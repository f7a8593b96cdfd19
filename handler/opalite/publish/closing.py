"""What becomes of a finding when nobody decides any more. Pure; docs/decisions/0018-findings-that-end.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opalite.model import Case, Decision, Outcome, Standing
from opalite.publish.ending import Ending, Reason
from opalite.publish.life import ARCHIVED, SECURITY_HUB, Step, finding_id_of, instant, updated_at

_ENDED = "ended:"  # how the decision id of such a standing begins, which no decision's does
_OFF = "off"
_WORDS = {
    Reason.OFF: "the policy is switched off for this resource",
    Reason.REMOVED: "the policy is not asked about resources of this type any more",
    Reason.GONE: "the resource was deleted",
}


def key(ending: Ending, entry: Mapping[str, Any]) -> str:
    """The finding id. `entry`: the policy's in the catalog, empty if there is none."""
    return ending.shown.finding_id if ending.shown else finding_id_of(ending.policy_id, ending.resource, entry)


def ended(previous: Standing | None, ending: Ending) -> Step | None:
    """The step that ends a standing. None when something newer is known, or nothing at all.

    Without an item it keeps the capture time: a resource that was created anew under the same name has a later one, and is newer.
    What has ended already gives what is still pending and nothing else; unless Security Hub shows it as active nevertheless.
    It is asked for only where Security Hub is switched on.
    """
    if previous is None:
        return _unknown(ending)
    evaluated_at = instant(ending.at)
    captured_at = previous.capture_time if ending.captured_at is None else instant(ending.captured_at)
    if (captured_at, evaluated_at) < (previous.capture_time, previous.evaluated_at):
        return None
    is_pending = SECURITY_HUB in previous.pending
    if previous.decision_id.startswith(_ENDED) and (is_pending or ending.shown is None):
        return Step(previous, previous.status if is_pending else None, None)
    status = ARCHIVED if previous.sent_at or ending.shown else None
    is_due = status is not None and (previous.status != status or is_pending or ending.shown is not None)
    standing = replace(
        previous,
        outcome=Outcome.NOT_APPLICABLE,
        stage=previous.stage if ending.reason is Reason.GONE else _OFF,
        capture_time=captured_at,
        evaluated_at=evaluated_at,
        decision_id=f"{_ENDED}{ending.reason}",
        since=previous.since if previous.outcome is Outcome.NOT_APPLICABLE else evaluated_at,
        status=status,
        sent_at=updated_at(previous, evaluated_at, previous.first_observed_at) if is_due else previous.sent_at,
        pending=(SECURITY_HUB,) if is_due else (),
    )
    return Step(standing, status if is_due else None, None)


def _unknown(ending: Ending) -> Step | None:
    """Of a finding whose standing was lost, or never was. Nothing of it is kept: as long as it is active it is found again."""
    at = instant(ending.at)
    if ending.shown is None or instant(ending.shown.updated_at) >= at:
        return None
    standing = Standing(
        finding_id=ending.shown.finding_id,
        outcome=Outcome.NOT_APPLICABLE,
        stage=_OFF,
        severity=ending.shown.severity,
        capture_time=at,
        evaluated_at=at,
        decision_id=f"{_ENDED}{ending.reason}",
        since=at,
        first_observed_at=at,
        content="",
        status=ARCHIVED,
        sent_at=at,
        pending=(),
    )
    return Step(standing, ARCHIVED, None)


def stand_in(ending: Ending, entry: Mapping[str, Any], standing: Standing) -> Case:
    """What its finding is written of, in place of a case. It is no decision: it goes to no log, and nobody is notified."""
    resource = ending.resource
    decision = Decision(
        account_id=resource["account_id"],
        region=resource["region"],
        resource_type=resource["type"],
        resource_id=resource["id"],
        arn=resource.get("arn"),
        capture_time=ending.captured_at,
        evaluated_at=ending.at,
        policy_id=ending.policy_id,
        policy_version=str(entry.get("version", "")),
        outcome=Outcome.NOT_APPLICABLE,
        compliance_type=None,
        severity=standing.severity,
        annotation="",
        violations=(),
        unknown=(),
        reasons=(_WORDS[ending.reason],),
        exemption=None,
        stage=standing.stage,
        decision_id="",
        bundle_revision="",
        opa_version="",
        input_digest="",
    )
    return Case(decision, {"resource": resource})
