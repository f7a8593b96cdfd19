"""The life of a finding: what was last known and a newer decision → what is known now, what to send, whom to tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from opalite.model import Case, Decision, Outcome, Severity, Standing
from opalite.publish.annotation import clean, cut, length

SECURITY_HUB, SNS = "securityhub", "sns"  # outputs, as they stand in Standing.pending; "sns" with its change behind it
FAILED, PASSED, WARNING, NOT_AVAILABLE, ARCHIVED = "FAILED", "PASSED", "WARNING", "NOT_AVAILABLE", "ARCHIVED"

# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html: Id, at most 512 characters
ID_CHARACTERS = 512
_DIGEST_CHARACTERS = 40
_OPEN = (FAILED, WARNING)  # said of something known; what is not known any more does not take it back
_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_TICK = timedelta(milliseconds=1)  # the resolution of our times


class Change(StrEnum):
    """What people are notified of: only what became worse."""

    NEW_FAILURE = "new_failure"
    EXEMPTION_ENDED = "exemption_ended"
    UNDETERMINED = "undetermined"
    WORSE = "worse"
    EXEMPTION_ENDS_SOON = "exemption_ends_soon"
    ACTION_NEEDED = "action_needed"  # somebody must act; never a matter of decisions, so `step` does not give it


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings ask of the outputs."""

    outputs: frozenset[str] = frozenset({SECURITY_HUB, SNS})  # those that are switched on
    passed: bool = False  # findings are begun for what passes, too
    notice_days: int = 14  # so long before an exemption ends it is told


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one decision."""

    standing: Standing  # what is to be kept
    finding: str | None  # the status to send to Security Hub; ARCHIVED is a record state. None: nothing is sent
    change: Change | None  # what to notify of


@dataclass(frozen=True, slots=True)
class _Now:
    """The decision at hand, with the facts of its time in the form in which standings keep them."""

    decision: Decision
    capture_time: str
    evaluated_at: str
    content: str


def finding_id(case: Case, entry: Mapping[str, Any]) -> str:
    """The key of the standing and the Id of the finding: never the ARN, which deleted items may lack, nor text of a policy.

    `entry`: the policy's in the catalog. Its oldest alias is what the policy was first known by; aliases stand oldest first.
    """
    decision = case.decision
    resource = {
        "partition": case.judged["resource"].get("partition"),
        "account_id": decision.account_id,
        "region": decision.region,
        "type": decision.resource_type,
        "id": decision.resource_id,
    }
    return finding_id_of(decision.policy_id, resource, entry)


def finding_id_of(policy_id: str, resource: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """The same without a case: of a resource only partition, account_id, region, type and id count."""
    aliases = entry.get("aliases") or (policy_id,)
    head = f"opalite/{resource.get('partition') or 'aws'}/{resource['account_id']}/{resource['region']}/{resource['type']}/"
    whole = f"{head}{resource['id']}/{aliases[0]}"
    if length(whole) <= ID_CHARACTERS and clean(whole) == whole:
        return whole
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
    return f"{cut(clean(whole), ID_CHARACTERS - _DIGEST_CHARACTERS - 1)}~{digest}"


def step(
    previous: Standing | None,
    case: Case,
    content: str,
    *,
    key: str,
    refresh_before: str,
    wishes: Wishes | None = None,
) -> Step | None:
    """None when something newer is known already. `content`: of publish.finding. `key`: the finding id.

    `refresh_before`: a finding that was last sent earlier is sent again, because Security Hub forgets what nobody updates.
    The same decision again gives what is still pending, and nothing else.
    """
    wishes = wishes or Wishes()
    decision = case.decision
    evaluated_at = instant(decision.evaluated_at)
    captured_at = evaluated_at if decision.capture_time is None else instant(decision.capture_time)
    now = _Now(decision, captured_at, evaluated_at, content)
    if previous is not None:
        order = (previous.capture_time, previous.evaluated_at)
        if (now.capture_time, now.evaluated_at) < order:
            return None
        if (now.capture_time, now.evaluated_at) == order and decision.decision_id == previous.decision_id:
            return _again(previous, now, wishes)
    return _next(previous, now, key, instant(refresh_before), wishes)


def instant(text: str) -> str:
    """RFC 3339 in UTC with milliseconds, so that later times are greater texts."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def updated_at(previous: Standing | None, evaluated_at: str, first_observed_at: str) -> str:
    """The UpdatedAt of a finding. Security Hub drops, in silence, an update that is not later than the one before."""
    earliest = max(evaluated_at, first_observed_at)
    if previous is None or previous.sent_at is None:
        return earliest
    return max(earliest, instant((datetime.fromisoformat(previous.sent_at) + _TICK).isoformat()))


def waiting(standing: Standing) -> Change | None:
    """The change that is still to be notified of."""
    told = (entry.partition(":") for entry in standing.pending)
    return next((Change(change) for output, _, change in told if output == SNS and change), None)


def _again(previous: Standing, now: _Now, wishes: Wishes) -> Step:
    is_due = SECURITY_HUB in previous.pending and SECURITY_HUB in wishes.outputs
    change = waiting(previous) if SNS in wishes.outputs else None
    if is_due:
        previous = replace(previous, sent_at=max(previous.sent_at or "", now.evaluated_at, previous.first_observed_at))
    return Step(previous, previous.status if is_due else None, change)


def _next(previous: Standing | None, now: _Now, key: str, refresh_before: str, wishes: Wishes) -> Step:
    decision = now.decision
    first_observed_at = previous.first_observed_at if previous else now.evaluated_at
    status = _status(previous, decision, wishes)
    is_due = status is not None and _is_due(previous, now, status, refresh_before, wishes)
    is_sent = is_due and SECURITY_HUB in wishes.outputs
    change = _told(previous, now, wishes)
    is_kept = _is_kept(decision, status) and not is_due
    sent_at = previous.sent_at if previous else None
    if is_sent:
        sent_at = updated_at(previous, now.evaluated_at, first_observed_at)
    standing = Standing(
        finding_id=key,
        outcome=decision.outcome,
        stage=decision.stage,
        severity=decision.severity,
        capture_time=now.capture_time,
        evaluated_at=now.evaluated_at,
        decision_id=decision.decision_id,
        since=previous.since if previous and previous.outcome is decision.outcome else now.evaluated_at,
        first_observed_at=first_observed_at,
        content=previous.content if previous and is_kept else now.content,
        status=status,
        sent_at=sent_at,
        pending=((SECURITY_HUB,) if is_due else ()) + ((f"{SNS}:{change}",) if change else ()),
    )
    return Step(standing, status if is_sent else None, change)


def _status(previous: Standing | None, decision: Decision, wishes: Wishes) -> str | None:
    """What Security Hub should hold now; None: no finding was ever begun, and none is."""
    before = previous.status if previous else None
    ended = ARCHIVED if previous and previous.sent_at else None
    if decision.stage != "enforce":
        return ended
    match decision.outcome:
        case Outcome.FAIL:
            return FAILED
        case Outcome.EXEMPT:
            return WARNING
        case Outcome.UNDETERMINED:
            return before if before in _OPEN else NOT_AVAILABLE
        case Outcome.PASS:
            # Without being asked for, a finding that is over is not opened again to say that all is well.
            return PASSED if wishes.passed or (ended and before != ARCHIVED) else ended
        case Outcome.NOT_APPLICABLE:
            return ended


def _is_kept(decision: Decision, status: str | None) -> bool:
    """An open finding stays as it is although nobody knows any more."""
    return decision.outcome is Outcome.UNDETERMINED and status in _OPEN


def _is_due(previous: Standing | None, now: _Now, status: str, refresh_before: str, wishes: Wishes) -> bool:
    if previous is None or previous.status != status or SECURITY_HUB in previous.pending:
        return True
    if status == ARCHIVED:
        return False
    if previous.content != now.content and not _is_kept(now.decision, status):
        return True
    if status == PASSED and not wishes.passed:
        return False  # it says how a failure ended, and may be forgotten
    return (previous.sent_at or "") < refresh_before


def _told(previous: Standing | None, now: _Now, wishes: Wishes) -> Change | None:
    """The change to notify of: one that could not be told yet goes first, as long as it is still true."""
    if SNS not in wishes.outputs or now.decision.stage != "enforce":
        return None
    before = previous if previous and previous.stage == "enforce" else None
    late = waiting(before) if before and before.outcome is now.decision.outcome else None
    if late is Change.EXEMPTION_ENDS_SOON and not _ends_soon(now, wishes):
        late = None
    return late or _change(before, now, wishes)


def _change(before: Standing | None, now: _Now, wishes: Wishes) -> Change | None:
    """`before`: what was known when the policy was enforced already."""
    outcome = before.outcome if before else None
    match now.decision.outcome:
        case Outcome.FAIL:
            return _failure(before, now.decision.severity)
        case Outcome.UNDETERMINED if outcome is not Outcome.UNDETERMINED:
            return Change.UNDETERMINED
        case Outcome.EXEMPT if _ends_soon(now, wishes):
            known = before is not None and outcome is Outcome.EXEMPT and _notice(now, wishes) <= before.evaluated_at
            return None if known else Change.EXEMPTION_ENDS_SOON
        case _:
            return None


def _failure(before: Standing | None, severity: Severity) -> Change | None:
    """What an undetermined decision left open counts as what it was before."""
    was = (before.status if before.outcome is Outcome.UNDETERMINED else before.outcome) if before else None
    if was in (Outcome.EXEMPT, WARNING):
        return Change.EXEMPTION_ENDED
    if before and was in (Outcome.FAIL, FAILED):
        return Change.WORSE if _RANK[severity] > _RANK[before.severity] else None
    return Change.NEW_FAILURE


def _ends_soon(now: _Now, wishes: Wishes) -> bool:
    return _notice(now, wishes) <= now.evaluated_at


def _notice(now: _Now, wishes: Wishes) -> str:
    """From when on the end of the exemption is to be told; never, if it cannot be read."""
    try:
        ends = instant(str((now.decision.exemption or {}).get("expires")))
        return instant((datetime.fromisoformat(ends) - timedelta(days=wishes.notice_days)).isoformat())
    except (ValueError, OverflowError):
        return "~"  # after every time
