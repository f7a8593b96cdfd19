"""What the normalizers share: the parts of an item, and readers for values that come in several spellings."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

if TYPE_CHECKING:
    from opalite.model import JsonObject

# Above this an epoch number counts milliseconds: as seconds it would lie in the year 5138.
_MILLISECONDS = 1e11
# Integers up to here are exact in every JSON implementation, OPA's and ours.
EXACT = 2**53
# Config encodes a document at most twice (the ACL of a bucket in an API answer); one more is harmless.
_ENCODINGS = 3
_DIGITS = re.compile(r"-?[0-9]{1,15}")
_JSON_WORDS = frozenset({"null", "true", "false"})
_BOOLEANS = {"true": True, "false": False, "off": None, "": None}


class GapError(Exception):
    """A part of the configuration is unknown, and why; it never leaves this package."""


class Recorded(NamedTuple):
    """What an item records of its resource; a tuple, because one is made for every item."""

    configuration: JsonObject | None  # {}: not in the item, or empty; None: null, or not readable
    supplementary: JsonObject | None
    encoded: bool  # the API dialect: `configuration` came as text, and so did every supplementary value
    complete: bool  # False for a query's row: it may hold single members, so that a missing one does not mean "none"
    captured_at: str | None
    blank: str  # why `configuration` is unknown, should it turn out to be


def decoded(value: Any) -> Any:
    """What is inside JSON text, or JSON text of JSON text; numbers in text stay text."""
    for _ in range(_ENCODINGS):
        if type(value) is not str or (value[:1] not in ("{", "[", '"') and value not in _JSON_WORDS):
            return value
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value


def once_decoded(value: Any) -> Any:
    """The value of an API answer, where every supplementary value was encoded, numbers too."""
    if type(value) is str:
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return decoded(value)


def timestamp(value: Any) -> str | None:
    """RFC 3339 in UTC with milliseconds, from ISO 8601 or an epoch in seconds or milliseconds, else None."""
    try:
        if type(value) is str and value[4:5] == "-":
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            elif moment.tzinfo is not UTC:
                moment = moment.astimezone(UTC)
        elif type(value) is int or type(value) is float:
            moment = datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
        elif type(value) is dict and value.get("__class__") == "datetime":  # as placebo records boto3's answers
            parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
            moment = datetime(*(int(value.get(part, 0)) for part in parts), tzinfo=UTC)  # type: ignore[arg-type, misc]
        else:
            return None
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def unrecorded(recorded: Recorded, unknown: list[dict[str, str]]) -> None:
    """Note that nothing is known of the configuration."""
    unknown.append({"path": "resource.configuration", "reason": recorded.blank})


def text(value: Any) -> str | None:
    if type(value) is str:
        return value or None
    if value is None:
        return None
    raise GapError("malformed: expected text")


def integer(value: Any) -> int | None:
    """Also from the floats of a query's row (443.0) and from digits in text."""
    if (type(value) is str and _DIGITS.fullmatch(value)) or (type(value) is float and value.is_integer()):
        value = int(value)
    if type(value) is int and -EXACT < value < EXACT:
        return value
    if value is None:
        return None
    raise GapError("malformed: expected an integer")


def boolean(value: Any) -> bool | None:
    """Also from text in either case; "Off" and "" are how older items say that nothing was set."""
    if value is True or value is False or value is None:
        return value
    if type(value) is str and value.lower() in _BOOLEANS:
        return _BOOLEANS[value.lower()]
    raise GapError("malformed: expected true or false")


def objects(value: Any) -> list[JsonObject]:
    if type(value) is not list:
        raise GapError("malformed: expected a list")
    for entry in value:
        if type(entry) is not dict:
            raise GapError("malformed: expected a list of objects")
    return value


def texts(value: Any) -> list[str]:
    if type(value) is not list or not all(type(entry) is str for entry in value):
        raise GapError("malformed: expected a list of texts")
    return value
