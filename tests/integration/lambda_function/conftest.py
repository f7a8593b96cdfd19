"""The whole function: its composition root in this process, a real OPA behind the socket, and an AWS organization on the loopback."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulation.aws import ACCOUNTS, REGION, LocalAws
from integration.lambda_function.deployed import ROLE, Deployed, Layers, all_layers, deploying

ADMIN, MEMBER, OTHER = ACCOUNTS
_ITEMS_OF, _ITEMS_IN = "111122223333", "eu-central-1"  # account and Region of tests/data/items


@pytest.fixture(scope="session")
def layers(opa) -> Iterator[Layers]:
    with all_layers(opa) as made:
        yield made


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """How long botocore and the function would have waited before they tried again. `deploy` asks for it before it makes any."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@contextlib.contextmanager
def _organization() -> Iterator[LocalAws]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # reading them takes seconds
        with LocalAws() as running:
            for account in running.accounts[1:]:
                running.allow_role(account, ROLE)
            yield running
            assert running.config.violations == []  # nothing was asked of AWS Config that it would not take


@pytest.fixture
def aws() -> Iterator[LocalAws]:
    """Three accounts, in which the member role can be assumed."""
    with _organization() as running:
        yield running


@pytest.fixture
def deploy(layers, slept) -> Iterator[Callable[..., Deployed]]:
    """The function with its environment; a variable that is None is not set. `layer`: what is laid over the settings."""
    with deploying(layers) as deployed:
        yield deployed


@pytest.fixture
def function(deploy, aws) -> Deployed:
    """The function for the organization, with the shipped policies and settings."""
    return deploy(aws)


@pytest.fixture(scope="module")
def shared(layers) -> Iterator[Deployed]:
    """The same for all tests of a module: for long tables of events that leave nothing behind."""
    with _organization() as running, deploying(layers) as deployed:
        yield deployed(running)


@pytest.fixture(scope="session")
def recorded(repository) -> Callable[..., dict[str, Any]]:
    """An item of tests/data/items as if it were a member's, with some members of it replaced."""

    @functools.cache
    def text_of(name: str) -> str:
        return (repository / "tests" / "data" / "items" / f"{name}.json").read_text(encoding="utf-8")

    def made(name: str, account: str = MEMBER, *, region: str = REGION, **members: Any) -> dict[str, Any]:
        return json.loads(text_of(name).replace(_ITEMS_OF, account).replace(_ITEMS_IN, region)) | members

    return made


@pytest.fixture(scope="session")
def group(recorded) -> Callable[..., dict[str, Any]]:
    """A security group that passes, or with a port open to the world."""

    def made(
        resource_id: str = "sg-0b1c2d3e4f5a6b7c8", account: str = MEMBER, *, opened: int | None = None, **members: Any
    ):
        return security_group(recorded, resource_id, account, opened, **members)

    return made


def security_group(
    recorded: Callable[..., dict[str, Any]], resource_id: str, account: str, opened: int | None, **members: Any
) -> dict[str, Any]:
    item = recorded("ec2-security-group.event", account, resourceId=resource_id, **members)
    item["ARN"] = f"arn:aws:ec2:{item['awsRegion']}:{account}:security-group/{resource_id}"
    if opened is not None:
        item["configuration"]["ipPermissions"].append(
            {
                "fromPort": opened, "toPort": opened, "ipProtocol": "tcp", "ipv6Ranges": [], "prefixListIds": [],
                "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"],
            }
        )  # fmt: skip
    return item


@pytest.fixture(scope="session")
def bucket(recorded) -> Callable[..., dict[str, Any]]:
    """A bucket that blocks public access, refuses plain HTTP unless told otherwise, and is encrypted with AES256 or a key."""

    def made(
        name: str = "orders-archive-eu", account: str = MEMBER, *, key: str | None = None, tls: bool = True, **members
    ):
        item = recorded("s3-bucket.event", account, **members)
        item = json.loads(json.dumps(item).replace("orders-archive-eu", name))
        encryption = {"sseAlgorithm": "aws:kms" if key else "AES256", "kmsMasterKeyID": key or ""}
        more = item["supplementaryConfiguration"]
        more["ServerSideEncryptionConfiguration"]["rules"][0]["applyServerSideEncryptionByDefault"] = encryption
        resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"] if tls else f"arn:aws:s3:::{name}/*"
        policy = json.loads(more["BucketPolicy"]["policyText"])
        policy["Statement"][0]["Resource"] = resources
        more["BucketPolicy"]["policyText"] = json.dumps(policy)
        return item

    return made


@pytest.fixture
def key(aws) -> str:
    """A customer managed key of the member."""
    return aws.client("kms", MEMBER).create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def rule_of(aws) -> Callable[..., Any]:
    """A Config rule of one policy, in a member."""

    def made(policy: str, account: str = MEMBER) -> Any:
        return aws.config.rule(account, policy.rpartition(".")[2], parameters={"policies": policy})

    return made


@pytest.fixture
def put(aws) -> Callable[..., None]:
    """Results that AWS Config holds already, of resources by type and id."""

    def made(rule: Any, *keys: tuple[str, str], compliance_type: str = "COMPLIANT") -> None:
        entries = [
            {
                "ComplianceResourceType": kind,
                "ComplianceResourceId": name,
                "ComplianceType": compliance_type,
                "Annotation": "before",
                "OrderingTimestamp": "2026-03-01T12:00:00.000Z",
            }
            for kind, name in keys
        ]
        client, token = aws.client("config", rule.account), aws.config.token(rule.account, rule)
        client.put_evaluations(Evaluations=entries, ResultToken=token)
        aws.config.put_calls.clear()

    return made
