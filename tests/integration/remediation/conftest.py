"""Somebody at a terminal, for the tests of the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.remediation.terminal import Terminal, sitting


@pytest.fixture(scope="package", autouse=True)
def _no_images() -> Iterator[None]:
    """moto would read thousands of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        yield


@pytest.fixture
def terminal(opalite, item, tmp_path) -> Iterator[Terminal]:
    folder = tmp_path / "here"
    folder.mkdir()
    with sitting(opalite, folder, item("ec2-security-group.event")) as ready:
        yield ready
