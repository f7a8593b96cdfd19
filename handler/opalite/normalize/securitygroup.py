"""AWS::EC2::SecurityGroup. What cannot be read makes its direction unknown: no rule is ever dropped."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from opalite.normalize.values import GapError, integer, text, unrecorded

if TYPE_CHECKING:
    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
# EC2 writes these by name and all others by number; "all" is how its clients spell -1.
_PROTOCOLS = {
    "-1": "-1",
    "all": "-1",
    "tcp": "tcp",
    "udp": "udp",
    "icmp": "icmp",
    "icmpv6": "icmpv6",
    "6": "tcp",
    "17": "udp",
    "1": "icmp",
    "58": "icmpv6",
}
# Their "ports" are a type and a code, and -1 means all of these.
_WITHOUT_PORTS = frozenset({"icmp", "icmpv6"})
_WITH_PORTS = frozenset({"tcp", "udp"})
_PORTS = frozenset({"fromPort", "toPort"})
_TEXTS = (
    ("group_name", "groupName"),
    ("description", "description"),
    ("vpc_id", "vpcId"),
    ("owner_id", "ownerId"),
)
_DIRECTIONS = (("ingress", "ipPermissions"), ("egress", "ipPermissionsEgress"))
# Until late 2017 there was only `ipRanges`, for IPv4; since then it repeats `ipv4Ranges`.
# Described ranges come first, so that of two equal ones the described one is kept.
_RANGES = ("ipv4Ranges", "ipRanges", "ipv6Ranges")
_SOURCES = frozenset({*_RANGES, "prefixListIds", "userIdGroupPairs"})
_NO_RANGES: tuple[Any, ...] = (None, [], "")
_LONGEST_CIDR = 64
# What nobody selects one by one: a row with all of these is a query's whole `configuration`.
_EVERY_GROUP = frozenset({"groupId", "groupName", "ownerId", "ipPermissions", "ipPermissionsEgress"})
# A query may also select members of the rules: without one of these a rule looks narrower than it is.
_SELECTABLE = frozenset({"ipProtocol", "ipRanges", "ipv6Ranges", "prefixListIds", "userIdGroupPairs"})


def security_group(recorded: Recorded, unknown: list[dict[str, str]]) -> JsonObject | None:
    configuration = recorded.configuration
    if not configuration:
        unrecorded(recorded, unknown)
        return None
    document: JsonObject = {}
    whole = recorded.complete or configuration.keys() >= _EVERY_GROUP
    for member, key in _TEXTS:
        value = document[member] = configuration.get(key)
        if type(value) is str and value:
            continue
        document[member] = None
        if value is not None and value != "":
            unknown.append({"path": f"resource.configuration.{member}", "reason": "malformed: expected text"})
        elif not (whole or key in configuration):
            reason = f"the item has no configuration.{key}"
            unknown.append({"path": f"resource.configuration.{member}", "reason": reason})
    for direction, key in _DIRECTIONS:
        try:
            document[direction] = _rules(configuration, key, whole=whole)
        except GapError as gap:
            document[direction] = None
            unknown.append({"path": f"resource.configuration.{direction}", "reason": str(gap)})
    return document


def _rules(configuration: JsonObject, key: str, *, whole: bool) -> list[JsonObject]:
    permissions = configuration.get(key)
    if permissions is None:
        raise GapError(f"the item has no configuration.{key}")
    if type(permissions) is not list:
        raise GapError("malformed: expected a list")
    if not whole:
        for permission in permissions:
            if type(permission) is dict and not permission.keys() >= _SELECTABLE:
                raise GapError(f"the item has not all members of configuration.{key}")
    rules = [_rule(permission) for permission in permissions]
    if not whole:
        for permission, rule in zip(permissions, rules, strict=True):
            if rule["protocol"] in _WITH_PORTS and permission.keys().isdisjoint(_PORTS):
                raise GapError(f"the item has not the ports of configuration.{key}")
    return rules


def _rule(permission: Any) -> JsonObject:
    if type(permission) is not dict:
        raise GapError("malformed: expected a list of objects")
    get = permission.get
    named = get("ipProtocol")
    protocol = (_PROTOCOLS.get(named) if type(named) is str else None) or _other_protocol(named)
    from_port, to_port = get("fromPort"), get("toPort")
    if protocol == "-1":
        from_port = to_port = None
    elif type(from_port) is not int or type(to_port) is not int or from_port < 0 or to_port < 0:
        from_port, to_port = _odd_ports(protocol, from_port, to_port)
    ipv4, ipv6 = _ranges(permission)
    lists, pairs = get("prefixListIds"), get("userIdGroupPairs")
    if not (ipv4 or ipv6 or lists or pairs) and permission.keys().isdisjoint(_SOURCES):
        raise GapError("malformed: expected every rule to tell its sources")
    return {
        "protocol": protocol,
        "from_port": from_port,
        "to_port": to_port,
        "ipv4": ipv4,
        "ipv6": ipv6,
        "prefix_lists": _names(lists, "prefixListId", "prefixListName") if lists else [],
        "groups": _names(pairs, "groupId", "groupName") if pairs else [],
    }


def _other_protocol(protocol: Any) -> str:
    if type(protocol) is str:
        protocol = protocol.strip().lower()
        if protocol in _PROTOCOLS:
            return _PROTOCOLS[protocol]
    number = integer(protocol)
    if number is None or not -1 <= number <= 255:
        raise GapError("malformed: expected a protocol's name or number")
    return _PROTOCOLS.get(str(number), str(number))


def _odd_ports(protocol: str, first: Any, last: Any) -> tuple[int | None, int | None]:
    """Neither, or -1 for both, means all ports; one of the two means nothing that we know."""
    from_port, to_port = integer(first), integer(last)
    if protocol in _WITHOUT_PORTS:
        return from_port, to_port
    no_first, no_last = from_port in {None, -1}, to_port in {None, -1}
    if no_first and no_last:
        return None, None
    if no_first or no_last:
        raise GapError("malformed: expected both ports of a rule, or neither")
    return from_port, to_port


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise GapError("malformed: expected a rule's sources as lists")
    return value


def _names(entries: Any, key: str, other: str) -> list[str]:
    """Ids; a name only where there is no id (EC2-Classic), and text where older items have no object."""
    found = []
    for entry in _list(entries):
        name = text(entry.get(key)) or text(entry.get(other)) if type(entry) is dict else text(entry)
        if name is None:
            raise GapError(f"malformed: expected {key} in every source of that kind")
        found.append(name)
    return found


def _ranges(permission: JsonObject) -> tuple[list[JsonObject], list[JsonObject]]:
    """By their real family, each network once."""
    ipv4: dict[str, JsonObject] = {}
    ipv6: dict[str, JsonObject] = {}
    for key in _RANGES:
        entries = permission.get(key)
        if entries in _NO_RANGES:
            continue
        for entry in _list(entries):
            description = None
            cidr = entry
            if type(entry) is dict:
                cidr, other = entry.get("cidrIp"), entry.get("cidrIpv6")
                if cidr and other:
                    raise GapError("malformed: expected one CIDR in every range")
                cidr = cidr or other
                description = entry.get("description") or None
            if type(cidr) is not str or len(cidr) > _LONGEST_CIDR:
                raise GapError("malformed: expected a CIDR in every range")
            network, length, is_ipv6 = _network(cidr)
            family = ipv6 if is_ipv6 else ipv4
            if network not in family:
                family[network] = {
                    "cidr": network,
                    "prefix_length": length,
                    "description": text(description),
                }
    return list(ipv4.values()), list(ipv6.values())


@lru_cache(maxsize=4096)
def _network(cidr: str) -> tuple[str, int, bool]:
    """Canonical text: host bits cleared, zeros of IPv6 compressed; an address alone is a network of one."""
    try:
        # An IPv6 zone (%eth0) names an interface of some host: nothing that a security group can mean.
        network = ip_network(cidr.replace("%", "?").strip(), strict=False)
    except ValueError:
        raise GapError(f"{cidr!a:.40} is not a CIDR") from None
    return str(network), network.prefixlen, network.version == 6
