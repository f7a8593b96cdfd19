"""revoke_ingress against moto, judged by the real OPA: what is closed, what stays, and what a crash leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from integration.remediation.driver import Crash
from integration.remediation.driver_ingress import AT, POLICY, Scene, said
from opalite.errors import AwsError
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.action import Found
from opalite.remediation.actions.revoke_ingress import ACTION
from opalite.remediation.applying import Applied, Progress, StepError
from opalite.remediation.model import Plan

WORLD, WORLD6 = "0.0.0.0/0", "::/0"
# Accounts by what the policy asks of them; the first has the shipped parameters.
SSH_AND_RDP = "111111111111"
NOTHING, WEB, EVERY_PORT, KNOWN, SPANS = "222222222222", "333333333333", "444444444444", "555555555555", "666666666666"
PARAMETERS = {
    NOTHING: {"ports": "any"},
    WEB: {"allowed_exact": [80, 443], "allowed_udp": ["8000-8099"], "protocols": ["tcp", "udp"]},
    EVERY_PORT: {"match": "all_ports"},
    KNOWN: {
        "ports": "any",
        "widest_prefix": {"ipv4": 33, "ipv6": 129},
        "known_networks": {"10.0.0.0/8": "ours", "2001:db8::/32": "ours"},
    },
    SPANS: {"ports": [22, "3000-3999", "3500-4500", 65535]},
}
OVERRIDES = [{"accounts": [account], "set": parameters} for account, parameters in PARAMETERS.items()]
SETTINGS = {POLICY: {"overrides": OVERRIDES}}


@pytest.fixture
def scene(aws, judges) -> Callable[..., Scene]:
    return lambda account=SSH_AND_RDP: Scene(*judges, account)


# What is closed, and what stays.


def test_a_rule_for_one_port_goes_and_others_stay(scene):
    group = scene()
    group.rule("tcp", (22, 22), cidr=WORLD)
    group.rule("tcp", (443, 443), cidr=WORLD, description="web", tags={"team": "shop"})
    assert group.mended() == ["tcp 443-443 0.0.0.0/0 (web) team=shop"]


def test_a_wide_rule_keeps_all_of_its_ports_but_the_wrong_ones(scene):
    group = scene()
    group.rule("tcp", (0, 65535), cidr=WORLD, description="Zürich: everything ☂", tags={"team": "shop", "Größe": "ja"})
    assert group.mended() == [
        "tcp 0-21 0.0.0.0/0 (Zürich: everything ☂) Größe=ja team=shop",
        "tcp 23-3388 0.0.0.0/0 (Zürich: everything ☂) Größe=ja team=shop",
        "tcp 3390-65535 0.0.0.0/0 (Zürich: everything ☂) Größe=ja team=shop",
    ]


def test_only_the_wrong_sources_of_a_rule_lose_it(scene):
    group = scene()
    other = group.ec2.create_security_group(GroupName="db", Description="db", VpcId=group.vpc)["GroupId"]
    prefixes = group.ec2.create_managed_prefix_list(PrefixListName="offices", MaxEntries=5, AddressFamily="IPv4")
    prefixes = prefixes["PrefixList"]["PrefixListId"]
    group.rule("tcp", (22, 22), cidr=WORLD)
    group.rule("tcp", (22, 22), cidr6=WORLD6)
    group.rule("tcp", (22, 22), cidr="10.0.0.0/8", description="office", tags={"a": "b"})
    group.rule("tcp", (22, 22), cidr="0.0.0.0/1")
    group.rule("tcp", (22, 22), cidr6="2001:db8::/32")
    group.rule("tcp", (22, 22), group=group.group, description="itself")
    group.rule("tcp", (22, 22), group=other)
    group.rule("tcp", (22, 22), prefix_list=prefixes)
    assert sorted(group.mended()) == sorted(
        [
            "tcp 22-22 10.0.0.0/8 (office) a=b",
            "tcp 22-22 0.0.0.0/1",
            "tcp 22-22 2001:db8::/32",
            f"tcp 22-22 {group.group}",
            f"tcp 22-22 {other}",
            f"tcp 22-22 {prefixes}",
        ]
    )


def test_overlapping_rules_and_the_same_range_in_several_are_each_mended_by_themselves(scene):
    group = scene()
    group.rule("tcp", (0, 100), cidr=WORLD, description="low")
    group.rule("tcp", (20, 30), cidr=WORLD, description="middle")
    group.rule("tcp", (0, 100), cidr6=WORLD6, description="six")
    group.rule("udp", (22, 22), cidr=WORLD)
    group.rule("tcp", (23, 30), cidr=WORLD, description="was there")
    assert group.mended() == [
        "tcp 0-21 0.0.0.0/0 (low)",
        "tcp 0-21 ::/0 (six)",
        "tcp 20-21 0.0.0.0/0 (middle)",
        "tcp 23-30 0.0.0.0/0 (was there)",
        "tcp 23-100 0.0.0.0/0 (low)",
        "tcp 23-100 ::/0 (six)",
    ]


def test_icmp_and_other_protocols_are_left_alone_where_they_do_not_count(scene):
    group = scene()
    group.rule("icmp", (8, -1), cidr=WORLD)
    group.rule("icmpv6", (-1, -1), cidr6=WORLD6)
    group.rule("50", (-1, -1), cidr=WORLD)
    group.rule("tcp", (3389, 3389), cidr6=WORLD6)
    assert group.mended() == ["50 -1--1 0.0.0.0/0", "icmp 8--1 0.0.0.0/0", "icmpv6 -1--1 ::/0"]


def test_where_nothing_may_be_open_whole_rules_go(scene):
    group = scene(NOTHING)
    for protocol, ports in (("tcp", (0, 65535)), ("icmp", (8, -1)), ("50", (-1, -1)), ("-1", None)):
        group.rule(protocol, ports, cidr=WORLD)
    group.rule("icmp", (8, -1), cidr="10.0.0.0/8")
    group.rule("-1", cidr6="2001:db8::/32", description="ours")
    assert group.mended() == ["-1 -1--1 2001:db8::/32 (ours)", "icmp 8--1 10.0.0.0/8"]


def test_only_allowed_ports_are_left(scene):
    group = scene(WEB)
    group.rule("tcp", (1, 1024), cidr=WORLD)
    group.rule("tcp", (22, 22), cidr=WORLD)
    group.rule("udp", (7000, 8050), cidr6=WORLD6)
    group.rule("icmp", (-1, -1), cidr=WORLD)
    assert group.mended() == [
        "icmp -1--1 0.0.0.0/0",
        "tcp 80-80 0.0.0.0/0",
        "tcp 443-443 0.0.0.0/0",
        "udp 8000-8050 ::/0",
    ]


def test_a_rule_for_every_port_is_not_made_to_pass_by_leaving_one_out(scene):
    group = scene(EVERY_PORT)
    group.rule("tcp", (1, 65535), cidr=WORLD)
    group.rule("udp", (2, 65535), cidr=WORLD)
    assert group.mended() == ["udp 2-65535 0.0.0.0/0"]


def test_spans_of_ports_that_overlap(scene):
    group = scene(SPANS)
    group.rule("udp", (10, 65535), cidr=WORLD)
    assert group.mended() == ["udp 10-21 0.0.0.0/0", "udp 23-2999 0.0.0.0/0", "udp 4501-65534 0.0.0.0/0"]


# All traffic.


def test_all_traffic_is_refused_as_long_as_nobody_says_what_becomes_of_it(scene):
    group = scene()
    group.rule("-1", cidr=WORLD)
    group.rule("tcp", (22, 22), cidr=WORLD)
    assert group.planned() == Plan(
        action="revoke_ingress",
        refusal="-1/all from 0.0.0.0/0 lets in all protocols, and no rules can say all but a few ports of two of them: "
        "set all_traffic to split or revoke, or replace the rule by hand",
    )


def test_all_traffic_is_split(scene):
    group = scene()
    group.rule("-1", cidr=WORLD, description="all", tags={"a": "b"})
    group.rule("-1", cidr6=WORLD6)
    group.rule("-1", cidr="10.0.0.0/8")
    group.rule("-1", group=group.group)
    assert group.mended(all_traffic="split", keep_protocols=["50"]) == [
        "-1 -1--1 10.0.0.0/8",
        f"-1 -1--1 {group.group}",
        "50 -1--1 0.0.0.0/0 (all) a=b",
        "50 -1--1 ::/0",
        "icmp -1--1 0.0.0.0/0 (all) a=b",
        "icmpv6 -1--1 ::/0",
        *(
            f"{protocol} {ports} {rest}"
            for protocol in ("tcp", "udp")
            for ports in ("0-21", "23-3388", "3390-65535")
            for rest in ("0.0.0.0/0 (all) a=b", "::/0")
        ),
    ]


def test_all_traffic_is_revoked(scene):
    group = scene()
    group.rule("-1", cidr=WORLD)
    group.rule("tcp", (443, 443), cidr=WORLD)
    assert group.mended(all_traffic="revoke") == ["tcp 443-443 0.0.0.0/0"]


# Known networks instead of the world.


def test_known_networks_keep_what_the_world_loses(scene):
    group = scene()
    group.rule("tcp", (20, 30), cidr=WORLD, description="ssh", tags={"a": "b"})
    group.rule("tcp", (22, 22), cidr6=WORLD6)
    assert group.mended(replace_by={"10.0.0.0/8": "office", "2001:db8::/32": ""}) == [
        "tcp 20-21 0.0.0.0/0 (ssh) a=b",
        "tcp 22-22 10.0.0.0/8 (office) a=b",
        "tcp 22-22 2001:db8::/32",
        "tcp 23-30 0.0.0.0/0 (ssh) a=b",
    ]


def test_known_networks_keep_all_traffic(scene):
    group = scene()
    group.rule("-1", cidr=WORLD)
    assert group.mended(all_traffic="revoke", replace_by={"10.0.0.0/8": "office"}) == ["-1 -1--1 10.0.0.0/8 (office)"]


def test_no_network_gets_in_that_could_not_before(scene):
    group = scene(KNOWN)
    group.rule("tcp", (22, 22), cidr="198.51.100.0/24")
    plan = group.planned(replace_by={"10.0.0.0/8": "office"})
    assert [step.call.operation for step in plan.steps] == ["RevokeSecurityGroupIngress"]
    assert plan.instructions[-1] == "10.0.0.0/8 of replace_by lies in no range that is closed, so it is let in nowhere."
    assert group.mended(replace_by={"10.0.0.0/8": "office"}) == []


def test_a_network_that_the_policy_does_not_know_is_found_before_anything_is_done(scene):
    group = scene(KNOWN)
    group.rule("tcp", (22, 22), cidr=WORLD)
    plan = group.planned(replace_by={"198.51.100.0/24": "office"})
    state = group.read()
    assert group.judged(ACTION.simulated(state, plan)).outcome is Outcome.FAIL
    assert group.mended(replace_by={"10.1.0.0/16": "office"}) == ["tcp 22-22 10.1.0.0/16 (office)"]


# Again, and after a crash.


def _wide(group: Scene) -> None:
    group.rule("tcp", (20, 4000), cidr=WORLD, description="all", tags={"a": "b"})
    group.rule("udp", (22, 22), cidr6=WORLD6)
    group.rule("tcp", (22, 22), cidr="10.0.0.0/8")
    group.rule("tcp", (22, 22), group=group.group)


def _narrow(group: Scene) -> set[str]:
    return {
        "tcp 20-21 0.0.0.0/0 (all) a=b",
        "tcp 23-3388 0.0.0.0/0 (all) a=b",
        "tcp 3390-4000 0.0.0.0/0 (all) a=b",
        "tcp 22-22 10.0.0.0/8",
        f"tcp 22-22 {group.group}",
    }


STEPS = 5  # three rules are made, two are taken
NOTES = [1 + index for index in range(3 * STEPS)]  # each step is noted as begun, called and done


@pytest.mark.parametrize("crash_at", NOTES)
def test_after_a_crash_the_old_plan_or_a_new_one_ends_at_the_same_rules(scene, crash_at):
    group = scene()
    _wide(group)
    plan = group.planned()
    assert len(plan.steps) == STEPS
    with pytest.raises(Crash):
        group.applied_to_the_end(plan, crash_at)
    again = group.planned()
    assert again.refusal == ""
    assert {step.name for step in again.steps} <= {step.name for step in plan.steps}
    if crash_at % 2:
        group.applied, plan = {}, again
    group.applied_to_the_end(plan)
    assert set(group.rules()) == _narrow(group)


def test_nothing_that_may_stay_is_cut_off_in_between_and_all_can_be_taken_back(scene):
    group = scene()
    _wide(group)
    before = group.read()

    def lets_in(port: int, source: str) -> bool:
        return any(
            rule["IpProtocol"] == "tcp" and rule["FromPort"] <= port <= rule["ToPort"] and source in rule.values()
            for rule in group.read().details["rules"]
        )

    for done in range(STEPS + 1):
        plan = group.planned()
        group.applied_to_the_end(replace(plan, steps=plan.steps[:done]))
        assert all(lets_in(port, WORLD) for port in (20, 21, 23, 443, 3388, 3390, 4000))
        assert lets_in(22, "10.0.0.0/8")
        group.taken_back()
        after = group.read()
        assert (said(after), after.item) == (said(before), before.item)


def test_each_step_may_be_made_twice(scene):
    group = scene()
    _wide(group)
    plan = group.planned()
    group.applied_to_the_end(plan)
    group.applied = {}
    group.applied_to_the_end(plan)
    assert {one.already for one in group.applied.values()} == {True}
    assert set(group.rules()) == _narrow(group)


def test_a_rule_that_somebody_made_anew_is_not_taken_by_a_step_for_the_old_one(scene):
    group = scene()
    group.rule("tcp", (22, 22), cidr=WORLD)
    plan = group.planned()
    group.applied_to_the_end(plan)
    group.rule("tcp", (22, 22), cidr=WORLD, description="anew")
    group.applied = {}
    group.applied_to_the_end(plan)
    assert group.rules() == ["tcp 22-22 0.0.0.0/0 (anew)"]


def test_a_state_is_the_same_however_ec2_puts_its_rules(scene):
    group = scene()
    _wide(group)
    before = group.read()
    assert group.read().digest == before.digest
    group.rule("tcp", (80, 80), cidr=WORLD)
    assert group.read().digest != before.digest


# Limits.


def test_a_group_that_is_nearly_full_is_refused_before_anything_is_done(scene):
    group = scene()
    group.rule("tcp", (0, 65535), cidr=WORLD)
    for port in range(1, 58):
        group.rule("tcp", (port, port), cidr="10.0.0.0/8")
    refusal = "it takes 61 inbound rules for a while, of 60: raise the quota and most_rules, or tidy up the group"
    assert group.planned() == Plan(action="revoke_ingress", refusal=refusal)
    assert group.planned(most_rules=61).refusal == ""


def test_rules_that_do_not_fit_after_all_are_taken_back_and_nothing_is_revoked(scene):
    group = scene()
    group.rule("tcp", (0, 65535), cidr=WORLD)
    for port in range(1, 58):
        group.rule("tcp", (port, port), cidr="10.0.0.0/8")
    before = group.read()
    plan = group.planned(most_rules=100)
    with pytest.raises(StepError, match="RulesPerSecurityGroupLimitExceeded") as caught:
        group.applied_to_the_end(plan)
    assert caught.value.certain
    assert [one.progress for one in group.applied.values()] == [Progress.DONE, Progress.DONE, Progress.NOT_MADE]
    group.taken_back()
    assert group.read() == before


def test_a_group_that_is_full_can_still_lose_rules(scene):
    group = scene()
    group.rule("tcp", (22, 22), cidr=WORLD)
    for port in range(1, 60):
        group.rule("tcp", (port, port), cidr="10.0.0.0/8")
    assert len(group.mended()) == 59


# Reading.


def test_a_group_that_is_gone_is_absent(scene):
    group = scene()
    group.ec2.delete_security_group(GroupId=group.group)
    with pytest.raises(Absent):
        group.read()


def test_the_default_group_is_mended_and_noted(scene):
    group = scene()
    groups = group.ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [group.vpc]}])["SecurityGroups"]
    group.group = next(entry["GroupId"] for entry in groups if entry["GroupName"] == "default")
    group.rule("tcp", (22, 22), cidr=WORLD)
    assert group.planned().instructions[1] == "It is the default group of its VPC: whatever names no group is in it."
    assert WORLD not in " ".join(group.mended())


class _Torn:
    """EC2 whose two descriptions do not agree yet, which moto's always do."""

    def __init__(self, service: Any) -> None:
        self._service = service
        self.ask = service.ask

    def pages(self, operation: str, **parameters: Any) -> Iterator[Any]:
        for page in self._service.pages(operation, **parameters):
            yield {"SecurityGroupRules": page["SecurityGroupRules"][:-1]}


def test_nothing_is_made_of_a_group_that_is_being_changed(scene):
    group = scene()
    group.rule("tcp", (22, 22), cidr=WORLD)
    with pytest.raises(AwsError, match="they are being changed, try again later"):
        ACTION.read(lambda service: _Torn(group.ask(service)), group.target)


# Permissions.


def test_the_role_may_do_what_is_done_and_nothing_else(scene):
    group = scene()
    _wide(group)
    plan = group.planned()
    group.applied_to_the_end(plan)
    group.taken_back()
    made = {name for name in group.sessions.calls.counts() if not name.startswith("sts:")}
    # Whoever tags what he makes needs this too; it is no call of its own.
    tagging = {"ec2:CreateTags" for step in plan.steps if "TagSpecifications" in step.call.parameters}
    allowed = [name for permission in ACTION.permissions for name in permission.actions]
    assert sorted(made | tagging) == sorted(allowed)
    for permission in ACTION.permissions:
        assert permission.reason
        assert permission.resources != ("*",) or all(":Describe" in name for name in permission.actions)


def test_an_applied_step_keeps_the_call_that_takes_it_back(scene):
    group = scene()
    group.rule("tcp", (20, 22), cidr=WORLD, description="all", tags={"a": "b"})
    state = group.read()
    plan = ACTION.plan(Found(group.target, state, group.judged(state), {}, AT))
    group.applied_to_the_end(plan)
    assert group.applied == {
        step.name: Applied(step.name, Progress.DONE, inverse=step.inverse, closes=step.closes) for step in plan.steps
    }
