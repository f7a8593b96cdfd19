"""What answers is not the OPA of the layer, or not as it was asked: of no such answer a verdict is made.

The resource is open to the whole world, and what answers says that all is well.
"""

from __future__ import annotations

import json

import pytest

from integration.lambda_faults.impostor import Impostor, document, everywhere
from integration.lambda_faults.scene import OPEN_TO_ALL, WHOLE, errors

PASS = {"outcome": "pass"}
VIOLATION = {"message": "open", "subject": "22", "evidence": {}}
NOT_BY_ANY = "DecisionError: OPA judges without naming a bundle, expected is "


@pytest.fixture(scope="module")
def impostor(shared):
    shared.start()
    with Impostor(shared.socket) as made:
        yield made


@pytest.fixture
def lie(impostor, shared, member, good_layer):
    """Why the function fails when this is answered; nothing is told, the event is kept, and OPA itself sets it right."""
    revision = json.loads((good_layer / "layer.json").read_bytes())["bundle_revision"]

    def told(answers):
        event = member.event(member.open())
        impostor.answers = answers(revision)
        assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
        impostor.answers = None
        assert member.compliance == {}
        assert [types for types in member.told if types] == []
        assert shared.kept == [event]
        failures = shared.failures
        assert errors(shared.invoke_async(event)) == [None]
        assert member.compliance == {"sg-open": "NON_COMPLIANT"}
        assert shared.living == WHOLE
        assert failures == failures[:1] * 3
        return failures[0].replace(revision, "OURS")

    yield told
    impostor.answers = None


def always(status, body):
    return lambda revision: lambda questions: (status, body)


NONSENSE = {
    "a page": (always(200, b"<html>It works!</html>"), "EngineError: OPA answered HTTP 200 with something that is not JSON"),
    "nothing": (always(200, b""), "EngineError: OPA answered HTTP 200 with something that is not JSON"),
    "half an answer": (always(200, b'{"result": {"0'), "EngineError: OPA answered HTTP 200 with something that is not JSON"),
    "null": (always(200, b"null"), NOT_BY_ANY),
    "undefined": (always(200, b"{}"), NOT_BY_ANY),
    "true": (always(200, b'{"result": true}'), NOT_BY_ANY),
    "not found": (always(404, b'{"code": "resource_not_found", "message": "no"}'), "EngineError: OPA answered HTTP 404: no"),
    "broken inside": (always(500, b'{"code": "internal_error", "message": "no"}'), "EngineError: OPA answered HTTP 500: no"),
    "unavailable": (always(503, b"later"), "EngineError: OPA answered HTTP 503 with something that is not JSON"),
    "moved": (always(307, b"{}"), "EngineError: OPA answered HTTP 307: no message"),
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_no_verdict(lie, name):
    answers, failure = NONSENSE[name]
    assert lie(answers).startswith(failure)


@pytest.mark.parametrize(
    ("revision", "seen"),
    [
        (None, "without naming a bundle"),
        ("0123456789abcdef", "by the bundle 0123456789abcdef"),
        ("", "by the bundle ?"),
    ],
)
def test_what_another_bundle_says_is_no_verdict(lie, revision, seen):
    assert lie(lambda _: everywhere(PASS, revision)) == (
        f"DecisionError: OPA judges {seen}, expected is OURS: "
        "its answer is not used; extension and function must have the same layer"
    )


def test_what_two_bundles_say_is_no_verdict(lie):
    def answers(revision):
        def told(questions):
            _, body = everywhere(PASS, revision)(questions)
            two = json.loads(body)
            two["provenance"]["bundles"]["other"] = {"revision": "fedcba9876543210"}
            return 200, json.dumps(two).encode()

        return told

    assert lie(answers).startswith("DecisionError: OPA judges by the bundle OURS+fedcba9876543210, expected is OURS")


WRONG = {
    "nothing at all": ({}, "OPA answered 0 of 1 questions, or others than asked"),
    "another question": ({"1": {OPEN_TO_ALL: PASS}}, "OPA answered 1 of 1 questions, or others than asked"),
    "one more question": (
        {"0": {OPEN_TO_ALL: PASS}, "1": {OPEN_TO_ALL: PASS}},
        "OPA answered 2 of 1 questions, or others than asked",
    ),
    "a list": ({"0": [PASS]}, "OPA's answer for an item is not an object of results by policy"),
    "a word": ({"0": "pass"}, "OPA's answer for an item is not an object of results by policy"),
    "another policy": (
        {"0": {"aws.s3.bucket.encryption": PASS}},
        "OPA answered for policies that were not asked: aws.s3.bucket.encryption; is its catalog another one?",
    ),
    "one more policy": (
        {"0": {OPEN_TO_ALL: PASS, "aws.s3.bucket.encryption": PASS}},
        "OPA answered for policies that were not asked: aws.s3.bucket.encryption; is its catalog another one?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_an_answer_to_another_question_is_no_verdict(lie, name):
    result, failure = WRONG[name]
    assert lie(lambda revision: lambda _: document(result, revision)) == f"DecisionError: {failure}"


SHAPES = {
    "no policy": ({}, "gave no result: its package is not in the bundle, or has no `violations`"),
    "an unknown outcome": ({OPEN_TO_ALL: {"outcome": "compliant"}}, "answered the unknown outcome 'compliant'"),
    "no outcome": ({OPEN_TO_ALL: {}}, "answered the unknown outcome None"),
    "true": ({OPEN_TO_ALL: {"outcome": True}}, "answered the unknown outcome True"),
    "capitals": ({OPEN_TO_ALL: {"outcome": "PASS"}}, "answered the unknown outcome 'PASS'"),
    "a pass with a violation": (
        {OPEN_TO_ALL: PASS | {"violations": [VIOLATION]}},
        "answered pass without what must go with it",
    ),
    "a pass with a gap": (
        {OPEN_TO_ALL: PASS | {"unknown": [{"path": "x"}]}},
        "answered pass without what must go with it",
    ),
    "a pass with an exemption": (
        {OPEN_TO_ALL: PASS | {"exemption": {"id": "x"}}},
        "answered pass without what must go with it",
    ),
    "an exemption of nothing": (
        {OPEN_TO_ALL: {"outcome": "exempt", "violations": [VIOLATION]}},
        "answered exempt without what must go with it",
    ),
    "not applicable for no reason": (
        {OPEN_TO_ALL: {"outcome": "not_applicable"}},
        "answered not_applicable without what must go with it",
    ),
    "a violation that says nothing": (
        {OPEN_TO_ALL: {"outcome": "fail", "violations": [{"message": ""}]}},
        "answered a violation's message that is no text",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_result_of_another_shape_is_no_verdict(lie, shared, name):
    results, failure = SHAPES[name]
    assert lie(lambda revision: lambda questions: document(dict.fromkeys(questions, results), revision)) == (
        f"DecisionError: 1 answers cannot be trusted, nothing was made of them: {OPEN_TO_ALL} {failure}"
    )
    assert [line["policy_id"] for line in shared.said("fault")] == [OPEN_TO_ALL] * 3
