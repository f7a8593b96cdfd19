"""Somebody at a terminal, for the tests of the command; an AWS in memory and the shipped catalog, for those of actions."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest
from moto import mock_aws

from integration.remediation.driver import running
from integration.remediation.terminal import Terminal, sitting
from opalite.catalog import Catalog
from opalite.engine.server import ManagedOpa


@pytest.fixture(autouse=True)
def _no_images() -> Iterator[None]:
    """moto would read thousands of them. For each test, so that none of those who run later does without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture
def terminal(opalite, item, tmp_path) -> Iterator[Terminal]:
    folder = tmp_path / "here"
    folder.mkdir()
    with sitting(opalite, folder, item("ec2-security-group.event")) as ready:
        yield ready


@pytest.fixture
def aws(credentials) -> Iterator[None]:
    """moto's, empty."""
    with mock_aws():
        yield


@pytest.fixture(scope="session")
def catalog(repository) -> Catalog:
    """That of the shipped policies."""
    return Catalog(orjson.loads((repository / "data" / "catalog" / "data.json").read_bytes()))


@pytest.fixture(scope="module")
def judges(request, opa, tmp_path_factory) -> Iterator[tuple[ManagedOpa, Catalog]]:
    """An OPA with the parameters of policies that the module calls SETTINGS, and its catalog."""
    with running(opa, tmp_path_factory.mktemp("settings"), request.module.SETTINGS) as both:
        yield both
