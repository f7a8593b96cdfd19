"""What a remediation is made of: how its resource is read, what is planned, and which permissions that takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from opalite.model import Decision, JsonObject
from opalite.ports import Service
from opalite.remediation.model import Mode, Plan, State, Target


class Ask(Protocol):
    """Services of the account and Region of the target, by the role of the action."""

    def __call__(self, service: str) -> Service:
        """A service as boto3 names it. Raises Denied or AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a plan is made of."""

    target: Target
    state: State
    decision: Decision  # of outcome fail; its violations say what is wrong
    parameters: Mapping[str, Any]  # of the action, as the guard answered; checked against its schema
    at: str  # RFC 3339


@dataclass(frozen=True, slots=True)
class Permission:
    """One statement of the action's role. `reason`: why a resource or an action is as wide as it is; needed where it is `*`."""

    actions: Sequence[str]
    resources: Sequence[str] = ("*",)  # with ${AWS::Partition} and ${AWS::AccountId}
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reason: str = ""


def only(value: Any, *names: str) -> Any:
    """The members of these names, as far as they are there; a value without members as it is."""
    return {name: value[name] for name in names if name in value} if isinstance(value, Mapping) else value


def _all(details: JsonObject) -> JsonObject:
    return details


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`name`: as METADATA of policies name it under custom.remediation.action.

    `read` raises Absent if the resource is gone. `most`: no setting lets it go further. `parameters`: JSON Schema, with a default
    for every property. `permissions`: of the role, beside those that every such role has. `simulated`: the state that the plan would
    bring about, None where that cannot be told beforehand; if the policy would not pass it, nothing is done.

    `left`: of details, those of older records too, what undo compares: what is ours to take back, and nothing that others may change
    without touching it. It takes any details, and its own answer. `read_without`: the details once the resource is gone, as far as
    what was changed is there without it; None where nothing is.
    """

    name: str
    title: str
    resource_types: Sequence[str]
    read: Callable[[Ask, Target], State]
    plan: Callable[[Found], Plan]
    most: Mode
    permissions: Sequence[Permission]
    parameters: JsonObject = field(default_factory=dict)
    simulated: Callable[[State, Plan], State | None] | None = None
    left: Callable[[JsonObject], JsonObject] = _all
    read_without: Callable[[Ask, Target], JsonObject] | None = None
