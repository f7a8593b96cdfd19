"""A security group in moto, and one attempt at it: read, judged by the real OPA, planned, simulated, carried out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from integration.remediation.driver import REGION, Crash, client_of
from opalite.adapters.aws.sessions import AwsSessions
from opalite.facts.given import GivenFacts
from opalite.judge import Judge
from opalite.model import Decision, Item, Outcome
from opalite.normalize import resource
from opalite.remediation.action import Found
from opalite.remediation.actions.revoke_ingress import ACTION
from opalite.remediation.applying import Applied, Progress, apply
from opalite.remediation.model import Call, Plan, State, Target

POLICY = "aws.ec2.securitygroup.restricted_ingress"
AT = "2026-11-29T12:00:00.000Z"


@dataclass
class Scene:
    """`account`: whose parameters of the policy count, see conftest's overlay."""

    engine: Any
    catalog: Any
    account: str
    applied: dict[str, Applied] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sessions = AwsSessions(lambda: datetime.now(UTC), role="OpaliteMend")  # noqa: TID251 - moto's sessions end by it
        self.ec2 = client_of(self.account, "ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        self.group = self.ec2.create_security_group(GroupName="web", Description="web tier", VpcId=self.vpc)["GroupId"]

    # What people have made.

    def rule(self, protocol: str, ports: tuple[int, int] | None = None, *, tags=(), **source: Any) -> None:
        """`source`: cidr, cidr6, group or prefix_list, and description."""
        description = {"Description": source.pop("description")} if "description" in source else {}
        ((kind, value),) = source.items()
        member, name = {
            "cidr": ("IpRanges", "CidrIp"),
            "cidr6": ("Ipv6Ranges", "CidrIpv6"),
            "group": ("UserIdGroupPairs", "GroupId"),
            "prefix_list": ("PrefixListIds", "PrefixListId"),
        }[kind]
        permission = {"IpProtocol": protocol, member: [{name: value, **description}]}
        if ports:
            permission |= {"FromPort": ports[0], "ToPort": ports[1]}
        tagged = [
            {"ResourceType": "security-group-rule", "Tags": [{"Key": k, "Value": v} for k, v in dict(tags).items()]}
        ]
        more = {"TagSpecifications": tagged} if tags else {}
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=[permission], **more)

    # What the attempt sees and does.

    @property
    def target(self) -> Target:
        return Target(
            policy_id=POLICY,
            partition="aws",
            account_id=self.account,
            region=REGION,
            resource_type="AWS::EC2::SecurityGroup",
            resource_id=self.group,
        )

    def ask(self, service: str):
        return self.sessions.service(service, self.account, REGION)

    def read(self) -> State:
        return ACTION.read(self.ask, self.target)

    def judged(self, state: State) -> Decision:
        judge = Judge(self.engine, self.catalog, frozenset({POLICY}), GivenFacts({}))
        question = judge.question(resource(Item({**state.item, "configurationItemCaptureTime": AT}, "test")), AT)
        ((decision,),) = judge.first([question])
        return decision

    def planned(self, **parameters: Any) -> Plan:
        state = self.read()
        return ACTION.plan(Found(self.target, state, self.judged(state), parameters, AT))

    def applied_to_the_end(self, plan: Plan, crash_at: int | None = None) -> None:
        """`crash_at`: the number of the note at which the function dies, before it is kept."""
        notes = 0

        def note(one: Applied) -> None:
            nonlocal notes
            notes += 1
            if notes == crash_at:
                raise Crash
            self.applied[one.name] = replace(one)

        apply(self.ask, plan.steps, self.applied, note)

    def taken_back(self) -> None:
        for one in reversed(self.applied.values()):
            if one.progress not in (Progress.BEGUN, Progress.NOT_MADE) and one.inverse is not None:
                self.call(one.inverse)
        self.applied.clear()

    def call(self, call: Call) -> None:
        self.ask(call.service).ask(call.operation, **call.parameters)

    def mended(self, **parameters: Any) -> list[str]:
        """The whole attempt; the rules that it leaves."""
        state = self.read()
        decision = self.judged(state)
        assert decision.outcome is Outcome.FAIL
        plan = ACTION.plan(Found(self.target, state, decision, parameters, AT))
        assert plan.refusal == ""
        simulated = ACTION.simulated(state, plan)
        assert self.judged(simulated).outcome is Outcome.PASS
        self.applied_to_the_end(plan)
        after = self.read()
        assert said(after) == said(simulated)  # what was foretold is what came
        assert self.judged(after).outcome is Outcome.PASS
        assert self.planned(**parameters) == Plan(action="revoke_ingress")
        return self.rules()

    def rules(self) -> list[str]:
        """In one line each: protocol, ports, source, description, tags."""
        return [line(rule) for rule in self.read().details["rules"]]


def line(rule: dict[str, Any]) -> str:
    source = (
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or rule["ReferencedGroupInfo"]["GroupId"]
    )
    told = f" ({rule['Description']})" if "Description" in rule else ""
    tags = "".join(f" {tag['Key']}={tag['Value']}" for tag in rule["Tags"])
    return f"{rule['IpProtocol']} {rule['FromPort']}-{rule['ToPort']} {source}{told}{tags}"


def said(state: State) -> list[dict[str, Any]]:
    """The rules without their ids, which EC2 gives."""
    return [{k: v for k, v in rule.items() if k != "SecurityGroupRuleId"} for rule in state.details["rules"]]
