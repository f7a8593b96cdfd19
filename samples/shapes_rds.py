"""Configuration items of RDS: instances, clusters, and snapshots of both. Each type spells the same words in its own way."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from typing import Any

from shapes import JsonObject, Place, digest, epoch_ms, hex_id, item, related, tag_list

_CREATED = "2025-09-08T06:40:27.119Z"
_MAINTENANCE = "sun:03:00-sun:03:30"
_NEVER = ("readReplicaSourceDBInstanceIdentifier", "dBClusterIdentifier", "iops", "characterSetName", "timezone")


def db_instance(place: Place, name: str, kms_key: str | None = None, **more: Any) -> JsonObject:
    """`more`: `public`, `backups` in days, and keys of the configuration or of the item as Config spells them."""
    resource_id, arn = db_id("db", place, name), rds_arn(place, "db", name)
    tags = more.pop("tags", {})
    configuration = {
        **dict.fromkeys(_NEVER),
        "dBInstanceIdentifier": name,
        "dBInstanceClass": "db.m7g.large",
        "engine": "postgres",
        "dBInstanceStatus": "available",
        "masterUsername": "owner",
        "endpoint": endpoint(place, name, 5432),
        "allocatedStorage": 100,
        "instanceCreateTime": _CREATED,
        "preferredBackupWindow": "01:00-01:30",
        "backupRetentionPeriod": more.pop("backups", 14),
        "dBSecurityGroups": [],
        "vpcSecurityGroups": in_groups(place),
        "dBParameterGroups": [{"dBParameterGroupName": "default.postgres17", "parameterApplyStatus": "in-sync"}],
        "availabilityZone": f"{place.region}a",
        "dBSubnetGroup": subnet_group(place),
        "preferredMaintenanceWindow": _MAINTENANCE,
        "pendingModifiedValues": {},
        "multiAZ": True,
        "engineVersion": "17.5",
        "autoMinorVersionUpgrade": True,
        "readReplicaDBInstanceIdentifiers": [],
        "licenseModel": "postgresql-license",
        "publiclyAccessible": more.pop("public", False),
        "storageType": "gp3",
        "dbInstancePort": 0,
        "storageEncrypted": kms_key is not None,
        "kmsKeyId": kms_key,
        "dbiResourceId": resource_id,
        "cACertificateIdentifier": "rds-ca-rsa2048-g1",
        "copyTagsToSnapshot": True,
        "monitoringInterval": 60,
        "dBInstanceArn": arn,
        "iAMDatabaseAuthenticationEnabled": True,
        "deletionProtection": True,
    } | more
    return item(
        place,
        "AWS::RDS::DBInstance",
        resource_id,
        configuration,
        relationships=within(place, "Is associated with SecurityGroup"),
        supplementaryConfiguration={"Tags": tag_list(tags)},
        tags=tags,
        resourceName=name,
        ARN=arn,
        availabilityZone=f"{place.region}a",
        resourceCreationTime=_CREATED,
    )


def db_cluster(place: Place, name: str, kms_key: str | None, members: list[str], *, backups: int = 14) -> JsonObject:
    resource_id, arn = db_id("cluster", place, name), rds_arn(place, "cluster", name)
    host = f"{digest('rds', place.account)[:12]}.{place.region}.rds.amazonaws.com"
    configuration = {
        "allocatedStorage": 1,
        "availabilityZones": [f"{place.region}{zone}" for zone in "abc"],
        "backupRetentionPeriod": backups,
        "databaseName": "main",
        "status": "available",
        "endpoint": f"{name}.cluster-{host}",
        "readerEndpoint": f"{name}.cluster-ro-{host}",
        "customEndpoints": [],
        "multiAZ": len(members) > 1,
        "engine": "aurora-postgresql",
        "engineVersion": "16.8",
        "port": 5432,
        "masterUsername": "owner",
        "preferredBackupWindow": "01:00-01:30",
        "preferredMaintenanceWindow": _MAINTENANCE,
        "readReplicaIdentifiers": [],
        "vpcSecurityGroups": in_groups(place),
        "storageEncrypted": kms_key is not None,
        "kmsKeyId": kms_key,
        "dbClusterResourceId": resource_id,
        "associatedRoles": [],
        "clusterCreateTime": epoch_ms(_CREATED),
        "enabledCloudwatchLogsExports": ["postgresql"],
        "engineMode": "provisioned",
        "deletionProtection": True,
        "httpEndpointEnabled": False,
        "activityStreamStatus": "stopped",
        "copyTagsToSnapshot": True,
        "crossAccountClone": False,
        "domainMemberships": [],
        "tagList": [],
        "autoMinorVersionUpgrade": False,
        "dbclusterIdentifier": name,
        "iamdatabaseAuthenticationEnabled": True,
        "dbsubnetGroup": "private",
        "dbclusterOptionGroupMemberships": [],
        "dbclusterParameterGroup": "default.aurora-postgresql16",
        "dbclusterMembers": [
            {
                "isClusterWriter": member == members[0],
                "promotionTier": 1,
                "dbinstanceIdentifier": member,
                "clusterWriter": member == members[0],
                "dbclusterParameterGroupStatus": "in-sync",
            }
            for member in members
        ],
        "dbclusterArn": arn,
    }
    contained = [related("AWS::RDS::DBInstance", None, "Contains ", member) for member in members]
    return item(
        place,
        "AWS::RDS::DBCluster",
        resource_id,
        configuration,
        relationships=[*within(place, "Is associated with "), *contained],
        supplementaryConfiguration={"Tags": []},
        resourceName=name,
        ARN=arn,
        availabilityZone="Multiple Availability Zones",
        resourceCreationTime=_CREATED,
    )


def db_snapshot(place: Place, name: str, of: str, kms_key: str | None, *shared_with: str) -> JsonObject:
    """A snapshot made by hand, which the accounts may restore, or "all"."""
    arn, made = rds_arn(place, "snapshot", name), "2026-10-30T01:04:12.530Z"
    configuration = {
        "dBSnapshotIdentifier": name,
        "dBInstanceIdentifier": of,
        "snapshotCreateTime": made,
        "engine": "postgres",
        "allocatedStorage": 100,
        "status": "available",
        "port": 5432,
        "availabilityZone": f"{place.region}a",
        "vpcId": hex_id("vpc", place, "main"),
        "instanceCreateTime": _CREATED,
        "masterUsername": "owner",
        "engineVersion": "17.5",
        "licenseModel": "postgresql-license",
        "snapshotType": "manual",
        "optionGroupName": "default:postgres-17",
        "percentProgress": 100,
        "sourceDBSnapshotIdentifier": None,
        "storageType": "gp3",
        "encrypted": kms_key is not None,
        "kmsKeyId": kms_key,
        "dBSnapshotArn": arn,
        "iAMDatabaseAuthenticationEnabled": True,
        "dbiResourceId": db_id("db", place, of),
    }
    attributes = [{"attributeName": "restore", "attributeValues": list(shared_with)}]
    return item(
        place,
        "AWS::RDS::DBSnapshot",
        name,
        configuration,
        relationships=[related("AWS::EC2::VPC", hex_id("vpc", place, "main"), "Is associated with Vpc")],
        supplementaryConfiguration={"DBSnapshotAttributes": attributes, "Tags": []},
        resourceName=name,
        ARN=arn,
        availabilityZone=f"{place.region}a",
        resourceCreationTime=made,
    )


def db_cluster_snapshot(place: Place, name: str, of: str, kms_key: str | None, *shared_with: str) -> JsonObject:
    arn, made = rds_arn(place, "cluster-snapshot", name), "2026-11-05T01:02:48.007Z"
    configuration = {
        "availabilityZones": [f"{place.region}{zone}" for zone in "abc"],
        "snapshotCreateTime": epoch_ms(made),
        "engine": "aurora-postgresql",
        "engineMode": "provisioned",
        "allocatedStorage": 1,
        "status": "available",
        "port": 0,
        "vpcId": hex_id("vpc", place, "main"),
        "clusterCreateTime": epoch_ms(_CREATED),
        "masterUsername": "owner",
        "engineVersion": "16.8",
        "licenseModel": "postgresql-license",
        "snapshotType": "manual",
        "percentProgress": 100,
        "storageEncrypted": kms_key is not None,
        "kmsKeyId": kms_key,
        "tagList": [],
        "iamdatabaseAuthenticationEnabled": True,
        "dbclusterSnapshotArn": arn,
        "dbclusterIdentifier": of,
        "dbclusterSnapshotIdentifier": name,
    }
    attributes = [{"attributeName": "restore", "attributeValues": list(shared_with)}]
    return item(
        place,
        "AWS::RDS::DBClusterSnapshot",
        name,
        configuration,
        relationships=[related("AWS::RDS::DBCluster", None, "Is associated with ", of)],
        supplementaryConfiguration={"DBClusterSnapshotAttributes": attributes, "Tags": []},
        resourceName=name,
        ARN=arn,
        availabilityZone="Multiple Availability Zones",
        resourceCreationTime=made,
    )


def db_id(prefix: str, place: Place, name: str) -> str:
    return f"{prefix}-{digest(prefix, place.account, place.region, name)[:26].upper()}"


def rds_arn(place: Place, kind: str, name: str) -> str:
    return f"arn:aws:rds:{place.region}:{place.account}:{kind}:{name}"


def endpoint(place: Place, name: str, port: int) -> JsonObject:
    host = f"{digest('rds', place.account)[:12]}.{place.region}.rds.amazonaws.com"
    return {"address": f"{name}.{host}", "port": port, "hostedZoneId": "Z29XKXDKYMONMX"}


def in_groups(place: Place) -> list[JsonObject]:
    return [{"vpcSecurityGroupId": hex_id("sg", place, "payroll-db"), "status": "active"}]


def within(place: Place, name: str) -> list[JsonObject]:
    return [related("AWS::EC2::SecurityGroup", hex_id("sg", place, "payroll-db"), name)]


def subnet_group(place: Place) -> JsonObject:
    subnet = {
        "subnetIdentifier": hex_id("subnet", place, "private-a"),
        "subnetAvailabilityZone": {"name": f"{place.region}a"},
        "subnetStatus": "Active",
    }
    named = {"dBSubnetGroupName": "private", "dBSubnetGroupDescription": "private subnets"}
    return named | {"vpcId": hex_id("vpc", place, "main"), "subnetGroupStatus": "Complete", "subnets": [subnet]}
