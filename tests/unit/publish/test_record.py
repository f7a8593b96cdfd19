"""Records and objects of the decision log: whole, without secrets, bounded, the same every time."""

from __future__ import annotations

import gzip
from dataclasses import replace
from hashlib import sha256

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opalite.model import Case, Decision, Outcome, Severity
from opalite.publish.log_object import log_objects
from opalite.publish.record import RECORD_BYTES, record
from opalite.publish.record_bounds import dumped
from opalite.publish.redaction import REDACTED

AT = "2026-11-28T09:14:07.518Z"
CAPTURED = "2026-11-28T09:14:06.000Z"
RULE = "arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-abc123"
EXEMPTION = {
    "id": "EX-1", "owner": "platform", "ticket": "SEC-401", "reason": "bastion", "expires": "2027-03-31T00:00:00Z",
    "scope": {"accounts": ["111122223333"]},
}  # fmt: skip


def case(judged=None, *, facts=None, tags=None, configuration=None, **decided):
    resource = {
        "type": "AWS::EC2::SecurityGroup", "id": "sg-1", "name": "web", "arn": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
        "partition": "aws", "account_id": "111122223333", "organizational_units": ["r-root", "ou-root-prod"],
        "region": "eu-west-1", "tags": tags, "configuration": configuration, "relationships": None,
    }  # fmt: skip
    judged = judged or {"version": 1, "resource": resource, "facts": facts or {}, "unknown": [], "gone": None}
    digest = sha256(orjson.dumps(judged, option=orjson.OPT_SORT_KEYS)).hexdigest()
    fields = {
        "account_id": "111122223333", "region": "eu-west-1", "resource_type": "AWS::EC2::SecurityGroup", "resource_id": "sg-1",
        "arn": resource["arn"], "capture_time": CAPTURED, "evaluated_at": AT, "policy_id": "aws.ec2.securitygroup.restricted_ingress",
        "policy_version": "1.0.0", "outcome": Outcome.FAIL, "compliance_type": "NON_COMPLIANT", "severity": Severity.CRITICAL,
        "annotation": "tcp port 22 is open to 0.0.0.0/0 [e5a6122204a5]",
        "violations": [{"message": "tcp port 22 is open", "subject": "r", "evidence": {"path": ["ingress"], "actual": [1]}}],
        "unknown": [], "reasons": [], "exemption": None, "stage": "enforce", "decision_id": "e5" * 32, "bundle_revision": "0123456789abcdef",
        "opa_version": "1.22.2", "input_digest": digest,
    }  # fmt: skip
    return Case(Decision(**{**fields, **decided}), judged)


@pytest.fixture(scope="session")
def check(repository):
    schema = orjson.loads((repository / "docs" / "decision-log" / "schema-1.json").read_bytes())
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    return validator(schema, format_checker=validator.FORMAT_CHECKER).validate


def test_a_record_says_what_was_decided_and_of_what(check):
    given_case = case(
        tags={"team": "shop", "Team": "x"}, facts={"account": {"111122223333": {"organizational_units": []}}}
    )
    told = record(given_case)
    check(told)
    assert told == {
        "schema_version": 1,
        "decision_id": "e5" * 32,
        "date": "2026-11-28",
        "partition": "aws",
        "account_id": "111122223333",
        "region": "eu-west-1",
        "organizational_units": ["r-root", "ou-root-prod"],
        "resource_type": "AWS::EC2::SecurityGroup",
        "resource_id": "sg-1",
        "resource_name": "web",
        "arn": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1",
        "tags": [{"key": "Team", "value": "x"}, {"key": "team", "value": "shop"}],
        "capture_time": CAPTURED,
        "evaluated_at": AT,
        "policy_id": "aws.ec2.securitygroup.restricted_ingress",
        "policy_version": "1.0.0",
        "outcome": "fail",
        "compliance_type": "NON_COMPLIANT",
        "severity": "CRITICAL",
        "stage": "enforce",
        "annotation": "tcp port 22 is open to 0.0.0.0/0 [e5a6122204a5]",
        "violations": [
            {"message": "tcp port 22 is open", "subject": "r", "evidence": '{"actual":[1],"path":["ingress"]}'}
        ],
        "unknown": [],
        "reasons": [],
        "exemption": None,
        "bundle_revision": "0123456789abcdef",
        "opa_version": "1.22.2",
        "input_digest": given_case.decision.input_digest,
        "facts": '{"account":{"111122223333":{"organizational_units":[]}}}',
        "judged": orjson.dumps(given_case.judged, option=orjson.OPT_SORT_KEYS).decode(),
        "redacted": [],
        "cut": [],
    }


def test_the_digest_of_what_was_judged_is_the_input_digest():
    told = record(case(configuration={"b": 1.5, "a": "ü\u2028\x85"}))
    assert sha256(told["judged"].encode()).hexdigest() == told["input_digest"]


def test_exemptions_and_what_is_unknown_have_fixed_fields(check):
    told = record(
        case(
            outcome=Outcome.EXEMPT,
            exemption={**EXEMPTION, "more": 1},
            unknown=[{"fact": "image", "key": "ami-1", "reason": "denied", "odd": 1}, {"path": ["a", "b"]}],
        )
    )
    check(told)
    assert told["exemption"] == {**EXEMPTION, "scope": '{"accounts":["111122223333"]}'}
    assert told["unknown"] == [
        {"fact": "image", "key": "ami-1", "path": None, "reason": "denied"},
        {"fact": None, "key": None, "path": '["a","b"]', "reason": None},
    ]
    assert record(case(exemption={"id": "EX-1"}))["exemption"] == {**dict.fromkeys(EXEMPTION), "id": "EX-1"}


def test_what_is_not_known_is_null_and_never_empty():
    given_case = case()
    given_case.judged["resource"] |= {"organizational_units": None, "name": None, "arn": None}
    told = record(replace(given_case, decision=replace(given_case.decision, arn=None, capture_time=None)))
    assert {name: told[name] for name in ("tags", "organizational_units", "resource_name", "arn", "capture_time")} == {
        "tags": None, "organizational_units": None, "resource_name": None, "arn": None, "capture_time": None,
    }  # fmt: skip


def test_secrets_are_replaced_in_what_was_judged_and_in_what_is_said_of_it():
    told = record(
        case(
            configuration={"masterUserPassword": "hunter2!"},
            tags={"db-password": "hunter2!"},
            annotation="the password hunter2! is weak",
            violations=[
                {
                    "message": "hunter2! is weak",
                    "subject": "",
                    "evidence": {"path": ["masterUserPassword"], "actual": "hunter2!"},
                }
            ],
        )
    )
    assert b"hunter2" not in orjson.dumps(told)
    assert told["annotation"] == f"the password {REDACTED} is weak"
    assert told["tags"] == [{"key": "db-password", "value": REDACTED}]
    assert told["redacted"] == [
        "/judged/resource/tags/db-password",
        "/judged/resource/configuration/masterUserPassword",
        "/annotation",
        "/violations/0/evidence/actual",
        "/violations/0/message",
    ]


def test_long_texts_are_cut_before_the_whole_is_left_out():
    told = record(case(configuration={"script": "x" * 2_000_000, "small": "y"}, tags={"k" * 200: "v" * 1_000_000}))
    judged = orjson.loads(told["judged"])
    assert judged["resource"]["configuration"] == {"script": "x" * 1023 + "…", "small": "y"}
    assert told["tags"] == [{"key": "k" * 127 + "…", "value": "v" * 255 + "…"}]
    assert sorted(told["cut"]) == [
        "/judged/resource/configuration/script",
        f"/judged/resource/tags/{'k' * 200}",
        "/tags",
    ]


def test_what_is_too_large_even_so_is_left_out_and_named():
    told = record(
        case(configuration=["x" * 900] * 1000, facts={"image": {f"ami-{n}": {"name": "n" * 900} for n in range(100)}})
    )
    assert (told["judged"], told["facts"], told["cut"]) == (None, None, ["/facts", "/judged"])


def test_control_characters_and_ends_of_lines_are_escaped():
    line = dumped(record(case(annotation="a\x00\x1b[31m\x7f\x9b\u2028\u202e\u2066b", tags={"k": "\x85"})))
    assert line.decode().isprintable()
    assert len(line.decode().splitlines()) == 1
    assert orjson.loads(line)["annotation"] == "a\x00\x1b[31m\x7f\x9b\u2028\u202e\u2066b"


hostile = st.text(max_size=20) | st.sampled_from(
    ["\x00" * 3000, "\U0001f600" * 3000, "=1+1", '"\\' * 4000, "password=x", "\u2028"]
)
leaf = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | hostile
)
documents = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(hostile, inner, max_size=4), max_leaves=20
)
objects = st.dictionaries(hostile, documents, max_size=4)


decided = st.fixed_dictionaries(
    {
        "violations": st.lists(
            st.fixed_dictionaries({"message": hostile, "subject": hostile, "evidence": objects}), max_size=40
        ),
        "unknown": st.lists(objects, max_size=10),
        "reasons": st.lists(hostile, max_size=40),
        "exemption": st.none() | objects,
        "annotation": hostile,
        "resource_id": hostile,
        "arn": st.none() | hostile,
    }
)


@settings(max_examples=80, deadline=None)
@given(
    tags=st.none() | st.dictionaries(hostile, hostile, max_size=80),
    configuration=documents,
    facts=st.dictionaries(hostile, st.dictionaries(hostile, objects, max_size=3), max_size=3),
    fields=decided,
)
def test_any_case_gives_a_bounded_record_of_the_schema(check, tags, configuration, facts, fields):
    given_case = case(tags=tags, configuration=configuration, facts=facts, **fields)
    told = record(given_case)
    line = dumped(told)
    check(told)
    assert len(line) <= RECORD_BYTES
    assert len(line.splitlines()) == 1
    assert orjson.loads(line) == told == record(given_case)
    assert (sha256((told["judged"] or "").encode()).hexdigest() == told["input_digest"]) is not any(
        path.startswith("/judged") for path in (*told["redacted"], *told["cut"])
    )


def test_a_record_of_nothing_but_long_and_hostile_texts_is_still_bounded(check):
    worst = "\x00" * 3000
    long = {f"{n:03}{worst}": worst for n in range(100)}
    fields = (
        "account_id",
        "region",
        "resource_type",
        "resource_id",
        "arn",
        "policy_id",
        "policy_version",
        "annotation",
    )
    given_case = case(
        tags=long,
        facts={"image": long},
        configuration={f"password{n}": worst for n in range(1000)},
        **dict.fromkeys(fields, worst),
        violations=[{"message": worst, "subject": worst, "evidence": long}] * 20,
        unknown=[dict.fromkeys(("fact", "key", "path", "reason"), worst)] * 100,
        reasons=[worst] * 100,
        exemption={**dict.fromkeys(EXEMPTION, worst), "scope": long},
    )
    given_case.judged["resource"] |= {"name": worst, "partition": worst, "organizational_units": [worst] * 100}
    told = record(given_case)
    assert 100_000 < len(dumped(told)) <= RECORD_BYTES
    assert told["redacted"][-1] == "…"
    check({**told, "account_id": "111122223333"})


def unpacked(body):
    return [orjson.loads(line) for line in gzip.decompress(body).splitlines()]


def test_an_object_lies_by_day_and_region_and_holds_a_line_for_each_decision():
    other = case(decision_id="f0" * 32, policy_id="aws.any.resource.required_tags")
    ((key, body),) = log_objects([case(), other, other], prefix="log", rule_arn=RULE)
    name = sha256(f"{RULE}\n{'e5' * 32}\n{'f0' * 32}".encode()).hexdigest()[:32]
    assert key == f"log/date=2026-11-28/region=eu-west-1/111122223333-{name}.jsonl.gz"
    assert unpacked(body) == [record(other), record(case())]


def test_the_same_decisions_give_the_same_object_in_whatever_order_they_come():
    several = [case(decision_id=f"{n:064x}", resource_id=f"sg-{n}") for n in range(20)]
    assert log_objects(several, prefix="", rule_arn=RULE) == log_objects(several[::-1], prefix="/", rule_arn=RULE)
    assert log_objects(several, prefix="", rule_arn=RULE)[0][1][4:8] == b"\0\0\0\0"  # gzip's time


def test_other_decisions_or_another_config_rule_give_another_object():
    keys = {
        log_objects(cases, prefix="", rule_arn=rule)[0][0]
        for cases, rule in (([case()], RULE), ([case()], RULE + "4"), ([case(decision_id="f0" * 32)], RULE))
    }
    assert len(keys) == 3


def test_days_regions_and_accounts_are_objects_of_their_own():
    several = [
        case(),
        case(decision_id="1" * 64, region="global"),
        case(decision_id="2" * 64, evaluated_at="2026-11-29T00:00:00.000Z"),
        case(decision_id="3" * 64, account_id="444455556666"),
    ]
    keys = [key.rpartition("-")[0] for key, _ in log_objects(several, prefix="a/b/", rule_arn=RULE)]
    assert keys == [
        "a/b/date=2026-11-28/region=eu-west-1/111122223333",
        "a/b/date=2026-11-28/region=eu-west-1/444455556666",
        "a/b/date=2026-11-28/region=global/111122223333",
        "a/b/date=2026-11-29/region=eu-west-1/111122223333",
    ]
    assert log_objects([], prefix="", rule_arn=RULE) == []


def test_a_region_that_is_none_cannot_lead_elsewhere():
    ((key, _),) = log_objects([case(region="../x=y/")], prefix="log", rule_arn=RULE)
    assert key.startswith("log/date=2026-11-28/region=___x_y_/111122223333-")


def test_the_documented_fields_are_those_of_the_schema(repository):
    text = (repository / "docs" / "decision-log.md").read_text().partition("## A record")[2].partition("## ")[0]
    named = [
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in line.split("|")[1].replace("`", "").split()
    ]
    schema = orjson.loads((repository / "docs" / "decision-log" / "schema-1.json").read_bytes())
    assert named == list(schema["properties"])
    assert list(record(case())) == named
