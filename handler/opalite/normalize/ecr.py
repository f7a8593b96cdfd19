"""AWS::ECR::Repository."""

from __future__ import annotations

from typing import Any

from opalite.normalize.members import always, maybe, needed, typed
from opalite.normalize.values import GapError, boolean

_type_of_encryption = needed("EncryptionType")
_key = needed("KmsKey")
_lifecycle_text = needed("LifecyclePolicyText")


def _encryption_type(value: Any) -> str:
    found: str = _type_of_encryption(value)
    if found not in {"AES256", "KMS", "KMS_DSSE"}:
        raise GapError("malformed: expected AES256, KMS or KMS_DSSE as EncryptionType")
    return found


def _kms_key_id(value: Any) -> str | None:
    """ECR tells the key in use even when nobody chose it: without one, only the type was selected."""
    found: str | None = None if _encryption_type(value) == "AES256" else _key(value)
    return found


def _lifecycle_policy(value: Any) -> str | None:
    """An empty object stands for none."""
    found: str | None = None if value == {} else _lifecycle_text(value)
    return found


repository = typed(
    {
        "name": always("RepositoryName"),
        # ECR encrypts every repository, but Config's schema has no place for how: not recorded is not off.
        "encryption_type": always("EncryptionConfiguration", _encryption_type),
        "kms_key_id": always("EncryptionConfiguration", _kms_key_id),
        "scan_on_push": always("ImageScanningConfiguration", needed("ScanOnPush", boolean)),
        "image_tag_mutability": always("ImageTagMutability"),
        "lifecycle_policy": maybe("LifecyclePolicy", _lifecycle_policy),
    },
    every=("Arn", "RepositoryName", "ImageTagMutability", "Tags"),
)
