"""Decision → what AWS Config is told: compliance type and annotation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opalite.model import JsonObject, Outcome

# https://docs.aws.amazon.com/config/latest/APIReference/API_Evaluation.html: Annotation, 1 to 256 characters.
ANNOTATION_CHARACTERS = 256
_DECISION_CHARACTERS = 12  # enough to find one decision among those of a year
_ELLIPSIS = "…"

# What data.stages may say of the two outcomes that leave a choice. "withdraw" is NON_COMPLIANT where the resource was
# COMPLIANT before, and nothing elsewhere: a verdict that was never given need not be taken back.
EXEMPT_CHOICES = ("COMPLIANT", "NOT_APPLICABLE")
UNDETERMINED_CHOICES = ("withdraw", "NON_COMPLIANT", "NOT_APPLICABLE", "nothing")

_FIXED = {Outcome.PASS: "COMPLIANT", Outcome.FAIL: "NON_COMPLIANT", Outcome.NOT_APPLICABLE: "NOT_APPLICABLE"}


def compliance_type(outcome: Outcome, treatment: Mapping[str, str], *, previous: str | None = None) -> str | None:
    """The compliance type to send, or None when nothing is sent. `previous` is what Config holds now, if known."""
    if outcome in _FIXED:
        return _FIXED[outcome]
    if outcome is Outcome.EXEMPT:
        return treatment.get("exempt", "COMPLIANT")
    choice = treatment.get("undetermined", "withdraw")
    if choice == "withdraw":
        return "NON_COMPLIANT" if previous == "COMPLIANT" else None
    return None if choice == "nothing" else choice


def annotation(
    outcome: Outcome,
    title: str,
    *,
    violations: Sequence[JsonObject],
    unknown: Sequence[JsonObject],
    reasons: Sequence[str],
    exemption: JsonObject | None,
    decision_id: str,
) -> str:
    """One sentence of at most 256 characters: the finding, how many more there are, and the decision to look up."""
    tail = f" [{decision_id[:_DECISION_CHARACTERS]}]"
    if outcome is Outcome.PASS:
        return _fit(title, "", tail)
    if outcome is Outcome.NOT_APPLICABLE:
        return _fit(f"not applicable: {reasons[0]}", _more(reasons), tail)
    if outcome is Outcome.UNDETERMINED:
        return _fit(f"undetermined: {_gap(unknown[0])}", _more(unknown), tail)
    first = str(violations[0]["message"])
    if exemption is not None:
        expires = str(exemption.get("expires", ""))[:10]
        head = f"exempt until {expires} by {exemption.get('id', '?')} ({exemption.get('ticket', '?')}): {first}"
        return _fit(head, _more(violations), tail)
    return _fit(first, _more(violations), tail)


def _gap(gap: JsonObject) -> str:
    if "fact" in gap:
        reason = gap.get("reason", "not known")
        return (
            f"{gap['fact']} {gap.get('key', '')} is {reason}"
            if reason == "not known"
            else f"{gap['fact']} {gap.get('key', '')}: {reason}"
        )
    reason = str(gap.get("reason", "not recorded"))
    return f"{gap['path']}: {reason}" if "path" in gap else reason


def _more(entries: Sequence[object]) -> str:
    return f" (+{len(entries) - 1} more)" if len(entries) > 1 else ""


def _fit(text: str, more: str, tail: str) -> str:
    """The sentence gives way to the count and the decision id, which cannot be guessed."""
    text = " ".join(text.split())
    room = ANNOTATION_CHARACTERS - len(more) - len(tail)
    if len(text) > room:
        text = text[: room - len(_ELLIPSIS)].rstrip() + _ELLIPSIS
    return text + more + tail
