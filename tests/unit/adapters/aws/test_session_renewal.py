"""Sessions of roles in a process that lives for hours: how long they are used, and what replaces them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import pytest
from botocore import exceptions

from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.errors import AwsError
from opalite.ports import Denied

OWN, MEMBER, OTHER = "123456789012", "111122223333", "444455556666"


def assumed(clock, number=1, minutes=60):
    return {
        "Credentials": {
            "AccessKeyId": f"ASIAEXAMPLE0000{number}",
            "SecretAccessKey": "secret",
            "SessionToken": "token",
            "Expiration": clock() + timedelta(minutes=minutes),
        }
    }


def asked_as(service):
    return service._client._request_signer._credentials.access_key


def test_a_new_event_asks_again_for_a_role_that_an_earlier_one_was_refused(scripted, clock):
    scripted.answer("sts", "assume_role", "AccessDenied")
    scripted.answer("sts", "assume_role", assumed(clock))
    sessions = AwsSessions(clock, role="R", own=scripted)
    for _ in range(100):
        with pytest.raises(Denied):
            sessions.service("ec2", MEMBER, "eu-west-1")
    for _ in range(2):  # what was granted stays
        sessions.renew()
        assert asked_as(sessions.service("ec2", MEMBER, "eu-west-1")) == "ASIAEXAMPLE00001"
    assert sessions.calls.counts()["sts:AssumeRole"] == 2


def test_a_role_that_aws_had_no_time_for_is_asked_for_again_at_once(scripted, clock):
    scripted.answer("sts", "assume_role", "ThrottlingException")
    scripted.answer("sts", "assume_role", assumed(clock))
    sessions = AwsSessions(clock, role="R", own=scripted)
    with pytest.raises(AwsError) as caught:
        sessions.service("ec2", MEMBER, "eu-west-1")
    assert caught.value.code == "ThrottlingException"
    assert asked_as(sessions.service("ec2", MEMBER, "eu-west-1")) == "ASIAEXAMPLE00001"


def test_a_role_whose_options_sts_does_not_take_is_told_as_such(scripted, clock):
    scripted.answer("sts", "assume_role", "ValidationError")  # the role allows shorter sessions only
    with pytest.raises(Denied) as caught:
        AwsSessions(clock, role="R", own=scripted).service("ec2", MEMBER, "eu-west-1")
    assert str(caught.value) == (
        "role R of account 111122223333 cannot be assumed: sts:AssumeRole does not take this key (ValidationError)"
    )


@pytest.mark.parametrize("apart", [-7200, -600, 0, 600, 7200], ids=lambda seconds: f"{seconds} s")
def test_a_session_of_15_minutes_is_used_for_half_of_them_whatever_the_clock_of_aws_says(scripted, clock, apart):
    for number in (1, 2):
        scripted.answer("sts", "assume_role", assumed(clock, number, minutes=15 + apart / 60))
    sessions = AwsSessions(clock, role=Role("R", seconds=900), own=scripted)
    keys = []
    for seconds in (0, 449, 1):
        clock.forward(seconds)
        keys.append(asked_as(sessions.service("kms", MEMBER, "eu-west-1")))
    assert keys == ["ASIAEXAMPLE00001", "ASIAEXAMPLE00001", "ASIAEXAMPLE00002"]


NOT_TAKEN = ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"]


class Aws:
    """A botocore session. Its STS gives sessions 1, 2, …; KMS answers by the number of the session: a code, or None for a key."""

    region_name = "eu-west-1"

    def __init__(self, clock, kms):
        self.kms = kms
        self.assumed = []  # accounts
        self.before = lambda account: None
        self._clock = clock
        self._real = boto3.Session()

    def get_partition_for_region(self, region):
        return self._real.get_partition_for_region(region)

    def get_config_variable(self, name):
        assert name == "region"
        return self.region_name

    def create_client(self, service, **options):
        client = self._real.client(service, **options)
        client.meta.events.register("before-call.sts.AssumeRole", self._assume)
        client.meta.events.register("before-call.kms", self._asked)
        return client

    def _assume(self, *, params, **_):
        account = params["body"]["RoleArn"].split(":")[4]
        self.assumed.append(account)
        number = len(self.assumed)
        self.before(account)
        return Http(200), assumed(self._clock, number)

    def _asked(self, *, request_signer, **_):
        code = self.kms(int(request_signer._credentials.access_key[-1]))
        return (Http(200), {"KeyMetadata": {"KeyId": "k"}}) if code is None else (Http(400), {"Error": {"Code": code}})


class Http:
    def __init__(self, status_code):
        self.status_code = status_code


@pytest.fixture
def member(clock, credentials):
    """KMS of a member account whose answers are given; the AWS behind it, and sessions of its role."""

    def made(kms):
        aws = Aws(clock, kms)
        sessions = AwsSessions(clock, role="R", own=aws)
        sessions.known_as(OWN, "aws")
        return aws, sessions

    return made


def described(sessions):
    return sessions.service("kms", MEMBER, "eu-west-1").ask("DescribeKey", KeyId="k")["KeyMetadata"]["KeyId"]


@pytest.mark.parametrize("code", NOT_TAKEN)
def test_a_session_that_is_not_taken_is_replaced_and_the_call_tried_once_more(member, code):
    aws, sessions = member(lambda session: code if session == 1 else None)
    assert [described(sessions) for _ in range(10)] == ["k"] * 10
    assert aws.assumed == [MEMBER, MEMBER]
    assert sessions.calls.counts() == {"kms:DescribeKey": 11, "sts:AssumeRole": 2}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ExpiredTokenException", AwsError),
        ("UnrecognizedClientException", Denied),
    ],  # a region that is not enabled there
)
def test_sessions_that_are_never_taken_are_replaced_once_a_minute(member, clock, code, error):
    aws, sessions = member(lambda _: code)
    for replaced in (1, 2, 3):
        for _ in range(50):
            with pytest.raises(error, match=code):
                described(sessions)
        assert len(aws.assumed) == 1 + replaced
        clock.forward(60)
    aws.kms = lambda _: None
    assert described(sessions) == "k"


@pytest.mark.parametrize("code", ["ExpiredToken", "AccessDenied"])
def test_a_clock_that_is_set_back_keeps_no_session_that_is_not_taken_any_more(member, clock, code):
    aws, sessions = member(lambda session: "ExpiredToken" if session == 1 else None)
    described(sessions)
    clock.forward(-24 * 3600)
    aws.kms = lambda session: None if session == 3 else code
    assert [described(sessions) for _ in range(10)] == ["k"] * 10
    assert len(aws.assumed) == 3


def test_a_refusal_of_a_session_that_may_have_been_revoked_is_tried_with_another(member, clock):
    aws, sessions = member(lambda session: "AccessDeniedException" if session == 1 else None)
    for _ in range(10):  # a new session has not been revoked
        with pytest.raises(Denied):
            described(sessions)
    assert aws.assumed == [MEMBER]
    clock.forward(60)
    assert [described(sessions) for _ in range(10)] == ["k"] * 10
    assert aws.assumed == [MEMBER, MEMBER]


def test_a_permission_that_is_missing_costs_one_session_a_minute(member, clock):
    aws, sessions = member(lambda _: "AccessDeniedException")
    for sessions_taken in (1, 2, 3):
        for _ in range(10):
            with pytest.raises(Denied, match="kms:DescribeKey is denied in account 111122223333"):
                described(sessions)
        assert len(aws.assumed) == sessions_taken
        clock.forward(60)


def test_a_role_that_is_gone_when_its_session_is_replaced_is_refused(scripted, clock):
    scripted.answer("sts", "assume_role", assumed(clock))
    scripted.answer("sts", "assume_role", "AccessDenied")
    scripted.answer("kms", "describe_key", "InvalidClientTokenId")
    service = AwsSessions(clock, role="R", own=scripted).service("kms", MEMBER, "eu-west-1")
    with pytest.raises(Denied, match=r"^role R of account 111122223333 cannot be assumed$"):
        service.ask("DescribeKey", KeyId="k")


def test_the_callers_own_credentials_are_not_replaced(scripted, clock):
    scripted.answer("kms", "describe_key", "ExpiredTokenException")
    sessions = AwsSessions(clock, role="R", own=scripted)
    with pytest.raises(AwsError, match=r"ExpiredTokenException\): sign in again"):
        sessions.service("kms", OWN, "eu-west-1").ask("DescribeKey", KeyId="k")
    assert sessions.calls.counts() == {"kms:DescribeKey": 1, "sts:GetCallerIdentity": 1}


def test_of_many_threads_whose_session_is_not_taken_one_replaces_it(member):
    barrier = threading.Barrier(8)

    def kms(session):
        if session == 1:
            barrier.wait(10)  # all of them have been refused before one can have replaced it
            return "ExpiredTokenException"
        return None

    aws, sessions = member(kms)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: described(sessions), range(8))) == ["k"] * 8
    assert aws.assumed == [MEMBER, MEMBER]


def test_an_account_does_not_wait_for_the_role_of_another_and_each_is_assumed_once(member):
    aws, sessions = member(lambda _: None)
    begun, go_on = threading.Event(), threading.Event()

    def before(account):
        if account == MEMBER:
            begun.set()
            assert go_on.wait(10)

    aws.before = before
    with ThreadPoolExecutor(3) as pool:
        first, second = (pool.submit(sessions.service, "kms", MEMBER, "eu-west-1") for _ in range(2))
        assert begun.wait(10)
        other = pool.submit(sessions.service, "kms", OTHER, "eu-west-1")
        assert asked_as(other.result(10)) == "ASIAEXAMPLE00002"  # while the first is still being assumed
        assert asked_as(sessions.service("kms", OWN, "eu-west-1")) == "AKIDEXAMPLE"
        assert not first.done()
        go_on.set()
        assert [asked_as(done.result(10)) for done in (first, second)] == ["ASIAEXAMPLE00001"] * 2
    assert aws.assumed == [MEMBER, OTHER]


def test_the_failure_to_assume_a_role_reaches_all_who_wait_for_it_and_is_not_kept(member):
    aws, sessions = member(lambda _: None)
    begun, go_on = threading.Event(), threading.Event()

    def before(_):
        begun.set()
        assert go_on.wait(10)
        if len(aws.assumed) == 1:
            raise exceptions.ReadTimeoutError(endpoint_url="https://sts")

    aws.before = before
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(sessions.service, "kms", MEMBER, "eu-west-1")
        assert begun.wait(10)
        second = pool.submit(sessions.service, "kms", MEMBER, "eu-west-1")
        while sessions._sessions.counts() != (1, 1) and not second.done():
            pass
        go_on.set()
        for failed in (first, second):
            assert str(failed.exception(10)) == (
                'sts:AssumeRole in account 111122223333, eu-west-1: Read timeout on endpoint URL: "https://sts"'
            )
    assert described(sessions) == "k"
    assert aws.assumed == [MEMBER, MEMBER]


def test_secrets_are_not_shown(scripted, clock):
    scripted.answer("sts", "assume_role", assumed(clock))
    sessions = AwsSessions(clock, role="R", own=scripted)
    sessions.service("kms", MEMBER, "eu-west-1")
    shown = repr(sessions._sessions.peek(MEMBER))
    assert not [word for word in ("secret'", "token'", "ASIAEXAMPLE") if word in shown]
