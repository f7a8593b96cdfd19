"""What stands between the function and a member account: the organization, the role, STS, the session's end."""

from __future__ import annotations

import pytest

from integration.lambda_faults.scene import EXTERNAL_ID, ROLE, errors


def helpless(member):
    return (
        f"DeliveryError: config:PutEvaluations in account {member.account}, eu-west-1: not taken: "
        f"AWS::EC2::SecurityGroup sg-closed: role {ROLE} of account {member.account} cannot be assumed: "
        "is the member role deployed there, and does it trust this function?"
    )


def test_a_member_role_that_is_missing_is_asked_for_again_with_each_event(shared, stage, member):
    stage.aws.forbid_role(member.account, ROLE)
    event = member.event(member.closed())
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert shared.failures == [helpless(member)] * 3
    assert (shared.kept, member.compliance) == ([event], {})
    stage.aws.allow_role(member.account, ROLE, external_id=EXTERNAL_ID)
    assert errors(shared.invoke_async(event)) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


@pytest.mark.parametrize("trust", [{"external_id": "another"}, {"external_id": EXTERNAL_ID, "trusted": "999999999999"}])
def test_a_member_role_that_does_not_trust_us_gets_nothing_told(shared, stage, member, trust):
    stage.aws.allow_role(member.account, ROLE, **trust)
    event = member.event(member.closed())
    assert errors(shared.invoke_async(event)) == ["Unhandled"] * 3
    assert shared.failures == [helpless(member)] * 3
    assert (shared.kept, member.compliance, member.asked) == ([event], {}, [])


def test_a_role_that_is_made_between_two_attempts_is_found_by_the_second(shared, stage, member):
    stage.aws.fail("sts", "AssumeRole", code="AccessDenied", message="not yet", status=403)
    assert errors(shared.invoke_async(member.event(member.closed()))) == ["Unhandled", None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


def test_an_sts_that_throttles_for_a_while_costs_no_attempt(in_haste, stage, member):
    stage.aws.fail("sts", "AssumeRole", code="Throttling", times=3)
    assert errors(in_haste.invoke_async(member.event(member.closed()))) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


def test_an_sts_that_always_throttles_leaves_the_event_among_the_dead_letters(in_haste, stage, member):
    stage.aws.fail("sts", "AssumeRole", code="Throttling", times=None)
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert in_haste.failures == in_haste.failures[:1] * 3
    assert f"sts:AssumeRole in account {member.account}, eu-west-1: " in in_haste.failures[0]
    assert "(Throttling)" in in_haste.failures[0]
    assert (in_haste.kept, member.compliance) == ([event], {})


@pytest.mark.parametrize(
    "body", [b"<html>It works!</html>", b"<html", b"", b"{}"], ids=["page", "cut", "empty", "json"]
)
def test_an_sts_that_answers_nonsense_gives_no_session_and_the_next_attempt_delivers(in_haste, stage, member, body):
    stage.line.garble("111111111111", "AssumeRole", body, times=2)
    results = in_haste.invoke_async(member.event(member.closed()))
    assert (errors(results)[-1], in_haste.kept) == (None, [])
    assert (member.told, member.compliance) == ([["COMPLIANT"]], {"sg-closed": "COMPLIANT"})


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_of_the_function_that_are_not_taken_leave_the_event_among_the_dead_letters(
    in_haste, stage, member, code
):
    stage.aws.fail("sts", "AssumeRole", code=code, message="no", status=403, times=None)
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert f"AWS does not take the credentials ({code})" in in_haste.failures[0]
    assert (in_haste.kept, member.compliance) == ([event], {})
    stage.aws.mend()
    assert errors(in_haste.invoke_async(event)) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


@pytest.mark.parametrize("code", ["TooManyRequestsException", "AccessDeniedException", "ServiceException"])
def test_an_organization_that_does_not_say_whose_account_it_is_is_never_taken_for_yes(in_haste, stage, member, code):
    stage.aws.fail("organizations", "DescribeAccount", code=code, message="no", times=None)
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert (in_haste.kept, member.compliance, member.asked) == ([event], {}, [])
    stage.aws.mend()
    assert errors(in_haste.invoke_async(event)) == [None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


@pytest.mark.parametrize(
    "body", [b"<html>It works!</html>", b"{}", b'{"Account": {}}', b'{"Account": {"Id": "999999999999"}}']
)
def test_an_organization_that_answers_nonsense_is_asked_again_by_the_next_attempt(shared, stage, member, body):
    stage.line.garble("111111111111", "DescribeAccount", body)
    assert errors(shared.invoke_async(member.event(member.closed()))) == ["Unhandled", None]
    assert member.compliance == {"sg-closed": "COMPLIANT"}


def test_sessions_that_aws_ends_early_are_replaced_within_the_invocation(shared, stage, member):
    shared.invoke_async(member.event(member.open("before")))
    stage.aws.expire_sessions(member.account)
    assert errors(shared.invoke_async(member.event(member.open("after")))) == [None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
    assert sessions(stage, member) == 2


def test_a_clock_of_aws_that_is_ahead_ends_sessions_early_and_nothing_is_lost(shared, stage, member):
    shared.invoke_async(member.event(member.open("before")))
    stage.clock.ahead = 3600 + 60
    assert errors(shared.invoke_async(member.event(member.open("after")))) == [None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
    assert sessions(stage, member) == 2


def test_a_clock_of_aws_that_is_behind_does_not_make_sessions_look_expired(shared, stage, member):
    stage.clock.ahead = -2 * 3600
    for name in ("before", "after"):
        assert errors(shared.invoke_async(member.event(member.open(name)))) == [None]
    assert member.compliance == {"before": "NON_COMPLIANT", "after": "NON_COMPLIANT"}
    assert sessions(stage, member) == 1


def test_a_session_that_is_never_taken_is_replaced_once_and_the_event_kept(in_haste, stage, member):
    """As when the clocks are too far apart for any signature."""
    stage.aws.fail(
        "config",
        "PutEvaluations",
        account=member.account,
        code="InvalidSignatureException",
        message="expired",
        times=None,
    )
    event = member.event(member.closed())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert "AWS does not take the credentials (InvalidSignatureException)" in in_haste.failures[0]
    assert (in_haste.kept, member.compliance, sessions(stage, member)) == ([event], {}, 2)


def sessions(stage, member):
    arn = f"arn:aws:iam::{member.account}:role/{ROLE}"
    return [asked["RoleArn"] for asked in stage.aws.assumed].count(arn)
