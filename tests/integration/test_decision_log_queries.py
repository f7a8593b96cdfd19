"""The saved queries, as they stand in the documents, over objects as the function writes them. DuckDB stands in for Athena.

The one substitution: what CREATE EXTERNAL TABLE says is read from docs/decision-log/table.sql, and becomes a view over files.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import duckdb
import orjson
import pytest

import logged
from opalite.model import Outcome
from opalite.publish.log_object import log_objects

RULE = "arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abc123"
EVER = "2000-01-01"


@pytest.fixture(scope="session")
def documents(repository):
    return repository / "docs" / "decision-log"


@pytest.fixture(scope="session")
def sample_cases(repository):
    return logged.sample_cases(repository / "samples")


@pytest.fixture
def table(documents, tmp_path):
    """Writes cases as invocations do, and gives what runs a query over all that was written."""
    connection = duckdb.connect()

    def write(*invocations, rule=RULE):
        for made in invocations:
            for key, body in log_objects(made, prefix="PREFIX", rule_arn=rule):
                path = tmp_path / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(body)
        connection.execute(
            f"CREATE OR REPLACE VIEW opalite_decisions AS {reading((documents / 'table.sql').read_text(), tmp_path)}"
        )
        return run

    def run(query, *parameters):
        text = query if " " in query else (documents / "queries" / f"{query}.sql").read_text()
        result = connection.execute(text, list(parameters))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    yield write
    connection.close()


def reading(ddl, folder):
    """Of CREATE EXTERNAL TABLE: its columns, its partitions, and where the objects lie."""
    columns, partitions = (
        re.findall(r"^  `(\w+)` (.+?),?$", part, re.MULTILINE)
        for part in re.findall(r"\((.*?)^\)", ddl, re.DOTALL | re.MULTILINE)[:2]
    )
    template = re.search(r"'storage.location.template' = 's3://BUCKET/(.+?)'", ddl)[1]
    pattern = folder / (re.sub(r"\$\{\w+\}", "*", template) + "*.gz")
    typed = ", ".join(f"'{name}': '{duck(kind)}'" for name, kind in columns)
    hive = ", ".join(f"'{name}': VARCHAR" for name, _ in partitions)
    return (
        f"SELECT * FROM read_json('{pattern}', format='newline_delimited', columns={{{typed}}}, "  # noqa: S608 - from our own file
        f"hive_partitioning=true, hive_types={{{hive}}})"
    )


def duck(kind):
    if match := re.fullmatch(r"array<(.*)>", kind):
        return f"{duck(match[1])}[]"
    if match := re.fullmatch(r"struct<(.*)>", kind):
        fields = [f'"{name}" {duck(inner)}' for name, inner in re.findall(r"(\w+):(\w+)", match[1])]
        return f"STRUCT({', '.join(fields)})"
    return {"string": "VARCHAR", "int": "INTEGER"}[kind]


def latest(made):
    """By the order of findings and standings: the capture, then the time of judging."""
    newest = {}
    for case in made:
        one = case.decision
        key = (one.account_id, one.region, one.resource_type, one.resource_id, one.policy_id)
        rank = (one.capture_time or one.evaluated_at, one.evaluated_at)
        if key not in newest or rank > newest[key][0]:
            newest[key] = (rank, one)
    return [one for _, one in newest.values()]


def later(case, **changed):
    """The same resource and policy, some days on."""
    one = replace(
        case.decision, capture_time="2027-01-03T00:00:00.000Z", evaluated_at="2027-01-03T00:00:01.000Z", **changed
    )
    return replace(case, decision=replace(one, decision_id=one.decision_id[::-1]))


def test_every_record_of_the_log_is_a_row_with_all_its_fields(table, sample_cases):
    rows = table(sample_cases)("SELECT * FROM opalite_decisions")
    assert len(rows) == len(sample_cases) > 500
    by_id = {row["decision_id"]: row for row in rows}
    for case in sample_cases:
        row, one = by_id[case.decision.decision_id], case.decision
        assert (row["date"], row["region"], row["outcome"]) == (one.evaluated_at[:10], one.region, one.outcome)
        assert orjson.loads(row["judged"]) == case.judged
        assert [entry["message"] for entry in row["violations"]] == [entry["message"] for entry in one.violations]


def test_the_table_has_the_fields_of_the_schema(table, documents, sample_cases):
    schema = orjson.loads((documents / "schema-1.json").read_bytes())
    (row,) = table(sample_cases[:1])("SELECT * FROM opalite_decisions LIMIT 1")
    assert row.keys() == schema["properties"].keys()


def test_open_failures_are_those_of_the_latest_decisions(table, sample_cases):
    rows = table(sample_cases)("open_failures", EVER)
    expected = Counter(
        (one.account_id, one.severity.value)
        for one in latest(sample_cases)
        if one.outcome is Outcome.FAIL and one.stage == "enforce"
    )
    assert {(row["account_id"], row["severity"]): row["failures"] for row in rows} == expected
    ranks = [["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"].index(row["severity"]) for row in rows]
    assert ranks == sorted(ranks)
    assert all(row["policies"] <= row["failures"] >= row["resources"] for row in rows)


def test_a_failure_that_passes_later_is_open_no_more_whatever_order_it_is_written_in(table, sample_cases):
    failing = next(
        case for case in sample_cases if case.decision.outcome is Outcome.FAIL and case.decision.stage == "enforce"
    )
    fixed = later(failing, outcome=Outcome.PASS)
    run = table([failing])
    assert [row["failures"] for row in run("open_failures", EVER)] == [1]
    assert table([fixed])("open_failures", EVER) == []
    assert table([fixed], [failing])("open_failures", EVER) == []


def test_a_gone_resource_has_no_open_failures(table, sample_cases):
    failing = next(
        case for case in sample_cases if case.decision.outcome is Outcome.FAIL and case.decision.stage == "enforce"
    )
    gone = later(failing, outcome=Outcome.NOT_APPLICABLE, violations=(), reasons=("the resource was deleted",))
    assert table([failing, gone])("open_failures", EVER) == []


def test_audit_is_no_open_failure(table, sample_cases):
    failing = next(case for case in sample_cases if case.decision.outcome is Outcome.FAIL)
    assert table([replace(failing, decision=replace(failing.decision, stage="audit"))])("open_failures", EVER) == []


def test_two_config_rules_that_ask_the_same_and_a_retry_count_once(table, sample_cases):
    failing = [
        case for case in sample_cases if case.decision.outcome is Outcome.FAIL and case.decision.stage == "enforce"
    ]
    before = table(failing)("open_failures", EVER)
    table(failing)
    assert table(failing, rule=RULE + "4")("open_failures", EVER) == before


def test_failures_over_time_are_counted_by_day(table, sample_cases):
    policy = "aws.s3.bucket.encryption"
    made = [case for case in sample_cases if case.decision.policy_id == policy]
    failing = next(case for case in made if case.decision.outcome is Outcome.FAIL)
    rows = table(sample_cases, [later(failing, outcome=Outcome.PASS)])("failures_over_time", policy, EVER)
    expected = {}
    for day in {case.decision.evaluated_at[:10] for case in made}:
        ones = latest(case for case in made if case.decision.evaluated_at[:10] == day)
        expected[day] = (
            len(ones),
            *(sum(one.outcome is outcome for one in ones) for outcome in (Outcome.FAIL, Outcome.PASS)),
        )
    expected["2027-01-03"] = (1, 0, 1)
    assert {row["day"]: (row["resources"], row["failing"], row["passing"]) for row in rows} == expected
    assert [row["day"] for row in rows] == sorted(expected)
    assert [row["day"] for row in table([])("failures_over_time", policy, "2027-01-01")] == ["2027-01-03"]


def test_exemptions_in_use_name_who_and_until_when(table, sample_cases):
    rows = table(sample_cases)("exemptions_in_use", EVER)
    used = [one for one in latest(sample_cases) if one.outcome is Outcome.EXEMPT]
    expected = Counter((one.exemption["id"], one.policy_id) for one in used)
    assert len(expected) > 2
    assert {(row["exemption_id"], row["policy_id"]): row["resources"] for row in rows} == expected
    told = {
        one.exemption["id"]: (one.exemption["owner"], one.exemption["ticket"], one.exemption["expires"]) for one in used
    }
    assert {row["exemption_id"]: (row["owner"], row["ticket"], row["expires"]) for row in rows} == told
    assert [row["expires"] for row in rows] == sorted(row["expires"] for row in rows)


def test_an_exemption_that_excuses_nothing_any_more_is_not_in_use(table, sample_cases):
    exempt = next(case for case in sample_cases if case.decision.outcome is Outcome.EXEMPT)
    assert len(table([exempt])("exemptions_in_use", EVER)) == 1
    assert table([later(exempt, outcome=Outcome.PASS, exemption=None)])("exemptions_in_use", EVER) == []


def test_a_cell_of_a_saved_query_never_begins_with_what_others_wrote(table, sample_cases):
    """So that no spreadsheet takes a name for a formula: queries show ids, counts, and what settings say."""
    shown = {
        "account_id",
        "severity",
        "failures",
        "resources",
        "policies",
        "day",
        "failing",
        "exempt",
        "undetermined",
        "passing",
    }
    shown |= {"accounts_failing", "exemption_id", "policy_id", "owner", "ticket", "expires", "accounts", "last_used"}
    run = table(sample_cases)
    for query, parameters in (
        ("open_failures", [EVER]), ("exemptions_in_use", [EVER]), ("failures_over_time", ["aws.s3.bucket.encryption", EVER]),
    ):  # fmt: skip
        rows = run(query, *parameters)
        assert rows
        assert rows[0].keys() <= shown
