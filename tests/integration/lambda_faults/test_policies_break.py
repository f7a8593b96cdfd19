"""A policy fails on an item, or answers in a shape that nobody agreed on: never COMPLIANT, and what others say stands."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import ECHO, MARK, STRICT, TORN, errors

GOOD = {"compliant": True, "violations": [], "unknown": [], "not_applicable": []}
BAD = {"message": "it is bad", "subject": "", "evidence": {}}
LATER = "2026-11-28T10:00:00.000Z"


def annotations(member):
    held = member.aws.config.results(member.account, member.rule)
    return {key[1]: each["annotation"].rpartition(" [")[0] for key, each in held.items()}


@pytest.mark.parametrize(
    ("policy", "good", "bad"),
    [
        (STRICT, {"created": "2026-01-01T00:00:00Z"}, {"created": MARK}),
        (TORN, {"owners": ["a"]}, {"owners": ["a", MARK]}),
    ],
    ids=["built-in", "conflict"],
)
def test_a_policy_that_fails_on_an_item_takes_compliant_back(shared, member, policy, good, bad):
    rule = member.other("own", policies=policy)
    assert errors(shared.invoke_async(rule.event(rule.project(**good)))) == [None]
    assert errors(shared.invoke_async(rule.event(rule.project("new", **bad)))) == [None]
    assert (rule.compliance, rule.told) == ({"project": "COMPLIANT"}, [["COMPLIANT"], []])  # nothing of the new one
    assert errors(shared.invoke_async(rule.event(rule.project(at=LATER, **bad)))) == [None]
    assert rule.compliance == {"project": "NON_COMPLIANT"}
    assert [line["outcome"] for line in shared.said("decision")] == ["pass", "undetermined", "undetermined"]
    assert annotations(rule)["project"].startswith("undetermined: the policy failed: ")
    assert (shared.failures, shared.kept) == ([], [])


def test_a_policy_that_fails_does_not_silence_the_others_of_its_rule(shared, member):
    rule = member.other("umbrella", policies=f"{ECHO},{STRICT}")
    broken, whole = {"created": "yesterday"}, {"created": "2026-01-01T00:00:00Z"}
    for item in (
        rule.project("good", **GOOD, **whole),
        rule.project("unclear", **GOOD, **broken),
        rule.project("bad", **(GOOD | {"compliant": False, "violations": [BAD]}), **broken),
    ):
        assert errors(shared.invoke_async(rule.event(item))) == [None]
    assert rule.compliance == {"good": "COMPLIANT", "bad": "NON_COMPLIANT"}


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ({"compliant": False, "violations": ["bad"]}, "answered a violation that is no object; the contract asks for"),
        ({"compliant": False, "violations": [{"subject": "x"}]}, "answered a violation's message that is no text"),
        (
            {"compliant": False, "violations": [BAD | {"evidence": "x"}]},
            "answered a violation whose evidence is no object",
        ),
        ({"unknown": ["x"]}, "answered an unknown that is no object of {fact, key} or {path}"),
        ({"unknown": [{}]}, "answered an unknown that is no object of {fact, key} or {path}"),
        ({"not_applicable": [7]}, "answered a reason that is no text"),
    ],
    ids=["word", "no message", "evidence", "word unknown", "nothing unknown", "number"],
)
def test_an_answer_of_another_shape_fails_the_invocation_and_tells_nothing(shared, member, answer, failure):
    rule = member.other("own", policies=ECHO)
    event = rule.event(rule.project(**(GOOD | answer)))
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert shared.failures == shared.failures[:1] * 3
    trusted = "DecisionError: 1 answers cannot be trusted, nothing was made of them"
    assert shared.failures[0].startswith(f"{trusted}: {ECHO} {failure}")
    assert shared.kept == [event]
    assert (rule.compliance, rule.told) == ({}, [[]] * 3)


@pytest.mark.parametrize("answer", [False, "true", 1, {}, []])
def test_what_is_not_true_is_no_proof(shared, member, answer):
    rule = member.other("own", policies=ECHO)
    assert errors(shared.invoke_async(rule.event(rule.project(**(GOOD | {"compliant": answer}))))) == [None]
    assert (rule.compliance, rule.told) == ({}, [[]])


@pytest.mark.parametrize("more", [{"violations": [BAD]}, {"unknown": [{"path": "x"}]}, {"not_applicable": ["odd"]}])
def test_a_proof_with_anything_beside_it_is_none(shared, member, more):
    rule = member.other("own", policies=ECHO)
    assert errors(shared.invoke_async(rule.event(rule.project(**(GOOD | more))))) == [None]
    assert rule.compliance in ({}, {"project": "NOT_APPLICABLE"})


def test_an_answer_that_cannot_be_trusted_keeps_an_umbrella_from_saying_compliant(shared, member):
    rule = member.other("umbrella", policies=f"{ECHO},{TORN}")
    event = rule.event(rule.project(**(GOOD | {"unknown": ["x"]}), owners=["a"]))
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert (rule.compliance, rule.told) == ({}, [[]] * 3)
    assert shared.kept == [event]
