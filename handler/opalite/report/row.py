"""One line of the decision log → what the reports count. The rest of a record, most of it, is not kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from opalite.model import Outcome, Severity
from opalite.normalize.values import timestamp
from opalite.publish.record import SCHEMA_VERSION

_TEXTS: Final = (
    "decision_id", "partition", "account_id", "region", "resource_type", "resource_id", "policy_id", "stage",
)  # fmt: skip
_OUTCOMES: Final = frozenset(Outcome)
_SEVERITIES: Final = frozenset(Severity)
_EXEMPTION: Final = ("id", "owner", "ticket", "expires")


class Row(NamedTuple):
    """One decision. Times are RFC 3339 in UTC with milliseconds, so that texts compare."""

    object: str  # of the log, in which it stands
    decision_id: str
    partition: str
    account_id: str
    region: str
    resource_type: str
    resource_id: str
    policy_id: str
    outcome: str
    stage: str
    severity: str
    captured: str  # when the item was captured; if that is not known, when it was judged
    evaluated_at: str
    told: int  # 1: AWS Config was told something
    exemption_id: str | None = None
    owner: str | None = None
    ticket: str | None = None
    expires: str | None = None


class RowFault(ValueError):  # noqa: N818 - no error of Opalite's: the line is told of, and the others are counted
    """Why a line is no record; never what it says."""


def row(line: bytes, name: str) -> Row:
    """The decision of a line in the object `name`. Raises RowFault."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise RowFault("is no JSON: is the line cut?") from None
    if not isinstance(record, dict) or "schema_version" not in record:
        raise RowFault("is no record of the decision log")
    if record["schema_version"] != SCHEMA_VERSION or isinstance(record["schema_version"], bool):
        raise RowFault(f"is a record of another version; this opalite reads version {SCHEMA_VERSION}")
    odd = [key for key in _TEXTS if not isinstance(record.get(key), str)]
    odd += [
        key for key, words in (("outcome", _OUTCOMES), ("severity", _SEVERITIES)) if not _is_one(record, key, words)
    ]
    evaluated_at = timestamp(record.get("evaluated_at"))
    captured = evaluated_at if record.get("capture_time") is None else timestamp(record["capture_time"])
    exemption = record.get("exemption")
    odd += [] if exemption is None or isinstance(exemption, dict) else ["exemption"]
    if odd or evaluated_at is None or captured is None:
        odd += [key for key, value in (("evaluated_at", evaluated_at), ("capture_time", captured)) if value is None]
        raise RowFault(f"lacks {', '.join(odd)}, or has it in another form: is it cut or changed?")
    told = int(record.get("compliance_type") is not None)
    texts = [record[key] for key in (*_TEXTS[:-1], "outcome", "stage", "severity")]
    return Row._make([name, *texts, captured, evaluated_at, told, *_exemption(exemption)])


def _is_one(record: Mapping[str, Any], key: str, words: frozenset[str]) -> bool:
    value = record.get(key)
    return isinstance(value, str) and value in words


def _exemption(exemption: Mapping[str, Any] | None) -> list[str | None]:
    values = [None if exemption is None else exemption.get(key) for key in _EXEMPTION]
    return [value if isinstance(value, str) else None for value in values]
