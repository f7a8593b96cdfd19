"""Fixtures for all tests. The OPA is a real one: `make setup` has installed it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.loaders import Loader
from hypothesis import settings

from opalite.engine import locate
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.normalize import TYPES

# How long an example takes says nothing on a machine that is busy.
settings.register_profile("opalite", deadline=None)
settings.load_profile("opalite")


class _Shared(Loader):
    """AWS's models, read once. boto3 would add its own folder again with each session."""

    def __init__(self) -> None:
        super().__init__(extra_search_paths=[str(Path(boto3.__file__).parent / "data")])

    @property
    def search_paths(self) -> list[str]:
        return [*super().search_paths]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers count lines by themselves, and have processes of their own do so. By this they would begin to before they know."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """In a worker pytest-cov has begun to count before it knew that it is one, and would count all twice, in twice the time."""
    plugin = session.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is not None and hasattr(session.config, "workerinput"):
        controller.cov.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lines are not counted where that would cost the most and add nothing: in slow tests, and in hundreds of generated examples."""
    for item in items:
        if item.get_closest_marker("slow") or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session", autouse=True)
def _models_are_read_once() -> Iterator[None]:
    """Each botocore session would read AWS's models anew: half of the time of what is tested with moto, which has a loader of its own."""
    shared = _Shared()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _=None: shared)
        yield


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """moto's, whatever the environment and the files of whoever runs the tests say of others."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


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
