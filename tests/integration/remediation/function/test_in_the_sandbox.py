"""The remediation function as Lambda has it: the true runtime client, extension and layer, in processes of their own."""

from __future__ import annotations

import pytest

from emulation.aws import LocalAws
from emulation.lambda_environment import LocalLambda
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
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    with LocalAws() as aws:  # by the clock of the sandbox
        made = Scene(aws, layers, Clock(), monkeypatch)
        made.set_up()
        yield made


@pytest.fixture
def sandbox(scene, layer, repository):
    environ = {
        **scene.aws.environ(),
        "OPALITE_LAYER": str(layer / "opalite"),
        "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
        "OPALITE_ACCOUNTS": "organization",
        "OPALITE_EXTERNAL_ID": EXTERNAL_ID,
        "OPALITE_REMEDIATION_TABLE": TABLE,
        "OPALITE_RECORD_BUCKET": BUCKET,
        "OPALITE_SECURITY_HUB": "on",
        "OPALITE_TOPIC_ARN": TOPIC_ARN,
    }
    with LocalLambda(
        "opalite.remediation.app.lambda_handler",
        task_root=repository / "handler",
        extensions=[layer / "extensions" / "opalite-opa"],
        env=environ,
        timeout=300,
        init_timeout=30,
    ) as running:
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
