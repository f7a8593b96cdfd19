"""`opalite explain`: the very same decision from the log alone, or what is another one now. By the real command and a real OPA."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from dataclasses import replace

import orjson
import pytest

import logged
from opalite.catalog import Catalog
from opalite.cli.replay import SAME, replay
from opalite.cli.session import EngineOptions, session
from opalite.errors import DecisionError, UsageError
from opalite.model import Item, Outcome
from opalite.publish.log_object import log_objects
from opalite.publish.record import record

RULE = "arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abc123"
ENCRYPTION = "aws.s3.bucket.encryption"


@pytest.fixture(scope="session")
def sample_cases(repository):
    return logged.sample_cases(repository / "samples")


@pytest.fixture
def own(repository):
    """The options that go with the samples."""
    return ["--data", repository / "samples" / "settings", "--bundle", repository / "samples" / "custom"]


@pytest.fixture
def bucket(engine, repository, item):
    """What a shipped policy says of one bucket, as a case."""

    def judged(tags=None):
        body = {**item("s3-bucket.sse-s3"), **({"tags": tags} if tags else {})}
        catalog = Catalog(orjson.loads((repository / "data" / "catalog" / "data.json").read_bytes()))
        (case,) = logged.cases(engine, catalog, [Item(body, "b.json")], policies=frozenset({ENCRYPTION}))
        assert case.decision.outcome is Outcome.FAIL
        return case

    return judged


@pytest.fixture
def log(tmp_path):
    """A folder with the objects of some cases, or of records as they are."""

    def written(*made):
        folder = tmp_path / "log"
        for key, body in log_objects([case for case in made if not isinstance(case, dict)], prefix="", rule_arn=RULE):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
        lines = [orjson.dumps(one) + b"\n" for one in made if isinstance(one, dict)]
        if lines:
            folder.mkdir(exist_ok=True)
            (folder / "records.jsonl.gz").write_bytes(gzip.compress(b"".join(lines)))
        return folder

    return written


@pytest.fixture
def explained(opalite):
    """Verdict and the rest, by --format json."""

    def run(case, folder, *options, code=0):
        decision_id = case if isinstance(case, str) else case.decision.decision_id[:12]
        done = opalite("explain", decision_id, "--log", folder, "--format", "json", *options)
        assert (done.code, done.err) == (code, [])
        return orjson.loads(done.out)

    return run


def test_every_decision_of_the_samples_comes_out_the_same_from_its_record(repository, sample_cases):
    samples = repository / "samples"
    with session(EngineOptions(data=[samples / "settings"], bundle=[samples / "custom"])) as ready:
        answers = [
            replay(orjson.loads(orjson.dumps(record(case))), ready.engine, ready.catalog) for case in sample_cases
        ]
    assert Counter((answer.verdict, answer.exact) for answer in answers) == {(SAME, True): len(sample_cases)}
    assert {case.decision.outcome for case in sample_cases} == set(Outcome)


def test_text_says_what_why_and_by_what(opalite, sample_cases, log, own):
    case = next(case for case in sample_cases if case.decision.outcome is Outcome.FAIL and case.judged["facts"])
    one, folder = case.decision, log(*sample_cases)
    done = opalite("explain", one.decision_id, "--log", folder, *own)
    assert (done.code, done.err) == (0, [])
    lines = done.out.decode().splitlines()
    evidence = one.violations[0]["evidence"]
    for line in (
        f"decision   {one.decision_id}",
        f"outcome    fail; severity {one.severity}, stage enforce; AWS Config was told NON_COMPLIANT",
        f"time       judged as of {one.evaluated_at}, captured {one.capture_time}",
        f"why        {one.violations[0]['message']}",
        f"by         revision {one.bundle_revision}, OPA {one.opa_version}; input {one.input_digest[:16]}",
        "verdict    exactly the same decision: same policies, same input, same outcome",
    ):
        assert line in lines
    assert any(line.startswith(f"policy     {one.policy_id} {one.policy_version}: ") for line in lines)
    assert any(line.startswith(f"resource   {one.resource_type} {one.resource_id}") for line in lines)
    assert any(line.startswith("fact       ") for line in lines)
    assert any(
        line.startswith(f"text       policies/{one.policy_id.replace('.', '/')}/") and "SHA-256" in line
        for line in lines
    )
    assert any(f": found {orjson.dumps(evidence.get('actual')).decode()}" in line for line in lines)
    assert any(line.startswith("log        ") and folder.name in line for line in lines)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_each_outcome_is_explained_by_what_goes_with_it(opalite, sample_cases, log, own, outcome):
    case = next(case for case in sample_cases if case.decision.outcome is outcome)
    done = opalite("explain", case.decision.decision_id[:12], "--log", log(case), *own)
    assert done.code == 0
    text = done.out.decode()
    said = {
        Outcome.PASS: "why        the policy proves the good state",
        Outcome.FAIL: "why        ",
        Outcome.EXEMPT: f"exemption  {(case.decision.exemption or {}).get('id')} of ",
        Outcome.NOT_APPLICABLE: "why        not applicable: ",
        Outcome.UNDETERMINED: "unknown    ",
    }
    assert f"\n{said[outcome]}" in text


def test_json_has_the_whole_decision_and_the_text_of_its_policy(bucket, log, explained, repository):
    case = bucket()
    told = explained(case, log(case))
    assert (told["verdict"], told["exact"], told["differences"]) == ("same", True, [])
    assert told["decision"]["judged"] == case.judged
    assert told["decision"]["violations"] == list(case.decision.violations)
    assert told["policy"]["id"] == ENCRYPTION
    assert [entry["file"] for entry in told["policy"]["texts"]] == ["policies/aws/s3/bucket/encryption/encryption.rego"]
    assert told["now"]["bundle_revision"] == case.decision.bundle_revision


def test_another_revision_with_the_same_outcome_is_told_and_is_fine(bucket, log, explained, tmp_path):
    case, settings = bucket(), tmp_path / "settings.yaml"
    settings.write_text("stages: {aws.s3.bucket.tls_only: {default: {severity: LOW}}}\n")
    told = explained(case, log(case), "--data", settings)
    assert (told["verdict"], told["summary"]) == (
        "same_outcome",
        "judged by another revision now: the outcome is the same, fail",
    )
    assert told["now"]["bundle_revision"] != case.decision.bundle_revision


def test_another_outcome_by_another_revision_is_exit_code_1(bucket, log, explained, tmp_path):
    case, settings = bucket(), tmp_path / "settings.yaml"
    settings.write_text(f"parameters: {{{ENCRYPTION}: {{default: {{level: any}}}}}}\n")
    told = explained(case, log(case), "--data", settings, code=1)
    assert (told["verdict"], told["summary"]) == (
        "other_outcome",
        "judged by another revision now: outcome fail → pass",
    )
    assert [(entry["field"], entry["now"]) for entry in told["differences"]] == [
        ("outcome", "pass"),
        ("violations", []),
    ]


def test_an_exemption_of_today_excuses_nothing_that_was_judged_before_it_ended(bucket, log, explained, tmp_path):
    """It is judged as of the time of then, whatever the clock says."""
    case, settings = bucket(), tmp_path / "settings.yaml"
    scope = f'{{accounts: ["{case.decision.account_id}"]}}'
    settings.write_text(
        f"exemptions: {{{ENCRYPTION}: {{EX-1: {{scope: {scope}, owner: o, ticket: T-1, reason: r, "
        f'expires: "{case.decision.evaluated_at}"}}}}}}\n'
    )
    assert explained(case, log(case), "--data", settings)["verdict"] == "same_outcome"


def test_with_secrets_left_out_it_says_that_it_cannot_judge_exactly(bucket, log, explained):
    case = bucket({"db-password": "hunter2hunter2"})
    folder = log(case)
    assert b"hunter2" not in gzip.decompress(next(folder.rglob("*.gz")).read_bytes())
    told = explained(case, folder)
    assert (told["verdict"], told["exact"]) == ("same_outcome", False)
    assert told["summary"] == (
        "judged by the same policies: the outcome is the same, fail; not judged exactly, because the log leaves out 1 value of "
        "what was judged"
    )


def test_text_names_what_was_left_out_and_what_differs(opalite, bucket, log, tmp_path):
    case, settings = bucket({f"password-{n:02}": "hunter2hunter2" for n in range(12)}), tmp_path / "settings.yaml"
    settings.write_text(f"parameters: {{{ENCRYPTION}: {{default: {{level: any}}}}}}\n")
    done = opalite("explain", case.decision.decision_id[:12], "--log", log(case), "--data", settings)
    assert (done.code, done.err) == (1, [])
    lines = done.out.decode().splitlines()
    assert [line for line in lines if line.startswith("left out")] == [
        *(f"left out   /judged/resource/tags/password-{n:02}" for n in range(10)),
        "left out   and 2 more; --format json names them all",
    ]
    assert 'differs    outcome: "fail" → "pass"' in lines
    assert lines[-1] == (
        "verdict    judged by another revision now: outcome fail → pass; not judged exactly, because the log leaves out 12 values of "
        "what was judged"
    )


def test_what_was_too_large_for_the_log_cannot_be_judged(bucket, log, explained):
    case = bucket()
    told = explained(case, log({**record(case), "judged": None, "cut": ["/judged"]}), code=1)
    assert (told["verdict"], told["summary"], told["now"]) == (
        "not_judged",
        "cannot be judged again: what was judged is not in the log, for its size",
        None,
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"outcome": "pass", "violations": []},
            "the same policies say something else of the same input (outcome, violations)",
        ),
        (
            {"evaluated_at": "2026-01-01T00:00:00.000Z"},
            "its decision id is not that of its policy, resource, revision and time",
        ),
        ({"bundle_revision": "0" * 16}, "its decision id is not that of its policy, resource, revision and time"),
        ({"input_digest": "0" * 64}, "`judged` is not what `input_digest` is of"),
    ],
)
def test_a_record_that_was_changed_is_found_out(bucket, log, explained, change, why):
    case = bucket()
    told = explained(case, log({**record(case), **change}), code=1)
    assert (told["verdict"], told["summary"]) == ("altered", f"the record was changed after it was written: {why}")


def test_input_that_was_changed_is_found_out(bucket, log, explained):
    case = bucket()
    told = record(case)
    changed = {**told, "judged": told["judged"].replace(case.decision.resource_id, "another")}
    assert explained(case, log(changed), code=1)["verdict"] == "altered"


def test_a_policy_that_is_not_there_or_switched_off_cannot_judge(sample_cases, bucket, log, explained, tmp_path):
    custom = next(case for case in sample_cases if case.decision.policy_id.startswith("custom."))
    told = explained(custom, log(custom), code=1)
    assert (
        told["summary"]
        == f"cannot be judged again: there is no policy {custom.decision.policy_id} here: give its --bundle"
    )
    settings = tmp_path / "settings.yaml"
    settings.write_text(f'stages: {{{ENCRYPTION}: {{default: {{stage: "off"}}}}}}\n')
    case = bucket()
    told = explained(case, log(case), "--data", settings, code=1)
    assert told["summary"] == "cannot be judged again: the policy is switched off for this resource now"


@pytest.fixture(scope="session")
def entries(repository):
    return orjson.loads((repository / "data" / "catalog" / "data.json").read_bytes())


def test_a_policy_that_was_renamed_since_is_asked_by_its_new_name(bucket, engine, entries):
    policies = {
        **entries["policies"],
        ENCRYPTION: {**entries["policies"][ENCRYPTION], "aliases": ["aws.s3.bucket.encrypted"]},
    }
    then = {**record(bucket()), "policy_id": "aws.s3.bucket.encrypted"}
    answer = replay(then, engine, Catalog({**entries, "policies": policies}))
    assert (answer.verdict, answer.now["policy_id"]) == (SAME, ENCRYPTION)


def test_a_type_that_the_policy_has_given_up_is_told(bucket, engine, entries):
    answer = replay(record(bucket()), engine, Catalog({**entries, "by_type": {}}))
    assert answer.line == f"cannot be judged again: {ENCRYPTION} does not judge AWS::S3::Bucket any more"


@pytest.mark.parametrize(
    ("judged", "why"),
    [
        ("[]", "its record does not say what was judged: is it cut or changed?"),
        (
            '{"version":1,"resource":{},"unknown":[],"gone":null}',
            "its record does not say what was judged: is it cut or changed?",
        ),
        ('{"version":2}', "its input is of version 2, this opalite asks with version 1: use the release that made it"),
    ],
)
def test_input_of_another_form_is_refused(bucket, engine, entries, judged, why):
    then = {**record(bucket()), "judged": judged}
    with pytest.raises(UsageError, match=f"^decision {then['decision_id']}: {re.escape(why)}$"):
        replay(then, engine, Catalog(entries))


def test_an_answer_that_cannot_be_trusted_is_no_explanation(bucket, entries):
    class Odd:
        opa_version, bundle_revision = "1.22.2", "r"

        def ask(self, items):
            return {"0": {ENCRYPTION: {"outcome": "fine"}}}

    with pytest.raises(DecisionError, match="unknown outcome 'fine'"):
        replay(record(bucket()), Odd(), Catalog(entries))


def test_an_idle_policy_says_what_it_needs(sample_cases, log, explained):
    case = next(case for case in sample_cases if case.decision.policy_id == "aws.any.resource.required_tags")
    told = explained(case, log(case), code=1)
    assert told["summary"] == (
        "cannot be judged again: aws.any.resource.required_tags judges nothing until required or minimum is set: give --data"
    )


def misused(done):
    assert (done.code, done.out) == (2, b"")
    return done.err[-1]


def test_an_id_must_be_one_long_enough_and_found(opalite, bucket, log):
    case = bucket()
    folder, other = log(case), "f" * 64
    assert misused(opalite("explain", "e5a61", "--log", folder)) == (
        "opalite: 'e5a61' is no decision id: give at least 8 of its hexadecimal digits"
    )
    assert misused(opalite("explain", other, "--log", folder)) == (
        f"opalite: no decision begins with {other} among 1 records: is it of another day, account or log?"
    )


def test_an_id_that_is_not_unique_is_not_guessed(opalite, bucket, log):
    case = bucket()
    one = case.decision.decision_id
    twin = replace(case, decision=replace(case.decision, decision_id=one[:12] + one[12:][::-1]))
    line = misused(opalite("explain", one[:12], "--log", log(case, twin)))
    assert (
        line
        == f"opalite: 2 decisions begin with {one[:12]}: give more of the id, as {min(one, twin.decision.decision_id)}"
    )


def test_output_of_evaluate_is_told_from_the_log(opalite, bucket, tmp_path):
    case, path = bucket(), tmp_path / "decisions.jsonl"
    path.write_bytes(orjson.dumps(case.decision))
    wanted = case.decision.decision_id[:12]
    assert misused(opalite("explain", wanted, "--log", path)) == (
        f"opalite: decision {wanted} stands in output of `opalite evaluate` only, which does not say what was judged: "
        "give the decision log"
    )


def test_a_log_that_is_plain_text_is_read_too(bucket, tmp_path, explained):
    case, path = bucket(), tmp_path / "day.jsonl"
    broken = f'{{"decision_id":"{case.decision.decision_id}'.encode()
    path.write_bytes(b"not JSON\n" + broken + b"\n" + orjson.dumps(record(case)))
    told = explained(case.decision.decision_id, path)
    assert (told["verdict"], told["source"]) == ("same", f"{path}:3")


def test_what_of_the_log_cannot_be_read_is_told_and_exit_code_2(opalite, bucket, log, tmp_path):
    case, broken = bucket(), tmp_path / "broken.jsonl.gz"
    broken.write_bytes(gzip.compress(b"{}\n" * 1000)[:-20])
    empty = tmp_path / "empty"
    empty.mkdir()
    logs = [option for path in (tmp_path / "nowhere", broken, empty, log(case)) for option in ("--log", path)]
    done = opalite("explain", case.decision.decision_id[:12], *logs)
    assert (done.code, done.err) == (
        2,
        [
            f"opalite: error: {tmp_path / 'nowhere'}: cannot be read: No such file or directory",
            f"opalite: error: {broken}: is cut short: its gzip data have no end; what came before the cut was read",
            f"opalite: error: {empty}: is a folder without a file that ends in .jsonl.gz or .jsonl",
        ],
    )
    assert done.out.decode().splitlines()[-1].startswith("verdict    exactly the same")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"violations": [1]}, "violations"),
        ({"exemption": {}}, "exemption"),
        ({"evaluated_at": '2026","policies":[]'}, "evaluated_at"),
        ({"redacted": [1], "outcome": None}, "outcome, redacted"),
    ],
)
def test_a_record_of_another_form_is_refused(opalite, bucket, log, change, named):
    case = bucket()
    folder = log({**record(case), **change})
    line = misused(opalite("explain", case.decision.decision_id[:12], "--log", folder))
    assert line == (
        f"opalite: {folder / 'records.jsonl.gz'}:1: the record lacks {named}, or has it in another form: is it cut or changed?"
    )


def test_a_record_of_a_later_version_is_refused(opalite, bucket, log):
    case = bucket()
    folder = log({**record(case), "schema_version": 2})
    line = misused(opalite("explain", case.decision.decision_id[:12], "--log", folder))
    assert line == f"opalite: {folder / 'records.jsonl.gz'}:1: a record of version 2; this opalite reads version 1"


def test_names_in_a_record_cannot_move_the_cursor(opalite, bucket, log):
    case = bucket()
    folder = log({**record(case), "resource_name": "a\x1b[2J\nverdict    fine", "arn": "x"})
    done = opalite("explain", case.decision.decision_id[:12], "--log", folder)
    assert done.code == 0
    assert all(line.isprintable() for line in done.out.decode().splitlines())
    assert len([line for line in done.out.decode().splitlines() if line.startswith("verdict")]) == 1


def test_without_an_opa_that_answers_it_is_exit_code_3(opalite, bucket, log, tmp_path):
    case = bucket()
    broken = tmp_path / "opa"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    done = opalite("explain", case.decision.decision_id[:12], "--log", log(case), "--opa", broken)
    assert (done.code, done.out) == (3, b"")
