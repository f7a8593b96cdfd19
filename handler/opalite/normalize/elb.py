"""Load balancers of both generations, and target groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opalite.normalize.members import always, inside, maybe, needed, time, typed
from opalite.normalize.values import GapError, boolean, integer, objects, text

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.members import Reader
    from opalite.normalize.values import Recorded

_ATTRIBUTES = "LoadBalancerAttributes"

_instance_id = needed("instanceId")
_zone_name = needed("zoneName")
_protocol = needed("protocol")
_port = needed("loadBalancerPort", integer)
_instance_protocol = inside("instanceProtocol")
_instance_port = inside("instancePort", integer)
_certificate = inside("sslcertificateId")


def _texts(value: Any) -> list[str]:
    if type(value) is not list or not all(type(entry) is str for entry in value):
        raise GapError("malformed: expected a list of texts")
    return value


def _policy_names(value: Any) -> list[str]:
    return [] if value is None else _texts(value)


def _listeners(value: Any) -> list[JsonObject]:
    listeners = []
    for entry in objects(value):
        listener = entry.get("listener")
        listeners.append(
            {
                "protocol": _protocol(listener),
                "port": _port(listener),
                "instance_protocol": _instance_protocol(listener),
                "instance_port": _instance_port(listener),
                "certificate": _certificate(listener),
                "policies": _policy_names(entry.get("policyNames")),
            }
        )
    return listeners


def _instances(value: Any) -> list[str]:
    return [_instance_id(entry) for entry in objects(value)]


def _zones(value: Any) -> list[str]:
    return [_zone_name(entry) for entry in objects(value)]


classic = typed(
    {
        "created_time": always("createdTime", time),
        "scheme": maybe("scheme"),
        "vpc_id": maybe("vpcid"),
        "subnets": always("subnets", _texts),
        "security_groups": always("securityGroups", _texts),
        "availability_zones": always("availabilityZones", _texts),
        "listeners": always("listenerDescriptions", _listeners),
        # Config's schema has it, its items do not: a load balancer with instances looks like one without.
        "instances": always("instances", _instances),
    },
    every=("loadBalancerName", "dnsname", "policies", "backendServerDescriptions"),
    supplementary={
        "access_logs": always(_ATTRIBUTES, needed("accessLog", needed("enabled", boolean))),
        "connection_draining": always(_ATTRIBUTES, needed("connectionDraining", needed("enabled", boolean))),
        "cross_zone": always(_ATTRIBUTES, needed("crossZoneLoadBalancing", needed("enabled", boolean))),
    },
)


def _attribute(name: str, read: Reader = text, *, of_every_type: bool = False) -> Reader:
    """One of the attributes, which are listed as keys and values; null where the load balancer's type lacks it."""

    def reader(value: Any) -> Any:
        found = [entry.get("value") for entry in objects(value) if entry.get("key") == name]
        if len(found) > 1:
            raise GapError(f"malformed: expected one {name}")
        if not found or found[0] is None or found[0] == "":
            if of_every_type:
                raise GapError(f"the item has no attribute {name}")
            return None
        return read(found[0])

    return reader


load_balancer = typed(
    {
        "created_time": always("createdTime", time),
        "type": always("type"),
        "scheme": maybe("scheme"),
        "state": always("state", needed("code")),
        "vpc_id": always("vpcId"),
        "security_groups": maybe("securityGroups", _texts),
        "availability_zones": always("availabilityZones", _zones),
    },
    every=("loadBalancerArn", "loadBalancerName", "dNSName", "canonicalHostedZoneId"),
    supplementary={
        "access_logs": always(_ATTRIBUTES, _attribute("access_logs.s3.enabled", boolean)),
        "access_logs_bucket": always(_ATTRIBUTES, _attribute("access_logs.s3.bucket")),
        "deletion_protection": always(
            _ATTRIBUTES, _attribute("deletion_protection.enabled", boolean, of_every_type=True)
        ),
        "drop_invalid_headers": always(
            _ATTRIBUTES, _attribute("routing.http.drop_invalid_header_fields.enabled", boolean)
        ),
        "desync_mitigation": always(_ATTRIBUTES, _attribute("routing.http.desync_mitigation_mode")),
    },
)

_target_group = typed(
    {
        "target_type": always("TargetType"),
        "protocol": maybe("Protocol"),
        "port": maybe("Port", integer),
        "vpc_id": maybe("VpcId"),
        "load_balancers": always("LoadBalancerArns", _texts),
        "health_check_enabled": always("HealthCheckEnabled", boolean),
        "health_check_protocol": maybe("HealthCheckProtocol"),
    },
    every=("TargetGroupArn", "TargetType", "HealthCheckIntervalSeconds"),
)


def target_group(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    """No item of the type was seen: listeners are spelled as in CloudFormation, documents of AWS say `protocol`.

    Both spellings are read. Should Config write a third one, everything is unknown: what is not found means "none" only
    in a configuration that shows by other members that it is spelled as expected.
    """
    if recorded.configuration:
        spelled = {key[:1].upper() + key[1:]: value for key, value in recorded.configuration.items()}
        recorded = recorded._replace(configuration=spelled, complete=False)
    return _target_group(recorded, unknown)
