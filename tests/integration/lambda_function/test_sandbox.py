"""The same function as Lambda has it: in a sandbox of its own, with the true runtime client, extension and layer."""

from __future__ import annotations

import contextlib
import json

import pytest

from emulation.aws import ACCOUNTS, LocalAws
from integration.lambda_function.deployed import in_a_sandbox

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
KIND, NAME = "AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8"
CAPTURED, NOTIFIED = "2026-03-02T08:15:30.412Z", "2026-03-02T12:00:00.250Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
CLOSED = "Security groups do not open administration ports to the world"


@pytest.fixture(scope="module")
def aws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        with LocalAws() as running:
            for account in (MEMBER, OTHER):
                running.allow_role(account, "OpaliteMember", external_id="organization-7f3a")
            yield running
            assert running.config.violations == []


@pytest.fixture(scope="module")
def sandbox(aws, layer, repository):
    """One for all tests: each has a Config rule and resources of its own."""
    roles = {"OPALITE_MEMBER_ROLE": "OpaliteMember", "OPALITE_EXTERNAL_ID": "organization-7f3a"}
    with in_a_sandbox(layer, repository, {**aws.environ(), **roles}) as running:
        yield running


@pytest.fixture
def rule(aws, request):
    aws.config.put_calls.clear()
    return aws.config.rule(MEMBER, request.node.name[:40], parameters={"policies": INGRESS})


@pytest.fixture
def invoke(sandbox):
    """The result, and the lines of the log that the function wrote."""

    def invoked(event):
        sandbox.clear_log()
        result = sandbox.invoke(event)
        found = []
        for line in sandbox.log:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line.removeprefix("[runtime] ")))
        return result, [line for line in found if line.get("service") == "opalite"]

    return invoked


def tail(lines):
    (decision,) = (line for line in lines if line.get("message") == "decision")
    return f" [{decision['decision_id'][:12]}]"


def test_a_change(aws, rule, invoke, group):
    result, lines = invoke(aws.config.change_event(group(opened=22), rule))
    evaluation = {
        "resource_type": KIND,
        "resource_id": NAME,
        "compliance_type": "NON_COMPLIANT",
        "annotation": f"{OPEN}{tail(lines)}",
        "ordering_timestamp": CAPTURED,
    }
    assert (result.error, result.payload) == (None, {"evaluations": [evaluation], "outcomes": {INGRESS: "fail"}})
    told = {"complianceType": "NON_COMPLIANT", "annotation": f"{OPEN}{tail(lines)}", "orderingTimestamp": CAPTURED}
    assert aws.config.results(MEMBER, rule) == {(KIND, NAME): told}
    assert lines[0]["function_request_id"] == result.request_id


def test_an_oversized_change(aws, rule, invoke, group):
    meant = aws.config.record(group("sg-00000000000000001", opened=22))
    aws.config.record(group("sg-00000000000000001", configurationItemCaptureTime="2026-03-02T08:20:00.000Z"))
    result, lines = invoke(aws.config.oversized_event(meant, rule, recorded=False))
    told = {"complianceType": "NON_COMPLIANT", "annotation": f"{OPEN}{tail(lines)}", "orderingTimestamp": CAPTURED}
    assert result.error is None
    assert aws.config.results(MEMBER, rule) == {(KIND, "sg-00000000000000001"): told}


def test_a_deleted_resource(aws, rule, invoke, group):
    gone = group(configuration=None, configurationItemStatus="ResourceDeleted")
    result, lines = invoke(aws.config.change_event(gone, rule, recorded=False, eventLeftScope=True))
    says = f"not applicable: the resource was deleted{tail(lines)}"
    told = {"complianceType": "NOT_APPLICABLE", "annotation": says, "orderingTimestamp": CAPTURED}
    assert result.error is None
    assert aws.config.results(MEMBER, rule) == {(KIND, NAME): told}


def test_a_schedule(aws, rule, invoke, group):
    for number in range(3):
        aws.config.record(group(f"sg-{number:017x}", OTHER))
    of_another = aws.config.rule(OTHER, "schedule", parameters={"policies": INGRESS})
    result, lines = invoke(aws.config.schedule_event(OTHER, of_another, notified_at=NOTIFIED))
    assert (result.error, result.payload) == (None, {"resources": 3, "delivered": {"COMPLIANT": 3}, "unreadable": 0})
    tails = {line["resource_id"]: line["decision_id"][:12] for line in lines if line.get("message") == "decision"}
    assert aws.config.results(OTHER, of_another) == {
        (KIND, name): {"complianceType": "COMPLIANT", "annotation": f"{CLOSED} [{end}]", "orderingTimestamp": NOTIFIED}
        for name, end in tails.items()
    }
    assert len(tails) == 3


def test_a_refusal_is_no_error(aws, invoke, group):
    own = aws.config.rule(MEMBER, "own", organization=False)
    result, lines = invoke(aws.config.change_event(group(), own))
    assert (result.error, result.payload) == (None, {"refused": "rule"})
    assert [line["reason"] for line in lines if line.get("message") == "refused"] == ["rule"]
    assert aws.config.results(MEMBER, own) == {}


def test_what_is_no_event_is_an_error_that_lambda_sees(aws, invoke):
    result, lines = invoke({"Records": []})
    assert result.error == "Unhandled"
    assert (result.payload["errorType"], result.payload["errorMessage"]) == (
        "InvocationError",
        "the event has no invokingEvent, so it is not AWS Config's; it has Records",
    )
    assert [line["error"] for line in lines if line.get("message") == "failed"] == ["InvocationError"]


def test_an_event_that_fails_for_good_is_kept_and_can_be_sent_again(aws, sandbox, rule, group):
    event = aws.config.oversized_event(group("sg-00000000000000009", opened=22), rule, recorded=False)
    assert [result.error for result in sandbox.invoke_async(event)] == ["Unhandled"] * 3
    letter = sandbox.dead_letters.pop()
    assert letter["requestPayload"] == event
    assert letter["responsePayload"]["errorType"] == "AwsError"
    aws.config.record(group("sg-00000000000000009", opened=22))
    assert sandbox.invoke(letter["requestPayload"]).error is None
    assert [told["complianceType"] for told in aws.config.results(MEMBER, rule).values()] == ["NON_COMPLIANT"]
