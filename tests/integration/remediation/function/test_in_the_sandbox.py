"""The remediation function as Lambda has it: the true runtime client, extension and layer, in processes of their own."""

from __future__ import annotations

import pytest

from emulation.aws import LocalAws
from integration.lambda_function.deployed import in_a_sandbox
from integration.remediation.function.scene import (
    BUCKET,
    EXTERNAL_ID,
    TABLE,
    TOPIC_ARN,
    Clock,
    Scene,
    event,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def scene(layers, monkeypatch):
    with LocalAws() as aws:  # by the clock of the sandbox
        made = Scene(aws, layers, Clock(), monkeypatch)
        made.set_up()
        yield made


@pytest.fixture
def sandbox(scene, layer, repository):
    environ = {
        **scene.aws.environ(),
        "OPALITE_EXTERNAL_ID": EXTERNAL_ID,
        "OPALITE_REMEDIATION_TABLE": TABLE,
        "OPALITE_RECORD_BUCKET": BUCKET,
        "OPALITE_SECURITY_HUB": "on",
        "OPALITE_TOPIC_ARN": TOPIC_ARN,
    }
    handler = "opalite.remediation.app.lambda_handler"
    with in_a_sandbox(layer, repository, environ, handler=handler, timeout=300) as running:
        yield running


def test_as_it_ships_it_plans_and_changes_nothing(scene, sandbox):
    group = scene.group()

    first = sandbox.invoke(event("finding_imported", group))
    again = sandbox.invoke(event("finding_imported", group))
    refused = sandbox.invoke({"approve": "everything"})

    (attempt,) = scene.attempts()
    answer = {"attempt": attempt.id, "result": "planned", "wait_seconds": None, "approval_seconds": None}
    assert (first.payload, again.payload) == ({"attempts": [answer]}, {"attempts": [answer]})
    assert refused.payload["errorType"] == "InvocationError"
    assert scene.ranges(group) == ["0.0.0.0/0", "192.0.2.0/24"]
    assert [step.call.operation for step in attempt.plan.steps] == ["RevokeSecurityGroupIngress"]
    assert [record["result"] for record in scene.records().values()] == ["planned"]
    assert scene.finding(group)[0] == "NOTIFIED"
