"""Facts by need: asked without, asked again with exactly what was named, alone."""

from __future__ import annotations

from dataclasses import replace

import orjson

from opalite.catalog import Catalog, from_entries
from opalite.facts.given import GivenFacts
from opalite.judge import Fault, Judge, Pending
from opalite.model import Decision, Outcome, Resource

AT = "2026-11-23T00:00:00.000Z"


def entry(**more):
    return {
        "title": "t",
        "version": "1.0.0",
        "severity": "LOW",
        "resource_types": ["AWS::S3::Bucket"],
        "path": [],
        **more,
    }


CATALOG = Catalog(
    from_entries(
        {"aws.s3.bucket.a": entry(), "aws.s3.bucket.b": entry(), "aws.x.y.z": entry(resource_types=["AWS::X::Y"])}
    )
)


def resource(name="b", kind="AWS::S3::Bucket"):
    document = {
        "type": kind, "id": name, "name": None, "arn": None, "partition": "aws", "account_id": "111111111111",
        "organizational_units": None, "region": "eu-west-1", "tags": None, "configuration": None, "relationships": None,
    }  # fmt: skip
    return Resource(document, [], None, AT, None, f"{name}.json")


class Engine:
    """Policy a always passes; policy b passes when it has the fact it asks for. Remembers what it was asked."""

    opa_version = "1.22.2"
    bundle_revision = "r"

    def __init__(self, needs=({"fact": "kms_key", "key": "k"},)):
        self.asked = []
        self._needs = list(needs)

    def ask(self, items):
        inputs = orjson.loads(items)
        self.asked += inputs.values()
        return {key: self._results(item) for key, item in inputs.items()}

    def _results(self, item):
        known = all(need["key"] in item["facts"].get(need["fact"], {}) for need in self._needs)
        results = {
            "aws.s3.bucket.a": {"outcome": "pass"},
            "aws.s3.bucket.b": {"outcome": "pass"} if known else {"outcome": "undetermined", "unknown": self._needs},
        }
        return {policy: results[policy] for policy in item["policies"] or results}


FACT = {"manager": "CUSTOMER"}


def judged(engine, known=None, chosen=None):
    judge = Judge(engine, CATALOG, chosen, GivenFacts(known or {}), later=frozenset({"kms_key", "account"}))
    question = judge.question(resource(), AT)
    assert question is not None
    return judge, judge.first([question])[0]


def outcomes(line):
    return [(decision.policy_id, decision.outcome) for decision in line]


def test_no_policy_is_no_question():
    assert Judge(Engine(), CATALOG, None, GivenFacts({})).question(resource(kind="AWS::Other::Type"), AT) is None
    assert Judge(Engine(), CATALOG, frozenset({"aws.x.y.z"}), GivenFacts({})).question(resource(), AT) is None


def test_given_facts_are_handed_to_the_policy_that_asked_for_them_and_to_no_other():
    engine = Engine()
    _, line = judged(engine, {"kms_key": {"k": FACT, "other": FACT}, "image": {"ami-1": {}}})
    assert outcomes(line) == [("aws.s3.bucket.a", Outcome.PASS), ("aws.s3.bucket.b", Outcome.PASS)]
    assert [(item["policies"], item["facts"]) for item in engine.asked] == [
        (None, {}),
        (["aws.s3.bucket.b"], {"kms_key": {"k": FACT}}),
    ]


def test_a_fact_that_is_not_known_yet_leaves_the_decision_pending():
    _, line = judged(Engine())
    assert isinstance(line[0], Decision)
    assert isinstance(line[1], Pending)
    assert line[1].question.expected == ("aws.s3.bucket.b",)


def test_pending_until_all_facts_that_may_come_are_there():
    engine = Engine([{"fact": "kms_key", "key": "k"}, {"fact": "image", "key": "ami-1"}])
    _, line = judged(engine, {"image": {"ami-1": FACT}})
    assert isinstance(line[1], Pending)
    assert len(engine.asked) == 1


def test_a_fact_that_nobody_will_tell_is_not_waited_for():
    engine = Engine([{"fact": "image", "key": "ami-1"}])
    _, line = judged(engine)
    assert outcomes(line) == [("aws.s3.bucket.a", Outcome.PASS), ("aws.s3.bucket.b", Outcome.UNDETERMINED)]
    assert len(engine.asked) == 1


def test_what_is_known_is_told_even_when_the_rest_will_never_be():
    engine = Engine([{"fact": "kms_key", "key": "k"}, {"fact": "image", "key": "ami-1"}])
    _, line = judged(engine, {"kms_key": {"k": FACT}})
    assert outcomes(line) == [("aws.s3.bucket.a", Outcome.PASS), ("aws.s3.bucket.b", Outcome.UNDETERMINED)]
    assert engine.asked[-1]["facts"] == {"kms_key": {"k": FACT}}


def test_the_last_word_with_facts_from_elsewhere():
    judge, line = judged(Engine())
    [[decision]] = judge.again([line[1]], [GivenFacts({"kms_key": {"k": FACT}})])
    assert decision.outcome == Outcome.PASS


def test_the_first_answer_stands_when_nobody_knows_the_fact():
    engine = Engine()
    judge, line = judged(engine)
    [[decision]] = judge.again([line[1]], [GivenFacts({})])
    assert (decision.outcome, decision.unknown) == (Outcome.UNDETERMINED, [{"fact": "kms_key", "key": "k"}])
    assert len(engine.asked) == 1


def test_some_facts_are_better_than_none():
    needs = [{"fact": "kms_key", "key": "k"}, {"fact": "image", "key": "ami-1"}]
    engine = Engine(needs)
    judge, line = judged(engine)
    [[decision]] = judge.again([line[1]], [GivenFacts({"kms_key": {"k": FACT}})])
    assert decision.outcome == Outcome.UNDETERMINED
    assert engine.asked[-1]["facts"] == {"kms_key": {"k": FACT}}


def test_a_decision_is_the_same_whichever_policies_are_asked_beside_it():
    known = {"kms_key": {"k": FACT}}
    _, both = judged(Engine(), known)
    _, alone = judged(Engine(), known, chosen=frozenset({"aws.s3.bucket.b"}))
    assert alone == both[1:]


def test_organizational_units_are_filled_in_when_they_are_known():
    engine = Engine(needs=[])
    judged(engine, {"account": {"111111111111": {"organizational_units": ["r-1", "ou-1"]}}})
    assert engine.asked[0]["resource"]["organizational_units"] == ["r-1", "ou-1"]


def test_organizational_units_that_are_asked_for_reach_the_resource():
    engine = Engine([{"fact": "account", "key": "111111111111"}])
    judge, line = judged(engine)
    judge.again([line[1]], [GivenFacts({"account": {"111111111111": {"organizational_units": ["ou-1"]}}})])
    assert engine.asked[-1]["resource"]["organizational_units"] == ["ou-1"]


class Broken(Engine):
    def _results(self, item):
        return {"aws.s3.bucket.a": {"outcome": "pass"}, "aws.s3.bucket.b": {"outcome": "fine"}}


def test_an_answer_that_cannot_be_trusted_is_a_fault_and_no_decision():
    _, line = judged(Broken())
    assert outcomes(line[:1]) == [("aws.s3.bucket.a", Outcome.PASS)]
    assert line[1] == Fault("aws.s3.bucket.b", "b.json", "aws.s3.bucket.b answered the unknown outcome 'fine'")


class Off(Engine):
    def _results(self, item):
        return {"aws.s3.bucket.a": {"outcome": "off"}, "aws.s3.bucket.b": {"outcome": "pass"}}


def test_a_policy_that_is_off_has_no_decision():
    _, line = judged(Off())
    assert outcomes(line) == [("aws.s3.bucket.b", Outcome.PASS)]


def test_a_path_that_the_policy_misses_is_told_with_the_reason_of_the_item():
    class Missing(Engine):
        def _results(self, item):
            named = [
                {"path": "resource.configuration.a.b"},
                {"path": "resource.configuration.ab"},
                {"path": "resource.configuration.c", "reason": "too old to tell"},
                {"reason": "the policy says neither compliant nor violations"},
            ]
            return {policy: {"outcome": "undetermined", "unknown": named} for policy in item["policies"]}

    gaps = [
        {"path": "resource.configuration.a", "reason": "the item has no configuration.A"},
        {"path": "resource.configuration.c", "reason": "the item has no configuration.C"},
    ]
    judge = Judge(Missing(), CATALOG, frozenset({"aws.s3.bucket.a"}), GivenFacts({}))
    question = judge.question(replace(resource(), unknown=gaps), AT)
    assert [decision.unknown for decision in judge.first([question])[0]] == [
        [
            {"path": "resource.configuration.a.b", "reason": "the item has no configuration.A"},
            {"path": "resource.configuration.ab"},
            {"path": "resource.configuration.c", "reason": "too old to tell"},
            {"reason": "the policy says neither compliant nor violations"},
        ]
    ]
