"""`opalite opa`: what it prints, and how progress is shown. The managed copy is only looked at, never run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from opalite.cli.opa import Progress, opa
from opalite.engine.locate import OPA_VERSION
from opalite.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": "", "OPALITE_OPA": "", "OPALITE_CACHE": str(tmp_path)}


@pytest.fixture
def managed(tmp_path: Path) -> Path:
    path = tmp_path / "opa" / OPA_VERSION / "opa"
    path.parent.mkdir(parents=True)
    path.write_text("")
    path.chmod(0o755)
    return path


def test_version_and_path_of_the_managed_copy(environ, managed):
    runner = CliRunner(env=environ)
    assert runner.invoke(opa, ["version"]).output == f"1.22.2 (managed, {managed})\n"
    assert runner.invoke(opa, ["path"]).output == f"{managed}\n"
    assert json.loads(runner.invoke(opa, ["version", "--format", "json"]).output) == {
        "version": "1.22.2",
        "origin": "managed",
        "path": str(managed),
    }


def test_install_leaves_a_usable_opa_as_it_is(environ, managed):
    result = CliRunner(env=environ).invoke(opa, ["install"])
    assert (result.exit_code, result.output) == (0, f"OPA 1.22.2 (managed, {managed})\n")


@pytest.mark.parametrize("command", ["install", "path", "version"])
def test_every_command_refuses_a_wrong_explicit_opa(environ, managed, command):
    result = CliRunner(env=environ).invoke(opa, [command, "--opa", "/no/opa"])
    assert isinstance(result.exception, EngineError)
    assert str(result.exception) == "--opa: there is no file '/no/opa'; correct --opa or leave it out"


def test_the_command_group_loads_neither_the_installer_nor_what_it_needs():
    program = "import sys, opalite.cli.opa; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"opalite.engine.install", "opalite.engine.release", "urllib.request", "boto3", "rich", "ssl"}
    assert heavy.intersection(loaded) == set()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_there_is_a_line_per_step_and_one_every_ten_seconds():
    stream, clock = io.StringIO(), Clock()
    progress = Progress(stream, clock)
    for second in range(25):
        clock.now = float(second)
        progress("building", None)
    progress("downloading", 0.0)
    clock.now += 11
    progress("downloading", 0.5)
    progress("downloading", 0.6)
    progress.close()
    assert stream.getvalue() == "building\nbuilding: 10 s\nbuilding: 20 s\ndownloading\ndownloading: 50%\n"


def test_on_a_terminal_a_step_is_one_living_line_with_a_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    stream, clock = Terminal(), Clock()
    progress = Progress(stream, clock)
    progress("downloading", 0.0)
    clock.now = 1.0
    progress("downloading", 0.5)
    clock.now = 1.01
    progress("downloading", 0.51)
    progress("checking " + "x" * 80, None)
    clock.now = 5.01
    progress("checking " + "x" * 80, None)
    progress.close()
    assert stream.getvalue() == (
        "\r\x1b[Kdownloading\r\x1b[Kdownloading: [############............] 50%\n\r\x1b[Kchecking "
        + "x" * 80
        + "\r\x1b[K…"
        + "x" * 53
        + ": 4 s\n"
    )
