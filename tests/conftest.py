"""Fixtures for all tests. The OPA is a real one: `make setup` has installed it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opalite.engine import locate
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.normalize import TYPES


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def opa() -> locate.Opa:
    return locate.find(None, os.environ)


@pytest.fixture(scope="session")
def engine(opa: locate.Opa, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedOpa]:
    """A real OPA with the shipped policies and data."""
    bundle = assemble(opa.path, bundles=(), overlays=(), with_shipped=True, typed=TYPES)
    path = tmp_path_factory.mktemp("bundle") / "bundle.tar.gz"
    bundle.write(path)
    with ManagedOpa(opa.path, path, version=opa.version, revision=bundle.revision, environ=os.environ) as running:
        yield running
