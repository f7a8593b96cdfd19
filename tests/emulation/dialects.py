"""One item in the spellings of AWS Config's APIs, made of the one that rule events, snapshots and history files have, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Item = Mapping[str, Any]

_RENAMED = {
    "version": "configurationItemVersion",
    "accountId": "awsAccountId",
    "arn": "ARN",
    "configurationItemMD5Hash": "configurationStateMd5Hash",
}
_TIMES = ("configurationItemCaptureTime", "resourceCreationTime")
_SAME = ("configurationItemStatus", "resourceType", "resourceId", "resourceName", "awsRegion", "availabilityZone")
_SUMMARY = (
    "configurationItemVersion", "configurationItemCaptureTime", "configurationStateId", "awsAccountId",
    "configurationItemStatus", "resourceType", "resourceId", "resourceName", "ARN", "awsRegion", "availabilityZone",
    "configurationStateMd5Hash", "resourceCreationTime",
)  # fmt: skip


def history(item: Item) -> dict[str, Any]:
    """As GetResourceConfigHistory sends it: JSON in strings, times in seconds, nothing that is null."""
    tags = item.get("tags")
    more = {
        "configurationItemMD5Hash": item.get("configurationStateMd5Hash"),
        "tags": tags if isinstance(tags, Mapping) else None,
        "relatedEvents": item.get("relatedEvents", []),
        "relationships": _relationships(item),
    }
    return base(item) | _without_nulls(more)


def base(item: Item) -> dict[str, Any]:
    """As BatchGetResourceConfig sends it: without tags and relationships."""
    return _without_nulls(
        {
            "version": item.get("configurationItemVersion"),
            "accountId": item["awsAccountId"],
            "arn": item.get("ARN"),
            "configurationStateId": str(item.get("configurationStateId", "")),
            "configurationItemCaptureTime": seconds(item["configurationItemCaptureTime"]),
            "resourceCreationTime": seconds(item.get("resourceCreationTime")),
            "configuration": _text(item.get("configuration")),
            "supplementaryConfiguration": {
                name: _text(value) for name, value in (item.get("supplementaryConfiguration") or {}).items()
            },
            "recordingFrequency": "CONTINUOUS",
            **{name: item.get(name) for name in _SAME},
        }
    )


def row(item: Item) -> dict[str, Any]:
    """As SelectResourceConfig knows it: objects, numbers as floats, tags as a list, nothing that is null."""
    tags = item.get("tags") or {}
    members = {
        "version": item.get("configurationItemVersion"),
        "accountId": item["awsAccountId"],
        "arn": item.get("ARN"),
        "configurationStateId": str(item.get("configurationStateId", "")),
        "configurationItemCaptureTime": item["configurationItemCaptureTime"],
        "resourceCreationTime": item.get("resourceCreationTime"),
        "configuration": item.get("configuration"),
        "supplementaryConfiguration": item.get("supplementaryConfiguration") or {},
        "tags": [{"key": key, "value": value, "tag": f"{key}={value}"} for key, value in tags.items()],
        "relationships": _relationships(item),
        **{name: item.get(name) for name in _SAME},
    }
    loose: dict[str, Any] = _loose(members)
    return loose


def event(item: Item) -> dict[str, Any]:
    """Back from an API's spelling; what the API does not tell is missing."""
    if "awsAccountId" in item:
        return dict(item)
    found = {name: value for name, value in item.items() if name not in _RENAMED}
    found |= {new: item[old] for old, new in _RENAMED.items() if old in item}
    if isinstance(item.get("configuration"), str):
        found["configuration"] = json.loads(item["configuration"])
        texts = item.get("supplementaryConfiguration") or {}
        found["supplementaryConfiguration"] = {name: json.loads(text) for name, text in texts.items()}
    if isinstance(item.get("tags"), list):
        found["tags"] = {tag["key"]: tag["value"] for tag in item["tags"]}
    for relationship in found.get("relationships") or ():
        relationship.setdefault("name", relationship.get("relationshipName"))
    for name in _TIMES:
        if isinstance(item.get(name), (int, float)):
            found[name] = stamp(datetime.fromtimestamp(item[name], UTC))
    return found


def summary(item: Item, change_type: str) -> dict[str, Any]:
    """What a notification says of an item that is too large for it."""
    return {"changeType": change_type, **{name: item.get(name) for name in _SUMMARY}}


def moment(text: str) -> datetime:
    """The time that an item names."""
    return datetime.fromisoformat(text)


def seconds(text: str | None) -> float | None:
    """The time as the wire has it, to the millisecond."""
    return round(moment(text).timestamp(), 3) if text else None


def stamp(time: datetime) -> str:
    """A time as Config writes it in texts."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _relationships(item: Item) -> list[dict[str, Any]]:
    return [
        _without_nulls(
            {
                "resourceType": relationship.get("resourceType"),
                "resourceId": relationship.get("resourceId"),
                "resourceName": relationship.get("resourceName"),
                "relationshipName": relationship.get("name"),
            }
        )
        for relationship in item.get("relationships") or ()
    ]


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _without_nulls(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _loose(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _loose(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_loose(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
