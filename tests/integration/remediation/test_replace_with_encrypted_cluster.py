"""replace_with_encrypted_cluster in moto's AWS, judged by the real OPA."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from moto import mock_aws

from integration.remediation.driver_rds import REGION, Driver, client, sessions
from opalite.catalog import Catalog
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.actions.replace_with_encrypted_cluster import ACTION

POLICY = "aws.rds.dbcluster.encryption"


@pytest.fixture
def rds(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield client("rds")


@pytest.fixture
def driver(rds, engine, repository):
    return Driver(ACTION, POLICY, engine, Catalog(orjson.loads((repository / "data/catalog/data.json").read_bytes())))


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
