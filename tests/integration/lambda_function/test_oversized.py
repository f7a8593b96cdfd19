"""Items that are too large for a notification: exactly the one that was meant, from the history or from the bucket of the operator."""

from __future__ import annotations

import gzip
import json

import pytest

from emulation.aws import ACCOUNTS
from emulation.config_service import OVERSIZED
from opalite.errors import AwsError

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
GROUP = ("AWS::EC2::SecurityGroup", "sg-0b1c2d3e4f5a6b7c8")
CAPTURED = "2026-03-02T08:15:30.412Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
CLOSED = "Security groups do not open administration ports to the world"
FOLDER = f"AWSLogs/{MEMBER}/Config/eu-west-1/2026/3/2/OversizedChangeNotification/{GROUP[0]}/{GROUP[1]}"
KEY = f"{FOLDER}/{MEMBER}_Config_eu-west-1_ChangeNotification_{GROUP[0]}_{GROUP[1]}_20260302T081531Z_0.json.gz"
TELLING = {"sts:AssumeRole": 1, "config:PutEvaluations": 1, "organizations:DescribeAccount": 1}
MISSING = f"{GROUP[0]} {GROUP[1]}: the history of account {MEMBER} has no item captured at {CAPTURED}"


@pytest.fixture
def rule(aws):
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})


@pytest.fixture
def delivered(aws):
    """A bucket of an account, in which AWS Config has delivered items."""

    def made(name, *items, account=ADMIN, key=KEY):
        client = aws.client("s3", account)
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": aws.region})
        for item in items:
            notice = {"configurationItem": item, "messageType": OVERSIZED}
            client.put_object(Bucket=name, Key=key, Body=gzip.compress(json.dumps(notice).encode()))
        return name

    return made


def captured(group, at, **more):
    return group(configurationItemCaptureTime=at, configurationStateId=int(at[14:16] + at[17:19]), **more)


def test_the_very_item_is_judged_though_there_are_older_and_newer_ones(aws, function, rule, group):
    meant = group(opened=22)
    for item in (
        captured(group, "2026-03-02T08:15:28.000Z"),
        group(configurationStateId=1772439330411),  # of the same time, in another state
        meant,
        group(configurationStateId=1772439330413),
        captured(group, "2026-03-02T08:15:33.000Z"),
        captured(group, "2026-03-02T11:00:00.000Z"),
    ):
        aws.config.record(item)
    answer = function(aws.config.oversized_event(meant, rule, recorded=False))
    assert answer["outcomes"] == {INGRESS: "fail"}
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert aws.calls == {"config:GetResourceConfigHistory": 1} | TELLING


def test_a_summary_without_a_state_id_is_met_by_its_time(aws, function, rule, group):
    aws.config.record(captured(group, "2026-03-02T08:15:31.000Z"))
    meant = aws.config.record(group(opened=22))
    function(aws.config.oversized_event(meant | {"configurationStateId": 0}, rule, recorded=False))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_the_item_is_found_on_any_page_of_the_history(aws, function, rule, group):
    meant = aws.config.record(group(opened=22))
    for second in (27, 28, 29, 31, 32, 33, 34):
        aws.config.record(captured(group, f"2026-03-02T08:15:{second}.000Z"))
    aws.config.pages.rows, aws.config.pages.empty = 2, 3
    function(aws.config.oversized_event(meant, rule, recorded=False))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert aws.calls["config:GetResourceConfigHistory"] == 6  # three empty ones, then 34, 33 · 32, 31 · 30.412, 29


def test_an_item_that_is_not_in_the_history_yet_fails_the_event_and_the_next_attempt_finds_it(
    aws, function, rule, group
):
    aws.config.record(captured(group, "2026-03-02T08:15:28.000Z"))
    event = aws.config.oversized_event(group(opened=22), rule, recorded=False)
    with pytest.raises(AwsError) as raised:
        function(event)
    assert str(raised.value) == MISSING
    assert aws.config.put_calls == []
    assert function.counts() == {"Failures": 1}
    aws.config.record(group(opened=22))
    function(event)
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_an_id_of_several_lines_is_named_on_one(aws, function, rule, group):
    named = "sg-1\nERROR: forged\x1b[31m\u202e"
    with pytest.raises(AwsError) as raised:
        function(aws.config.oversized_event(group(named), rule, recorded=False))
    assert str(raised.value) == MISSING.replace(GROUP[1], "sg-1 ERROR: forged [31m")


def test_what_the_history_does_not_have_is_taken_from_the_delivery_bucket(aws, deploy, rule, group, delivered):
    delivered("org-config-logs", group(opened=22))
    function = deploy(aws, OPALITE_DELIVERY_BUCKET="org-config-logs")
    function(aws.config.oversized_event(group(), rule, recorded=False))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert aws.calls == TELLING | {
        "config:GetResourceConfigHistory": 1,
        "s3:ListObjectsV2": 1,
        "s3:GetObject": 1,
    }
    # The bucket is read by the function itself, whatever roles there are in the member.
    assert {call.account for call in aws.calls_made if call.service == "s3"} == {ADMIN}


def test_prefix_and_owner_of_the_bucket_are_the_operators(aws, deploy, rule, group, delivered, monkeypatch):
    delivered("org-config-logs", group(opened=22), key=f"o-exampleorgid/{KEY}")
    owners = []
    reply = aws._gateway.reply

    def noted(request):
        if request.target.startswith("/org-config-logs"):
            owners.append((request.method, request.headers.get("x-amz-expected-bucket-owner")))
        return reply(request)

    monkeypatch.setattr(aws._gateway, "reply", noted)  # moto gives the bucket to everybody
    function = deploy(
        aws,
        OPALITE_DELIVERY_BUCKET="org-config-logs",
        OPALITE_DELIVERY_PREFIX="o-exampleorgid",
        OPALITE_DELIVERY_OWNER=ADMIN,
    )
    function(aws.config.oversized_event(group(), rule, recorded=False))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}
    assert owners == [("GET", ADMIN), ("GET", ADMIN)]


def test_an_item_of_the_delivery_bucket_counts_only_if_it_is_the_very_one(aws, deploy, rule, group, delivered):
    delivered("org-config-logs", captured(group, "2026-03-02T08:15:31.000Z", opened=22))
    function = deploy(aws, OPALITE_DELIVERY_BUCKET="org-config-logs")
    with pytest.raises(AwsError) as raised:
        function(aws.config.oversized_event(group(), rule, recorded=False))
    assert str(raised.value) == MISSING.replace(" of account", " and the delivery bucket of account")
    assert aws.config.put_calls == []


@pytest.mark.parametrize("own", [None, "org-config-logs"])
@pytest.mark.parametrize("owner", [ADMIN, MEMBER])
def test_the_place_that_the_event_names_is_never_read(aws, deploy, rule, group, delivered, own, owner):
    named = delivered("planted", group(), account=owner)  # a matching object, which would pass
    if own:
        delivered(own)
    function = deploy(aws, OPALITE_DELIVERY_BUCKET=own)
    place = {"s3BucketLocation": f"{named}/{KEY}", "errorCode": None, "errorMessage": None}
    with pytest.raises(AwsError) as raised:
        function(aws.config.oversized_event(group(opened=22), rule, recorded=False, delivery=place))
    where = " and the delivery bucket of account" if own else " of account"
    assert str(raised.value) == MISSING.replace(" of account", where)
    assert aws.config.put_calls == []
    assert aws.calls["s3:GetObject"] == 0
    assert aws.calls["s3:ListObjectsV2"] == (1 if own else 0)
    assert "planted" not in function.log.getvalue()


def test_where_nothing_is_recorded_the_bucket_still_has_the_item(aws, deploy, rule, group, delivered):
    delivered("org-config-logs", group(opened=22))
    aws.config.recorder_off.add(MEMBER)
    function = deploy(aws, OPALITE_DELIVERY_BUCKET="org-config-logs")
    function(aws.config.oversized_event(group(), rule, recorded=False))
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_a_history_that_may_not_be_read_is_named_as_the_reason(aws, function, rule, group):
    aws.deny("config", "GetResourceConfigHistory", MEMBER)
    with pytest.raises(AwsError) as raised:
        function(aws.config.oversized_event(group(), rule))
    denied = f"config:GetResourceConfigHistory is denied in account {MEMBER} (AccessDeniedException)"
    assert str(raised.value) == f"{MISSING} ({denied})"
    assert aws.config.put_calls == []


@pytest.mark.parametrize("status", ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"])
def test_what_is_gone_is_not_fetched(aws, function, rule, group, status):
    gone = group(configuration=None, supplementaryConfiguration={}, configurationItemStatus=status)
    function(aws.config.oversized_event(gone, rule, recorded=False, change_type="DELETE"))
    ((compliance_type, annotation, at),) = function.results(rule).values()
    assert (compliance_type, annotation.split(" [")[1], at) == (
        "NOT_APPLICABLE",
        f"{function.tails()[0][2:]}",
        CAPTURED,
    )
    assert aws.calls == TELLING


def test_what_no_policy_speaks_of_is_not_fetched(aws, function, recorded):
    rule = aws.config.rule(MEMBER, "all")
    answer = function(aws.config.oversized_event(recorded("rds-db-subnet-group.event"), rule))
    assert answer == {"evaluations": [], "outcomes": {}}
    assert aws.calls == TELLING
    assert [put.evaluations for put in aws.config.put_calls] == [()]


def test_an_oversized_item_of_another_region_is_asked_for_there(aws, function, rule, group):
    item = aws.config.record(group(opened=22, awsRegion="eu-north-1"))
    function(aws.config.oversized_event(item, rule, recorded=False))
    places = {(call.operation, call.region) for call in aws.calls_made if call.service == "config"}
    assert places == {("GetResourceConfigHistory", "eu-north-1"), ("PutEvaluations", "eu-west-1")}
    assert function.results(rule) == {GROUP: ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", CAPTURED)}


def test_a_forged_left_scope_is_refused_without_fetching_the_item(aws, function, rule, group):
    event = aws.config.oversized_event(group(opened=22), rule, eventLeftScope=True)
    assert function(event) == {"refused": "left_scope"}
    assert aws.calls["config:GetResourceConfigHistory"] == 0
    assert aws.config.put_calls == []


def test_a_left_scope_that_the_summary_cannot_contradict_is_believed(aws, function, group):
    scope = {"TagKey": "judged"}  # of tags a summary says nothing
    rule = aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS}, scope=scope)
    function(aws.config.oversized_event(group(opened=22), rule, eventLeftScope=True))
    says = f"not applicable: the resource left the rule's scope{function.tails()[0]}"
    assert function.results(rule) == {GROUP: ("NOT_APPLICABLE", says, CAPTURED)}
