"""Facts about load balancers of both generations: how many targets they have now, and since when they have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opalite.adapters.aws.cache import Cache, Now
from opalite.adapters.aws.cloudwatch import HostCounts, Hosts
from opalite.ports import Absent, Answer, Denied, Place, Service, Sessions

_NAMESPACES = {"app": "AWS/ApplicationELB", "net": "AWS/NetworkELB", "gwy": "AWS/GatewayELB"}
_GONE = Answer(None, "the load balancer is not there any more")


@dataclass(frozen=True, slots=True)
class _Counted:
    targets: int
    target_groups: int | None  # None: a classic one, which has none
    listeners: int
    hosts: Hosts


class LoadBalancers:
    """Classic ones are named by name, the others by ARN."""

    def __init__(self, sessions: Sessions, now: Now) -> None:
        self._sessions = sessions
        self._hosts = HostCounts(sessions, now)
        self.caches: tuple[Cache[Any], ...] = ()

    def fetch(self, place: Place, keys: Sequence[str]) -> dict[str, Answer]:
        """The load balancers by name or ARN."""
        names = [key for key in keys if not key.startswith("arn:")]
        counted = self._classic(place, names) if names else {}
        counted |= {key: self._with_groups(place, key) for key in keys if key.startswith("arn:")}
        idle = {key: found.hosts for key, found in counted.items() if isinstance(found, _Counted) and not found.targets}
        since = self._hosts.idle_since(place, idle) if idle else {}
        answers: dict[str, Answer] = {}
        for key, found in counted.items():
            if isinstance(found, Answer):
                answers[key] = found
            else:
                idle_since = since.get(key, Answer(None))
                answers[key] = Answer(_fact(found, idle_since.fact), idle_since.reason, idle_since.refused)
        return answers

    def _classic(self, place: Place, names: Sequence[str]) -> dict[str, _Counted | Answer]:
        """All of the account and region: with names, one that is not there would fail the whole call."""
        found: dict[str, _Counted | Answer] = dict.fromkeys(names, _GONE)
        try:
            for page in self._sessions.service("elb", place.account_id, place.region).pages("DescribeLoadBalancers"):
                for balancer in page["LoadBalancerDescriptions"]:
                    name = balancer["LoadBalancerName"]
                    if name in found:
                        found[name] = _Counted(
                            len(balancer.get("Instances", ())),
                            None,
                            len(balancer.get("ListenerDescriptions", ())),
                            Hosts("AWS/ELB", name, None),
                        )
        except Denied as denied:
            return dict.fromkeys(names, Answer(None, str(denied)))
        return found

    def _with_groups(self, place: Place, arn: str) -> _Counted | Answer:
        _, found, path = arn.partition(":loadbalancer/")
        namespace = _NAMESPACES.get(path.split("/")[0])
        if not found or namespace is None:
            return Answer(None, "this is not the ARN of a load balancer")
        try:
            service = self._sessions.service("elbv2", place.account_id, place.region)
            groups = _groups(service, arn)
            listeners = _all(service, "DescribeListeners", "Listeners", arn)
            targets = sum(_registered(service, group["TargetGroupArn"]) for group in groups)
        except Denied as denied:
            return Answer(None, str(denied))
        except Absent:
            return _GONE
        names = tuple(group["TargetGroupArn"].rsplit(":", 1)[1] for group in groups)
        return _Counted(targets, len(groups), len(listeners), Hosts(namespace, path, names))


def _groups(service: Service, arn: str) -> list[Mapping[str, Any]]:
    try:
        return _all(service, "DescribeTargetGroups", "TargetGroups", arn)
    except Absent as absent:
        if str(absent) == "TargetGroupNotFound":  # there are none; that the load balancer is there, its listeners prove
            return []
        raise


def _all(service: Service, operation: str, member: str, arn: str) -> list[Mapping[str, Any]]:
    return [entry for page in service.pages(operation, LoadBalancerArn=arn) for entry in page[member]]


def _registered(service: Service, group_arn: str) -> int:
    """A target that is draining has been deregistered; it only finishes what it was doing."""
    told = service.ask("DescribeTargetHealth", TargetGroupArn=group_arn)["TargetHealthDescriptions"]
    return sum(target.get("TargetHealth", {}).get("State") != "draining" for target in told)


def _fact(found: _Counted, times: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "targets": found.targets,
        "target_groups": found.target_groups,
        "listeners": found.listeners,
        **(times or {"idle_since": None, "idle_at_least_since": None}),
    }
