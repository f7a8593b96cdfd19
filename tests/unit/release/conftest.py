"""A checkout of our own with what a release is made from, and builders that take no time."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY / "release"), str(REPOSITORY / "extension")]

from layer.architecture import Architecture  # noqa: E402 - found by the path above
from shipment.checkout import Checkout, look  # noqa: E402
from shipment.executables import Linked  # noqa: E402

from opalite.engine import watch  # noqa: E402
from opalite.errors import InstallError, UsageError  # noqa: E402

PARTS = (
    ".gitignore", "LICENSE", "pyproject.toml", "requirements.lock", "samconfig.toml", "template.yaml", "deploy",
    "handler/requirements.txt", "handler/opalite/__init__.py",
)  # fmt: skip
CHANGELOG = """# Changelog

## [0.2.0] - unreleased

## [0.1.0] - 2026-11-29

### Added
- Everything.

## [0.0.1] - 2026-11-01

- Nothing.
"""
COMMITTED_AT = 1764400000
# Of git, nothing but what is here: no settings of whoever runs the tests, and no repository around them.
ENVIRON = {
    "PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": f"{COMMITTED_AT} +0000",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_COMMITTER_DATE": f"{COMMITTED_AT} +0000",
}  # fmt: skip


@pytest.fixture(scope="session")
def _clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone") / "opalite"
    for name in PARTS:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copyfile(source, target)
    pyproject = folder / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace(f'version = "{_version()}"', 'version = "0.1.0"', 1))
    (folder / "handler/opalite/__init__.py").write_text('"""Opalite."""\n\n__version__ = "0.1.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "All of it"]):
        subprocess.run(["git", "-C", str(folder), *command], env=ENVIRON, check=True)
    return folder


def _version() -> str:
    text = (REPOSITORY / "handler/opalite/__init__.py").read_text()
    return text.partition('__version__ = "')[2].partition('"')[0]


@pytest.fixture
def clone(_clone: Path, tmp_path: Path) -> Path:
    """Of this test alone; all is committed."""
    return Path(shutil.copytree(_clone, tmp_path / "opalite"))


@pytest.fixture
def looked(clone: Path) -> Callable[..., Checkout]:
    def look_at(wanted: str | None = None, *, allow_dirty: bool = False, **environ: str) -> Checkout:
        return look(clone, wanted, {**ENVIRON, **environ}, watch.run, allow_dirty=allow_dirty)

    return look_at


def zipped(files: dict[str, bytes]) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name), content)
        return file.getvalue()


@dataclass(slots=True)
class Builders:
    """Meets the port. `revisions`: of the bundle, by architecture."""

    revisions: dict[str, str] = field(default_factory=dict)
    is_stale: bool = False
    breaks: bool = False

    def require_current_template(self) -> None:
        if self.is_stale:
            raise UsageError("template.yaml is stale")

    def packages(self, folder: Path) -> None:
        (folder / "opalite-0.1.0-py3-none-any.whl").write_bytes(b"wheel")
        (folder / "opalite-0.1.0.tar.gz").write_bytes(b"sdist")

    def layers(self, folder: Path) -> None:
        for name in ("arm64", "x86_64"):
            described = {"opa_version": "1.22.2", "bundle_revision": self.revisions.get(name, "0123456789abcdef")}
            files = {
                "opalite/layer.json": json.dumps(described).encode(),
                "opalite/opa": b"opa",
                "extensions/opalite-opa": b"extension",
            }
            (folder / f"opalite-layer-{name}.zip").write_bytes(zipped(files))

    def function(self, architecture: Architecture, path: Path) -> None:
        if self.breaks:
            raise InstallError("building the function failed: no network")
        path.write_bytes(zipped({"opalite/app.py": architecture.name.encode()}))


OPA = Linked("go1.26.8", "github.com/open-policy-agent/opa", (("example.com/b", "v2.0.0+incompatible"),))
EXTENSION = Linked("go1.26.8", "opalite/extension", ())


def inspect(path: Path) -> Linked:
    return {b"opa": OPA, b"extension": EXTENSION}[path.read_bytes()]


@pytest.fixture(name="inspect")
def _inspect() -> Callable[[Path], Linked]:
    return inspect


@pytest.fixture
def builders() -> Builders:
    return Builders()
