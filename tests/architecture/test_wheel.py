"""The wheel is all that a user needs: policies, data and samples are in it, and it works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


def run(*command: str | Path, **more) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False, **more)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder)
    built = run(*PIP, "wheel", *options, REPOSITORY)
    assert built.returncode == 0, built.stderr.decode()
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = run(*PIP, "install", "--no-deps", "--no-index", "--target", folder, wheel)
    assert done.returncode == 0, done.stderr.decode()
    return folder


@pytest.fixture
def away(installed, opa, tmp_path):
    """Runs the installed command in an empty folder, with another home."""

    def opalite(*arguments: str | Path):
        places = os.pathsep.join([str(installed), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": places,
            "OPALITE_OPA": str(opa.path),
        }
        return run(sys.executable, installed / "bin" / "opalite", *arguments, cwd=tmp_path, env=environ)

    return opalite


def sources(top: str) -> list[str]:
    return sorted(
        f"opalite/shipped/{path.relative_to(REPOSITORY).as_posix()}"
        for path in (REPOSITORY / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


@pytest.mark.parametrize("top", ["policies", "data", "samples"])
def test_the_wheel_holds_every_file_of(wheel, top):
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted(name for name in names if name.startswith(f"opalite/shipped/{top}/")) == sources(top)


def test_the_wheel_holds_the_package_its_types_and_its_licence_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    package = {path.relative_to(REPOSITORY / "handler").as_posix() for path in (REPOSITORY / "handler").rglob("*.py")}
    assert {name for name in names if name.endswith(".py") and "/shipped/" not in name} == package
    assert "opalite/py.typed" in names
    assert [name.rpartition("/")[2] for name in names if "licenses" in name] == ["LICENSE"]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"opalite"}


def test_the_installed_command_judges_by_what_it_brought_along(away, installed, opa, repository):
    samples = installed / "opalite" / "shipped" / "samples"
    options = [
        "--format",
        "jsonl",
        "--facts",
        samples / "facts.yaml",
        "--data",
        samples / "settings",
        "--bundle",
        samples / "custom",
    ]
    done = away("evaluate", samples / "organization", *options)
    here = run(
        sys.executable, "-c", "from opalite.cli import main; main()", "evaluate", repository / "samples" / "organization", *options,
        env={**os.environ, "OPALITE_OPA": str(opa.path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (here.returncode, here.stdout)
    assert done.returncode == 1


def test_the_installed_command_lists_and_lints_its_policies(away, installed):
    done = away("policies", "list")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"aws.s3.bucket.encryption " in done.stdout
    assert away("policies", "lint", installed / "opalite" / "shipped" / "policies").returncode == 0
    assert away("--version").stdout.startswith(b"opalite, version ")
