"""From a document to the configuration items in it, whatever they are wrapped in.

AWS hands out the same item bare, in events, in messages of SNS, SQS and EventBridge, in files of the delivery
channel and in answers of its API. The names of the members tell which one it is, never the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from opalite.model import Item, JsonObject, Notice, Problem
from opalite.strict_json import JsonFault, loads, shown

Finding = Item | Problem | Notice

# Arrays whose elements are items or wrap some; they can make a document too large to be held as a whole.
CONTAINERS: Final = frozenset(
    {
        "configurationItems",  # snapshot and history files; get-resource-config-history
        "baseConfigurationItems",  # batch-get-resource-config
        "BaseConfigurationItems",  # batch-get-aggregate-resource-config
        "Results",  # select-resource-config, select-aggregate-resource-config
        "Records",  # Lambda events of SNS and SQS
        "Messages",  # sqs receive-message
    }
)
_ITEM_MEMBERS: Final = frozenset({"configurationItem", "configurationItemSummary"})
_UNPROCESSED: Final = ("unprocessedResourceKeys", "UnprocessedResourceIdentifiers")
_NEXT: Final = ("nextToken", "NextToken")

# SNS in SQS in a Lambda event, in an array, in an array: six. What goes deeper is not AWS's work.
MAX_WRAPPERS: Final = 10


class _Envelope(NamedTuple):
    """What the wrappers around an item have said of it so far."""

    source: str
    notified_at: str | None = None
    left_scope: bool = False
    depth: int = 0

    def element(self, number: int) -> _Envelope:
        return self._replace(source=f"{self.source} item {number}", depth=self.depth + 1)

    def inner(self) -> _Envelope:
        return self._replace(depth=self.depth + 1)


def items_of(document: Any, source: str) -> Iterator[Finding]:
    """The items of one JSON document; one Problem for each part that holds none though it should."""
    return _unwrap(document, _Envelope(source))


def items_in(container: str, element: Any, source: str) -> Iterator[Finding]:
    """The items of one element of one of the CONTAINERS."""
    return _element(container, element, _Envelope(source))


def notices_of(document: JsonObject, source: str) -> Iterator[Notice]:
    """What a document with containers says beside its items."""
    containers = [name for name in document if name in CONTAINERS]
    if containers and not any(document[name] for name in containers):
        yield Notice(source, f"holds no configuration items: {containers[0]} is empty")
    for name in _UNPROCESSED:
        keys = document.get(name)
        if isinstance(keys, list) and keys:
            message = f"AWS Config did not process {len(keys)} of the resources asked for ({name}): ask again"
            yield Notice(source, message)
    if any(document.get(name) for name in _NEXT):
        yield Notice(source, "is one page of several (nextToken): the items of the next pages are not in it")


def _unwrap(document: Any, envelope: _Envelope) -> Iterator[Finding]:
    if envelope.depth > MAX_WRAPPERS:
        yield Problem(envelope.source, f"is wrapped more than {MAX_WRAPPERS} times: no item was looked for")
    elif isinstance(document, dict):
        yield from _unwrap_object(document, envelope)
    elif isinstance(document, list):
        if not document:
            yield Notice(envelope.source, "holds no configuration items: the array is empty")
        for number, element in enumerate(document, start=1):
            yield from _unwrap(element, envelope.element(number))
    elif isinstance(document, str):
        yield from _text(document, "the string", envelope)
    else:
        yield Problem(envelope.source, f"is not a configuration item but {_kind(document)}")


def _unwrap_object(document: JsonObject, envelope: _Envelope) -> Iterator[Finding]:
    if not CONTAINERS.isdisjoint(document) and (containers := _containers(document)):
        for name in containers:
            for number, element in enumerate(document[name], start=1):
                yield from _element(name, element, envelope.element(number))
        yield from notices_of(document, envelope.source)
    elif "invokingEvent" in document:
        left = envelope._replace(left_scope=document.get("eventLeftScope") is True)
        yield from _text(document["invokingEvent"], "invokingEvent", left)
    elif not _ITEM_MEMBERS.isdisjoint(document):
        yield from _invoking_event(document, envelope)
    elif "ConfigurationItem" in document:  # get-aggregate-resource-config
        yield _item(document["ConfigurationItem"], envelope)
    elif document.get("Type") == "Notification" and "Message" in document:
        yield from _text(document["Message"], "Message", envelope)
    elif "detail-type" in document and isinstance(document.get("detail"), dict):
        yield from _eventbridge_event(document, envelope)
    else:
        kind = _message_type(document)
        yield _item(document, envelope) if kind is None else _without_item(kind, envelope)


def _containers(document: JsonObject) -> list[str]:
    return [name for name, part in document.items() if name in CONTAINERS and isinstance(part, list)]


def _element(container: str, element: Any, envelope: _Envelope) -> Iterator[Finding]:
    if container in {"Records", "Messages"}:
        yield from _record(element, envelope)
    elif container == "Results" and isinstance(element, str):
        yield from _text(element, "the row", envelope)
    else:
        yield _item(element, envelope)


def _record(record: Any, envelope: _Envelope) -> Iterator[Finding]:
    """One record of a Lambda event, or one message that sqs receive-message gave."""
    if not isinstance(record, dict):
        yield Problem(envelope.source, f"is not a record of an event but {_kind(record)}")
    elif isinstance(record.get("Sns"), dict) and "Message" in record["Sns"]:
        yield from _text(record["Sns"]["Message"], "Sns.Message", envelope)
    elif "body" in record:
        yield from _text(record["body"], "body", envelope)
    elif "Body" in record:
        yield from _text(record["Body"], "Body", envelope)
    elif isinstance(record.get("s3"), dict):
        yield Notice(envelope.source, "is a record of an S3 event: read the object that it names")
    else:
        yield Problem(envelope.source, f"is a record without Sns.Message or body; it has {_keys(record)}")


def _eventbridge_event(event: JsonObject, envelope: _Envelope) -> Iterator[Finding]:
    if _ITEM_MEMBERS.isdisjoint(event["detail"]):
        yield _without_item(event["detail-type"], envelope)
    else:
        yield from _invoking_event(event["detail"], envelope)


def _message_type(document: JsonObject) -> Any:
    """The type of a message that never carries an item; None when the document is no such message."""
    if document.get("Type") in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return document["Type"]
    return document.get("messageType")


def _invoking_event(event: JsonObject, envelope: _Envelope) -> Iterator[Finding]:
    created = event.get("notificationCreationTime")
    if isinstance(created, str):
        envelope = envelope._replace(notified_at=created)
    item = event.get("configurationItem")
    if isinstance(item, list):  # so the developer guide showed it in 2014
        for number, element in enumerate(item, start=1):
            yield _item(element, envelope.element(number))
    elif item is not None:
        yield _item(item, envelope)
    elif event.get("configurationItemSummary") is not None:
        yield _item(event["configurationItemSummary"], envelope, oversized=True)
    else:
        yield Problem(envelope.source, "is an event without an item: configurationItem or its summary is null")


def _text(text: Any, name: str, envelope: _Envelope) -> Iterator[Finding]:
    """What is wrapped as JSON in a string; the object itself is taken as well, as people paste it."""
    if not isinstance(text, str):
        yield from _unwrap(text, envelope.inner())
        return
    try:
        document = loads(text.encode())
    except JsonFault as fault:
        yield Problem(envelope.source, f"cannot be unwrapped: {name} {fault.message}")
        return
    yield from _unwrap(document, envelope.inner())


def _item(item: Any, envelope: _Envelope, *, oversized: bool = False) -> Item | Problem:
    if not isinstance(item, dict):
        return Problem(envelope.source, f"is not a configuration item but {_kind(item)}")
    if "resourceType" in item and "resourceId" in item:
        return Item(item, envelope.source, envelope.notified_at, envelope.left_scope, oversized)
    if "resourceType" in item or "resourceId" in item:
        missing = "resourceId" if "resourceType" in item else "resourceType"
        return Problem(
            envelope.source,
            f"is not a complete configuration item: {missing} is missing; it has {_keys(item)}",
        )
    return Problem(
        envelope.source,
        "is not a configuration item: neither resourceType nor the members of an event, a message, a snapshot "
        f"or an answer of AWS Config; it has {_keys(item)}",
    )


def _without_item(kind: Any, envelope: _Envelope) -> Notice:
    return Notice(envelope.source, f"is a message without a configuration item: {shown(str(kind))}")


def _keys(document: JsonObject) -> str:
    names = [shown(name) for name in document]
    if not names:
        return "no members"
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _kind(value: Any) -> str:
    kinds = {type(None): "null", bool: "true or false", str: "a string", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")
