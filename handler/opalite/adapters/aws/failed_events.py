"""The queue of failed events, and the function that is to have them again. Asked with the caller's own credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from opalite.errors import AwsError, UsageError
from opalite.ports import Absent, Service, Sessions

ACTIONS: Final = (  # of the caller
    "lambda:InvokeFunction",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
)
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: seconds that a function may take; some for the way.
LONGEST_INVOCATION: Final = 900 + 30
# While a message is worked on, nobody else sees it: the longest invocation, throttling, and what comes after.
HIDDEN_SECONDS: Final = 1200
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html: without waiting, an
# answer may leave out what is there.
WAIT_SECONDS: Final = 3
ATTEMPTS: Final = 6
FIRST_WAIT_SECONDS: Final = 1.0  # doubles with each attempt

# Of Lambda, before the function has seen anything of the event.
_NOT_BEGUN: Final = frozenset({"EC2ThrottledException", "ServiceException", "TooManyRequestsException"})
_URL = re.compile(r"https?://[^/\s]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_HOST = re.compile(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?/")
_FUNCTION = re.compile(
    r"arn:aws[a-z-]*:lambda:([a-z]{2}[a-z0-9-]*):([0-9]{12}):function:[A-Za-z0-9_-]{1,64}(?::[A-Za-z0-9_$-]+)?"
)


@dataclass(frozen=True, slots=True)
class FunctionArn:
    """The ARN of a function, in parts."""

    arn: str
    region: str
    account_id: str


def function_arn(text: str) -> FunctionArn:
    """Raises UsageError."""
    parts = _FUNCTION.fullmatch(text)
    if parts is None:
        raise UsageError(f"--function {text[:200]!r} is not the ARN of a Lambda function")
    return FunctionArn(text, parts[1], parts[2])


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A message, and the receipt by which it is deleted or shown again."""

    id: str
    body: str = field(repr=False)
    error: str = field(
        repr=False
    )  # the attribute ErrorMessage, which Lambda gives messages of a plain dead-letter queue
    receipt: str = field(repr=False)


class FailedEvents:
    """Meets opalite.redrive.run.Queue. Takes one message after the other, so that never much is hidden."""

    def __init__(self, sessions: Sessions, url: str, *, account_id: str, region: str) -> None:
        if not _URL.fullmatch(url):
            raise UsageError(
                f"--queue {url[:200]!r} is not the URL of a queue, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            )
        host = _HOST.match(url)
        self._url = url
        self._service: Service = sessions.service("sqs", account_id, (host and (host[1] or host[2])) or region)

    def take(self) -> QueueMessage | None:
        """The next one, None if the queue has none to give."""
        answer = self._ask(
            "ReceiveMessage",
            MaxNumberOfMessages=1,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=WAIT_SECONDS,
            MessageAttributeNames=["ErrorMessage"],
        )
        for message in answer.get("Messages") or ():
            told = (message.get("MessageAttributes") or {}).get("ErrorMessage") or {}
            error = str(told.get("StringValue") or "")
            return QueueMessage(message["MessageId"], message["Body"], error, message["ReceiptHandle"])
        return None

    def delete(self, message: QueueMessage) -> None:
        """For good."""
        self._ask("DeleteMessage", ReceiptHandle=message.receipt)

    def show(self, receipts: Sequence[str]) -> None:
        """At once, to everybody. What fails here shows itself when its time is over."""
        for receipt in receipts:
            self._ask("ChangeMessageVisibility", ReceiptHandle=receipt, VisibilityTimeout=0)

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            return self._service.ask(operation, QueueUrl=self._url, **parameters)
        except Absent:
            raise UsageError(f"--queue {self._url}: there is no such queue") from None


@dataclass(frozen=True, slots=True)
class Answered:
    """How an invocation ended: whether the function raised, and what it returned, or Lambda's account of the error."""

    failed: bool
    payload: Any


class Function:
    """The function, invoked and waited for. `sessions` must wait for LONGEST_INVOCATION, and try nothing a second time by itself."""

    def __init__(self, sessions: Sessions, function: FunctionArn, *, sleep: Callable[[float], None]) -> None:
        self._service = sessions.service("lambda", function.account_id, function.region)
        self._arn = function.arn
        self._sleep = sleep

    def send(self, event: bytes) -> Answered:
        """Raises AwsError when it is not known what became of it, UsageError or Denied when it can never be sent."""
        for attempt in range(ATTEMPTS):
            try:
                return self._invoked(event)
            except AwsError as error:
                if error.code not in _NOT_BEGUN or attempt == ATTEMPTS - 1:
                    raise
            self._sleep(FIRST_WAIT_SECONDS * 2**attempt)
        raise AssertionError  # the last attempt returns or raises

    def _invoked(self, event: bytes) -> Answered:
        try:
            answer = self._service.ask(
                "Invoke", FunctionName=self._arn, InvocationType="RequestResponse", Payload=event
            )
        except Absent:
            raise UsageError(f"--function {self._arn}: there is no such function") from None
        payload = answer["Payload"]
        try:
            text = payload if isinstance(payload, bytes) else payload.read()
            document = orjson.loads(text or b"null")
        except orjson.JSONDecodeError:
            raise AwsError(f"{self._arn}: its answer is no JSON") from None
        except OSError as error:
            raise AwsError(f"{self._arn}: its answer was cut: {error.strerror or type(error).__name__}") from None
        return Answered("FunctionError" in answer, document)
