from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item, Resource
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
INSTANCE, CLUSTER = "rds-db-instance", "rds-db-cluster"
SNAPSHOT, CLUSTER_SNAPSHOT = "rds-db-snapshot", "rds-db-cluster-snapshot"
ATTRIBUTES = {SNAPSHOT: "DBSnapshotAttributes", CLUSTER_SNAPSHOT: "DBClusterSnapshotAttributes"}
NOT_ONE = "malformed: expected one list of the attribute restore"


def load(case: str) -> dict[str, Any]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def normalized(body: dict[str, Any]) -> Resource:
    return resource(Item(body=body, source="test"))


def gap(member: str, reason: str) -> list[dict[str, str]]:
    return [{"path": f"resource.configuration.{member}", "reason": reason}]


@pytest.mark.parametrize("case", [INSTANCE, CLUSTER, SNAPSHOT, CLUSTER_SNAPSHOT])
@pytest.mark.parametrize("dialect", ["api", "select"])
def test_every_dialect_gives_the_resource_of_the_event(case: str, dialect: str) -> None:
    event, other = normalized(load(f"{case}.event")), normalized(load(f"{case}.{dialect}"))
    assert orjson.dumps(event) == orjson.dumps(other)
    assert event.unknown == []


def test_the_id_is_that_of_rds_and_the_name_that_of_people() -> None:
    documents = [normalized(load(f"{case}.event")).document for case in (INSTANCE, CLUSTER)]
    assert [(document["id"], document["name"]) for document in documents] == [
        ("db-ORDERSEXAMPLE0000000000000", "orders"),
        ("cluster-LEDGEREXAMPLE0000000000000", "ledger"),
    ]


@pytest.mark.parametrize(
    ("case", "member", "key"),
    [
        (INSTANCE, "status", "dBInstanceStatus"),
        (INSTANCE, "engine", "engine"),
        (INSTANCE, "storage_encrypted", "storageEncrypted"),
        (INSTANCE, "publicly_accessible", "publiclyAccessible"),
        (INSTANCE, "backup_retention_period", "backupRetentionPeriod"),
        (INSTANCE, "multi_az", "multiAZ"),
        (INSTANCE, "deletion_protection", "deletionProtection"),
        (INSTANCE, "iam_database_authentication", "iAMDatabaseAuthenticationEnabled"),
        (INSTANCE, "auto_minor_version_upgrade", "autoMinorVersionUpgrade"),
        (INSTANCE, "security_groups", "vpcSecurityGroups"),
        (CLUSTER, "status", "status"),
        (CLUSTER, "engine", "engine"),
        (CLUSTER, "storage_encrypted", "storageEncrypted"),
        (CLUSTER, "backup_retention_period", "backupRetentionPeriod"),
        (CLUSTER, "multi_az", "multiAZ"),
        (CLUSTER, "deletion_protection", "deletionProtection"),
        (CLUSTER, "iam_database_authentication", "iamdatabaseAuthenticationEnabled"),
        (CLUSTER, "copy_tags_to_snapshot", "copyTagsToSnapshot"),
        (CLUSTER, "security_groups", "vpcSecurityGroups"),
        (CLUSTER, "members", "dbclusterMembers"),
        (SNAPSHOT, "status", "status"),
        (SNAPSHOT, "snapshot_type", "snapshotType"),
        (SNAPSHOT, "engine", "engine"),
        (SNAPSHOT, "instance", "dBInstanceIdentifier"),
        (SNAPSHOT, "created_at", "snapshotCreateTime"),
        (SNAPSHOT, "encrypted", "encrypted"),
        (CLUSTER_SNAPSHOT, "status", "status"),
        (CLUSTER_SNAPSHOT, "snapshot_type", "snapshotType"),
        (CLUSTER_SNAPSHOT, "engine", "engine"),
        (CLUSTER_SNAPSHOT, "cluster", "dbclusterIdentifier"),
        (CLUSTER_SNAPSHOT, "created_at", "snapshotCreateTime"),
        (CLUSTER_SNAPSHOT, "storage_encrypted", "storageEncrypted"),
    ],
)
def test_what_every_resource_has_is_unknown_when_it_is_missing(case: str, member: str, key: str) -> None:
    body = load(f"{case}.event")
    whole = normalized(body).document["configuration"]
    del body["configuration"][key]
    found = normalized(body)
    assert whole[member] is not None
    assert found.document["configuration"] == whole | {member: None}
    assert found.unknown == gap(member, f"the item has no configuration.{key}")


@pytest.mark.parametrize(
    ("case", "member", "key", "value", "read"),
    [
        (INSTANCE, "kms_key_id", "kmsKeyId", "alias/databases", "alias/databases"),
        (INSTANCE, "cluster", "dBClusterIdentifier", "ledger", "ledger"),
        (INSTANCE, "read_replica_source", "readReplicaSourceDBInstanceIdentifier", "orders", "orders"),
        (INSTANCE, "subnet_group", "dBSubnetGroup", {"dBSubnetGroupName": "private"}, "private"),
        (CLUSTER, "kms_key_id", "kmsKeyId", "alias/databases", "alias/databases"),
        (CLUSTER, "engine_mode", "engineMode", "serverless", "serverless"),
        (CLUSTER, "subnet_group", "dbsubnetGroup", "private", "private"),
        (SNAPSHOT, "kms_key_id", "kmsKeyId", "alias/databases", "alias/databases"),
        (SNAPSHOT, "source_snapshot", "sourceDBSnapshotIdentifier", "weekly", "weekly"),
        (CLUSTER_SNAPSHOT, "kms_key_id", "kmsKeyId", "alias/databases", "alias/databases"),
        (CLUSTER_SNAPSHOT, "source_snapshot", "sourceDBClusterSnapshotArn", "arn:x", "arn:x"),
    ],
)
def test_what_a_resource_may_do_without_is_none_when_it_is_missing(
    case: str, member: str, key: str, value: Any, read: str
) -> None:
    body = load(f"{case}.event")
    body["configuration"][key] = value
    there = normalized(body)
    del body["configuration"][key]
    missing = normalized(body)
    assert there.document["configuration"][member] == read
    assert missing.document["configuration"] == there.document["configuration"] | {member: None}
    assert (there.unknown, missing.unknown) == ([], [])


def test_the_spelling_of_another_type_is_not_read() -> None:
    body = load(f"{INSTANCE}.event")
    configuration = body["configuration"]
    configuration["iamdatabaseAuthenticationEnabled"] = configuration.pop("iAMDatabaseAuthenticationEnabled")
    configuration |= {"dbclusterIdentifier": "ledger", "dbsubnetGroup": "other"}
    found = normalized(body)
    members = ("iam_database_authentication", "cluster", "subnet_group")
    assert [found.document["configuration"][member] for member in members] == [None, None, "orders-private"]
    reason = "the item has no configuration.iAMDatabaseAuthenticationEnabled"
    assert found.unknown == gap("iam_database_authentication", reason)


@pytest.mark.parametrize("case", [SNAPSHOT, CLUSTER_SNAPSHOT])
@pytest.mark.parametrize(
    ("attributes", "shared_with", "reason"),
    [
        ([{"attributeName": "restore", "attributeValues": []}], [], None),
        ([{"attributeName": "restore", "attributeValues": ["all", "444455556666"]}], ["444455556666", "all"], None),
        (
            [
                {"attributeName": "another", "attributeValues": ["x"]},
                {"attributeName": "restore", "attributeValues": ["all"]},
            ],
            ["all"],
            None,
        ),
        ([], None, NOT_ONE),
        ([{"attributeName": "another", "attributeValues": []}], None, NOT_ONE),
        ([{"attributeName": "restore"}], None, NOT_ONE),
        ([{"attributeName": "restore", "attributeValues": "all"}], None, NOT_ONE),
        ([{"attributeName": "restore", "attributeValues": []}] * 2, None, NOT_ONE),
        (
            [{"attributeName": "restore", "attributeValues": ["all", None]}],
            None,
            "malformed: expected a list of texts",
        ),
        ({"restore": ["all"]}, None, "malformed: expected a list"),
        (["restore"], None, "malformed: expected a list of objects"),
    ],
)
def test_a_snapshot_is_shared_with_those_who_may_restore_it(
    case: str, attributes: Any, shared_with: list[str] | None, reason: str | None
) -> None:
    body = load(f"{case}.event")
    body["supplementaryConfiguration"][ATTRIBUTES[case]] = attributes
    found = normalized(body)
    assert found.document["configuration"]["shared_with"] == shared_with
    assert found.unknown == (gap("shared_with", reason) if reason else [])


@pytest.mark.parametrize("case", [SNAPSHOT, CLUSTER_SNAPSHOT])
def test_a_snapshot_without_attributes_may_be_shared_with_anybody(case: str) -> None:
    body = load(f"{case}.event")
    del body["supplementaryConfiguration"][ATTRIBUTES[case]]
    found = normalized(body)
    assert found.document["configuration"]["shared_with"] is None
    assert found.unknown == gap("shared_with", f"the item has no supplementaryConfiguration.{ATTRIBUTES[case]}")


@pytest.mark.parametrize(
    ("case", "every"),
    [
        (INSTANCE, {"dBInstanceIdentifier", "dbiResourceId", "licenseModel", "preferredMaintenanceWindow"}),
        (
            CLUSTER,
            {"dbclusterIdentifier", "dbClusterResourceId", "dbclusterParameterGroup", "preferredMaintenanceWindow"},
        ),
        (SNAPSHOT, {"dBSnapshotIdentifier", "licenseModel", "percentProgress", "storageType"}),
        (CLUSTER_SNAPSHOT, {"dbclusterSnapshotIdentifier", "clusterCreateTime", "licenseModel", "percentProgress"}),
    ],
)
def test_a_row_without_one_of_the_keys_that_nobody_selects_is_a_selection(case: str, every: set[str]) -> None:
    row = load(f"{case}.select")
    del row["configuration"]["kmsKeyId"]
    assert normalized(row).unknown == []
    for key in every:
        less = {name: value for name, value in row["configuration"].items() if name != key}
        paths = [entry["path"] for entry in normalized(row | {"configuration": less}).unknown]
        assert "resource.configuration.kms_key_id" in paths
