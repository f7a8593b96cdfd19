"""Attempts: what is written is read again, what was edited is told, and their ids are those of their events."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalite.errors import InvocationError
from opalite.remediation.applying import Applied, Progress
from opalite.remediation.attempt import Attempt, attempt_id, next_version, read, written
from opalite.remediation.model import Result
from opalite.remediation.typed import faults
from unit.remediation.attempts import ATTEMPTS, IDS, TARGETS, WORDS
from unit.remediation.aws.cases import ATTEMPT, STEP, TARGET

_MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@_MANY
@given(ATTEMPTS)
def test_what_is_written_is_read_again(attempt):
    document = orjson.loads(orjson.dumps(written(attempt)))

    assert read(document) == attempt
    assert list(faults(document, Attempt)) == []


@_MANY
@given(ATTEMPTS, st.data())
def test_an_edited_record_is_read_or_told_and_nothing_else(attempt, data):
    """Whatever stands at whichever place: InvocationError, or an attempt whose members are of their types."""
    document = orjson.loads(orjson.dumps(written(attempt)))
    inner = document
    while True:
        key = data.draw(st.sampled_from(sorted(inner) if isinstance(inner, dict) else range(len(inner))))
        if isinstance(inner[key], dict | list) and inner[key] and data.draw(st.booleans()):
            inner = inner[key]
        else:
            break
    inner[key] = data.draw(st.sampled_from([None, 7, True, "x", [], {}, [1], {"a": 1}]))
    try:
        found = read(document)
    except InvocationError:
        return
    assert list(faults(document, Attempt)) or orjson.loads(orjson.dumps(written(found))) == document


@pytest.mark.parametrize("document", [None, 7, "x", [], [1], {}, {"form": None}, {"form": 1, "target": 5}])
def test_what_is_no_record_is_told(document):
    with pytest.raises(InvocationError):
        read(document)


def test_a_record_of_another_version_is_told():
    with pytest.raises(InvocationError, match="is not of form 1: another version has written it"):
        read({**written(ATTEMPT), "form": 2})


@given(TARGETS, TARGETS, WORDS, WORDS)
def test_the_id_is_that_of_the_event_and_the_target(one, other, event, another):
    assert attempt_id(one, event) == attempt_id(replace(one), event)
    assert (attempt_id(one, event) == attempt_id(other, another)) is ((one, event) == (other, another))


def test_what_ended_is_told_to_nobody_yet_and_due_no_more():
    attempt = replace(ATTEMPT, told=("record",), due_at="2026-11-29T13:00:00.000Z")
    ended = attempt.ended(Result.FAILED, "why", "2026-11-29T12:30:00.000Z", applied=())

    assert ended == replace(
        attempt,
        result=Result.FAILED,
        reason="why",
        changed_at="2026-11-29T12:30:00.000Z",
        told=(),
        due_at=None,
        applied=(),
    )


def test_the_last_note_of_a_step_counts_and_what_is_kept_does_not_change_later():
    begun, done = Applied("a", Progress.BEGUN), Applied("a", Progress.DONE, outputs={"key": "1"})
    attempt = replace(ATTEMPT, applied=()).noted(begun).noted(Applied("b", Progress.DONE)).noted(done)
    done.outputs["key"] = "2"
    done.progress = Progress.WAITING

    assert [(one.name, one.progress, one.outputs) for one in attempt.applied] == [
        ("b", Progress.DONE, {}),
        ("a", Progress.DONE, {"key": "1"}),
    ]
    assert attempt.steps_done.keys() == {"a", "b"}


def test_each_writing_is_a_version():
    assert next_version(ATTEMPT) == replace(ATTEMPT, version=ATTEMPT.version + 1)


@pytest.mark.parametrize("result", Result)
def test_what_is_open_waits_or_goes_on(result):
    assert replace(ATTEMPT, result=result).is_open is (result in {"waiting", "deferred", "applying"})


def test_an_attempt_is_alone_at_its_resource_and_at_what_its_plan_names():
    plan = replace(ATTEMPT.plan, steps=(STEP,), locks=("a", "b"))

    assert replace(ATTEMPT, plan=plan).locks == (TARGET.resource_key, "a", "b")
    assert replace(ATTEMPT, plan=None).locks == (TARGET.resource_key,)


@given(IDS)
def test_ids_are_of_twenty_characters(name):
    assert len(attempt_id(TARGET, name)) == 20
