"""RDS as it takes its time, on top of moto's, and a driver that forgets everything between two rounds but what a ledger keeps.

moto does everything at once, gives all instances one DbiResourceId, keeps settings through a restore that RDS does not keep, finds no
cluster by its resource id, and knows neither Performance Insights nor states between two names. That is added here, behind the port:
the rest, and what is taken as a request at all, is moto's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
from botocore import xform_name
from moto.rds import rds_backends

from integration.remediation import driver
from integration.remediation.driver import ACCOUNT, REGION
from opalite.adapters.aws.sessions import AwsSessions
from opalite.errors import AwsError
from opalite.model import Outcome
from opalite.remediation.action import Found
from opalite.remediation.applying import Applied, StepError, apply
from opalite.remediation.attempt import Attempt, read, written
from opalite.remediation.model import Call, Mode, Plan, Result, Trigger, TriggerKind

BUSY = {"InvalidDBInstanceState", "InvalidDBSnapshotState", "DBInstanceAlreadyExists"}

# What RDS begins a restored instance with, where it is not told (as moto calls it).
_FRESH = {
    "backup_retention_period": 1,
    "preferred_backup_window": "22:10-22:40",
    "preferred_maintenance_window": "tue:00:10-tue:00:40",
    "monitoring_interval": 0,
    "monitoring_role_arn": None,
    "enabled_cloudwatch_logs_exports": [],
    "deletion_protection": False,
    "enable_iam_database_authentication": False,
    "copy_tags_to_snapshot": False,
    "ca_certificate_identifier": "rds-ca-2019",
    "performance_insights_enabled": False,
    "performance_insights_retention_period": None,
    "auto_minor_version_upgrade": True,
    "publicly_accessible": True,
}
_SPELT = {
    "EnablePerformanceInsights": "performance_insights_enabled",
    "PerformanceInsightsRetentionPeriod": "performance_insights_retention_period",
    "EnableCloudwatchLogsExports": "enabled_cloudwatch_logs_exports",
    "EnableIAMDatabaseAuthentication": "enable_iam_database_authentication",
}


@cache
def sessions() -> AwsSessions:
    """The same for all drivers: a client of RDS takes its time to make."""
    return driver.sessions()


@cache
def facts() -> AwsSessions:
    """Of the policy, counted apart."""
    return driver.sessions()


@dataclass
class Rds:
    """Meets opalite.ports.Service. `looks`: how often one has to look until a thing is ready."""

    remote: Any
    looks: int = 2
    calls: list[Call] = field(default_factory=list)
    before: Callable[[Call], None] | None = None
    after: Callable[[Call], None] | None = None
    _going_on: dict[int, list[str]] = field(default_factory=dict)  # states to come, by the moto object
    _renaming: dict[str, str] = field(default_factory=dict)

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        call = Call("rds", operation, parameters)
        self.calls.append(call)
        if self.before:
            self.before(call)
        answer = getattr(self, f"_{operation}", self.remote.ask)
        told = answer(operation, **parameters)
        if self.after:
            self.after(call)
        return told

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        self.calls.append(Call("rds", operation, parameters))
        return self.remote.pages(operation, **parameters)

    def settle(self) -> None:
        """All that goes on comes to its end."""
        while self._going_on or self._renaming:
            self._tick()

    def take_over(self, other: Rds) -> None:
        """Seen by another process it is the same RDS."""
        self._going_on, self._renaming = other._going_on, other._renaming

    @property
    def _backend(self) -> Any:
        return rds_backends[ACCOUNT][REGION]

    def _tick(self) -> None:
        renaming, self._renaming = self._renaming, {}
        for old, new in renaming.items():
            self.remote.ask("ModifyDBInstance", DBInstanceIdentifier=old, NewDBInstanceIdentifier=new)
        things = (*self._backend.databases.values(), *self._backend.database_snapshots.values())
        for thing in things:
            states = self._going_on.get(id(thing))
            if states is None:
                continue
            thing.status = states.pop(0) if states else "available"
            if not states:
                thing.status = "available"
                del self._going_on[id(thing)]

    def _goes_on(self, thing: Any, *states: str) -> None:
        if self.looks:
            thing.status = states[0]
            self._going_on[id(thing)] = [state for state in states for _ in range(self.looks)]

    def _DescribeDBInstances(self, operation: str, **parameters: Any) -> Any:  # noqa: N802 - as AWS spells it
        self._tick()
        answer = self.remote.ask(operation, **parameters)
        for told in answer["DBInstances"]:
            database = self._backend.databases[told["DBInstanceIdentifier"]]
            for member in ("performance_insights_enabled", "performance_insights_retention_period"):
                name = "".join(word.capitalize() for word in member.split("_"))
                told[name] = getattr(database, member, None)
        return answer

    def _DescribeDBClusters(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        """moto knows no filter by resource id."""
        [wanted] = parameters["Filters"]
        if wanted["Name"] != "db-cluster-resource-id":
            return self.remote.ask(operation, **parameters)
        clusters = self.remote.ask(operation)["DBClusters"]
        return {"DBClusters": [one for one in clusters if one["DbClusterResourceId"] in wanted["Values"]]}

    def _DescribeDBSnapshots(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        self._tick()
        return self.remote.ask(operation, **parameters)

    def _CreateDBSnapshot(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        answer = self.remote.ask(operation, **parameters)
        self._goes_on(self._backend.database_snapshots[parameters["DBSnapshotIdentifier"]], "creating")
        self._goes_on(self._backend.databases[parameters["DBInstanceIdentifier"]], "backing-up")
        return answer

    def _CopyDBSnapshot(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        self._ready(
            self._backend.database_snapshots, parameters["SourceDBSnapshotIdentifier"], "InvalidDBSnapshotState"
        )
        answer = self.remote.ask(operation, **parameters)
        copy = self._backend.database_snapshots[parameters["TargetDBSnapshotIdentifier"]]
        copy.database.kms_key_id = None  # moto's copy shares this with its source
        self._goes_on(copy, "creating")
        return answer

    def _RestoreDBInstanceFromDBSnapshot(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        self._ready(self._backend.database_snapshots, parameters["DBSnapshotIdentifier"], "InvalidDBSnapshotState")
        answer = self.remote.ask(operation, **parameters)
        name = parameters["DBInstanceIdentifier"]
        database = self._backend.databases[name]
        for member, value in _FRESH.items():
            setattr(database, member, value)
        for given, value in parameters.items():
            member = _SPELT.get(given) or xform_name(given)
            if member in _FRESH:
                setattr(database, member, value)
        database.dbi_resource_id = resource_id(f"{name} {len(self.calls)}")
        self._goes_on(database, "creating", "backing-up")
        return answer

    def _ModifyDBInstance(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        name, new = parameters["DBInstanceIdentifier"], parameters.get("NewDBInstanceIdentifier")
        self._ready(self._backend.databases, name, "InvalidDBInstanceState")
        if new is None:
            answer = self.remote.ask(operation, **parameters)
            database = self._backend.databases[name]
            for given, value in parameters.items():
                if given in _SPELT:
                    setattr(database, _SPELT[given], value)
            self._goes_on(database, "modifying")
            return answer
        database = self._backend.databases.get(name)
        if database is not None and new in self._backend.databases:
            raise AwsError(f"rds:ModifyDBInstance: there is a DB instance {new}", "DBInstanceAlreadyExists")
        if database is None or not self.looks:
            return self.remote.ask(operation, **parameters)
        self._renaming[name] = new
        self._goes_on(database, "renaming", "rebooting")
        return {"DBInstance": {"DBInstanceIdentifier": name}}

    def _DeleteDBInstance(self, operation: str, **parameters: Any) -> Any:  # noqa: N802
        self._ready(self._backend.databases, parameters["DBInstanceIdentifier"], "InvalidDBInstanceState")
        return self.remote.ask(operation, **parameters)

    def _ready(self, things: Mapping[str, Any], name: str, code: str) -> None:
        thing = things.get(name)
        if thing is not None and thing.status != "available":
            raise AwsError(f"rds: {name} is {thing.status}", code)


def resource_id(text: str) -> str:
    return "db-" + sha256(text.encode()).hexdigest()[:26].upper()


@dataclass
class Driver(driver.Driver):
    looks: int = 2

    def __post_init__(self) -> None:
        self.sessions, self.facts = sessions(), facts()
        self.rds = Rds(super().ask("rds"), self.looks)

    def ask(self, name: str) -> Any:
        return self.rds if name == "rds" else super().ask(name)

    def planned(self, found: Found) -> Plan:
        """Not what would not come to pass, as the OPA says."""
        plan = super().planned(found)
        self._failing = found.decision  # the original fails to the end
        if plan.steps and self.action.simulated:
            simulated = self.decide(self.action.simulated(found.state, plan))
            if simulated.outcome is not Outcome.PASS:
                return Plan(action=plan.action, refusal=simulated.annotation)
        return plan

    def attempt(self, resource_id: str, plan: Plan | None = None) -> Attempt:
        return Attempt(
            id="test",
            target=self.target(resource_id),
            trigger=Trigger(kind=TriggerKind.COMMAND, event_id="test", at=self.at),
            began_at=self.at,
            changed_at=self.at,
            mode=Mode.APPROVE,
            action=self.action.name,
            result=Result.DEFERRED,
            reason="",
            plan=plan or self.plan(resource_id),
        )

    def carry_out(self, attempt: Attempt, *, rounds: int = 200) -> Attempt:
        """Each round knows only what was kept as JSON, and looks first whether the plan still holds."""
        for _ in range(rounds):
            kept = Kept(attempt)
            seconds = self.one_round(kept)
            attempt = kept.attempt
            if seconds is None:
                return attempt
            self._still_holds(attempt)
        raise AssertionError("it does not come to an end")

    def one_round(self, kept: Kept) -> int | None:
        assert kept.attempt.plan is not None
        return apply(self.ask, kept.attempt.plan.steps, kept.attempt.steps_done, kept.note)

    def _still_holds(self, attempt: Attempt) -> None:
        """As the flow does: a plan made now has no other steps, and no refusal."""
        state = self.read(attempt.target.resource_id)
        again = self.action.plan(Found(attempt.target, state, self._failing, self.parameters, attempt.began_at))
        assert again.refusal == ""
        assert attempt.plan is not None
        assert {step.name for step in again.steps} <= {step.name for step in attempt.plan.steps}

    def mend(self, resource_id: str) -> list[Attempt]:
        """By as many attempts as it takes: what AWS refuses ends one, and the next is planned anew."""
        attempts = []
        for _ in range(5):
            kept = Kept(self.attempt(resource_id))
            try:
                attempts.append(self.carry_out(kept.attempt))
            except StepError:
                self.rds.settle()
                continue
            return attempts
        raise AssertionError("no attempt has come to its end")

    def undo(self, *attempts: Attempt) -> None:
        """The inverses, the last first, each when what the one before has brought about is over."""
        for attempt in reversed(attempts):
            for one in reversed(attempt.applied):
                if one.inverse is not None:
                    self._made(one.inverse)
                    self.rds.settle()

    def _made(self, call: Call) -> None:
        for _ in range(50):
            try:
                self.ask(call.service).ask(call.operation, **call.parameters)
            except AwsError as error:
                if error.code not in BUSY:
                    raise
                self.rds.ask("DescribeDBInstances")
                continue
            return
        raise AssertionError(f"{call} is not made")


class Kept:
    """An attempt as the ledger keeps it: whoever goes on reads it from JSON."""

    def __init__(self, attempt: Attempt) -> None:
        self._document = orjson.dumps(written(attempt))

    @property
    def attempt(self) -> Attempt:
        return read(orjson.loads(self._document))

    def note(self, one: Applied) -> None:
        self._document = orjson.dumps(written(self.attempt.noted(replace(one, outputs=dict(one.outputs)))))
