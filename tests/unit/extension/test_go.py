"""The extension's own tests and the checks of Go, so that they are part of ours."""

from __future__ import annotations

import os
import subprocess

import pytest

COMMANDS = {"format": ["gofmt", "-l", "."], "vet": ["go", "vet", "."], "test": ["go", "test", "-count=1", "."]}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_go_finds_nothing(extension_program, repository, name):
    environ = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOPROXY": "off", "CGO_ENABLED": "0"}
    done = subprocess.run(
        COMMANDS[name], cwd=repository / "extension", env=environ, capture_output=True, text=True, check=False
    )
    told = done.stdout if name == "format" else ""
    assert (done.returncode, told) == (0, ""), done.stdout + done.stderr
