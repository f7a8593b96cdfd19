"""A message of the queue for failed events → the event that failed, or why there is none of ours in it. Pure.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from opalite import event as events
from opalite.errors import InvocationError
from opalite.event import Invocation
from opalite.model import JsonObject
from opalite.ports import Place

# Words of adapters.aws.evaluations: AWS Config takes nothing more of this event; a test holds them together.
DEAD_TOKEN: Final = "the result token is not (any longer) valid"  # noqa: S105 - words of a message
RULE_GONE: Final = "the Config rule is not there any more"

_QUALIFIED_PARTS: Final = 8  # arn:aws:lambda:region:account:function:name:version-or-alias
_LONGEST: Final = 300  # characters of what the function said


@dataclass(frozen=True, slots=True)
class Failed:
    """An event that failed."""

    payload: bytes  # the event, as the function takes it
    place: Place
    rule_name: str
    about: str  # what it is about, in one line
    dead: bool  # AWS Config has already refused its result token, or its rule


@dataclass(frozen=True, slots=True)
class NotOurs:
    """A message that is left where it is.

    `lost`: it ought to be an event of ours, but cannot be read as one; otherwise it is somebody else's business.
    """

    reason: str
    lost: bool


def parse(body: str, told: str, function_arn: str) -> Failed | NotOurs:
    """The event of a message. `told`: its attribute ErrorMessage, which Lambda gives messages of a plain dead-letter queue."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return NotOurs("is no JSON", lost=True)
    if not isinstance(document, dict):
        return NotOurs("is neither a record of Lambda nor an event of AWS Config", lost=True)
    if "requestContext" not in document or "requestPayload" not in document:
        return _failed(document, told)
    context = document["requestContext"] if isinstance(document["requestContext"], dict) else {}
    function = str(context.get("functionArn"))
    if unqualified(function) != unqualified(function_arn):
        return NotOurs(f"is of another function, {one_line(function)}", lost=False)
    if context.get("condition") == "Success":
        return NotOurs("is of an invocation that went well", lost=False)
    return _failed(document["requestPayload"], error_of(document.get("responsePayload")))


def unqualified(arn: str) -> str:
    """The ARN of a function, without version or alias."""
    return ":".join(arn.split(":")[: _QUALIFIED_PARTS - 1])


def error_of(payload: Any) -> str:
    """What a function raised, as Lambda writes it down; empty if that is something else."""
    message = payload.get("errorMessage") if isinstance(payload, dict) else None
    return message if isinstance(message, str) else ""


def is_dead(message: str) -> bool:
    """Whether AWS Config takes nothing more of the event: sending it again would be in vain."""
    return DEAD_TOKEN in message or RULE_GONE in message


def one_line(text: str) -> str:
    """What somebody else has written, so that it can stand in a line of ours."""
    line = "".join(letter if letter.isprintable() else "�" for letter in " ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _failed(event: Any, told: str) -> Failed | NotOurs:
    try:
        invocation = events.parse(event)
    except InvocationError as error:
        return NotOurs(f"holds no event that this version of opalite understands: {one_line(str(error))}", lost=True)
    rule = invocation.rule
    place = Place(rule.partition, rule.account_id, rule.region)
    return Failed(orjson.dumps(event), place, rule.name, one_line(_about(invocation)), is_dead(told))


def _about(invocation: Invocation) -> str:
    body: Mapping[str, Any] | JsonObject = {} if invocation.item is None else invocation.item.body
    resource = f" of {body.get('resourceType')} {body.get('resourceId')}" if body else ""
    rule = invocation.rule
    return f"{invocation.message_type}{resource} for {rule.name} in account {rule.account_id}, {rule.region}"
