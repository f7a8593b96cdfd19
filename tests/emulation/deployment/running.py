"""The whole deployment: stacks, roles, Config rules and functions, one endpoint for all, and whoever invokes the functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from architecture.permissions import is_allowed
from emulation.aws import LocalAws
from emulation.deployment import packages
from emulation.deployment.emulator import MiniStack
from emulation.deployment.front import Front
from emulation.deployment.functions import environ, function
from emulation.deployment.permitted import Permitted
from emulation.deployment.relay import Relay
from emulation.deployment.stacks import Deployed, Stacks
from emulation.lambda_environment import LocalLambda
from emulation.lambda_results import Result
from emulation.organization import MANAGEMENT
from emulation.rules import Rule

FUNCTIONS = ("RulesFunction", "SweepFunction", "RemediationFunction")
_RULE = "AWS::Config::OrganizationConfigRule"
_INVOKE = "lambda:InvokeFunction"


@dataclass
class Deployment:
    """`functions`: by their names. `invoked`: names, events and results of all invocations, in their order."""

    aws: LocalAws
    ministack: MiniStack
    stacks: Stacks
    main: Deployed
    members: Mapping[str, Deployed]
    permitted: Permitted
    front: Front
    rules: Mapping[tuple[str, str], Rule]  # account, name
    functions: Mapping[str, LocalLambda] = field(default_factory=dict)
    invoked: list[tuple[str, Any, Result]] = field(default_factory=list)

    @property
    def home(self) -> str:
        return self.main.account

    def client(self, service: str) -> Any:
        """What the stack has made; the client may do all."""
        return self.ministack.client(service, self.home)

    def config_invokes(self, event: Any, rule: Rule) -> None:
        """As AWS Config does it, if Lambda lets it. Raises PermissionError."""
        (policy,) = self.stacks.nested(self.main, "InvocationByPolicy").of("AWS::Lambda::ResourcePolicy").values()
        context = {"aws:SourceAccount": rule.account, "aws:SourceArn": rule.arn}
        if not is_allowed(policy["PolicyDocument"]["Statement"], _INVOKE, rule.function_arn, context):
            raise PermissionError(f"{rule.arn} may not invoke {rule.function_arn}")
        self.client("lambda").invoke(FunctionName=rule.function_arn, InvocationType="Event", Payload=json.dumps(event))

    def put_event(self, event: Mapping[str, Any]) -> None:
        """An event of an AWS service onto the bus. Account and Region are those of the bus."""
        entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
        done = self.client("events").put_events(Entries=[{**entry, "Resources": event.get("resources", [])}])
        assert done["FailedEntryCount"] == 0, done

    def fire(self, name: str, at: str) -> None:
        """What EventBridge sends when the time of the schedule has come."""
        events = self.client("events")
        rule = events.describe_rule(Name=name)
        assert rule["ScheduleExpression"]
        scheduled = {
            "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": self.home, "time": at, "region": self.aws.region,
            "resources": [rule["Arn"]], "detail": {},
        }  # fmt: skip
        for target in events.list_targets_by_rule(Rule=name)["Targets"]:
            statements = json.loads(self.client("lambda").get_policy(FunctionName=target["Arn"])["Policy"])["Statement"]
            context = {f"{prefix}:SourceArn": rule["Arn"] for prefix in ("AWS", "aws")}
            context |= {f"{prefix}:SourceAccount": self.home for prefix in ("AWS", "aws")}
            if not is_allowed(statements, _INVOKE, target["Arn"], context):
                raise PermissionError(f"{rule['Arn']} may not invoke {target['Arn']}")
            payload = target.get("Input") or json.dumps(scheduled)
            self.client("lambda").invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=payload)

    def invoke(self, name: str, event: Any) -> Result:
        """One invocation as Lambda runs it, whoever has asked for it."""
        result = self.functions[name].invoke(event)
        self.invoked.append((name, event, result))
        return result

    def environ(self, role: str, session: str) -> dict[str, str]:
        """What leads boto3 to all of this, with a role of the functions' account."""
        return environ(self.aws, self.front.url, self.home, role, session)


@contextmanager
def deployed(
    aws: LocalAws, folder: Path, parameters: Mapping[str, str], members: Mapping[str, str], *, layer_options: str = ""
) -> Iterator[Deployment]:
    """`parameters` of template.yaml; `members`: those of deploy/member.yaml that do not follow from the outputs of the main stack.

    `layer_options`: as for `make -C extension`, with paths from the top.
    """
    built = packages.build(folder / "built", layer_options)
    told = aws.client("organizations", MANAGEMENT).describe_organization()["Organization"]
    organization = {"OrganizationId": told["Id"], "ExternalId": parameters["ExternalId"]}
    with ExitStack() as stack:
        ministack = stack.enter_context(MiniStack(aws.region))
        stacks = Stacks(ministack, aws.accounts[0])
        main = stacks.create_main(built, {"Architecture": packages.ARCHITECTURE, **parameters, **organization})
        roles = {
            name: main.outputs[name] for name in ("FunctionRoleArns", "RemediationRoleArns") if name in main.outputs
        }
        given = {**members, **organization, **roles}
        made = {account: stacks.create_member(account, given) for account in aws.accounts[1:]}
        for account, one in made.items():
            for role in one.resources.values():
                aws.allow_role(account, role, external_id=parameters["ExternalId"])
        permitted = Permitted(ministack, main.account, (told["Id"], told["MasterAccountId"]))
        front = Front(aws, ministack, permitted)
        front.start()
        stack.callback(front.stop)
        running = Deployment(aws, ministack, stacks, main, made, permitted, front, _rules(aws, stacks, main))
        ids = [name for name in FUNCTIONS if name in main.resources]
        running.functions = {
            main.resources[name]: stack.enter_context(
                function(running.client("lambda"), main.resources[name], folder / "run", running.environ)
            )
            for name in ids
        }
        relay = Relay(running.invoke)
        relay.start()
        stack.callback(relay.stop)
        for name in running.functions:
            configured = running.client("lambda").get_function_configuration(FunctionName=name)
            package = relay.package(configured["Handler"])
            running.client("lambda").update_function_code(FunctionName=name, ZipFile=package)
        yield running


def _rules(aws: LocalAws, stacks: Stacks, main: Deployed) -> dict[tuple[str, str], Rule]:
    """The organization's rules, in every account that is not excluded, as AWS Config makes them there."""
    if "OrganizationRules" not in main.resources:
        return {}
    found = {}
    for one in stacks.nested(main, "OrganizationRules").of(_RULE).values():
        metadata = one["OrganizationCustomRuleMetadata"]
        for account in set(aws.accounts) - set(one.get("ExcludedAccounts", ())):
            scope = (
                {"ComplianceResourceTypes": metadata["ResourceTypesScope"]}
                if "ResourceTypesScope" in metadata
                else None
            )
            found[account, one["OrganizationConfigRuleName"]] = aws.config.rule(
                account,
                one["OrganizationConfigRuleName"],
                function_arn=metadata["LambdaFunctionArn"],
                parameters=json.loads(metadata.get("InputParameters", "{}")),
                scope=scope,
                message_types=tuple(metadata["OrganizationConfigRuleTriggerTypes"]),
            )
    return found
