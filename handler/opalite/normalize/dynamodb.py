"""AWS::DynamoDB::Table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, inside, maybe, needed, typed
from opalite.normalize.values import GapError, boolean, objects

if TYPE_CHECKING:
    from opalite.model import JsonObject

_STATES = {"ENABLED": True, "DISABLED": False}

_status = needed("status")
_type = inside("ssetype")
_key = inside("kmsmasterKeyArn")
_region = needed("regionName")
_recovery_state = needed("pointInTimeRecoveryDescription", needed("pointInTimeRecoveryStatus"))


def _encryption(value: Any) -> JsonObject:
    """Whoever encrypts with KMS names a key, be it that of AWS: without one the item tells a part only."""
    found = {"status": _status(value), "type": _type(value), "key": _key(value)}
    if found["status"] == "ENABLED" and found["type"] is None:
        raise GapError("the item has no configuration.ssedescription.ssetype")
    if found["type"] == "KMS" and found["key"] is None:
        raise GapError("the item has no configuration.ssedescription.kmsmasterKeyArn")
    return found


def _replica_regions(value: Any) -> list[str]:
    return [_region(replica) for replica in objects(value)]


def _point_in_time_recovery(value: Any) -> bool:
    state = _recovery_state(value)
    if state not in _STATES:
        raise GapError("malformed: expected ENABLED or DISABLED")
    return _STATES[state]


table = typed(
    {
        "arn": always("tableArn"),
        "status": always("tableStatus"),
        # Without it an AWS owned key encrypts the table.
        "encryption": maybe("ssedescription", _encryption),
        "billing_mode": maybe("billingModeSummary", needed("billingMode")),
        "table_class": maybe("tableClassSummary", needed("tableClass")),
        "stream_enabled": maybe("streamSpecification", needed("streamEnabled", boolean)),
        "replica_regions": maybe("replicas", _replica_regions),
    },
    every=("tableName", "tableArn", "tableId", "attributeDefinitions", "keySchema"),
    supplementary={"point_in_time_recovery": always("ContinuousBackupsDescription", _point_in_time_recovery)},
)
