"""The same items as AWS's APIs and the AWS CLI print them; see docs.aws.amazon.com/config for each call."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from typing import Any

from shapes import JsonObject, compact

_RENAMED = {
    "configurationItemVersion": "version",
    "awsAccountId": "accountId",
    "ARN": "arn",
    "configurationStateMd5Hash": "configurationItemMD5Hash",
}
_NOT_IN_BATCH_GET = ("tags", "relationships", "relatedEvents", "configurationItemMD5Hash")


def history_item(item: JsonObject) -> JsonObject:
    """As get-resource-config-history prints it: renamed, without nulls, the inner documents as JSON text."""
    body = {_RENAMED.get(name, name): value for name, value in item.items() if value is not None}
    return (
        body
        | {
            "configurationItemCaptureTime": printed(item["configurationItemCaptureTime"]),
            "configurationStateId": str(item["configurationStateId"]),
            "configuration": compact(item["configuration"]),
            "supplementaryConfiguration": {
                name: compact(value) for name, value in item["supplementaryConfiguration"].items()
            },
            "relationships": [renamed_relationship(entry) for entry in item["relationships"]],
            "recordingFrequency": "CONTINUOUS",
        }
        | ({"resourceCreationTime": printed(item["resourceCreationTime"])} if item["resourceCreationTime"] else {})
    )


def batch_item(item: JsonObject) -> JsonObject:
    """As batch-get-resource-config prints it: the history's form without tags and relationships."""
    return {name: value for name, value in history_item(item).items() if name not in _NOT_IN_BATCH_GET}


def selected_row(item: JsonObject) -> str:
    """A row of a SELECT that names all columns there are: JSON text, without nulls."""
    names = (
        "awsAccountId",
        "awsRegion",
        "resourceType",
        "resourceId",
        "resourceName",
        "ARN",
        "configurationItemCaptureTime",
        "configurationItemStatus",
        "availabilityZone",
    )
    row = {
        _RENAMED.get(name, name): item[name]
        for name in (*names, "resourceCreationTime", "configuration", "supplementaryConfiguration")
    }
    row["tags"] = [{"key": key, "value": value, "tag": f"{key}={value}"} for key, value in item["tags"].items()]
    row["relationships"] = [renamed_relationship(entry) for entry in item["relationships"]]
    return compact(indexed(row))


def renamed_relationship(entry: JsonObject) -> JsonObject:
    renamed = {"relationshipName" if name == "name" else name: value for name, value in entry.items()}
    return {name: value for name, value in renamed.items() if value is not None}


def indexed(value: Any) -> Any:
    """What the query index does to values: nulls are gone, integers come back with a fraction."""
    if isinstance(value, dict):
        return {name: indexed(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [indexed(part) for part in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def printed(instant: str) -> str:
    """A time as the AWS CLI writes it."""
    return instant.replace("Z", "000+00:00")
