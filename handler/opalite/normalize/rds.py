"""AWS::RDS::DBInstance, DBCluster, DBSnapshot and DBClusterSnapshot.

Config spells the same word in other ways for each: dBInstanceIdentifier, but dbclusterIdentifier and dbinstanceIdentifier.
Of Neptune and DocumentDB it records the same types.
"""

from __future__ import annotations

from typing import Any

from opalite.normalize.members import always, maybe, needed, time, typed
from opalite.normalize.values import GapError, boolean, integer, objects

_group_id = needed("vpcSecurityGroupId")
_instance_identifier = needed("dbinstanceIdentifier")


def _security_groups(value: Any) -> list[str]:
    return [_group_id(entry) for entry in objects(value)]


def _members(value: Any) -> list[str]:
    return [_instance_identifier(entry) for entry in objects(value)]


def _shared_with(value: Any) -> list[str]:
    """Who may restore a snapshot: account ids, or "all". RDS lists the attribute even when it is empty."""
    shares = [entry.get("attributeValues") for entry in objects(value) if entry.get("attributeName") == "restore"]
    if len(shares) != 1 or type(shares[0]) is not list:
        raise GapError("malformed: expected one list of the attribute restore")
    if not all(type(account) is str for account in shares[0]):
        raise GapError("malformed: expected a list of texts")
    return sorted(shares[0])


db_instance = typed(
    {
        "status": always("dBInstanceStatus"),
        "engine": always("engine"),
        "storage_encrypted": always("storageEncrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
        "publicly_accessible": always("publiclyAccessible", boolean),
        "backup_retention_period": always("backupRetentionPeriod", integer),
        "cluster": maybe("dBClusterIdentifier"),
        "read_replica_source": maybe("readReplicaSourceDBInstanceIdentifier"),
        "multi_az": always("multiAZ", boolean),
        "deletion_protection": always("deletionProtection", boolean),
        "iam_database_authentication": always("iAMDatabaseAuthenticationEnabled", boolean),
        "auto_minor_version_upgrade": always("autoMinorVersionUpgrade", boolean),
        "subnet_group": maybe("dBSubnetGroup", needed("dBSubnetGroupName")),
        "security_groups": always("vpcSecurityGroups", _security_groups),
    },
    every=("dBInstanceIdentifier", "dbiResourceId", "licenseModel", "preferredMaintenanceWindow"),
)

db_cluster = typed(
    {
        "status": always("status"),
        "engine": always("engine"),
        "engine_mode": maybe("engineMode"),
        "storage_encrypted": always("storageEncrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
        "backup_retention_period": always("backupRetentionPeriod", integer),
        "multi_az": always("multiAZ", boolean),
        "deletion_protection": always("deletionProtection", boolean),
        "iam_database_authentication": always("iamdatabaseAuthenticationEnabled", boolean),
        "copy_tags_to_snapshot": always("copyTagsToSnapshot", boolean),
        "subnet_group": maybe("dbsubnetGroup"),
        "security_groups": always("vpcSecurityGroups", _security_groups),
        "members": always("dbclusterMembers", _members),
    },
    every=("dbclusterIdentifier", "dbClusterResourceId", "dbclusterParameterGroup", "preferredMaintenanceWindow"),
)

db_snapshot = typed(
    {
        "status": always("status"),
        "snapshot_type": always("snapshotType"),
        "engine": always("engine"),
        "instance": always("dBInstanceIdentifier"),
        "source_snapshot": maybe("sourceDBSnapshotIdentifier"),
        "created_at": always("snapshotCreateTime", time),
        "encrypted": always("encrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
    },
    every=("dBSnapshotIdentifier", "licenseModel", "percentProgress", "storageType"),
    supplementary={"shared_with": always("DBSnapshotAttributes", _shared_with)},
)

db_cluster_snapshot = typed(
    {
        "status": always("status"),
        "snapshot_type": always("snapshotType"),
        "engine": always("engine"),
        "cluster": always("dbclusterIdentifier"),
        "source_snapshot": maybe("sourceDBClusterSnapshotArn"),
        "created_at": always("snapshotCreateTime", time),
        "storage_encrypted": always("storageEncrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
    },
    every=("dbclusterSnapshotIdentifier", "clusterCreateTime", "licenseModel", "percentProgress"),
    supplementary={"shared_with": always("DBClusterSnapshotAttributes", _shared_with)},
)
