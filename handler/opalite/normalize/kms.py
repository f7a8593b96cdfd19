"""AWS::KMS::Key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opalite.normalize.members import always, typed
from opalite.normalize.policy import policy
from opalite.normalize.values import boolean

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

_key = typed(
    {
        "arn": always("arn"),
        "manager": always("keyManager"),
        "state": always("keyState"),
        "enabled": always("enabled", boolean),
        "origin": always("origin"),
        "spec": always("keySpec"),
        "usage": always("keyUsage"),
        "multi_region": always("multiRegion", boolean),
    },
    every=("keyId", "awsaccountId", "creationDate"),
    supplementary={
        # Keys of AWS, asymmetric ones and imported material come without it.
        "rotation": always("KeyRotationStatus", boolean),
        "policy": always("Policy", policy),
    },
)


def key(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    """Until 2021 the spec was called customerMasterKeySpec; KMS still answers with both."""
    configuration = recorded.configuration or {}
    if not configuration.get("keySpec") and "customerMasterKeySpec" in configuration:
        configuration = configuration | {"keySpec": configuration["customerMasterKeySpec"]}
        recorded = recorded._replace(configuration=configuration)
    return _key(recorded, unknown)
