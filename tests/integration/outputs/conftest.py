"""The whole function with its outputs, in this process: a real OPA behind the socket, and an AWS organization on the loopback."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulation.aws import ACCOUNTS, REGION, LocalAws
from integration.lambda_function.deployed import ROLE, Deployed, Layers, all_layers, deploying
from integration.outputs.scene import ON, Hubs, Scene, atomic_writes, owned_buckets

MEMBER = ACCOUNTS[1]
_ITEMS_OF, _ITEMS_IN = "111122223333", "eu-central-1"  # account and Region of tests/data/items


@pytest.fixture(scope="session")
def layers(opa) -> Iterator[Layers]:
    with all_layers(opa) as made:
        yield made


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """How long botocore and the function would have waited before they tried again."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.fixture
def scene() -> Iterator[Scene]:
    """Three accounts. Whatever is done there: nothing is said that AWS Config or Security Hub would not take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # reading them takes seconds
        hubs = Hubs()
        hubs.taking(patch)
        owned_buckets(patch)
        atomic_writes(patch)
        with LocalAws() as running:
            for account in running.accounts[1:]:
                running.allow_role(account, ROLE)
            made = Scene(running, hubs)
            made.set_up()
            yield made
            assert (running.config.violations, hubs.malformed) == ([], [])


@pytest.fixture
def aws(scene) -> LocalAws:
    return scene.aws


@pytest.fixture
def deploy(layers, slept, aws) -> Iterator[Callable[..., Deployed]]:
    """The function with all outputs; a variable that is None is not set. `layer`: what is laid over the settings."""
    with deploying(layers) as deployed:
        yield lambda layer=None, **variables: deployed(aws, layer=layer, **{**ON, **variables})


@pytest.fixture
def function(deploy) -> Deployed:
    """The function with all outputs, the shipped policies and settings."""
    return deploy()


@pytest.fixture(scope="session")
def recorded(repository) -> Callable[..., dict[str, Any]]:
    """An item of tests/data/items as if it were a member's, with some members of it replaced."""

    def made(name: str, account: str = MEMBER, **members: Any) -> dict[str, Any]:
        text = (repository / "tests" / "data" / "items" / f"{name}.json").read_text(encoding="utf-8")
        return json.loads(text.replace(_ITEMS_OF, account).replace(_ITEMS_IN, REGION)) | members

    return made


@pytest.fixture(scope="session")
def group(recorded) -> Callable[..., dict[str, Any]]:
    """A security group of the payments team that passes, or with a port open to the world, as recorded at some time of the day."""

    def made(
        resource_id: str, account: str = MEMBER, *, opened: int | None = None, at: str = "08:15:30.412", **members: Any
    ):
        when = {"configurationItemCaptureTime": f"2026-03-02T{at}Z", "tags": {"owner": "payments", "env": "prod"}}
        item = recorded("ec2-security-group.event", account, resourceId=resource_id, **{**when, **members})
        item["ARN"] = f"arn:aws:ec2:{item['awsRegion']}:{account}:security-group/{resource_id}"
        if item["configuration"]:
            item["configuration"]["tags"] = []
        if opened is not None:
            item["configuration"]["ipPermissions"].append(
                {
                    "fromPort": opened, "toPort": opened, "ipProtocol": "tcp", "ipv6Ranges": [], "prefixListIds": [],
                    "userIdGroupPairs": [], "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"],
                }
            )  # fmt: skip
        return item

    return made


@pytest.fixture(scope="session")
def bucket(recorded) -> Callable[..., dict[str, Any]]:
    """A bucket that is encrypted with a key, or without one of its own."""

    def made(*, at: str = "08:15:30.412", key: str = "") -> dict[str, Any]:
        item = recorded("s3-bucket.event", configurationItemCaptureTime=f"2026-03-02T{at}Z")
        encryption = {"sseAlgorithm": "aws:kms" if key else "AES256", "kmsMasterKeyID": key}
        rules = item["supplementaryConfiguration"]["ServerSideEncryptionConfiguration"]["rules"]
        rules[0]["applyServerSideEncryptionByDefault"] = encryption
        return item

    return made


@pytest.fixture
def key(aws) -> str:
    """A customer managed key of the member."""
    return aws.client("kms", MEMBER).create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def rule(aws) -> Any:
    """A Config rule of the policy on open ports, in a member."""
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": "aws.ec2.securitygroup.restricted_ingress"})
