"""revoke_ingress: inbound rules that a policy found open are closed, exactly as far as it found them so.

What the policy calls harmless of such a rule is authorized as rules of its own first; then the rule itself is revoked. So nothing
that may stay is cut off in between, and nothing is ever open that was not open before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found
from opalite.remediation.model import Mode, Plan, State, Step
from opalite.remediation.planning import ingress_rules
from opalite.remediation.planning.ingress_rules import ALL, Part, UnsureError
from opalite.remediation.planning.revoke_ingress_terms import PARAMETERS, PERMISSIONS
from opalite.remediation.reading import securitygroup

NAME = "revoke_ingress"

_DUPLICATE = ("InvalidPermission.Duplicate",)
_NOT_FOUND = ("InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound")


@dataclass(frozen=True, slots=True)
class _Offence:
    """A rule that is open, and what of it may stay."""

    rule: Mapping[str, Any]
    harmless: tuple[Part, ...]

    def wrong(self) -> list[Part]:
        """What must not stay; all traffic has no ports that could be told apart."""
        whole = ingress_rules.whole(self.rule)
        return ingress_rules.without(whole, self.harmless) if whole.protocol in {"tcp", "udp"} else [whole]


def plan(found: Found) -> Plan:
    """Pure, and for any state."""
    try:
        return _planned(found)
    except UnsureError as unsure:
        return Plan(action=NAME, refusal=str(unsure))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return Plan(action=NAME, refusal="the state or the evidence is not of the form that EC2 and the policy give it")


def simulated(state: State, plan: Plan) -> State:
    """The group once the plan is carried out, so that the policy can judge it before."""
    calls = [step.call for step in plan.steps]
    rules = securitygroup.in_order(ingress_rules.after(state.details["rules"], calls))
    configuration = {**state.item["configuration"], "ipPermissions": securitygroup.permissions(rules)}
    return State({**state.item, "configuration": configuration}, {**state.details, "rules": rules})


ACTION = Action(
    name=NAME,
    title="Close what inbound rules of security groups open too wide",
    resource_types=("AWS::EC2::SecurityGroup",),
    read=securitygroup.read,
    plan=plan,
    most=Mode.AUTO,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    simulated=simulated,
)


def _planned(found: Found) -> Plan:
    details = found.state.details
    group_id, rules = details["group_id"], details["rules"]
    if details["owner_id"] != found.target.account_id:
        raise UnsureError(
            f"the group belongs to account {details['owner_id']}, which shares it: it has to be mended there"
        )
    offences = [offence for violation in found.decision.violations for offence in _offences(rules, violation)]
    settings = {name: each["default"] for name, each in PARAMETERS["properties"].items()} | dict(found.parameters)
    revoked = {offence.rule["SecurityGroupRuleId"]: offence.rule for offence in offences}
    added = _added(offences, rules, revoked, settings)
    _check_room(rules, added, settings["most_rules"])
    steps = [_authorize(group_id, rule) for rule in added] + [_revoke(group_id, rule) for rule in revoked.values()]
    return Plan(action=NAME, steps=tuple(steps), instructions=tuple(_instructions(details, offences, settings)))


def _offences(rules: Sequence[Mapping[str, Any]], violation: Mapping[str, Any]) -> Iterator[_Offence]:
    """The rules that a violation speaks of: those of one protocol and the same ports, with one of the ranges that it names."""
    evidence = violation["evidence"]
    actual = evidence["actual"]
    if "harmless" not in actual:
        raise UnsureError("the policy does not say which part of the rule is harmless: revoke it by hand")
    direction, index = evidence["path"]
    same = securitygroup.grouped(rules)[index]
    wanted = set(actual["ranges"])
    whole = ingress_rules.whole(same[0])
    if (
        direction != "ingress"
        or actual["protocol"] != whole.protocol
        or not wanted <= set(map(securitygroup.network, same))
    ):
        raise UnsureError("the rules of the group are not those that were judged: it is being changed, try again")
    harmless = tuple(sorted(ingress_rules.part(text) for text in actual["harmless"]))
    offences = [_Offence(rule, harmless) for rule in same if securitygroup.network(rule) in wanted]
    contained = whole not in harmless and all(ingress_rules.contains(whole, part) for part in harmless)
    if not contained or not all(offence.wrong() for offence in offences):
        raise UnsureError("the policy calls more of a rule harmless than there is of it")
    yield from offences


def _added(
    offences: Sequence[_Offence],
    rules: Sequence[Mapping[str, Any]],
    revoked: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
) -> list[JsonObject]:
    """Rules that must be there before any is revoked, and are not there yet; the first that asks for one gives it its tags."""
    there = {securitygroup.key(rule) for rule in rules if securitygroup.network(rule)}
    going = {securitygroup.key(rule) for rule in revoked.values()}
    added: dict[securitygroup.Key, JsonObject] = {}
    for offence in offences:
        for rule in (*_kept(offence, settings), *_narrowed(offence, settings["replace_by"])):
            key = securitygroup.key(rule)
            if key in going:
                raise UnsureError(
                    f"{ingress_rules.text(rule)} was to stay, but is what the policy objects to: see `replace_by`"
                )
            if key not in there:
                added.setdefault(key, rule)
    return list(added.values())


def _kept(offence: _Offence, settings: Mapping[str, Any]) -> list[JsonObject]:
    """The harmless parts of a rule, for the same range."""
    rule, parts = offence.rule, list(offence.harmless)
    if rule["IpProtocol"] == ALL and parts:
        if settings["all_traffic"] == "refuse":
            raise UnsureError(
                f"{ingress_rules.text(rule)} lets in all protocols, and no rules can say all but a few ports of two of them: "
                "set all_traffic to split or revoke, or replace the rule by hand"
            )
        parts = _split(rule, parts, settings["keep_protocols"]) if settings["all_traffic"] == "split" else []
    return [ingress_rules.like(rule, part) for part in parts]


def _split(rule: Mapping[str, Any], parts: Sequence[Part], numbers: Sequence[str]) -> list[Part]:
    """ICMP is another protocol for IPv6; its rules do nothing for the other family."""
    icmp = "icmp" if "CidrIpv4" in rule else "icmpv6"
    others = [Part(number) for number in numbers] if Part("other") in parts else []
    return [part for part in parts if part.protocol in {"tcp", "udp", icmp}] + others


def _narrowed(offence: _Offence, networks: Mapping[str, str]) -> list[JsonObject]:
    """What is taken from a range, for networks within it. Never for others: they could not come in before."""
    within = [cidr for cidr in networks if _is_within(cidr, offence.rule)]
    return [
        ingress_rules.like(offence.rule, part, cidr=str(ip_network(cidr)), description=networks[cidr])
        for cidr in within
        for part in offence.wrong()
    ]


def _is_within(cidr: str, rule: Mapping[str, Any]) -> bool:
    try:
        network: Any = ip_network(cidr)
    except ValueError:
        raise UnsureError(f"replace_by: {cidr} is no network: correct the parameters of the action") from None
    outer = ingress_rules.range_of(rule)
    return network.version == outer.version and bool(network.subnet_of(outer))


def _check_room(rules: Sequence[Mapping[str, Any]], added: Sequence[Mapping[str, Any]], most: int) -> None:
    """For as long as old and new rules stand side by side. References to groups and prefix lists count for both families."""
    for family, other in (("CidrIpv4", "CidrIpv6"), ("CidrIpv6", "CidrIpv4")):
        new = sum(family in rule for rule in added)
        needed = new + sum(other not in rule for rule in rules)
        if new and needed > most:
            raise UnsureError(
                f"it takes {needed} inbound rules for a while, of {most}: raise the quota and most_rules, or tidy up the group"
            )


def _authorize(group_id: str, rule: Mapping[str, Any]) -> Step:
    text = ingress_rules.text(rule)
    return Step(
        name=f"authorize {text}",
        reason="this much of what is revoked below may stay",
        call=ingress_rules.authorized(group_id, rule),
        inverse=ingress_rules.revoked(group_id, rule),
        already=_DUPLICATE,
    )


def _revoke(group_id: str, rule: Mapping[str, Any]) -> Step:
    return Step(
        name=f"revoke {rule['SecurityGroupRuleId']}: {ingress_rules.text(rule)}",
        reason="open wider than the policy allows",
        call=ingress_rules.revoked(group_id, rule),
        inverse=ingress_rules.authorized(group_id, rule),
        closes=True,
        already=_NOT_FOUND,
    )


def _instructions(
    details: Mapping[str, Any], offences: Sequence[_Offence], settings: Mapping[str, Any]
) -> Iterator[str]:
    if not offences:
        return
    yield "Whoever still connects by what is closed has to come by an allowed network: look at the flow logs first."
    if details["is_default"]:
        yield "It is the default group of its VPC: whatever names no group is in it."
    for manager in details["managers"]:
        yield f"Its tags begin with {manager}: what made the group may open it again, so mend its source too."
    if any(offence.rule["IpProtocol"] == ALL and offence.harmless for offence in offences):
        kept = (
            "nothing of it" if settings["all_traffic"] == "revoke" else "of it only TCP, UDP, ICMP and keep_protocols"
        )
        yield f"A rule for all traffic goes: {kept} is kept, beside what replace_by says."
    for cidr in settings["replace_by"]:
        if not any(_is_within(cidr, offence.rule) for offence in offences):
            yield f"{cidr} of replace_by lies in no range that is closed, so it is let in nowhere."
    if any(len(ingress_rules.settable(each.rule)) < len(each.rule["Tags"]) for each in offences):
        yield "Tags of a rule that begin with aws: are AWS's: rules that take its place, or bring it back, do not have them."
