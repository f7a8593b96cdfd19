"""The stacks of template.yaml and deploy/, created in MiniStack as an operator creates them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from architecture.cloudformation import Stack, template
from emulation.deployment.emulator import MiniStack
from emulation.deployment.packages import Built, packaged

# Types that MiniStack does not know. Something that does nothing stands for each; who else carries them out, or that nobody does:
UNKNOWN = {
    "AWS::Config::ConfigRule": "emulation.config_service",
    "AWS::Config::OrganizationConfigRule": "emulation.config_service",
    "AWS::Lambda::ResourcePolicy": "emulation.deployment.permitted",
    "AWS::SSM::Document": "nobody",
}
_NOTHING = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
_KEPT = ("Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy")
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack that is there. `left_out`: logical ids of what MiniStack could not make, with the type."""

    account: str
    outputs: Mapping[str, str]
    resources: Mapping[str, str]  # logical id → physical id
    left_out: Mapping[str, str]


class Stacks:
    """`create_main` is `sam deploy`, `create_member` what a StackSet does in a member account."""

    def __init__(self, ministack: MiniStack, account: str) -> None:
        self._ministack, self._account = ministack, account

    def create_main(self, built: Built, parameters: Mapping[str, str]) -> Deployed:
        """Raises AssertionError with what CloudFormation says if a resource cannot be made."""
        self._make_bucket(self._account)
        document = packaged(built, lambda key, content: self._put(self._account, key, content))
        for one in document["Resources"].values():
            if one["Type"] == "AWS::CloudFormation::Stack":
                path = one["Properties"]["TemplateURL"]
                nested, _ = _known(template(path))
                one["Properties"]["TemplateURL"] = self._url(self._account, path, nested)
        made = self._create(self._account, "opalite", document, parameters)
        self._guard_tables(parameters)
        return made

    def create_member(self, account: str, parameters: Mapping[str, str]) -> Deployed:
        self._make_bucket(account)
        return self._create(account, "opalite-member", template("deploy/member.yaml"), parameters)

    def nested(self, main: Deployed, name: str) -> Stack:
        """A nested stack by its logical id, as it is written, with the parameters that it was given."""
        path = template("template.yaml")["Resources"][name]["Properties"]["TemplateURL"]
        (stack,) = self._cloudformation(main.account).describe_stacks(StackName=main.resources[name])["Stacks"]
        given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", ())}
        return Stack(template(path), given)

    def _create(self, account: str, name: str, document: Mapping[str, Any], parameters: Mapping[str, str]) -> Deployed:
        cloudformation = self._cloudformation(account)
        known, left_out = _known(document)
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=self._url(account, f"{name}.json", known),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        end = time.monotonic() + _PATIENCE
        while True:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            if not stack["StackStatus"].endswith("IN_PROGRESS") or time.monotonic() > end:
                break
            time.sleep(0.1)
        assert stack["StackStatus"] == "CREATE_COMPLETE", self._why(cloudformation, name)
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        resources = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}
        outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
        return Deployed(account, outputs, resources, {key: kind for key, kind in left_out.items() if key in resources})

    def _guard_tables(self, parameters: Mapping[str, str]) -> None:
        """MiniStack passes over the policy of a table, and has the call that sets it."""
        client = self._ministack.client("dynamodb", self._account)
        for one in Stack(template("template.yaml"), parameters).of("AWS::DynamoDB::Table").values():
            if "ResourcePolicy" in one:
                arn = client.describe_table(TableName=one["TableName"])["Table"]["TableArn"]
                client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(one["ResourcePolicy"]["PolicyDocument"]))

    def _why(self, cloudformation: Any, name: str) -> str:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [one for one in events if one["ResourceStatus"].endswith("FAILED")]
        told = [f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason')}" for one in failed]
        return "; ".join(told) or self._ministack.log[-2000:]

    def _cloudformation(self, account: str) -> Any:
        return self._ministack.client("cloudformation", account)

    def _make_bucket(self, account: str) -> None:
        """For packages and templates: CloudFormation reads those of its own account."""
        where = {"LocationConstraint": self._ministack.region}
        self._ministack.client("s3", account).create_bucket(Bucket=_bucket(account), CreateBucketConfiguration=where)

    def _put(self, account: str, key: str, content: bytes) -> str:
        self._ministack.client("s3", account).put_object(Bucket=_bucket(account), Key=key, Body=content)
        return f"s3://{_bucket(account)}/{key}"

    def _url(self, account: str, key: str, document: Mapping[str, Any]) -> str:
        self._put(account, key, json.dumps(document).encode())
        return f"{self._ministack.url}/{_bucket(account)}/{key}"


def _bucket(account: str) -> str:
    return f"artifacts-{account}"


def _known(document: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The template with something that does nothing for what MiniStack cannot make; and what that is."""
    left_out = {name: one["Type"] for name, one in document["Resources"].items() if _is_unknown(one)}
    resources = {
        name: {**_NOTHING, **{key: one[key] for key in _KEPT if key in one}} if name in left_out else one
        for name, one in document["Resources"].items()
    }
    return {**document, "Resources": resources}, left_out


def _is_unknown(resource: Mapping[str, Any]) -> bool:
    """Of alarms it knows those of one metric only."""
    arithmetic = resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]
    return resource["Type"] in UNKNOWN or arithmetic
