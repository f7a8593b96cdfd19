"""Configuration items of load balancers of both generations, and of target groups. Who is registered is in none of them."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from typing import Any

from shapes import JsonObject, Place, digest, epoch_ms, hex_id, item, related

_CREATED = "2024-02-14T10:20:30.400Z"


def classic_load_balancer(place: Place, name: str, *, logged: bool = True) -> JsonObject:
    vpc, subnet, group = hex_id("vpc", place, "main"), hex_id("subnet", place, "public-a"), hex_id("sg", place, name)
    host = f"{name}-1102030405.{place.region}.elb.amazonaws.com"
    listener = {"protocol": "TCP", "loadBalancerPort": 443, "instanceProtocol": "TCP", "instancePort": 8443}
    configuration = {
        "loadBalancerName": name,
        "canonicalHostedZoneName": host,
        "canonicalHostedZoneNameID": "Z32O12XQLNTSW2",
        "listenerDescriptions": [{"listener": listener, "policyNames": []}],
        "policies": {"appCookieStickinessPolicies": [], "otherPolicies": [], "lbcookieStickinessPolicies": []},
        "backendServerDescriptions": [],
        "availabilityZones": [f"{place.region}a"],
        "subnets": [subnet],
        "sourceSecurityGroup": {"ownerAlias": place.account, "groupName": name},
        "securityGroups": [group],
        "createdTime": epoch_ms(_CREATED),
        "scheme": "internet-facing",
        "dnsname": host,
        "vpcid": vpc,
    }
    attributes = {
        "crossZoneLoadBalancing": {"enabled": True},
        "accessLog": {"enabled": logged},
        "connectionDraining": {"enabled": True, "timeout": 300},
        "connectionSettings": {"idleTimeout": 60},
        "additionalAttributes": [],
    }
    return item(
        place,
        "AWS::ElasticLoadBalancing::LoadBalancer",
        name,
        configuration,
        relationships=[
            related("AWS::EC2::SecurityGroup", group, "Is associated with "),
            related("AWS::EC2::Subnet", subnet, "Is attached to "),
            related("AWS::EC2::VPC", vpc, "Is contained in "),
        ],
        supplementaryConfiguration={"LoadBalancerAttributes": attributes, "LoadBalancerPolicies": [], "Tags": []},
        resourceName=name,
        ARN=f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:loadbalancer/{name}",
        availabilityZone="Multiple Availability Zones",
        resourceCreationTime=_CREATED,
    )


def load_balancer(
    place: Place, name: str, kind: str = "application", *, careful: bool = True, **more: Any
) -> JsonObject:
    """`careful`: with access logs and protection against deletion, and invalid headers are dropped."""
    arn, created = load_balancer_arn(place, name, kind), more.pop("resourceCreationTime", _CREATED)
    vpc, subnet = hex_id("vpc", place, "main"), hex_id("subnet", place, "public-a")
    group = hex_id("sg", place, "shop-api-lb")
    configuration = {
        "loadBalancerArn": arn,
        "dNSName": f"{name}-1203040506.{place.region}.elb.amazonaws.com",
        "canonicalHostedZoneId": "Z32O12XQLNTSW2",
        "createdTime": created,
        "loadBalancerName": name,
        "scheme": "internet-facing",
        "vpcId": vpc,
        "state": {"code": "active", "reason": None},
        "type": kind,
        "availabilityZones": [{"zoneName": f"{place.region}a", "subnetId": subnet, "loadBalancerAddresses": []}],
        "securityGroups": [group],
        "ipAddressType": "ipv4",
    }
    on = str(careful).lower()
    attributes = {
        "access_logs.s3.enabled": on,
        "access_logs.s3.bucket": "org-access-logs" if careful else "",
        "access_logs.s3.prefix": "",
        "deletion_protection.enabled": on,
        "load_balancing.cross_zone.enabled": "true",
    }
    if kind == "application":
        attributes |= {
            "idle_timeout.timeout_seconds": "60",
            "routing.http2.enabled": "true",
            "routing.http.drop_invalid_header_fields.enabled": on,
            "routing.http.desync_mitigation_mode": "defensive",
        }
    listed = [{"key": key, "value": value} for key, value in attributes.items()]
    return item(
        place,
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        arn,
        configuration,
        relationships=[
            related("AWS::EC2::SecurityGroup", group, "Is associated with SecurityGroup"),
            related("AWS::EC2::Subnet", subnet, "Is attached to Subnet"),
            related("AWS::EC2::VPC", vpc, "Is contained in Vpc"),
        ],
        supplementaryConfiguration={"LoadBalancerAttributes": listed, "Tags": []},
        resourceName=name,
        ARN=arn,
        availabilityZone="Multiple Availability Zones",
        resourceCreationTime=created,
        **more,
    )


def load_balancer_arn(place: Place, name: str, kind: str = "application") -> str:
    full_name = f"{'app' if kind == 'application' else 'net'}/{name}/{digest('lb', place.account, name)[:16]}"
    return f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:loadbalancer/{full_name}"


def target_group(place: Place, name: str, protocol: str | None = "HTTPS") -> JsonObject:
    """A target group of the load balancer of the same name; one without a protocol invokes a function."""
    full_name = f"targetgroup/{name}/{digest('tg', place.account, name)[:16]}"
    arn = f"arn:aws:elasticloadbalancing:{place.region}:{place.account}:{full_name}"
    configuration = {
        "TargetGroupArn": arn,
        "TargetGroupName": name,
        "TargetGroupFullName": full_name,
        "TargetType": "ip" if protocol else "lambda",
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": protocol is not None,
        "HealthCheckPath": "/health",
        "HealthCheckIntervalSeconds": 35,
        "HealthCheckTimeoutSeconds": 30,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [load_balancer_arn(place, name)],
    }
    if protocol:
        configuration |= {
            "Protocol": protocol,
            "ProtocolVersion": "HTTP1",
            "Port": 8443,
            "VpcId": hex_id("vpc", place, "main"),
            "HealthCheckProtocol": protocol,
            "HealthCheckPort": "traffic-port",
        }
    return item(place, "AWS::ElasticLoadBalancingV2::TargetGroup", arn, configuration, resourceName=name, ARN=arn)
