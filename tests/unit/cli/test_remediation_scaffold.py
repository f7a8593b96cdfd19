"""`opalite remediate new`: what it writes is clean from the first moment, and nothing that is there is written over."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from opalite.cli.remediation_scaffold import written
from opalite.errors import UsageError

FILES = (
    "handler/opalite/remediation/actions/encrypt_topic.py",
    "tests/unit/remediation/actions/test_encrypt_topic.py",
    "docs/remediation/encrypt_topic.md",
)
TOPIC = ("encrypt_topic", "AWS::SNS::Topic", "sns")
# The module is imported by its true name, though it lies in another tree.
CONFTEST = """\
from opalite.remediation import actions

actions.__path__.append({folder!r})
"""


@pytest.fixture
def checkout(tmp_path):
    actions = tmp_path / "handler/opalite/remediation/actions"
    actions.mkdir(parents=True)
    (actions / "__init__.py").touch()
    return tmp_path


@pytest.fixture
def made(checkout):
    lines = list(written(checkout, *TOPIC))
    assert lines[:3] == [f"wrote {checkout / name}" for name in FILES]
    assert "encrypt_topic.ACTION" in lines[3]
    return checkout


def run(*command, cwd):
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_has_nothing_to_say(made, repository):
    names = [made / name for name in FILES[:2]]
    run(sys.executable, "-m", "ruff", "check", "--config", repository / "pyproject.toml", *names, cwd=made)
    run(sys.executable, "-m", "ruff", "format", "--check", "--config", repository / "pyproject.toml", *names, cwd=made)


@pytest.mark.slow
def test_mypy_has_nothing_to_say(made, repository):
    environ = {**os.environ, "MYPYPATH": str(repository / "handler")}
    command = (
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        made / "cache",
        made / FILES[0],
    )
    done = subprocess.run(
        command, cwd=repository / "docs", env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_own_test_passes(made):
    conftest = CONFTEST.format(folder=str(made / "handler/opalite/remediation/actions"))
    (made / "conftest.py").write_text(conftest)
    run(sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", made / FILES[1], cwd=made)


def test_the_action_does_nothing_yet(made, monkeypatch):
    from importlib import util  # noqa: PLC0415

    spec = util.spec_from_file_location("encrypt_topic", made / FILES[0])
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    action = module.ACTION
    assert (action.name, action.most, action.resource_types) == ("encrypt_topic", "plan", ("AWS::SNS::Topic",))


def test_nothing_that_is_there_is_written_over(made):
    page = made / FILES[2]
    page.write_text("mine")
    with pytest.raises(UsageError, match=r"encrypt_topic.py: is there already"):
        list(written(made, *TOPIC))
    (made / FILES[0]).unlink()
    (made / FILES[1]).unlink()
    with pytest.raises(UsageError, match=r"encrypt_topic.md: is there already"):
        list(written(made, *TOPIC))
    assert (page.read_text(), (made / FILES[0]).exists()) == ("mine", False)


def test_elsewhere_nothing_is_written(tmp_path):
    with pytest.raises(UsageError, match="is no checkout of Opalite: name one by --into"):
        list(written(tmp_path, *TOPIC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["encrypt", "Encrypt_topic", "encrypt-topic", "../x_y", "x_" + "y" * 50, "_a_b", "a__b", "a_b\n"]
)
def test_names_are_such_as_a_role_can_have(checkout, name):
    with pytest.raises(UsageError, match="is no name of an action"):
        list(written(checkout, name, "AWS::SNS::Topic", "sns"))


@pytest.mark.parametrize("kind", ["topic", "AWS::SNS", "AWS::SNS::Topic\n", 'AWS::SNS::"'])
def test_types_are_types(checkout, kind):
    with pytest.raises(UsageError, match="is no resource type"):
        list(written(checkout, "encrypt_topic", kind, "sns"))


@pytest.mark.parametrize("service", ["", "S N S", 'sns"', "sns\n"])
def test_services_are_named_as_boto3_names_them(checkout, service):
    with pytest.raises(UsageError, match="is no name of a service"):
        list(written(checkout, "encrypt_topic", "AWS::SNS::Topic", service))
