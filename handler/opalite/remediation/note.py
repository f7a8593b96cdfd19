"""An attempt → what is noted on its finding: a note for people, and the workflow by rules. Pure.

https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
"""

from __future__ import annotations

from collections.abc import Mapping

from opalite.model import JsonObject
from opalite.publish.annotation import clean, cut
from opalite.publish.suppression import AUTHOR, NOTE_CHARACTERS, SUPPRESSED
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result

# NOTIFIED: somebody has been told, so that the finding does not come back as a new event. What is over is RESOLVED by us only
# if the policy has passed. What is not listed leaves the workflow as it is.
WORKFLOW: Mapping[Result, str] = {
    Result.APPLIED: "RESOLVED",
    Result.ALERTED: "NOTIFIED",
    Result.FAILED: "NOTIFIED",
    Result.PLANNED: "NOTIFIED",
    Result.UNVERIFIED: "NOTIFIED",
    Result.WAITING: "NOTIFIED",
    Result.UNDONE: "NEW",
}


def update(attempt: Attempt, product_arn: str) -> JsonObject | None:
    """One update, as BatchUpdateFindings takes it; None if there is no finding.

    What a person has suppressed stays so, and so does a workflow of which we do not know whether he has.
    """
    if attempt.finding_id is None:
        return None
    text = f"Opalite remediation {attempt.result} ({attempt.mode} {attempt.action}): {attempt.reason} [attempt {attempt.id}]"
    body: JsonObject = {
        "FindingIdentifiers": [{"Id": attempt.finding_id, "ProductArn": product_arn}],
        "Note": {"Text": cut(clean(text), NOTE_CHARACTERS), "UpdatedBy": AUTHOR},
    }
    workflow = WORKFLOW.get(attempt.result)
    if workflow is not None and attempt.workflow_status not in (None, SUPPRESSED):
        body["Workflow"] = {"Status": workflow}
    return body
