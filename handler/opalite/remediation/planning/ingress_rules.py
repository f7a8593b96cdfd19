"""Inbound rules of a security group, as DescribeSecurityGroupRules tells them → calls that make and take them, and back. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.model import Call

ALL = "-1"
LAST_PORT = 65535
_PART = re.compile(r"(tcp|udp|icmp|icmpv6|other|[0-9]{1,3})/(?:all|([0-9]{1,5})-([0-9]{1,5}))")
_WITH_PORTS = frozenset({"tcp", "udp"})
# EC2 writes these by name; who sent the number is told the name.
_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6"}
_RESERVED = (
    "aws:"  # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html: nobody else can set such a tag
)


class UnsureError(Exception):
    """What was found is not what the plan could be made of; the message says why and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Some traffic of a rule: a span of ports; for protocols without ports all of it, as EC2 writes that."""

    protocol: str
    first: int = -1
    last: int = -1


def part(text: str) -> Part:
    """One of the parts that evidence calls harmless."""
    match = _PART.fullmatch(text)
    if match is None:
        raise UnsureError(
            "the evidence names a part of a rule that is none: was it made by another version of the policy?"
        )
    protocol, first, last = match.groups()
    if (protocol in _WITH_PORTS) != (first is not None):
        raise UnsureError(f"the evidence names a part of a rule with wrong ports, of {protocol}")
    return Part(protocol) if first is None else Part(protocol, int(first), int(last))


def whole(rule: Mapping[str, Any]) -> Part:
    """All the traffic that a rule lets in."""
    protocol = _NAMES.get(str(rule["IpProtocol"]), str(rule["IpProtocol"]))
    first, last = rule.get("FromPort"), rule.get("ToPort")
    if protocol in _WITH_PORTS:
        return Part(protocol, 0, LAST_PORT) if first in {None, -1} else Part(protocol, int(str(first)), int(str(last)))
    return Part(protocol, -1 if first is None else int(first), -1 if last is None else int(last))


def contains(outer: Part, inner: Part) -> bool:
    """Whether nothing of the one is outside of the other."""
    if outer.protocol == ALL:
        return True
    return inner.protocol == outer.protocol and outer.first <= inner.first <= inner.last <= outer.last


def without(outer: Part, parts: Iterable[Part]) -> list[Part]:
    """What of a span of ports is in none of the parts."""
    rest, start = [], outer.first
    for inner in sorted(parts):
        if start < inner.first:
            rest.append(Part(outer.protocol, start, inner.first - 1))
        start = max(start, inner.last + 1)
    if start <= outer.last:
        rest.append(Part(outer.protocol, start, outer.last))
    return rest


def like(rule: Mapping[str, Any], of: Part, *, cidr: str | None = None, description: str | None = None) -> JsonObject:
    """A rule for a part of another one, with its description and its tags. `cidr`, `description`: others."""
    source = "CidrIpv4" if "CidrIpv4" in rule else "CidrIpv6"
    told = rule.get("Description") if description is None else description
    return {
        "IpProtocol": of.protocol,
        "FromPort": of.first,
        "ToPort": of.last,
        source: cidr or rule[source],
        **({"Description": told} if told else {}),
        "Tags": list(settable(rule)),
    }


def text(rule: Mapping[str, Any]) -> str:
    """In one line, as the policy writes it."""
    of = whole(rule)
    ports = "all" if of.first < 0 else f"{of.first}-{of.last}"
    return f"{of.protocol}/{ports} from {rule.get('CidrIpv4') or rule.get('CidrIpv6')}"


def range_of(rule: Mapping[str, Any]) -> IPv4Network | IPv6Network:
    """The range of a rule that has one."""
    return ip_network(str(rule.get("CidrIpv4") or rule["CidrIpv6"]), strict=False)


def settable(rule: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Its tags, but for those that only AWS can set."""
    return [tag for tag in rule.get("Tags") or () if not str(tag["Key"]).lower().startswith(_RESERVED)]


def authorized(group_id: str, rule: Mapping[str, Any]) -> Call:
    """The call that makes the rule."""
    parameters: JsonObject = {"GroupId": group_id, "IpPermissions": [_permission(rule, described=True)]}
    if tags := settable(rule):
        parameters["TagSpecifications"] = [{"ResourceType": "security-group-rule", "Tags": [dict(tag) for tag in tags]}]
    return Call("ec2", "AuthorizeSecurityGroupIngress", parameters)


def revoked(group_id: str, rule: Mapping[str, Any]) -> Call:
    """The call that takes it: by its id, so that it is this one and not another that was made since; else by what it says."""
    which = (
        {"SecurityGroupRuleIds": [rule["SecurityGroupRuleId"]]}
        if "SecurityGroupRuleId" in rule
        else {"IpPermissions": [_permission(rule, described=False)]}
    )
    return Call("ec2", "RevokeSecurityGroupIngress", {"GroupId": group_id, **which})


def after(rules: Iterable[JsonObject], calls: Iterable[Call]) -> list[JsonObject]:
    """The rules once such calls have been made."""
    left = list(rules)
    for number, call in enumerate(calls):
        if call.operation == "AuthorizeSecurityGroupIngress":
            left += [{"SecurityGroupRuleId": f"new-{number}", **rule} for rule in _made(call.parameters)]
        else:
            taken = set(call.parameters["SecurityGroupRuleIds"])
            left = [rule for rule in left if rule["SecurityGroupRuleId"] not in taken]
    return left


def _permission(rule: Mapping[str, Any], *, described: bool) -> JsonObject:
    source, ranges = ("CidrIp", "IpRanges") if "CidrIpv4" in rule else ("CidrIpv6", "Ipv6Ranges")
    entry = {source: rule.get("CidrIpv4") or rule["CidrIpv6"]}
    if described and rule.get("Description"):
        entry["Description"] = rule["Description"]
    ports = {} if rule["IpProtocol"] == ALL else {name: rule[name] for name in ("FromPort", "ToPort") if name in rule}
    return {"IpProtocol": rule["IpProtocol"], **ports, ranges: [entry]}


def _made(parameters: Mapping[str, Any]) -> list[JsonObject]:
    tags = [dict(tag) for given in parameters.get("TagSpecifications", ()) for tag in given["Tags"]]
    return [
        {
            "IpProtocol": permission["IpProtocol"],
            "FromPort": permission.get("FromPort", -1),
            "ToPort": permission.get("ToPort", -1),
            source: entry[name],
            **({"Description": entry["Description"]} if "Description" in entry else {}),
            "Tags": tags,
        }
        for permission in parameters["IpPermissions"]
        for ranges, name, source in (("IpRanges", "CidrIp", "CidrIpv4"), ("Ipv6Ranges", "CidrIpv6", "CidrIpv6"))
        for entry in permission.get(ranges, ())
    ]
