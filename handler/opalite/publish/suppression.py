"""Exemptions that Security Hub shows as SUPPRESSED: what a standing remembers of that, and what becomes of its finding. Pure.

Security Hub never takes SUPPRESSED back by itself. So what we suppressed we must release, and what people suppressed we must not:
the content of a standing ends with a mark while its finding is suppressed by us, and a release that is due is among what is pending.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opalite.model import Decision, JsonObject, Outcome, Standing
from opalite.publish.annotation import clean, cut, excuse
from opalite.publish.life import SECURITY_HUB, WARNING, Step

SUPPRESSED, NEW = "SUPPRESSED", "NEW"
RELEASE = f"{SECURITY_HUB}:release"  # in Standing.pending; gone with `securityhub` itself
AUTHOR = "opalite"
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Note.html
NOTE_CHARACTERS = 512

_MARK = "+suppressed"


def said(content: str, decision: Decision, before: Standing | None, *, suppressed: bool) -> str:
    """The content of a step, with the mark if its finding is to be suppressed. `suppressed`: the setting.

    So a finding is sent again when the setting changes. What nobody knows any more leaves it as it is.
    """
    is_exempt, is_unknown = decision.outcome is Outcome.EXEMPT, decision.outcome is Outcome.UNDETERMINED
    is_marked = (is_exempt and suppressed) or (is_unknown and is_suppressed(before))
    return content + _MARK if is_marked else content


def owed(before: Standing | None, step: Step) -> Step:
    """The step, with the release that follows from it: of what we suppressed, and do not any more."""
    standing = step.standing
    if standing.status != WARNING:  # only audited any more, or ended
        standing = replace(standing, content=standing.content.removesuffix(_MARK))
    was_ours = before is not None and (_is_marked(before) or RELEASE in before.pending)
    is_due = was_ours and not _is_marked(standing) and SECURITY_HUB in standing.pending
    if is_due != (RELEASE in standing.pending):
        others = {entry for entry in standing.pending if entry != RELEASE}
        standing = replace(standing, pending=tuple(sorted(others | {RELEASE} if is_due else others)))
    return replace(step, standing=standing)


def update(finding: JsonObject, standing: Standing, exemption: JsonObject | None) -> JsonObject | None:
    """What BatchUpdateFindings is to be told once the finding was imported; None: nothing.

    `exemption`: of the decision that the standing is of, None if it is none.
    """
    if _is_marked(standing) and exemption is not None:
        return _update(finding, SUPPRESSED, f"Exempt {excuse(exemption)}.")
    return released(finding) if RELEASE in standing.pending else None


def released(finding: JsonObject) -> JsonObject:
    """As if it had never been suppressed. The note is new, too: the old one names an exemption that does not hold."""
    return _update(finding, NEW, "Not suppressed by an exemption any more.")


def is_suppressed(standing: Standing | None) -> bool:
    """By us."""
    return standing is not None and _is_marked(standing)


def _update(finding: JsonObject, status: str, text: str) -> dict[str, Any]:
    return {
        "FindingIdentifiers": [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}],
        "Workflow": {"Status": status},
        "Note": {"Text": cut(clean(text), NOTE_CHARACTERS), "UpdatedBy": AUTHOR},
    }


def _is_marked(standing: Standing) -> bool:
    return standing.content.endswith(_MARK)
