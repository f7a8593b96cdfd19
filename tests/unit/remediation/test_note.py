"""Notes on findings: within the bounds of Security Hub, and no word in a person's place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings

from opalite.publish.annotation import length
from opalite.publish.suppression import AUTHOR, NOTE_CHARACTERS
from opalite.remediation.model import Result
from opalite.remediation.note import WORKFLOW, update
from unit.remediation.attempts import ATTEMPTS
from unit.remediation.aws.cases import ATTEMPT, FINDING, MEMBER, REGION

PRODUCT = f"arn:aws:securityhub:{REGION}:{MEMBER}:product/{MEMBER}/default"
OF_CALL = get_session().get_service_model("securityhub").operation_model("BatchUpdateFindings").input_shape


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ATTEMPTS)
def test_whatever_became_of_it_security_hub_takes_the_note(attempt):
    body = update(attempt, PRODUCT)
    if attempt.finding_id is None:
        assert body is None
        return
    assert not ParamValidator().validate(body, OF_CALL).has_errors()
    text = body["Note"]["Text"]
    assert (1 <= length(text) <= NOTE_CHARACTERS, text.isprintable(), body["Note"]["UpdatedBy"]) == (True, True, AUTHOR)
    assert body["FindingIdentifiers"] == [{"Id": attempt.finding_id, "ProductArn": PRODUCT}]
    is_left_alone = attempt.workflow_status in (None, "SUPPRESSED")
    expected = None if is_left_alone else WORKFLOW.get(attempt.result)
    assert body.get("Workflow") == (None if expected is None else {"Status": expected})
    assert body.keys() <= {"FindingIdentifiers", "Note", "Workflow"}  # all that the roles allow


def test_a_note_says_what_became_of_it():
    assert update(replace(ATTEMPT, workflow_status="NEW"), PRODUCT) == {
        "FindingIdentifiers": [{"Id": FINDING, "ProductArn": PRODUCT}],
        "Note": {
            "Text": "Opalite remediation applied (auto revoke_ingress): the policy passes [attempt 0123456789abcdef0123]",
            "UpdatedBy": "opalite",
        },
        "Workflow": {"Status": "RESOLVED"},
    }


@pytest.mark.parametrize("result", Result)
def test_only_what_passes_is_resolved(result):
    body = update(replace(ATTEMPT, result=result, workflow_status="NOTIFIED"), PRODUCT)

    assert (body.get("Workflow") == {"Status": "RESOLVED"}) is (result is Result.APPLIED)
