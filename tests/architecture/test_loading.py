"""What is loaded and started is what is needed: `--help` must be there at once, and so must a run over one item."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

# Loaded by some commands, slow all of them, and none of them needed to print help.
HEAVY = ("aiohttp", "boto3", "botocore", "jsonschema", "opa_client", "orjson", "requests", "rich", "yaml")
# Says at the end which of the HEAVY were loaded, and what was started.
PROBE = """
import json, sys
started = []
def note(event, arguments):
    if event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"):
        started.append(event)
sys.addaudithook(note)
from opalite.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
heavy = [name for name in %r if name in sys.modules]
sys.stderr.write(json.dumps({"code": code, "heavy": heavy, "started": started}))
"""


def probed(*arguments: str, **environ: str):
    done = subprocess.run(
        [sys.executable, "-c", PROBE % (HEAVY,), *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    "arguments", [("--help",), ("--version",), ("opa", "--help"), ("opa", "path", "--help")], ids=" ".join
)
def test_help_loads_nothing_heavy_and_starts_nothing(arguments):
    assert probed(*arguments) == {"code": 0, "heavy": [], "started": []}


def test_a_run_without_settings_loads_little_and_starts_opa_alone(opa, repository):
    item = str(repository / "tests" / "data" / "items" / "ec2-security-group.event.json")
    told = probed("evaluate", item, "--format", "jsonl", OPALITE_OPA=str(opa.path))
    assert told["code"] == 0
    assert set(told["heavy"]) <= {"orjson", "yaml"}
    assert set(told["started"]) <= {"subprocess.Popen", "os.fork"}
    assert told["started"].count("subprocess.Popen") <= 2  # the server; before it `opa version`, if not remembered


@pytest.mark.parametrize("entry", ["opalite.app", "opalite.sweep.app"])
def test_the_functions_load_nothing_that_the_command_line_alone_needs(entry):
    """Whatever is imported there is paid for at each start of a sandbox."""
    unwanted = ("aiohttp", "boto3", "click", "jsonschema", "opa_client", "requests", "rich", "s3transfer", "yaml")
    code = f"import {entry}, sys; print([name for name in {unwanted!r} if name in sys.modules])"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_LAMBDA")}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.skipif(importlib.util.find_spec("importlinter") is None, reason="import-linter is not installed")
def test_modules_import_only_what_the_architecture_allows(repository):
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
    ]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
