"""Decisions → what AWS Config is told of a resource. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opalite.model import Decision, Outcome, Severity
from opalite.publish.annotation import ANNOTATION_CHARACTERS, clean, cut, fitted, gap, length, tail

COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"

# What data.stages may say of the two outcomes that leave a choice. "withdraw" is NON_COMPLIANT where the resource was
# COMPLIANT before, and nothing elsewhere: a verdict that was never given need not be taken back.
WITHDRAW = "withdraw"
EXEMPT_CHOICES = (COMPLIANT, NOT_APPLICABLE)
UNDETERMINED_CHOICES = (WITHDRAW, NON_COMPLIANT, NOT_APPLICABLE, "nothing")

_FIXED = {Outcome.PASS: COMPLIANT, Outcome.FAIL: NON_COMPLIANT, Outcome.NOT_APPLICABLE: NOT_APPLICABLE}
_GRAVEST_FIRST = {severity: -rank for rank, severity in enumerate(Severity)}
_SHORTEST_MESSAGE = 16  # characters of a message that still say something
_MESSAGE = 90  # characters that the message of the gravest may claim before the names of the others


def compliance_type(outcome: Outcome, treatment: Mapping[str, str], *, previous: str | None = None) -> str | None:
    """The compliance type to send, or None when nothing is sent. `previous` is what Config holds now, if known."""
    if outcome in _FIXED:
        return _FIXED[outcome]
    if outcome is Outcome.EXEMPT:
        return treatment.get("exempt", COMPLIANT)
    choice = treatment.get("undetermined", WITHDRAW)
    if choice == WITHDRAW:
        return NON_COMPLIANT if previous == COMPLIANT else None
    return None if choice == "nothing" else choice


def hangs_on_previous(outcome: Outcome, treatment: Mapping[str, str]) -> bool:
    """Whether the compliance type depends on what Config holds now."""
    is_sent = treatment.get("stage", "enforce") == "enforce"
    return is_sent and outcome is Outcome.UNDETERMINED and treatment.get("undetermined", WITHDRAW) == WITHDRAW


def told(decisions: Sequence[Decision], *, umbrella: bool, complete: bool) -> tuple[str, str] | None:
    """Compliance type and annotation for one resource under one Config rule; None when nothing can be said.

    `umbrella`: the rule speaks for several policies, so the worst outcome counts. `complete`: every policy has answered; if one
    has not, only the worst can be told, since it would stay the worst.
    """
    enforced = [decision for decision in decisions if decision.stage == "enforce"]
    failing = [decision for decision in enforced if decision.compliance_type == NON_COMPLIANT]
    if failing:
        return NON_COMPLIANT, _failing(failing, len(enforced)) if umbrella else failing[0].annotation
    if not complete or not enforced or any(decision.compliance_type is None for decision in enforced):
        return None
    good = [decision for decision in enforced if decision.compliance_type == COMPLIANT]
    worst, kind = (good, COMPLIANT) if good else (enforced, NOT_APPLICABLE)
    return kind, _agreeing(worst, len(enforced)) if umbrella else worst[0].annotation


def _failing(failing: Sequence[Decision], asked: int) -> str:
    """How many fail, which ones, and what the gravest says: "2 of 5 policies fail: ID: message; ID [decision]"."""
    ranked = sorted(failing, key=lambda decision: (_GRAVEST_FIRST[decision.severity], decision.policy_id))
    first = ranked[0]
    end = tail(first.decision_id)
    head = f"{len(ranked)} of {asked} policies fail: {first.policy_id}: "
    message = clean(_said(first))
    room = ANNOTATION_CHARACTERS - length(head) - length(end)
    others = _as_many_as_fit(
        [f"; {decision.policy_id}" for decision in ranked[1:]], room - min(length(message), _MESSAGE)
    )
    room -= length(others)
    if room < _SHORTEST_MESSAGE:
        return fitted(head, others + end)
    return f"{head}{cut(message, room)}{others}{end}"


def _as_many_as_fit(names: Sequence[str], room: int) -> str:
    for left_out in range(len(names) + 1):
        shown = names[: len(names) - left_out]
        text = "".join(shown) + (f" (+{left_out} more)" if left_out else "")
        if length(text) <= room:
            return text
    return ""


def _said(decision: Decision) -> str:
    if decision.outcome is Outcome.UNDETERMINED:
        return f"undetermined: {gap(decision.unknown[0])}"
    more = f" (+{len(decision.violations) - 1} more)" if len(decision.violations) > 1 else ""
    return f"{decision.violations[0]['message']}{more}"


def _agreeing(decisions: Sequence[Decision], asked: int) -> str:
    first = decisions[0]
    end = tail(first.decision_id)
    if first.compliance_type == NOT_APPLICABLE:
        same = {reason for decision in decisions for reason in decision.reasons}
        text = f"none of {asked} policies applies" if asked > 1 else "the policy does not apply"
        return fitted(f"not applicable: {next(iter(same))}" if len(same) == 1 else text, end)
    counts = {
        "pass": sum(decision.outcome is Outcome.PASS for decision in decisions),
        "exempt": sum(decision.outcome is Outcome.EXEMPT for decision in decisions),
        "not applicable": asked - len(decisions),
    }
    names = sorted(
        str((decision.exemption or {}).get("id", "?")) for decision in decisions if decision.outcome is Outcome.EXEMPT
    )
    excused = f" ({', '.join(names)})" if names else ""
    listed = [f"{count} {word}{excused if word == 'exempt' else ''}" for word, count in counts.items() if count]
    return fitted(f"{asked} policies: {', '.join(listed)}", end)
