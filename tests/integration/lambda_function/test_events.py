"""Events of AWS Config: what each becomes, and what is none."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS
from emulation.limits import service_model
from opalite.errors import InvocationError

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
GROUP = ("AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8")
CAPTURED = "2026-03-02T08:15:30.412Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
CLOSED = "Security groups do not open administration ports to the world"
TELLING = {"sts:AssumeRole": 1, "config:PutEvaluations": 1}
ASKED = {"organizations:DescribeAccount": 1}  # whose account it is


@pytest.fixture
def rule(aws):
    """Scoped by type."""
    scope = {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"]}
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS}, scope=scope)


@pytest.fixture
def scoped(aws):
    """The same Config rule with another scope."""
    return lambda **scope: aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS}, scope=scope or None)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [(None, ("pass", "COMPLIANT", CLOSED)), (22, ("fail", "NON_COMPLIANT", OPEN))],
)
def test_a_change_is_judged_and_told(aws, function, rule, group, opened, expected):
    outcome, compliance_type, says = expected
    answer = function(aws.config.change_event(group(opened=opened), rule))
    (tail,) = function.tails()
    evaluation = {
        "resource_type": GROUP[0],
        "resource_id": GROUP[1],
        "compliance_type": compliance_type,
        "annotation": f"{says}{tail}",
        "ordering_timestamp": CAPTURED,
    }
    assert answer == {"evaluations": [evaluation], "outcomes": {INGRESS: outcome}}
    assert function.results(rule) == {GROUP: (compliance_type, f"{says}{tail}", CAPTURED)}
    assert aws.calls == TELLING | ASKED


STATUSES = [
    ("OK", False, "NON_COMPLIANT", OPEN),
    ("ResourceDiscovered", False, "NON_COMPLIANT", OPEN),
    ("ResourceDeleted", False, "NOT_APPLICABLE", "not applicable: the resource was deleted"),
    ("ResourceDeletedNotRecorded", False, "NOT_APPLICABLE", "not applicable: the resource was deleted"),
    ("ResourceNotRecorded", False, "NOT_APPLICABLE", "not applicable: the resource is not recorded"),
    ("OK", True, "NOT_APPLICABLE", "not applicable: the resource left the rule's scope"),
    ("ResourceDiscovered", True, "NOT_APPLICABLE", "not applicable: the resource left the rule's scope"),
    ("ResourceDeleted", True, "NOT_APPLICABLE", "not applicable: the resource was deleted"),
    ("ResourceDeletedNotRecorded", True, "NOT_APPLICABLE", "not applicable: the resource was deleted"),
    ("ResourceNotRecorded", True, "NOT_APPLICABLE", "not applicable: the resource is not recorded"),
]


@pytest.mark.parametrize("row", STATUSES, ids=lambda row: f"{row[0]}-{row[1]}")
def test_each_status_has_its_compliance_type(aws, function, scoped, group, row):
    status, left, compliance_type, says = row
    rule = scoped(TagKey="judged")
    item = group(opened=22, configurationItemStatus=status)
    event = aws.config.change_event(item, rule, recorded=False, eventLeftScope=left)
    function(event)
    assert function.results(rule) == {GROUP: (compliance_type, f"{says}{function.tails()[0]}", CAPTURED)}


def test_every_status_that_aws_has_is_in_the_table():
    known = service_model("config").shape_for("ConfigurationItemStatus").enum
    assert set(known) == {status for status, *_ in STATUSES}


def test_what_a_new_status_means_is_not_guessed(aws, function, rule, group):
    event = aws.config.change_event(group(configurationItemStatus="ResourceAsleep"), rule, recorded=False)
    with pytest.raises(InvocationError) as raised:
        function(event)
    assert str(raised.value) == (
        "the item cannot be read: AWS::EC2::SecurityGroup sg-0b1c2d3e4f5a6b7c8: "
        "configurationItemStatus is 'ResourceAsleep': expected one of "
        "OK, ResourceDiscovered, ResourceDeleted, ResourceDeletedNotRecorded, ResourceNotRecorded"
    )
    assert aws.config.put_calls == []


def test_a_deleted_resource_without_a_configuration_takes_its_result_with_it(aws, function, rule, group):
    function(aws.config.change_event(group(opened=22), rule))
    deleted = group(
        configuration=None,
        supplementaryConfiguration={},
        tags={},
        relationships=[],
        configurationItemStatus="ResourceDeleted",
        configurationItemCaptureTime="2026-03-02T09:00:00.000Z",
        configurationStateId=1772442000000,
    )
    answer = function(aws.config.change_event(deleted, rule, eventLeftScope=True))
    says = f"not applicable: the resource was deleted{function.tails()[0]}"
    assert answer["outcomes"] == {INGRESS: "not_applicable"}
    assert function.results(rule) == {GROUP: ("NOT_APPLICABLE", says, "2026-03-02T09:00:00.000Z")}
    assert aws.calls["config:DescribeConfigRules"] == 0  # what is deleted needs no scope


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"ComplianceResourceTypes": ["AWS::S3::Bucket", "AWS::EC2::SecurityGroup"]},
        {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"], "ComplianceResourceId": GROUP[1]},
        {"TagKey": "owner"},
        {"TagKey": "owner", "TagValue": "team-orders"},
    ],
)
def test_a_resource_that_is_still_in_scope_has_not_left_it(aws, function, scoped, group, scope):
    rule = scoped(**scope)
    item = group(opened=22, tags={"owner": "team-orders"})
    function(aws.config.change_event(item, rule))
    before, says = function.results(rule), f"{OPEN}{function.tails()[0]}"
    aws.calls_made.clear()
    assert function(aws.config.change_event(item, rule, eventLeftScope=True)) == {"refused": "left_scope"}
    assert function.results(rule) == before == {GROUP: ("NON_COMPLIANT", says, CAPTURED)}
    assert aws.calls == {"config:DescribeConfigRules": 1}
    assert function.counts() == {"Refused": 1}


@pytest.mark.parametrize(
    "scope",
    [
        {"TagKey": "judged"},
        {"TagKey": "owner", "TagValue": "team-payroll"},
        {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"], "ComplianceResourceId": "sg-0aaaabbbbccccdddd"},
        {"ComplianceResourceTypes": ["AWS::S3::Bucket"]},
    ],
)
def test_a_resource_that_has_left_the_scope_is_not_applicable(aws, function, scoped, group, scope):
    rule = scoped(**scope)
    function(aws.config.change_event(group(opened=22, tags={"owner": "team-orders"}), rule, eventLeftScope=True))
    says = f"not applicable: the resource left the rule's scope{function.tails()[0]}"
    assert function.results(rule) == {GROUP: ("NOT_APPLICABLE", says, CAPTURED)}
    assert aws.calls == {"config:DescribeConfigRules": 1} | TELLING | ASKED


@pytest.mark.parametrize("form", ["change_event", "oversized_event", "schedule_event"])
def test_in_test_mode_config_stores_nothing(aws, function, rule, group, form):
    aws.config.record(group(opened=22))
    made = getattr(aws.config, form)
    event = made(MEMBER, rule, resultToken="TESTMODE") if form == "schedule_event" else made(
        group(opened=22), rule, resultToken="TESTMODE"
    )  # fmt: skip
    function(event)
    (put,) = aws.config.put_calls
    assert (put.account, put.rule, put.test_mode) == (MEMBER, None, True)
    assert [evaluation["ComplianceType"] for evaluation in put.evaluations] == ["NON_COMPLIANT"]
    assert function.results(rule) == {}


def test_the_same_event_gives_the_same_decision(aws, deploy, function, rule, group):
    event = aws.config.change_event(group(opened=22), rule)
    first = function(event)
    assert function(event) == first
    assert deploy(aws)(event) == first  # in another sandbox, too
    assert [put.evaluations for put in aws.config.put_calls] == [aws.config.put_calls[0].evaluations] * 3


def test_without_a_time_of_notification_the_capture_time_stands_for_it(aws, function, rule, group):
    event = aws.config.change_event(group(opened=22), rule)
    first = function(aws.config.change_event(group(opened=22), rule, notified_at=CAPTURED))
    event["invokingEvent"] = event["invokingEvent"].replace("notificationCreationTime", "unknown")
    assert function(event) == first


def test_an_older_event_that_comes_late_changes_nothing(aws, function, rule, group):
    older = aws.config.change_event(group(opened=22), rule)
    newer = aws.config.change_event(group(configurationItemCaptureTime="2026-03-02T08:20:00.000Z"), rule)
    function(newer)
    says = f"{CLOSED}{function.tails()[0]}"
    function(older)
    assert function.results(rule) == {GROUP: ("COMPLIANT", says, "2026-03-02T08:20:00.000Z")}


def test_of_a_type_without_a_policy_nothing_is_told(aws, function, recorded):
    rule = aws.config.rule(MEMBER, "all")
    answer = function(aws.config.change_event(recorded("rds-db-subnet-group.event"), rule))
    assert answer == {"evaluations": [], "outcomes": {}}
    assert [put.evaluations for put in aws.config.put_calls] == [()]
    assert function.counts() == {"WithoutPolicy": 1}


def test_an_item_that_cannot_be_read_fails_the_event_and_its_content_is_not_told(aws, function, rule, group):
    item = group(configurationItemCaptureTime={"password": "hunter2"})
    with pytest.raises(InvocationError) as raised:
        function(aws.config.change_event(item, rule, recorded=False, notified_at=CAPTURED))
    assert "configurationItemCaptureTime" in str(raised.value)
    assert "hunter2" not in function.log.getvalue() + str(raised.value)
    assert aws.config.put_calls == []
