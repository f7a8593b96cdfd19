"""Plans of revoke_ingress: exactly what is wrong is closed, whatever the rules are, and nothing when anything is unclear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from opalite.remediation.action import Found
from opalite.remediation.actions.revoke_ingress import ACTION, plan, simulated
from opalite.remediation.model import Call, Plan, State
from opalite.remediation.planning import ingress_rules
from opalite.remediation.planning.ingress_rules import Part
from opalite.remediation.reading import securitygroup
from unit.remediation.actions.cases import ACCOUNT, AT, decision, target

GROUP = "sg-0d1e2f3a4b5c6d7e8"
WORLD = {"0.0.0.0/0", "::/0"}
TARGET = target("aws.ec2.securitygroup.restricted_ingress", "AWS::EC2::SecurityGroup", GROUP)
ALL_BUT_SSH = ["icmp/all", "icmpv6/all", "other/all", "tcp/0-21", "tcp/23-65535", "udp/0-21", "udp/23-65535"]


def rule(protocol: str, first: int, last: int, cidr: str, *, number: int = 1, description: str = "", **tags: str):
    return {
        "SecurityGroupRuleId": f"sgr-{number}",
        "IpProtocol": protocol,
        "FromPort": first,
        "ToPort": last,
        "CidrIpv6" if ":" in cidr else "CidrIpv4": cidr,
        **({"Description": description} if description else {}),
        "Tags": [{"Key": name, "Value": value} for name, value in tags.items()],
    }


def state(*rules: dict[str, Any], name: str = "web", owner: str = ACCOUNT, tags: Iterable[str] = ()) -> State:
    group = {"GroupName": name, "OwnerId": owner, "Tags": [{"Key": key, "Value": "x"} for key in tags]}
    return securitygroup.state(TARGET, group, securitygroup.in_order(rules))


def violation(index: Any, protocol: Any, ranges: Any, harmless: Any):
    actual = {"protocol": protocol, "from_port": None, "to_port": None, "ranges": ranges, "harmless": harmless}
    return {"message": "m", "subject": "s", "evidence": {"path": ["ingress", index], "actual": actual, "expected": "e"}}


def planned(seen: State, *violations: Any, **parameters: Any) -> Plan:
    return plan(Found(TARGET, seen, decision(TARGET, list(violations)), parameters, AT))


def refusal(text: str) -> Plan:
    return Plan(action="revoke_ingress", refusal=text)


# One plan, in full.


def test_a_wide_rule_is_split_with_its_description_and_tags():
    wide = rule("tcp", 20, 30, "0.0.0.0/0", description="Zürich ☂", team="shop")
    plan = planned(state(wide), violation(0, "tcp", ["0.0.0.0/0"], ["tcp/20-21", "tcp/23-30"]))
    tagged = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "team", "Value": "shop"}]}]
    described = [{"CidrIp": "0.0.0.0/0", "Description": "Zürich ☂"}]

    def ports(first: int, last: int, ranges: Any) -> list[Any]:
        return [{"IpProtocol": "tcp", "FromPort": first, "ToPort": last, "IpRanges": ranges}]

    def made(first: int, last: int) -> dict[str, Any]:
        return {"GroupId": GROUP, "IpPermissions": ports(first, last, described), "TagSpecifications": tagged}

    assert [(step.name, step.call, step.inverse, step.already) for step in plan.steps] == [
        *(
            (
                f"authorize tcp/{first}-{last} from 0.0.0.0/0",
                Call("ec2", "AuthorizeSecurityGroupIngress", made(first, last)),
                Call(
                    "ec2",
                    "RevokeSecurityGroupIngress",
                    {"GroupId": GROUP, "IpPermissions": ports(first, last, [{"CidrIp": "0.0.0.0/0"}])},
                ),
                ("InvalidPermission.Duplicate",),
            )
            for first, last in ((20, 21), (23, 30))
        ),
        (
            "revoke sgr-1: tcp/20-30 from 0.0.0.0/0",
            Call("ec2", "RevokeSecurityGroupIngress", {"GroupId": GROUP, "SecurityGroupRuleIds": ["sgr-1"]}),
            Call("ec2", "AuthorizeSecurityGroupIngress", made(20, 30)),
            ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound"),
        ),
    ]
    assert plan.refusal == ""
    assert [step.closes for step in plan.steps] == [False, False, True]


def test_tags_of_aws_are_not_set_and_it_is_said():
    wide = {**rule("tcp", 20, 22, "0.0.0.0/0"), "Tags": [{"Key": "aws:x", "Value": "y"}, {"Key": "a", "Value": "b"}]}
    plan = planned(state(wide), violation(0, "tcp", ["0.0.0.0/0"], ["tcp/20-21"]))
    tags = [step.call.parameters.get("TagSpecifications") for step in plan.steps]
    assert tags == [[{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}], None]
    assert plan.instructions[-1] == (
        "Tags of a rule that begin with aws: are AWS's: rules that take its place, or bring it back, do not have them."
    )


def test_what_manages_the_group_is_noted():
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"), name="default", tags=["aws:cloudformation:stack-name", "Name"])
    plan = planned(seen, violation(0, "tcp", ["0.0.0.0/0"], []))
    assert plan.instructions == (
        "Whoever still connects by what is closed has to come by an allowed network: look at the flow logs first.",
        "It is the default group of its VPC: whatever names no group is in it.",
        "Its tags begin with aws:: what made the group may open it again, so mend its source too.",
    )


def test_a_rule_that_is_there_already_is_not_made():
    rules = [rule("tcp", 20, 22, "0.0.0.0/0", number=1), rule("tcp", 20, 21, "0.0.0.0/0", number=2, description="own")]
    index = [each["ToPort"] for each in securitygroup.in_order(rules)].index(22)
    plan = planned(state(*rules), violation(index, "tcp", ["0.0.0.0/0"], ["tcp/20-21"]))
    assert [step.name for step in plan.steps] == ["revoke sgr-1: tcp/20-22 from 0.0.0.0/0"]


def test_without_violations_there_is_nothing_to_do():
    assert planned(state(rule("tcp", 443, 443, "0.0.0.0/0"))) == Plan(action="revoke_ingress")


# Refused.


def test_a_group_of_another_account_is_refused():
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"), owner="444455556666")
    assert planned(seen, violation(0, "tcp", ["0.0.0.0/0"], [])) == refusal(
        "the group belongs to account 444455556666, which shares it: it has to be mended there"
    )


@pytest.mark.parametrize(
    ("index", "protocol", "ranges"),
    [(0, "udp", ["0.0.0.0/0"]), (0, "tcp", ["::/0"]), (0, "tcp", ["0.0.0.0/0", "10.0.0.0/8"])],
)
def test_rules_that_are_not_those_that_were_judged_are_refused(index, protocol, ranges):
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"))
    assert planned(seen, violation(index, protocol, ranges, [])) == refusal(
        "the rules of the group are not those that were judged: it is being changed, try again"
    )


@pytest.mark.parametrize(
    "harmless", [["tcp/20-30"], ["tcp/19-21"], ["udp/20-21"], ["tcp/20-25", "tcp/24-30"], ["icmp/all"]]
)
def test_more_is_never_kept_than_there_was(harmless):
    seen = state(rule("tcp", 20, 30, "0.0.0.0/0"))
    assert planned(seen, violation(0, "tcp", ["0.0.0.0/0"], harmless)) == refusal(
        "the policy calls more of a rule harmless than there is of it"
    )


def test_a_network_that_is_itself_closed_cannot_take_its_place():
    seen = state(rule("tcp", 22, 22, "10.0.0.0/8"))
    plan = planned(seen, violation(0, "tcp", ["10.0.0.0/8"], []), replace_by={"10.0.0.0/8": "office"})
    assert plan == refusal("tcp/22-22 from 10.0.0.0/8 was to stay, but is what the policy objects to: see `replace_by`")


def test_a_network_with_host_bits_is_refused():
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"))
    plan = planned(seen, violation(0, "tcp", ["0.0.0.0/0"], []), replace_by={"10.0.0.1/8": "office"})
    assert plan == refusal("replace_by: 10.0.0.1/8 is no network: correct the parameters of the action")


def test_evidence_that_does_not_say_what_is_harmless_is_refused():
    entry = violation(0, "tcp", ["0.0.0.0/0"], [])
    del entry["evidence"]["actual"]["harmless"]
    assert planned(state(rule("tcp", 22, 22, "0.0.0.0/0")), entry) == refusal(
        "the policy does not say which part of the rule is harmless: revoke it by hand"
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["tcp", "0.0.0.0/0", "tcp/1-2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(index=JSON, protocol=JSON, ranges=JSON, harmless=JSON)
def test_strange_evidence_is_refused_or_means_nothing(index, protocol, ranges, harmless):
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"))
    plan = planned(seen, violation(index, protocol, ranges, harmless))
    assert plan.refusal or [step.name for step in plan.steps] in ([], ["revoke sgr-1: tcp/22-22 from 0.0.0.0/0"])


@given(entry=JSON, details=JSON)
def test_strange_states_are_refused(entry, details):
    seen = state(rule("tcp", 22, 22, "0.0.0.0/0"))
    named = violation(0, "tcp", ["0.0.0.0/0"], [])
    assert planned(seen, entry).refusal
    assert planned(replace(seen, details=seen.details | {"rules": details}), named).refusal
    assert planned(replace(seen, details={"group_id": GROUP, "rules": details}), named).refusal


# For any rules: a model of the policy, which looks at listed ports of TCP and UDP, and of what rules let in.

ADDRESSES = ["203.0.113.9", "10.1.2.3", "2001:db8::9", "fd00::1"]
PORTS = [0, 1, 21, 22, 23, 100, 3388, 3389, 3390, 65535]
SOURCES = ["0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::/32"]


@st.composite
def rules(draw, protocols=("tcp", "udp", "icmp", "50")):
    found: dict[Any, Any] = {}
    for number in range(draw(st.integers(1, 6))):
        protocol = draw(st.sampled_from(protocols))
        first, last = (-1, -1)
        if protocol in {"tcp", "udp"}:
            first, last = sorted((draw(st.sampled_from(PORTS)), draw(st.sampled_from(PORTS))))
        tags = {"a": "b"} if draw(st.booleans()) else {}
        one = rule(protocol, first, last, draw(st.sampled_from(SOURCES)), number=number, **tags)
        found.setdefault(securitygroup.key(one), one)
    return list(found.values())


def wrong(rules: list[dict[str, Any]], listed: set[int]) -> list[Any]:
    """Violations as the policy tells them."""
    told = []
    for index, same in enumerate(securitygroup.grouped(rules)):
        whole = ingress_rules.whole(same[0])
        ranges = sorted(WORLD & set(map(securitygroup.network, same)))
        spans = {"-1": [Part("tcp", 0, 65535), Part("udp", 0, 65535)], "tcp": [whole], "udp": [whole]}.get(
            whole.protocol, []
        )
        closed = [port for port in sorted(listed) if any(span.first <= port <= span.last for span in spans)]
        if not ranges or not closed:
            continue
        kept = [
            part
            for span in spans
            for part in ingress_rules.without(span, [Part(span.protocol, port, port) for port in closed])
        ]
        harmless = [f"{part.protocol}/{part.first}-{part.last}" for part in kept]
        if whole.protocol == "-1":
            harmless += ["icmp/all", "icmpv6/all", "other/all"]
        told.append(violation(index, whole.protocol, ranges, harmless))
    return told


def let_in(rules: Iterable[dict[str, Any]]) -> set[tuple[str, int, str]]:
    """Samples of all that may come in: protocol, port, address."""
    return {
        (protocol, port, address)
        for one in rules
        for protocol in (("tcp", "udp", "icmp", "icmpv6", "50") if one["IpProtocol"] == "-1" else (one["IpProtocol"],))
        for port in (PORTS if protocol in {"tcp", "udp"} else [-1])
        if one["IpProtocol"] == "-1" or one["FromPort"] <= port <= one["ToPort"]
        for address in ADDRESSES
        if ip_address(address) in ip_network(securitygroup.network(one))
    }


def made(rules: list[dict[str, Any]], calls: Iterable[Call]) -> list[dict[str, Any]]:
    """What EC2 makes of calls, those that take back included."""
    for call in calls:
        if call.operation == "AuthorizeSecurityGroupIngress" or "SecurityGroupRuleIds" in call.parameters:
            rules = ingress_rules.after(rules, [call])
            continue
        (same,) = ingress_rules.after([], [Call("ec2", "AuthorizeSecurityGroupIngress", call.parameters)])
        rules = [one for one in rules if securitygroup.key(one) != securitygroup.key(same)]
    return rules


def said(rules: Iterable[dict[str, Any]]) -> list[Any]:
    """Without ids, which EC2 gives."""
    bare = [{k: v for k, v in one.items() if k != "SecurityGroupRuleId"} for one in rules]
    return securitygroup.in_order(bare)


@settings(max_examples=100, deadline=None)
@given(rules=rules(), listed=st.sets(st.sampled_from(PORTS), min_size=1, max_size=4))
def test_exactly_what_is_wrong_is_closed(rules, listed):
    seen = state(*rules)
    known = seen.details["rules"]
    violations = wrong(known, listed)
    plan = planned(seen, *violations)
    assert plan.refusal == ""
    after = simulated(seen, plan).details["rules"]
    innocent = let_in(one for one in known if securitygroup.network(one) not in WORLD)
    closed = {(p, port, a) for p, port, a in let_in(known) if p in {"tcp", "udp"} and port in listed} - innocent
    assert let_in(after) == let_in(known) - closed
    assert wrong(after, listed) == []
    assert planned(simulated(seen, plan)) == Plan(action="revoke_ingress")
    assert len({step.name for step in plan.steps}) == len(plan.steps)
    # Rules that nobody objects to are still there, as they were, with their ids.
    touched = {step.call.parameters["SecurityGroupRuleIds"][0] for step in plan.steps if step.name.startswith("revoke")}
    assert [one for one in known if one["SecurityGroupRuleId"] not in touched] == [one for one in after if one in known]


@settings(max_examples=50, deadline=None)
@given(
    rules=rules(protocols=("tcp", "udp", "icmp", "50", "-1")),
    listed=st.sets(st.sampled_from(PORTS), min_size=1, max_size=4),
    networks=st.dictionaries(
        st.sampled_from(["10.0.0.0/9", "2001:db8:1::/48", "198.51.100.0/24"]), st.just("n"), max_size=3
    ),
    all_traffic=st.sampled_from(["split", "revoke"]),
)
def test_nothing_is_ever_open_that_was_not_and_all_can_be_taken_back(rules, listed, networks, all_traffic):
    seen = state(*rules)
    known = seen.details["rules"]
    parameters = {"replace_by": networks, "all_traffic": all_traffic, "keep_protocols": ["50"], "most_rules": 1000}
    plan = planned(seen, *wrong(known, listed), **parameters)
    assert plan.refusal == ""
    end = let_in(simulated(seen, plan).details["rules"])
    assert wrong(simulated(seen, plan).details["rules"], listed) == []
    for done in range(len(plan.steps) + 1):
        between = made(known, [step.call for step in plan.steps[:done]])
        assert end <= let_in(between) <= let_in(known)
        back = made(between, [step.inverse for step in reversed(plan.steps[:done]) if step.inverse])
        assert said(back) == said(known)
        again = state(*between)
        later = planned(again, *wrong(again.details["rules"], listed), **parameters)
        assert {step.name for step in later.steps} <= {step.name for step in plan.steps}


# The contract.


@pytest.mark.parametrize(
    "parameters",
    [
        {"replace_by": {"ours": "x"}},
        {"replace_by": {"10.0.0.0/8": "Zürich"}},
        {"replace_by": {"10.0.0.0/8": "x" * 256}},
        {"all_traffic": "keep"},
        {"keep_protocols": ["6"]},
        {"keep_protocols": ["256"]},
        {"keep_protocols": ["050"]},
        {"most_rules": 0},
        {"other": 1},
    ],
)
def test_parameters_that_ec2_would_not_take_are_refused(parameters):
    assert list(Draft7Validator(ACTION.parameters).iter_errors(parameters))


@pytest.mark.parametrize("text", ["tcp", "tcp/all", "tcp/1", "icmp/1-2", "gre/all", "tcp/1-2-3", "", "50/1-2"])
def test_a_part_that_is_none_is_refused(text):
    with pytest.raises(ingress_rules.UnsureError):
        ingress_rules.part(text)
