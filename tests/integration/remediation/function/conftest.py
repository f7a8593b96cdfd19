"""One OPA for each setting, and an organization for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.lambda_function.deployed import Layers, all_layers
from integration.remediation.function.scene import Scene, playing


@pytest.fixture(scope="session")
def layers(opa) -> Iterator[Layers]:
    with all_layers(opa) as made:
        yield made


@pytest.fixture
def scene(layers) -> Iterator[Scene]:
    with playing(layers) as made:
        yield made
