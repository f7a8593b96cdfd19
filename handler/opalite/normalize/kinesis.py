"""AWS::Kinesis::Stream."""

from __future__ import annotations

from typing import Any

from opalite.normalize.members import always, maybe, needed, typed
from opalite.normalize.values import GapError, integer

_type_of_encryption = needed("EncryptionType")
_key = needed("KeyId")


def _encryption_type(value: Any) -> str | None:
    found = _type_of_encryption(value)
    if found not in {"KMS", "NONE"}:
        raise GapError("malformed: expected KMS or NONE as EncryptionType")
    return None if found == "NONE" else "KMS"


def _kms_key_id(value: Any) -> str | None:
    """Kinesis takes no encryption without a key: where a query's row has the type alone, the key is unknown."""
    found: str | None = None if _encryption_type(value) is None else _key(value)
    return found


stream = typed(
    {
        "name": always("Name"),
        "shard_count": maybe("ShardCount", integer),
        "retention_period": always("RetentionPeriodHours", integer),
        "encryption_type": maybe("StreamEncryption", _encryption_type),
        "kms_key_id": maybe("StreamEncryption", _kms_key_id),
    },
    every=("Arn", "Name", "RetentionPeriodHours", "Tags"),
)
