"""AWS::OpenSearch::Domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, inside, maybe, needed, typed
from opalite.normalize.policy import policy
from opalite.normalize.values import GapError, boolean, texts

if TYPE_CHECKING:
    from opalite.model import JsonObject

_enabled = needed("Enabled", boolean)
_key = inside("KmsKeyId")
_subnets = needed("SubnetIds", texts)


def _kms_key_id(value: Any) -> str | None:
    """Whoever encrypts names a key, be it that of AWS: without one the item tells a part only."""
    key: str | None = _key(value)
    if key is None and _enabled(value):
        raise GapError("the item has no configuration.EncryptionAtRestOptions.KmsKeyId")
    return key


def _subnet_ids(value: Any) -> list[str] | None:
    """Empty options are those of a domain outside every VPC."""
    return None if value == {} else _subnets(value)


def _access_policy(value: Any) -> JsonObject:
    """A domain without a policy lets nobody in, but Config does not tell this from a policy that it left out."""
    document = policy(value)
    if document is None:
        raise GapError("the item has no configuration.AccessPolicies")
    return document


domain = typed(
    {
        "arn": always("Arn"),
        "engine_version": always("EngineVersion"),
        "encrypted": always("EncryptionAtRestOptions", _enabled),
        "kms_key_id": always("EncryptionAtRestOptions", _kms_key_id),
        "node_to_node_encryption": always("NodeToNodeEncryptionOptions", _enabled),
        "enforce_https": always("DomainEndpointOptions", needed("EnforceHTTPS", boolean)),
        "tls_security_policy": always("DomainEndpointOptions", needed("TLSSecurityPolicy")),
        "fine_grained_access_control": always("AdvancedSecurityOptions", _enabled),
        "subnet_ids": maybe("VPCOptions", _subnet_ids),
        "security_group_ids": maybe("VPCOptions", inside("SecurityGroupIds", texts)),
        "access_policy": always("AccessPolicies", _access_policy),
    },
    every=("DomainName", "Id", "EngineVersion", "ClusterConfig", "EBSOptions"),
)
