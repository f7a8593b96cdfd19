"""A security group and its inbound rules, one by one, with their ids, descriptions and tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask
from opalite.remediation.items import described, item, tag_map
from opalite.remediation.model import State, Target

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
RULES_PER_PAGE = 1000
_LOOKS = 3  # what EC2 has just changed may be told by one operation before the other
_GROUP = (("groupId", "GroupId"), ("groupName", "GroupName"), ("description", "Description"), ("ownerId", "OwnerId"))
_SOURCES = ("CidrIpv4", "CidrIpv6", "PrefixListId")
_KEPT = ("SecurityGroupRuleId", "IpProtocol", "FromPort", "ToPort", *_SOURCES, "Description")
_OF_A_GROUP = (
    "GroupId",
    "UserId",
    "VpcId",
    "VpcPeeringConnectionId",
)  # but for the state of the peering, which changes
_WITH_PORTS = frozenset({"tcp", "udp", "icmp", "icmpv6"})
# What such a tag says of its resource: something else made it, and may make it anew.
_MANAGERS = ("aws:", "elbv2.k8s.aws/", "kubernetes.io/")

Key = tuple[str, int, int, str]  # protocol, ports, network: no two rules of a group agree in all of them


def read(ask: Ask, target: Target) -> State:
    """Raises Absent, Denied, or AwsError, which is also raised while the two descriptions of the rules do not agree."""
    service = ask("ec2")
    for _ in range(_LOOKS):
        group, rules = _group(service, target), _rules(service, target)
        if {key(rule) for rule in rules if network(rule)} == _networks(group):
            return state(target, group, rules)
    raise AwsError(
        f"ec2:DescribeSecurityGroupRules in account {target.account_id}, {target.region}: tells other rules of "
        f"{target.resource_id} than ec2:DescribeSecurityGroups: they are being changed, try again later"
    )


def state(target: Target, group: Mapping[str, Any], rules: Sequence[JsonObject]) -> State:
    """Of what EC2 tells."""
    tags = tag_map(group.get("Tags"))
    body = item(
        target,
        configuration={
            **{name: group.get(member) for name, member in _GROUP},
            "vpcId": group.get("VpcId"),
            "ipPermissions": permissions(rules),
            "ipPermissionsEgress": described(group.get("IpPermissionsEgress") or []),
            "tags": [{"key": name, "value": value} for name, value in sorted(tags.items())],
        },
        arn=f"arn:{target.partition}:ec2:{target.region}:{target.account_id}:security-group/{target.resource_id}",
        name=group.get("GroupName"),
        tags=tags,
    )
    details = {
        "group_id": target.resource_id,
        "owner_id": group.get("OwnerId"),
        "is_default": group.get("GroupName") == "default",  # no other group may have this name
        "managers": sorted({prefix for name in tags for prefix in _MANAGERS if name.startswith(prefix)}),
        "rules": list(rules),
    }
    return State(body, details)


def permissions(rules: Iterable[Mapping[str, Any]]) -> list[JsonObject]:
    """Rules as a configuration item has them: those of one protocol and the same ports together."""
    return [_permission(same) for same in grouped(rules)]


def grouped(rules: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The rules behind each of the `permissions`."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for rule in rules:
        found.setdefault((rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort")), []).append(rule)
    return list(found.values())


def network(rule: Mapping[str, Any]) -> str | None:
    """The range of a rule, canonical, as policies name it; None if its source is no range."""
    cidr = rule.get("CidrIpv4") or rule.get("CidrIpv6")
    return canonical(cidr) if cidr else None


def canonical(cidr: str) -> str:
    """As it is if it is none: then it is no range that any policy names."""
    try:
        return str(ip_network(cidr, strict=False))
    except ValueError:
        return cidr


def key(rule: Mapping[str, Any]) -> Key:
    """By which EC2 tells rules with a range apart."""
    return _key(rule, str(network(rule)))


def in_order(rules: Iterable[JsonObject]) -> list[JsonObject]:
    """The same however EC2 puts them: by what they say, not by their ids."""
    return sorted(
        rules,
        key=lambda rule: _key(
            rule, str([rule.get(name) for name in (*_SOURCES, "ReferencedGroupInfo") if name in rule])
        ),
    )


def _key(rule: Mapping[str, Any], source: str) -> Key:
    protocol = str(rule["IpProtocol"])
    if protocol not in _WITH_PORTS:
        return protocol, -1, -1, source
    first, last = (rule.get(name) for name in ("FromPort", "ToPort"))
    return protocol, -1 if first is None else int(first), -1 if last is None else int(last), source


def _group(service: Service, target: Target) -> Mapping[str, Any]:
    groups = service.ask("DescribeSecurityGroups", GroupIds=[target.resource_id])["SecurityGroups"]
    if not groups:
        raise Absent(target.resource_id)
    found: Mapping[str, Any] = groups[0]
    return found


def _rules(service: Service, target: Target) -> list[JsonObject]:
    own = [{"Name": "group-id", "Values": [target.resource_id]}]
    paging = {"PageSize": RULES_PER_PAGE}
    pages = service.pages("DescribeSecurityGroupRules", Filters=own, PaginationConfig=paging)
    return _inbound(rule for page in pages for rule in page["SecurityGroupRules"])


def _inbound(rules: Iterable[Mapping[str, Any]]) -> list[JsonObject]:
    kept = []
    for rule in rules:
        if rule["IsEgress"]:
            continue
        one = {name: rule[name] for name in _KEPT if rule.get(name) is not None}
        if group := rule.get("ReferencedGroupInfo"):
            one["ReferencedGroupInfo"] = {name: group[name] for name in _OF_A_GROUP if group.get(name)}
        tags = tag_map(rule.get("Tags"))
        one["Tags"] = [{"Key": name, "Value": value} for name, value in sorted(tags.items())]
        kept.append(one)
    return in_order(kept)


def _networks(group: Mapping[str, Any]) -> set[Key]:
    found = set()
    for permission in group.get("IpPermissions") or ():
        ranges = [entry["CidrIp"] for entry in permission.get("IpRanges") or ()]
        ranges += [entry["CidrIpv6"] for entry in permission.get("Ipv6Ranges") or ()]
        found |= {_key(permission, canonical(cidr)) for cidr in ranges}
    return found


def _permission(rules: Sequence[Mapping[str, Any]]) -> JsonObject:
    first = rules[0]
    ports = {"fromPort": first.get("FromPort"), "toPort": first.get("ToPort")}
    if first["IpProtocol"] == "-1":
        ports = {}
    return {
        "ipProtocol": first["IpProtocol"],
        **{name: port for name, port in ports.items() if port is not None},
        "ipv4Ranges": [_source("cidrIp", rule["CidrIpv4"], rule) for rule in rules if "CidrIpv4" in rule],
        "ipv6Ranges": [_source("cidrIpv6", rule["CidrIpv6"], rule) for rule in rules if "CidrIpv6" in rule],
        "prefixListIds": [
            _source("prefixListId", rule["PrefixListId"], rule) for rule in rules if "PrefixListId" in rule
        ],
        "userIdGroupPairs": [
            {**described(rule["ReferencedGroupInfo"]), **_described(rule)}
            for rule in rules
            if "ReferencedGroupInfo" in rule
        ],
        "ipRanges": [rule["CidrIpv4"] for rule in rules if "CidrIpv4" in rule],
    }


def _source(name: str, value: str, rule: Mapping[str, Any]) -> JsonObject:
    return {name: value, **_described(rule)}


def _described(rule: Mapping[str, Any]) -> JsonObject:
    return {"description": rule["Description"]} if rule.get("Description") else {}
