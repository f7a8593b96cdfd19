"""Notifications: SNS PublishBatch to one topic, with the function's own credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from opalite.adapters.aws.batches import Batches, Lost, Parcel, Patience, Refused, told
from opalite.errors import AwsError, DeliveryError, UsageError
from opalite.model import Message
from opalite.ports import Absent, Denied, Sessions

# Of the caller's own account, on the topic. And kms:Decrypt and kms:GenerateDataKey, if it is encrypted with a key of one's own.
ACTIONS: Final = ("sns:Publish",)

# https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
MESSAGES_PER_CALL: Final = 10
CALL_BYTES: Final = 256 * 1024  # also of one message; bodies, attributes and all
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: ASCII, no line breaks, not beginning with a space.
_SUBJECT: Final = re.compile(r"[!-~][ -~]{0,99}")

_ARN: Final = re.compile(r"arn:[a-z-]+:sns:([a-z0-9-]+):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_MALFORMED: Final = frozenset(
    {
        "BatchRequestTooLong", "InvalidParameter", "InvalidParameterValueException", "ParameterValueInvalid",
        "ValidationError", "ValidationException",
    }
)  # fmt: skip
# The topic, or its key: another attempt within the minute would not help.
_CLOSED: Final = {
    "InvalidSecurity": "is there no HTTPS on the way?",
    "KMSAccessDenied": "may the function use the topic's key?",
    "KMSDisabled": "the topic's key is disabled",
    "KMSInvalidState": "the topic's key cannot be used in its state",
    "KMSNotFound": "the topic's key is not there",
    "KMSOptInRequired": "the account has no KMS",
    "NotFound": "the topic is not there",
}
_CODE: Final = re.compile(r"[A-Za-z.]{1,64}")


class Topics:
    """`topic_arn`: of a standard topic, which may be another account's, in any region of the partition.

    `own_account`: the caller's, asked for when it is not given. `jitter` gives a number from 0 to 1, another each time.
    """

    def __init__(
        self,
        sessions: Sessions,
        topic_arn: str,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        own_account: str | None = None,
    ) -> None:
        """Raises UsageError for what is not the ARN of a standard topic."""
        parsed = _ARN.fullmatch(topic_arn)
        if parsed is None:
            raise UsageError(f"{topic_arn!r} is not the ARN of a standard SNS topic")
        self._sessions = sessions
        self._topic_arn = topic_arn
        self._region = parsed[1]
        self._own_account = own_account
        self._batches = Batches(MESSAGES_PER_CALL, CALL_BYTES, _MALFORMED, Patience(sleep, jitter))

    def put(
        self,
        messages: Sequence[Message],
        *,
        deadline: Callable[[], float],
        taken: Callable[[Sequence[Message]], None] = lambda _: None,
    ) -> None:
        """`deadline` tells the seconds left; `taken` hears of those that SNS took, after each call.

        Raises DeliveryError for all that it did not take, after everything has been tried; a message is named by its place.
        A message whose answer was lost on the way is sent again, so that subscribers may get it twice.
        """
        lost: Lost = []
        parcels: dict[str, Message] = {}
        waiting: list[Parcel] = []
        for number, message in enumerate(messages, 1):
            parcel = _parcel(f"message {number} of {len(messages)}", f"m{number}", message)
            parcels[parcel.name] = message
            if fault := _fault(message, parcel):
                lost.append((fault, [parcel]))
            else:
                waiting.append(parcel)
        lost += self._batches.send(
            waiting,
            self._publish,
            deadline=deadline,
            taken=lambda batch: taken([parcels[parcel.name] for parcel in batch]),
        )
        if lost:
            raise DeliveryError(f"{ACTIONS[0]} to {self._topic_arn}: not taken: {told(lost)}")

    def _publish(self, batch: Sequence[Parcel]) -> list[Refused]:
        try:
            service = self._sessions.service("sns", self._own_account or self._sessions.caller(), self._region)
            entries = [parcel.body for parcel in batch]
            answer = service.ask("PublishBatch", TopicArn=self._topic_arn, PublishBatchRequestEntries=entries)
        except Absent:
            raise Denied(_CLOSED["NotFound"]) from None
        except Denied as denied:
            raise Denied(f"{denied}; the function needs {ACTIONS[0]} on the topic") from None
        except AwsError as error:
            if error.code in _CLOSED:
                raise Denied(f"{_CLOSED[error.code]} ({error.code})") from None
            if error.code in _MALFORMED:  # what SNS says about it may repeat what was sent
                raise AwsError(f"SNS does not take what was sent ({error.code})", error.code) from None
            raise
        return _refused(batch, answer)


def _refused(batch: Sequence[Parcel], answer: Mapping[str, Any]) -> list[Refused]:
    """Whatever SNS does not name as taken: with the code that it gives, or none."""
    taken = {entry.get("Id") for entry in answer.get("Successful") or ()}
    failed = {entry.get("Id"): entry for entry in answer.get("Failed") or ()}
    refused = []
    for parcel in batch:
        if parcel.body["Id"] not in taken:
            entry = failed.get(parcel.body["Id"], {})
            code = str(entry.get("Code"))
            reason = (
                f"SNS refuses it ({code})" if _CODE.fullmatch(code) and entry else "SNS did not say that it took it"
            )
            refused.append(Refused(parcel, reason, bool(entry.get("SenderFault"))))
    return refused


def _parcel(name: str, entry_id: str, message: Message) -> Parcel:
    """People get the text, programs the document: whatever is neither a mail nor a phone is a program."""
    document = orjson.dumps(message.document).decode()
    body = {"default": document, "email": message.text, "sms": message.subject}
    entry: dict[str, Any] = {
        "Id": entry_id,
        "Subject": message.subject,
        "Message": orjson.dumps(body).decode(),
        "MessageStructure": "json",
    }
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {"DataType": _kind(value), "StringValue": value} for name, value in message.attributes.items()
        }
    return Parcel(name, (), _size(entry), entry)


def _kind(value: str) -> str:
    """A list is one by which subscriptions can choose by each of its members."""
    try:
        members = orjson.loads(value) if value.startswith("[") else None
    except orjson.JSONDecodeError:
        members = None
    return "String.Array" if isinstance(members, list) and all(isinstance(one, str) for one in members) else "String"


def _size(entry: Mapping[str, Any]) -> int:
    """All bytes that might count. It is not said whether id and subject do."""
    attributes = entry.get("MessageAttributes", {}).items()
    texts = [entry["Id"], entry["Subject"], entry["Message"]]
    texts += [text for name, value in attributes for text in (name, value["DataType"], value["StringValue"])]
    return sum(len(text.encode()) for text in texts)


def _fault(message: Message, parcel: Parcel) -> str | None:
    """What SNS would refuse."""
    if not _SUBJECT.fullmatch(message.subject):
        return "its subject must be 1 to 100 printable ASCII characters, the first no space"
    if not message.text:
        return "its text is empty"
    if any(not name or not value for name, value in message.attributes.items()):
        return "an attribute is empty"
    if parcel.size > CALL_BYTES:
        return f"it has {parcel.size} bytes with all its forms and attributes; at most {CALL_BYTES} are taken"
    return None
