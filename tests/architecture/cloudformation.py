"""Templates as CloudFormation would read them: the short forms, the SAM transform, and what parameters make of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT, REGION, ORGANIZATION = "111111111111", "eu-west-1", "o-exampleorgid"
NOTHING = object()  # AWS::NoValue
_REFERENCE = re.compile(r"\$\{([^!}][^}]*)\}")
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{TableName}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{Name}",
    "AWS::IAM::Role": "iam::{account}:role/{RoleName}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{FunctionName}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{LogGroupName}:*",
    "AWS::S3::Bucket": "s3:::{BucketName}",
    "AWS::Serverless::Function": "lambda:{region}:{account}:function:{FunctionName}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{QueueName}",
}
# What Ref gives is the ARN of these; of all others a name.
_BY_ARN = {
    "AWS::SNS::Topic": "sns:{region}:{account}:{TopicName}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{StateMachineName}",
}
_NAMES = ("FunctionName", "TableName", "BucketName", "QueueName", "RoleName", "LogGroupName", "Name")


class _Loader(yaml.SafeLoader):
    """Knows the short forms."""


def _short(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short)


@cache
def text(path: str) -> str:
    return (ROOT / path).read_text()


@cache
def template(path: str) -> dict[str, Any]:
    """As it is written, with the long forms. Not to be changed."""
    found: dict[str, Any] = yaml.load(text(path), _Loader)  # noqa: S506 - a safe loader
    return found


@dataclass(slots=True)
class Stack:
    """A template with its parameters. Resources have no conditions any more."""

    document: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        declared = self.document.get("Parameters", {})
        assert set(self.parameters) <= set(declared)
        self.parameters = {name: self.parameters.get(name, one.get("Default")) for name, one in declared.items()}

    @property
    def resources(self) -> dict[str, Any]:
        """Those whose condition holds, resolved."""
        return {
            name: {key: self.resolve(value) for key, value in one.items() if key != "Condition"}
            for name, one in self.document["Resources"].items()
            if self.holds(one.get("Condition"))
        }

    def of(self, kind: str) -> dict[str, Any]:
        """The properties of all resources of a type, by logical id."""
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def holds(self, name: str | None) -> bool:
        return name is None or bool(self.resolve(self.document["Conditions"][name]))

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, body)] = value.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._function(name, body)
        return {key: one for key, part in value.items() if (one := self.resolve(part)) is not NOTHING}

    def _function(self, name: str, body: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - a table of functions
        match name.removeprefix("Fn::"):
            case "Ref":
                return self._ref(body)
            case "Condition":
                return (
                    self.holds(body)
                    if body in self.document.get("Conditions", {})
                    else {"Condition": self.resolve(body)}
                )
            case "If":
                return self.resolve(body[1] if self.holds(body[0]) else body[2])
            case "Equals":
                return str(self.resolve(body[0])) == str(self.resolve(body[1]))
            case "Not":
                return not self.resolve(body[0])
            case "And":
                return all(map(self.resolve, body))
            case "Or":
                return any(map(self.resolve, body))
            case "Join":
                return body[0].join(self.resolve(body[1]))
            case "Split":
                return self.resolve(body[1]).split(body[0])
            case "Select":
                return self.resolve(body[1])[body[0]]
            case "FindInMap":
                first, second, third = map(self.resolve, body)
                return self.document["Mappings"][first][second][third]
            case "GetAtt":
                return self._attribute(*body)
            case "Sub":
                return self._substituted(body)
        raise AssertionError(name)

    def _substituted(self, body: Any) -> str:
        written, more = body if isinstance(body, list) else (body, {})
        own = {name: self.resolve(value) for name, value in more.items()}

        def put(match: re.Match[str]) -> str:
            name = match[1]
            if name in own:
                return str(own[name])
            return str(self._attribute(*name.split(".", 1)) if "." in name else self._ref(name))

        return _REFERENCE.sub(put, written)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT, "AWS::NoValue": NOTHING, "AWS::Partition": "aws", "AWS::Region": REGION,
            "AWS::StackName": "opalite", "AWS::URLSuffix": "amazonaws.com",
        }  # fmt: skip
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            value = self.parameters[name]
            kind = self.document["Parameters"][name]["Type"]
            return [one for one in value.split(",") if one] if kind == "CommaDelimitedList" else value
        resource = self.document["Resources"][name]
        if resource["Type"] in _BY_ARN:
            return self._arn(resource, _BY_ARN[resource["Type"]])
        properties = resource.get("Properties", {})
        return next((self.resolve(properties[key]) for key in _NAMES if key in properties), name)

    def _attribute(self, name: str, attribute: str) -> str:
        resource = self.document["Resources"][name]
        if attribute == "Arn" and resource["Type"] in _ARNS:
            return self._arn(resource, _ARNS[resource["Type"]])
        if attribute == "Arn" and resource["Type"] == "AWS::KMS::Key":
            return f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name.lower()}"
        return str(self._ref(name)) if attribute.endswith("Name") else f"{name}.{attribute}"

    def _arn(self, resource: Mapping[str, Any], form: str) -> str:
        given = {key: self.resolve(value) for key, value in resource["Properties"].items() if key in form}
        return "arn:aws:" + form.format(region=REGION, account=ACCOUNT, **given)


def transformed() -> dict[str, Any]:
    """template.yaml after the SAM transform, by the translator that AWS runs."""
    from samtranslator.translator.transform import transform  # noqa: PLC0415 - reads a megabyte of schemas

    document = deepcopy(template("template.yaml"))
    for one in document["Resources"].values():
        properties = one.get("Properties", {})
        for name in ("CodeUri", "ContentUri"):
            if name in properties:
                properties[name] = "s3://artifacts/code"
        if "DefinitionUri" in properties:
            properties["DefinitionUri"] = {"Bucket": "artifacts", "Key": "definition"}
    document["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code"
    found: dict[str, Any] = json.loads(json.dumps(transform(document, {}, _NoPolicies())))
    return found


class _NoPolicies:
    """Functions have their own roles: no managed policy is looked up."""

    def load(self) -> dict[str, str]:
        return {}
