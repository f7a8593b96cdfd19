"""Config rules: whose may call, and which policies their parameters choose."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS
from emulation.organization import SANDBOX
from opalite.errors import AwsError, InvocationError

ADMIN, MEMBER, OTHER = ACCOUNTS
STRANGER = "444444444444"
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
ENCRYPTION, ACCESS, TLS = (f"aws.s3.bucket.{name}" for name in ("encryption", "public_access_block", "tls_only"))
GROUP = ("AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8")
CAPTURED = "2026-03-02T08:15:30.412Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
MEMBERSHIP = {"organizations:DescribeAccount": 1}


@pytest.fixture
def opened(aws, group):
    """The event of a security group that was opened, for a Config rule of an account."""

    def made(account, *, name="ingress", event=None, **rule):
        parameters = rule.pop("parameters", {"policies": INGRESS})
        found = aws.config.rule(account, name, parameters=parameters, **rule)
        return aws.config.change_event(group(account=account, opened=22), found, **(event or {})), found

    return made


def is_served(function, event, rule):
    function(event)
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert function.counts() == {"Evaluations": 1}


def is_refused(function, event, reason):
    """It is no error, which Lambda would try again, but counted and logged; nothing is told."""
    assert function(event) == {"refused": reason}
    assert function.lines("refused") == [{"reason": reason}]
    assert function.counts() == {"Refused": 1}
    assert ({"reason": reason}, {"RefusedBy": 1}) in function.metrics()
    assert function.aws.config.put_calls == []


def test_the_organizations_rules_are_served_in_every_member(aws, function, opened):
    for account in (MEMBER, OTHER):
        is_served(function, *opened(account))
    assert aws.calls == {"organizations:DescribeAccount": 2, "sts:AssumeRole": 2, "config:PutEvaluations": 2}


def test_a_rule_that_a_member_has_made_himself_is_refused(aws, function, opened):
    event, _ = opened(MEMBER, organization=False)
    is_refused(function, event, "rule")
    assert aws.calls == {}


@pytest.mark.parametrize(
    "path",
    [
        "aws-service-rule/securityhub.amazonaws.com/config-rule-0b4fee",
        "aws-service-rule/config-conforms.amazonaws.com/config-rule-0b4fee",
        "aws-service-rule/config-multiaccountsetup.amazonaws.com.example/config-rule-0b4fee",
        "x/aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-0b4fee",
    ],
)
def test_what_only_looks_like_a_rule_of_the_organization_is_refused(aws, function, opened, path):
    event, _ = opened(MEMBER, arn=f"arn:aws:config:eu-west-1:{MEMBER}:config-rule/{path}")
    is_refused(function, event, "rule")
    assert aws.calls == {}


def test_a_rule_of_another_partition_is_refused(aws, function, opened):
    path = "aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-0b4fee"
    event, _ = opened(MEMBER, arn=f"arn:aws-cn:config:eu-west-1:{MEMBER}:config-rule/{path}")
    is_refused(function, event, "rule")
    assert aws.calls == {}


def test_a_name_like_that_of_an_organization_rule_does_not_help(aws, function, opened):
    event, _ = opened(MEMBER, organization=False, name="OrgConfigRule-ingress-487a0a9a")
    is_refused(function, event, "rule")
    assert aws.calls == {}


def test_the_organization_rule_of_a_stranger_is_refused(aws, function, opened):
    aws.allow_role(STRANGER, "OpaliteMember")  # even if he would let us in
    event, _ = opened(STRANGER)
    is_refused(function, event, "account")
    assert aws.calls == MEMBERSHIP


@pytest.mark.parametrize("status", ["SUSPENDED", "PENDING_CLOSURE"])
def test_a_suspended_account_is_refused_and_one_that_closes_is_served(aws, function, opened, status):
    aws.organization.set_status(MEMBER, status)
    event, rule = opened(MEMBER)
    if status == "SUSPENDED":
        is_refused(function, event, "account")
        assert aws.calls == MEMBERSHIP
    else:
        is_served(function, event, rule)


def test_an_account_that_has_joined_is_served(aws, deploy, opened):
    event, rule = opened(STRANGER)
    is_refused(deploy(aws), event, "account")
    aws.organization.join(STRANGER, SANDBOX)
    aws.allow_role(STRANGER, "OpaliteMember")
    is_served(deploy(aws), event, rule)  # within half a minute by another sandbox only


def test_members_are_asked_for_once(aws, function, opened):
    event, rule = opened(MEMBER)
    for _ in range(3):
        is_served(function, event, rule)
    assert aws.calls == MEMBERSHIP | {"sts:AssumeRole": 1, "config:PutEvaluations": 3}


def test_only_listed_accounts_are_served_and_organizations_is_not_asked(aws, deploy, opened):
    function = deploy(aws, OPALITE_ACCOUNTS=f"{MEMBER},{STRANGER}")
    is_refused(function, opened(OTHER)[0], "account")
    is_served(function, *opened(MEMBER))
    assert aws.calls == {"sts:AssumeRole": 1, "config:PutEvaluations": 1}


def test_without_a_list_only_the_functions_own_account_is_served(aws, deploy, opened):
    function = deploy(aws, OPALITE_ACCOUNTS=None, OPALITE_MEMBER_ROLE=None)
    is_refused(function, opened(MEMBER)[0], "account")
    is_served(function, *opened(ADMIN))
    assert aws.calls == {"config:PutEvaluations": 1}


def test_a_listed_rule_is_served(aws, deploy, opened):
    event, rule = opened(MEMBER, organization=False)
    is_served(deploy(aws, OPALITE_RULES=f"other-rule,{rule.arn}"), event, rule)


def test_a_listed_name_counts_in_the_functions_own_account_only(aws, deploy, opened):
    function = deploy(aws, OPALITE_RULES="ingress")
    is_refused(function, opened(MEMBER, organization=False)[0], "rule")
    assert aws.calls == {}
    is_served(function, *opened(ADMIN, organization=False))


@pytest.mark.parametrize("code", ["TooManyRequestsException", "ServiceException", "AccessDeniedException"])
def test_if_organizations_does_not_say_whose_account_it_is_the_event_fails(aws, function, opened, slept, code):
    aws.fail("organizations", "DescribeAccount", code=code, times=None)
    event, rule = opened(MEMBER)
    with pytest.raises(AwsError) as raised:
        function(event)
    assert code in str(raised.value)
    assert set(aws.calls) == {"organizations:DescribeAccount"}
    assert function.counts() == {"Failures": 1}
    aws.mend()
    is_served(function, event, rule)


PLANTED = [
    {"code": "s3://planted/policy.rego"},
    {"policyUrl": "https://198.51.100.7/policy.rego"},
    {"bucket": "planted"},
    {"role": f"arn:aws:iam::{MEMBER}:role/Admin"},
    {"ExecutionRoleName": "Admin"},
    {"stage": "off"},
    {"undetermined": "NOT_APPLICABLE"},
    {"Policies": INGRESS},
    {"policies": INGRESS, "exempt": GROUP[1]},
]


@pytest.mark.parametrize("parameters", PLANTED, ids="+".join)
def test_parameters_that_do_anything_but_choose_policies_are_refused(aws, function, opened, parameters):
    event, _ = opened(MEMBER, parameters=parameters)
    with pytest.raises(InvocationError) as raised:
        function(event)
    name = next(name for name in parameters if name != "policies")
    assert str(raised.value) == (
        f"the Config rule's parameter {name} is not taken: parameters only choose policies, by policies or tags"
    )
    assert aws.calls == MEMBERSHIP
    assert function.lines("refused") == [{"reason": "parameters"}]
    assert function.lines("failed") == [{"error": "InvocationError", "reason": str(raised.value)}]
    assert function.counts() == {"Refused": 1, "Failures": 1}
    assert ({"reason": "parameters"}, {"RefusedBy": 1}) in function.metrics()
    assert parameters[name] not in function.log.getvalue()


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"policies": "data.system.authz"}, "policies data.system.authz: there is no such policy; there are: "),
        ({"policies": f"{INGRESS};true"}, "the Config rule's parameter policies: expected names with commas between"),
        ({"policies": f"{INGRESS},"}, "the Config rule's parameter policies: expected names with commas between"),
        ({"tags": "encrypted"}, "tags encrypted: no policy names it; there are: "),
        ({"policies": INGRESS, "tags": "../x"}, "the Config rule's parameter tags: expected names with commas between"),
    ],
)
def test_a_choice_that_is_none_is_an_error(aws, function, opened, parameters, says):
    event, _ = opened(MEMBER, parameters=parameters)
    with pytest.raises(InvocationError) as raised:
        function(event)
    assert says in str(raised.value)
    assert aws.calls == MEMBERSHIP
    assert function.counts() == {"Refused": 1, "Failures": 1}


CHOICES = [
    ({}, {ENCRYPTION, ACCESS, TLS}),
    ({"policies": TLS}, {TLS}),
    ({"policies": f" {TLS} , {ACCESS}"}, {TLS, ACCESS}),
    ({"policies": ""}, {ENCRYPTION, ACCESS, TLS}),
    ({"tags": "encryption"}, {ENCRYPTION}),
    ({"tags": "encryption, baseline"}, {ENCRYPTION, ACCESS}),
    ({"policies": TLS, "tags": "encryption"}, {TLS, ENCRYPTION}),
    ({"policies": INGRESS}, set()),
    ({"tags": "cost"}, set()),
]


@pytest.mark.parametrize(("parameters", "chosen"), CHOICES)
def test_parameters_choose_policies(aws, function, bucket, parameters, chosen):
    rule = aws.config.rule(MEMBER, "buckets", parameters=parameters)
    answer = function(aws.config.change_event(bucket(), rule))
    assert set(answer["outcomes"]) == set(function.outcomes()) == chosen
    assert len(answer["evaluations"]) == (1 if chosen else 0)


def test_a_policy_that_judges_nothing_until_it_is_told_what_tells_nothing(aws, function, bucket):
    rule = aws.config.rule(MEMBER, "tags", parameters={"policies": "aws.any.resource.required_tags"})
    assert function(aws.config.change_event(bucket(), rule)) == {"evaluations": [], "outcomes": {}}
    assert [put.evaluations for put in aws.config.put_calls] == [()]


def test_a_rule_without_the_member_ruleparameters_is_one_without_parameters(aws, function, bucket):
    rule = aws.config.rule(MEMBER, "all")
    answer = function(aws.config.change_event(bucket(), rule, ruleParameters=None))
    assert set(answer["outcomes"]) == {ENCRYPTION, ACCESS, TLS}
