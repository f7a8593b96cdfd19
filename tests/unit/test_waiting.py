"""The way from an answer that hangs on facts to the last word: what is asked of the sources, and what the decision says of the rest."""

from __future__ import annotations

import orjson
import pytest

from opalite.catalog import Catalog, from_entries
from opalite.errors import AwsError
from opalite.facts.given import GivenFacts
from opalite.judge import Judge
from opalite.model import Outcome, Resource

AT = "2026-11-23T00:00:00.000Z"
POLICY = "aws.s3.bucket.a"
ACCOUNT = "111111111111"
UNITS = {"fact": "account", "key": ACCOUNT}
KEY = {"fact": "kms_key", "key": "k"}
IMAGE = {"fact": "image", "key": "ami-1"}
CATALOG = Catalog(
    from_entries(
        {
            POLICY: {
                "title": "t", "version": "1.0.0", "severity": "LOW", "resource_types": ["AWS::S3::Bucket"], "path": [],
            }
        }
    )
)  # fmt: skip


class Engine:
    """Answers by what the input holds: `answer` is given the kinds of facts, and whether units are known."""

    opa_version = "1.22.2"
    bundle_revision = "r"

    def __init__(self, answer):
        self.asked = []
        self._answer = answer

    def ask(self, items):
        inputs = orjson.loads(items)
        self.asked += [{kind: sorted(facts) for kind, facts in item["facts"].items()} for item in inputs.values()]
        return {key: {POLICY: self._result(item)} for key, item in inputs.items()}

    def _result(self, item):
        unknown = self._answer(set(item["facts"]), item["resource"]["organizational_units"] is not None)
        return {"outcome": "undetermined", "unknown": unknown} if unknown else {"outcome": "pass"}


class Remote:
    """A source that remembers what it was asked."""

    def __init__(self, facts, reasons=None):
        self.prepared = []
        self._facts = facts
        self._reasons = reasons or {}

    def prepare(self, wanted):
        self.prepared.append(sorted((kind, key, resource["id"]) for kind, key, resource in wanted))

    def lookup(self, kind, key, resource):
        return self._facts.get((kind, key))

    def why(self, kind, key, resource):
        return self._reasons.get((kind, key))


def resource(name="b"):
    document = {
        "type": "AWS::S3::Bucket", "id": name, "name": None, "arn": None, "partition": "aws", "account_id": ACCOUNT,
        "organizational_units": None, "region": "eu-west-1", "tags": None, "configuration": None, "relationships": None,
    }  # fmt: skip
    return Resource(document, [], None, AT, None, f"{name}.json")


def settled(engine, *sources, names=("b",)):
    judge = Judge(engine, CATALOG, None, GivenFacts({}), later=frozenset({"account", "kms_key", "image"}))
    pending = [entry for line in judge.first([judge.question(resource(name), AT) for name in names]) for entry in line]
    return [decision for line in judge.again(pending, sources) for decision in line]


FACTS = {("account", ACCOUNT): {"organizational_units": ["r-1"]}, ("kms_key", "k"): {"manager": "AWS"}}


def needs_both(kinds, units_known):
    """As the router does: without units the policy itself is not heard."""
    if not units_known:
        return [UNITS]
    return [] if "kms_key" in kinds else [KEY]


def test_units_do_not_cost_a_policy_its_question_for_facts():
    engine = Engine(needs_both)
    [decision] = settled(engine, Remote(FACTS))
    assert decision.outcome == Outcome.PASS
    assert engine.asked == [{}, {"account": [ACCOUNT]}, {"account": [ACCOUNT], "kms_key": ["k"]}]


def test_units_may_be_needed_only_after_the_facts():
    """As by an exemption, which matters only once there are violations."""
    engine = Engine(lambda kinds, units_known: [KEY] if "kms_key" not in kinds else [] if units_known else [UNITS])
    [decision] = settled(engine, Remote(FACTS))
    assert decision.outcome == Outcome.PASS
    assert engine.asked == [{}, {"kms_key": ["k"]}, {"account": [ACCOUNT], "kms_key": ["k"]}]


def test_facts_are_asked_for_once_though_the_answer_names_others():
    facts = FACTS | {("image", "ami-1"): {"state": "available"}}
    engine = Engine(lambda kinds, _: [] if "image" in kinds else [IMAGE] if "kms_key" in kinds else [KEY])
    [decision] = settled(engine, Remote(facts))
    assert (decision.outcome, decision.unknown) == (Outcome.UNDETERMINED, [IMAGE])
    assert len(engine.asked) == 2


def test_a_source_hears_all_of_a_batch_before_it_is_asked():
    remote = Remote(FACTS)
    settled(Engine(needs_both), remote, names=("a", "b", "c"))
    assert remote.prepared == [
        [("account", ACCOUNT, name) for name in "abc"],
        [("kms_key", "k", name) for name in "abc"],
    ]


def test_the_first_source_that_knows_a_fact_is_believed():
    here, there = Remote({("kms_key", "k"): {"manager": "AWS"}}), Remote({("kms_key", "k"): {"manager": "CUSTOMER"}})
    engine = Engine(lambda kinds, _: [] if "kms_key" in kinds else [KEY])
    digests = {settled(engine, *order)[0].input_digest for order in ((here, there), (here,))}
    assert len(digests) == 1


def test_a_fact_that_nobody_tells_carries_the_reason():
    engine = Engine(lambda *_: [KEY])
    [decision] = settled(engine, Remote({}, {("kms_key", "k"): "kms:DescribeKey is denied"}), Remote({}))
    assert decision.unknown == [KEY | {"reason": "kms:DescribeKey is denied"}]
    assert decision.annotation.startswith("undetermined: kms_key k: kms:DescribeKey is denied [")


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ({"path": "facts.kms_key.k.aliases"}, {"path": "facts.kms_key.k.aliases", "reason": "denied"}),
        (
            {"path": "facts.kms_key.k.aliases", "reason": "not known"},
            {"path": "facts.kms_key.k.aliases", "reason": "not known: denied"},
        ),
        ({"path": "facts.kms_key.key.aliases"}, {"path": "facts.kms_key.key.aliases"}),
        (
            {"path": "resource.tags", "reason": "not in the item"},
            {"path": "resource.tags", "reason": "not in the item"},
        ),
        ({"reason": "contradiction"}, {"reason": "contradiction"}),
    ],
)
def test_a_part_of_a_fact_that_is_not_known_carries_the_reason(gap, expected):
    engine = Engine(lambda kinds, _: [gap] if kinds else [KEY])
    [decision] = settled(engine, Remote(FACTS, {("kms_key", "k"): "denied"}))
    assert decision.unknown == [expected]


def test_a_source_that_fails_decides_nothing():
    class Failing(Remote):
        def prepare(self, wanted):
            raise AwsError("throttled")

    with pytest.raises(AwsError, match="throttled"):
        settled(Engine(needs_both), Failing({}))
