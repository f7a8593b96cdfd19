"""Requests as IAM looks at them: actions, resources and condition keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from emulation.faults import Call
from emulation.wire import Asked

# What IAM calls the operations that have another name there.
NAMES = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "sns:PublishBatch": "sns:Publish",
}


@dataclass(frozen=True, slots=True)
class Request:
    """A call with what is in it. `organization`: its id and that of the account that manages it."""

    call: Call
    said: Asked
    organization: tuple[str, str]

    def actions(self) -> list[str]:
        """What IAM looks for: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html."""
        more = ["sts:SetSourceIdentity"] if self.call.service == "sts" and "SourceIdentity" in self.body() else []
        return [NAMES.get(self.call.action, self.call.action), *more]

    def asks(self) -> list[tuple[str, str | None]]:
        """The actions and the ARNs that IAM would look at; None for any."""
        if self.call.operation == "TransactWriteItems":
            return list(_transaction(self))
        find = _RESOURCES.get(self.call.service)
        resources = list(find(self)) if find else [None]
        return [(action, resource) for action in self.actions() for resource in resources]

    def body(self) -> dict[str, Any]:
        """What was sent, by names, whatever the protocol."""
        if self.said.body[:1] == b"{":
            return dict(json.loads(self.said.body))
        return {name: values[0] for name, values in parse_qs(self.said.body.decode("utf-8", "replace")).items()}

    def arn(self, rest: str) -> str:
        return f"arn:aws:{self.call.service}:{self.call.region}:{self.call.account}:{rest}"


def _tables(request: Request) -> Iterator[str]:
    body = request.body()
    for name in body.get("RequestItems") or [body["TableName"]]:
        index = f"/index/{body['IndexName']}" if "IndexName" in body else ""
        yield request.arn(f"table/{name}{index}")


def _transaction(request: Request) -> Iterator[tuple[str, str]]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html: by the single writes."""
    for item in request.body()["TransactItems"]:
        for kind, one in item.items():
            action = "ConditionCheckItem" if kind == "ConditionCheck" else f"{kind}Item"
            yield f"dynamodb:{action}", request.arn(f"table/{one['TableName']}")


def _objects(request: Request) -> Iterator[str]:
    yield f"arn:aws:s3:::{unquote(request.said.path).strip('/')}"


def _queues(request: Request) -> Iterator[str]:
    yield request.arn(request.body()["QueueUrl"].rpartition("/")[2])


def _functions(request: Request) -> Iterator[str]:
    name = unquote(request.said.path.split("/")[3]).rpartition(":")[2]
    yield request.arn(f"function:{name}")


def _members(request: Request) -> Iterator[str | None]:
    name = next((value for key, value in request.body().items() if key in ("AccountId", "ChildId")), None)
    organization, management = request.organization
    kind = "account" if name and name.isdecimal() else "ou"
    yield f"arn:aws:organizations::{management}:{kind}/{organization}/{name}" if name else None


def _hubs(request: Request) -> Iterator[str]:
    product = f"product/{request.call.account}/default"
    yield request.arn(product if request.call.operation == "BatchImportFindings" else "hub/default")


def _named(*members: str) -> Callable[[Request], Iterator[str | None]]:
    def named(request: Request) -> Iterator[str | None]:
        body = request.body()
        yield next((body[name] for name in members if name in body), None)

    return named


_RESOURCES: Mapping[str, Callable[[Request], Iterator[str | None]]] = {
    "dynamodb": _tables,
    "kms": _named("KeyId"),
    "lambda": _functions,
    "organizations": _members,
    "s3": _objects,
    "securityhub": _hubs,
    "sns": _named("TopicArn"),
    "sqs": _queues,
    "states": _named("stateMachineArn"),
    "sts": _named("RoleArn"),
}


def context(role: str, request: Request, resource: str | None, organization: str) -> dict[str, Any]:
    """The condition keys that are known of a call."""
    account = request.call.account
    owner = (resource or "").split(":")[4:5]
    given = {
        "aws:PrincipalAccount": role.split(":")[4],
        "aws:PrincipalArn": role,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalOrgID": organization,
        "aws:ResourceAccount": owner[0] if owner and owner[0] else account,
        "aws:ResourceOrgID": organization,
        "aws:SecureTransport": "true",  # the loopback has none
    }
    headers = {f"s3:{name}": value for name, value in request.said.headers.items() if name.startswith("x-amz-")}
    if request.call.service == "s3":
        return given | headers
    body = request.body()
    known = {f"sts:{name}": body[name] for name in ("ExternalId", "RoleSessionName", "SourceIdentity") if name in body}
    if request.call.service == "kms" and "MacAlgorithm" in body:
        known["kms:MacAlgorithm"] = body["MacAlgorithm"]
    if request.call.service == "securityhub":
        known["securityhub:TargetAccount"] = account
        known |= dict(_paths(body)) if request.call.operation == "BatchUpdateFindings" else {}
    return given | known


def _paths(body: Mapping[str, Any], before: str = "securityhub:ASFFSyntaxPath/") -> Iterator[tuple[str, Any]]:
    """https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchupdatefindings.html: a key for each member."""
    for name, value in body.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
