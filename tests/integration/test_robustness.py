"""What a run does when something around it breaks: OPA is killed, the reader leaves, the disk is full, the input is a mess."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import psutil
import pytest

from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.normalize import TYPES

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="of Linux alone: /dev/full, PR_SET_PDEATHSIG")
MANY = 6_000
Done = Any  # of conftest.py


@pytest.fixture(scope="session")
def big(many, tmp_path_factory) -> Path:
    """A snapshot of 6,000 items."""
    path = tmp_path_factory.mktemp("big") / "snapshot.json"
    return snapshot(path, many(MANY))


@pytest.fixture(scope="session")
def undisturbed(big, few, opa, tmp_path_factory) -> SimpleNamespace:
    """What the run over `big` prints when nothing happens."""
    out = tmp_path_factory.mktemp("out") / "out.jsonl"
    environ = {**os.environ, "OPALITE_OPA": str(opa.path)}
    opalite = [sys.executable, "-c", "from opalite.cli import main; main()"]
    command = [*opalite, "evaluate", *few, big, "--format", "jsonl"]
    with out.open("wb") as file:
        done = subprocess.run(command, env=environ, stdout=file, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    return SimpleNamespace(code=done.returncode, out=out.read_bytes())


def snapshot(path: Path, items: list[bytes]) -> Path:
    path.write_bytes(b'{"fileVersion":"1.0","configurationItems":[' + b",".join(items) + b"]}")
    return path


def rest_of(process: subprocess.Popen[bytes], first: bytes = b"") -> SimpleNamespace:
    """Everything that a process still says, and how it ends."""
    out, err = process.communicate(timeout=180)
    return SimpleNamespace(code=process.returncode, out=first + (out or b""), err=err.decode().splitlines())


# --- OPA dies -------------------------------------------------------------------------------------------------------


def test_the_undisturbed_run_decides_each_item_once(undisturbed):
    ids = [orjson.loads(line)["resource_id"] for line in undisturbed.out.splitlines()]
    assert len(ids) == len(set(ids)) == MANY


@pytest.mark.parametrize("jobs", [2, 8])
def test_a_killed_opa_costs_no_decision_and_doubles_none(opalite, few, big, undisturbed, children, jobs):
    process = opalite.start("evaluate", *few, big, "--format", "jsonl", "--jobs", jobs)
    of_it = children(process.pid)
    opa = of_it.opa()
    first = process.stdout.readline()  # and nothing more: so the run has not ended
    opa.kill()
    done = rest_of(process, first)
    assert (done.err, done.code) == ([], undisturbed.code)
    assert done.out == undisturbed.out
    assert of_it.all_gone()
    assert opalite.leftovers() == []


def test_who_asks_while_opa_is_started_anew_is_answered(opa, tmp_path, poll):
    bundle = assemble(opa.path, bundles=(), overlays=(), with_shipped=True, typed=TYPES)
    bundle.write(tmp_path / "bundle.tar.gz")
    given = {"version": opa.version, "revision": bundle.revision, "environ": os.environ}
    with ManagedOpa(opa.path, tmp_path / "bundle.tar.gz", **given) as engine, ThreadPoolExecutor(1) as pool:
        assert engine.ask(b"{}") == {}
        assert engine.ask(b"{}") == {}  # so it runs
        killed = engine.pid
        psutil.Process(killed).kill()
        noticed = pool.submit(engine.ask, b"{}")
        poll(lambda: engine.pid != killed)  # it runs, but takes its time to load the bundle
        assert engine.ask(b"{}") == {}
        assert noticed.result() == {}


def test_an_opa_that_is_killed_again_and_again_ends_the_run_with_one_line(opalite, few, big, children):
    process = opalite.start("evaluate", *few, big, "--format", "jsonl", stdout=subprocess.DEVNULL)
    of_it = children(process.pid)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(rest_of, process)
        while not ended.done():
            of_it.kill_next(ended.done)
        done = ended.result()
    assert done.code == 3
    assert len(done.err) == 1
    assert done.err[0].startswith("opalite: OPA ")
    assert of_it.all_gone()
    assert opalite.leftovers() == []


@LINUX
def test_a_killed_run_leaves_no_opa_behind(opalite, few, big, children):
    process = opalite.start("evaluate", *few, big, "--format", "jsonl")
    of_it = children(process.pid)
    of_it.opa()
    process.kill()
    process.communicate(timeout=180)
    assert of_it.all_gone()


# --- the reader leaves, or tells us to stop --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("evaluate", "--format", "jsonl"), ("evaluate", "--format", "json"), ("normalize",)], ids=" ".join
)
def test_a_reader_that_leaves_early_ends_the_run_without_a_word(opalite, few, big, children, command):
    process = opalite.start(*command, *(few if command[0] == "evaluate" else []), big)
    of_it = children(process.pid)
    if command[0] == "evaluate":
        of_it.opa()
    assert process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), err) == (128 + signal.SIGPIPE, b"")
    assert of_it.all_gone()
    assert opalite.leftovers() == []


ENDINGS = [(signal.SIGINT, ["opalite: interrupted"], 130), (signal.SIGTERM, [], 143)]


@pytest.mark.parametrize(("number", "said", "code"), ENDINGS)
def test_a_signal_while_judging_ends_the_run_tidily(opalite, few, big, children, number, said, code):
    process = opalite.start("evaluate", *few, big, "--format", "jsonl")
    of_it = children(process.pid)
    of_it.opa()
    first = process.stdout.readline()
    process.send_signal(number)
    done = rest_of(process, first)
    assert (done.code, done.err) == (code, said)
    assert of_it.all_gone()
    assert opalite.leftovers() == []


@pytest.mark.parametrize(("number", "said", "code"), ENDINGS)
def test_a_signal_while_waiting_for_input_ends_the_run_tidily(opalite, few, children, tmp_path, number, said, code):
    """What has been written to --output so far does not appear, and what stood there stays."""
    output = tmp_path / "out" / "decisions.jsonl"
    output.parent.mkdir()
    output.write_text("of yesterday\n")
    process = opalite.start("evaluate", *few, "-", "--output", output, stdin=subprocess.PIPE)
    of_it = children(process.pid)
    of_it.opa()
    process.send_signal(number)
    assert process.wait(60) == code
    assert process.stderr.read().decode().splitlines() == said
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
    assert {path.name: path.read_text() for path in output.parent.iterdir()} == {output.name: "of yesterday\n"}
    assert of_it.all_gone()
    assert opalite.leftovers() == []


# --- nowhere to write, nothing to read from --------------------------------------------------------------------------

FULL = "No space left on device"


@LINUX
@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "samples/organization", "--format", "table"),
        ("evaluate", "samples/organization", "--format", "json"),
        ("evaluate", "samples/organization", "--format", "jsonl"),
        ("normalize", "samples/organization"),
        ("policies", "list"),
        ("opa", "version"),
        ("version",),
        ("--help",),
    ],
    ids=" ".join,
)
def test_a_full_disk_behind_standard_output_is_told_in_one_line(opalite, repository, command):
    with Path("/dev/full").open("wb") as full:
        done = opalite(*command, cwd=repository, stdout=full)
    ours = [line for line in done.err if not line.startswith("opalite: notice: ")]
    begin = "opalite: cannot write to " if command[0] in {"evaluate", "normalize"} else "opalite: "
    assert (done.code, len(ours)) == (3, 1)
    assert ours[0].startswith(f"{begin}standard output")
    assert ours[0].endswith(f": {FULL}")
    assert opalite.leftovers() == []


@LINUX
@pytest.mark.parametrize("form", ["table", "json", "jsonl"])
def test_a_full_disk_behind_output_is_told_in_one_line(opalite, evaluate, repository, form):
    done = evaluate(repository / "samples/organization/export", "--format", form, "--output", "/dev/full")
    assert (done.code, done.err, done.out) == (3, [f"opalite: cannot write to /dev/full: {FULL}"], b"")
    assert opalite.leftovers() == []


@pytest.fixture
def quiet(evaluate, repository) -> Callable[..., Done]:
    """Runs over three good items, of which some fail."""
    return lambda *options, **more: evaluate(repository / "samples/organization/export", *options, **more)


@pytest.fixture
def usual(quiet) -> Done:
    done = quiet()
    assert (done.code, done.err) == (1, [])
    return done


def without(stream: str) -> tuple[str, ...]:
    return ("sh", "-c", f'exec "$@" {stream}&-', "sh")


def test_closed_standard_input_is_no_fault_of_files(quiet, usual):
    assert quiet(before=without("<")) == usual


def test_closed_standard_input_cannot_be_read(evaluate):
    done = evaluate("-", "--format", "jsonl", before=without("<"))
    expected = "opalite: error: <stdin>: could not be read to its end: Bad file descriptor"
    assert (done.code, done.err, done.out) == (2, [expected], b"")


def test_closed_standard_error_changes_nothing_else(quiet, usual):
    assert quiet(before=without("2>")) == usual


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_closed_standard_output_is_an_error_and_never_success(quiet, form):
    done = quiet("--format", form, before=without(">"))
    assert (done.code, done.err) == (3, ["opalite: cannot write to standard output: Bad file descriptor"])


def test_closed_standard_output_is_not_needed_with_a_file(quiet, usual, tmp_path):
    assert quiet("--output", tmp_path / "out", before=without(">")).code == usual.code
    assert (tmp_path / "out").read_bytes() == usual.out


def test_a_dead_proxy_is_not_asked(quiet, usual):
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    proxies = dict.fromkeys(names, "http://127.0.0.1:9") | {"NO_PROXY": "", "no_proxy": ""}
    assert quiet(environ=proxies) == usual


def test_nothing_is_written_where_a_run_is_started_and_no_home_is_needed(quiet, usual, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    here.chmod(0o555)
    nowhere = {"HOME": "/dev/null/home", "XDG_CACHE_HOME": "/dev/null/cache"}
    assert quiet(cwd=here, environ=nowhere) == usual
    assert list(here.iterdir()) == []


def test_a_policies_folder_where_a_run_is_started_is_not_used(quiet, usual, tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "broken.rego").write_text("this is no Rego")
    assert quiet(cwd=tmp_path) == usual


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(opalite, few, many, tmp_path, children):
    peaks = [
        peak_of(opalite, few, snapshot(tmp_path / f"{count}.json", many(count)), children) for count in (5_000, 20_000)
    ]
    assert max(peaks) < 350 * 2**20
    assert peaks[1] < 1.5 * peaks[0]


def peak_of(opalite, few, path: Path, children) -> int:
    """Bytes of resident memory of Python and OPA together, at most."""
    with path.with_suffix(".jsonl").open("wb") as out:
        process = opalite.start("evaluate", *few, path, "--format", "jsonl", stdout=out)
        both = [psutil.Process(process.pid), children(process.pid).opa()]
        peak = 0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error, subprocess.TimeoutExpired):
                peak = max(peak, sum(one.memory_info().rss for one in both))
                process.wait(0.05)
    assert (process.returncode, process.communicate()[1]) == (1, b"")
    return peak


# --- a mess of files -------------------------------------------------------------------------------------------------


def bare(item: dict, name: str) -> dict:
    return item | {"resourceId": name, "resourceName": name}


def test_each_broken_file_is_named_once_and_every_good_item_is_judged(evaluate, item, tmp_path):
    mess = tmp_path / "mess"
    mess.mkdir()
    bucket = item("s3-bucket.sse-s3")
    text = orjson.dumps(bucket)
    doubled = text[:-1] + b',"resourceId":"twice"}'
    broken = {
        "cut": text[:700],
        "utf16": text.decode().encode("utf-16"),
        "latin1": orjson.dumps(bare(bucket, "caf-e")).replace(b"caf-e", b"caf\xe9"),
        "nan": text[:-1] + b',"size":NaN}',
        "huge-float": text[:-1] + b',"size":1e999}',
        "huge-integer": text[:-1] + b',"size":1' + b"0" * 40 + b"}",
        "double-key": doubled,
        "deep": text[:-1] + b',"deep":' + b"[" * 5000 + b"]" * 5000 + b"}",
        "nul": text.replace(b"orders-archive", b"orders\0archive", 1),
        "half-gzip": gzip.compress(text)[:400],
        "empty": b"",
        "no-item": b'{"hello":"world"}',
        "no-account": orjson.dumps(
            {name: value for name, value in bucket.items() if name not in ("awsAccountId", "ARN")}
        ),
    }
    for name, content in broken.items():
        (mess / f"{name}.json{'.gz' if 'gzip' in name else ''}").write_bytes(content)
    (mess / "a-good.json").write_bytes(orjson.dumps(bare(bucket, "good-a")))
    (mess / "m-good.jsonl").write_bytes(
        orjson.dumps(bare(bucket, "good-m1")) + b"\n" + orjson.dumps(bare(bucket, "good-m2"))
    )
    (mess / "z-good.json.gz").write_bytes(gzip.compress(orjson.dumps({"configurationItems": [bare(bucket, "good-z")]})))
    done = evaluate(mess, "--format", "jsonl")
    assert sorted(line["resource_id"] for line in done.lines) == ["good-a", "good-m1", "good-m2", "good-z"]
    named = {Path(line.removeprefix("opalite: error: ").partition(": ")[0]).name.partition(".")[0] for line in done.err}
    assert named == set(broken)
    assert len(done.err) == len(broken)
    assert all(line.startswith(f"opalite: error: {mess}/") for line in done.err)
    assert done.code == 2


@pytest.mark.parametrize("form", ["row", "oversized"])
def test_an_item_that_tells_nothing_is_undetermined_and_breaks_no_policy(opalite, form):
    """Whatever the type: a row of which only the ids were selected, and what was too large to be sent."""
    subject = {"accountId": "111122223333", "awsRegion": "eu-west-1", "resourceId": "x"}
    summaries = [{"resourceType": kind, **subject, "configurationItemStatus": "OK"} for kind in TYPES]
    oversized = {"messageType": "OversizedConfigurationItemChangeNotification"}
    items = summaries if form == "row" else [oversized | {"configurationItemSummary": each} for each in summaries]
    lines = opalite("evaluate", "-", "--format", "jsonl", stdin=b"\n".join(map(orjson.dumps, items))).lines
    assert {line["resource_type"] for line in lines} == set(TYPES)
    assert [(line["policy_id"], line["outcome"]) for line in lines if line["outcome"] != "undetermined"] == []
    reasons = [(line["policy_id"], each.get("reason") or "") for line in lines for each in line["unknown"]]
    assert [(policy, reason) for policy, reason in reasons if reason.startswith("the policy failed")] == []
