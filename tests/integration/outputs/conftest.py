"""The whole function with its outputs, in this process: a real OPA behind the socket, and an AWS organization on the loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulation.aws import ACCOUNTS, LocalAws
from integration.lambda_function.conftest import key, layers, recorded, security_group, slept
from integration.lambda_function.deployed import ROLE, Deployed, deploying
from integration.outputs.scene import ON, Hubs, Scene, atomic_writes, owned_buckets

MEMBER = ACCOUNTS[1]

__all__ = ["aws", "bucket", "deploy", "function", "group", "key", "layers", "recorded", "rule", "scene", "slept"]


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
def group(recorded) -> Callable[..., dict[str, Any]]:
    """A security group of the payments team that passes, or with a port open to the world, as recorded at some time of the day."""

    def made(
        resource_id: str, account: str = MEMBER, *, opened: int | None = None, at: str = "08:15:30.412", **members: Any
    ):
        when = {"configurationItemCaptureTime": f"2026-03-02T{at}Z", "tags": {"owner": "payments", "env": "prod"}}
        item = security_group(recorded, resource_id, account, opened, **{**when, **members})
        if item["configuration"]:
            item["configuration"]["tags"] = []
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
def rule(aws) -> Any:
    """A Config rule of the policy on open ports, in a member."""
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": "aws.ec2.securitygroup.restricted_ingress"})
