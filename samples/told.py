"""What stories are made of: places, and items with the outcomes they stand for."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from shapes import JsonObject, Place

Told = tuple[JsonObject, dict[str, str]]
PASS, FAIL, EXEMPT, NOT_APPLICABLE, UNDETERMINED = "pass", "fail", "exempt", "not_applicable", "undetermined"

PRODUCTION, PRODUCTION_US = Place("111122223333", "eu-west-1"), Place("111122223333", "us-east-1")
SANDBOX, SANDBOX_US = Place("444455556666", "eu-west-1"), Place("444455556666", "us-east-1")
SECURITY, SECURITY_US = Place("777788889999", "eu-west-1"), Place("777788889999", "us-east-1")
PARTNER = Place("000011112222", "eu-west-1")

_OTHER_IDS = {
    "required_tags": "aws.any.resource.required_tags",
    "patch_group": "custom.ec2.instance.patch_group",
    "permissions_boundary": "custom.iam.role.permissions_boundary",
}


def told(item: JsonObject, **outcomes: str) -> Told:
    """The item, with the outcomes it is there for: of the policies for its type, by the last word of their ids.

    Other policies may judge it too; of them the story says nothing.
    """
    _, service, kind = item["resourceType"].lower().split("::")
    return item, {_OTHER_IDS.get(name, f"aws.{service}.{kind}.{name}"): outcome for name, outcome in outcomes.items()}
