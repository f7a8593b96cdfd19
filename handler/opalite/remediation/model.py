"""The values of a remediation. Frozen, without behaviour beyond their own form; the words are those of docs/glossary.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any

import orjson

from opalite.model import JsonObject

OUTPUT = "$output"  # {"$output": name} in the parameters of a call: what an earlier step has put out under that name


class Mode(StrEnum):
    """How far a remediation may go, least first."""

    OFF = "off"
    PLAN = "plan"  # says what it would do
    APPROVE = "approve"  # does it once a person has agreed to exactly that
    AUTO = "auto"


class Result(StrEnum):
    """How an attempt ended, or where it stands."""

    OFF = "off"  # not switched on here
    NOTHING = "nothing"  # there is nothing to mend: compliant, exempt, gone
    REFUSED = "refused"  # unsure, not allowed, or a brake: nothing was done, the reason says why
    PLANNED = "planned"  # told what would be done
    WAITING = "waiting"  # for a person's approval
    DEFERRED = "deferred"  # until a maintenance window, or until AWS has finished
    APPLYING = "applying"  # begun, and not ended yet
    APPLIED = "applied"  # done, and the policy passes
    ALERTED = "alerted"  # what is left is up to a person, who was told
    UNVERIFIED = "unverified"  # done, but the policy does not pass
    FAILED = "failed"  # a step failed; what was done before stands in the record
    UNDONE = "undone"


class TriggerKind(StrEnum):
    """What made us look."""

    FINDING = "finding"  # Security Hub Findings - Imported
    CUSTOM_ACTION = "custom_action"  # of a person in Security Hub
    COMPLIANCE_CHANGE = "compliance_change"  # of AWS Config
    COMMAND = "command"  # opalite remediate
    APPROVAL = "approval"
    DUE = "due"  # what was deferred, or left half done


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One policy and one resource."""

    policy_id: str
    partition: str
    account_id: str
    region: str
    resource_type: str
    resource_id: str  # as AWS Config knows it

    @property
    def resource_key(self) -> str:
        """The resource, whichever policy is meant: two remediations of one resource would disturb each other."""
        return f"{self.partition}/{self.account_id}/{self.region}/{self.resource_type}/{self.resource_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """`event_id`: the same for the same event delivered again. `by`: who, for people; empty: nobody but AWS."""

    kind: TriggerKind
    event_id: str
    at: str  # RFC 3339
    by: str = ""
    finding_id: str | None = None
    product_arn: str | None = None
    workflow_status: str | None = None  # of the finding, as it was then


@dataclass(frozen=True, slots=True)
class Request:
    """That somebody should look after a resource. Nothing else of an event is believed."""

    target: Target
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class State:
    """A resource as AWS tells it now.

    `item`: in the form of a configuration item, so that the same normalizer and the same policy judge it. `details`: what a plan
    needs beside it or in AWS's own form, without what changes by itself: equal details, equal plan.
    """

    item: JsonObject
    details: JsonObject

    @property
    def digest(self) -> str:
        """Of the details."""
        return digest(self.details)


@dataclass(frozen=True, slots=True)
class Call:
    """One request to AWS: the service as boto3 names it, the operation and its parameters as AWS spells them.

    `refusal`: JMESPath to the error code by which an answer that is none of an error says that nothing was done.
    """

    service: str
    operation: str
    parameters: JsonObject = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Until:
    """What must have come about before the next step: a call that only reads, and what its answer must hold there.

    `path`: JMESPath. `wanted`, `failed`: texts; anything else means that it is still going on. `absent`: that AWS knows of
    nothing any more is what is waited for. `seconds`: between two looks.
    """

    call: Call
    path: str
    wanted: tuple[str, ...]
    failed: tuple[str, ...] = ()
    seconds: int = 30
    absent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change. It may be asked for again after an answer was lost, so that doing it twice must be as good as doing it once.

    `name`: within the plan, the same whenever the same is to be done. `inverse`: None if it cannot be taken back, and then
    `irreversible` says why. `stays`: what it makes does no harm, and may stand when all else is taken back. `closes`: taking it back
    would bring back what the policy forbids, so that only a person does it. `at_once`: it must follow what was done before, whether
    a maintenance window is open or not. `already`: AWS's error
    codes which mean that it was done before; `busy`: that it can be done later, as its inverse. `outputs`: by name, JMESPath into
    the answer. `inverse_until`: what must have come about before the inverse of an earlier step.
    """

    name: str
    reason: str
    call: Call
    inverse: Call | None = None
    irreversible: str = ""
    stays: bool = False
    closes: bool = False
    at_once: bool = False
    already: tuple[str, ...] = ()
    busy: tuple[str, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    until: Until | None = None
    inverse_until: Until | None = None

    @property
    def only_looks(self) -> bool:
        """Whether its call is the question that it waits by: it changes nothing."""
        return self.until is not None and self.until.call == self.call

    @property
    def digest(self) -> str:
        """What is agreed to by whoever agrees to the plan."""
        return digest(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, in order. Without steps: `refusal` says why nothing is, or `instructions` are all there is (an alert).

    `successor`: the id of the resource that is to pass the policy in the end, where that is another one. `mends`: False if the
    resource cannot pass by these steps, so that the rest is up to a person. `locks`: names of what else only one attempt may be at.
    """

    action: str
    steps: tuple[Step, ...] = ()
    refusal: str = ""
    instructions: tuple[str, ...] = ()  # for a person: what is left to do, what it costs, what to look out for
    successor: str | None = None
    mends: bool = True
    locks: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Of all that would be done."""
        return digest([self.action, [asdict(step) for step in self.steps]])


def digest(document: Any) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()
