"""Somebody at a terminal, for the tests of the command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.remediation.terminal import Terminal, sitting


@pytest.fixture
def terminal(opalite, item, tmp_path) -> Iterator[Terminal]:
    folder = tmp_path / "here"
    folder.mkdir()
    with sitting(opalite, folder, item("ec2-security-group.event")) as ready:
        yield ready
