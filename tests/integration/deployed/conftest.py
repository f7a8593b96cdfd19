"""template.yaml deployed on this machine. MiniStack needs a botocore of its own: `make ministack` gives it an environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from emulation.aws import REGION, LocalAws
from emulation.deployment.emulator import PYTHON, MiniStack
from emulation.deployment.running import deployed
from emulation.deployment.story import MAIN, MEMBER, SETTINGS, Story


@pytest.fixture(autouse=True)
def _environment(monkeypatch) -> None:
    """Packages are made for this test: what is measured of them would belong to files that are gone."""
    if not PYTHON.is_file():
        pytest.skip("there is no MiniStack: `make ministack`")
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)  # the transform asks for it
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")


@pytest.fixture
def ministack() -> Iterator[MiniStack]:
    with MiniStack(REGION) as running:
        yield running


@pytest.fixture
def story(tmp_path) -> Iterator[Story]:
    """Everything that can be switched on, in an organization of three accounts and the one that manages it."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps(SETTINGS))
    with LocalAws() as aws, deployed(aws, tmp_path, MAIN, MEMBER, layer_options=f"--data {settings}") as running:
        yield Story(running)
        assert (aws.config.violations, aws.security_hub.violations) == ([], [])
