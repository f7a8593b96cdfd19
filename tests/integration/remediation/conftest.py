"""Somebody at a terminal, for the tests of the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.lambda_function.deployed import models_read_once
from integration.remediation.terminal import Terminal, sitting


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Each client would read those of its service anew: a second for each test."""
    with pytest.MonkeyPatch.context() as patch, models_read_once():
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture
def terminal(opalite, item, tmp_path) -> Iterator[Terminal]:
    folder = tmp_path / "here"
    folder.mkdir()
    with sitting(opalite, folder, item("ec2-security-group.event")) as ready:
        yield ready
