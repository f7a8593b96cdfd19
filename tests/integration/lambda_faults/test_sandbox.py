"""The sandbox ends, stands still or is short of time: the event is tried again in another one, and of the old one nothing is left."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import SLOW, WHOLE, errors, stand_still

LONG = 20_000  # rounds of the slow policy: minutes
SECONDS = 1000
NO_ANSWER = "EngineError: OPA did not answer within"
MISSED = "[opalite-opa] missed the deadline of its shutdown"  # two seconds, less what the runtime took of them


@pytest.fixture
def slow(member):
    """The member under a rule that is judged slowly."""
    return member.other("slow", policies=SLOW)


@pytest.fixture
def function(stage):
    made = stage.function()
    made.start()
    yield made
    made.close()


def test_a_question_that_takes_longer_than_the_function_has_is_given_up_before_and_kept(stage, slow, poll):
    function, event = stage.function(timeout=3), slow.event(slow.project(rounds=LONG))
    assert errors(function.invoke_async(event)) == ["Unhandled"] * 3
    assert [failure.rpartition(" ")[0].rpartition(" ")[0] for failure in function.failures] == [NO_ANSWER] * 3
    assert (function.kept, slow.compliance, slow.told) == ([event], {}, [])
    assert poll(function.opa_rests)  # it has given up, too
    assert errors(function.invoke_async(slow.event(slow.project("other", rounds=1)))) == [None]
    assert (slow.compliance, function.living) == ({"other": "COMPLIANT"}, WHOLE)


def test_a_function_whose_time_is_over_within_its_reserve_is_ended_and_its_event_kept(stage, slow):
    """It has less time than it wants to keep: Lambda ends it."""
    function, event = stage.function(timeout=0.3), slow.event(slow.project(rounds=LONG))
    results = function.invoke_async(event)
    assert set(errors(results)) <= {"Sandbox.Timedout", "Unhandled"}
    assert (function.kept, slow.compliance, slow.told) == ([event], {}, [])


def test_a_busy_opa_ends_within_the_deadline_of_a_shutdown(function, slow):
    with function.working_on(slow.event(slow.project(rounds=LONG)), retries=0) as results:
        function.busy_opa()
        function.stop()
    assert errors(results.result()) == ["Sandbox.Failure"]
    assert (MISSED in function.log, function.living) == (False, [])


def test_an_opa_that_stands_still_ends_within_the_deadline_of_a_shutdown(function):
    stand_still(function.opa)
    function.stop()
    assert (MISSED in function.log, function.living) == (False, [])


def test_a_time_out_with_a_busy_opa_leaves_nothing_behind_and_the_next_sandbox_delivers(stage, slow):
    function, event = stage.function(timeout=4), slow.event(slow.project(rounds=LONG))
    function.start()
    with function.working_on(event, retries=0) as results:
        function.busy_opa()
        old = function.processes()
        function.process("runtime").suspend()  # as if it got no CPU, so that it cannot give up by itself
    assert errors(results.result()) == ["Sandbox.Timedout"]
    assert (function.kept, MISSED in function.log) == ([event], False)
    assert [process for process in old if process.is_running()] == []
    assert errors(function.invoke_async(slow.event(slow.project("other", rounds=1)))) == [None]
    assert (slow.compliance, function.living) == ({"other": "COMPLIANT"}, WHOLE)


@pytest.mark.parametrize("name", ["opalite-opa", "runtime"])
def test_a_process_that_is_killed_between_two_invocations_costs_one_attempt(function, member, name, poll):
    function.invoke_async(member.event(member.open("before")))
    function.kill(name)
    assert poll(lambda: function.failure)
    error = {"opalite-opa": "Extension.Crash", "runtime": "Runtime.ExitError"}[name]
    assert errors(function.invoke_async(member.event(member.open("after")))) == [error, None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
    assert (function.kept, function.living) == ([], WHOLE)


@pytest.mark.parametrize("name", ["opalite-opa", "runtime"])
def test_a_process_that_is_killed_during_an_invocation_costs_one_attempt(function, slow, name):
    with function.working_on(slow.event(slow.project(rounds=SECONDS))) as results:
        function.busy_opa()
        function.kill(name)
    error = {"opalite-opa": "Extension.Crash", "runtime": "Runtime.ExitError"}[name]
    assert errors(results.result()) == [error, None]
    assert slow.told == [["COMPLIANT"]]
    assert (function.kept, function.living) == ([], WHOLE)


def test_a_runtime_that_is_killed_when_aws_config_has_been_told_tells_it_twice(function, stage, member):
    stage.line.after(member.account, "PutEvaluations", lambda: function.kill("runtime"))
    assert errors(function.invoke_async(member.event(member.open()))) == ["Runtime.ExitError", None]
    assert member.told == [["NON_COMPLIANT"]] * 2
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}


def test_an_event_that_ends_every_sandbox_is_kept(function, stage, member):
    for _ in range(3):
        stage.line.after(member.account, "PutEvaluations", lambda: function.kill("runtime"))
    event = member.event(member.open())
    assert errors(function.invoke_async(event)) == ["Runtime.ExitError"] * 3
    assert (function.kept, member.compliance) == ([event], {"sg-open": "NON_COMPLIANT"})
    assert function.living == []


def test_an_extension_that_stands_still_while_opa_dies_starts_it_anew_when_it_goes_on(function, member, stage, poll):
    extension, before = function.process("opalite-opa"), stage.aws.calls["organizations:DescribeAccount"]
    stand_still(extension)
    function.kill("opa")
    with function.working_on(member.event(member.open())) as results:
        assert poll(lambda: stage.aws.calls["organizations:DescribeAccount"] > before)
        extension.resume()
    assert errors(results.result()) == [None]
    assert (member.told, function.failures, function.living) == ([["NON_COMPLIANT"]], [], WHOLE)


def test_nothing_is_lost_between_two_invocations_though_all_is_frozen_and_aws_ends_the_session(stage, member):
    with stage.function(freeze_between=True) as function:
        function.invoke_async(member.event(member.open("before")))
        stage.aws.expire_sessions(member.account)
        stage.line.hang_up()
        assert errors(function.invoke_async(member.event(member.open("after")))) == [None]
        assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
        assert function.failures == []


def test_opa_killed_while_all_is_frozen_is_replaced_when_all_is_thawed(stage, member):
    with stage.function(freeze_between=True) as function:
        function.invoke_async(member.event(member.open("before")))
        function.kill("opa")
        assert errors(function.invoke_async(member.event(member.open("after")))) == [None]
        assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
        assert (function.failures, function.living) == ([], WHOLE)


def test_an_opa_that_starts_anew_while_all_is_frozen_is_ready_after_the_thaw(stage, member):
    """Frozen between the death of OPA and the answer of the new one; time goes on, for them it does not."""
    with stage.function(freeze_between=True) as function:
        function.invoke_async(member.event(member.open("before")))
        function.thaw()
        function.kill("opa")
        function.freeze()
        assert errors(function.invoke_async(member.event(member.open("after")))) == [None]
        assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
        assert function.living == WHOLE
