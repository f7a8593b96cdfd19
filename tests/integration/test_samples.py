"""The sample organization, judged whole: every type and policy, and the same decisions however they are asked for."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator

from opalite.model import Outcome
from opalite.normalize import TYPES


@pytest.fixture(scope="session")
def expected(repository) -> list[tuple[tuple[str, str, str], dict[str, str]]]:
    """Of every sample: (type, id, capture time), and outcomes by policy."""
    document = orjson.loads((repository / "samples" / "expected.json").read_bytes())
    return [(tuple(entry[:3]), entry[3]) for entries in document.values() for entry in entries]


@pytest.fixture(scope="session")
def counts(repository) -> dict[str, dict[str, int]]:
    """How many decisions of each policy and outcome the samples have."""
    return orjson.loads((repository / "samples" / "expected_counts.json").read_bytes())


@pytest.fixture(scope="session")
def shipped(repository) -> dict[str, Any]:
    """The catalog of all policies that come with Opalite."""
    return orjson.loads((repository / "data" / "catalog" / "data.json").read_bytes())["policies"]


def errors(done) -> list[str]:
    return [line for line in done.err if not line.startswith("opalite: notice: ")]


def test_the_generator_makes_the_samples_that_are_there(repository, tmp_path):
    made, kept = tmp_path / "samples", repository / "samples"
    made.mkdir()
    for script in kept.glob("*.py"):
        shutil.copy(script, made)
    subprocess.run([sys.executable, "-B", made / "generate.py"], check=True)
    for folder in ("organization", "custom"):
        assert contents(made / folder, "*.json*") == contents(kept / folder, "*.json*")
    assert (made / "expected.json").read_bytes() == (kept / "expected.json").read_bytes()


def contents(folder: Path, pattern: str) -> dict[str, bytes]:
    """Of each file, unzipped: other versions of zlib pack otherwise."""
    return {
        path.relative_to(folder).as_posix(): gzip.decompress(path.read_bytes())
        if path.suffix == ".gz"
        else path.read_bytes()
        for path in folder.rglob(pattern)
    }


def test_the_samples_come_out_as_their_story_says(samples, expected):
    done = samples("jsonl")
    found = {
        (line["resource_type"], line["resource_id"], line["capture_time"], line["policy_id"]): line["outcome"]
        for line in done.lines
    }
    assert [
        (item, {policy: found.get((*item, policy)) for policy in outcomes}) for item, outcomes in expected
    ] == expected
    assert (done.code, errors(done)) == (1, [])


def test_every_sample_that_a_policy_of_its_type_judges_has_an_outcome_in_the_story(samples, expected):
    judged = {line["resource_type"] for line in samples("jsonl").lines if not line["policy_id"].startswith("aws.any.")}
    assert [item for item, outcomes in expected if item[0] in judged and not outcomes] == []


def test_the_samples_show_every_shipped_policy_every_typed_resource_and_every_outcome(counts, expected, shipped):
    assert set(shipped) - counts.keys() == set()
    assert set(TYPES) - {item[0] for item, _ in expected} == set()
    assert {outcome for outcomes in counts.values() for outcome in outcomes} == set(Outcome)


def test_no_decision_on_the_samples_is_missing_from_the_table_of_counts(samples, repository):
    """`OPALITE_REWRITE_GOLDEN=1` writes the table anew; the diff is part of the review."""
    path = repository / "samples" / "expected_counts.json"
    counted: dict[str, Counter[str]] = {}
    for line in samples("jsonl").lines:
        counted.setdefault(line["policy_id"], Counter())[line["outcome"]] += 1
    if os.environ.get("OPALITE_REWRITE_GOLDEN") == "1":
        rows = [
            orjson.dumps(policy) + b": " + orjson.dumps(counted[policy], option=orjson.OPT_SORT_KEYS)
            for policy in sorted(counted)
        ]
        path.write_bytes(b"{\n" + b",\n".join(rows) + b"\n}\n")
    assert counted == orjson.loads(path.read_bytes())


def test_the_summary_of_the_samples_counts_every_item(samples, expected, counts):
    document = orjson.loads(samples("json").out)
    summary, decisions = document["summary"], document["decisions"]
    assert summary["by_policy"] == counts
    types = Counter(item[0] for item, _ in expected)
    judged = {line["resource_type"] for line in decisions}
    assert summary["without_policy"] == {kind: count for kind, count in types.items() if kind not in judged}
    for name, key in (("outcomes", "outcome"), ("by_severity", "severity")):
        rows = [line for line in decisions if key == "outcome" or line["outcome"] == "fail"]
        assert summary[name] == Counter(line[key] for line in rows)
    assert {
        (account, outcome): count for account, row in summary["by_account"].items() for outcome, count in row.items()
    } == (Counter((line["account_id"], line["outcome"]) for line in decisions))
    assert (summary["items"], summary["decisions"], summary["unreadable"]) == (len(expected), len(decisions), 0)


def test_policies_of_ones_own_change_no_other_outcome(samples, opalite, organization, settled):
    without = opalite("evaluate", organization, *settled[:-2], "--format", "jsonl")
    kept = [line for line in samples("jsonl").lines if not line["policy_id"].startswith("custom.")]
    assert [(line["input_digest"], line["annotation"][:-15]) for line in kept] == [
        (line["input_digest"], line["annotation"][:-15]) for line in without.lines
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_the_files_changes_no_decision(decided, samples, opalite, organization, settled, seed):
    files = sorted(path for path in organization.rglob("*") if path.is_file())
    random.Random(seed).shuffle(files)  # noqa: S311
    shuffled = opalite("evaluate", *files, *settled, "--format", "jsonl", "--jobs", seed)
    assert decided(shuffled.lines) == decided(samples("jsonl").lines)


@pytest.mark.parametrize(
    "policy", ["aws.ec2.instance.approved_image", "aws.rds.dbinstance.encryption", "aws.sqs.queue.not_public"]
)
def test_a_policy_decides_alone_as_it_does_beside_others(decided, samples, opalite, organization, settled, policy):
    alone = opalite("evaluate", organization, *settled, "--format", "jsonl", "--policy", policy)
    assert decided(alone.lines) == {entry for entry in decided(samples("jsonl").lines) if entry[1] == policy}


def test_two_runs_print_the_same_bytes(samples, opalite, organization, settled):
    assert opalite("evaluate", organization, *settled, "--format", "json", "--jobs", "8") == samples("json")


def test_the_table_ends_with_the_counts_of_all_outcomes(samples, counts, expected):
    total = sum(map(Counter, counts.values()), Counter())
    shown = ", ".join(f"{total[outcome]} {outcome}" for outcome in Outcome)
    assert (
        samples("table").out.decode().splitlines()[-1] == f"{len(expected)} items, {total.total()} decisions: {shown}"
    )


def test_the_readmes_tell_the_counts_that_there_are(samples, expected, shipped, repository):
    readme = (repository / "README.md").read_text()
    assert f"{samples('table').out.decode().splitlines()[-1]}\n" in readme
    assert f"{len(shipped)} policies for {len(TYPES)} types" in readme
    told = f"{len(expected)} configuration items of {len({item[0] for item, _ in expected})} types"
    assert told in (repository / "samples" / "README.md").read_text()


def test_every_sample_becomes_an_input_that_the_schemas_allow(opalite, organization, repository, expected):
    schemas = [orjson.loads(path.read_bytes()) for path in (repository / "policies" / "schemas").rglob("*.json")]
    of_type = {schema["title"]: Draft7Validator(schema) for schema in schemas if "::" in schema["title"]}
    envelope = Draft7Validator(orjson.loads((repository / "policies" / "schemas" / "input.json").read_bytes()))
    done = opalite("normalize", organization)
    faults = [
        (document["resource"]["id"], fault.message)
        for document in done.lines
        for validator, value in (
            (envelope, document),
            (of_type.get(document["resource"]["type"]), document["resource"]["configuration"]),
        )
        if validator is not None and value is not None
        for fault in validator.iter_errors(value)
    ]
    assert faults == []
    assert Counter((line["resource"]["type"], line["resource"]["id"]) for line in done.lines) == Counter(
        item[:2] for item, _ in expected
    )
    assert (done.code, errors(done)) == (0, [])
