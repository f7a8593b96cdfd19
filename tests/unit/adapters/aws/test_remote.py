"""What boto3's errors mean: refused, absent, or failed."""

from __future__ import annotations

import boto3
import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from opalite.adapters.aws.remote import CONFIG, Calls, Remote, action, told
from opalite.errors import AwsError
from opalite.ports import Absent, Denied


@pytest.fixture
def client():
    return boto3.client("kms", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b", config=CONFIG)


def failed(client, code):
    with Stubber(client) as stubber:
        stubber.add_client_error("describe_key", code, "the words  of\nAWS.")
        Remote(client, "111122223333").ask("DescribeKey", KeyId="k")


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("AccessDeniedException", Denied, "kms:DescribeKey is denied in account 111122223333 (AccessDeniedException)"),
        ("UnauthorizedOperation", Denied, "kms:DescribeKey is denied in account 111122223333 (UnauthorizedOperation)"),
        ("NotFoundException", Absent, "NotFoundException"),
        ("LoadBalancerNotFound", Absent, "LoadBalancerNotFound"),
        ("InvalidArnException", Denied, "kms:DescribeKey does not take this key (InvalidArnException)"),
        (
            "ExpiredTokenException",
            AwsError,
            "kms:DescribeKey in account 111122223333, eu-west-1: AWS does not take the credentials (ExpiredTokenException): sign in again",
        ),
        (
            "UnrecognizedClientException",
            Denied,
            "kms:DescribeKey is denied in account 111122223333 (UnrecognizedClientException): is region eu-west-1 enabled there?",
        ),
        (
            "ThrottlingException",
            AwsError,
            "kms:DescribeKey in account 111122223333, eu-west-1: An error occurred (ThrottlingException) when calling the DescribeKey operation: the words of AWS",
        ),
    ],
)
def test_an_error_of_aws_is_told_in_one_line_with_action_and_account(client, code, error, text):
    with pytest.raises(error) as caught:
        failed(client, code)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("raised", "error", "text"),
    [
        (
            exceptions.NoCredentialsError(),
            AwsError,
            "x:Y: no AWS credentials: Unable to locate credentials; sign in, or set AWS_PROFILE",
        ),
        (
            exceptions.ReadTimeoutError(endpoint_url="https://e"),
            AwsError,
            'x:Y in account 1, r: Read timeout on endpoint URL: "https://e"',
        ),
        (
            exceptions.ParamValidationError(report="too long"),
            Denied,
            "x:Y does not take this key (not of its form)",
        ),
        (
            exceptions.ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "GetCallerIdentity"),
            AwsError,
            "sts:Y in account 1, r: AWS does not take the credentials (InvalidClientTokenId): sign in again",
        ),
        (
            EOFError(),
            AwsError,
            "x:Y: no AWS credentials: the profile wants an MFA code; sign in first",
        ),
        (
            ResponseParserError("cut: b'<SecretAccessKey>s'"),
            AwsError,
            "x:Y in account 1, r: the answer cannot be read: cut short, or not from AWS",
        ),
        (
            exceptions.ClientError({"Error": {"Code": "RegionDisabledException"}}, "Y"),
            Denied,
            "x:Y is denied in account 1 (RegionDisabledException)",
        ),
        (
            exceptions.ClientError({}, "Y"),
            AwsError,
            "x:Y in account 1, r: An error occurred (Unknown) when calling the Y operation: Unknown",
        ),
    ],
)
def test_an_error_before_aws_answered_is_told_too(raised, error, text):
    name = text.split(":")[0] + ":Y"
    with pytest.raises(error) as caught, told(name, "1", "r"):
        raise raised
    assert str(caught.value) == text


def test_other_errors_pass(client):
    with pytest.raises(KeyError), told("x:Y", "1", "r"):
        raise KeyError


def test_each_page_is_a_call_and_every_call_is_counted(client):
    calls = Calls()
    calls.watch(client)
    with Stubber(client) as stubber:
        stubber.add_response("list_aliases", {"Aliases": [], "NextMarker": "m", "Truncated": True})
        stubber.add_response("list_aliases", {"Aliases": []})
        stubber.add_client_error("describe_key", "NotFoundException")
        remote = Remote(client, "111122223333")
        assert len(list(remote.pages("ListAliases"))) == 2
        with pytest.raises(Absent):
            remote.ask("DescribeKey", KeyId="k")
    assert calls.counts() == {"kms:DescribeKey": 1, "kms:ListAliases": 2}


def test_an_error_on_a_later_page_is_told_too(client):
    with Stubber(client) as stubber:
        stubber.add_response("list_aliases", {"Aliases": [], "NextMarker": "m", "Truncated": True})
        stubber.add_client_error("list_aliases", "AccessDeniedException")
        with pytest.raises(Denied, match=r"kms:ListAliases is denied in account 111122223333"):
            list(Remote(client, "111122223333").pages("ListAliases"))


def test_the_name_of_an_action_is_that_of_iam():
    assert [action(service, "DoIt") for service in ("ec2", "elb", "elbv2")] == [
        "ec2:DoIt",
        "elasticloadbalancing:DoIt",
        "elasticloadbalancing:DoIt",
    ]


def test_calls_are_limited_in_time_and_repeated_with_pauses():
    assert (CONFIG.retries["mode"], CONFIG.connect_timeout, CONFIG.read_timeout) == ("standard", 3, 15)
    assert CONFIG.retries["total_max_attempts"] == 5
