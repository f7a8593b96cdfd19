"""What the deployed roles may do: each call of theirs by the policies that stand in MiniStack's IAM, and by those of resources.

As much of IAM as architecture.permissions knows. Of a call that names no resource here only action and conditions are looked at.
Permissions to encrypt are not asked for: the services use the key themselves, and nothing here encrypts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from architecture.permissions import is_allowed, listed
from emulation.deployment.emulator import MiniStack
from emulation.deployment.requests import Request
from emulation.deployment.requests import context as context_of
from emulation.faults import Call
from emulation.wire import Asked

# https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: needs no permission
_FREE = frozenset({"sts:GetCallerIdentity"})


@dataclass
class Permitted:
    """`refused`: actions and resources that a role asked for and may not have, by the role's ARN."""

    ministack: MiniStack
    home: str  # the account of the functions
    organization: tuple[str, str]
    refused: list[tuple[str, str, str | None]] = field(default_factory=list)
    asked: set[tuple[str, str]] = field(default_factory=set)  # names of roles, actions
    _policies: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def may(self, caller: str, call: Call, said: Asked) -> bool:
        """Whether the caller, an ARN of STS, may. What may not be is noted."""
        request, role = Request(call, said, self.organization), _role(caller)
        if call.action in _FREE:
            return True
        pairs = request.asks()
        self.asked |= {(role.rpartition("/")[2], action) for action, _ in pairs}
        wrong = [
            (role, action, resource) for action, resource in pairs if not self._may(role, request, action, resource)
        ]
        self.refused += wrong
        return not wrong

    def _may(self, role: str, request: Request, action: str, resource: str | None) -> bool:
        context = context_of(role, request, resource, self.organization[0])
        found = [*self._of_role(role), *self._of_resource(role, request, resource)]
        allowed = is_allowed(found, action, resource, context)
        return allowed and (request.call.service != "sts" or self._trusted(role, action, str(resource), context))

    def _trusted(self, role: str, action: str, wanted: str, context: Mapping[str, Any]) -> bool:
        _, _, _, _, account, name = wanted.split(":")
        iam = self.ministack.client("iam", account)
        try:
            trust = iam.get_role(RoleName=name.removeprefix("role/"))["Role"]["AssumeRolePolicyDocument"]
        except iam.exceptions.NoSuchEntityException:
            return False
        return is_allowed(_for(role, trust, _root(role)), action, None, context)

    def _of_role(self, role: str) -> list[Mapping[str, Any]]:
        if role not in self._policies:
            iam, name = self.ministack.client("iam", role.split(":")[4]), role.rpartition("/")[2]
            names = iam.list_role_policies(RoleName=name)["PolicyNames"]
            documents = [iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"] for one in names]
            for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
                version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
                documents.append(version["PolicyVersion"]["Document"])
            self._policies[role] = [one for document in documents for one in document["Statement"]]
        return self._policies[role]

    def _of_resource(self, role: str, request: Request, resource: str | None) -> list[Mapping[str, Any]]:
        """Of a bucket, a table, a topic or a key of the functions' account."""
        ask = self._attached.get(request.call.service) if request.call.account == self.home else None
        return _for(role, json.loads(ask(str(resource)))) if ask and resource else []

    @cached_property
    def _attached(self) -> Mapping[str, Callable[[str], str]]:
        home = {name: self.ministack.client(name, self.home) for name in ("dynamodb", "kms", "s3", "sns")}

        def of_table(arn: str) -> str:
            try:
                return str(home["dynamodb"].get_resource_policy(ResourceArn=arn.partition("/index/")[0])["Policy"])
            except home["dynamodb"].exceptions.PolicyNotFoundException:
                return '{"Statement": []}'

        return {
            "dynamodb": of_table,
            "kms": lambda arn: home["kms"].get_key_policy(KeyId=arn, PolicyName="default")["Policy"],
            "s3": lambda arn: home["s3"].get_bucket_policy(Bucket=arn.split(":")[5].split("/")[0])["Policy"],
            "sns": lambda arn: home["sns"].get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"],
        }


def _root(role: str) -> str:
    """Whom a trust policy names that leaves it to the policies of the role's account."""
    return f"{role.rpartition(':')[0]}:root"


def _role(caller: str) -> str:
    """arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION → the role's own ARN."""
    _, partition, _, _, account, rest = caller.split(":")
    return f"arn:{partition}:iam::{account}:role/{rest.split('/')[1]}"


def _for(role: str, document: Mapping[str, Any], *also: str) -> list[Mapping[str, Any]]:
    """The statements that name the role, one of `also`, or everybody."""
    principals = ((one, one.get("Principal")) for one in document["Statement"])
    named = {role, *also}
    return [
        one
        for one, who in principals
        if who == "*" or (isinstance(who, dict) and named & set(listed(who.get("AWS", []))))
    ]
