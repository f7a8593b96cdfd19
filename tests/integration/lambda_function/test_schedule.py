"""Schedules: everything that AWS Config has discovered is judged, and results of what is not there any more are taken back."""

from __future__ import annotations

import pytest

from emulation.aws import ACCOUNTS
from opalite.errors import AwsError, DeliveryError

_, MEMBER, OTHER = ACCOUNTS
INGRESS, TLS = "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.tls_only"
KEYS = "aws.s3.bucket.encryption"
KIND, BUCKETS = "AWS::EC2::SecurityGroup", "AWS::S3::Bucket"
NOTIFIED, BEFORE = "2026-03-02T12:00:00.250Z", "2026-03-01T12:00:00.000Z"
OPEN = "tcp port 22 is open to 0.0.0.0/0 (ingress.5)"
DELETED = "not applicable: the resource was deleted"
STRANGE = "not applicable: no policy of this Config rule speaks of this type of resource"
CLOSED = "Security groups do not open administration ports to the world"


@pytest.fixture
def rule(aws):
    return aws.config.rule(MEMBER, "ingress", parameters={"policies": INGRESS})


@pytest.fixture
def scheduled(aws):
    return lambda rule: aws.config.schedule_event(MEMBER, rule, notified_at=NOTIFIED)


def ids(count):
    return [f"sg-{number:017x}" for number in range(count)]


def short(function, rule):
    """Compliance types by id; all as of the schedule."""
    assert {told[2] for told in function.results(rule).values()} <= {NOTIFIED}
    return {key[1]: told[0] for key, told in function.results(rule).items()}


def test_several_types_on_several_pages(aws, function, scheduled, group, bucket):
    rule = aws.config.rule(MEMBER, "several", parameters={"policies": f"{INGRESS},{TLS}"})
    for number, name in enumerate(ids(5)):
        aws.config.record(group(name, opened=22 if number == 3 else None))
        aws.config.record(bucket(f"bucket-{number}", tls=number != 1))
    aws.config.record(group(account=OTHER, opened=22))
    aws.config.pages.rows, aws.config.pages.empty = 3, 1
    answer = function(scheduled(rule))
    assert answer == {"resources": 10, "delivered": {"COMPLIANT": 8, "NON_COMPLIANT": 2}, "unreadable": 0}
    assert short(function, rule) == {
        **dict.fromkeys([*ids(5), *(f"bucket-{n}" for n in range(5))], "COMPLIANT"),
        ids(5)[3]: "NON_COMPLIANT",
        "bucket-1": "NON_COMPLIANT",
    }
    assert {line["resource_account_id"] for line in function.lines("decision")} == {MEMBER}
    assert aws.calls["config:SelectResourceConfig"] == 5  # an empty one, then 3, 3, 3, 1
    assert aws.calls["config:BatchGetResourceConfig"] == 0


def test_a_rule_of_all_policies_goes_through_the_types_that_they_speak_of(
    aws, function, scheduled, group, bucket, recorded
):
    rule = aws.config.rule(MEMBER, "all")
    for item in (group(), bucket(tls=False), recorded("rds-db-subnet-group.event")):
        aws.config.record(item)
    answer = function(scheduled(rule))
    assert answer == {"resources": 2, "delivered": {"COMPLIANT": 1, "NON_COMPLIANT": 1}, "unreadable": 0}
    assert function.counts() == {"Evaluations": 2}


# A policy for every type, which judges nothing until it is told which tags.
TAGS = "aws.any.resource.required_tags"
TAGGED = {"parameters": {TAGS: {"default": {"required": {"owner": None}}}}}


def test_with_a_policy_for_every_type_it_goes_through_all_that_is_recorded(
    aws, deploy, scheduled, group, recorded, put
):
    function = deploy(aws, layer=TAGGED)
    rule = aws.config.rule(MEMBER, "all")
    subnets = aws.config.record(recorded("rds-db-subnet-group.event", tags={}, supplementaryConfiguration={}))
    aws.config.record(group(tags={"owner": "team-orders"}))
    put(rule, ("AWS::::Account", MEMBER), (BUCKETS, "vanished"))
    answer = function(scheduled(rule))
    assert answer == {
        "resources": 2,
        "delivered": {"COMPLIANT": 1, "NON_COMPLIANT": 1, "NOT_APPLICABLE": 1},
        "unreadable": 0,
    }
    assert {key: told[0] for key, told in function.results(rule).items()} == {
        (KIND, "sg-0b1c2d3e4f5a6b7c8"): "COMPLIANT",
        (subnets["resourceType"], subnets["resourceId"]): "NON_COMPLIANT",
        ("AWS::::Account", MEMBER): "COMPLIANT",  # which Config does not record, so nothing proves that it is gone
        (BUCKETS, "vanished"): "NOT_APPLICABLE",
    }


def test_types_that_queries_do_not_know_are_listed(aws, function, rule, scheduled, group):
    for number, name in enumerate(ids(4)):
        aws.config.record(group(name, opened=22 if number == 3 else None))
    aws.config.not_queried.add(KIND)
    aws.config.pages.rows = 3
    assert function(scheduled(rule)) == {
        "resources": 4,
        "delivered": {"COMPLIANT": 3, "NON_COMPLIANT": 1},
        "unreadable": 0,
    }
    assert short(function, rule) == dict(zip(ids(4), ["COMPLIANT"] * 3 + ["NON_COMPLIANT"], strict=True))
    assert aws.calls["config:ListDiscoveredResources"] == 2


def test_results_of_deleted_and_of_vanished_resources_are_taken_back(aws, function, rule, scheduled, group, put):
    there, deleted, vanished = ids(3)
    put(rule, *[(KIND, name) for name in ids(3)])
    aws.config.record(group(there))
    aws.config.record(group(deleted, configuration=None, configurationItemStatus="ResourceDeleted"))
    answer = function(scheduled(rule))
    assert answer == {"resources": 1, "delivered": {"COMPLIANT": 1, "NOT_APPLICABLE": 2}, "unreadable": 0}
    assert function.results(rule) == {
        (KIND, there): ("COMPLIANT", f"{CLOSED}{function.tails()[0]}", NOTIFIED),
        (KIND, deleted): ("NOT_APPLICABLE", DELETED, NOTIFIED),
        (KIND, vanished): ("NOT_APPLICABLE", DELETED, NOTIFIED),
    }
    assert function.lines("taken back") == [{"resources": 2, "reason": "the resource was deleted"}]
    function(scheduled(rule))
    assert function.lines("taken back") == []
    assert aws.calls["config:BatchGetResourceConfig"] == 1  # there is nothing to take back any more


def test_hundreds_of_vanished_resources_are_taken_back_in_chunks(aws, function, rule, scheduled, put):
    for first in (0, 100, 200):
        put(rule, *[(KIND, name) for name in ids(250)[first : first + 100]])
    answer = function(scheduled(rule))
    assert answer == {"resources": 0, "delivered": {"NOT_APPLICABLE": 250}, "unreadable": 0}
    assert [len(call.evaluations) for call in aws.config.put_calls] == [100, 100, 50]
    assert set(short(function, rule).values()) == {"NOT_APPLICABLE"}


def test_only_what_config_has_taken_is_logged_as_taken_back(aws, function, rule, scheduled, put):
    put(rule, (KIND, ids(1)[0]))
    aws.config.fail_evaluations(ids(1)[0], times=99)
    with pytest.raises(DeliveryError):
        function(scheduled(rule))
    assert function.lines("taken back") == []


def test_what_exists_though_no_query_told_it_is_judged_and_not_taken_back(aws, function, rule, scheduled, group, put):
    late, gone = ids(2)
    put(rule, (KIND, late), (KIND, gone))
    # It is discovered after the query, before AWS Config is asked what became of it.
    aws.faults.sleep = lambda _: aws.config.record(group(late, opened=22))
    aws.slow("config", "BatchGetResourceConfig", seconds=1)
    answer = function(scheduled(rule))
    assert answer == {"resources": 1, "delivered": {"NOT_APPLICABLE": 1, "NON_COMPLIANT": 1}, "unreadable": 0}
    assert function.results(rule) == {
        (KIND, late): ("NON_COMPLIANT", f"{OPEN}{function.tails()[0]}", NOTIFIED),
        (KIND, gone): ("NOT_APPLICABLE", DELETED, NOTIFIED),
    }


def test_what_no_query_told_is_looked_up_page_by_page_as_long_as_there_is_time(
    aws, function, rule, scheduled, group, put
):
    for first in (0, 100):
        put(rule, *[(KIND, name) for name in ids(150)[first : first + 100]])
    aws.faults.sleep = lambda _: [aws.config.record(group(name)) for name in ids(150)]
    aws.slow("config", "BatchGetResourceConfig", seconds=1)
    with pytest.raises(DeliveryError) as raised:
        function(scheduled(rule), seconds=lambda: 60 - 50 * len(aws.config.put_calls))
    assert "time ran out after 100 resources" in str(raised.value)
    assert aws.calls["config:GetResourceConfigHistory"] == 100
    assert {key[1]: told[1:] for key, told in function.results(rule).items() if told[2] == BEFORE} == dict.fromkeys(
        ids(150)[100:], ("before", BEFORE)
    )


def test_of_what_config_says_nothing_the_result_stays(aws, function, rule, scheduled, put):
    put(rule, *[(KIND, name) for name in ids(2)])
    aws.config.leave_unprocessed((KIND, ids(2)[1]), times=None)
    answer = function(scheduled(rule))
    assert answer == {"resources": 0, "delivered": {"NOT_APPLICABLE": 1}, "unreadable": 0}
    assert function.results(rule) == {
        (KIND, ids(2)[0]): ("NOT_APPLICABLE", DELETED, NOTIFIED),
        (KIND, ids(2)[1]): ("COMPLIANT", "before", BEFORE),
    }


def test_results_of_types_that_the_rule_does_not_speak_of_any_more_are_taken_back(
    aws, function, rule, scheduled, group, bucket, put
):
    put(rule, (BUCKETS, "orders-archive-eu"), ("AWS::::Account", MEMBER), (KIND, ids(1)[0]))
    aws.config.record(bucket())
    aws.config.record(group(ids(1)[0]))
    answer = function(scheduled(rule))
    assert answer == {"resources": 1, "delivered": {"COMPLIANT": 1, "NOT_APPLICABLE": 2}, "unreadable": 0}
    assert function.results(rule) == {
        (BUCKETS, "orders-archive-eu"): ("NOT_APPLICABLE", STRANGE, NOTIFIED),
        ("AWS::::Account", MEMBER): ("NOT_APPLICABLE", STRANGE, NOTIFIED),
        (KIND, ids(1)[0]): ("COMPLIANT", f"{CLOSED}{function.tails()[0]}", NOTIFIED),
    }
    assert aws.calls["config:BatchGetResourceConfig"] == 0


def test_a_rule_for_an_idle_policy_only_takes_back(aws, function, scheduled, group, put):
    rule = aws.config.rule(MEMBER, "tags", parameters={"policies": TAGS})
    put(rule, (KIND, ids(1)[0]))
    aws.config.record(group(ids(1)[0]))
    assert function(scheduled(rule)) == {"resources": 0, "delivered": {"NOT_APPLICABLE": 1}, "unreadable": 0}
    assert function.results(rule) == {(KIND, ids(1)[0]): ("NOT_APPLICABLE", STRANGE, NOTIFIED)}
    assert aws.calls["config:SelectResourceConfig"] == 0


def test_a_schedule_with_nothing_to_say_ends_with_an_empty_word(aws, function, rule, scheduled):
    assert function(scheduled(rule)) == {"resources": 0, "delivered": {}, "unreadable": 0}
    assert [call.evaluations for call in aws.config.put_calls] == [()]


def test_an_item_that_cannot_be_read_is_counted_and_all_others_are_judged(aws, function, rule, scheduled, group, put):
    strange, *others = ids(3)
    put(rule, (KIND, strange))
    aws.config.record(group(strange, opened=22, configurationItemStatus="ResourceAsleep"))
    for name in others:
        aws.config.record(group(name))
    answer = function(scheduled(rule))
    assert answer == {"resources": 3, "delivered": {"COMPLIANT": 2}, "unreadable": 1}
    assert {key[1]: told[:2] for key, told in function.results(rule).items() if key[1] == strange} == {
        strange: ("COMPLIANT", "before")  # nobody knows better
    }
    assert function.lines("unreadable") == [
        {
            "reason": f"{KIND} {strange}: configurationItemStatus is 'ResourceAsleep': expected one of "
            "OK, ResourceDiscovered, ResourceDeleted, ResourceDeletedNotRecorded, ResourceNotRecorded"
        }
    ]
    assert function.counts() == {"Evaluations": 2, "Unreadable": 1}


def test_when_time_runs_out_what_was_judged_is_delivered_and_the_error_says_how_far(
    aws, function, rule, scheduled, group
):
    for name in ids(250):
        aws.config.record(group(name))
    event = scheduled(rule)
    with pytest.raises(DeliveryError) as raised:
        function(event, seconds=lambda: 60 - 25 * len(aws.config.put_calls))
    says = (
        f"{rule.name} in account {MEMBER}: time ran out after 200 resources: "
        "give the function more time, or each policy a Config rule of its own"
    )
    assert str(raised.value) == says
    assert function.lines("failed") == [{"error": "DeliveryError", "reason": says}]
    assert function.counts() == {"Evaluations": 200, "Failures": 1}
    assert short(function, rule) == dict.fromkeys(ids(200), "COMPLIANT")
    function(event)
    assert short(function, rule) == dict.fromkeys(ids(250), "COMPLIANT")


def test_an_attempt_that_was_cut_short_takes_nothing_back(aws, function, rule, scheduled, group, put):
    put(rule, (KIND, "sg-ffffffffffffffff0"))
    for name in ids(150):
        aws.config.record(group(name))
    with pytest.raises(DeliveryError):
        function(scheduled(rule), seconds=lambda: 60 - 50 * len(aws.config.put_calls))
    assert function.results(rule)[KIND, "sg-ffffffffffffffff0"] == ("COMPLIANT", "before", BEFORE)


@pytest.mark.parametrize("operation", ["SelectResourceConfig", "GetComplianceDetailsByConfigRule"])
def test_what_config_does_not_answer_fails_the_schedule(aws, function, rule, scheduled, group, put, operation):
    put(rule, (KIND, ids(1)[0]))
    aws.fail("config", operation, times=None)
    with pytest.raises(AwsError) as raised:
        function(scheduled(rule))
    assert str(raised.value).startswith(f"config:{operation} in account {MEMBER}, eu-west-1: ")
    assert function.results(rule) == {(KIND, ids(1)[0]): ("COMPLIANT", "before", BEFORE)}
    assert aws.config.put_calls == []


@pytest.mark.parametrize("operation", ["SelectResourceConfig", "BatchGetResourceConfig"])
def test_what_must_be_there_and_is_not_fails_the_schedule(aws, function, rule, scheduled, put, operation):
    put(rule, (KIND, ids(1)[0]))
    aws.fail("config", operation, code="NoSuchConfigurationRecorderException", times=None)
    with pytest.raises(AwsError) as raised:
        function(scheduled(rule))
    says = "AWS does not find what it was asked about in account 222222222222, eu-west-1: "
    assert str(raised.value) == f"{says}NoSuchConfigurationRecorderException"
    assert function.results(rule) == {(KIND, ids(1)[0]): ("COMPLIANT", "before", BEFORE)}
    assert aws.config.put_calls == []


def test_nothing_is_taken_back_if_config_does_not_say_what_exists(aws, function, rule, scheduled, group, put):
    there, vanished = ids(2)
    put(rule, (KIND, vanished))
    aws.config.record(group(there))
    aws.deny("config", "BatchGetResourceConfig", MEMBER)
    with pytest.raises(AwsError) as raised:
        function(scheduled(rule))
    assert "config:BatchGetResourceConfig is denied" in str(raised.value)
    assert {key[1]: told[0] for key, told in function.results(rule).items()} == {
        there: "COMPLIANT",
        vanished: "COMPLIANT",
    }
    assert function.results(rule)[KIND, vanished][1] == "before"


def test_where_nothing_is_recorded_a_schedule_fails_rather_than_takes_back(aws, function, rule, scheduled, put):
    put(rule, (KIND, ids(1)[0]))
    aws.config.recorder_off.add(MEMBER)
    with pytest.raises(AwsError) as raised:
        function(scheduled(rule))
    assert "NoAvailableConfigurationRecorderException" in str(raised.value)
    assert function.results(rule) == {(KIND, ids(1)[0]): ("COMPLIANT", "before", BEFORE)}


def test_what_nobody_can_tell_is_withdrawn_where_config_holds_compliant(aws, function, scheduled, bucket, key, put):
    rule = aws.config.rule(MEMBER, "keys", parameters={"policies": KEYS})
    put(rule, (BUCKETS, "was-good"))
    put(rule, (BUCKETS, "was-bad"), compliance_type="NON_COMPLIANT")
    for name in ("was-good", "was-bad", "is-new"):
        aws.config.record(bucket(name, key=key))
    aws.deny("kms")
    answer = function(scheduled(rule))
    assert answer == {"resources": 3, "delivered": {"NON_COMPLIANT": 1}, "unreadable": 0}
    assert {key[1]: (told[0], told[2]) for key, told in function.results(rule).items()} == {
        "was-good": ("NON_COMPLIANT", NOTIFIED),
        "was-bad": ("NON_COMPLIANT", BEFORE),
    }
    assert function.counts() == {"Evaluations": 1, "Undetermined": 3}
    assert aws.calls["config:GetComplianceDetailsByResource"] == 0  # one call has told all


def test_everything_is_judged_as_of_the_schedule(aws, deploy, rule, scheduled, group):
    exemption = {
        "scope": {"accounts": [MEMBER]},
        "owner": "web",
        "ticket": "WEB-1190",
        "reason": "moves",
        "expires": NOTIFIED.replace(".250Z", ".251Z"),
    }
    function = deploy(aws, layer={"exemptions": {INGRESS: {"EX-2026-021": exemption}}})
    aws.config.record(group(opened=22))
    function(scheduled(rule))
    assert function.outcomes() == {INGRESS: "exempt"}
    function(aws.config.schedule_event(MEMBER, rule, notified_at="2026-03-02T12:00:00.251Z"))
    assert function.outcomes() == {INGRESS: "fail"}


def test_a_change_that_was_told_after_the_schedule_began_is_not_overwritten(aws, function, rule, scheduled, group):
    aws.config.record(group(ids(1)[0]))
    newer = group(ids(1)[0], opened=22, configurationItemCaptureTime="2026-03-02T12:00:01.000Z")
    function(aws.config.change_event(newer, rule))
    told = function.results(rule)
    function(scheduled(rule))
    assert function.results(rule) == told
