"""A replacement of hours, through the whole flow: agreed to, waited for, died over, verified, taken back."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from integration.remediation.driver import ACCOUNT, REGION, Crash, client
from integration.remediation.driver_rds import Rds, facts, resource_id, sessions
from integration.remediation.flow.scene import TABLE, CrashingLedger, Scene, make_table, settled
from integration.remediation.test_replace_with_encrypted_instance import create, key, rds  # noqa: F401 - fixtures
from opalite.facts.live import LiveFacts
from opalite.remediation.flow import Remediation
from opalite.remediation.model import Target
from opalite.remediation.undoing import undo

POLICY = "aws.rds.dbinstance.encryption"


@pytest.fixture(scope="module")
def replacing_opa(opa, tmp_path_factory):
    settings = {"remediation": {POLICY: {"default": {"mode": "auto"}}}}
    with settled(opa, tmp_path_factory.mktemp("settings"), settings) as ready:
        yield ready


@pytest.fixture
def scene(replacing_opa, rds, key):  # noqa: F811
    make_table()
    scene = Scene(replacing_opa.engine, replacing_opa.catalog, replacing_opa.entries)
    scene.sessions = sessions()
    scene.ledger = CrashingLedger(scene.sessions, TABLE, REGION, scene.clock)
    scene.rds = Rds(sessions().service("rds", ACCOUNT, REGION))
    scene.parts = replace(
        scene.parts,
        ask=lambda *_: lambda name: scene.rds if name == "rds" else sessions().service(name, ACCOUNT, REGION),
        facts=lambda _: LiveFacts(facts(), lambda: scene.now),
        ledger=scene.ledger,
        sleep=lambda _: scene.rds.settle(),
    )
    scene.flow = Remediation(scene.parts)
    return scene


def _target() -> Target:
    return Target(
        policy_id=POLICY,
        partition="aws",
        account_id=ACCOUNT,
        region=REGION,
        resource_type="AWS::RDS::DBInstance",
        resource_id=resource_id("orders"),
    )


def _to_the_end(scene, attempt, crash_every=None):
    """As the state machine does it, by a process that dies at each so many-th write."""
    results = []
    for _ in range(200):
        if not attempt.is_open:
            return attempt, results
        scene.later(minutes=1)
        if crash_every:
            scene.ledger.crash_at, scene.ledger.writes = crash_every, 0
        try:
            attempt = scene.flow.go_on(attempt.id)
        except Crash:
            scene.later(minutes=30)
            scene.rds.settle()
        results.append(str(attempt.result))
    raise AssertionError("it does not come to an end")


def _encrypted() -> dict[str, bool]:
    found = boto3.client("rds", region_name=REGION).describe_db_instances()["DBInstances"]
    return {one["DBInstanceIdentifier"]: one["StorageEncrypted"] for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("crash_every", [None, 3, 4], ids=["quiet", "3", "4"])
def test_an_instance_is_replaced_and_brought_back(scene, crash_every):
    create(client("rds"))
    attempt = scene.considered(_target())
    assert (attempt.result, attempt.mode) == (
        "waiting",
        "approve",
    )  # the settings would allow more, the action does not
    attempt = scene.flow.approve(attempt.id, scene.signed(attempt))
    assert attempt.result == "deferred"

    attempt, results = _to_the_end(scene, attempt, crash_every)
    scene.ledger.crash_at = None

    assert (attempt.result, attempt.after.outcome) == ("applied", "pass"), attempt.reason
    assert len(results) > 5
    assert (_encrypted()["orders"], len(_encrypted())) == (True, 2)

    undone = undo(scene.parts, attempt, scene.request(_target(), kind="command").trigger)

    assert undone.result == "undone", undone.reason
    scene.rds.settle()
    assert _encrypted() == {"orders": False}


def test_without_the_original_nothing_is_taken_back(scene):
    """It was deleted, as the instructions say: the replacement must keep its name."""
    create(client("rds"))
    attempt = scene.considered(_target())
    attempt, _ = _to_the_end(scene, scene.flow.approve(attempt.id, scene.signed(attempt)))
    aws = client("rds")
    (original,) = set(_encrypted()) - {"orders"}
    aws.modify_db_instance(DBInstanceIdentifier=original, DeletionProtection=False, ApplyImmediately=True)
    aws.delete_db_instance(DBInstanceIdentifier=original, SkipFinalSnapshot=True)

    undone = undo(scene.parts, attempt, scene.request(_target(), kind="command").trigger)

    assert (undone.result, undone.reason) == ("refused", "the original is gone, so what has taken its place stays")
    assert _encrypted() == {"orders": True}
