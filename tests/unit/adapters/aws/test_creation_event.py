"""Which event of CloudTrail made a resource, and who that was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.creation_event import home, maker, names, principal, span

ACCOUNT = "111122223333"
NOW = datetime(2026, 11, 28, 9, 14, tzinfo=UTC)
BALANCER = {
    "type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "id": f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:loadbalancer/app/shop/50dc6c495c0c9188",
    "arn": f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:loadbalancer/app/shop/50dc6c495c0c9188",
    "name": "shop",
    "partition": "aws",
    "account_id": ACCOUNT,
    "region": "eu-west-1",
}
ALICE = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLE",
    "arn": f"arn:aws:iam::{ACCOUNT}:user/Alice",
    "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
    "userName": "Alice",
}
RECORD = {
    "eventVersion": "1.11",
    "userIdentity": ALICE,
    "eventSource": "elasticloadbalancing.amazonaws.com",
    "eventName": "CreateLoadBalancer",
    "awsRegion": "eu-west-1",
    "apiVersion": "2015-12-01",
    "recipientAccountId": ACCOUNT,
}


def event(**more):
    record = {**RECORD, **more}
    return {"EventName": record["eventName"], "CloudTrailEvent": json.dumps(record)}


def resource(kind, **members):
    return {**BALANCER, "type": f"AWS::{kind}", "id": "the-id", "name": "the-name", "arn": "the-arn", **members}


def session(role, name, **more):
    return {"type": "AssumedRole", "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{name}", **more}


def test_the_event_that_made_it_tells_who_it_was():
    assert maker(event(), BALANCER) == ALICE


@pytest.mark.parametrize(
    "more",
    [
        {"eventName": "DeleteLoadBalancer"},
        {"eventName": "CreateListener"},
        {"eventSource": "ec2.amazonaws.com"},
        {"apiVersion": "2012-06-01"},  # of a classic one of the same name
        {"recipientAccountId": "444455556666"},
        {"errorCode": "DuplicateLoadBalancerName"},  # somebody else tried to
    ],
    ids=lambda more: "-".join(more.values()),
)
def test_other_events_made_nothing(more):
    assert maker(event(**more), BALANCER) is None


def test_what_the_event_does_not_say_is_no_contradiction():
    without = {name: value for name, value in RECORD.items() if name not in ("apiVersion", "recipientAccountId")}
    assert maker({"EventName": "CreateLoadBalancer", "CloudTrailEvent": json.dumps(without)}, BALANCER) == ALICE


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", 7, "x" * (1 << 20) + "x", "[" * 5000])
def test_an_event_that_cannot_be_read_made_nothing(text):
    assert maker({"EventName": "CreateLoadBalancer", "CloudTrailEvent": text}, BALANCER) is None


@pytest.mark.parametrize("given_event", [None, [], "CreateLoadBalancer", {}, {"EventName": None}, {"EventName": "x"}])
def test_what_is_no_event_made_nothing(given_event):
    assert maker(given_event, BALANCER) is None


@pytest.mark.parametrize("identity", [None, "Alice", [ALICE]])
def test_an_event_without_identity_was_made_by_nobody_known(identity):
    assert maker(event(userIdentity=identity), BALANCER) == {}


@pytest.mark.parametrize(
    ("identity", "arn"),
    [
        (ALICE, ALICE["arn"]),
        ({"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root"}, f"arn:aws:iam::{ACCOUNT}:root"),
        (session("Admin", "alice"), f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice"),
        (
            {"type": "FederatedUser", "arn": f"arn:aws-cn:sts::{ACCOUNT}:federated-user/bob"},
            f"arn:aws-cn:sts::{ACCOUNT}:federated-user/bob",
        ),
        ({**ALICE, "invokedBy": "cloudformation.amazonaws.com"}, ALICE["arn"]),
        (
            session("AWSReservedSSO_Admin_0f1e", "alice@example.com", invokedBy="cloudformation.amazonaws.com"),
            f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0f1e/alice@example.com",
        ),
    ],
)
def test_users_and_sessions_are_told_by_their_arns(identity, arn):
    assert principal(identity) == arn


@pytest.mark.parametrize(
    "identity",
    [
        {},
        {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"},
        {"type": "IdentityCenterUser", "onBehalfOf": {"userId": "x"}},
        {"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": ACCOUNT},
        session("AWSServiceRoleForAutoScaling", "AutoScaling"),
        session("CloudFormationRole", "AWSCloudFormation", invokedBy="cloudformation.amazonaws.com"),
        session("Admin", "a" * 300),
        session("Admin", "alice\nFor: bob"),
        session("Admin", "alice bob"),
        session("Admin", "älice"),
        {"arn": "alice"},
        {"arn": f"arn:aws:iam::{ACCOUNT}:role/Admin"},
        {"arn": ["arn:aws:iam::111122223333:user/Alice"]},
    ],
)
def test_services_and_what_is_no_principal_are_nobody(identity):
    assert principal(identity) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["EventName", "CloudTrailEvent", "arn", "invokedBy"]) | st.text(), inner)
        ),
    )
)
def test_nothing_that_an_event_holds_is_an_error(anything):
    assert maker(anything, BALANCER) is None
    if isinstance(anything, dict):
        principal(anything)


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("EC2::Instance", ("the-id",)),
        ("S3::Bucket", ("the-id",)),
        ("ElasticLoadBalancing::LoadBalancer", ("the-name", "the-id")),
        ("ElasticLoadBalancingV2::LoadBalancer", ("the-arn", "the-name")),
        ("RDS::DBInstance", ("the-name",)),
        ("KMS::Key", ("the-arn", "the-id")),
        ("IAM::Role", ("the-name",)),
        ("Batch::JobQueue", ()),
    ],
)
def test_each_service_names_its_resources_in_its_own_way(kind, found):
    assert names(resource(kind)) == found


def test_a_name_that_is_missing_or_too_long_is_not_asked_for():
    assert names(resource("ElasticLoadBalancing::LoadBalancer", name=None, id="x")) == ("x",)
    assert names(resource("ElasticLoadBalancing::LoadBalancer", name="x", id="x")) == ("x",)
    assert names(resource("ElasticLoadBalancing::LoadBalancer", name="", id="x" * 2001)) == ()
    assert names({}) == ()


@pytest.mark.parametrize(
    ("region", "partition", "found"),
    [
        ("eu-west-1", "aws", "eu-west-1"),
        ("global", "aws", "us-east-1"),
        ("global", "aws-cn", "cn-north-1"),
        ("global", "aws-iso", ""),
        (None, "aws", ""),
    ],
)
def test_what_is_in_no_region_is_looked_up_in_the_first_of_its_partition(region, partition, found):
    assert home({"region": region, "partition": partition}) == found


HOUR, DAYS_90 = timedelta(hours=1), timedelta(days=90)


@pytest.mark.parametrize(
    ("configuration", "found"),
    [
        (None, (NOW - DAYS_90, NOW)),
        ({}, (NOW - DAYS_90, NOW)),
        ({"created_time": "yesterday", "created_at": None}, (NOW - DAYS_90, NOW)),
        (
            {"created_time": "2026-11-20T08:00:00.000Z"},
            tuple(datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (7, 9)),
        ),
        ({"created_at": "2026-11-20T08:00:00"}, tuple(datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (7, 9))),
        ({"created_time": "2026-11-28T09:00:00Z"}, (datetime(2026, 11, 28, 8, tzinfo=UTC), NOW)),
        ({"created_time": (NOW - DAYS_90).isoformat()}, (NOW - DAYS_90, NOW - DAYS_90 + HOUR)),
        ({"created_time": "2026-01-01T00:00:00Z"}, None),
        ({"created_time": "0001-01-01T00:00:00+14:00"}, None),
        ({"created_time": "9999-12-31T23:59:59-14:00"}, (NOW - DAYS_90, NOW)),
    ],
)
def test_it_is_looked_for_when_it_was_made_or_in_all_of_the_history(configuration, found):
    assert span({"configuration": configuration}, NOW) == found
