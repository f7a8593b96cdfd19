"""A load balancer that nobody uses is deleted, if that is proved. Whoever is not sure says so, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission
from opalite.remediation.model import Call, Mode, Plan, Step, Until
from opalite.remediation.reading import loadbalancer as reading
from opalite.remediation.reading.instance import KEEP
from opalite.remediation.reading.traffic import MOST_DAYS

_NAME = "delete_load_balancer"
# Tags by which a controller says that it has made the load balancer, and would be confused, or make it again.
_MANAGED = (
    "aws:", "elasticbeanstalk:", "elbv2.k8s.aws/", "gateway.k8s.aws/", "ingress.k8s.aws/", "kubernetes.io/", "service.k8s.aws/",
)  # fmt: skip
_FORWARDS_ONLY = "classic"

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "days": {
            "description": "For how many whole days CloudWatch must show that nothing went through it",
            "type": "integer",
            "minimum": 7,
            "maximum": MOST_DAYS,
            "default": 30,
        },
    },
}


def plan(found: Found) -> Plan:
    """One step, or the first reason why not."""
    details = found.state.details
    traffic: JsonObject = found.state.item["supplementaryConfiguration"].get(reading.TRAFFIC) or {}
    refusal = next(_refusals(details), "") or next(_doubts(details, traffic, found), "")
    if refusal:
        return Plan(action=_NAME, refusal=refusal)
    return Plan(action=_NAME, steps=(_step(found, details),), instructions=tuple(_advice(details)))


def _step(found: Found, details: JsonObject) -> Step:
    target = found.target
    if target.resource_type == reading.CLASSIC:
        service, which, several = "elb", {"LoadBalancerName": target.resource_id}, "LoadBalancerNames"
    else:
        service, which, several = "elbv2", {"LoadBalancerArn": target.resource_id}, "LoadBalancerArns"
    return Step(
        name="delete",
        reason=f"{details['targets']} targets, {len(details['listeners'])} listeners, and no traffic for "
        f"{found.parameters['days']} days",
        call=Call(service, "DeleteLoadBalancer", which),
        irreversible="one that is made again has another address and another ARN; how it was made is in the record",
        already=("LoadBalancerNotFound",),
        until=Until(
            Call(service, "DescribeLoadBalancers", {several: [target.resource_id]}),
            "not_null(LoadBalancers, LoadBalancerDescriptions)",
            wanted=("[]",),
            seconds=15,
            absent=True,
        ),
    )


def _refusals(details: JsonObject) -> Iterator[str]:
    """Who else has a say in it."""
    tags: Mapping[str, str] = details["tags"]
    if KEEP in tags:
        yield f"its tag {KEEP} asks that it be let alone"
    stack = tags.get("aws:cloudformation:stack-name")
    if stack is not None:
        yield f"it belongs to stack {stack}: delete it there"
    managed = sorted(key for key in tags if key.startswith(_MANAGED))
    if managed:
        yield f"its tag {managed[0]} says that something else manages it: delete it there"
    if details["kind"] != _FORWARDS_ONLY and _attribute(details, "deletion_protection.enabled") != "false":
        yield "deletion protection is on, or nobody knows: lift it first, if that is right"
    if details["auto_scaling_groups"]:
        yield f"Auto Scaling group {details['auto_scaling_groups'][0]} puts its instances behind it: detach it first"
    if details["endpoint_services"]:
        yield f"endpoint service {details['endpoint_services'][0]} offers it to other VPCs: delete that first"
    if details["behind"]:
        yield f"it is a target itself, of {details['behind'][0]}: take it out first"
    if details["targets"] and details["listeners"]:
        yield f"it has {details['targets']} targets and {len(details['listeners'])} listeners: it can be used"


def _doubts(details: JsonObject, traffic: JsonObject, found: Found) -> Iterator[str]:
    """Why it is not proved that nothing went through it."""
    if "busy" not in traffic:
        yield f"what went through it is not known: {traffic.get('problem', 'it was not asked')}"
        return
    days: int = found.parameters["days"]
    today = datetime.fromisoformat(found.at).date()
    wanted = {(today - timedelta(days=past)).isoformat() for past in range(1, days + 1)}
    busy = [day for day in traffic["busy"] if day in wanted or day >= today.isoformat()]
    if busy:
        yield f"something went through it on {busy[-1]}"
    if traffic["created"] > min(wanted):
        yield f"it was made on {traffic['created']}, less than {days} days ago"
    if not details["listeners"]:
        return  # nothing can come in
    if traffic["told"] is None:
        return  # a classic one reports nothing while nothing happens, and without instances it serves nobody
    silent = sorted(wanted - set(traffic["told"]))
    if silent:
        yield f"CloudWatch says nothing about {len(silent)} of the last {days} days, {silent[0]} for one"


def _attribute(details: JsonObject, key: str) -> Any:
    return next((entry.get("Value") for entry in details["attributes"] if entry.get("Key") == key), None)


def _advice(details: JsonObject) -> Iterator[str]:
    yield "how to make it again is in the record: description, attributes, listeners, rules, target groups and tags"
    yield "look for its DNS name in Route 53, CloudFront, Global Accelerator, API Gateway and in services of ECS or EKS: nothing of that is seen here"  # noqa: E501
    groups = details["target_groups"]
    if groups:
        yield f"{len(groups)} target groups stay; delete those that nobody needs"


ACTION = Action(
    name=_NAME,
    title="Delete a load balancer that nobody uses",
    resource_types=reading.TYPES,
    read=reading.read_whole,
    plan=plan,
    most=Mode.APPROVE,
    permissions=(
        *reading.WHOLE_PERMISSIONS,
        Permission(
            ("elasticloadbalancing:DeleteLoadBalancer",),
            ("arn:${AWS::Partition}:elasticloadbalancing:*:${AWS::AccountId}:loadbalancer/*",),
            {
                "Null": {
                    "aws:ResourceTag/aws:cloudformation:stack-name": "true",
                    f"aws:ResourceTag/{KEEP}": "true",
                }
            },
        ),
    ),
    parameters=_PARAMETERS,
)
