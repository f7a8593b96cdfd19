"""AWS Config does not take what it is told, or not all of it, or not at once: it is told again, or the event is kept."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import WHOLE, errors

PASSES = 4  # of botocore, for one call
ATTEMPTS = 5  # of the function, for one invocation
THROTTLED = "An error occurred (ThrottlingException) when calling the PutEvaluations operation (reached max retries: 3): Rate exceeded"


def puts(member):
    return member.asked.count("PutEvaluations")


@pytest.fixture
def refused(member):
    """The one line of a delivery that failed."""

    def line(reason, name="AWS::EC2::SecurityGroup sg-closed"):
        place = f"config:PutEvaluations in account {member.account}, eu-west-1"
        return f"DeliveryError: {place}: not taken: {name}: {reason}"

    return line


@pytest.mark.parametrize("times", [1, PASSES - 1, PASSES, PASSES * ATTEMPTS - 1])
def test_a_throttled_call_is_tried_again_within_the_invocation(in_haste, stage, member, times):
    stage.aws.fail("config", "PutEvaluations", account=member.account, times=times)
    assert errors(in_haste.invoke_async(member.event(member.closed()))) == [None]
    assert (member.compliance, puts(member)) == ({"sg-closed": "COMPLIANT"}, times + 1)
    assert in_haste.failures == []


@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalServiceError", 500), ("ServiceUnavailable", 503)]
)
def test_a_call_that_is_never_taken_leaves_the_event_among_the_dead_letters(in_haste, stage, member, code, status):
    stage.aws.fail("config", "PutEvaluations", account=member.account, code=code, status=status, times=None)
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert in_haste.kept == [event]
    assert member.compliance == {}
    stage.aws.mend()
    assert errors(in_haste.invoke_async(event)) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


def test_a_call_that_is_throttled_for_good_is_told_in_one_line(in_haste, stage, member, refused):
    stage.aws.fail("config", "PutEvaluations", account=member.account, times=None)
    in_haste.invoke_async(member.event(member.closed()), retries=0)
    place = f"config:PutEvaluations in account {member.account}, eu-west-1"
    assert in_haste.failures == [refused(f"{place}: {THROTTLED} (attempt 5 was the last)")]


def test_an_evaluation_that_aws_config_names_as_failed_is_sent_again(in_haste, stage, member):
    stage.aws.config.fail_evaluations(f"{member.account}-group", times=ATTEMPTS - 1)
    event = member.event(member.closed(f"{member.account}-group"))
    assert errors(in_haste.invoke_async(event)) == [None]
    assert member.told == [["COMPLIANT"]] * ATTEMPTS
    assert member.compliance == {f"{member.account}-group": "COMPLIANT"}


def test_an_evaluation_that_is_never_taken_is_named_and_its_event_kept(in_haste, stage, member, refused):
    name = f"{member.account}-group"
    stage.aws.config.fail_evaluations(name, times=1000)
    event = member.event(member.closed(name))
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    reason = "AWS Config named it as failed (attempt 5 was the last)"
    assert in_haste.failures == [refused(reason, f"AWS::EC2::SecurityGroup {name}")] * 3
    assert in_haste.kept == [event]
    assert member.compliance == {}


def test_an_expired_token_is_not_tried_by_the_function_itself(shared, stage, member, refused):
    event = member.event(member.closed())
    stage.aws.config.expire_tokens()
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert puts(member) == 3
    reason = "the result token is not (any longer) valid; AWS Config evaluates anew on the next change or re-evaluation"
    assert shared.failures == [refused(reason)] * 3
    assert shared.kept == [event]
    assert member.compliance == {}


def test_a_config_rule_that_is_gone_is_not_tried_by_the_function_itself(shared, stage, member, refused):
    event = member.event(member.closed())
    stage.aws.config.remove_rule(member.account, member.rule)
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert puts(member) == 3
    assert shared.failures == [refused("the Config rule is not there any more")] * 3
    assert shared.kept == [event]
    assert member.told == []


def test_a_denied_call_is_not_tried_by_the_function_itself_and_works_when_it_is_permitted(
    shared, stage, member, refused
):
    event = member.event(member.closed())
    stage.aws.deny("config", "PutEvaluations", member.account)
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert puts(member) == 3
    denied = f"config:PutEvaluations is denied in account {member.account} (AccessDeniedException)"
    wanted = f"the function needs config:PutEvaluations in account {member.account}"
    assert shared.failures == [refused(f"{denied}; {wanted}")] * 3
    stage.aws.mend()
    assert errors(shared.invoke_async(shared.kept[0])) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


@pytest.mark.parametrize("arrives", [False, True])
def test_a_connection_that_is_reset_is_tried_again(in_haste, stage, member, arrives):
    """If AWS Config had taken it already, it is told the same twice."""
    stage.line.cut(member.account, "PutEvaluations", arrives=arrives, times=2)
    assert errors(in_haste.invoke_async(member.event(member.open()))) == [None]
    assert member.told == [["NON_COMPLIANT"]] * (3 if arrives else 1)
    assert member.compliance == {"sg-open": "NON_COMPLIANT"}


def test_a_connection_that_is_always_reset_leaves_the_event_among_the_dead_letters(in_haste, stage, member):
    stage.line.cut(member.account, "PutEvaluations", arrives=False, times=1000)
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert in_haste.kept == [event]
    assert [failure.startswith("DeliveryError: ") for failure in in_haste.failures] == [True] * 3
    assert member.compliance == {}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_page_of_something_in_between_is_not_taken_for_yes(in_haste, stage, member, status):
    stage.line.garble(member.account, "PutEvaluations", b"<html>Bad gateway</html>", status=status)
    assert errors(in_haste.invoke_async(member.event(member.closed()))) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}
    assert puts(member) == 2


def test_an_answer_that_comes_too_late_is_asked_for_again(shared, stage, member):
    """The function waits ten seconds for an answer of AWS."""
    stage.aws.slow("config", "PutEvaluations", account=member.account, seconds=10.5)
    [result] = shared.invoke_async(member.event(member.closed()))
    assert result.error is None
    assert puts(member) == 2
    assert member.compliance == {"sg-closed": "COMPLIANT"}


def test_a_time_out_of_the_function_while_aws_config_is_told_is_got_over_by_the_next_attempt(stage, member):
    function = stage.function(timeout=4)
    stage.aws.slow("config", "PutEvaluations", account=member.account, seconds=5)
    assert errors(function.invoke_async(member.event(member.closed()))) == ["Sandbox.Timedout", None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}
    assert (function.kept, function.living) == ([], WHOLE)


def test_without_time_left_nothing_is_begun_and_what_was_not_sent_is_named(stage, member, refused):
    """The two seconds that the function keeps in reserve are all that it has."""
    function, event = stage.function(timeout=1.9), member.event(member.closed())
    assert errors(function.invoke_async(event)) == ["Unhandled"] * 3
    late = ("EngineError: OPA did not answer within ", "EngineError: OPA is not ready at ")  # on a machine that is slow
    told = refused("no time was left to send it")
    assert [failure == told or failure.startswith(late) for failure in function.failures] == [True] * 3
    assert function.kept == [event]
    assert (member.compliance, puts(member)) == ({}, 0)
