"""The queue by moto, the function by answers that are written down."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.failed_events import ATTEMPTS, Answered, FailedEvents, Function, function_arn
from opalite.errors import AwsError, UsageError
from opalite.ports import Absent, Denied

OWN, REGION = "123456789012", "eu-west-1"
ARN = f"arn:aws:lambda:{REGION}:{OWN}:function:opalite:live"
THROTTLED = AwsError("too fast", "TooManyRequestsException")


@pytest.fixture
def queue(sessions):
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="opalite-failed")["QueueUrl"]
    return client, url, FailedEvents(sessions, url, account_id=OWN, region=REGION)


def test_messages_are_taken_deleted_and_shown_again(queue):
    client, url, events = queue
    told = {"ErrorMessage": {"DataType": "String", "StringValue": "no"}}
    client.send_message(QueueUrl=url, MessageBody='{"a": 1}', MessageAttributes=told)
    client.send_message(QueueUrl=url, MessageBody='{"b": 1}')
    taken = {message.body: message for message in (events.take(), events.take())}
    assert {body: message.error for body, message in taken.items()} == {'{"a": 1}': "no", '{"b": 1}': ""}
    assert events.take() is None
    events.delete(taken['{"a": 1}'])
    events.show([taken['{"b": 1}'].receipt])
    again = events.take()
    assert (again.id, again.body) == (taken['{"b": 1}'].id, '{"b": 1}')
    assert '{"b": 1}' not in repr(again)


def test_a_queue_that_is_not_there_is_misuse(sessions):
    url = f"https://sqs.{REGION}.amazonaws.com/{OWN}/none"
    with pytest.raises(UsageError) as caught:
        FailedEvents(sessions, url, account_id=OWN, region=REGION).take()
    assert str(caught.value) == f"--queue {url}: there is no such queue"


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (f"https://sqs.us-east-2.amazonaws.com/{OWN}/q", "us-east-2"),
        (f"https://us-east-2.queue.amazonaws.com/{OWN}/q", "us-east-2"),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{OWN}/q", "cn-north-1"),
        (f"http://127.0.0.1:4566/{OWN}/q", REGION),
    ],
)
def test_the_region_is_that_of_the_queue(accounts, url, region):
    sessions = accounts().tell(OWN, "ReceiveMessage", {})
    assert FailedEvents(sessions, url, account_id=OWN, region=REGION).take() is None
    [(_, asked, operation, parameters)] = sessions.asked
    assert (asked, operation, parameters["QueueUrl"]) == (region, "ReceiveMessage", url)
    shape = get_session().get_service_model("sqs").operation_model(operation).input_shape
    validate_parameters(parameters, shape)


@pytest.mark.parametrize(
    "url", ["opalite-failed", f"arn:aws:sqs:{REGION}:{OWN}:q", f"https://sqs.{REGION}.amazonaws.com/q"]
)
def test_what_is_no_queue_is_refused(accounts, url):
    with pytest.raises(UsageError):
        FailedEvents(accounts(), url, account_id=OWN, region=REGION)


@pytest.mark.parametrize("text", ["opalite", f"{ARN}:2", ARN.replace(":function:", ":layer:"), ARN.replace(OWN, "12")])
def test_what_is_no_function_is_refused(text):
    with pytest.raises(UsageError):
        function_arn(text)


@pytest.fixture
def function(accounts):
    def made(*answers):
        """Answers one after the other, and what was slept."""
        left, slept = list(answers), []

        def answer(parameters):
            shape = get_session().get_service_model("lambda").operation_model("Invoke").input_shape
            validate_parameters(parameters, shape)
            given = left.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        sessions = accounts().tell(OWN, "Invoke", answer)
        return Function(sessions, function_arn(ARN), sleep=slept.append), sessions, slept

    return made


def payload(document, **more):
    return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(document).encode()), **more}


def test_the_function_is_invoked_and_waited_for(function):
    own, sessions, slept = function(payload({"evaluations": []}))
    assert own.send(b'{"a": 1}') == Answered(failed=False, payload={"evaluations": []})
    expected = {"FunctionName": ARN, "InvocationType": "RequestResponse", "Payload": b'{"a": 1}'}
    assert sessions.asked == [(OWN, REGION, "Invoke", expected)]
    assert slept == []


def test_what_it_raised_is_told_as_lambda_tells_it(function):
    told = {"errorMessage": "no", "errorType": "DeliveryError"}
    assert function(payload(told, FunctionError="Unhandled"))[0].send(b"{}") == Answered(failed=True, payload=told)


def test_a_throttled_call_is_tried_again_with_growing_pauses(function):
    own, _, slept = function(THROTTLED, THROTTLED, payload(None))
    assert own.send(b"{}") == Answered(failed=False, payload=None)
    assert slept == [1.0, 2.0]


def test_throttling_ends(function):
    own, sessions, slept = function(*[THROTTLED] * ATTEMPTS)
    with pytest.raises(AwsError, match="too fast"):
        own.send(b"{}")
    assert (len(sessions.asked), len(slept)) == (ATTEMPTS, ATTEMPTS - 1)


def test_an_invocation_of_which_nothing_was_heard_is_not_repeated(function):
    own, sessions, _ = function(AwsError("read timeout"))
    with pytest.raises(AwsError, match="read timeout"):
        own.send(b"{}")
    assert len(sessions.asked) == 1


def test_no_function_is_misuse_and_no_permission_is_said(function):
    with pytest.raises(UsageError, match="there is no such function"):
        function(Absent("ResourceNotFoundException"))[0].send(b"{}")
    with pytest.raises(Denied):
        function(Denied("lambda:Invoke is denied"))[0].send(b"{}")


def test_an_answer_that_is_no_json_or_cut_is_not_taken_for_success(function):
    class Cut:
        def read(self):
            raise OSError("cut")

    for answer in (io.BytesIO(b"<html>"), Cut()):
        with pytest.raises(AwsError):
            function({"Payload": answer})[0].send(b"{}")
