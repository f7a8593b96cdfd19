"""One remediation after the other, as the flow does it, in moto's memory and with a real OPA."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

import jsonschema
from botocore.session import get_session

from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.facts.live import LiveFacts
from opalite.model import Decision
from opalite.normalize import TYPES
from opalite.remediation.action import Action, Found
from opalite.remediation.applying import Applied, StepError, apply
from opalite.remediation.deciding import decide
from opalite.remediation.model import Plan, State, Target

ACCOUNT, REGION = "123456789012", "eu-west-1"

# Operations whose IAM action has another name.
_IAM = {
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "resourcegroupstaggingapi:TagResources": "tag:TagResources",
    "resourcegroupstaggingapi:UntagResources": "tag:UntagResources",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
}


class Crash(BaseException):
    """The process is gone; nobody may catch it."""


@cache
def session() -> Any:
    """One for all: it reads the models of services once."""
    return get_session()


def client(name: str) -> Any:
    return session().create_client(name, region_name=REGION)


@contextmanager
def running(opa: Any, folder: Any, parameters: Mapping[str, Any]) -> Iterator[tuple[ManagedOpa, Catalog]]:
    """An OPA with the shipped policies and settings of the test."""
    (folder / "parameters").mkdir()
    (folder / "parameters" / "data.json").write_text(json.dumps(parameters))
    bundle = assemble(opa.path, bundles=(), overlays=(folder,), with_shipped=True, typed=TYPES)
    path = folder / "bundle.tar.gz"
    bundle.write(path)
    with ManagedOpa(opa.path, path, version=opa.version, revision=bundle.revision, environ=os.environ) as engine:
        yield engine, Catalog(bundle.data["catalog"])


@dataclass
class Driver:
    """`dies`: called with the action and "before" or "after" at each call that changes something; it may raise Crash."""

    action: Action
    policy_id: str
    resource_type: str
    engine: Any
    catalog: Catalog
    given: Mapping[str, Any] = field(default_factory=dict)
    dies: Callable[[str, str], None] = lambda *_: None
    fakes: Mapping[str, Any] = field(default_factory=dict)  # services that moto lacks

    def __post_init__(self) -> None:
        self.sessions = AwsSessions(self.now, own=session())
        self._facts = AwsSessions(self.now, own=session())
        for sessions in (self.sessions, self._facts):
            sessions.known_as(ACCOUNT, "aws")

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - moto counts by the real clock

    @property
    def at(self) -> str:
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def parameters(self) -> dict[str, Any]:
        defaults = {name: entry["default"] for name, entry in self.action.parameters["properties"].items()}
        parameters = {**defaults, **self.given}
        jsonschema.Draft7Validator(self.action.parameters).validate(parameters)
        return parameters

    def ask(self, name: str) -> Any:
        return _Service(self, self.fakes.get(name) or self.sessions.service(name, ACCOUNT, REGION))

    def target(self, resource_id: str) -> Target:
        return Target(
            policy_id=self.policy_id,
            partition="aws",
            account_id=ACCOUNT,
            region=REGION,
            resource_type=self.resource_type,
            resource_id=resource_id,
        )

    def read(self, resource_id: str) -> State:
        return self.action.read(self.ask, self.target(resource_id))

    def decide(self, resource_id: str, state: State) -> Decision:
        parts = SimpleNamespace(
            engine=self.engine, catalog=self.catalog, facts=lambda _: LiveFacts(self._facts, self.now)
        )
        decision = decide(parts, self.action, self.target(resource_id), state, at=self.at).decision
        assert decision is not None
        return decision

    def outcome(self, resource_id: str) -> str:
        return str(self.decide(resource_id, self.read(resource_id)).outcome)

    def plan(self, resource_id: str) -> Plan:
        state = self.read(resource_id)
        decision = self.decide(resource_id, state)
        assert decision.outcome == "fail", decision.annotation
        return self.action.plan(Found(self.target(resource_id), state, decision, self.parameters, self.at))

    def apply(self, plan: Plan, applied: dict[str, Applied] | None = None) -> dict[str, Applied]:
        """All steps; `applied` is kept up to date even if it dies."""
        applied = {} if applied is None else applied

        def note(one: Applied) -> None:
            applied[one.name] = Applied(
                one.name, one.progress, already=one.already, outputs=dict(one.outputs), inverse=one.inverse
            )

        for _ in range(20):
            if apply(self.ask, plan.steps, dict(applied), note) is None:
                return applied
        raise AssertionError("it never ends")

    def undo(self, applied: Mapping[str, Applied]) -> None:
        for one in reversed(applied.values()):
            if one.inverse is not None and not one.already:
                self.ask(one.inverse.service).ask(one.inverse.operation, **one.inverse.parameters)

    def called(self) -> set[str]:
        return {_IAM.get(name, name) for name in self.sessions.calls.counts()}

    def allowed(self) -> set[str]:
        return {name for permission in self.action.permissions for name in permission.actions}


class _Service:
    def __init__(self, driver: Driver, service: Any) -> None:
        self._driver = driver
        self._service = service

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        changes = not operation.startswith(("Describe", "Get", "List", "BatchGet"))
        if changes:
            self._driver.dies(operation, "before")
        answer = self._service.ask(operation, **parameters)
        if changes:
            self._driver.dies(operation, "after")
        return answer

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        return self._service.pages(operation, **parameters)


def crash_at(number: int, moment: str) -> Callable[[str, str], None]:
    """At the call of that number, from 1, before or after it."""
    seen = {"before": 0, "after": 0}

    def dies(_: str, when: str) -> None:
        seen[when] += 1
        if when == moment and seen[when] == number:
            raise Crash

    return dies


__all__ = ["ACCOUNT", "REGION", "Crash", "Driver", "StepError", "client", "crash_at", "running"]
