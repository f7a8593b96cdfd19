"""What a remediation is made of: given once, by a composition root. All I/O is behind these Protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from opalite.catalog import Catalog
from opalite.model import Message
from opalite.ports import Facts, GuardEngine
from opalite.publish.addressees import TagKeys, of_one
from opalite.remediation.action import Action, Ask
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result, Target


class Past(NamedTuple):
    """An earlier attempt on a resource."""

    id: str
    at: str  # RFC 3339
    policy_id: str
    action: str
    result: str  # "undoing": a person is taking another one back; whoever else comes is kept away by the lock alone
    when: str  # it began to change something, or else began
    begun: bool  # whether any call was, or may have been, made

    @classmethod
    def of(cls, attempt: Attempt) -> Past:
        """What is kept of it for later ones."""
        return cls(
            id=attempt.id,
            at=attempt.began_at,
            policy_id=attempt.target.policy_id,
            action=attempt.action,
            result=_past_result(attempt),
            when=attempt.started_at or attempt.began_at,
            begun=attempt.has_changed_something,
        )


def _past_result(attempt: Attempt) -> str:
    """Of what a person has not been able to take back as a whole, as of what is undone: it is his to settle."""
    if attempt.undoes and attempt.is_open:
        return "undoing"
    if attempt.undoes and attempt.result is Result.FAILED:
        return str(Result.UNDONE)
    return str(attempt.result)


class Ledger(Protocol):
    """The store of attempts, locks, counters and the stop switch. Each raises AwsError: then nothing may be done."""

    def stopped(self) -> str | None:
        """Why nothing may be changed now; None if it may. Read anew each time."""
        ...

    def load(self, attempt_id: str) -> Attempt | None:
        """The attempt as it stands."""
        ...

    def save(self, attempt: Attempt) -> Attempt:
        """With its new version. Raises Overtaken if somebody else has written it since it was read."""
        ...

    def history(self, target: Target, *, since: str) -> Sequence[Past]:
        """Attempts on the resource, of whichever policy, the latest last."""
        ...

    def lock(self, resource_key: str, attempt_id: str, *, until: str) -> str | None:
        """None once the resource is ours until then; else whose it is. A lock whose time is over is nobody's."""
        ...

    def unlock(self, resource_key: str, attempt_id: str) -> None:
        """Give it back; nothing if it is somebody else's by now."""
        ...

    def take(self, name: str, limit: int, *, hour: str) -> bool:
        """One more of at most `limit` within the hour that the time lies in, all functions together."""
        ...

    def taken(self, name: str, *, hour: str) -> int:
        """How many were taken."""
        ...

    def first(self, name: str, by: str, *, expires: str) -> bool:
        """Whether nobody else has asked this until now."""
        ...

    def due(self, before: str) -> Sequence[str]:
        """Ids of attempts that wait for nothing but the time, the longest waiting first."""
        ...


class Overtaken(Exception):  # noqa: N818 - not an error: somebody else goes on with the same attempt
    """Another process has written the attempt since it was read."""


class Records(Protocol):
    """Where the records of attempts lie."""

    def put(self, attempt: Attempt, document: Mapping[str, Any]) -> None:
        """Written over the one before. Raises AwsError, DeliveryError or Denied."""
        ...


class Findings(Protocol):
    """Findings in the member's Security Hub."""

    def status(self, attempt: Attempt) -> str | None:
        """The workflow status of the finding; None if there is none, or it is not known. Raises AwsError or Denied."""
        ...

    def note(self, attempt: Attempt) -> None:
        """Say on the finding what has become of it. Raises AwsError, DeliveryError or Denied; nothing if there is no finding."""
        ...


class Notices(Protocol):
    """The topic."""

    def put(self, messages: Sequence[Message], *, deadline: Callable[[], float]) -> None:
        """Raises DeliveryError."""
        ...


class Machine(Protocol):
    """The state machine that waits, for a person or for AWS."""

    def start(self, attempt: Attempt) -> None:
        """Once for an attempt, however often it is asked. Raises AwsError or Denied."""
        ...


class Signatures(Protocol):
    """Who may approve can sign, and we can tell whether he did, but not sign ourselves."""

    def is_genuine(self, statement: bytes, signature: bytes) -> bool:
        """Raises AwsError or Denied if that cannot be told."""
        ...


class AskFor(Protocol):
    """Services by the role of an action."""

    def __call__(self, action: Action, target: Target) -> Ask:
        """In the account and Region of the target."""
        ...


class OwnerOf(Protocol):
    """Whom messages about a resource are for. Never fails: who is not known is `operations`."""

    def __call__(self, action: Action, resource: Mapping[str, Any]) -> str:
        """`resource`: normalized."""
        ...


def by_tags(action: Action, resource: Mapping[str, Any]) -> str:
    """Meets OwnerOf, and asks nobody."""
    return of_one(resource.get("tags"), action.name, TagKeys(), lambda: "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that a remediation needs. What is None is switched off."""

    engine: GuardEngine
    catalog: Catalog
    entries: Mapping[str, Mapping[str, Any]]  # of the catalog by policy id
    actions: Mapping[str, Action]
    ask: AskFor
    facts: Callable[[Action], Facts]  # what policies ask for, by the role of the action
    units: Callable[[Target], Sequence[str] | None]  # organizational units of the account, root first; None: not known
    ledger: Ledger
    records: Records
    findings: Findings | None
    notices: Notices | None
    machine: Machine | None
    signatures: Signatures | None
    now: Callable[[], str]  # RFC 3339
    sleep: Callable[[float], None]
    remaining: Callable[[], float]  # seconds
    owner: OwnerOf = by_tags
