"""replace_with_encrypted_cluster in moto's AWS, judged by the real OPA."""

from __future__ import annotations

from collections import Counter

import pytest

from integration.remediation.driver import client
from integration.remediation.driver_rds import Driver, sessions
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.actions.replace_with_encrypted_cluster import ACTION

POLICY = "aws.rds.dbcluster.encryption"


@pytest.fixture
def rds(aws):
    return client("rds")


@pytest.fixture
def driver(rds, engine, catalog):
    return Driver(ACTION, POLICY, engine, catalog)


def create(rds, **other):
    made = rds.create_db_cluster(
        DBClusterIdentifier="ledger",
        Engine="aurora-postgresql",
        MasterUsername="boss",
        MasterUserPassword="not-a-secret",
        **other,
    )["DBCluster"]
    rds.create_db_instance(
        DBInstanceIdentifier="ledger-1",
        DBClusterIdentifier="ledger",
        Engine="aurora-postgresql",
        DBInstanceClass="db.r6g.large",
    )
    return made["DbClusterResourceId"]


def test_people_are_told_what_to_do_and_nothing_is_changed(rds, driver):
    resource_id = create(rds)
    before = Counter(sessions().calls.counts())
    assert driver.outcome(resource_id) is Outcome.FAIL
    plan = driver.plan(resource_id)
    assert (plan.steps, plan.refusal, len(plan.instructions)) == ((), "", 7)
    assert "(ledger-1)" in plan.instructions[3]
    assert set(Counter(sessions().calls.counts()) - before) == {"rds:DescribeDBClusters"}


def test_a_cluster_with_a_key_of_ones_own_passes_and_one_that_is_gone_is_absent(rds, driver):
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    resource_id = create(rds, StorageEncrypted=True, KmsKeyId=key)
    assert driver.outcome(resource_id) is Outcome.PASS
    assert driver.outcome("ledger") is Outcome.PASS
    with pytest.raises(Absent):
        driver.read("cluster-GONE00000000000000000000")
