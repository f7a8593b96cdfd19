from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from layer.architecture import ARM64
from shipment import executables
from shipment.builders import CheckoutBuilders
from shipment.executables import Linked
from shipment.libraries import Library, Licence, needed, pinned

from opalite.engine import watch
from opalite.engine.watch import Finished
from opalite.errors import InstallError, UsageError


class Recorder:
    """A Run that notes what it was given, and answers with `code`."""

    def __init__(self, code: int = 0, make=lambda command: None):
        self.code, self.make, self.calls = code, make, []

    def __call__(self, command, environ, directory, seconds, beat):
        self.calls.append((list(command), dict(environ), directory))
        self.make(command)
        return Finished(self.code, "", "a line\nthe reason\n")


def test_the_tools_work_in_the_checkout_at_the_time_of_the_commit(looked, tmp_path):
    run = Recorder()
    made_from = looked()
    environ = {"PATH": "/bin", "MAKEFLAGS": "--jobs", "MAKELEVEL": "1"}
    CheckoutBuilders(made_from, (), environ, run).packages(tmp_path)
    expected = [
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        "sdist",
        "--target",
        "wheel",
        "--directory",
        str(tmp_path),
    ]
    given = {"PATH": "/bin", "SOURCE_DATE_EPOCH": "1764400000", "PYTHONDONTWRITEBYTECODE": "1"}
    assert run.calls == [(expected, given, made_from.folder)]


def test_layer_and_template_get_the_same_policies_and_settings(looked, tmp_path):
    run = Recorder()
    options = ("--bundle", "/my-policies", "--data", "/settings")
    builders = CheckoutBuilders(looked(), options, {}, run)
    builders.require_current_template()
    builders.layers(tmp_path)
    assert [[word for word in command if word in options] for command, _, _ in run.calls] == [list(options)] * 2


def test_a_stale_template_is_told_with_its_remedy(looked):
    with pytest.raises(UsageError, match=r"is stale: run `make template` with the same options, and commit it$"):
        CheckoutBuilders(looked(), (), {}, Recorder(1)).require_current_template()


def test_a_tool_that_fails_is_told_with_its_last_lines(looked, tmp_path):
    builders = CheckoutBuilders(looked(), (), {}, Recorder(1))
    with pytest.raises(InstallError, match=r"^building wheel and sdist failed: a line \| the reason$"):
        builders.packages(tmp_path)
    with pytest.raises(InstallError, match=r"^checking template\.yaml failed: "):
        CheckoutBuilders(looked(), (), {}, Recorder(2)).require_current_template()


def test_the_function_is_packed_alike_whenever_it_was_built(looked, tmp_path):
    def make(command):
        folder = Path(next(word for word in command if word.startswith("ARTIFACTS_DIR=")).partition("=")[2])
        (folder / "opalite").mkdir()
        (folder / "opalite" / "app.py").write_text("code")

    builders = CheckoutBuilders(looked(), (), {}, Recorder(make=make))
    for name in ("first.zip", "second.zip"):
        builders.function(ARM64, tmp_path / name)
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert zipfile.ZipFile(tmp_path / "first.zip").namelist() == ["opalite/app.py"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.zip", "opalite", "second.zip"]


def test_scripts_that_are_left_out_are_left_out_of_the_record_too(looked, tmp_path):
    """Their digests hang on where the interpreter is."""

    def make(command):
        folder = Path(next(word for word in command if word.startswith("ARTIFACTS_DIR=")).partition("=")[2])
        (folder / "a-1.0.dist-info").mkdir()
        (folder / "a.py").write_text("code")
        (folder / "a-1.0.dist-info" / "RECORD").write_text(
            '../../bin/a,sha256=00,9\na.py,sha256=11,4\n"gone, too.py",sha256=22,1\na-1.0.dist-info/RECORD,,\n'
        )

    CheckoutBuilders(looked(), (), {}, Recorder(make=make)).function(ARM64, tmp_path / "made.zip")
    record = zipfile.ZipFile(tmp_path / "made.zip").read("a-1.0.dist-info/RECORD")
    assert record == b"a.py,sha256=11,4\na-1.0.dist-info/RECORD,,\n"


SAID = """\
opa: go1.26.8
\tpath\tgithub.com/open-policy-agent/opa
\tmod\tgithub.com/open-policy-agent/opa\tv1.22.2\th1:abc=
\tdep\texample.com/b\tv2.0.0
\tdep\texample.com/a\tv1.0.0\th1:def=
\t=>\texample.com/fork\tv1.0.1\th1:ghi=
\tbuild\t-buildmode=exe
"""


def test_what_is_linked_is_read_with_replacements_in_order():
    modules = (("example.com/b", "v2.0.0"), ("example.com/fork", "v1.0.1"))
    assert executables.parsed(SAID) == Linked("go1.26.8", "github.com/open-policy-agent/opa", modules)


@pytest.mark.parametrize("text", ["", "opa: could not read Go build info", "opa: go1.26.8\n"])
def test_what_says_nothing_of_its_modules_is_not_guessed(text):
    assert executables.parsed(text) is None


def test_a_lock_file_is_read_with_its_markers_and_hashes():
    lock = (
        "# comment\nAb.c==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:00\nclick==0.0 \\\n    --hash=sha256:11\n"
    )
    assert pinned(lock) == (Library("ab-c", "1.0"), Library("click", "0.0"))
    with pytest.raises(UsageError, match="pins nothing"):
        pinned("# nothing\n")


def test_a_licence_is_that_of_the_version_that_is_pinned():
    (found,) = pinned(f"click=={metadata.version('click')}")
    assert found.licence == Licence("expression", "BSD-3-Clause")


def test_what_a_library_needs_counts_for_this_machine_alone():
    assert {"click", "boto3", "botocore", "urllib3"} <= needed(["click>=8", "boto3"])
    assert needed(['nonesuch; sys_platform == "win32"']) == frozenset()
    with pytest.raises(UsageError, match=r"^nonesuch is not installed here: run `make setup`$"):
        needed(["nonesuch"])


@pytest.mark.slow
def test_wheel_and_sdist_of_one_commit_are_the_same_bytes(repository, looked, tmp_path):
    """Of this checkout, as it is; only the time is that of the clone."""
    if shutil.which("git") is None:
        pytest.skip("there is no git")
    builders = CheckoutBuilders(dataclasses.replace(looked(), folder=repository), (), dict(os.environ), watch.run)
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        builders.packages(tmp_path / name)
        made.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert made[0] == made[1]
    assert len(made[0]) == 2
