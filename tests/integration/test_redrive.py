"""`opalite redrive` by the real command, against an organization on the loopback."""

from __future__ import annotations

import json
import os
import sys
from urllib.parse import unquote

import pytest

from emulation.aws import ACCOUNTS, LocalAws
from emulation.functions import Functions
from emulation.lambda_environment import LocalLambda
from emulation.wire import Reply

ADMIN, MEMBER, OTHER = ACCOUNTS
FUNCTION = f"arn:aws:lambda:eu-west-1:{ADMIN}:function:opalite"
DEAD = "not taken: AWS::S3::Bucket a: the result token is not (any longer) valid; x"
NAME = "opalite-failed"
RULE = "OrgConfigRule-opalite-c635950c"  # as AWS Config calls the member's copy of the organization's rule


class Answering(Functions):
    """A function that answers, by the result token of the event."""

    def answer(self, call, said):
        if call.operation != "Invoke":
            return super().answer(call, said)
        assert unquote(said.path).split("/")[3] == FUNCTION
        token = json.loads(said.body)["resultToken"]
        self.invoked.append((FUNCTION, token))
        raised = {"bad": "an item that cannot be read", "dead": DEAD}.get(token)
        headers = {"Content-Type": "application/json"} | ({"X-Amz-Function-Error": "Unhandled"} if raised else {})
        body = {"errorMessage": raised, "errorType": "DeliveryError"} if raised else {"evaluations": []}
        return Reply(200, headers, json.dumps(body).encode())


@pytest.fixture
def aws():
    local = LocalAws()
    local.functions = Answering()
    with local:
        local.allow_role(MEMBER, "OpaliteMember", external_id="abc")
        yield local


@pytest.fixture
def url(aws):
    return aws.client("sqs").create_queue(QueueName=NAME)["QueueUrl"]


@pytest.fixture
def put(aws, url, item):
    """An event of a Config rule that failed for good, with its token."""

    def sent(token, *, account=MEMBER, plain=False, name="opalite", error="no time was left"):
        rule = aws.config.rule(account, name)
        body = {**item("s3-bucket.sse-s3"), "awsAccountId": account}
        event = aws.config.change_event(body, rule, resultToken=token)
        context = {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": 3}
        record = {
            "requestContext": context,
            "requestPayload": event,
            "responsePayload": {"errorMessage": error, "errorType": "DeliveryError"},
        }
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(event if plain else record))

    return sent


@pytest.fixture
def redrive(opalite, aws, url):
    def run(*options, queue=url, function=FUNCTION, **environ):
        return opalite(
            "redrive", "--queue", queue, "--function", function, *options, environ={**aws.environ(), **environ}
        )

    return run


@pytest.fixture
def left(aws, url):
    def count():
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return tuple(int(found[name]) for name in names)  # to be had, hidden

    return count


def test_all_that_is_taken_goes_from_the_queue(aws, put, redrive, left):
    put("good")
    put("better", plain=True)
    done = redrive()
    assert (done.code, done.err, left()) == (0, [], (0, 0))
    assert sorted(token for _, token in aws.functions.invoked) == ["better", "good"]
    *lines, total = done.out.decode().splitlines()
    resource = lines[0].split()[4]
    about = (
        f"ConfigurationItemChangeNotification of AWS::S3::Bucket {resource} for {RULE} in account {MEMBER}, eu-west-1"
    )
    assert lines == [f"delivered: {about}"] * 2
    assert total == "2 messages: 2 delivered"


def test_what_still_fails_stays_and_is_told(put, redrive, left):
    put("bad")
    put("good")
    done = redrive()
    assert (done.code, left()) == (1, (1, 0))
    assert [line.rpartition(": ")[2] for line in done.err] == ["an item that cannot be read"]
    assert done.out.decode().splitlines()[-1] == "2 messages: 1 delivered, 1 failed"


def test_a_dead_token_has_the_rule_evaluated_anew_by_the_role(aws, put, redrive, left):
    put("dead")
    put("unsent", error=DEAD)
    done = redrive("--role", "OpaliteMember", "--external-id", "abc")
    assert (done.code, done.err, left()) == (0, [], (0, 0))
    assert aws.config.started == [(MEMBER, (RULE,))]
    assert [token for _, token in aws.functions.invoked] in (["dead"], [])
    assert done.out.decode().splitlines()[-1] == "2 messages: 2 evaluated anew"
    assert aws.config.violations == []


def test_without_the_role_it_stays(aws, put, redrive, left):
    put("dead")
    done = redrive()
    assert (done.code, left(), aws.config.started) == (1, (1, 0), [])
    assert "no role was named" in done.err[0]


def test_a_dry_run_changes_nothing(aws, put, redrive, left):
    put("good")
    put("dead", error=DEAD)
    aws.client("sqs").send_message(
        QueueUrl=aws.client("sqs").get_queue_url(QueueName=NAME)["QueueUrl"], MessageBody="hello"
    )
    done = redrive("--dry-run")
    assert (done.code, left()) == (1, (3, 0))
    assert done.out.decode().splitlines()[-1] == "3 messages: 1 unreadable, 1 would be sent, 1 would be evaluated anew"
    assert (aws.functions.invoked, aws.config.started) == ([], [])


def test_an_empty_queue_is_said(redrive):
    done = redrive()
    assert (done.code, done.out.decode(), done.err) == (0, "0 messages: the queue is empty\n", [])


@pytest.mark.parametrize(
    ("options", "given", "message"),
    [
        ([], {"function": "opalite"}, "--function 'opalite' is not the ARN of a Lambda function"),
        ([], {"queue": "opalite"}, "--queue 'opalite' is not the URL of a queue"),
        ([], {"function": FUNCTION.replace(ADMIN, OTHER)}, f"--function is in account {OTHER}, the credentials are of"),
        (["--external-id", "abc"], {}, "--external-id is said when a role is assumed: name it by --role"),
        (["--max", "0"], {}, "Invalid value for '--max'"),
    ],
)
def test_misuse_is_one_line(redrive, options, given, message):
    done = redrive(*options, **given)
    assert (done.code, done.out) == (2, b"")
    [line] = done.err
    assert line.startswith(f"opalite: {message}")


def test_a_function_that_may_not_be_invoked_ends_it_and_leaves_the_event(aws, put, redrive, left):
    put("good")
    aws.deny("lambda", "Invoke")
    done = redrive()
    assert (done.code, left()) == (3, (1, 0))
    assert "denied" in done.err[0]


def test_without_credentials_aws_has_failed(redrive):
    keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "")
    done = redrive(**keys, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    assert done.code == 3
    assert len(done.err) == 1


class Running(Functions):
    """The true function, as Lambda runs it."""

    fn: LocalLambda | None = None

    def answer(self, call, said):
        if call.operation != "Invoke":
            return super().answer(call, said)
        result = self.fn.invoke(json.loads(said.body))
        headers = {"Content-Type": "application/json"} | ({"X-Amz-Function-Error": "Unhandled"} if result.error else {})
        return Reply(200, headers, json.dumps(result.payload).encode())


@pytest.fixture
def function(repository, layer):
    """It runs in an organization, and what fails for good goes to the queue."""
    local = LocalAws()
    local.functions = Running()
    with local:
        local.allow_role(MEMBER, "OpaliteMember")
        variables = {
            **local.environ(),
            "OPALITE_ACCOUNTS": MEMBER,
            "OPALITE_MEMBER_ROLE": "OpaliteMember",
            "OPALITE_LAYER": str(layer / "opalite"),
            "OPALITE_OPA_SOCKET": "{tmp}/opalite/opa.sock",
        }
        with LocalLambda(
            "opalite.app.lambda_handler",
            task_root=str(repository / "handler"),
            extensions=[str(layer / "extensions" / "opalite-opa")],
            env=variables,
        ) as fn:
            local.functions.fn = fn
            yield local, fn


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Lambda's runtime client is for Linux")
def test_what_the_true_function_failed_at_is_delivered_once_that_is_mended(function, opalite, item):
    aws, fn = function
    url = aws.client("sqs").create_queue(QueueName=NAME)["QueueUrl"]
    rule = aws.config.rule(MEMBER, "opalite", parameters={"policies": "aws.s3.bucket.encryption"})
    event = aws.config.change_event({**item("s3-bucket.sse-s3"), "awsAccountId": MEMBER}, rule)

    def redriven():
        command = ["redrive", "--queue", url, "--function", fn.arn, "--role", "OpaliteMember"]
        done = opalite(*command, environ=aws.environ())
        return done.code, done.out.decode().splitlines()[-1]

    def fails():
        fn.invoke_async(event)
        aws.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(fn.dead_letters[-1]))

    aws.deny("config", "PutEvaluations")
    fails()
    assert redriven() == (1, "1 message: 1 failed")
    aws.mend()
    assert redriven() == (0, "1 message: 1 delivered")
    assert [held["complianceType"] for held in aws.config.results(MEMBER, rule).values()] == ["NON_COMPLIANT"]
    assert redriven() == (0, "0 messages: the queue is empty")

    aws.config.expire_tokens()
    fails()
    assert redriven() == (0, "1 message: 1 evaluated anew")
    assert aws.config.started == [(MEMBER, (RULE,))]
    assert aws.config.violations == []
