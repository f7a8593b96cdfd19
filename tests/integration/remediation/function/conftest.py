"""One OPA for each setting, and an organization for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integration.lambda_function.conftest import layers
from integration.remediation.function.scene import Scene, playing

__all__ = ["layers", "scene"]


@pytest.fixture
def scene(layers) -> Iterator[Scene]:
    with playing(layers) as made:
        yield made
