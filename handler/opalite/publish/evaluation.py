"""Decisions → what AWS Config is told of a resource. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

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
        choice = treatment.get("exempt", COMPLIANT)
        return choice if choice in EXEMPT_CHOICES else None  # stages that nobody has checked, of an OPA elsewhere
    choice = treatment.get("undetermined", WITHDRAW)
    if choice == WITHDRAW:
        return NON_COMPLIANT if previous == COMPLIANT else None
    return choice if choice in (NON_COMPLIANT, NOT_APPLICABLE) else None


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
    unclear = [decision for decision in enforced if decision.outcome is Outcome.UNDETERMINED]
    if unclear:  # NOT_APPLICABLE by setting; that others pass does not make it COMPLIANT
        return NOT_APPLICABLE, _unclear(unclear, len(enforced)) if umbrella else unclear[0].annotation
    good = [decision for decision in enforced if decision.compliance_type == COMPLIANT]
    worst, kind = (good[0], COMPLIANT) if good else (enforced[0], NOT_APPLICABLE)
    return kind, _agreeing(enforced, worst.decision_id) if umbrella else worst.annotation


def _failing(failing: Sequence[Decision], asked: int) -> str:
    return _listed(failing, asked, "fails" if len(failing) == 1 else "fail", _said)


def _unclear(unclear: Sequence[Decision], asked: int) -> str:
    verb = "is undetermined" if len(unclear) == 1 else "are undetermined"
    return _listed(unclear, asked, verb, lambda decision: gap(decision.unknown[0]))


def _listed(entries: Sequence[Decision], asked: int, verb: str, said: Callable[[Decision], str]) -> str:
    """How many, which ones, and what the gravest says: "2 of 5 policies fail: ID: message; ID [decision]"."""
    ranked = sorted(entries, key=_gravest_first)
    first = ranked[0]
    end = tail(first.decision_id)
    head = f"{len(ranked)} of {asked} {_policies(asked)} {verb}: {first.policy_id}: "
    message = clean(said(first))
    room = ANNOTATION_CHARACTERS - length(head) - length(end)
    others = _as_many_as_fit(
        [f"; {decision.policy_id}" for decision in ranked[1:]], room - min(length(message), _MESSAGE)
    )
    room -= length(others)
    if room < min(length(message), _SHORTEST_MESSAGE):
        return fitted(head.removesuffix(": "), others + end)
    return f"{head}{cut(message, room)}{others}{end}"


def _gravest_first(decision: Decision) -> tuple[int, bool, str]:
    """What is known to be wrong goes before what only may be."""
    unclear = decision.outcome is Outcome.UNDETERMINED
    return _GRAVEST_FIRST[decision.severity], unclear, decision.policy_id


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


def _agreeing(enforced: Sequence[Decision], decision_id: str) -> str:
    """Nothing is wrong: how many pass, which exemptions there are, how many do not apply."""
    asked, end = len(enforced), tail(decision_id)
    outcomes = Counter(decision.outcome for decision in enforced)
    if outcomes[Outcome.NOT_APPLICABLE] == asked:
        same = {reason for decision in enforced for reason in decision.reasons}
        text = f"none of {asked} policies applies" if asked > 1 else "the policy does not apply"
        return fitted(f"not applicable: {next(iter(same))}" if len(same) == 1 else text, end)
    names = sorted(
        str((decision.exemption or {}).get("id", "?")) for decision in enforced if decision.outcome is Outcome.EXEMPT
    )
    passing, others = outcomes[Outcome.PASS], outcomes[Outcome.NOT_APPLICABLE]
    parts = [f"{passing} of {asked} {_policies(asked)} pass{'' if passing > 1 else 'es'}"] if passing else []
    parts += [f"{len(names)} exempt ({', '.join(names)})"] if names else []
    parts += [f"{others} not applicable"] if others else []
    return fitted(", ".join(parts), end)


def _policies(count: int) -> str:
    return "policy" if count == 1 else "policies"
