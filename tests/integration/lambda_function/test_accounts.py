"""One function for many accounts: whose credentials each call is made with, and what happens when there are none."""

from __future__ import annotations

import json

import pytest

from emulation.aws import ACCOUNTS, REGION, LocalAws
from opalite.errors import AwsError, DeliveryError

ADMIN, MEMBER, OTHER = ACCOUNTS
ROLE = "OpaliteMember"
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
GROUP = ("AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8")
CAPTURED = "2026-03-02T08:15:30.412Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
NOT_ASSUMED = f"role {ROLE} of account {MEMBER} cannot be assumed: is the member role deployed there, and does it trust this function?"


def untaken(reason, region=REGION):
    return f"config:PutEvaluations in account {MEMBER}, {region}: not taken: {GROUP[0]} {GROUP[1]}: {reason}"


@pytest.fixture
def opened(aws, group):
    """The event of a group that was opened in an account, and its Config rule."""

    def made(account=MEMBER):
        rule = aws.config.rule(account, "ingress", parameters={"policies": INGRESS})
        return aws.config.change_event(group(account=account, opened=22), rule), rule

    return made


def is_told(function, event, rule):
    function(event)
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def is_not_told(function, event, says, error=DeliveryError):
    before = len(function.aws.config.put_calls)
    with pytest.raises(error) as raised:
        function(event)
    assert str(raised.value) == says
    assert function.lines("failed") == [{"error": error.__name__, "reason": says}]
    assert function.counts()["Failures"] == 1
    assert len(function.aws.config.put_calls) == before


def test_each_account_is_told_its_own_with_its_own_role(aws, function, opened):
    for account in (ADMIN, MEMBER, OTHER):
        is_told(function, *opened(account))
    assert [(call.account, call.action) for call in aws.calls_made] == [
        (
            ADMIN,
            "config:PutEvaluations",
        ),  # the function's own account takes no role, and is no question for Organizations
        (ADMIN, "organizations:DescribeAccount"),
        (ADMIN, "sts:AssumeRole"),
        (MEMBER, "config:PutEvaluations"),
        (ADMIN, "organizations:DescribeAccount"),
        (ADMIN, "sts:AssumeRole"),
        (OTHER, "config:PutEvaluations"),
    ]
    assert [put.account for put in aws.config.put_calls] == [ADMIN, MEMBER, OTHER]


def test_a_session_serves_all_further_events_of_its_account(aws, function, opened):
    events = [opened(account) for account in (MEMBER, OTHER)] * 3
    for event, rule in events:
        is_told(function, event, rule)
    assert aws.calls["sts:AssumeRole"] == 2
    assert aws.calls["config:PutEvaluations"] == 6


def test_the_role_is_assumed_as_its_trust_policy_demands(aws, deploy, opened):
    aws.allow_role(MEMBER, "security/OpaliteReader", external_id="organization-7f3a")
    function = deploy(
        aws,
        OPALITE_MEMBER_ROLE="security/OpaliteReader",
        OPALITE_EXTERNAL_ID="organization-7f3a",
        OPALITE_SOURCE_IDENTITY="opalite",
        OPALITE_SESSION_TAGS="team=security, purpose=config rules",
    )
    is_told(function, *opened())
    assert aws.assumed == [
        {
            "RoleArn": f"arn:aws:iam::{MEMBER}:role/security/OpaliteReader",
            "RoleSessionName": "opalite",
            "DurationSeconds": 3600,
            "ExternalId": "organization-7f3a",
            "SourceIdentity": "opalite",
            "Tags": [{"Key": "team", "Value": "security"}, {"Key": "purpose", "Value": "config rules"}],
        }
    ]


def test_a_missing_role_fails_the_event_and_the_next_one_asks_again(aws, function, opened):
    aws.forbid_role(MEMBER, ROLE)
    event, rule = opened()
    is_not_told(function, event, untaken(NOT_ASSUMED))
    is_not_told(function, event, untaken(NOT_ASSUMED))
    assert aws.calls["sts:AssumeRole"] == 2
    is_told(function, *opened(OTHER))  # it is nobody else's trouble
    aws.allow_role(MEMBER, ROLE)
    is_told(function, event, rule)


@pytest.mark.parametrize("trust", [{"external_id": "another"}, {"trusted": OTHER}])
def test_a_role_that_does_not_trust_the_function_is_like_none(aws, function, opened, trust):
    aws.allow_role(MEMBER, ROLE, **trust)
    event, rule = opened()
    is_not_told(function, event, untaken(NOT_ASSUMED))
    aws.allow_role(MEMBER, ROLE)
    is_told(function, event, rule)


def test_without_the_name_of_a_role_other_accounts_cannot_be_told(aws, deploy, opened):
    function = deploy(aws, OPALITE_MEMBER_ROLE=None)
    is_told(function, *opened(ADMIN))
    event, _ = opened(MEMBER)
    is_not_told(
        function,
        event,
        untaken(
            f"account {MEMBER} cannot be asked: the credentials are of account {ADMIN}, and no role was named: "
            "is the member role deployed there, and does it trust this function?"
        ),
    )
    assert aws.calls["sts:AssumeRole"] == 0


def test_a_session_that_has_ended_is_renewed_within_the_event(aws, function, opened):
    event, rule = opened()
    is_told(function, event, rule)
    aws.expire_sessions(MEMBER)
    is_told(function, event, rule)
    assert aws.calls == {"organizations:DescribeAccount": 1, "sts:AssumeRole": 2, "config:PutEvaluations": 2}


def test_a_session_that_is_ended_within_a_schedule_fails_it_and_the_next_attempt_goes_through(aws, function, group):
    rule = aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})
    for number in range(150):
        aws.config.record(group(f"sg-{number:017x}"))
    aws.faults.sleep = lambda _: aws.expire_sessions(MEMBER)
    aws.slow("config", "PutEvaluations", seconds=1)  # by the end of the first page
    event = aws.config.schedule_event(MEMBER, rule)
    with pytest.raises(AwsError) as raised:
        function(event)
    assert "AWS does not take the credentials (ExpiredTokenException)" in str(raised.value)
    assert len(function.results(rule)) == 100  # what was judged has been delivered
    assert function(event) == {"resources": 150, "delivered": {"COMPLIANT": 150}, "unreadable": 0}
    assert len(function.results(rule)) == 150
    assert aws.calls["sts:AssumeRole"] == 2


@pytest.mark.parametrize("form", ["schedule", "oversized", "left scope"])
def test_a_missing_role_is_named_wherever_it_is_needed_first(aws, function, opened, group, form):
    aws.forbid_role(MEMBER, ROLE)
    event, rule = opened()
    if form == "schedule":
        event = aws.config.schedule_event(MEMBER, rule)
    elif form == "oversized":
        event = aws.config.oversized_event(group(), rule)
    else:
        event["eventLeftScope"] = True
    says = f"nothing can be told to AWS Config in account {MEMBER}: {NOT_ASSUMED}"
    if form == "oversized":
        says = (
            f"{GROUP[0]} {GROUP[1]}: the history of account {MEMBER} has no item captured at {CAPTURED} "
            f"(role {ROLE} of account {MEMBER} cannot be assumed)"
        )
    is_not_told(function, event, says, AwsError)


def test_credentials_of_the_function_that_are_not_taken_fail_the_event(aws, function, opened):
    aws.expire_sessions(ADMIN)
    event, _ = opened()
    is_not_told(
        function,
        event,
        f"organizations:DescribeAccount in account {ADMIN}, {REGION}: "
        "AWS does not take the credentials (ExpiredTokenException): sign in again",
        AwsError,
    )


def test_a_rule_in_a_region_that_there_is_not_is_told_as_such(aws, function, opened):
    event, _ = opened()
    event["configRuleArn"] = event["configRuleArn"].replace("eu-west-1", "xx-nowhere-1")
    is_not_told(
        function,
        event,
        untaken(
            "'xx-nowhere-1' is no AWS region that can be asked: "
            "is the member role deployed there, and does it trust this function?",
            "xx-nowhere-1",
        ),
    )


def test_in_china_everything_is_of_its_own_partition(layers, deploy, group):
    with LocalAws(region="cn-north-1") as aws:
        for account in (MEMBER, OTHER):
            aws.allow_role(account, ROLE)
        function = deploy(aws)
        for account in (ADMIN, MEMBER):
            rule = aws.config.rule(account, "ingress", parameters={"policies": INGRESS})
            item = group(account=account, opened=22, awsRegion="cn-north-1")
            item = json.loads(json.dumps(item).replace("arn:aws:", "arn:aws-cn:"))
            is_told(function, aws.config.change_event(item, rule), rule)
        assert aws.config.violations == []
        assert aws.assumed == [
            {
                "RoleArn": f"arn:aws-cn:iam::{MEMBER}:role/{ROLE}",
                "RoleSessionName": "opalite",
                "DurationSeconds": 3600,
            }
        ]
        assert {call.region for call in aws.calls_made if call.service != "organizations"} == {"cn-north-1"}
