"""What the remediation function is invoked with → what to do. Pure.

An event says that somebody should look, and at what; nothing else of it is believed, for findings and results of Config are
written in member accounts. Who may invoke the function, IAM says; who may speak in an event, EventBridge: nobody can send one
whose source begins with `aws.`. What arrives by the queue can be such an event only, never a command.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opalite import strict_json
from opalite.errors import InvocationError
from opalite.ports import Place
from opalite.remediation import approving
from opalite.remediation.approving import Signed
from opalite.remediation.model import Request, Target, Trigger, TriggerKind
from opalite.remediation.reports import ANY_TYPE, COMPLIANCE, CUSTOM_ACTION, IMPORTED, Seen, changed, findings, word

DUE = "Opalite Remediation Due"
_SOURCES = {IMPORTED: "aws.securityhub", CUSTOM_ACTION: "aws.securityhub", COMPLIANCE: "aws.config"}
_ID_CHARACTERS = 64
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
_TOKEN_CHARACTERS = 2048
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Due:
    """Everything whose time has come."""


@dataclass(frozen=True, slots=True)
class Advance:
    """One attempt goes on, by a person's approval if there is one."""

    attempt_id: str
    signed: Signed | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """The state machine waits for a person; `token` is what wakes it."""

    attempt_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Expire:
    """The state machine has waited long enough."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Somebody who may invoke the function wants an attempt to be taken back."""

    attempt_id: str


@dataclass(frozen=True, slots=True)
class Run:
    """Somebody who may invoke the function wants a resource to be looked at."""

    request: Request


Work = Seen | Due | Advance | Ask | Expire | Undo | Run


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue, by itself: what is wrong with it concerns no other."""

    message_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Triggers:
    """`home`: where the function runs. `applying`: the ids of the policies for a type of resources."""

    home: Place
    applying: Callable[[str], Sequence[str]]

    def parse(self, event: Any, *, request_id: str, at: str) -> Work | tuple[Message, ...]:
        """Raises InvocationError for what is none of the forms. `request_id`, `at`: of the invocation."""
        if not isinstance(event, dict):
            raise InvocationError("the event is no object: see docs/remediation/function.md for the forms of events")
        if event.keys() == {"Records"}:
            return _messages(event["Records"])
        if "detail-type" in event:
            return self.event(event)
        return self._command(event, request_id, at)

    def message(self, message: Message) -> Work:
        """Raises InvocationError for all but an event of EventBridge."""
        try:
            event = strict_json.loads(message.body.encode("utf-8", "surrogatepass"))
        except strict_json.JsonFault as fault:
            raise InvocationError(f"message {message.message_id}: is not JSON: {fault}") from None
        if not isinstance(event, dict) or "detail-type" not in event:
            raise InvocationError(f"message {message.message_id}: is no event of EventBridge")
        return self.event(event)

    def event(self, event: Mapping[str, Any]) -> Work:
        """One event of EventBridge."""
        kind = word(event, "detail-type")
        if kind == DUE:
            return Due()
        source = _SOURCES.get(kind)
        if source is None or event.get("source") != source:
            raise InvocationError(f"an event {kind[:100]!r} of another source, or of no kind that is known")
        if kind == COMPLIANCE:
            return changed(event, self.home.partition, self.applying)
        return findings(event, self.home.partition, self.home.region, is_action=kind == CUSTOM_ACTION)

    def _command(self, event: Mapping[str, Any], request_id: str, at: str) -> Work:
        names = frozenset(event)
        if names == {"due"} and event["due"] is True:
            return Due()
        if names in ({"advance"}, {"advance", "approval"}):
            return _advance(event)
        if names == {"ask", "token"}:
            return Ask(_id(event, "ask"), word(event, "token", _TOKEN_CHARACTERS))
        if names == {"expire"}:
            return Expire(_id(event, "expire"))
        if names == {"undo"}:
            return Undo(_id(event, "undo"))
        if names == {"run"}:
            return Run(self._run(event["run"], request_id, at))
        told = ", ".join(sorted(map(repr, names))[:5])[:200] or "nothing"
        raise InvocationError(f"the event has {told}: see docs/remediation/function.md for the forms of events")

    def _run(self, body: Any, request_id: str, at: str) -> Request:
        """`request`: what makes it the same when it is asked for again."""
        needed = {"policy_id", "account", "region", "type", "id"}
        if not isinstance(body, dict) or not needed <= body.keys() <= needed | {"request"}:
            raise InvocationError(f"run: expected {', '.join(sorted(needed))}, and `request` if it may be repeated")
        asked = word(body, "request", _LONGEST) if "request" in body else request_id
        if not ANY_TYPE.fullmatch(word(body, "type")):
            raise InvocationError("run: type is not the type of a resource")
        target = Target(
            policy_id=word(body, "policy_id"),
            partition=self.home.partition,
            account_id=word(body, "account"),
            region=word(body, "region"),
            resource_type=word(body, "type"),
            resource_id=word(body, "id", _LONGEST),
        )
        return Request(target, Trigger(kind=TriggerKind.COMMAND, event_id=f"run/{asked}", at=at))


def _advance(event: Mapping[str, Any]) -> Advance:
    attempt_id = _id(event, "advance")
    signed = None
    if "approval" in event:
        told = event["approval"]
        # From the state machine it comes as what the task was ended with: an object with the approval in it.
        within = isinstance(told, dict) and told.keys() == {"approval"}
        signed = approving.parse(told["approval"] if within else told)
    if signed is not None and signed.attempt_id != attempt_id:
        raise InvocationError(f"the approval is not for attempt {attempt_id}")
    return Advance(attempt_id, signed)


def _messages(records: Any) -> tuple[Message, ...]:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html."""
    if not isinstance(records, list) or not records:
        raise InvocationError("Records: expected those of an SQS queue")
    found = []
    for record in records:
        if not isinstance(record, dict) or record.get("eventSource") != "aws:sqs":
            raise InvocationError("Records: one is not of an SQS queue")
        body = record.get("body")
        if not isinstance(body, str):
            raise InvocationError("Records: one has no body")
        found.append(Message(word(record, "messageId"), body))
    return tuple(found)


def _id(event: Mapping[str, Any], name: str) -> str:
    text = word(event, name, _ID_CHARACTERS)
    if not text.isalnum() or not text.isascii():
        raise InvocationError(f"{name}: expected the id of an attempt")
    return text
