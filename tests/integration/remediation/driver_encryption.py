"""AWS in memory for the two actions of encryption: what moto has, and the few operations that it lacks.

moto's tagging API knows no KMS keys, and its EC2 neither tells nor resets the default key of EBS: these are answered here from what
moto's own KMS and EC2 hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import jsonschema
from botocore.session import get_session
from moto.ec2 import ec2_backends

from opalite.adapters.aws.sessions import AwsSessions
from opalite.catalog import Catalog
from opalite.facts.live import LiveFacts
from opalite.judge import Judge
from opalite.model import Decision, Item
from opalite.normalize import resource
from opalite.remediation.action import Action, Found
from opalite.remediation.applying import Applied, apply
from opalite.remediation.model import Call, Plan, State, Target

ACCOUNT, REGION, AT = "123456789012", "eu-west-1", "2026-11-23T12:00:00Z"


@cache
def session() -> Any:
    """One for all: it reads the models of services once."""
    return get_session()


def client(name: str) -> Any:
    return session().create_client(name, region_name=REGION)


def now() -> datetime:
    return datetime(2026, 11, 23, 12, tzinfo=UTC)


class Crash(Exception):  # noqa: N818 - not an error
    """The process is gone."""


@dataclass
class Driver:
    action: Action
    policy_id: str
    engine: Any
    catalog: Catalog
    given: Mapping[str, Any] = field(default_factory=dict)
    sessions: AwsSessions = field(default_factory=lambda: AwsSessions(now, own=session()))
    facts: AwsSessions = field(default_factory=lambda: AwsSessions(now, own=session()))  # the policy's, counted apart
    besides: list[str] = field(default_factory=list)  # IAM actions of calls that moto lacks
    dies_after: str | None = None  # the operation after whose call nothing is noted any more

    def __post_init__(self) -> None:
        for sessions in (self.sessions, self.facts):
            sessions.known_as(ACCOUNT, "aws")

    @property
    def parameters(self) -> dict[str, Any]:
        defaults = {name: entry["default"] for name, entry in self.action.parameters["properties"].items()}
        parameters = {**defaults, **self.given}
        jsonschema.Draft7Validator(self.action.parameters).validate(parameters)
        return parameters

    def ask(self, name: str) -> Any:
        return _Service(self, name)

    def target(self, resource_id: str) -> Target:
        return Target(
            policy_id=self.policy_id,
            partition="aws",
            account_id=ACCOUNT,
            region=REGION,
            resource_type=self.action.resource_types[0],
            resource_id=resource_id,
        )

    def read(self, resource_id: str) -> State:
        return self.action.read(self.ask, self.target(resource_id))

    def decide(self, state: State) -> Decision:
        facts = LiveFacts(self.facts, now)
        judge = Judge(self.engine, self.catalog, frozenset({self.policy_id}), facts)
        question = judge.question(resource(Item({**state.item, "configurationItemCaptureTime": AT}, "test", AT)), AT)
        [[decision]] = judge.first([question])
        assert isinstance(decision, Decision), decision
        return decision

    def plan(self, resource_id: str, decision: Decision | None = None) -> Plan:
        state = self.read(resource_id)
        found = Found(self.target(resource_id), state, decision or self.decide(state), self.parameters, AT)
        return self.action.plan(found)

    def apply(self, plan: Plan, note: Callable[[Applied], None] | None = None) -> list[Applied]:
        """In the order in which they were done."""
        done: dict[str, Applied] = {}

        def noted(one: Applied) -> None:
            done[one.name] = one
            if note:
                note(one)

        assert apply(self.ask, plan.steps, {}, noted) is None
        return list(done.values())

    def undo(self, applied: list[Applied]) -> None:
        for one in reversed(applied):
            if one.inverse is not None:
                self.make(one.inverse)

    def make(self, call: Call) -> None:
        self.ask(call.service).ask(call.operation, **call.parameters)

    def called(self) -> set[str]:
        """The IAM actions of everything that was called."""
        return {_IAM.get(name, name) for name in (*self.sessions.calls.counts(), *self.besides)}


_IAM = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:DeleteBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}


class _Service:
    def __init__(self, driver: Driver, name: str) -> None:
        self._driver = driver
        self._name = name

    @property
    def _remote(self) -> Any:
        return self._driver.sessions.service(self._name, ACCOUNT, REGION)

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        lacking = _LACKING.get(operation)
        if lacking:
            self._driver.besides.append(f"{self._name}:{operation}")
        answer = lacking(**parameters) if lacking else self._remote.ask(operation, **parameters)
        if self._driver.dies_after == operation:
            raise Crash(operation)
        return answer

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        if operation != "GetResources":
            yield from self._remote.pages(operation, **parameters)
            return
        self._driver.besides.append("tag:GetResources")
        [wanted] = parameters["TagFilters"]
        kms = self._driver.facts.service("kms", ACCOUNT, REGION)
        for page in kms.pages("ListKeys"):
            found = []
            for key in page["Keys"]:
                tags = {
                    tag["TagKey"]: tag["TagValue"] for tag in kms.ask("ListResourceTags", KeyId=key["KeyId"])["Tags"]
                }
                if wanted["Key"] in tags:
                    listed = [{"Key": name, "Value": value} for name, value in tags.items()]
                    found.append({"ResourceARN": key["KeyArn"], "Tags": listed})
            yield {"ResourceTagMappingList": found}


def _ebs() -> Any:
    return ec2_backends[ACCOUNT][REGION]


def _default_key() -> dict[str, Any]:
    return {"KmsKeyId": _ebs().default_kms_key_id or "alias/aws/ebs"}


def _reset() -> dict[str, Any]:
    _ebs().default_kms_key_id = ""
    return _default_key()


_LACKING: Mapping[str, Callable[..., dict[str, Any]]] = {
    "GetEbsDefaultKmsKeyId": _default_key,
    "ResetEbsDefaultKmsKeyId": _reset,
}
