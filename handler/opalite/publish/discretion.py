"""What policies say of a resource, without the secrets that they may have read there: mails go further than AWS does. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opalite.model import Case, JsonObject
from opalite.publish.redaction import Redaction


def discreet(case: Case, most: int) -> Case:
    """Violations and gaps after the first `most` stay as they are: they are counted only."""
    redaction = Redaction()
    redaction.document(case.judged, "")  # finds what must not be said
    decision = case.decision
    violations = [_violation(entry, redaction) for entry in decision.violations[:most]]
    unknown = [_texts(entry, redaction) for entry in decision.unknown[:most]]
    return replace(
        case,
        decision=replace(
            decision,
            annotation=redaction.text(decision.annotation, ""),
            violations=[*violations, *decision.violations[most:]],
            unknown=[*unknown, *decision.unknown[most:]],
        ),
    )


def _violation(entry: Mapping[str, Any], redaction: Redaction) -> JsonObject:
    return {**_texts(entry, redaction), "evidence": redaction.evidence(entry.get("evidence", {}), "")}


def _texts(entry: Mapping[str, Any], redaction: Redaction) -> JsonObject:
    return {key: redaction.text(value, "") if isinstance(value, str) else value for key, value in entry.items()}
