"""OPA's results are parsed strictly: what is not of the agreed shape is an error, never a decision."""

from __future__ import annotations

import pytest

from opalite import decide
from opalite.errors import DecisionError, NormalizationError
from opalite.model import Decision, Outcome, Policy, Resource, Severity

DOCUMENT = {
    "type": "AWS::S3::Bucket", "id": "b", "name": "b", "arn": "arn:aws:s3:::b", "partition": "aws",
    "account_id": "111111111111", "organizational_units": None, "region": "eu-west-1", "tags": {},
    "configuration": {}, "relationships": [],
}  # fmt: skip
RESOURCE = Resource(DOCUMENT, [], None, "2026-11-20T00:00:00.000Z", None, "x.json")
POLICY = Policy("aws.s3.bucket.encryption", "Title", "1.0.0", Severity.HIGH, ("AWS::S3::Bucket",), generic=False)
IDENTITY = decide.Identity("rev", "1.22.2")
AT = "2026-11-23T00:00:00.000Z"
VIOLATION = {"message": "m", "subject": "s", "evidence": {"path": ["encryption"], "actual": None, "expected": "x"}}
EXEMPTION = {"id": "EX-1", "owner": "o", "ticket": "T", "reason": "r", "expires": "2027-01-01T00:00:00Z", "scope": {}}


def ask(**changes):
    given = {"resource": RESOURCE, "evaluated_at": AT, "expected": (POLICY.id,), "selected": False} | changes
    return decide.question(given.pop("resource"), given.pop("evaluated_at"), given.pop("expected"), **given)


def test_the_question_is_the_policy_input():
    assert ask().body() == (
        b'{"evaluated_at":"2026-11-23T00:00:00.000Z","policies":null,"facts":{},"gone":null,"resource":{"account_id":"111111111111",'
        b'"arn":"arn:aws:s3:::b","configuration":{},"id":"b","name":"b","organizational_units":null,"partition":"aws",'
        b'"region":"eu-west-1","relationships":[],"tags":{},"type":"AWS::S3::Bucket"},"unknown":[],"version":1}'
    )


def test_selected_policies_are_named_in_the_question():
    assert b'"policies":["aws.s3.bucket.encryption"]' in ask(selected=True).body()


def test_the_digest_does_not_depend_on_time_or_on_who_else_is_asked():
    assert ask().digest == ask(evaluated_at="2027-01-01T00:00:00.000Z", expected=("a", "b"), selected=True).digest


def test_the_digest_depends_on_facts():
    assert ask().digest != ask(facts={"image": {"ami-1": {"state": "gone"}}}).digest


def test_a_resource_that_is_no_json_is_a_normalization_error():
    nested: list = []
    for _ in range(300):
        nested = [nested]
    with pytest.raises(NormalizationError, match="cannot be written as JSON"):
        ask(resource=Resource({**DOCUMENT, "configuration": {"deep": nested}}, [], None, None, None, "x.json"))


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"outcome": "pass"}, decide.Told(Outcome.PASS, [], [], [], None, {})),
        ({"outcome": "fail", "violations": [VIOLATION]}, decide.Told(Outcome.FAIL, [VIOLATION], [], [], None, {})),
        (
            {"outcome": "exempt", "violations": [VIOLATION], "exemption": EXEMPTION},
            decide.Told(Outcome.EXEMPT, [VIOLATION], [], [], EXEMPTION, {}),
        ),
        (
            {"outcome": "not_applicable", "reasons": ["b", "a"]},
            decide.Told(Outcome.NOT_APPLICABLE, [], [], ["a", "b"], None, {}),
        ),
        (
            {
                "outcome": "undetermined",
                "unknown": [{"fact": "image", "key": "ami-1"}],
                "treatment": {"stage": "audit"},
            },
            decide.Told(Outcome.UNDETERMINED, [], [{"fact": "image", "key": "ami-1"}], [], None, {"stage": "audit"}),
        ),
        (
            {"outcome": "fault", "message": "net.cidr_contains: invalid"},
            decide.Told(
                Outcome.UNDETERMINED, (), ({"reason": "the policy failed: net.cidr_contains: invalid"},), (), None, {}
            ),
        ),
        ({"outcome": "off"}, None),
    ],
)
def test_results_of_the_agreed_shapes(result, told):
    assert decide.told(POLICY.id, result) == told


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ({}, "unknown outcome None"),
        ({"outcome": "compliant"}, "unknown outcome 'compliant'"),
        ({"outcome": ["pass"]}, "unknown outcome"),
        ({"outcome": "silent"}, "gave no result"),
        ({"outcome": "pass", "violations": [VIOLATION]}, "pass without what must go with it"),
        ({"outcome": "pass", "unknown": [{"path": "x"}]}, "pass without what must go with it"),
        ({"outcome": "fail"}, "fail without what must go with it"),
        ({"outcome": "fail", "violations": ["text"]}, "a violation that is no object"),
        ({"outcome": "fail", "violations": [{"subject": "s"}]}, "message that is no text"),
        ({"outcome": "fail", "violations": [{**VIOLATION, "evidence": "none"}]}, "evidence is no object"),
        ({"outcome": "exempt", "violations": [VIOLATION]}, "exempt without what must go with it"),
        ({"outcome": "not_applicable"}, "not_applicable without what must go with it"),
        ({"outcome": "not_applicable", "reasons": [7]}, "a reason that is no text"),
        ({"outcome": "undetermined"}, "undetermined without what must go with it"),
        ({"outcome": "undetermined", "unknown": ["x"]}, "an unknown that is no object"),
        ({"outcome": "pass", "treatment": {"stage": "later"}}, "unknown stage 'later'"),
        ({"outcome": "pass", "treatment": {"severity": "BAD"}}, "unknown severity 'BAD'"),
        ({"outcome": "pass", "treatment": "audit"}, "other than texts"),
    ],
)
def test_everything_else_is_an_error_that_names_the_policy(result, says):
    with pytest.raises(DecisionError, match=says) as caught:
        decide.told(POLICY.id, result)
    assert POLICY.id in str(caught.value)


def test_needs_are_the_facts_of_an_undetermined_result():
    unknown = [{"fact": "kms_key", "key": "b"}, {"path": "resource.tags", "reason": "r"}, {"fact": "image", "key": "a"}]
    assert decide.needs({"outcome": "undetermined", "unknown": unknown}) == [("image", "a"), ("kms_key", "b")]
    assert decide.needs({"outcome": "fail", "unknown": unknown}) == []


def decided(told: decide.Told, **changes) -> Decision:
    return decide.decision(ask(**changes), POLICY, told, IDENTITY, lambda *_: ("COMPLIANT", "text"))


PASS = decide.Told(Outcome.PASS, [], [], [], None, {})


def test_the_whole_decision():
    assert decided(PASS) == Decision(
        account_id="111111111111",
        region="eu-west-1",
        resource_type="AWS::S3::Bucket",
        resource_id="b",
        arn="arn:aws:s3:::b",
        capture_time="2026-11-20T00:00:00.000Z",
        evaluated_at=AT,
        policy_id=POLICY.id,
        policy_version="1.0.0",
        outcome=Outcome.PASS,
        compliance_type="COMPLIANT",
        severity=Severity.HIGH,
        annotation="text",
        violations=[],
        unknown=[],
        reasons=[],
        exemption=None,
        stage="enforce",
        decision_id=decided(PASS).decision_id,
        bundle_revision="rev",
        opa_version="1.22.2",
        input_digest=ask().digest,
    )


def test_the_decision_id_is_the_same_for_the_same_question_and_another_for_another():
    first = decided(PASS).decision_id
    assert first == decided(PASS).decision_id
    others = {
        decided(PASS, evaluated_at="2027-01-01T00:00:00.000Z").decision_id,
        decided(PASS, facts={"image": {}}).decision_id,
        decide.decision(ask(), POLICY, PASS, decide.Identity("other", "1.22.2"), lambda *_: (None, "")).decision_id,
    }
    assert len(others | {first}) == 4
    assert len(first) == 64


def test_the_treatment_changes_stage_and_severity_and_audit_sends_nothing():
    decision = decided(decide.Told(Outcome.PASS, [], [], [], None, {"stage": "audit", "severity": "LOW"}))
    assert (decision.stage, decision.severity, decision.compliance_type) == ("audit", Severity.LOW, None)
