"""The outputs of the function as Lambda has it: the true runtime client, extension and layer, in processes of their own."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS
from integration.lambda_function.deployed import ROLE, in_a_sandbox
from integration.outputs.scene import ON, Shown

MEMBER = ACCOUNTS[1]
KEY = f"{MEMBER} sg-1 restricted_ingress"
AT = [f"2026-03-02T{hour}:00:00.750Z" for hour in ("08", "09")]


@pytest.fixture
def sandbox(aws, layer, repository):
    environ = {**aws.environ(), "OPALITE_MEMBER_ROLE": ROLE, **ON}
    with in_a_sandbox(layer, repository, environ) as running:
        yield running


def test_a_failure_is_told_though_the_topic_was_closed_at_first_and_its_end_too(scene, sandbox, rule, group):
    opened = scene.aws.config.change_event(group("sg-1", opened=22, at="08:00:00.000"), rule)
    scene.aws.deny("sns")
    results = sandbox.invoke_async(opened)
    assert [result.error for result in results] == ["Unhandled"] * 3
    assert {result.payload["errorType"] for result in results} == {"DeliveryError"}
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [], {KEY: ("sns:new_failure",)})
    scene.aws.mend()
    letter = sandbox.dead_letters.pop()
    assert [sandbox.invoke(letter["requestPayload"]).error for _ in range(2)] == [None, None]
    assert scene.findings() == {KEY: Shown("FAILED", "ACTIVE", AT[0], AT[0], AT[0])}
    assert (scene.imported(), scene.changes(), scene.pending()) == ([], [("payments", "new_failure", "sg-1")], {})
    closed = scene.aws.config.change_event(group("sg-1", at="09:00:00.000"), rule)
    assert [sandbox.invoke(event).error for event in (closed, opened)] == [None, None]
    assert scene.findings() == {KEY: Shown("PASSED", "ACTIVE", AT[0], AT[1], AT[1])}
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [], {})
    assert [one["outcome"] for one in scene.records()] == ["fail", "pass"]
