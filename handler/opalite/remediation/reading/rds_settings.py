"""What a DB instance is set to, and how each of it gets to a replacement: given when it is restored, afterwards, or by the snapshot.

Every member of DescribeDBInstances is in one of the tables, so that what AWS adds one day is refused instead of lost. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of them; whichever way it gets there, it is compared before names are swapped.

    `path`: JMESPath into a DB instance of DescribeDBInstances. `restore`, `modify`: the parameter of
    RestoreDBInstanceFromDBSnapshot or ModifyDBInstance; without either it comes with the snapshot.
    """

    name: str
    path: str
    restore: str = ""
    modify: str = ""


def _setting(name: str, path: str, *, restore: str = "", modify: str = "") -> Setting:
    return Setting(name=name, path=path, restore=restore, modify=modify)


# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_RestoreDBInstanceFromDBSnapshot.html
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html
SETTINGS = (
    _setting("engine", "Engine"),
    _setting("engine_version", "EngineVersion"),
    _setting("master_user", "MasterUsername"),
    _setting("database", "DBName"),
    _setting("character_set", "CharacterSetName"),
    _setting("time_zone", "Timezone"),
    _setting("allocated_storage", "AllocatedStorage"),
    _setting("class", "DBInstanceClass", restore="DBInstanceClass"),
    _setting("license", "LicenseModel", restore="LicenseModel"),
    _setting("port", "Endpoint.Port", restore="Port"),
    _setting("subnet_group", "DBSubnetGroup.DBSubnetGroupName", restore="DBSubnetGroupName"),
    _setting("security_groups", "sort(VpcSecurityGroups[].VpcSecurityGroupId || `[]`)", restore="VpcSecurityGroupIds"),
    _setting("parameter_group", "DBParameterGroups[0].DBParameterGroupName", restore="DBParameterGroupName"),
    _setting("option_group", "OptionGroupMemberships[0].OptionGroupName", restore="OptionGroupName"),
    _setting("multi_az", "MultiAZ", restore="MultiAZ"),
    _setting("availability_zone", "AvailabilityZone", restore="AvailabilityZone"),
    _setting("public", "PubliclyAccessible", restore="PubliclyAccessible"),
    _setting("network_type", "NetworkType", restore="NetworkType"),
    _setting("storage_type", "StorageType", restore="StorageType"),
    _setting("iops", "Iops", restore="Iops"),
    _setting("throughput", "StorageThroughput", restore="StorageThroughput"),
    _setting("dedicated_log_volume", "DedicatedLogVolume", restore="DedicatedLogVolume"),
    _setting("processor", "sort_by(ProcessorFeatures || `[]`, &Name)", restore="ProcessorFeatures"),
    _setting("minor_upgrades", "AutoMinorVersionUpgrade", restore="AutoMinorVersionUpgrade"),
    _setting("copy_tags", "CopyTagsToSnapshot", restore="CopyTagsToSnapshot"),
    _setting("iam_authentication", "IAMDatabaseAuthenticationEnabled", restore="EnableIAMDatabaseAuthentication"),
    _setting("log_exports", "sort(EnabledCloudwatchLogsExports || `[]`)", restore="EnableCloudwatchLogsExports"),
    _setting("certificate_authority", "CACertificateIdentifier", restore="CACertificateIdentifier"),
    _setting("lifecycle_support", "EngineLifecycleSupport", restore="EngineLifecycleSupport"),
    _setting("backup_days", "BackupRetentionPeriod", modify="BackupRetentionPeriod"),
    _setting("backup_window", "PreferredBackupWindow", modify="PreferredBackupWindow"),
    _setting("maintenance_window", "PreferredMaintenanceWindow", modify="PreferredMaintenanceWindow"),
    _setting("autoscaling_limit", "MaxAllocatedStorage", modify="MaxAllocatedStorage"),
    _setting("monitoring_seconds", "MonitoringInterval", modify="MonitoringInterval"),
    _setting("monitoring_role", "MonitoringRoleArn", modify="MonitoringRoleArn"),
    _setting("insights", "PerformanceInsightsEnabled", modify="EnablePerformanceInsights"),
    _setting("insights_key", "PerformanceInsightsKMSKeyId", modify="PerformanceInsightsKMSKeyId"),
    _setting("insights_days", "PerformanceInsightsRetentionPeriod", modify="PerformanceInsightsRetentionPeriod"),
    _setting("insights_mode", "DatabaseInsightsMode", modify="DatabaseInsightsMode"),
    _setting("deletion_protection", "DeletionProtection", modify="DeletionProtection"),
)

# JMESPath that is true for what cannot be carried over → why, and what a person can do.
OBSTACLES: Mapping[str, str] = {
    "DBClusterIdentifier": "it is a member of a DB cluster, whose storage it uses: replace the cluster",
    "ReadReplicaSourceDBInstanceIdentifier || ReadReplicaSourceDBClusterIdentifier": (
        "it is a read replica: replace its source, then make the replica anew"
    ),
    "ReadReplicaDBInstanceIdentifiers || ReadReplicaDBClusterIdentifiers": (
        "it has read replicas, which would stay with the original: delete them, and make them anew of the replacement"
    ),
    "DBInstanceAutomatedBackupsReplications": (
        "its automated backups are replicated to another Region: stop that, and start it anew for the replacement"
    ),
    "AwsBackupRecoveryPointArn": "AWS Backup keeps its continuous backups: take it out of its plan, and assign the replacement",
    "MasterUserSecret": "its password is kept by RDS in a secret of its own, which the replacement would not have: do it by hand",
    "DomainMemberships": "it is a member of a directory domain, which knows it by name: do it by hand",
    "AssociatedRoles": "it has roles for features such as S3 import: remove them, then add them to the replacement",
    "ActivityStreamStatus && ActivityStreamStatus != 'stopped'": "it has a database activity stream: stop that first",
    "TdeCredentialArn": "it uses TDE with a key store: do it by hand",
    "CustomIamInstanceProfile || AutomationMode || DBSystemId": "it is of RDS Custom, whose encryption is set up otherwise",
    "CustomerOwnedIpEnabled || (BackupTarget && BackupTarget != 'region')": "it is on an Outpost or in a Local Zone: do it by hand",
    "AdditionalStorageVolumes": "it has additional storage volumes: do it by hand",
    "MultiTenant || ListenerEndpoint || NcharCharacterSetName": "it has features that are not known to be carried over: do it by hand",
    "DBSecurityGroups": "it is outside a VPC: move it into one first",
    "DBCapacityReservationIdentifier": "it uses a capacity reservation, which holds one instance: do it by hand",
    "DBParameterGroups[?ParameterApplyStatus == 'pending-reboot']": "parameters wait for a reboot: reboot it first",
}

# Its own name and state, and what follows from a setting above.
OWN = frozenset(
    {
        "ActivityStreamEngineNativeAuditFieldsIncluded", "ActivityStreamKinesisStreamName", "ActivityStreamKmsKeyId",
        "ActivityStreamMode", "ActivityStreamPolicyStatus", "AutomaticRestartTime", "CertificateDetails", "DBInstanceArn",
        "DBInstanceIdentifier", "DBInstanceStatus", "DbInstancePort", "DbiResourceId", "EnhancedMonitoringResourceArn",
        "InstanceCreateTime", "IsStorageConfigUpgradeAvailable", "KmsKeyId", "LatestRestorableTime", "PendingModifiedValues",
        "PercentProgress", "PromotionTier", "ReplicaMode", "ResumeFullAutomationModeTime", "SecondaryAvailabilityZone",
        "StatusInfos", "StorageEncrypted", "StorageEncryptionType", "StorageOperationPercentProgress", "StorageOperationStatus",
        "StorageVolumeStatus", "TagList", "UpgradeRolloutOrder",
    }
)  # fmt: skip

# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html: gp3 takes neither below that many GiB
_GP3_GIB = 400


def settings(instance: Mapping[str, Any]) -> dict[str, Any]:
    """By name, as DescribeDBInstances tells them."""
    return {setting.name: jmespath.search(setting.path, instance) for setting in SETTINGS}


def obstacles(instance: Mapping[str, Any]) -> list[str]:
    """Why it cannot be replaced by us: one phrase each."""
    told = [why for path, why in OBSTACLES.items() if jmespath.search(path, instance)]
    known = _known()
    strange = sorted(name for name, value in instance.items() if value and name not in known)
    return told + [
        f"AWS tells {name} of it, and nobody knows how to carry that over: do it by hand" for name in strange
    ]


def restored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of RestoreDBInstanceFromDBSnapshot."""
    return {
        setting.restore: values[setting.name]
        for setting in SETTINGS
        if setting.restore and not _is_default(setting.name, values)
    }


def modified(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of ModifyDBInstance."""
    return {
        setting.modify: values[setting.name]
        for setting in SETTINGS
        if setting.modify and not _is_default(setting.name, values)
    }


def equal(values: Mapping[str, Any]) -> str:
    """JMESPath that is true of an instance with the same settings."""
    return " && ".join(
        _equal(setting.path, values[setting.name]) for setting in SETTINGS if _is_compared(setting.name, values)
    )


def differing(values: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Names of settings that are not the same."""
    return [
        setting.name
        for setting in SETTINGS
        if _is_compared(setting.name, values)
        and (values.get(setting.name) or None) != (others.get(setting.name) or None)
    ]


def literal(value: Any) -> str:
    """JMESPath for a JSON value."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode().replace("`", "\\u0060")
    return f"`{text}`"


def _equal(path: str, value: Any) -> str:
    return f"({path}) == {literal(value)}" if value else f"(!({path}) || ({path}) == `0`)"


def _is_compared(name: str, values: Mapping[str, Any]) -> bool:
    return not (name == "availability_zone" and values["multi_az"])


def _is_default(name: str, values: Mapping[str, Any]) -> bool:
    """Whether it must not, or need not, be asked for."""
    value = values[name]
    if value in (None, "", []):
        return True
    defaults = {
        "availability_zone": bool(values["multi_az"]),
        "parameter_group": str(value).startswith("default."),
        "option_group": str(value).startswith("default:"),
        "iops": not _takes_iops(values),
        "throughput": not _is_large_gp3(values),
        "insights": not values["insights"],
        "insights_key": not values["insights"],
        "insights_days": not values["insights"],
        "insights_mode": value == "standard",
    }
    return bool(defaults.get(name, False))


def _takes_iops(values: Mapping[str, Any]) -> bool:
    return values["storage_type"] in {"io1", "io2"} or _is_large_gp3(values)


def _is_large_gp3(values: Mapping[str, Any]) -> bool:
    return values["storage_type"] == "gp3" and (values["allocated_storage"] or 0) >= _GP3_GIB


def _known() -> frozenset[str]:
    paths = (*(setting.path for setting in SETTINGS), *OBSTACLES)
    words = frozenset(word for path in paths for word in _names(path))
    return OWN | words


def _names(path: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in path).split()
