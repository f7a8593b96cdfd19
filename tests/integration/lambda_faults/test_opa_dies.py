"""OPA ends or stands still, whenever and however often: the event is judged by the next one, or tried again, or kept."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import MARK, SLOW, WHOLE, errors, stand_still

NO_ANSWER = "EngineError: OPA did not answer within "
GIVEN_UP = "EngineError: OPA died 3 times over one question"
KILLED = "OPA died and is started anew: it ended with signal: killed"
SECONDS = 1000  # rounds of the slow policy: one or two seconds
FOREVER = 20_000


@pytest.fixture
def slow(member):
    """The member under a rule that is judged slowly."""
    return member.other("slow", policies=SLOW)


@pytest.fixture
def patient(stage):
    """A sandbox of one test alone: in it OPA has not died before."""
    function = stage.function()
    function.start()
    yield function
    function.close()


@pytest.fixture(scope="module")
def brief(stage):
    """A function with three seconds for each event, two of which it keeps to tell what went wrong."""
    return stage.function(timeout=3)


def test_an_event_without_any_fault_is_delivered(shared, member):
    good, bad = member.event(member.closed()), member.event(member.open())
    assert MARK in good["invokingEvent"]  # which no log holds, in none of the tests
    assert errors(shared.invoke_async(good) + shared.invoke_async(bad)) == [None, None]
    assert member.compliance == {"sg-closed": "COMPLIANT", "sg-open": "NON_COMPLIANT"}
    assert (shared.kept, shared.failures, shared.living) == ([], [], WHOLE)


def test_opa_killed_between_two_invocations_is_not_noticed_by_the_next(patient, member):
    patient.invoke_async(member.event(member.open("before")))
    patient.kill("opa")
    assert errors(patient.invoke_async(member.event(member.open("after")))) == [None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
    assert patient.failures == []
    assert patient.alarms == [KILLED]
    assert patient.living == WHOLE


def test_opa_killed_while_it_judges_judges_anew_within_the_same_invocation(patient, slow):
    with patient.working_on(slow.event(slow.project(rounds=SECONDS))) as results:
        patient.kill_busy_opa()
    assert errors(results.result()) == [None]
    assert slow.compliance == {"project": "COMPLIANT"}
    assert slow.told == [["COMPLIANT"]]
    assert patient.alarms == [KILLED]
    assert patient.living == WHOLE


def test_opa_killed_at_each_attempt_of_a_question_is_an_error_and_lambda_tries_again(patient, slow):
    with patient.working_on(slow.event(slow.project(rounds=SECONDS))) as results:
        for _ in range(3):
            patient.kill_busy_opa()
    assert errors(results.result()) == ["Unhandled", None]
    assert [failure.partition(" (")[0] for failure in patient.failures] == [GIVEN_UP]
    assert slow.told == [["COMPLIANT"]]
    assert patient.alarms == [KILLED] * 3
    assert patient.living == WHOLE


def test_opa_killed_four_times_within_a_minute_ends_the_sandbox_and_the_next_one_delivers(patient, slow):
    with patient.working_on(slow.event(slow.project(rounds=SECONDS))) as results:
        for _ in range(4):
            patient.kill_busy_opa()
    assert errors(results.result()) == ["Unhandled", "Extension.OpaDied", None]
    assert slow.told == [["COMPLIANT"]]
    assert patient.kept == []
    fourth = "Extension.OpaDied: OPA died 4 times within 1m0s: it ended with signal: killed"
    assert patient.alarms == [*[KILLED] * 3, fourth]
    assert patient.living == WHOLE


def test_an_event_that_kills_every_opa_is_kept(patient, slow):
    event = slow.event(slow.project(rounds=FOREVER))
    with patient.working_on(event) as results:
        while not results.done():
            patient.kill_busy_opa(unless=results.done)
    assert errors(results.result()) == ["Unhandled", "Extension.OpaDied", "Unhandled"]
    assert patient.kept == [event]
    assert (slow.compliance, slow.told) == ({}, [])
    assert errors(patient.invoke_async(slow.event(slow.project("other", rounds=1)))) == [None]
    assert slow.compliance == {"other": "COMPLIANT"}
    assert patient.living == WHOLE


def test_an_opa_that_stands_still_for_a_while_delivers_when_it_goes_on(shared, stage, member, poll):
    shared.start()
    opa, before = shared.opa, stage.aws.calls["organizations:DescribeAccount"]
    stand_still(opa)
    with shared.working_on(member.event(member.open())) as results:
        assert poll(lambda: stage.aws.calls["organizations:DescribeAccount"] > before)  # OPA is asked next
        opa.resume()
    assert errors(results.result()) == [None]
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}
    assert (shared.failures, shared.living) == ([], WHOLE)


def test_an_opa_that_stands_still_for_too_long_is_an_error_before_the_time_is_over(brief, member, poll):
    brief.invoke_async(member.event(member.open("before")))
    opa = brief.opa
    stand_still(opa)
    with brief.working_on(member.event(member.open("after"))) as results:
        assert poll(lambda: brief.failures)
        opa.resume()
    assert errors(results.result()) == ["Unhandled", None]
    assert [failure.startswith(NO_ANSWER) for failure in brief.failures] == [True]
    assert member.told == [["NON_COMPLIANT"], ["NON_COMPLIANT"]]
    assert brief.living == WHOLE


def test_an_event_that_meets_an_opa_which_never_goes_on_is_kept(brief, member):
    brief.invoke_async(member.event(member.open("before")))
    stand_still(brief.opa)
    event = member.event(member.open("after"))
    assert errors(brief.invoke_async(event)) == ["Unhandled"] * 3
    not_ready = (
        f"EngineError: OPA is not ready at {brief.socket} (timed out): is the layer with the extension attached?"
    )
    assert brief.failures[0].startswith(NO_ANSWER)
    assert brief.failures[1:] == [not_ready, not_ready]
    assert brief.kept == [event]
    assert member.compliance == {"before": "NON_COMPLIANT"}
    brief.opa.resume()
    assert errors(brief.invoke_async(event)) == [None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}


def test_an_opa_that_is_killed_while_it_stands_still_is_replaced_within_the_same_invocation(
    patient, member, stage, poll
):
    opa, before = patient.opa, stage.aws.calls["organizations:DescribeAccount"]
    stand_still(opa)
    with patient.working_on(member.event(member.open())) as results:
        assert poll(lambda: stage.aws.calls["organizations:DescribeAccount"] > before)
        opa.kill()
    assert errors(results.result()) == [None]
    assert member.told == [["NON_COMPLIANT"]]
    assert patient.alarms == [KILLED]
    assert patient.living == WHOLE
