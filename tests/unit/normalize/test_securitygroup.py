from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"


def ingress(*permissions: Any) -> Any:
    """The rules, or why they are unknown."""
    body = orjson.loads((ITEMS / "ec2-security-group.event.json").read_bytes())
    body["configuration"]["ipPermissions"] = list(permissions)
    found = resource(Item(body=body, source="test"))
    rules = found.document["configuration"]["ingress"]
    if rules is not None:
        assert found.unknown == []
        return rules
    (gap,) = found.unknown
    assert gap["path"] == "resource.configuration.ingress"
    return gap["reason"]


def permission(**members: Any) -> dict[str, Any]:
    return {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "ipRanges": ["10.0.0.0/8"]} | members


def cidrs(*ranges: Any, key: str = "ipRanges") -> tuple[list[str], list[str]] | str:
    found = ingress(permission(**{"ipRanges": [], key: list(ranges)}))
    if isinstance(found, str):
        return found
    return [entry["cidr"] for entry in found[0]["ipv4"]], [entry["cidr"] for entry in found[0]["ipv6"]]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        (" 10.0.0.0/8 ", "10.0.0.0/8"),
    ],
)
def test_an_ipv4_range_becomes_canonical_wherever_it_stands(written: str, canonical: str) -> None:
    assert cidrs(written) == ([canonical], [])
    assert cidrs({"cidrIp": written}, key="ipv4Ranges") == ([canonical], [])
    assert cidrs({"cidrIpv6": written}, key="ipv6Ranges") == ([canonical], [])


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("::/0", "::/0"),
        ("0000:0000:0000:0000:0000:0000:0000:0000/0", "::/0"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8:0:0::1/32", "2001:db8::/32"),
    ],
)
def test_an_ipv6_range_becomes_canonical_wherever_it_stands(written: str, canonical: str) -> None:
    assert cidrs({"cidrIpv6": written}, key="ipv6Ranges") == ([], [canonical])
    assert cidrs({"cidrIp": written}, key="ipv4Ranges") == ([], [canonical])
    assert cidrs(written) == ([], [canonical])


@pytest.mark.parametrize("written", ["everywhere", "10.0.0.0/33", "10.0.0/8", "010.0.0.0/8", "fe80::1%eth0/64", "/0"])
def test_one_range_that_is_no_cidr_makes_the_direction_unknown(written: str) -> None:
    assert cidrs("10.0.0.0/8", written) == f"{written!r} is not a CIDR"


@pytest.mark.parametrize(
    "entry", [None, 10, ["10.0.0.0/8"], {}, {"cidrIp": None}, {"cidr": "10.0.0.0/8"}, "", "1" * 65]
)
def test_a_range_without_a_cidr_makes_the_direction_unknown(entry: Any) -> None:
    expected = "'' is not a CIDR" if entry == "" else "malformed: expected a CIDR in every range"
    assert cidrs(entry) == expected


@pytest.mark.parametrize("key", ["ipRanges", "ipv4Ranges", "ipv6Ranges"])
def test_a_range_with_two_cidrs_hides_neither(key: str) -> None:
    both = {"cidrIp": "10.0.0.0/8", "cidrIpv6": "::/0"}
    assert cidrs(both, key=key) == "malformed: expected one CIDR in every range"
    assert cidrs(both | {"cidrIp": ""}, key=key) == ([], ["::/0"])


def test_equal_ranges_are_one_and_the_described_one_is_kept() -> None:
    found = ingress(permission(ipRanges=["10.0.0.0/8"], ipv4Ranges=[{"cidrIp": "10.9.9.9/8", "description": "office"}]))
    assert found[0]["ipv4"] == [{"cidr": "10.0.0.0/8", "prefix_length": 8, "description": "office"}]


@pytest.mark.parametrize(
    ("written", "protocol"),
    [("tcp", "tcp"), ("TCP", "tcp"), ("6", "tcp"), (6, "tcp"), (6.0, "tcp"), ("17", "udp"), ("50", "50"), (47, "47")],
)
def test_protocols_with_ports(written: Any, protocol: str) -> None:
    (rule,) = ingress(permission(ipProtocol=written))
    assert (rule["protocol"], rule["from_port"], rule["to_port"]) == (protocol, 22, 22)


@pytest.mark.parametrize("written", ["-1", -1, " -1 ", -1.0, "all", "ALL"])
def test_the_rule_for_all_protocols_has_no_ports(written: Any) -> None:
    (rule,) = ingress(permission(ipProtocol=written, fromPort=0, toPort=65535))
    assert (rule["protocol"], rule["from_port"], rule["to_port"]) == ("-1", None, None)


@pytest.mark.parametrize("written", [None, "", "all traffic", "256", -2, True, [], {}, 1.5])
def test_what_is_no_protocol_makes_the_direction_unknown(written: Any) -> None:
    assert str(ingress(permission(ipProtocol=written))).startswith("malformed: expected a")


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (0, 0, (0, 0)),
        (9000, 80, (9000, 80)),
        (None, None, (None, None)),
        (-1, -1, (None, None)),
        (-1, None, (None, None)),
        ("443", 444.0, (443, 444)),
    ],
)
def test_ports(first: Any, last: Any, expected: tuple[int | None, int | None]) -> None:
    (rule,) = ingress(permission(fromPort=first, toPort=last))
    assert (rule["from_port"], rule["to_port"]) == expected


@pytest.mark.parametrize("protocol", ["icmp", "1", "icmpv6", "58"])
def test_of_icmp_the_type_and_the_code_are_kept(protocol: str) -> None:
    (rule,) = ingress(permission(ipProtocol=protocol, fromPort=8, toPort=-1))
    assert (rule["from_port"], rule["to_port"]) == (8, -1)


@pytest.mark.parametrize(("first", "last"), [(22, None), (None, 22), (-1, 22), (22, -1)])
def test_half_a_port_range_makes_the_direction_unknown(first: Any, last: Any) -> None:
    assert ingress(permission(fromPort=first, toPort=last)) == "malformed: expected both ports of a rule, or neither"


def test_groups_and_prefix_lists_are_their_ids() -> None:
    (rule,) = ingress(
        permission(
            userIdGroupPairs=[{"groupId": "sg-1"}, {"groupId": None, "groupName": "classic"}, "sg-2"],
            prefixListIds=[{"prefixListId": "pl-1"}, "pl-2"],
        )
    )
    assert (rule["groups"], rule["prefix_lists"]) == (["sg-1", "classic", "sg-2"], ["pl-1", "pl-2"])


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"userIdGroupPairs": [{}]}, "malformed: expected groupId in every source of that kind"),
        ({"userIdGroupPairs": [3]}, "malformed: expected text"),
        ({"userIdGroupPairs": "sg-1"}, "malformed: expected a rule's sources as lists"),
        ({"prefixListIds": [{"prefixListId": ""}]}, "malformed: expected prefixListId in every source of that kind"),
        ({"ipRanges": "10.0.0.0/8"}, "malformed: expected a rule's sources as lists"),
        ({"ipRanges": {}}, "malformed: expected a rule's sources as lists"),
        ({"fromPort": "ssh"}, "malformed: expected an integer"),
    ],
)
def test_a_source_that_cannot_be_read_makes_the_direction_unknown(members: dict[str, Any], reason: str) -> None:
    assert ingress(permission(), permission(**members)) == reason


def test_a_rule_that_is_no_object_makes_the_direction_unknown() -> None:
    assert ingress(permission(), "tcp") == "malformed: expected a list of objects"


@pytest.mark.parametrize("empty", [[], "", None])
def test_a_rule_with_empty_sources_is_kept(empty: Any) -> None:
    (rule,) = ingress(permission(ipRanges=empty, ipv6Ranges=empty, prefixListIds=empty, userIdGroupPairs=empty))
    assert (rule["ipv4"], rule["ipv6"], rule["groups"], rule["prefix_lists"]) == ([], [], [], [])


def test_a_malformed_name_is_unknown_and_the_rules_are_not() -> None:
    body = orjson.loads((ITEMS / "ec2-security-group.event.json").read_bytes())
    body["configuration"]["description"] = ["web"]
    found = resource(Item(body=body, source="test"))
    reason = "malformed: expected text"
    assert found.unknown == [{"path": "resource.configuration.description", "reason": reason}]
    assert len(found.document["configuration"]["ingress"]) == 5


def selected(*permissions: Any) -> Any:
    row = orjson.loads((ITEMS / "ec2-security-group.select-of-rule-members.json").read_bytes())
    row["configuration"] = {"ipPermissions": list(permissions)}
    found = resource(Item(body=row, source="test"))
    gaps = {gap["path"]: gap["reason"] for gap in found.unknown}
    return found.document["configuration"]["ingress"] or gaps["resource.configuration.ingress"]


def test_a_query_for_the_whole_rules_gives_them() -> None:
    whole = permission(ipv6Ranges=[], ipv4Ranges=[], prefixListIds=[], userIdGroupPairs=[])
    assert selected(whole) == ingress(whole)
    assert selected(whole, "tcp") == "malformed: expected a list of objects"


@pytest.mark.parametrize("left_out", ["ipProtocol", "ipRanges", "ipv6Ranges", "prefixListIds", "userIdGroupPairs"])
def test_a_query_for_members_of_rules_does_not_make_them_narrower(left_out: str) -> None:
    whole = permission(ipv6Ranges=[], ipv4Ranges=[], prefixListIds=[], userIdGroupPairs=[])
    part = {key: value for key, value in whole.items() if key != left_out}
    assert selected(whole, part) == "the item has not all members of configuration.ipPermissions"


@pytest.mark.parametrize("protocol", ["tcp", "17"])
def test_a_query_for_members_of_rules_does_not_make_them_wider(protocol: str) -> None:
    whole = permission(ipProtocol=protocol, ipv6Ranges=[], ipv4Ranges=[], prefixListIds=[], userIdGroupPairs=[])
    part = {key: value for key, value in whole.items() if key not in {"fromPort", "toPort"}}
    assert selected(whole, part) == "the item has not the ports of configuration.ipPermissions"
    assert selected(part | {"ipProtocol": "-1"}) == ingress(whole | {"ipProtocol": "-1"})
    assert ingress(part)[0]["from_port"] is None
