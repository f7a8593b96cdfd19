"""Protocols of everything that does I/O, so that the stages between can be tested and reused without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

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


class Facts(Protocol):
    """A source of what configuration items do not tell."""

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """One fact as it stands in `input.facts[kind][key]`, or None when this source does not know it.

        A key is written as the resource writes it, so the resource's account and region tell what it means.
        """
        ...
