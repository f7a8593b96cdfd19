"""The guard's answer is read strictly: what is not exactly an answer lets nothing be done."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.errors import DecisionError, EngineError, UsageError
from opalite.ports import GUARD_RULE, PolicyFault
from opalite.remediation.action import Action
from opalite.remediation.brakes import Limits
from opalite.remediation.guard import Guarded, Window, ask, guarded, parameters
from opalite.remediation.model import Mode, Plan, State

ANSWER = {
    "mode": "auto",
    "action": "set_encryption",
    "parameters": {"level": "any"},
    "reason": "auto is set here",
    "contested": False,
    "limits": {"per_hour": 10, "per_hour_everywhere": 100, "per_resource_day": 3, "failures_per_hour": 4},
    "approval_hours": 72,
    "window": None,
}
GUARDED = Guarded(
    mode=Mode.AUTO,
    action="set_encryption",
    parameters={"level": "any"},
    reason="auto is set here",
    contested=False,
    limits=Limits(per_hour=10, per_hour_everywhere=100, per_resource_day=3, failures_per_hour=4),
    approval_hours=72,
    window=None,
)
NOT_USED = "the answer of the guard of remediation is not used: "


class Engine:
    """Answers what is written down, or raises it."""

    opa_version = "1.22.2"
    bundle_revision = "r"

    def __init__(self, answer):
        self.asked = []
        self._answer = answer

    def ask(self, items, rule="opalite/decision/batch"):
        self.asked.append((orjson.loads(items), rule))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def test_one_question_is_asked_of_the_guard():
    engine = Engine({"0": ANSWER})
    assert ask(engine, {"version": 1}) == GUARDED
    assert engine.asked == [({"0": {"version": 1}}, GUARD_RULE)]


@pytest.mark.parametrize("answers", [{}, {"1": ANSWER}, {"0": ANSWER, "1": ANSWER}])
def test_an_answer_to_another_question_is_none(answers):
    with pytest.raises(DecisionError, match=r"^the guard of remediation has no answer: "):
        ask(Engine(answers), {})


def test_a_guard_that_breaks_is_a_decision_error():
    with pytest.raises(DecisionError) as caught:
        ask(Engine(PolicyFault("guard.rego:7: div: divide by zero")), {})
    assert str(caught.value) == (
        "the guard of remediation failed: guard.rego:7: div: divide by zero; look at the settings and custom.remediation.guard"
    )


def test_an_opa_that_cannot_be_reached_stays_that():
    with pytest.raises(EngineError, match=r"^gone$"):
        ask(Engine(EngineError("gone")), {})


def test_a_window():
    closed = {"open": False, "opens_at": "2026-11-29T02:00:00Z"}
    assert guarded({**ANSWER, "window": closed}) == replace(GUARDED, window=Window(False, "2026-11-29T02:00:00Z"))
    for window in ({"open": True, "opens_at": None}, {"open": False, "opens_at": None}):
        assert guarded({**ANSWER, "window": window}) == replace(GUARDED, window=Window(window["open"], None))


def test_a_reason_is_one_line_and_an_action_may_be_missing():
    answer = {**ANSWER, "reason": " two\n lines ", "action": ""}
    assert guarded(answer) == replace(GUARDED, reason="two lines", action="")


MEMBERS = "action, approval_hours, contested, limits, mode, parameters, reason, window"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, f"it is not an object of {MEMBERS}"),
        ([], f"it is not an object of {MEMBERS}"),
        ({**ANSWER, "more": 1}, f"it is not an object of {MEMBERS}"),
        ({**ANSWER, "mode": "on"}, "mode is none"),
        ({**ANSWER, "mode": 3}, "mode is of another type"),
        ({**ANSWER, "mode": None}, "mode is of another type"),
        ({**ANSWER, "action": None}, "action is of another type"),
        ({**ANSWER, "parameters": []}, "parameters is of another type"),
        ({**ANSWER, "reason": None}, "reason is of another type"),
        ({**ANSWER, "contested": None}, "contested is of another type"),
        (
            {**ANSWER, "limits": {"per_hour": 1}},
            "limits is not an object of failures_per_hour, per_hour, per_hour_everywhere, per_resource_day",
        ),
        (
            {**ANSWER, "limits": {**ANSWER["limits"], "per_day": 1}},
            "limits is not an object of failures_per_hour, per_hour, per_hour_everywhere, per_resource_day",
        ),
        ({**ANSWER, "limits": {**ANSWER["limits"], "per_hour": 0}}, "limits.per_hour is not a whole number from 1 on"),
        (
            {**ANSWER, "limits": {**ANSWER["limits"], "per_hour": True}},
            "limits.per_hour is not a whole number from 1 on",
        ),
        (
            {**ANSWER, "limits": {**ANSWER["limits"], "per_hour": "9"}},
            "limits.per_hour is not a whole number from 1 on",
        ),
        ({**ANSWER, "approval_hours": 721}, "approval_hours is not a whole number from 1 to 720"),
        ({**ANSWER, "approval_hours": 1.5}, "approval_hours is not a whole number from 1 to 720"),
        ({**ANSWER, "window": {}}, "window is not an object of open, opens_at"),
        ({**ANSWER, "window": {"open": 1, "opens_at": None}}, "window.open is of another type"),
        *(
            ({**ANSWER, "window": window}, "window.opens_at is not a time, or a window is open already")
            for window in (
                {"open": True, "opens_at": "2026-11-29T02:00:00Z"},
                {"open": False, "opens_at": "tomorrow"},
                {"open": False, "opens_at": "2026-11-29T02:00:00"},
                {"open": False, "opens_at": 7},
            )
        ),
    ],
)
def test_anything_else_is_not_used(answer, says):
    with pytest.raises(DecisionError) as caught:
        guarded(answer)
    assert str(caught.value) == NOT_USED + says


@pytest.mark.parametrize("missing", ANSWER)
def test_nothing_may_be_missing(missing):
    with pytest.raises(DecisionError):
        guarded({key: value for key, value in ANSWER.items() if key != missing})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 1000) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["open", "opens_at"]), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(ANSWER)), JSON, min_size=1))
def test_an_answer_is_read_or_refused(changes):
    try:
        found = guarded({**ANSWER, **changes})
    except DecisionError:
        return
    assert found.mode in Mode
    assert type(found.approval_hours) is int
    assert found.window is None or isinstance(found.window, Window)


def action(schema) -> Action:
    return Action(
        name="set_encryption", title="", resource_types=(), read=lambda _, target: State({}, {}),
        plan=lambda _: Plan(action=""), most=Mode.AUTO, permissions=(), parameters=schema,
    )  # fmt: skip


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "level": {"enum": ["kms", "any"], "default": "kms", "description": "how good"},
        "bucket_key": {"type": "boolean", "default": True, "description": "whether"},
    },
}


def test_parameters_are_checked_and_filled():
    assert parameters(action(SCHEMA), {"level": "any"}) == {"level": "any", "bucket_key": True}
    assert parameters(action({}), {}) == {}


@pytest.mark.parametrize(
    ("schema", "given_parameters", "says"),
    [
        (SCHEMA, {"level": "all"}, "parameters.level: is not one of kms, any"),
        (SCHEMA, {"levle": "any"}, "parameters.levle: is not known"),
        ({}, {"level": "any"}, "parameters.level: is not known"),
        ({**SCHEMA, "anyOf": []}, {}, "parameters: its schema says 'anyOf', which is not checked"),
    ],
)
def test_parameters_that_the_action_refuses(schema, given_parameters, says):
    with pytest.raises(UsageError) as caught:
        parameters(action(schema), given_parameters)
    assert str(caught.value) == f"set_encryption: {says}; correct `parameters` in the settings of remediation"
