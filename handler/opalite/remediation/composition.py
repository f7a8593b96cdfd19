"""Composition root of the remediation function. Nothing is asked of AWS while it is put together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from opalite import composition
from opalite.adapters.aws.cache import Now
from opalite.adapters.aws.cloudtrail_events import Creators
from opalite.adapters.aws.members import Members
from opalite.adapters.aws.sessions import AwsSessions
from opalite.adapters.aws.topics import Topics
from opalite.catalog import Catalog
from opalite.config_rule.parts import Remaining
from opalite.engine import layer
from opalite.engine.extension import ExtensionOpa
from opalite.facts.live import LiveFacts
from opalite.ports import GuardEngine
from opalite.publish.addressees import TagKeys
from opalite.remediation import environment
from opalite.remediation.action import Action
from opalite.remediation.actions import ACTIONS
from opalite.remediation.aws.asking import Asking, units_of
from opalite.remediation.aws.findings import HubFindings
from opalite.remediation.aws.ledger import DynamoLedger
from opalite.remediation.aws.machine import StateMachine
from opalite.remediation.aws.owners import Owners
from opalite.remediation.aws.records import BucketRecords, JsonBucket
from opalite.remediation.aws.signatures import KmsSignatures
from opalite.remediation.environment import Environment
from opalite.remediation.function import FunctionParts
from opalite.remediation.model import Target
from opalite.remediation.parts import Parts
from opalite.remediation.telemetry import RemediationTelemetry

Units = Callable[[Target], Sequence[str] | None]


def parts(
    environ: Mapping[str, str],
    *,
    actions: Mapping[str, Action] = ACTIONS,
    engine: GuardEngine | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Now = composition.now,
) -> FunctionParts:
    """Raises UsageError for what in the environment, or in the layer, is not as it must be. `engine`: another OPA than the layer's."""
    own = environment.read(environ)
    contents = layer.read(own.layer)
    remaining = Remaining()
    sessions = AwsSessions(clock, config=composition.CONFIG)
    facts = LiveFacts(sessions, clock)
    for service in ("dynamodb", "sts"):  # of these the first event has need
        sessions.prepare(service, own.region)
    extension = ExtensionOpa(
        own.socket, version=contents.opa_version, revision=contents.bundle_revision, remaining=remaining, sleep=sleep
    )

    def renew() -> None:
        sessions.renew()
        facts.renew()

    role = {"external_id": own.external_id, "source_identity": own.source_identity}
    asking = Asking(sessions, facts, clock, prefix=own.role_prefix, role=role)
    built = _Built(own, sessions, asking, remaining, sleep, clock)
    return FunctionParts(
        environment=own,
        catalog=Catalog(contents.catalog),
        parts=built.parts(contents, actions, engine or extension, units_of(facts)),
        members=Members(sessions, clock),
        telemetry=RemediationTelemetry(own.log_level, counters=lambda: _counters(sessions)),
        remaining=remaining,
        begin=asking.begin,
        renew=renew,
        known_as=sessions.known_as,
    )


@dataclass(frozen=True, slots=True)
class _Built:
    """What the parts of the flow have in common."""

    own: Environment
    sessions: AwsSessions
    asking: Asking
    remaining: Remaining
    sleep: Callable[[float], None]
    clock: Now

    def parts(self, contents: layer.Layer, actions: Mapping[str, Action], engine: GuardEngine, units: Units) -> Parts:
        own, sessions = self.own, self.sessions
        return Parts(
            engine=engine,
            catalog=Catalog(contents.catalog),
            entries=contents.catalog["policies"],
            actions=actions,
            ask=self.asking,
            facts=self.asking.facts,
            units=units,
            ledger=DynamoLedger(sessions, own.table, own.region, self._now),
            records=self._records(),
            findings=self._findings(actions) if own.security_hub else None,
            notices=Topics(sessions, own.topic_arn, sleep=self.sleep, jitter=random.random) if own.topic_arn else None,
            machine=StateMachine(sessions, own.state_machine_arn) if own.state_machine_arn else None,
            signatures=KmsSignatures(sessions, own.approval_key_arn) if own.approval_key_arn else None,
            now=self._now,
            sleep=self.sleep,
            remaining=self.remaining,
            owner=self._owner(),
        )

    def _owner(self) -> Owners:
        def creators(action: Action) -> Creators:
            return Creators(self.asking.sessions(action), self.clock, sleep=self.sleep)

        keys = TagKeys(owner=self.own.owner_tags) if self.own.owner_tags else TagKeys()
        return Owners(keys, creators if self.own.creator_lookup else None, self.remaining)

    def _now(self) -> str:
        return self.clock().isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

    def _records(self) -> BucketRecords:
        own = self.own
        bucket = JsonBucket(
            self.sessions,
            bucket=own.record_bucket,
            owner=own.record_owner,
            kms_key=own.record_key,
            sleep=self.sleep,
            jitter=random.random,
        )
        return BucketRecords(bucket, own.record_prefix, self.remaining)

    def _findings(self, actions: Mapping[str, Action]) -> HubFindings:
        sessions = self.asking.sessions
        return HubFindings(actions, sessions, self.own.region, self.sleep, random.random, self.remaining)


def _counters(sessions: AwsSessions) -> dict[str, int]:
    return {
        "ApiCalls": sum(sessions.calls.counts().values()),
        "ApiRetries": sum(sessions.calls.retries().values()),
    }
