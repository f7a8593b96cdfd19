"""Load balancers of both generations: as the policies see them, and with all that speaks against deleting one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from opalite.model import JsonObject
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask, Permission
from opalite.remediation.items import described, item, tag_map
from opalite.remediation.model import State, Target
from opalite.remediation.reading.place import at_home
from opalite.remediation.reading.traffic import time_of, traffic

CLASSIC = "AWS::ElasticLoadBalancing::LoadBalancer"
NEXT = "AWS::ElasticLoadBalancingV2::LoadBalancer"
TYPES = (CLASSIC, NEXT)
TRAFFIC = "Traffic"  # a member of supplementaryConfiguration that AWS Config does not have

_READS = "these only read, and AWS does not let them be narrowed to resources"
PERMISSIONS = (
    Permission(
        (
            "elasticloadbalancing:DescribeLoadBalancerAttributes",
            "elasticloadbalancing:DescribeLoadBalancers",
            "elasticloadbalancing:DescribeTags",
        ),
        reason=_READS,
    ),
)
WHOLE_PERMISSIONS = (
    *PERMISSIONS,
    Permission(
        (
            "autoscaling:DescribeAutoScalingGroups",
            "cloudwatch:GetMetricData",
            "ec2:DescribeVpcEndpointServiceConfigurations",
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        reason=_READS,
    ),
)

# AWS Config's names where they are not those of the API with a small first letter.
_RENAMED = {"dNSName": "dnsname", "vPCId": "vpcid", "sSLCertificateId": "sslcertificateId"}
_CHANGING = frozenset({"State", "TargetHealth", "ResponseMetadata"})
_SECRET = frozenset({"ClientSecret"})
_TARGET_IS_A_BALANCER = "alb"


def read(ask: Ask, target: Target) -> State:
    """As the policies see it."""
    return _read(ask, target).state


def read_whole(ask: Ask, target: Target) -> State:
    """All that it takes to make it again, who refers to it, and what has gone through it.

    What has gone through it grows by itself, so it is in the item and not in the details.
    """
    state, created_at, now = _read(ask, target)
    details = {**state.details, **_behind(ask, target, state.details)}
    details["auto_scaling_groups"] = _scaling_groups(ask, details)
    details["endpoint_services"] = _endpoint_services(ask, target)
    supplementary = {**state.item["supplementaryConfiguration"]}
    supplementary[TRAFFIC] = traffic(ask, str(details["kind"]), target.resource_id, created_at, now)
    return State({**state.item, "supplementaryConfiguration": supplementary}, details)


class _Read(NamedTuple):
    state: State
    created_at: datetime
    now: datetime | None  # by AWS's clock


def _read(ask: Ask, target: Target) -> _Read:
    if target.resource_type == CLASSIC:
        return _classic(ask("elb"), target)
    return _next(ask("elbv2"), target)


def _classic(elb: Service, target: Target) -> _Read:
    name = target.resource_id
    found = elb.ask("DescribeLoadBalancers", LoadBalancerNames=[name])["LoadBalancerDescriptions"]
    if not found:
        raise Absent("LoadBalancerNotFound")
    name = str(found[0].get("LoadBalancerName") or name)
    attributes = elb.ask("DescribeLoadBalancerAttributes", LoadBalancerName=name)["LoadBalancerAttributes"]
    tagged = elb.ask("DescribeTags", LoadBalancerNames=[name])
    tags = _tags(tagged)
    home = f"arn:{target.partition}:elasticloadbalancing:{target.region}:{target.account_id}"
    body = item(
        replace(target, resource_id=name),
        configuration=_renamed(described(found[0])),
        arn=f"{home}:loadbalancer/{name}",
        name=name,
        tags=tags,
        supplementary={"LoadBalancerAttributes": described(attributes)},
    )
    details = {
        "kind": "classic",
        "description": lasting(found[0]),
        "attributes": lasting(attributes),
        "tags": tags,
    }
    return _Read(State(body, details), found[0]["CreatedTime"], time_of(tagged))


def _next(elb: Service, target: Target) -> _Read:
    arn = at_home(target, target.resource_id)
    found = elb.ask("DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"]
    if not found:
        raise Absent("LoadBalancerNotFound")
    attributes = elb.ask("DescribeLoadBalancerAttributes", LoadBalancerArn=arn)["Attributes"]
    tagged = elb.ask("DescribeTags", ResourceArns=[arn])
    tags = _tags(tagged)
    body = item(
        target,
        configuration=described(found[0]),
        arn=arn,
        name=str(found[0].get("LoadBalancerName")),
        tags=tags,
        supplementary={"LoadBalancerAttributes": described(attributes)},
    )
    details = {
        "kind": str(found[0].get("Type")),
        "description": lasting(found[0]),
        "attributes": sorted(lasting(attributes), key=lambda entry: str(entry.get("Key"))),
        "tags": tags,
    }
    return _Read(State(body, details), found[0]["CreatedTime"], time_of(tagged))


def _behind(ask: Ask, target: Target, details: Mapping[str, Any]) -> JsonObject:
    """Listeners, and where they lead to."""
    if target.resource_type == CLASSIC:
        description = details["description"]
        return {
            "listeners": description.get("ListenerDescriptions") or [],
            "target_groups": [],
            "targets": len(description.get("Instances") or []),
            "behind": [],
        }
    elb, arn = ask("elbv2"), target.resource_id
    listeners = [
        {
            **lasting(listener),
            "Rules": lasting([*_all(elb, "DescribeRules", "Rules", ListenerArn=listener["ListenerArn"])]),
        }
        for listener in _all(elb, "DescribeListeners", "Listeners", LoadBalancerArn=arn)
    ]
    groups = list(_all(elb, "DescribeTargetGroups", "TargetGroups"))
    own = [group for group in groups if arn in (group.get("LoadBalancerArns") or ())]
    others = [group for group in groups if group.get("TargetType") == _TARGET_IS_A_BALANCER and group not in own]
    return {
        "listeners": listeners,
        "target_groups": lasting(own),
        "targets": sum(len(_targets(elb, group)) for group in own),
        "behind": [group["TargetGroupArn"] for group in others if arn in _targets(elb, group)],
    }


def _targets(elb: Service, group: Mapping[str, Any]) -> list[str]:
    """One that is draining counts: it is still in use."""
    told = elb.ask("DescribeTargetHealth", TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    return [str(entry["Target"]["Id"]) for entry in told]


def _scaling_groups(ask: Ask, details: Mapping[str, Any]) -> list[str]:
    """Those that put their instances behind it, though they have none at present."""
    groups = {group["TargetGroupArn"] for group in details["target_groups"]}
    name = details["description"].get("LoadBalancerName") if details["kind"] == "classic" else None
    return sorted(
        str(group["AutoScalingGroupName"])
        for group in _all(ask("autoscaling"), "DescribeAutoScalingGroups", "AutoScalingGroups")
        if groups & _sources(group) or name in (group.get("LoadBalancerNames") or ())
    )


def _sources(group: Mapping[str, Any]) -> set[str]:
    sources = {str(source.get("Identifier")) for source in group.get("TrafficSources") or ()}
    return sources | set(group.get("TargetGroupARNs") or ())


def _endpoint_services(ask: Ask, target: Target) -> list[str]:
    """Those that offer it to other VPCs."""
    if target.resource_type == CLASSIC:
        return []
    services = _all(ask("ec2"), "DescribeVpcEndpointServiceConfigurations", "ServiceConfigurations")
    lists = ("NetworkLoadBalancerArns", "GatewayLoadBalancerArns")
    return sorted(
        str(service["ServiceId"])
        for service in services
        if any(target.resource_id in (service.get(name) or ()) for name in lists)
    )


def lasting(answer: Any) -> Any:
    """In AWS's own form, as JSON, without what changes by itself and without secrets."""
    if isinstance(answer, Mapping):
        return {key: lasting(value) for key, value in answer.items() if key not in _CHANGING | _SECRET}
    if isinstance(answer, list | tuple):
        return [lasting(value) for value in answer]
    return answer.isoformat() if isinstance(answer, datetime) else answer


def _renamed(configuration: Any) -> Any:
    if isinstance(configuration, dict):
        return {_RENAMED.get(key, key): _renamed(value) for key, value in configuration.items()}
    if isinstance(configuration, list):
        return [_renamed(value) for value in configuration]
    return configuration


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return tag_map([tag for entry in answer["TagDescriptions"] for tag in entry.get("Tags") or ()])


def _all(service: Service, operation: str, member: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for page in service.pages(operation, **parameters) for entry in page[member])
