"""IAM policies of a template, and what they allow: as much of IAM's rules as the templates use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from architecture.cloudformation import Stack


class Statement(NamedTuple):
    """`where`: the resource and its policy. `reasons`: of the resource, by Sid."""

    where: str
    body: Mapping[str, Any]
    reasons: Mapping[str, str]

    @property
    def actions(self) -> list[str]:
        return listed(self.body["Action"])

    @property
    def resources(self) -> list[str]:
        return listed(self.body.get("Resource", []))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(stack: Stack) -> Iterator[Statement]:
    """Of all policies but the trust of roles."""
    for name, resource in stack.resources.items():
        reasons = resource.get("Metadata", {}).get("Reasons") or {}
        properties = resource.get("Properties", {})
        for policy in properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []:
            for one in policy["PolicyDocument"]["Statement"]:
                yield Statement(f"{name}/{policy['PolicyName']}", one, reasons)
        of_table = properties.get("ResourcePolicy", {}).get("PolicyDocument", {})
        for document in (properties.get("PolicyDocument", {}), properties.get("KeyPolicy", {}), of_table):
            for one in document.get("Statement", []):
                yield Statement(name, one, reasons)


def of_role(stack: Stack, name: str) -> list[Mapping[str, Any]]:
    """The statements of one role, by its logical id."""
    policies = stack.resources[name]["Properties"]["Policies"]
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def is_allowed(
    found: list[Mapping[str, Any]], action: str, resource: str | None = None, context: Mapping[str, Any] | None = None
) -> bool:
    """`resource`: None for any, `context`: None for one that meets every condition."""
    hits = [one for one in found if _meets(one, action, resource, context)]
    return any(one["Effect"] == "Allow" for one in hits) and all(one["Effect"] == "Allow" for one in hits)


def _meets(one: Mapping[str, Any], action: str, resource: str | None, context: Mapping[str, Any] | None) -> bool:
    if action not in listed(one["Action"]):
        return False
    if resource is not None and not any(fnmatchcase(resource, pattern) for pattern in listed(one["Resource"])):
        return False
    return context is None or meets(one.get("Condition", {}), context)


def meets(condition: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
    """Whether a context meets all of a condition."""
    return all(
        _one(operator, context.get(key), [str(value) for value in listed(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _one(operator: str, given: Any, wanted: list[str]) -> bool:
    """`given`: a list for a key of several values; None for a key that is not there.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """
    how, _, name = operator.rpartition(":")
    if how:
        each = [] if given is None else listed(given)
        return {"ForAnyValue": any, "ForAllValues": all}[how](_one(name, one, wanted) for one in each)
    name = operator.removesuffix("IfExists")
    if name == "Null":
        return str(given is None).lower() == wanted[0]
    if given is None:
        return operator.endswith("IfExists") or "Not" in name
    hit = any(_is(name.replace("Not", ""), str(given), value) for value in wanted)
    return not hit if "Not" in name else hit


def _is(operator: str, given: str, wanted: str) -> bool:
    if operator in ("StringLike", "ArnLike", "ArnEquals"):
        return re.fullmatch(re.escape(wanted).replace(r"\*", ".*").replace(r"\?", "."), given) is not None
    assert operator in ("StringEquals", "Bool"), operator
    return given == wanted
