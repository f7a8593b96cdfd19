"""Moto's AWS for one remediation, and what all drivers of actions have in common: a target, its state, and what the OPA decides of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import jsonschema
from botocore.session import get_session

from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.facts.live import LiveFacts
from opalite.model import Decision, Outcome
from opalite.normalize import TYPES
from opalite.remediation.action import Action, Found
from opalite.remediation.deciding import decide
from opalite.remediation.model import Plan, State, Target

ACCOUNT, REGION = "123456789012", "eu-west-1"

# Operations whose IAM action has another name.
_IAM = {
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "resourcegroupstaggingapi:TagResources": "tag:TagResources",
    "resourcegroupstaggingapi:UntagResources": "tag:UntagResources",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}


class Crash(BaseException):
    """The process is gone; nobody may catch it."""


@cache
def session() -> Any:
    """One for all: it reads the models of services once."""
    return get_session()


@cache
def client(name: str) -> Any:
    """It outlives one moto, and finds the next."""
    return session().create_client(name, region_name=REGION)


def client_of(account: str, name: str, region: str = REGION) -> Any:
    """Of any account, as moto has it: credentials say which account they are of."""
    role = f"arn:aws:iam::{account}:role/Admin"
    given = boto3.client("sts", region_name=REGION).assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        name,
        region_name=region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def now() -> datetime:
    return datetime(2026, 11, 23, 12, tzinfo=UTC)


def sessions(now: Callable[[], datetime] = now) -> AwsSessions:
    made = AwsSessions(now, own=session())
    made.known_as(ACCOUNT, "aws")
    return made


@contextmanager
def running(opa: Any, folder: Path, parameters: Mapping[str, Any]) -> Iterator[tuple[ManagedOpa, Catalog]]:
    """An OPA with the shipped policies and parameters of the test."""
    (folder / "parameters").mkdir()
    (folder / "parameters" / "data.json").write_text(json.dumps(parameters))
    bundle = assemble(opa.path, bundles=(), overlays=(folder,), with_shipped=True, typed=TYPES)
    path = folder / "bundle.tar.gz"
    bundle.write(path)
    with ManagedOpa(opa.path, path, version=opa.version, revision=bundle.revision, environ=os.environ) as engine:
        yield engine, Catalog(bundle.data["catalog"])


@dataclass
class Driver:
    """`given`: parameters that are not the default. `sessions` are the action's, `facts` the policy's: they are counted apart."""

    action: Action
    policy_id: str
    engine: Any
    catalog: Catalog
    given: Mapping[str, Any] = field(default_factory=dict)
    resource_type: str = field(default="", kw_only=True)  # if it is not the first of the action's

    def __post_init__(self) -> None:
        self.sessions, self.facts = sessions(self.now), sessions(self.now)

    def now(self) -> datetime:
        return now()

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
        return self.sessions.service(name, ACCOUNT, REGION)

    def target(self, resource_id: str) -> Target:
        return Target(
            policy_id=self.policy_id,
            partition="aws",
            account_id=ACCOUNT,
            region=REGION,
            resource_type=self.resource_type or self.action.resource_types[0],
            resource_id=resource_id,
        )

    def read(self, resource_id: str) -> State:
        return self.action.read(self.ask, self.target(resource_id))

    def decide(self, state: State) -> Decision:
        """As the flow does it."""
        parts = SimpleNamespace(
            engine=self.engine, catalog=self.catalog, facts=lambda _: LiveFacts(self.facts, self.now)
        )
        decision = decide(parts, self.action, self.target(state.item["resourceId"]), state, at=self.at).decision
        assert decision is not None
        return decision

    def outcome(self, resource_id: str) -> Outcome:
        return self.decide(self.read(resource_id)).outcome

    def plan(self, resource_id: str, decision: Decision | None = None) -> Plan:
        """`decision`: one of before, if the resource does not fail any more."""
        state = self.read(resource_id)
        return self.planned(self.found(resource_id, state, decision))

    def found(self, resource_id: str, state: State, decision: Decision | None = None) -> Found:
        return Found(self.target(resource_id), state, decision or self.decide(state), self.parameters, self.at)

    def planned(self, found: Found) -> Plan:
        assert found.decision.outcome is Outcome.FAIL, found.decision.annotation
        return self.action.plan(found)

    def called(self) -> set[str]:
        """The IAM actions of everything that was called."""
        return iam_actions(self.sessions.calls.counts())

    def allowed(self) -> set[str]:
        return {name for permission in self.action.permissions for name in permission.actions}


def iam_actions(operations: Iterable[str]) -> set[str]:
    return {_IAM.get(name, name) for name in operations}
