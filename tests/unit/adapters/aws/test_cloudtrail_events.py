"""Whom CloudTrail names as the maker of resources, and how little it is asked for that."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from opalite.adapters.aws.cloudtrail_events import (
    BUSY_SECONDS,
    CLOSED_SECONDS,
    EVENTS_PER_PAGE,
    LEAST_SECONDS,
    MOST_CALLS,
    PAGES,
    Creators,
)
from opalite.errors import AwsError
from opalite.ports import Absent, Denied

MEMBER, OTHER, REGION = "111122223333", "444455556666", "eu-west-1"
ALICE = f"arn:aws:iam::{MEMBER}:user/alice"


def volume(number=1, account=MEMBER, **more):
    return {"type": "AWS::EC2::Volume", "id": f"vol-{number}", "account_id": account, "region": REGION, **more}


def balancer(**more):
    members = {"id": "the-arn", "arn": "the-arn", "name": "shop", "account_id": MEMBER, "region": REGION}
    return {"type": "AWS::ElasticLoadBalancingV2::LoadBalancer", **members, **more}


def event(name="CreateVolume", source="ec2", **identity):
    record = {
        "eventName": name,
        "eventSource": f"{source}.amazonaws.com",
        "userIdentity": {"type": "IAMUser", "arn": ALICE, **identity},
    }
    return {"EventName": name, "CloudTrailEvent": json.dumps(record)}


OTHERS = [event("AttachVolume"), event("CreateSnapshot"), {}, None]


class Cloud:
    """`Creators` over scripted accounts, with a clock that sleeping moves on."""

    def __init__(self, sessions, clock):
        self.sessions, self.clock, self.slept = sessions, clock, []
        self.ends = clock() + timedelta(seconds=60)
        self.creators = Creators(sessions, clock, sleep=self._sleep)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.clock.forward(seconds)

    def deadline(self):
        return (self.ends - self.clock()).total_seconds()

    def find(self, *resources):
        return self.creators.find({one["id"]: one for one in resources}, deadline=self.deadline)

    def next_invocation(self, seconds=60):
        self.clock.forward(seconds)
        self.ends = self.clock() + timedelta(seconds=60)

    @property
    def names(self):
        return [parameters["LookupAttributes"][0]["AttributeValue"] for *_, parameters in self.sessions.asked]


@pytest.fixture
def cloud(accounts, clock):
    """Answers of the member's CloudTrail; a function gets what was asked."""

    def made(answer, account=MEMBER):
        return Cloud(accounts().tell(account, "LookupEvents", answer), clock)

    return made


def test_the_creator_is_asked_for_in_the_member_by_the_name_of_the_resource(cloud):
    found = cloud({"Events": [*OTHERS, event()]})
    now = found.clock()
    assert found.find(volume()) == {"vol-1": ALICE}
    query = {
        "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": "vol-1"}],
        "StartTime": now - timedelta(days=90),
        "EndTime": now,
        "MaxResults": EVENTS_PER_PAGE,
    }
    assert found.sessions.asked == [(MEMBER, REGION, "LookupEvents", query)]


def test_what_has_two_names_is_asked_for_by_both(cloud):
    made = event("CreateLoadBalancer", "elasticloadbalancing")
    found = cloud(lambda query: {"Events": [made] if query["LookupAttributes"][0]["AttributeValue"] == "shop" else []})
    assert (found.find(balancer()), found.names) == ({"the-arn": ALICE}, ["the-arn", "shop"])


def test_further_pages_are_read_but_not_all(cloud):
    found = cloud(lambda query: {"Events": OTHERS, "NextToken": query.get("NextToken", "") + "x"})
    assert found.find(volume()) == {}
    assert [query.get("NextToken") for *_, query in found.sessions.asked] == [None, "x"]
    assert len(found.sessions.asked) == PAGES


def test_what_is_older_than_the_history_is_not_asked_for(cloud):
    found = cloud({"Events": [event("CreateLoadBalancer", "elasticloadbalancing")]})
    assert found.find(balancer(configuration={"created_time": "2020-01-01T00:00:00Z"})) == {}
    assert found.sessions.asked == []


def test_what_cloudtrail_does_not_know_by_name_is_not_asked_for(cloud):
    found = cloud({"Events": [event()]})
    strange = volume(type="AWS::Batch::JobQueue")
    assert (found.find(strange, volume(region="global", partition="aws-iso")), found.sessions.asked) == ({}, [])


@pytest.mark.parametrize(
    "identity",
    [
        {"type": "AWSService", "arn": None, "invokedBy": "autoscaling.amazonaws.com"},
        {"type": "AssumedRole", "arn": f"arn:aws:sts::{MEMBER}:assumed-role/AWSServiceRoleForECS/x"},
    ],
)
def test_a_service_is_nobody_and_ends_the_search(cloud, identity):
    found = cloud({"Events": [event(**identity)], "NextToken": "more"})
    assert (found.find(volume()), len(found.sessions.asked)) == ({}, 1)


@pytest.mark.parametrize("answer", [{}, {"Events": None}, {"Events": "x"}, {"Events": [7, "x", {"EventName": []}]}])
def test_an_answer_that_is_none_is_nobody(cloud, answer):
    assert cloud(answer).find(volume()) == {}


def test_each_resource_is_asked_for_once_and_known_for_an_hour(cloud):
    found = cloud({"Events": [event()]})
    twice = {"one": volume(), "two": volume()}
    for minutes, calls in ((0, 1), (59, 1), (2, 2)):
        found.next_invocation(60 * minutes)
        assert found.creators.find(twice, deadline=found.deadline) == {"one": ALICE, "two": ALICE}
        assert len(found.sessions.asked) == calls


def test_who_is_not_found_is_asked_for_again_some_minutes_later(cloud):
    events = []
    found = cloud(lambda _: {"Events": events})
    assert found.find(volume()) == {}
    events.append(event())
    found.next_invocation(60)
    assert found.find(volume()) == {}
    found.next_invocation(300)
    assert found.find(volume()) == {"vol-1": ALICE}


def test_no_account_and_region_gets_more_than_two_calls_a_second(cloud):
    found = cloud({"Events": [event()]})
    found.sessions.tell(OTHER, "LookupEvents", {"Events": [event()]})
    found.find(volume(1), volume(2), volume(3, OTHER), volume(4), volume(5, region="us-east-1"))
    assert found.slept == pytest.approx([0.5, 0.5])


def test_an_invocation_asks_a_few_times_and_the_next_one_again(cloud):
    found = cloud({"Events": [event()]})
    first = found.find(*(volume(number) for number in range(7)))
    second = found.find(*(volume(number) for number in range(7, 14)))  # another page of the same schedule
    assert (len(first), len(second), len(found.sessions.asked)) == (7, MOST_CALLS - 7, MOST_CALLS)
    found.next_invocation()
    assert found.find(volume(13)) == {"vol-13": ALICE}


def test_what_is_known_already_is_told_though_no_more_is_asked(cloud):
    found = cloud({"Events": [event()]})
    found.find(*(volume(number) for number in range(MOST_CALLS)))
    assert found.find(volume("new"), volume(1)) == {"vol-1": ALICE}


def test_nothing_is_asked_when_little_time_is_left(cloud):
    found = cloud({"Events": [event()]})
    found.ends = found.clock() + timedelta(seconds=LEAST_SECONDS + 0.7)
    assert found.find(volume(1), volume(2), volume(3)) == {"vol-1": ALICE, "vol-2": ALICE}


@pytest.mark.parametrize(
    ("refusal", "seconds"),
    [
        (Denied("cloudtrail:LookupEvents is denied"), CLOSED_SECONDS),
        (Absent("NotFoundException"), CLOSED_SECONDS),
        (AwsError("timed out"), CLOSED_SECONDS),
        (AwsError("slow down", "ThrottlingException"), BUSY_SECONDS),
    ],
    ids=["denied", "absent", "hung", "throttled"],
)
def test_who_refuses_is_left_alone_for_a_while_and_others_are_asked(cloud, refusal, seconds):
    found = cloud(refusal)
    found.sessions.tell(OTHER, "LookupEvents", {"Events": [event()]})
    assert found.find(volume(1), volume(2), volume(3, OTHER)) == {"vol-3": ALICE}
    assert found.sessions.calls[MEMBER, "LookupEvents"] == 1
    found.sessions.tell(MEMBER, "LookupEvents", {"Events": [event()]})
    found.next_invocation(seconds - 5)
    assert found.find(volume(1)) == {}
    found.next_invocation(6)
    assert found.find(volume(1)) == {"vol-1": ALICE}


def test_a_member_without_the_role_is_left_alone(clock):
    class Refusing:
        def service(self, *_):
            raise Denied("no role")

    assert Creators(Refusing(), clock, sleep=pytest.fail).find({"x": volume()}, deadline=lambda: 60.0) == {}
