"""What becomes of findings about which nobody decides any more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opalite.model import Outcome, Severity, Standing
from opalite.publish.closing import ended, key, stand_in
from opalite.publish.ending import Ending, Reason, Shown
from opalite.publish.finding import content, finding, product_arn
from opalite.publish.life import SECURITY_HUB, Change, Step, step
from unit.publish.securityhub_cases import ACCOUNT, ENTRY, POLICY, RESOURCE, at, case
from unit.publish.securityhub_format import faults

KEY = "opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/aws.s3.bucket.encryption"
SHOWN = Shown(KEY, at(3), Severity.HIGH)


def ending(minutes=9.0, *, reason=Reason.OFF, captured=None, shown=None, resource=RESOURCE) -> Ending:
    return Ending(
        policy_id=POLICY,
        resource=resource,
        reason=reason,
        at=at(minutes),
        captured_at=None if captured is None else at(captured),
        shown=shown,
    )


def decided(*cases, previous=None) -> Standing:
    """The standing when each was delivered."""
    standing = previous
    for known in cases:
        found = step(standing, known, content(known), key=KEY, refresh_before=at(-1000))
        standing = replace(found.standing, pending=())
    return standing


def told(standing: Standing) -> Standing:
    return replace(standing, pending=())


def test_its_key_is_that_of_the_decisions_before():
    assert key(ending(), {}) == KEY
    assert key(ending(), {"aliases": ["aws.s3.bucket.first"]}) == KEY.replace("encryption", "first")
    assert key(ending(shown=replace(SHOWN, finding_id="another")), {}) == "another"


@pytest.mark.parametrize(("reason", "stage"), [(Reason.OFF, "off"), (Reason.REMOVED, "off"), (Reason.GONE, "enforce")])
def test_an_open_failure_is_archived_and_nobody_is_notified(reason, stage):
    before = decided(case(Outcome.FAIL, 5, captured=3))
    assert ended(before, ending(9, reason=reason, captured=4)) == Step(
        Standing(
            finding_id=KEY,
            outcome=Outcome.NOT_APPLICABLE,
            stage=stage,
            severity=Severity.HIGH,
            capture_time=at(4),
            evaluated_at=at(9),
            decision_id=f"ended:{reason}",
            since=at(9),
            first_observed_at=at(5),
            content=before.content,
            status="ARCHIVED",
            sent_at=at(9),
            pending=(SECURITY_HUB,),
        ),
        "ARCHIVED",
        None,
    )


@pytest.mark.parametrize("ways", [("exempt",), ("undetermined",), ("fail", "pass"), ("fail", "undetermined")])
def test_whatever_security_hub_shows_is_archived(ways):
    before = decided(*(case(name, minutes) for minutes, name in enumerate(ways)))
    found = ended(before, ending())
    assert (found.finding, found.standing.status, found.standing.pending) == ("ARCHIVED", "ARCHIVED", (SECURITY_HUB,))


@pytest.mark.parametrize("ways", [("pass",), ("not_applicable",), ("fail", "not_applicable")])
def test_where_nothing_is_shown_nothing_is_sent_but_the_end_is_kept(ways):
    before = decided(*(case(name, minutes) for minutes, name in enumerate(ways)))
    found = ended(before, ending())
    assert (found.finding, found.standing.status, found.standing.pending) == (None, before.status, ())
    assert (found.standing.outcome, found.standing.stage, found.standing.sent_at) == (
        "not_applicable", "off", before.sent_at,
    )  # fmt: skip


def test_of_what_was_never_known_there_is_no_end():
    assert ended(None, ending()) is None


def test_a_change_that_was_not_told_yet_is_not_true_any_more():
    lost = step(None, case(Outcome.FAIL, 1), "c", key=KEY, refresh_before=at(0)).standing
    assert lost.pending == ("securityhub", "sns:new_failure")
    assert ended(lost, ending()).standing.pending == ("securityhub",)


# Again


def test_the_same_end_again_gives_what_is_pending_and_nothing_else():
    first = ended(decided(case(Outcome.FAIL, 5)), ending())
    for later in (9, 50):
        assert ended(first.standing, ending(later)) == Step(first.standing, "ARCHIVED", None)
        done = told(first.standing)
        assert ended(done, ending(later)) == Step(done, None, None)


def test_what_comes_back_begins_anew():
    over = told(ended(decided(case(Outcome.FAIL, 5)), ending(9)).standing)
    found = step(over, case(Outcome.FAIL, 20), "c", key=KEY, refresh_before=at(0))
    assert (found.finding, found.change, found.standing.since) == ("FAILED", Change.NEW_FAILURE, at(20))
    assert found.standing.first_observed_at == at(5)
    passed = step(over, case(Outcome.PASS, 20), "c", key=KEY, refresh_before=at(0))
    assert (passed.finding, passed.change, passed.standing.status) == (None, None, "ARCHIVED")


# Time


@pytest.mark.parametrize(("captured", "minutes"), [(None, 4), (2, 50), (3, 4)])
def test_what_is_older_than_what_is_known_ends_nothing(captured, minutes):
    assert ended(decided(case(Outcome.FAIL, 5, captured=3)), ending(minutes, captured=captured)) is None


def test_a_resource_that_was_created_anew_is_newer_than_the_end_of_the_one_before():
    over = told(ended(decided(case(Outcome.FAIL, 5, captured=3)), ending(60, reason=Reason.GONE)).standing)
    assert (over.capture_time, over.evaluated_at) == (at(3), at(60))
    found = step(over, case(Outcome.FAIL, 58, captured=57), "c", key=KEY, refresh_before=at(0))
    assert (found.finding, found.standing.sent_at) == ("FAILED", "2026-11-20T09:00:00.001Z")
    assert ended(found.standing, ending(57, reason=Reason.GONE)) is None


def test_an_update_is_later_than_the_one_before():
    before = decided(case(Outcome.FAIL, 60, captured=0))
    found = ended(before, ending(30, captured=29)).standing
    assert (found.evaluated_at, found.sent_at) == (at(30), "2026-11-20T09:00:00.001Z")


ORDERS = st.tuples(st.integers(0, 40), st.integers(0, 40))  # captured, minutes
OUTCOMES = st.sampled_from(list(Outcome))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(ORDERS, OUTCOMES, min_size=1, max_size=8), ORDERS, ORDERS, st.data())
def test_of_a_policy_that_is_switched_off_for_a_while_the_newest_stands_at_the_end(events, begin, end, data):
    """Whatever the order in which events come, how often, and which of them are delivered."""
    arrivals = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(sorted(events)), max_size=5))]))
    standing, updated_at, shown = None, "", None
    for order in [*arrivals, max(events)]:
        captured, minutes = order
        if begin <= order < end:
            found = ended(standing, ending(minutes, captured=captured))
        else:
            found = step(standing, case(events[order], minutes, captured=captured), "c", key=KEY, refresh_before=at(-1))
        if found is None:
            continue
        standing = found.standing
        if found.finding is not None and (order == max(events) or data.draw(st.booleans())):
            if standing.sent_at > updated_at:
                updated_at, shown = standing.sent_at, found.finding
            standing = told(standing)
    newest = max(events)
    if begin <= newest < end:
        assert shown in ("ARCHIVED", None)
        assert standing is None or standing.outcome is Outcome.NOT_APPLICABLE
    else:
        assert (standing.outcome, standing.capture_time, standing.evaluated_at) == (
            events[newest], at(newest[0]), at(newest[1]),
        )  # fmt: skip
    assert shown == (standing.status if standing else None)


# What is found at Security Hub


def test_what_is_shown_as_active_though_it_has_ended_is_archived_once_more():
    over = told(ended(decided(case(Outcome.FAIL, 5)), ending(9)).standing)
    found = ended(over, ending(20, reason=Reason.REMOVED, shown=SHOWN))
    assert (found.finding, found.standing.sent_at, found.standing.pending) == ("ARCHIVED", at(20), (SECURITY_HUB,))
    assert ended(found.standing, ending(20, reason=Reason.REMOVED, shown=SHOWN)) == Step(
        found.standing, "ARCHIVED", None
    )


def test_of_what_is_shown_but_not_known_nothing_is_kept():
    found = ended(None, ending(9, reason=Reason.REMOVED, shown=SHOWN))
    assert (found.finding, found.standing.sent_at, found.standing.pending) == ("ARCHIVED", at(9), ())
    assert (found.standing.finding_id, found.standing.severity) == (KEY, Severity.HIGH)


@pytest.mark.parametrize("minutes", [9, 10])
def test_what_was_updated_since_is_left_alone(minutes):
    assert ended(None, ending(9, reason=Reason.REMOVED, shown=replace(SHOWN, updated_at=at(minutes)))) is None


# The finding


def render(end: Ending, before, *, entry=ENTRY, is_new=False):
    found = ended(before, end)
    known = stand_in(end, entry, found.standing)
    arn = product_arn(known, home_region="us-east-1")
    return finding(known, entry, found.standing, product_arn=arn, is_new=is_new)


def test_the_finding_of_a_policy_that_is_not_there_any_more_says_what_is_known():
    unseen = {
        "type": "AWS::S3::Bucket",
        "id": "reports",
        "partition": "aws",
        "account_id": ACCOUNT,
        "region": "eu-west-1",
    }
    end = ending(9, reason=Reason.REMOVED, shown=SHOWN, resource=unseen)
    provided = {
        "Severity": {"Label": "HIGH"},
        "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
    }
    reason = "the policy is not asked about resources of this type any more"
    assert render(end, decided(case(Outcome.FAIL, 5)), entry={}) == {
        "SchemaVersion": "2018-10-08",
        "Id": KEY,
        "ProductArn": f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:product/{ACCOUNT}/default",
        "ProductName": "Opalite",
        "GeneratorId": f"opalite/{POLICY}",
        "AwsAccountId": ACCOUNT,
        "CreatedAt": at(5),
        "UpdatedAt": at(9),
        "FirstObservedAt": at(9),
        "LastObservedAt": at(9),
        "Title": POLICY,
        "Description": f"Not applicable: {reason}.",
        "FindingProviderFields": provided,
        "ProductFields": {
            "opalite/policy_id": POLICY,
            "opalite/outcome": "not_applicable",
            "opalite/stage": "off",
            "opalite/evaluated_at": at(9),
            "opalite/resource_type": "AWS::S3::Bucket",
            "opalite/resource_id": "reports",
        },
        "Resources": [
            {
                "Type": "AwsS3Bucket",
                "Id": f"{ACCOUNT}/eu-west-1/AWS::S3::Bucket/reports",
                "Partition": "aws",
                "Region": "eu-west-1",
            }
        ],
        "Compliance": {
            "Status": "NOT_AVAILABLE",
            "SecurityControlId": POLICY,
            "StatusReasons": [{"ReasonCode": "NOT_APPLICABLE", "Description": reason}],
        },
        "RecordState": "ARCHIVED",
    }


def test_the_finding_of_a_policy_that_is_switched_off_shows_the_resource_as_it_is():
    found = render(ending(9, captured=8), decided(case(Outcome.FAIL, 5)))
    before = decided(case(Outcome.FAIL, 5))
    shown = finding(case(Outcome.FAIL, 5), ENTRY, before, product_arn=found["ProductArn"])
    assert found["Resources"] == shown["Resources"]
    assert (found["Title"], found["ProductFields"]["opalite/capture_time"]) == (ENTRY["title"], at(8))
    assert found["Compliance"]["StatusReasons"] == [
        {"ReasonCode": "NOT_APPLICABLE", "Description": "the policy is switched off for this resource"}
    ]


TEXT = st.text(st.characters(exclude_categories=()), min_size=1, max_size=40) | st.sampled_from(
    ["\x00", "\ud83d", "😀" * 700, "x" * 3000, "\u202e", " "]
)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(Reason)),
    OUTCOMES,
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["AWS::S3::Bucket", "AWS::EC2::SecurityGroup", "Some::Other::Thing"]) | TEXT,
            "id": TEXT,
            "partition": st.sampled_from(["aws", "aws-cn", "aws-eusc"]),
            "account_id": st.just(ACCOUNT),
            "region": st.sampled_from(["eu-west-1", "global", "a" * 40]),
        },
        optional={"arn": st.none() | TEXT},
    ),
    st.sampled_from([{}, ENTRY, {"title": "", "description": " "}]),
    st.none() | st.just(SHOWN),
    st.booleans(),
)
def test_security_hub_takes_the_finding_of_any_end(reason, outcome, resource, entry, shown, is_new):
    before = decided(case(Outcome.FAIL, 1), case(outcome, 2))
    end = ending(9, reason=reason, shown=shown, resource=resource)
    found = render(end, before, entry=entry, is_new=is_new)
    assert faults(found) == []
    assert found["RecordState"] == "ARCHIVED"
