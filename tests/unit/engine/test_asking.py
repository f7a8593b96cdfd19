"""Bisection, and the proof that everything asked was answered. The engine here is a port's other side, not an OPA."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite import decide
from opalite.engine.asking import ask_all
from opalite.errors import DecisionError
from opalite.model import Question, Resource
from opalite.ports import PolicyFault


class Scripted:
    """Answers by a function from an input to its results, and fails the whole batch as OPA does."""

    opa_version = "1.22.2"
    bundle_revision = "r"

    def __init__(self, answer: Callable[[dict[str, Any]], Any]) -> None:
        self._answer = answer
        self.calls = 0

    def ask(self, items: bytes) -> Mapping[str, Any]:
        self.calls += 1
        return {key: self._answer(item) for key, item in orjson.loads(items).items()}


def question(name: str, policies: tuple[str, ...] = ("p",)) -> Question:
    document = {"type": "T", "id": name, "arn": None, "partition": "aws", "account_id": "1", "region": "r"}
    return decide.question(
        Resource(document, [], None, None, None, name), "2026-11-23T00:00:00Z", policies, selected=False
    )


def passing(item):
    return {policy: {"outcome": "pass"} for policy in (item["policies"] or ["p"])}


def faulty(*names: str):
    def answer(item):
        if item["resource"]["id"] in names:
            raise PolicyFault("boom")
        return passing(item)

    return answer


def test_results_come_in_the_order_of_the_questions():
    engine = Scripted(lambda item: {"p": {"outcome": "fail", "id": item["resource"]["id"]}})
    results = ask_all(engine, [question("a"), question("b"), question("c")])
    assert [entry["p"]["id"] for entry in results] == ["a", "b", "c"]
    assert engine.calls == 1


def test_no_question_is_no_call():
    engine = Scripted(passing)
    assert ask_all(engine, []) == []
    assert engine.calls == 0


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_only_the_culprits_are_without_an_answer(culprits):
    names = [str(index) for index in range(len(culprits))]
    bad = {name for name, culprit in zip(names, culprits, strict=True) if culprit}
    results = ask_all(Scripted(faulty(*bad)), [question(name) for name in names])
    assert results == [
        {"p": {"outcome": "fault", "message": "boom"} if name in bad else {"outcome": "pass"}} for name in names
    ]


def test_one_policy_that_fails_does_not_take_the_others_with_it():
    def answer(item):
        if "b" in (item["policies"] or ["a", "b"]):
            raise PolicyFault("boom")
        return {"a": {"outcome": "pass"}}

    assert ask_all(Scripted(answer), [question("x", ("a", "b"))]) == [
        {"a": {"outcome": "pass"}, "b": {"outcome": "fault", "message": "boom"}}
    ]


def test_a_policy_that_is_silent_is_told_as_silent():
    assert ask_all(Scripted(passing), [question("x", ("p", "q"))]) == [
        {"p": {"outcome": "pass"}, "q": {"outcome": "silent"}}
    ]


def test_an_item_without_an_answer_is_an_error():
    class Forgetful(Scripted):
        def ask(self, items):
            answered = dict(super().ask(items))
            answered.popitem()
            return answered

    with pytest.raises(DecisionError, match="answered 1 of 2 questions"):
        ask_all(Forgetful(passing), [question("a"), question("b")])


def test_an_answer_for_a_policy_that_was_not_asked_is_an_error():
    engine = Scripted(lambda _: {"p": {"outcome": "pass"}, "stranger": {"outcome": "pass"}})
    with pytest.raises(DecisionError, match="not asked: stranger"):
        ask_all(engine, [question("a")])


def test_an_answer_that_is_no_object_is_an_error():
    with pytest.raises(DecisionError, match="not an object of results"):
        ask_all(Scripted(lambda _: ["pass"]), [question("a")])


def test_a_policy_that_fails_is_treated_as_the_stages_say():
    def answer(item):
        if item["gone"] is None:
            raise PolicyFault("boom")
        return {"p": {"outcome": "not_applicable", "reasons": [item["gone"]], "treatment": {"stage": "audit"}}}

    assert ask_all(Scripted(answer), [question("a")]) == [
        {"p": {"outcome": "fault", "message": "boom", "treatment": {"stage": "audit"}}}
    ]
