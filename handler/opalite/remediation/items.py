"""What AWS's own APIs tell of a resource → the form of a configuration item, for the normalizer and the policies. Pure.

AWS Config writes the answer of a Describe operation with names in lower camel case; see `described`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.model import Target


def item(
    target: Target,
    *,
    configuration: JsonObject,
    arn: str | None = None,
    name: str | None = None,
    tags: Mapping[str, str] | None = None,
    supplementary: JsonObject | None = None,
) -> JsonObject:
    """Without a capture time, which is that of whoever judges. `tags`: None if they are not known."""
    body: JsonObject = {
        "version": "1.3",
        "configurationItemStatus": "OK",
        "awsAccountId": target.account_id,
        "awsRegion": target.region,
        "resourceType": target.resource_type,
        "resourceId": target.resource_id,
        "configuration": configuration,
        "supplementaryConfiguration": supplementary or {},
        "relationships": [],
    }
    for key, value in (("ARN", arn), ("resourceName", name), ("tags", None if tags is None else dict(tags))):
        if value is not None:
            body[key] = value
    return body


def described(answer: Any) -> Any:
    """A member of an answer as AWS Config writes it: names begin with a small letter, times are texts."""
    if isinstance(answer, Mapping):
        return {_small(name): described(value) for name, value in answer.items() if name != "ResponseMetadata"}
    if isinstance(answer, list | tuple):
        return [described(value) for value in answer]
    if isinstance(answer, datetime):
        return answer.isoformat(timespec="milliseconds")
    return answer


def tag_map(tags: Any) -> dict[str, str]:
    """[{Key, Value}] → by key."""
    return {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags or ()}


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]
