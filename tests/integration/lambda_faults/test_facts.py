"""What an item does not say is not told by AWS, not in time, or not sensibly: no verdict rests on it."""

from __future__ import annotations

from copy import deepcopy

import pytest

from integration.lambda_faults.scene import MARK, VOLUME, WHOLE, errors

LATER = "2026-11-28T10:00:00.000Z"


@pytest.fixture
def volumes(member):
    """The member under a rule for volumes, which asks for their keys."""
    return member.other("volumes", policies="aws.ec2.volume.encryption")


@pytest.fixture
def volume(volumes, item):
    """A volume with a new key of the member's, which passes."""
    kms, template = volumes.aws.client("kms", volumes.account), item("ec2-volume.event")

    def made(at="2026-11-28T09:00:00.000Z", key=None):
        body = deepcopy(template)
        body["configuration"] |= {"kmsKeyId": key or kms.create_key()["KeyMetadata"]["Arn"], "volumeId": "vol-1"}
        arn = f"arn:aws:ec2:{volumes.aws.region}:{volumes.account}:volume/vol-1"
        return body | volumes.header(VOLUME, "vol-1", at) | {"ARN": arn, "tags": {"note": MARK}}

    return made


def test_a_key_that_is_known_proves_it(shared, volumes, volume):
    assert errors(shared.invoke_async(volumes.event(volume()))) == [None]
    assert volumes.compliance == {"vol-1": "COMPLIANT"}


def test_a_key_that_may_not_be_asked_for_takes_compliant_back(shared, stage, volumes, volume):
    shared.invoke_async(volumes.event(volume()))
    stage.aws.deny("kms", "DescribeKey", volumes.account)
    assert errors(shared.invoke_async(volumes.event(volume(LATER)))) == [None]
    assert volumes.compliance == {"vol-1": "NON_COMPLIANT"}
    assert (shared.failures, shared.said("decision")[-1]["outcome"]) == ([], "undetermined")


def test_a_key_that_may_not_be_asked_for_is_no_verdict_where_there_was_none(shared, stage, volumes, volume):
    stage.aws.deny("kms", "DescribeKey", volumes.account)
    event = volumes.event(volume())
    assert errors(shared.invoke_async(event)) == [None]
    assert (volumes.compliance, volumes.told) == ({}, [[]])
    stage.aws.mend()
    assert errors(shared.invoke_async(event)) == [None]  # the refusal is not remembered
    assert volumes.compliance == {"vol-1": "COMPLIANT"}


def test_a_key_that_is_not_there_is_no_proof(shared, volumes, volume):
    key = f"arn:aws:kms:eu-west-1:{volumes.account}:key/00000000-0000-0000-0000-000000000000"
    assert errors(shared.invoke_async(volumes.event(volume(key=key)))) == [None]
    assert "COMPLIANT" not in volumes.compliance.values()


def test_the_key_of_an_account_without_our_role_is_no_proof(shared, stage, volumes, volume):
    stranger = stage.aws.client("kms", "111111111111").create_key()["KeyMetadata"]["Arn"]
    key = stranger.replace("111111111111", "333333333333")
    assert errors(shared.invoke_async(volumes.event(volume(key=key)))) == [None]
    assert "COMPLIANT" not in volumes.compliance.values()


@pytest.mark.parametrize("operation", ["DescribeKey", "ListAliases"])
def test_a_question_that_is_throttled_for_a_while_costs_no_attempt(in_haste, stage, volumes, volume, operation):
    stage.aws.fail("kms", operation, account=volumes.account, times=3)
    assert errors(in_haste.invoke_async(volumes.event(volume()))) == [None]
    assert volumes.compliance == {"vol-1": "COMPLIANT"}


@pytest.mark.parametrize("operation", ["DescribeKey", "ListAliases"])
@pytest.mark.parametrize("code", ["ThrottlingException", "KMSInternalException", "ServiceUnavailable"])
def test_a_question_that_is_never_answered_fails_the_event_and_says_nothing(
    in_haste, stage, volumes, volume, operation, code
):
    stage.aws.fail("kms", operation, account=volumes.account, code=code, status=500, times=None)
    event = volumes.event(volume())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert in_haste.failures == in_haste.failures[:1] * 3
    assert in_haste.failures[0].startswith(f"AwsError: kms:{operation} in account {volumes.account}, eu-west-1: ")
    assert (in_haste.kept, volumes.compliance, volumes.told) == ([event], {}, [])
    stage.aws.mend()
    assert errors(in_haste.invoke_async(event)) == [None]
    assert volumes.compliance == {"vol-1": "COMPLIANT"}


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b'{"KeyMetadata": {', b"{}", b'{"KeyMetadata": {}}', b""])
def test_an_answer_that_is_nonsense_fails_the_attempt_and_the_next_one_delivers(in_haste, stage, volumes, volume, body):
    stage.line.garble(volumes.account, "DescribeKey", body)
    assert errors(in_haste.invoke_async(volumes.event(volume()))) == ["Unhandled", None]
    assert [failure.partition(":")[0] for failure in in_haste.failures] == ["AwsError"]
    assert (volumes.told, volumes.compliance) == ([["COMPLIANT"]], {"vol-1": "COMPLIANT"})


def test_an_answer_that_is_always_nonsense_says_nothing(in_haste, stage, volumes, volume):
    stage.line.garble(volumes.account, "DescribeKey", b'{"KeyMetadata": {}}', times=100)
    event = volumes.event(volume())
    assert errors(in_haste.invoke_async(event)) == ["Unhandled"] * 3
    assert (in_haste.kept, volumes.compliance, volumes.told) == ([event], {}, [])


@pytest.mark.parametrize("arrives", [False, True])
def test_a_connection_that_is_reset_is_tried_again(in_haste, stage, volumes, volume, arrives):
    stage.line.cut(volumes.account, "DescribeKey", arrives=arrives, times=3)
    assert errors(in_haste.invoke_async(volumes.event(volume()))) == [None]
    assert volumes.compliance == {"vol-1": "COMPLIANT"}


def test_an_answer_for_which_the_function_has_no_time_is_asked_for_by_the_next_attempt(stage, volumes, volume):
    function = stage.function(timeout=4)
    stage.aws.slow("kms", "DescribeKey", account=volumes.account, seconds=5)
    assert errors(function.invoke_async(volumes.event(volume()))) == ["Sandbox.Timedout", None]
    assert volumes.told == [["COMPLIANT"]]
    assert (function.kept, function.living) == ([], WHOLE)


def test_what_aws_config_holds_cannot_be_asked_for(in_haste, stage, volumes, volume):
    """Whether COMPLIANT must be taken back hangs on it, so that an undetermined verdict waits for the answer."""
    in_haste.invoke_async(volumes.event(volume()))
    stage.aws.deny("kms", "DescribeKey", volumes.account)
    stage.aws.fail("config", "GetComplianceDetailsByResource", account=volumes.account, times=4)
    assert errors(in_haste.invoke_async(volumes.event(volume(LATER)))) == ["Unhandled", None]
    assert volumes.compliance == {"vol-1": "NON_COMPLIANT"}


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"{}", b'{"EvaluationResults": [{}]}', b""])
def test_what_aws_config_holds_is_answered_with_nonsense(in_haste, stage, volumes, volume, body):
    in_haste.invoke_async(volumes.event(volume()))
    stage.aws.deny("kms", "DescribeKey", volumes.account)
    stage.line.garble(volumes.account, "GetComplianceDetailsByResource", body)
    assert errors(in_haste.invoke_async(volumes.event(volume(LATER)))) == ["Unhandled", None]
    assert volumes.compliance == {"vol-1": "NON_COMPLIANT"}
