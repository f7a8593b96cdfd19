"""The managed OPA: a real one, killed, starved and abandoned."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson
import psutil
import pytest

from opalite.engine.bundle import Bundle
from opalite.engine.server import ManagedOpa
from opalite.errors import DecisionError, EngineError
from opalite.ports import GUARD_RULE, PolicyFault

ROUTER = b"""package opalite.decision
batch[key] := {"p": {"outcome": item.outcome}} if some key, item in input.items
"""
STRICT = b"""package opalite.decision
batch[key] := net.cidr_contains(item.cidr, "10.0.0.1/32") if some key, item in input.items
"""


def bundle(path: Path, module: bytes = ROUTER) -> Path:
    Bundle({"router.rego": module}, {}).write(path / "bundle.tar.gz")
    return path / "bundle.tar.gz"


def managed(opa, path: Path, **environ: str) -> ManagedOpa:
    return ManagedOpa(opa.path, path, version=opa.version, revision="r", environ={**os.environ, **environ})


ITEMS = b'{"a":{"outcome":"pass"}}'
ANSWER = {"a": {"p": {"outcome": "pass"}}}


def test_it_answers(opa, tmp_path):
    with managed(opa, bundle(tmp_path)) as engine:
        assert engine.ask(ITEMS) == ANSWER


def test_it_answers_by_another_rule_also_after_a_restart(opa, tmp_path):
    with managed(opa, bundle(tmp_path, ROUTER.replace(b"decision", b"remediation"))) as engine:
        assert engine.ask(ITEMS, GUARD_RULE) == ANSWER
        os.kill(engine.pid, signal.SIGKILL)
        assert engine.ask(ITEMS, GUARD_RULE) == ANSWER
        with pytest.raises(DecisionError, match=r"OPA knows no data\.opalite\.decision\.batch"):
            engine.ask(ITEMS)


def test_a_proxy_in_the_environment_is_not_asked(opa, tmp_path):
    nowhere = "http://127.0.0.1:9"
    with managed(opa, bundle(tmp_path), HTTP_PROXY=nowhere, http_proxy=nowhere, HTTPS_PROXY=nowhere) as engine:
        assert engine.ask(ITEMS) == ANSWER


def test_a_dead_opa_is_started_anew_once(opa, tmp_path):
    with managed(opa, bundle(tmp_path)) as engine:
        engine.ask(ITEMS)
        first = engine.pid
        os.kill(first, signal.SIGKILL)
        assert engine.ask(ITEMS) == ANSWER
        assert engine.pid != first
        os.kill(engine.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="OPA died twice"):
            engine.ask(ITEMS)


def test_nothing_is_left_when_the_run_ends(opa, tmp_path):
    with managed(opa, bundle(tmp_path)) as engine:
        pid = engine.pid
    assert not psutil.pid_exists(pid)


def test_nothing_is_left_when_the_parent_is_killed(opa, tmp_path):
    program = (
        "import os, sys, time; from pathlib import Path; from opalite.engine.server import ManagedOpa\n"
        "with ManagedOpa(Path(sys.argv[1]), Path(sys.argv[2]), version='', revision='', environ=os.environ) as engine:\n"
        "    print(engine.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(opa.path), str(bundle(tmp_path))], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    pytest.fail(f"OPA {pid} outlived its parent")


def test_a_bundle_that_does_not_load_is_told_with_opas_own_words(opa, tmp_path):
    with (
        pytest.raises(EngineError, match=r"OPA did not start; it ended with exit code 1; it said: .*rego_parse_error"),
        managed(opa, bundle(tmp_path, b"package x\nthis is no rego")),
    ):
        pass


def test_a_program_that_is_no_opa_is_told(opa, tmp_path):
    fake = tmp_path / "opa"
    fake.write_text("#!/bin/sh\necho not an opa >&2\nexit 3\n")
    fake.chmod(0o755)
    with (
        pytest.raises(EngineError, match="it ended with exit code 3; it said: not an opa"),
        ManagedOpa(fake, bundle(tmp_path), version="", revision="", environ=os.environ),
    ):
        pass


def test_a_builtin_that_fails_is_a_fault_not_silence(opa, tmp_path):
    with managed(opa, bundle(tmp_path, STRICT)) as engine, pytest.raises(PolicyFault, match=r"net\.cidr_contains"):
        engine.ask(b'{"a":{"cidr":"0.0.0.0/0 "}}')


def test_a_bundle_without_the_batch_rule_is_an_error_not_an_empty_answer(opa, tmp_path):
    with (
        managed(opa, bundle(tmp_path, b"package other")) as engine,
        pytest.raises(DecisionError, match=r"opalite\.decision\.batch"),
    ):
        engine.ask(ITEMS)


def test_who_asks_an_opa_that_does_not_start_hears_why_each_time(opa, tmp_path):
    with (
        pytest.raises(EngineError, match="rego_parse_error"),
        managed(opa, bundle(tmp_path, b"package x\nthis is no rego")) as engine,
    ):
        with pytest.raises(EngineError, match="rego_parse_error"):
            engine.ask(ITEMS)
        engine.ask(ITEMS)


def test_a_stopped_opa_is_not_started_again(opa, tmp_path):
    with managed(opa, bundle(tmp_path)) as engine:
        engine.ask(ITEMS)
    with pytest.raises(EngineError, match="OPA was stopped"):
        engine.ask(ITEMS)


def test_two_run_side_by_side(opa, tmp_path):
    path = bundle(tmp_path)
    with managed(opa, path) as one, managed(opa, path) as two:
        assert one.ask(ITEMS) == two.ask(ITEMS) == ANSWER
        assert one.pid != two.pid


def test_it_listens_where_only_its_owner_may_enter(opa, tmp_path):
    with managed(opa, bundle(tmp_path)) as engine:
        engine.ask(ITEMS)
        found = psutil.Process(engine.pid).net_connections("all")
        assert {entry.family for entry in found} == {socket.AF_UNIX}
        folders = {Path(entry.laddr).parent for entry in found if entry.laddr}
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert not any(folder.exists() for folder in folders)


def test_a_long_path_to_temporary_files_does_not_matter(opa, tmp_path, monkeypatch):
    deep = tmp_path / ("a" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with managed(opa, bundle(tmp_path)) as engine:
        assert engine.ask(ITEMS) == ANSWER


def test_our_environment_stays_with_us(opa, tmp_path):
    module = b"package opalite.decision\nbatch[name] := {} if some name, _ in opa.runtime().env"
    with managed(opa, bundle(tmp_path, module), AWS_SECRET_ACCESS_KEY="hidden", PATH="/nowhere") as engine:
        assert set(engine.ask(b"{}")) <= {"HOME", "TMPDIR", "GOGC", "GOMEMLIMIT"}


def test_large_batches_pass(opa, tmp_path):
    items = {str(index): {"outcome": "pass", "padding": "x" * 1000} for index in range(2000)}
    with managed(opa, bundle(tmp_path)) as engine:
        assert len(engine.ask(orjson.dumps(items))) == 2000
