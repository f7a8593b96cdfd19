"""What boto3's errors mean: refused, absent, or failed."""

from __future__ import annotations

import boto3
import pytest
from botocore import exceptions
from botocore.awsrequest import AWSResponse
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from opalite.adapters.aws.remote import CONFIG, Answered, Calls, Remote, action, limits, told
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


def meaning(name, code):
    """What an error of AWS is turned into."""
    with pytest.raises((AwsError, Denied, Absent)) as caught, told(name, "1", "r"):
        raise exceptions.ClientError({"Error": {"Code": code, "Message": "said"}}, "X")
    return type(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("config:GetResourceConfigHistory", "ResourceNotDiscoveredException"),
        ("config:PutEvaluations", "NoSuchConfigRuleException"),
        ("s3:GetObject", "NoSuchKey"),
        ("s3:GetObject", "NoSuchBucket"),
        ("s3:HeadObject", "404"),
        ("organizations:DescribeAccount", "AccountNotFoundException"),
        ("organizations:ListChildren", "ParentNotFoundException"),
        ("lambda:GetFunction", "ResourceNotFoundException"),
    ],
)
def test_what_is_not_there_is_absent(name, code):
    assert meaning(name, code) == (Absent, code)


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        (
            "config:GetResourceConfigHistory",
            "NoAvailableConfigurationRecorderException",
            ": is there a configuration recorder in r?",
        ),
        (
            "config:StartConfigRulesEvaluation",
            "NoRunningConfigurationRecorderException",
            ": is the configuration recorder in r on?",
        ),
        ("config:DescribeOrganizationConfigRules", "OrganizationAccessDeniedException", ""),
        ("securityhub:BatchImportFindings", "InvalidAccessException", ": is Security Hub enabled in r?"),
        ("s3:HeadObject", "403", ""),
        ("s3:GetObject", "InvalidAccessKeyId", ": is region r enabled there?"),
        ("organizations:ListAccounts", "AWSOrganizationsNotInUseException", ""),
    ],
)
def test_what_asking_again_would_not_help_is_denied_with_what_may_be_wrong(name, code, says):
    assert meaning(name, code) == (Denied, f"{name} is denied in account 1 ({code}){says}")


def test_a_key_that_the_service_could_not_have_is_denied():
    assert meaning("config:BatchGetResourceConfig", "ValidationException") == (
        Denied,
        "config:BatchGetResourceConfig does not take this key (ValidationException)",
    )


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("config:PutEvaluations", "InvalidParameterValueException", "AWS does not take what was sent ({code})"),
        ("config:PutEvaluations", "ValidationException", "AWS does not take what was sent ({code})"),
        ("config:PutEvaluations", "InvalidResultTokenException", None),
        ("config:SelectResourceConfig", "InvalidExpressionException", None),
        ("securityhub:BatchImportFindings", "InvalidInputException", "AWS does not take what was sent ({code})"),
        ("securityhub:BatchImportFindings", "LimitExceededException", None),
        ("kms:DescribeKey", "404", None),
        ("s3:PutObject", "SlowDown", None),
        ("lambda:Invoke", "TooManyRequestsException", None),
        ("ec2:DescribeImages", "RequestExpired", "AWS does not take the credentials ({code}): sign in again"),
        ("sts:AssumeRole", "InvalidClientTokenId", "AWS does not take the credentials ({code}): sign in again"),
    ],
)
def test_a_failure_keeps_the_code_of_aws(name, code, says):
    said = "An error occurred ({code}) when calling the X operation: said"
    with pytest.raises(AwsError) as caught, told(name, "1", "r"):
        raise exceptions.ClientError({"Error": {"Code": code, "Message": "said"}}, "X")
    assert (str(caught.value), caught.value.code) == (
        f"{name} in account 1, r: {(says or said).format(code=code)}",
        code,
    )


@pytest.mark.parametrize(
    "raised",
    [
        exceptions.ConnectTimeoutError(endpoint_url="https://e"),
        exceptions.NoCredentialsError(),
        ResponseParserError("cut"),
        exceptions.ClientError({}, "X"),
    ],
)
def test_where_aws_told_no_code_there_is_none(raised):
    with pytest.raises(AwsError) as caught, told("config:X", "1", "r"):
        raise raised
    assert caught.value.code == ""


def test_what_was_written_in_a_wrong_form_is_a_failure_and_not_shown():
    with pytest.raises(AwsError) as caught, told("config:PutEvaluations", "1", "r"):
        raise exceptions.ParamValidationError(report="Invalid length for parameter Annotation, value: secret")
    assert (
        str(caught.value) == "config:PutEvaluations in account 1, r: AWS does not take what was sent (not of its form)"
    )


class Response(AWSResponse):
    """What AWS would send, so that nothing is sent."""

    def __init__(self, status, content):
        super().__init__("https://kms", status, {}, None)
        self._told = content

    @property
    def content(self):
        return self._told


UNAVAILABLE, NO_ALIASES = Response(503, b"{}"), Response(200, b'{"Aliases": []}')


@pytest.mark.parametrize(
    ("answers", "error", "retries"),
    [
        ([NO_ALIASES], None, {}),
        ([UNAVAILABLE, UNAVAILABLE, NO_ALIASES], None, {"kms:ListAliases": 2}),
        ([UNAVAILABLE] * 5, r"reached max retries: 4", {"kms:ListAliases": 4}),
        ([exceptions.ReadTimeoutError(endpoint_url="https://e"), NO_ALIASES], None, {"kms:ListAliases": 1}),
        ([exceptions.ReadTimeoutError(endpoint_url="https://e")] * 5, "Read timeout", {"kms:ListAliases": 4}),
    ],
    ids=["at once", "after two refusals", "never", "after a time-out", "five time-outs"],
)
def test_the_attempts_beyond_the_first_are_counted_even_of_a_call_that_fails(
    client, monkeypatch, answers, error, retries
):
    def answer(**_):
        told = answers.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    answers = list(answers)
    client.meta.events.register("before-send", answer)
    calls = Calls()
    calls.watch(client)
    remote = Remote(client, "111122223333")
    if error is None:
        assert remote.ask("ListAliases")["Aliases"] == []
    else:
        with pytest.raises(AwsError, match=error):
            remote.ask("ListAliases")
    assert (calls.counts(), calls.retries(), answers) == ({"kms:ListAliases": 1}, retries, [])


def test_a_function_may_set_narrower_limits():
    narrow = limits(connect=2, read=10, attempts=4)
    assert (narrow.retries, narrow.connect_timeout, narrow.read_timeout) == (
        {"mode": "standard", "total_max_attempts": 4},
        2,
        10,
    )
    assert narrow.user_agent_extra == CONFIG.user_agent_extra


@pytest.fixture
def two(client):
    """Two clients, as of two sessions of a role, with what each answers."""
    other = boto3.client(
        "kms", region_name="eu-west-1", aws_access_key_id="c", aws_secret_access_key="d", config=CONFIG
    )
    with Stubber(client) as first, Stubber(other) as second:
        yield client, first, other, second


KEY = {"KeyMetadata": {"KeyId": "k"}}


def test_a_call_that_a_session_was_to_blame_for_is_tried_once_more_with_another(two):
    client, first, other, second = two
    asked = []
    first.add_client_error("describe_key", "ExpiredTokenException")
    for _ in range(2):
        second.add_response("describe_key", KEY)
    remote = Remote(client, "1", lambda code: asked.append(code) or Remote(other, "1", lambda _: None))
    assert [remote.ask("DescribeKey", KeyId="k")["KeyMetadata"]["KeyId"] for _ in range(2)] == ["k", "k"]
    assert asked == ["ExpiredTokenException"]
    second.assert_no_pending_responses()


def test_what_another_session_is_refused_too_is_an_error(two):
    client, first, other, second = two
    for stubber in (first, second):
        stubber.add_client_error("describe_key", "ExpiredTokenException")
    remote = Remote(client, "1", lambda _: Remote(other, "1", lambda _: None))
    with pytest.raises(AwsError) as caught:
        remote.ask("DescribeKey", KeyId="k")
    assert caught.value.code == "ExpiredTokenException"
    assert str(caught.value) == (
        "kms:DescribeKey in account 1, eu-west-1: AWS does not take the credentials (ExpiredTokenException): "
        "they are new ones of the role, try again later"
    )


@pytest.mark.parametrize("code", ["ThrottlingException", "NotFoundException", "InternalFailure", "InvalidArnException"])
def test_no_session_is_to_blame_for_other_errors(two, code):
    client, first, *_ = two
    first.add_client_error("describe_key", code)
    with pytest.raises((AwsError, Absent, Denied), match=code):
        Remote(client, "1", lambda _: pytest.fail("renewed")).ask("DescribeKey", KeyId="k")


def test_the_first_page_is_asked_for_once_more_and_a_later_one_is_not(two):
    client, first, other, second = two
    page = {"Aliases": [], "NextMarker": "m", "Truncated": True}
    first.add_client_error("list_aliases", "UnrecognizedClientException")
    second.add_response("list_aliases", page)
    second.add_client_error("list_aliases", "ExpiredTokenException")
    remote = Remote(client, "1", lambda _: Remote(other, "1", lambda _: pytest.fail("renewed")))
    pages = remote.pages("ListAliases")
    assert next(pages)["NextMarker"] == "m"
    with pytest.raises(AwsError, match="does not take the credentials"):
        next(pages)


def test_what_lacks_a_member_that_aws_always_gives_is_not_aws():
    answer = Answered({"Results": []}, "config:SelectResourceConfig in account 1, r")
    assert answer["Results"] == []
    assert answer.get("NextToken") is None
    with pytest.raises(AwsError, match="account 1, r: what answered is not AWS: it left out 'Account'"):
        answer["Account"]
