"""Protocols of everything that does I/O, so that the stages between can be tested and reused without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from opalite.model import Evaluation, JsonObject

UNVERSIONED = "unversioned"  # the bundle revision of an engine that tells none
BATCH_RULE = "opalite/decision/batch"
GUARD_RULE = "opalite/remediation/batch"


class Engine(Protocol):
    """An OPA that has the policies and the data. May be asked from several threads at once."""

    @property
    def opa_version(self) -> str:
        """The version of the OPA that answers."""
        ...

    @property
    def bundle_revision(self) -> str:
        """Identifies policies and data, overlays included."""
        ...

    def ask(self, items: bytes) -> Mapping[str, Any]:
        """Results by key for a JSON object of policy inputs by key.

        Raises PolicyFault when a policy ended with an error (the whole batch is without an answer: split it),
        DecisionError when the answer is not one, EngineError when OPA cannot be reached.
        """
        ...


class GuardEngine(Engine, Protocol):
    """An engine that answers by the guard of remediation, too."""

    def ask(self, items: bytes, rule: str = BATCH_RULE) -> Mapping[str, Any]:
        """Results by key for a JSON object of inputs by key, of one of the two rules above. Raises the same errors."""
        ...


class PolicyFault(Exception):  # noqa: N818 - not an error of Opalite's: a policy met data that its built-ins refuse
    """OPA evaluated a policy and failed: a built-in refused its arguments, or two rules gave two values."""


# What is wanted of a source of facts: the kind, the key as the resource writes it, and the resource (partition, account_id,
# region), which tells what the key means.
Wanted = tuple[str, str, Mapping[str, Any]]


class Facts(Protocol):
    """A source of what configuration items do not tell. May be asked from several threads at once."""

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        """All that a batch is going to look up, told beforehand: a remote source asks for it in as few calls as it can."""
        ...

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """One fact as it stands in `input.facts[kind][key]`, or None when this source does not know it.

        A key is written as the resource writes it, so the resource's account and region tell what it means.
        Raises AwsError when a source fails in a way that trying again may mend: then nothing may be decided.
        """
        ...

    def why(self, kind: str, key: str, resource: Mapping[str, Any]) -> str | None:
        """Why this source does not know the fact, or not all of it: one phrase for people; None when there is nothing to say."""
        ...


class Place(NamedTuple):
    """Where a question to AWS is asked."""

    partition: str
    account_id: str
    region: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS said of one key: the fact, and why there is none or why members of it are null."""

    fact: Mapping[str, Any] | None
    reason: str | None = None
    refused: bool = False  # for want of a permission, which somebody may be granting at this moment


class Service(Protocol):
    """One AWS service in one account and region."""

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        """The answer to one operation, spelt as AWS spells it (`DescribeKey`). Raises Denied, Absent or AwsError."""
        ...

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        """The same of an operation that answers in pages."""
        ...


class Sessions(Protocol):
    """Credentials by account. May be asked from several threads at once."""

    def caller(self) -> str:
        """The account of the caller's own credentials."""
        ...

    def service(self, name: str, account_id: str, region: str) -> Service:
        """A service as boto3 names it; an empty region means that the service is global. Raises Denied or AwsError."""
        ...


class Denied(Exception):  # noqa: N818 - not an error of Opalite's: the fact stays unknown, and the text says why
    """AWS refuses to answer, and will refuse again: a permission, a role, or a key that it cannot read."""


class Absent(Exception):  # noqa: N818 - not an error: an answer
    """AWS answered that what was asked about is not there."""


Key = tuple[str, str]  # resource type, resource id: what AWS Config knows a resource by within an account and a region


class ConfigItems(Protocol):
    """What AWS Config has recorded in an account and a region. Raises Denied or AwsError."""

    def at(
        self, place: Place, resource_type: str, resource_id: str, captured_at: str, state_id: int | str | None
    ) -> JsonObject | None:
        """Exactly the item that was captured then; None if the history does not have it (yet)."""
        ...

    def latest(self, place: Place, resource_type: str, resource_id: str) -> JsonObject | None:
        """The newest item of a resource."""
        ...

    def discovered(self, place: Place, resource_types: Sequence[str] | None) -> Iterator[list[JsonObject]]:
        """The items of all resources that exist, page by page; of every type for None."""
        ...

    def existing(self, place: Place, keys: Sequence[Key]) -> tuple[frozenset[Key], frozenset[Key]]:
        """Those that exist, and those of which nothing was said; what is neither is gone."""
        ...


class ConfigResults(Protocol):
    """What AWS Config holds about a Config rule. Raises Denied or AwsError."""

    def held(self, place: Place, rule_name: str) -> dict[Key, str]:
        """Compliance types by resource, of all that are COMPLIANT or NON_COMPLIANT."""
        ...

    def held_of(self, place: Place, rule_name: str, resource_type: str, resource_id: str) -> str | None:
        """The compliance type of one resource, None when Config holds none."""
        ...

    def rule(self, place: Place, rule_name: str) -> Mapping[str, Any] | None:
        """A Config rule as DescribeConfigRules tells it, None when there is none of the name."""
        ...


class Delivery(Protocol):
    """Where evaluations go."""

    def put(
        self,
        place: Place,
        evaluations: Sequence[Evaluation],
        token: str,
        *,
        test_mode: bool,
        deadline: Callable[[], float],
    ) -> int:
        """How many were taken. Raises DeliveryError naming those that were not. `deadline`: seconds that are left."""
        ...


class OversizedItems(Protocol):
    """The bucket of the delivery channel, where items lie that were too large for a notification."""

    def item(
        self,
        place: Place,
        resource_type: str,
        resource_id: str,
        captured_at: str,
        state_id: int | str | None,
        notified_at: str | None,
    ) -> JsonObject | None:
        """Exactly the item that was captured then, None if it is not there."""
        ...


class Members(Protocol):
    """The accounts of the organization."""

    def is_member(self, account_id: str) -> bool:
        """Whether an account is an active one of the organization. Raises AwsError if that cannot be told."""
        ...
