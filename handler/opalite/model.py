"""The values that travel between the stages. Frozen, without behaviour; the words are those of docs/glossary.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]


class Outcome(StrEnum):
    """What a policy says of one resource."""

    PASS = "pass"  # noqa: S105 - the outcome's name, not a secret
    FAIL = "fail"
    EXEMPT = "exempt"
    NOT_APPLICABLE = "not_applicable"
    UNDETERMINED = "undetermined"


class Severity(StrEnum):
    """Security Hub's severity labels, lowest first."""

    INFORMATIONAL = "INFORMATIONAL"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that could not be read. One line on standard error; the exit code becomes 2."""

    source: str  # the file and the place in it: "a.jsonl:3", "snapshot.json.gz item 17"
    message: str  # what was seen and what to do; one line, never the item's content


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth knowing that is no fault: one line on standard error, no effect on the exit code."""

    source: str
    message: str


@dataclass(frozen=True, slots=True)
class Item:
    """One configuration item as it was found, in whichever dialect, with what its envelope says."""

    body: JsonObject
    source: str
    notified_at: str | None = None  # notificationCreationTime of the event
    left_scope: bool = False  # eventLeftScope of the event
    oversized: bool = False  # a configurationItemSummary: the configuration is not in it


@dataclass(frozen=True, slots=True)
class Resource:
    """A normalized configuration item: `input.resource` of the policies, and what is known about its gaps."""

    document: JsonObject  # type, id, name, arn, partition, account_id, organizational_units, region, tags, …
    unknown: Sequence[Mapping[str, str]]  # {path, reason}: parts that the item does not tell
    gone: str | None  # why there is nothing to judge any more (deleted, not recorded, left scope), else None
    capture_time: str | None  # RFC 3339
    notified_at: str | None  # RFC 3339
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """What OPA is asked about one resource, once."""

    resource: Resource
    evaluated_at: str  # RFC 3339
    core: bytes  # canonical JSON of all that the decision depends on, but time: version, resource, facts, unknown, gone
    digest: str  # SHA-256 of the core, in hex
    expected: tuple[str, ...]  # the ids of the policies that must answer
    selected: bool  # False: every policy that applies is asked, and `expected` says which these are

    def body(self) -> bytes:
        """The policy input, as JSON."""
        policies = b'["%s"]' % '","'.join(self.expected).encode() if self.selected else b"null"
        return b'{"evaluated_at":"%s","policies":%s,%s' % (self.evaluated_at.encode(), policies, self.core[1:])


@dataclass(frozen=True, slots=True)
class Policy:
    """What the catalog says of a policy."""

    id: str
    title: str
    version: str
    severity: Severity
    resource_types: Sequence[str]  # ["*"]: every type
    generic: bool  # takes the generic form of types without a schema
    schedule: bool = False  # time or facts alone can change its verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """One policy's answer for one resource; the fields of a line of JSON Lines output, in its order."""

    account_id: str
    region: str
    resource_type: str
    resource_id: str
    arn: str | None
    capture_time: str | None
    evaluated_at: str
    policy_id: str
    policy_version: str
    outcome: Outcome
    compliance_type: str | None
    severity: Severity
    annotation: str
    violations: Sequence[JsonObject]
    unknown: Sequence[JsonObject]
    reasons: Sequence[str]
    exemption: JsonObject | None
    stage: str
    decision_id: str
    bundle_revision: str
    opa_version: str
    input_digest: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One entry of PutEvaluations: what AWS Config is told of one resource."""

    resource_type: str
    resource_id: str
    compliance_type: str  # COMPLIANT, NON_COMPLIANT or NOT_APPLICABLE
    annotation: str  # 1 to 256 characters
    ordering_timestamp: str  # RFC 3339: when the item was captured; for a schedule, when it was notified


@dataclass(frozen=True, slots=True)
class Result:
    """What AWS Config holds of one resource for one Config rule."""

    resource_type: str
    resource_id: str
    compliance_type: str


@dataclass(frozen=True, slots=True)
class Case:
    """One decision, and what it was made of."""

    decision: Decision
    judged: JsonObject  # version, resource, facts, unknown, gone: what the input digest is of


@dataclass(frozen=True, slots=True)
class Standing:
    """What was last known of one policy and one resource, kept between invocations. Times are RFC 3339."""

    finding_id: str  # its key; see publish.life
    outcome: Outcome
    stage: str
    severity: Severity
    capture_time: str
    evaluated_at: str
    decision_id: str
    since: str  # when this outcome began
    first_observed_at: str  # when the policy was first decided for the resource
    content: str  # digest of what outputs would say, apart from times and ids of decisions
    # What Security Hub holds, or is to be told while that is pending: FAILED, PASSED, WARNING, NOT_AVAILABLE, ARCHIVED, or nothing.
    status: str | None
    sent_at: str | None  # UpdatedAt of what was sent last; None: nothing ever was
    pending: tuple[str, ...]  # what has not been told of this standing yet: "securityhub", "sns:<change>"


@dataclass(frozen=True, slots=True)
class Message:
    """One notification: for people who get it by mail, and for programs."""

    subject: str  # of a mail
    text: str  # of a mail
    document: JsonObject  # the same for queues, functions and web hooks
    attributes: Mapping[str, str]  # by which subscriptions choose
