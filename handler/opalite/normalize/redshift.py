"""AWS::Redshift::Cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, inside, maybe, needed, typed
from opalite.normalize.values import boolean, integer, objects

if TYPE_CHECKING:
    from collections.abc import Callable

_group_name = needed("parameterGroupName")
_security_group_id = needed("vpcSecurityGroupId")


def _each(read: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    return lambda value: [read(entry) for entry in objects(value)]


cluster = typed(
    {
        "status": always("clusterStatus"),
        "version": always("clusterVersion"),
        "node_type": always("nodeType"),
        "encrypted": always("encrypted", boolean),
        "kms_key_id": maybe("kmsKeyId"),
        "hsm_configuration": maybe("hsmStatus", inside("hsmConfigurationIdentifier")),
        "publicly_accessible": always("publiclyAccessible", boolean),
        "vpc_id": maybe("vpcId"),
        "security_groups": always("vpcSecurityGroups", _each(_security_group_id)),
        "port": maybe("endpoint", needed("port", integer)),
        "enhanced_vpc_routing": always("enhancedVpcRouting", boolean),
        "parameter_groups": always("clusterParameterGroups", _each(_group_name)),
        "allow_version_upgrade": always("allowVersionUpgrade", boolean),
        "automated_snapshot_retention_period": always("automatedSnapshotRetentionPeriod", integer),
    },
    every=("clusterIdentifier", "nodeType", "clusterVersion", "numberOfNodes", "preferredMaintenanceWindow"),
    supplementary={"logging_enabled": always("LoggingStatus", needed("loggingEnabled", boolean))},
)
