"""Fixtures for all tests. The OPA is a real one: `make setup` has installed it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from botocore.loaders import JSONFileLoader

from opalite.engine import locate
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.normalize import TYPES


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Each botocore session would read AWS's models anew: a third of all the time."""
    read = JSONFileLoader().load_file

    @cache
    def packed(path: str) -> bytes:
        return pickle.dumps(read(path), protocol=pickle.HIGHEST_PROTOCOL)

    with pytest.MonkeyPatch.context() as patch:
        # Each gets a copy: botocore changes what it has read.
        patch.setattr(JSONFileLoader, "load_file", lambda _, path: pickle.loads(packed(path)))  # noqa: S301 - our own
        yield


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
