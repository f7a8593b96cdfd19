"""AWS::SecretsManager::Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, maybe, typed
from opalite.normalize.values import GapError, boolean, integer, text

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded


def _rotation_rules(value: Any) -> JsonObject:
    if type(value) is not dict:
        raise GapError("malformed: expected an object")
    return {
        "after_days": integer(value.get("AutomaticallyAfterDays")),
        "schedule": text(value.get("RotationScheduleExpression")),
        "duration": text(value.get("RotationDuration")),
    }


_members = typed(
    {
        "name": always("Name"),
        # Secrets Manager itself leaves it out for the key that AWS manages.
        "kms_key_id": maybe("KMSKeyId"),
        # Null until rotation was configured for the first time.
        "rotation_enabled": maybe("RotationEnabled", boolean),
        "rotation_lambda_arn": maybe("RotationLambdaARN"),
        "rotation_rules": maybe("RotationRules", _rotation_rules),
        "deleted": maybe("Deleted", boolean),
    },
    every=("ARN", "Name", "Deleted"),
)


def secret(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    """Config spells the key KMSKeyId, the service and CloudFormation KmsKeyId."""
    configuration = recorded.configuration
    if configuration and "KmsKeyId" in configuration and configuration.get("KMSKeyId") in (None, ""):
        recorded = recorded._replace(configuration=configuration | {"KMSKeyId": configuration["KmsKeyId"]})
    return _members(recorded, unknown)
