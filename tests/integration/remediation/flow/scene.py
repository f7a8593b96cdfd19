"""A security group in moto, the whole flow over it: the real OPA, the ledger in a table, and what was told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from integration.remediation.driver import REGION, Crash, client, client_of
from opalite.adapters.aws.sessions import AwsSessions
from opalite.cli.session import EngineOptions, Session, session
from opalite.errors import AwsError
from opalite.facts.given import GivenFacts
from opalite.model import Message
from opalite.remediation import approving
from opalite.remediation.actions import ACTIONS
from opalite.remediation.attempt import Attempt
from opalite.remediation.aws.ledger import DynamoLedger
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Request, Target, Trigger, TriggerKind
from opalite.remediation.parts import Parts

POLICY = "aws.ec2.securitygroup.restricted_ingress"
TABLE = "remediations"
# Accounts by the mode that the settings give them; in the last one it hangs on a tag.
PLANNING, APPROVING, MENDING, MIXED = "111111111111", "222222222222", "333333333333", "444444444444"


@dataclass
class Told:
    """What became known outside; `broken`: outputs that fail."""

    records: list[Attempt] = field(default_factory=list)
    notes: list[Attempt] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    status: str = "NEW"  # of the workflow of all findings

    def results(self, name: str) -> list[str]:
        return [str(attempt.result) for attempt in getattr(self, name)]


class _Records:
    def __init__(self, told: Told) -> None:
        self._told = told

    def put(self, attempt: Attempt, document: Mapping[str, Any]) -> None:
        assert document["id"] == attempt.id
        if "records" in self._told.broken:
            raise AwsError("s3:PutObject: throttled")
        self._told.records.append(attempt)


class _Findings:
    def __init__(self, told: Told) -> None:
        self._told = told

    def status(self, attempt: Attempt) -> str | None:
        return self._told.status if attempt.finding_id else None

    def note(self, attempt: Attempt) -> None:
        if "notes" in self._told.broken:
            raise AwsError("securityhub:BatchUpdateFindings: throttled")
        self._told.notes.append(attempt)


class _Notices:
    def __init__(self, told: Told) -> None:
        self._told = told

    def put(self, messages, *, deadline) -> None:
        assert deadline() > 0
        if "messages" in self._told.broken:
            raise AwsError("sns:Publish: throttled")
        self._told.messages += messages


class _Machine:
    def __init__(self, told: Told) -> None:
        self._told = told

    def start(self, attempt: Attempt) -> None:
        if attempt.id not in self._told.started:
            self._told.started.append(attempt.id)


class Signer:
    """The key of approvers; the flow only gets `is_genuine`."""

    def sign(self, statement: bytes) -> bytes:
        return sha256(b"key of approvers" + statement).digest()

    def is_genuine(self, statement: bytes, signature: bytes) -> bool:
        return self.sign(statement) == signature


class CrashingLedger(DynamoLedger):
    """Dies at the so many-th write of an attempt, before or after it."""

    crash_at: int | None = None
    after = False
    writes = 0

    def save(self, attempt: Attempt) -> Attempt:
        self.writes += 1
        if self.writes == self.crash_at and not self.after:
            raise Crash
        written = super().save(attempt)
        if self.writes == self.crash_at:
            raise Crash
        return written


class Scene:
    """`now` is what all clocks say; it goes on by a second with each look at it."""

    def __init__(self, engine: Any, catalog: Any, entries: Any) -> None:
        self.told = Told()
        self.signer = Signer()
        self.now = datetime(2026, 11, 29, 12, tzinfo=UTC)
        self.sessions = AwsSessions(lambda: datetime.now(UTC), role="OpaliteMend")  # noqa: TID251 - moto's sessions end by it
        self.ledger = CrashingLedger(self.sessions, TABLE, REGION, self.clock)
        self.asked: list[str] = []
        self.parts = Parts(
            engine=engine,
            catalog=catalog,
            entries=entries,
            actions=ACTIONS,
            ask=self._ask,
            facts=lambda _: GivenFacts({}),
            units=lambda _: [],
            ledger=self.ledger,
            records=_Records(self.told),
            findings=_Findings(self.told),
            notices=_Notices(self.told),
            machine=_Machine(self.told),
            signatures=self.signer,
            now=self.clock,
            sleep=lambda _: None,
            remaining=lambda: 600.0,
        )
        self.flow = Remediation(self.parts)
        self.client_of = cache(client_of)  # to make one takes longer than what it is asked for
        self._events = 0

    def clock(self) -> str:
        self.now += timedelta(seconds=1)
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)

    def _ask(self, action, target: Target):
        assert action.name in ACTIONS

        def ask(service: str):
            self.asked.append(service)
            return self.sessions.service(service, target.account_id, target.region)

        return ask

    def ec2(self, account: str):
        return self.client_of(account, "ec2", REGION)

    def group(
        self, account: str = MENDING, *, ranges: tuple[str, ...] = ("0.0.0.0/0", "192.0.2.0/24"), **tags: str
    ) -> Target:
        """Port 22 to each range."""
        ec2 = self.ec2(account)
        name = f"group-{self._events}-{len(self.told.records)}-{self.now.timestamp()}"
        specification = [{"ResourceType": "security-group", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]
        more = {"TagSpecifications": specification} if tags else {}
        group = ec2.create_security_group(GroupName=name, Description="web tier", **more)["GroupId"]
        self.open(self.target(account, group), *ranges)
        return self.target(account, group)

    def target(self, account: str, group: str) -> Target:
        return Target(
            policy_id=POLICY,
            partition="aws",
            account_id=account,
            region=REGION,
            resource_type="AWS::EC2::SecurityGroup",
            resource_id=group,
        )

    def open(self, target: Target, *ranges: str) -> None:
        for cidr in ranges:
            self.ec2(target.account_id).authorize_security_group_ingress(
                GroupId=target.resource_id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr
            )
            self.now += timedelta(milliseconds=7)  # so that names differ

    def close(self, target: Target, *ranges: str) -> None:
        for cidr in ranges:
            self.ec2(target.account_id).revoke_security_group_ingress(
                GroupId=target.resource_id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr
            )

    def ranges(self, target: Target) -> list[str]:
        group = self.ec2(target.account_id).describe_security_groups(GroupIds=[target.resource_id])["SecurityGroups"][0]
        return sorted(entry["CidrIp"] for permission in group["IpPermissions"] for entry in permission["IpRanges"])

    def request(self, target: Target, **trigger: Any) -> Request:
        self._events += 1
        members = {"kind": TriggerKind.FINDING, "event_id": f"event {self._events}", "at": self.clock()}
        return Request(target, Trigger(**{**members, **trigger}))

    def considered(self, target: Target, **trigger: Any) -> Attempt:
        return self.flow.consider(self.request(target, **trigger))

    def dies(self, act: Callable[[], object], *, at_write: int, after: bool = True) -> None:
        """The process dies at a write of the ledger."""
        self.ledger.crash_at, self.ledger.after, self.ledger.writes = at_write, after, 0
        with pytest.raises(Crash):
            act()
        self.ledger.crash_at = None

    def signed(self, attempt: Attempt, /, **changes: str):
        approver = "arn:aws:iam::999999999999:user/anna"
        signature = self.signer.sign(approving.to_sign(attempt, approver))
        return approving.parse({**approving.document(attempt, approver, signature), **changes})


@contextmanager
def settled(opa: Any, folder: Path, settings: Mapping[str, Any]) -> Iterator[Session]:
    """An OPA with settings laid over the shipped ones."""
    path = folder / "settings.json"
    path.write_text(json.dumps(settings))
    with session(EngineOptions(data=[path], opa=str(opa.path))) as ready:
        yield ready


def make_table() -> None:
    client("dynamodb").create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "due", "due_at")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
