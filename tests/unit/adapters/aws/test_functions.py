"""When a Lambda function was changed last, and events that are handed to one."""

from __future__ import annotations

import json

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.functions import ACTIONS, PAYLOAD_BYTES, Functions
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError
from opalite.ports import Absent, Denied, Place

OWN, REGION = "123456789012", "eu-west-1"
HOME = Place("aws", OWN, REGION)
ARN = f"arn:aws:lambda:{REGION}:{OWN}:function:opalite"
SWEEP = f"{ARN}-sweep:live"
EVENT = {"time": "2026-11-29T04:00:00.000Z", "everything": False, "accounts": ["111122223333"], "attempt": 2}
MODEL = get_session().get_service_model("lambda")


@pytest.fixture
def lambdas(accounts):
    """Lambda in the caller's own account; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    names = {"GetFunctionConfiguration": "GetFunctionConfiguration", "Invoke": "InvokeFunction"}
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (OWN, REGION)
        assert f"lambda:{names[operation]}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)


@pytest.fixture
def functions(lambdas):
    return Functions(lambdas)


@pytest.mark.parametrize(
    ("answer", "changed"),
    [({"LastModified": "2026-11-29T14:00:00.000+0000"}, "2026-11-29T14:00:00.000+0000"), ({}, "")],
)
def test_when_a_function_was_changed_is_told_as_aws_writes_it(lambdas, functions, answer, changed):
    lambdas.tell(OWN, "GetFunctionConfiguration", answer)
    assert functions.changed_at(HOME, ARN) == changed
    assert lambdas.asked == [(OWN, REGION, "GetFunctionConfiguration", {"FunctionName": ARN})]


def test_an_event_is_handed_over_without_waiting_for_what_becomes_of_it(lambdas, functions):
    lambdas.tell(OWN, "Invoke", {"StatusCode": 202})
    functions.invoke(HOME, SWEEP, EVENT)
    [(*_, parameters)] = lambdas.asked
    payload = json.loads(parameters.pop("Payload"))
    assert (parameters, payload) == ({"FunctionName": SWEEP, "InvocationType": "Event"}, EVENT)


def test_an_event_that_lambda_would_not_take_is_not_sent(lambdas, functions):
    lambdas.tell(OWN, "Invoke", {"StatusCode": 202})
    room = PAYLOAD_BYTES - len('{"text":""}')
    functions.invoke(HOME, SWEEP, {"text": "x" * room})
    with pytest.raises(AwsError) as caught:
        functions.invoke(HOME, SWEEP, {"text": "x" * (room + 1)})
    assert str(caught.value) == f"{SWEEP}: an event of 1048577 bytes; at most 1048576 are taken"
    assert len(lambdas.asked) == 1


NOT_ALLOWED = "is denied in account 123456789012 (AccessDeniedException)"
TOO_FAST = AwsError("too fast", "TooManyRequestsException")
FAILURES = [
    ("GetFunctionConfiguration", Denied(NOT_ALLOWED), f"{ARN}: nobody tells when it was changed: {NOT_ALLOWED}"),
    ("Invoke", Denied(NOT_ALLOWED), f"{ARN}: it cannot be invoked: {NOT_ALLOWED}"),
    *(
        (operation, error, message)
        for operation in ("GetFunctionConfiguration", "Invoke")
        for error, message in (
            (Absent("ResourceNotFoundException"), f"{ARN}: there is no such function in account {OWN}, {REGION}"),
            (TOO_FAST, "too fast"),
        )
    ),
]


@pytest.mark.parametrize(("operation", "error", "message"), FAILURES)
def test_whatever_keeps_it_from_being_asked_is_a_failure(lambdas, functions, operation, error, message):
    lambdas.tell(OWN, operation, error)
    with pytest.raises(AwsError) as caught:
        if operation == "Invoke":
            functions.invoke(HOME, ARN, EVENT)
        else:
            functions.changed_at(HOME, ARN)
    assert str(caught.value) == message


def test_boto3_takes_the_questions_and_its_answers_are_understood(scripted, clock):
    scripted.answer("lambda", "get_function_configuration", {"LastModified": "2026-11-29T14:00:00.000+0000"})
    scripted.answer("lambda", "invoke", {"StatusCode": 202})
    scripted.answer("lambda", "invoke", "RecursiveInvocationException")
    functions = Functions(AwsSessions(clock, own=scripted))
    assert functions.changed_at(HOME, ARN) == "2026-11-29T14:00:00.000+0000"
    functions.invoke(HOME, SWEEP, EVENT)
    with pytest.raises(AwsError) as caught:
        functions.invoke(HOME, SWEEP, EVENT)
    assert caught.value.code == "RecursiveInvocationException"
    assert scripted.made == [("sts", REGION, "own"), ("lambda", REGION, "own")]
