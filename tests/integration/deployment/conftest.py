"""The whole function and the sweep in an emulated organization, as the tests of the outputs have them."""

from __future__ import annotations

from integration.outputs.conftest import (
    aws,
    bucket,
    deploy,
    group,
    key,
    layers,
    recorded,
    rule,
    scene,
    slept,
)
from integration.outputs.test_creators import history
from integration.outputs.test_removed_policies import Context

__all__ = [
    "Context", "aws", "bucket", "deploy", "group", "history", "key", "layers", "recorded", "rule",
    "scene", "slept",
]  # fmt: skip
