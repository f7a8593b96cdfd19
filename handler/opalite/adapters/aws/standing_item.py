"""A standing as an item of DynamoDB, and back; the conditions under which one is written. Nothing is asked here.

The stamp is a digest of all that a standing says, but for what is pending. What stands in the table is still what somebody has read
if stamp and pending outputs are the same; an item that was edited by hand has a stamp that is not its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar

import orjson

from opalite.model import Outcome, Severity, Standing

# Security Hub drops a finding 90 days after its last update; what begins after that begins anew.
# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings.html
KEPT_DAYS: Final = 100
KEY: Final = "finding_id"
EXPIRES: Final = "expires"  # the attribute to name in the table's TTL setting
FORM: Final = "1"

_TEXTS: Final = tuple(field.name for field in fields(Standing) if field.name != "pending")
_OPTIONAL: Final = frozenset({"status", "sent_at"})
_TIMES: Final = frozenset({"capture_time", "evaluated_at", "since", "first_observed_at", "sent_at"})
_NAMES: Final = frozenset({*_TEXTS, "pending", "stamp", "form", EXPIRES})
_STAMP_CHARACTERS: Final = 32  # 128 bits

_Item = dict[str, Any]
_Word = TypeVar("_Word", bound=StrEnum)


class ItemFault(ValueError):  # noqa: N818 - the fault of an item, which others turn into an error
    """The item is none that this version has written. The message does not quote values."""


def written(standing: Standing) -> _Item:
    """What has no value is left out: sets cannot be empty, and texts are not null."""
    texts = {name: {"S": str(value)} for name in _TEXTS if (value := getattr(standing, name)) is not None}
    pending = {"pending": {"SS": sorted(set(standing.pending))}} if standing.pending else {}
    return {**texts, **pending, "stamp": {"S": _stamp(standing)}, "form": {"N": FORM}, **_expiry(standing)}


def read(entry: Mapping[str, Any]) -> Standing:
    """The standing that `written` wrote, or ItemFault."""
    form = _value(entry, "form", "N")
    if form != FORM:
        raise ItemFault(f"it is not of form {FORM}: another version has written it")
    unknown = entry.keys() - _NAMES
    if unknown:
        raise ItemFault(f"it has {len(unknown)} attributes that are not known")
    texts = {name: None if name in _OPTIONAL and name not in entry else _value(entry, name, "S") for name in _TEXTS}
    for name in _TIMES:
        if texts[name] is not None:
            _moment(name, texts[name])
    pending = _value(entry, "pending", "SS") if "pending" in entry else []
    members: dict[str, Any] = {
        **texts,
        "outcome": _word(Outcome, "outcome", texts["outcome"]),
        "severity": _word(Severity, "severity", texts["severity"]),
        "pending": tuple(sorted(pending)),
    }
    standing = Standing(**members)
    if _value(entry, "stamp", "S") != _stamp(standing):
        raise ItemFault("its stamp is not that of what it says: it was edited")
    return standing


def key(finding_id: str) -> _Item:
    """The primary key."""
    return {KEY: {"S": finding_id}}


def key_of(entry: Mapping[str, Any]) -> str:
    """The primary key as a text, empty if it is none."""
    value = entry.get(KEY, {}).get("S")
    return value if isinstance(value, str) else ""


def nothing() -> _Item:
    """The condition that there is no item yet."""
    return {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": KEY}}


def unchanged(standing: Standing) -> _Item:
    """The condition that the item is still what was read."""
    names = {"#stamp": "stamp", "#pending": "pending"}
    values: _Item = {":stamp": {"S": _stamp(standing)}}
    if not standing.pending:
        condition = "#stamp = :stamp AND attribute_not_exists(#pending)"
    else:
        condition = "#stamp = :stamp AND #pending = :pending"
        values[":pending"] = {"SS": sorted(set(standing.pending))}
    return {
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def settled(standing: Standing, output: str) -> _Item | None:
    """The update that takes one output from those that are pending, whatever has become of the others; None: it is not pending.

    An entry may say more of its output, behind a colon.
    """
    entries = sorted({entry for entry in standing.pending if output in (entry, entry.partition(":")[0])})
    if not entries:
        return None
    return {
        "UpdateExpression": "DELETE #pending :entries",
        "ConditionExpression": "#stamp = :stamp",
        "ExpressionAttributeNames": {"#stamp": "stamp", "#pending": "pending"},
        "ExpressionAttributeValues": {":stamp": {"S": _stamp(standing)}, ":entries": {"SS": entries}},
    }


def order(standing: Standing) -> tuple[datetime, datetime]:
    """Of two standings of a key the one with the greater is the newer."""
    return _moment("capture_time", standing.capture_time), _moment("evaluated_at", standing.evaluated_at)


def _stamp(standing: Standing) -> str:
    texts = [None if (value := getattr(standing, name)) is None else str(value) for name in _TEXTS]
    return sha256(orjson.dumps(texts)).hexdigest()[:_STAMP_CHARACTERS]


def _expiry(standing: Standing) -> _Item:
    """Of what is gone or does not apply any more nothing will be decided again, so that nobody would ever delete it."""
    if standing.outcome is not Outcome.NOT_APPLICABLE:
        return {}
    end = _moment("evaluated_at", standing.evaluated_at) + timedelta(days=KEPT_DAYS)
    return {EXPIRES: {"N": str(int(end.timestamp()))}}


def _value(entry: Mapping[str, Any], name: str, kind: str) -> Any:
    value = entry.get(name)
    if value is None:
        raise ItemFault(f"it has no {name}")
    if not isinstance(value, Mapping) or list(value) != [kind]:
        raise ItemFault(f"its {name} is not of type {kind}")
    return value[kind]


def _word(kind: type[_Word], name: str, text: str | None) -> _Word:
    try:
        return kind(text or "")
    except ValueError:
        raise ItemFault(f"its {name} is none that is known") from None


def _moment(name: str, text: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        raise ItemFault(f"its {name} is no time") from None
    if moment.tzinfo is None:
        raise ItemFault(f"its {name} has no time zone")
    return moment.astimezone(UTC)
