"""Finding OPA. The executables here only answer `version`; nothing is judged with them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from opalite.engine import locate
from opalite.engine.locate import OPA_VERSION, Opa, find
from opalite.errors import EngineError


def script(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\necho 'Build Commit: abc'\n")
    path.chmod(0o755)
    return path


class Asked:
    """Answers for executables that are no scripts, and counts the questions."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.paths: list[Path] = []

    def __call__(self, path: Path) -> str:
        self.paths.append(path)
        return self.version


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "OPALITE_CACHE": str(tmp_path / "cache")}


def managed(environ: dict[str, str]) -> Path:
    return script(Path(environ["OPALITE_CACHE"], "opa", OPA_VERSION, "opa"), "never asked")


def test_without_any_opa_the_error_says_what_to_run(environ):
    with pytest.raises(EngineError) as raised:
        find(None, environ)
    assert str(raised.value) == (
        "OPA was not found; run `opalite opa install`, or name an OPA >=1.4.0,<2.0.0 with --opa or OPALITE_OPA"
    )


def test_the_option_comes_before_the_environment_and_the_environment_before_path(environ, tmp_path):
    option, variable = script(tmp_path / "a" / "opa", "1.9.0"), script(tmp_path / "b" / "opa", "1.10.1")
    script(tmp_path / "bin" / "opa", "1.11.0")
    environ["OPALITE_OPA"] = str(variable)

    assert find(str(option), environ) == Opa(option, "1.9.0", "option")
    assert find(None, environ) == Opa(variable, "1.10.1", "environment")


def test_path_comes_before_the_managed_copy(environ, tmp_path):
    managed(environ)
    on_path = script(tmp_path / "bin" / "opa", "1.4.0")
    assert find(None, environ) == Opa(on_path, "1.4.0", "path")


def test_the_managed_copy_is_found_without_starting_a_process(environ):
    path = managed(environ)
    asked = Asked("1.22.2")
    assert find(None, environ, ask=asked) == Opa(path, OPA_VERSION, "managed")
    assert asked.paths == []


@pytest.mark.parametrize("version", ["0.70.0", "1.3.9", "2.0.0", "nonsense"])
def test_an_opa_on_path_out_of_range_is_passed_over_with_the_reason(environ, tmp_path, version):
    on_path = script(tmp_path / "bin" / "opa", version)
    with pytest.raises(EngineError) as raised:
        find(None, environ)
    assert str(raised.value) == (
        f"OPA was not found (passed over on PATH: {on_path} is OPA {version}, supported is >=1.4.0,<2.0.0); "
        "run `opalite opa install`, or name an OPA >=1.4.0,<2.0.0 with --opa or OPALITE_OPA"
    )

    assert find(None, environ | {"OPALITE_OPA": str(managed(environ))}, ask=Asked("1.22.2")).origin == "environment"
    assert find(None, environ) == Opa(locate.managed_path(environ), OPA_VERSION, "managed")


def test_a_wrong_explicit_path_is_an_error_that_names_it_though_others_would_do(environ, tmp_path):
    managed(environ)
    script(tmp_path / "bin" / "opa", "1.22.2")
    with pytest.raises(EngineError) as raised:
        find("/no/such/opa", environ)
    assert str(raised.value) == "--opa: there is no file '/no/such/opa'; correct --opa or leave it out"

    with pytest.raises(EngineError) as raised:
        find(None, environ | {"OPALITE_OPA": str(tmp_path)})
    assert str(raised.value) == (
        f"OPALITE_OPA: '{tmp_path}' is not an executable file; correct OPALITE_OPA or leave it out"
    )


@pytest.mark.parametrize("wrong", ["x" * 5000, "~no-such-user/opa", "/dev/null/opa"])
def test_a_path_that_cannot_even_be_looked_at_is_an_error_that_names_it(environ, wrong):
    with pytest.raises(EngineError) as raised:
        find(wrong, environ)
    assert str(raised.value) == f"--opa: there is no file '{wrong}'; correct --opa or leave it out"


def test_an_explicit_opa_out_of_range_is_an_error(environ, tmp_path):
    old = script(tmp_path / "opa", "0.60.0")
    with pytest.raises(EngineError) as raised:
        find(str(old), environ)
    assert str(raised.value) == (
        f"--opa: {old} is OPA 0.60.0, supported is >=1.4.0,<2.0.0; correct --opa or leave it out"
    )


def test_an_empty_option_is_an_error_and_an_empty_variable_is_none(environ):
    path = managed(environ)
    with pytest.raises(EngineError, match="there is no file ''"):
        find("", environ)
    assert find(None, environ | {"OPALITE_OPA": ""}) == Opa(path, OPA_VERSION, "managed")


def test_a_program_that_is_not_opa_is_named(environ, tmp_path):
    other = tmp_path / "bin" / "opa"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho hello\nexit 3\n")
    other.chmod(0o755)
    with pytest.raises(EngineError) as raised:
        locate.ask_version(other)
    assert str(raised.value) == f"{other} does not answer `version` as OPA does (exit code 3)"


def test_a_file_that_cannot_be_run_is_named(tmp_path):
    broken = tmp_path / "opa"
    broken.write_bytes(b"\x7fELF but no more")
    broken.chmod(0o755)
    with pytest.raises(EngineError) as raised:
        locate.ask_version(broken)
    assert str(raised.value) == f"{broken} cannot be run: Exec format error"


def test_a_version_is_asked_for_once_and_again_when_the_file_changes(environ, tmp_path):
    path = tmp_path / "bin" / "opa"
    path.parent.mkdir()
    path.write_bytes(b"\x7fELF first")
    path.chmod(0o755)
    asked = Asked("1.20.0")
    assert [find(None, environ, ask=asked).version for _ in range(3)] == ["1.20.0"] * 3
    assert asked.paths == [path]

    path.write_bytes(b"\x7fELF second")
    asked.version = "1.21.0"
    assert find(None, environ, ask=asked) == Opa(path, "1.21.0", "path")
    assert asked.paths == [path, path]


def test_a_wrapper_script_is_asked_every_time(environ, tmp_path):
    wrapper = script(tmp_path / "bin" / "opa", "")
    asked = Asked("1.20.0")
    for _ in range(2):
        find(None, environ, ask=asked)
    assert asked.paths == [wrapper, wrapper]


@pytest.mark.parametrize("memory", ["{", "[]", '{"x": 1}', None])
def test_a_damaged_or_unwritable_memory_costs_a_question_and_nothing_else(environ, tmp_path, memory):
    path = tmp_path / "bin" / "opa"
    path.parent.mkdir()
    path.write_bytes(b"\x7fELF")
    path.chmod(0o755)
    cache = Path(environ["OPALITE_CACHE"])
    if memory is None:
        cache.write_text("a file where the directory should be")
    else:
        cache.mkdir()
        (cache / "opa-versions.json").write_text(memory)
    assert find(None, environ, ask=Asked("1.20.0")) == Opa(path, "1.20.0", "path")


def test_the_memory_keeps_a_bounded_number_of_versions(environ, tmp_path):
    for number in range(40):
        path = tmp_path / f"opa{number}"
        path.write_bytes(b"\x7fELF")
        path.chmod(0o755)
        find(str(path), environ, ask=Asked(f"1.20.{number}"))
    kept = json.loads(Path(environ["OPALITE_CACHE"], "opa-versions.json").read_text())
    assert list(kept.values()) == [f"1.20.{number}" for number in range(8, 40)]


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="the XDG directories are Linux's")
@pytest.mark.parametrize(
    ("environ", "directory"),
    [
        ({"HOME": "/home/ann"}, "/home/ann/.cache/opalite"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "/var/cache/ann"}, "/var/cache/ann/opalite"),
        ({"HOME": "/home/ann", "XDG_CACHE_HOME": "relative"}, "/home/ann/.cache/opalite"),
        ({"HOME": "/home/ann", "OPALITE_CACHE": "/srv/opalite"}, "/srv/opalite"),
    ],
)
def test_the_cache_directory(environ, directory):
    assert locate.cache_dir(environ) == Path(directory)
