"""Protocols of everything that does I/O, so that the stages between can be tested and reused without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

UNVERSIONED = "unversioned"  # the bundle revision of an engine that tells none


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
