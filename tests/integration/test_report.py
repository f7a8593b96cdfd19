"""`opalite report` by the real command, over a log of real decisions, and over what is none."""

from __future__ import annotations

import gzip
from collections import Counter

import duckdb
import orjson
import psutil
import pytest

import logged
from opalite.model import Outcome
from opalite.publish.log_object import log_objects
from opalite.publish.record import record

RULE = "arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abc123"
REPORTS = ("churn", "time-to-fix", "exemptions", "evaluations")


@pytest.fixture(scope="session")
def sample_cases(repository):
    return logged.sample_cases(repository / "samples")


@pytest.fixture(scope="session")
def log(sample_cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    for key, body in log_objects(list(sample_cases), prefix="", rule_arn=RULE):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


@pytest.fixture
def report(opalite, log):
    def run(name, *options, code=0, folder=log):
        done = opalite("report", name, "--log", folder, "--format", "json", *options)
        assert (done.code, done.err) == (code, [])
        return orjson.loads(done.out)

    return run


def test_exemptions_are_those_of_the_saved_query(report, log, repository):
    query = (repository / "docs" / "decision-log" / "queries" / "exemptions_in_use.sql").read_text()
    view = (
        "CREATE TABLE opalite_decisions AS SELECT * FROM read_json($log, format='newline_delimited', "
        "hive_partitioning=true, hive_types={'date': VARCHAR, 'region': VARCHAR})"
    )
    with duckdb.connect() as database:
        database.execute(view, {"log": f"{log}/*/*/*.jsonl.gz"})
        rows = database.execute(f"SELECT * EXCLUDE (expires, last_used) FROM ({query})", ["2000-01-01"]).fetchall()  # noqa: S608
    told = report("exemptions")["exemptions"]
    names = ("exemption_id", "policy_id", "owner", "ticket", "resources", "accounts")
    found = sorted(tuple(one[name] for name in names) for one in told)
    assert found == sorted(rows)
    assert found


def test_each_decision_is_counted_once(report, sample_cases):
    decisions = len({case.decision.decision_id for case in sample_cases})
    assert report("churn")["total"]["decisions"] == decisions
    assert report("evaluations")["total"]["decisions"] == decisions


def test_what_is_open_is_what_fails_now(report, sample_cases):
    newest = {}
    for case in sorted(sample_cases, key=lambda case: (case.decision.capture_time or "", case.decision.evaluated_at)):
        one = case.decision
        newest[one.policy_id, one.account_id, one.region, one.resource_type, one.resource_id] = one
    failing = Counter(
        one.policy_id for one in newest.values() if one.outcome is Outcome.FAIL and one.stage == "enforce"
    )
    told = {one["policy_id"]: one["open"] for one in report("time-to-fix")["by_policy"] if one["open"]}
    assert told == dict(failing)


def test_the_folder_twice_is_the_same_as_once(report, log):
    for name in ("churn", "evaluations"):
        assert report(name, "--log", log) == report(name)


@pytest.mark.parametrize("name", REPORTS)
def test_a_table_is_for_people(opalite, log, name):
    done = opalite("report", name, "--log", log)
    assert (done.code, done.err) == (0, [])
    assert done.out.decode().splitlines()[-1].startswith("Total: ")


@pytest.mark.parametrize("name", REPORTS)
def test_what_cannot_be_read_is_told_and_all_else_is_counted(opalite, sample_cases, tmp_path, name):
    good = orjson.dumps(record(sample_cases[0]))
    lines = [good, b"{", b"[]", good.replace(b'"schema_version":1', b'"schema_version":9'), *[b"x"] * 30]
    path = tmp_path / "day\x1b[2J.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    done = opalite("report", name, "--log", path, "--log", tmp_path / "none.jsonl")
    assert done.code == 2
    assert len(done.err) == 21
    assert done.err[0].endswith(":2: is no JSON: is the line cut?")
    assert done.err[-1] == "opalite: error: 14 more lines or files could not be read"
    assert all(line.isprintable() for line in done.err)
    assert done.out.decode().splitlines()[-1].startswith("Total: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["churn", "--since", "yesterday"],
            "opalite: Invalid value for --since: 'yesterday' is not a day like 2026-11-01",
        ),
        (["churn", "--top", "0"], "opalite: Invalid value for '--top': "),
        (["evaluations", "--price", "cheap"], "opalite: Invalid value for --price: 'cheap' is no price like 0.001"),
        (["evaluations", "--price", "NaN"], "opalite: Invalid value for --price: 'NaN' is no price like 0.001"),
        (["evaluations", "--price", "-1"], "opalite: Invalid value for --price: '-1' is no price like 0.001"),
    ],
)
def test_misuse_is_told_before_anything_is_read(opalite, tmp_path, options, message):
    done = opalite("report", *options, "--log", tmp_path / "none")
    assert (done.code, done.out) == (2, b"")
    assert done.err[0].startswith(message)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_log(opalite, sample_cases, tmp_path):
    template = orjson.dumps(record(sample_cases[0]))
    old_id, old_resource = (record(sample_cases[0])[name].encode() for name in ("decision_id", "resource_id"))

    def peak(count):
        path = tmp_path / f"{count}.jsonl"
        with path.open("wb") as file:
            for number in range(count):
                line = template.replace(old_id, b"%064x" % number).replace(
                    b'"%s"' % old_resource, b'"r-%d"' % (number // 4)
                )
                file.write(line + b"\n")
        with opalite.start("report", "churn", "--log", path, "--format", "json") as process:
            watched, most = psutil.Process(process.pid), 0
            while process.poll() is None:
                try:
                    most = max(most, watched.memory_info().rss)
                except psutil.Error:
                    break
                try:
                    process.wait(0.05)
                except Exception:  # noqa: BLE001, S112 - it runs
                    continue
            document = orjson.loads(process.stdout.read())
        assert document["total"]["decisions"] == count
        return most / 1024 / 1024

    assert peak(40_000) - peak(4_000) < 25
