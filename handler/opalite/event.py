"""What Lambda hands over when AWS Config invokes a custom rule's function → one typed invocation. Pure.

https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
Whatever is not exactly one of these events raises InvocationError: a default here would be a verdict that nobody gave.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opalite.errors import InvocationError
from opalite.model import Item, JsonObject
from opalite.normalize.values import timestamp
from opalite.strict_json import JsonFault, loads, shown

TEST_TOKEN = "TESTMODE"  # noqa: S105 - the convention of the Rule Development Kit: Config stores nothing

_ACCOUNT = re.compile(r"[0-9]{12}")
_ARN = re.compile(r"arn:(aws[a-z-]*):config:([a-z]{2}[a-z0-9-]*):([0-9]{12}):config-rule/[A-Za-z0-9._/-]+")
_RULE_NAME_CHARACTERS = 128  # https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigRule.html
_NAMED_MEMBERS = 5
_LONGEST_FAULT = 200  # characters; a path through a document may have a hundred names


class MessageType(StrEnum):
    """The messages that make Config invoke a rule's function, as organization rules may subscribe to them."""

    CHANGE = "ConfigurationItemChangeNotification"
    OVERSIZED = "OversizedConfigurationItemChangeNotification"
    SCHEDULE = "ScheduledNotification"


@dataclass(frozen=True, slots=True)
class ConfigRule:
    """The Config rule that calls, as Config names it."""

    name: str
    arn: str
    partition: str
    region: str
    account_id: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of the function."""

    rule: ConfigRule
    message_type: MessageType
    result_token: str
    left_scope: bool
    notified_at: str | None  # RFC 3339; a schedule always has it
    item: Item | None  # the changed one, or its summary when oversized; None for a schedule

    @property
    def test_mode(self) -> bool:
        """Whether Config is to store nothing."""
        return self.result_token == TEST_TOKEN


def parse(event: Any) -> Invocation:
    """The invocation. Raises InvocationError, which names the part and never its content beyond a word."""
    if not isinstance(event, dict):
        raise InvocationError(f"the event is {_kind(event)}: only AWS Config invokes this function")
    if "invokingEvent" not in event:
        raise InvocationError(f"the event has no invokingEvent, so it is not AWS Config's; it has {_members(event)}")
    mode = event.get("evaluationMode", "DETECTIVE")
    if mode != "DETECTIVE":
        raise InvocationError(f"evaluationMode is {_shown(mode)}: only DETECTIVE rules are served")
    rule = _rule(event)
    invoking = _json(event["invokingEvent"], "invokingEvent")
    message_type = _message_type(invoking)
    left_scope = event.get("eventLeftScope", False)
    if not isinstance(left_scope, bool):
        raise InvocationError(f"eventLeftScope is {_kind(left_scope)}: expected true or false")
    notified_at = _time(invoking, "notificationCreationTime", required=message_type is MessageType.SCHEDULE)
    return Invocation(
        rule=rule,
        message_type=message_type,
        result_token=_name(event, "resultToken"),
        left_scope=left_scope,
        notified_at=notified_at,
        item=_item(invoking, message_type, rule, left_scope=left_scope, notified_at=notified_at),
    )


def _rule(event: JsonObject) -> ConfigRule:
    account_id = _name(event, "accountId")
    if not _ACCOUNT.fullmatch(account_id):
        raise InvocationError(f"accountId is {_shown(account_id)}: expected 12 digits")
    arn = _name(event, "configRuleArn")
    parts = _ARN.fullmatch(arn)
    if parts is None:
        raise InvocationError("configRuleArn is not the ARN of a Config rule")
    if parts[3] != account_id:
        raise InvocationError(f"accountId is {account_id}, but configRuleArn is of account {parts[3]}")
    return ConfigRule(_rule_name(event), arn, parts[1], parts[2], account_id, _parameters(event.get("ruleParameters")))


def _rule_name(event: JsonObject) -> str:
    name = _name(event, "configRuleName")
    if len(name) > _RULE_NAME_CHARACTERS:
        raise InvocationError(
            f"configRuleName has {len(name)} characters: at most {_RULE_NAME_CHARACTERS} are possible"
        )
    if not name.isprintable():  # it stands in messages, which have one line
        raise InvocationError("configRuleName has characters that cannot be printed")
    return name


def _parameters(value: Any) -> Mapping[str, str]:
    """Config leaves them out, or sends "", when the rule has none."""
    if value is None or value == "":
        return {}
    document = _json(value, "ruleParameters")
    for key, entry in document.items():
        if not isinstance(entry, str):
            raise InvocationError(f"ruleParameters: {_shown(key)} is {_kind(entry)}: expected text")
    return document


def _message_type(invoking: JsonObject) -> MessageType:
    word = invoking.get("messageType")
    try:
        return MessageType(word)  # type: ignore[arg-type]
    except ValueError:
        expected = ", ".join(MessageType)
        seen = "missing" if word is None else _shown(word)
        raise InvocationError(f"messageType is {seen}: expected one of {expected}") from None


def _item(
    invoking: JsonObject, message_type: MessageType, rule: ConfigRule, *, left_scope: bool, notified_at: str | None
) -> Item | None:
    if message_type is MessageType.SCHEDULE:
        owner = invoking.get("awsAccountId")
        if owner is not None and owner != rule.account_id:
            raise InvocationError(f"the schedule is of account {_shown(owner)}, the Config rule of {rule.account_id}")
        return None
    oversized = message_type is MessageType.OVERSIZED
    member = "configurationItemSummary" if oversized else "configurationItem"
    body = invoking.get(member)
    if not isinstance(body, dict):
        raise InvocationError(f"{message_type} has no {member}: it is {_kind(body)}")
    for name in ("resourceType", "resourceId", "awsAccountId"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise InvocationError(f"{member}.{name} is {_kind(body.get(name))}: expected text")
    if body["awsAccountId"] != rule.account_id:
        owner = _shown(body["awsAccountId"])
        raise InvocationError(f"the item is of account {owner}, the Config rule of {rule.account_id}")
    return Item(body, f"event of {rule.name}", notified_at, left_scope, oversized)


def _time(invoking: JsonObject, name: str, *, required: bool) -> str | None:
    value = invoking.get(name)
    if value is None and not required:
        return None
    moment = timestamp(value)
    if moment is None:
        raise InvocationError(f"{name} is {_shown(value) if isinstance(value, str) else _kind(value)}: expected a time")
    return moment


def _json(text: Any, name: str) -> JsonObject:
    if not isinstance(text, str):
        raise InvocationError(f"{name} is {_kind(text)}: expected JSON in a text")
    try:
        document = loads(text.encode())
    except JsonFault as fault:
        raise InvocationError(f"{name} {_shortened(fault.message)}") from None
    except UnicodeEncodeError:
        raise InvocationError(f"{name} holds half a surrogate pair, which is no Unicode") from None
    if not isinstance(document, dict):
        held = "null" if document is None else "a text" if isinstance(document, str) else _kind(document)
        raise InvocationError(f"{name} holds {held}: expected an object")
    return document


def _name(event: JsonObject, name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise InvocationError(f"{name} is {_kind(value)}: expected text")
    return value


def _shortened(message: str) -> str:
    return message if len(message) <= _LONGEST_FAULT else message[: _LONGEST_FAULT - 1] + "…"


def _members(event: JsonObject) -> str:
    names = [shown(str(name)) for name in event]
    more = f" and {len(names) - _NAMED_MEMBERS} more" if len(names) > _NAMED_MEMBERS else ""
    return (", ".join(names[:_NAMED_MEMBERS]) or "no members") + more


def _shown(value: Any) -> str:
    return shown(value) if isinstance(value, str) else _kind(value)


def _kind(value: Any) -> str:
    if value == "":
        return "empty"
    kinds = {type(None): "missing", bool: "true or false", str: "a text", list: "an array", dict: "an object"}
    return kinds.get(type(value), "a number")
