"""Whose credentials are used for which account."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from opalite.adapters.aws.remote import limits
from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.errors import AwsError, UsageError
from opalite.ports import Denied

OWN, MEMBER = "123456789012", "111122223333"


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


def test_the_callers_own_account_is_asked_with_his_own_credentials(scripted, clock):
    sessions = AwsSessions(clock, own=scripted)
    service = sessions.service("ec2", OWN, "eu-north-1")
    assert (sessions.caller(), asked_as(service)) == (OWN, "AKIDEXAMPLE")
    assert scripted.made == [("sts", "eu-west-1", "own"), ("ec2", "eu-north-1", "own")]
    assert sessions.calls.counts() == {"sts:GetCallerIdentity": 1}


def test_another_account_is_asked_by_the_role(aws, clock):
    sessions = AwsSessions(clock, role="audit/OpaliteRead")
    service = sessions.service("sts", MEMBER, "eu-north-1")
    told = service.ask("GetCallerIdentity")
    assert told["Account"] == MEMBER
    assert told["Arn"].endswith(":assumed-role/OpaliteRead/opalite")
    assert sessions.calls.counts() == {"sts:AssumeRole": 1, "sts:GetCallerIdentity": 2}


def test_a_session_is_used_until_shortly_before_its_end(scripted, clock):
    for number in (1, 2):
        scripted.answer("sts", "assume_role", assumed(clock, number, minutes=60 * number))
    sessions = AwsSessions(clock, role="R", own=scripted)
    keys = []
    for minutes in (0, 44, 1):
        clock.forward(60 * minutes)
        keys.append(asked_as(sessions.service("kms", MEMBER, "eu-west-1")))
    assert keys == ["ASIAEXAMPLE00001", "ASIAEXAMPLE00001", "ASIAEXAMPLE00002"]
    assert sessions.calls.counts()["sts:AssumeRole"] == 2


def test_clients_are_made_once_and_the_longest_unused_goes(aws, clock):
    sessions = AwsSessions(clock)
    first = sessions.service("sqs", OWN, "eu-west-1")._client
    assert sessions.service("sqs", OWN, "eu-west-1")._client is first
    for number in range(200):
        sessions.service("sqs", OWN, f"eu-west-{number + 10}")
    assert sessions.service("sqs", OWN, "eu-west-1")._client is not first
    assert len(sessions._clients) <= 128


def test_many_threads_ask_who_they_are_and_take_on_a_role_once(aws, clock):
    sessions = AwsSessions(clock, role="R")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda region: sessions.service("sqs", MEMBER, region), ["eu-west-1", "eu-north-1"] * 8))
    assert sessions.calls.counts() == {"sts:AssumeRole": 1, "sts:GetCallerIdentity": 1}


def test_without_a_role_other_accounts_are_refused(scripted, clock):
    with pytest.raises(Denied) as caught:
        AwsSessions(clock, own=scripted).service("ec2", MEMBER, "eu-west-1")
    assert str(caught.value) == (
        "account 111122223333 cannot be asked: the credentials are of account 123456789012, and no role was named"
    )


def test_a_role_that_may_not_be_assumed_is_tried_again_only_after_a_moment(scripted, clock):
    scripted.answer("sts", "assume_role", "AccessDenied")
    scripted.answer("sts", "assume_role", assumed(clock))
    sessions = AwsSessions(clock, role="R", own=scripted)
    for _ in range(3):
        with pytest.raises(Denied, match=r"^role R of account 111122223333 cannot be assumed$"):
            sessions.service("ec2", MEMBER, "eu-west-1")
    clock.forward(30)
    sessions.service("ec2", MEMBER, "eu-west-1")
    assert sessions.calls.counts()["sts:AssumeRole"] == 2


def test_expired_credentials_are_an_error_and_no_refusal(clock, scripted):
    scripted._answers = {}
    scripted.answer("sts", "get_caller_identity", "ExpiredToken")
    with pytest.raises(AwsError, match="AWS does not take the credentials"):
        AwsSessions(clock, own=scripted).caller()


def test_no_credentials_are_an_error(clock, credentials, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AwsError, match="sts:GetCallerIdentity: no AWS credentials: Unable to locate credentials"):
        AwsSessions(clock).caller()


def test_a_profile_that_is_not_there_is_an_error(clock, credentials, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    with pytest.raises(AwsError, match=r"no AWS credentials: The config profile \(elsewhere\) could not be found"):
        AwsSessions(clock).caller()


@pytest.mark.parametrize("role", ["*", "Opalite*", "", "a b", "arn:aws:iam::111122223333:role/x", "a" * 65])
def test_a_role_is_one_name(clock, role):
    with pytest.raises(UsageError, match="is not the name of an IAM role"):
        AwsSessions(clock, role=role)


@pytest.mark.parametrize(
    ("account", "region", "reason"),
    [
        (OWN, "global", "'global' is no AWS region"),
        (OWN, "eu-west-1.example.org", "is no AWS region"),
        (OWN, "cn-north-1", "region cn-north-1 is of partition aws-cn, the caller's credentials are of aws"),
        ("*", "eu-west-1", r"'\*' is not the id of an account"),
    ],
)
def test_what_is_no_place_of_the_callers_is_not_asked(scripted, clock, account, region, reason):
    sessions = AwsSessions(clock, role="R", own=scripted)
    with pytest.raises(Denied, match=reason):
        sessions.service("ec2", account, region)
    assert [name for name, *_ in scripted.made] == ["sts"]


def test_a_global_service_is_asked_in_the_home_region(scripted, clock):
    AwsSessions(clock, own=scripted).service("organizations", OWN, "")
    assert scripted.made[-1] == ("organizations", "eu-west-1", "own")


@pytest.mark.parametrize(
    ("region", "home"),
    [("global", "us-east-1"), ("eu-nowhere-9", "us-east-1"), ("cn-north-1", "cn-northwest-1")],
)
def test_without_a_region_the_caller_is_asked_for_where_there_is_one_for_sure(
    scripted, clock, monkeypatch, region, home
):
    monkeypatch.setattr(scripted, "region_name", None, raising=False)
    with contextlib.suppress(Denied):
        AwsSessions(clock, own=scripted).service("ec2", MEMBER, region)
    assert scripted.made == [("sts", home, "own")]


def test_an_endpoint_that_is_none_is_an_error(clock, credentials, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "foo")
    with pytest.raises(AwsError, match=r"^sts in eu-west-1: Invalid endpoint: foo$"):
        AwsSessions(clock).caller()


def test_a_role_that_a_role_assumes_has_an_hour_at_most(clock):
    sessions = AwsSessions(clock, role=Role("R", seconds=3601))
    with pytest.raises(UsageError) as caught:
        sessions.known_as(OWN, "aws")
    assert str(caught.value) == "role R: a session cannot last 3601 seconds if a role assumes it: set at most 3600"


def test_whoever_is_known_is_not_asked_who_he_is(scripted, clock):
    sessions = AwsSessions(clock, own=scripted)
    sessions.known_as(OWN, "aws")
    service = sessions.service("config", OWN, "eu-north-1")
    assert (sessions.caller(), asked_as(service)) == (OWN, "AKIDEXAMPLE")
    assert scripted.made == [("config", "eu-north-1", "own")]
    assert sessions.calls.counts() == {}


@pytest.mark.parametrize("legacy", [False, True])
def test_the_sts_of_the_region_is_asked_and_never_the_global_one(clock, credentials, monkeypatch, legacy):
    if legacy:
        monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    sessions = AwsSessions(clock)
    sessions.known_as(OWN, "aws")
    for region, host in (("", "sts.eu-west-1"), ("us-east-1", "sts.us-east-1")):
        assert sessions.service("sts", OWN, region)._client.meta.endpoint_url == f"https://{host}.amazonaws.com"


def test_fips_endpoints_are_taken_where_the_environment_says_so(clock, credentials, monkeypatch):
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    sessions = AwsSessions(clock)
    sessions.known_as(OWN, "aws")
    assert sessions.service("sts", OWN, "")._client.meta.endpoint_url == "https://sts-fips.us-east-2.amazonaws.com"


def test_clients_are_made_with_the_given_limits(clock, credentials):
    sessions = AwsSessions(clock, config=limits(connect=2, read=10, attempts=4))
    sessions.known_as(OWN, "aws")
    config = sessions.service("config", OWN, "")._client.meta.config
    assert (config.connect_timeout, config.read_timeout, config.retries["total_max_attempts"]) == (2, 10, 4)


def test_what_is_prepared_need_not_be_made_by_the_first_who_asks(scripted, clock):
    sessions = AwsSessions(clock, own=scripted)
    sessions.prepare("sts")
    sessions.prepare("config", "eu-north-1")
    assert sessions.calls.counts() == {}
    sessions.known_as(OWN, "aws")
    sessions.service("config", OWN, "eu-north-1")
    sessions.service("sts", OWN, "")
    assert scripted.made == [("sts", "eu-west-1", "own"), ("config", "eu-north-1", "own")]
