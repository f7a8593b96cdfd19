"""Batches of questions to an engine: bisection of what fails, and the proof that everything asked was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from opalite.errors import DecisionError
from opalite.model import Question
from opalite.ports import Engine, PolicyFault

Results = dict[str, Any]  # by policy id


def ask_all(engine: Engine, questions: Sequence[Question]) -> list[Results]:
    """The results of each question, in order.

    A policy that fails on one resource (a built-in refuses a malformed value) fails the whole batch: the batch is halved
    until the culprits stand alone. Theirs is `{"outcome": "fault", "message": …}`; all others keep their answers.
    """
    if not questions:
        return []
    items = b",".join(b'"%d":%s' % (index, question.body()) for index, question in enumerate(questions))
    try:
        answered = engine.ask(b"{" + items + b"}")
    except PolicyFault as fault:
        if len(questions) > 1:
            middle = len(questions) // 2
            return ask_all(engine, questions[:middle]) + ask_all(engine, questions[middle:])
        return [_one_by_one(engine, questions[0], fault)]
    if answered.keys() != {str(index) for index in range(len(questions))}:
        raise DecisionError(f"OPA answered {len(answered)} of {len(questions)} questions, or others than asked")
    return [_complete(question, answered[str(index)]) for index, question in enumerate(questions)]


def _one_by_one(engine: Engine, question: Question, fault: PolicyFault) -> Results:
    if len(question.expected) == 1:
        policy_id = question.expected[0]
        return {policy_id: {"outcome": "fault", "message": str(fault), **_treatment(engine, question, policy_id)}}
    results: Results = {}
    for policy in question.expected:
        results |= ask_all(engine, [replace(question, expected=(policy,), selected=True)])[0]
    return results


def _treatment(engine: Engine, question: Question, policy_id: str) -> Results:
    """What the stages say of a policy that failed: told without the policy being evaluated, as of a resource that is gone."""
    core = orjson.loads(question.core) | {"gone": "the policy failed"}
    asked = replace(question, core=orjson.dumps(core, option=orjson.OPT_SORT_KEYS))
    try:
        result = engine.ask(b'{"0":' + asked.body() + b"}").get("0", {}).get(policy_id, {})
    except PolicyFault:  # the stages themselves: they are not for policies that fail
        return {}
    return {"treatment": result["treatment"]} if isinstance(result, dict) and "treatment" in result else {}


def _complete(question: Question, results: Any) -> Results:
    """The results, with a fault for each policy that was asked and is silent."""
    if not isinstance(results, dict):
        raise DecisionError("OPA's answer for an item is not an object of results by policy")
    expected = set(question.expected)
    if results.keys() == expected:
        return results
    strangers = sorted(results.keys() - expected)
    if strangers:
        raise DecisionError(
            f"OPA answered for policies that were not asked: {', '.join(strangers)}; is its catalog another one?"
        )
    silent = {policy: {"outcome": "silent"} for policy in question.expected if policy not in results}
    return results | silent
