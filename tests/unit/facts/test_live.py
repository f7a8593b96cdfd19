"""Facts that AWS itself tells: what is asked, how often, and with which permissions."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

from opalite.errors import AwsError
from opalite.facts.given import KINDS as GIVEN
from opalite.facts.live import ACTIONS, KINDS, SESSION_ACTIONS, LiveFacts
from opalite.ports import Absent, Denied

OWN, MEMBER, OTHER = "123456789012", "111122223333", "444455556666"
ID = "1b9ebde5-0daf-49eb-ab92-b95c9dca7195"
ARN = f"arn:aws:kms:eu-west-1:{MEMBER}:key/{ID}"
KEY = {"KeyMetadata": {"KeyId": ID, "Arn": ARN, "KeyManager": "CUSTOMER", "KeyState": "Enabled"}}
FACT = {"manager": "CUSTOMER", "arn": ARN, "account_id": MEMBER, "state": "Enabled", "aliases": []}


def resource(account=MEMBER, region="eu-west-1"):
    return {"partition": "aws", "account_id": account, "region": region}


def images(*ids, account=MEMBER):
    return {
        "Images": [
            {
                "ImageId": name,
                "State": "available",
                "OwnerId": account,
                "Name": name,
                "CreationDate": "2026-01-01T00:00:00.000Z",
            }
            for name in ids
        ]
    }


@pytest.mark.slow
def test_ten_thousand_instances_of_fifty_images_cost_one_call_per_account_and_region(sessions, clock, as_account):
    homes = [(account, region) for account in (MEMBER, OTHER) for region in ("eu-west-1", "us-east-1")]
    known = {
        home: [as_account("ec2", *home).register_image(Name=f"golden-{number}")["ImageId"] for number in range(50)]
        for home in homes
    }
    instances = [(known[home][number % 50], resource(*home)) for home in homes for number in range(2500)]
    facts = LiveFacts(sessions, clock)
    facts.prepare(("image", image, home) for image, home in instances)
    states = {(image, home["account_id"]): facts.lookup("image", image, home)["state"] for image, home in instances}
    assert states == {(image, account): "available" for (account, _), ids in known.items() for image in ids}
    assert sessions.calls.counts() == {
        "ec2:DescribeImages": 4, "sts:AssumeRole": 2, "sts:GetCallerIdentity": 1,
    }  # fmt: skip


def test_without_being_prepared_each_batch_asks_for_what_is_new_alone(accounts, clock):
    ids = [f"ami-{number:017x}" for number in range(50)]
    aws = accounts().tell(MEMBER, "DescribeImages", images(*ids))
    facts = LiveFacts(aws, clock)
    for start in range(0, 10_000, 100):
        facts.prepare([("image", ids[number % 50], resource()) for number in range(start, start + 100)])
    assert aws.calls == {(MEMBER, "DescribeImages"): 1}


def test_many_threads_ask_once(accounts, clock):
    ids = [f"ami-{number:017x}" for number in range(50)]
    barrier = threading.Barrier(4)

    def slow(parameters):
        return images(*parameters["Filters"][0]["Values"])

    aws = accounts().tell(MEMBER, "DescribeImages", slow)
    facts = LiveFacts(aws, clock)

    def batch(_):
        barrier.wait(10)
        facts.prepare([("image", name, resource()) for name in ids])
        return [facts.lookup("image", name, resource())["state"] for name in ids]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(batch, range(4))) == [["available"] * 50] * 4
    asked = [name for *_, parameters in aws.asked for name in parameters["Filters"][0]["Values"]]
    assert sorted(asked) == ids


def test_all_spellings_of_a_key_are_one_question(accounts, clock):
    aws = accounts().tell(MEMBER, "DescribeKey", KEY).tell(MEMBER, "ListAliases", {"Aliases": []})
    facts = LiveFacts(aws, clock)
    facts.prepare([("kms_key", ID, resource()), ("kms_key", ARN, resource())])
    assert [facts.lookup("kms_key", key, resource()) for key in (ID, ARN)] == [FACT, FACT]
    assert [asked[2:] for asked in aws.asked] == [("DescribeKey", {"KeyId": ARN}), ("ListAliases", {})]


def test_the_same_name_in_another_account_or_region_is_another_question(accounts, clock):
    aws = accounts()
    facts = LiveFacts(aws, clock)
    facts.prepare(
        [("image", "ami-00000000", resource(*home)) for home in ((MEMBER, "r-1"), (MEMBER, "r-2"), (OTHER, "r-1"))]
    )
    assert sorted(asked[:2] for asked in aws.asked) == [(MEMBER, "r-1"), (MEMBER, "r-2"), (OTHER, "r-1")]


def test_an_account_is_asked_for_once_whoever_asks(accounts, clock):
    aws = accounts().tell(OWN, "ListParents", {"Parents": [{"Id": "r-1", "Type": "ROOT"}]})
    facts = LiveFacts(aws, clock)
    facts.prepare([("account", MEMBER, resource(MEMBER, region)) for region in ("eu-west-1", "us-east-1", "global")])
    assert facts.lookup("account", MEMBER, resource()) == {"organizational_units": ["r-1"]}
    assert aws.calls == {(OWN, "ListParents"): 1}


def test_other_kinds_are_not_known_and_not_asked_for(accounts, clock):
    aws = accounts()
    facts = LiveFacts(aws, clock)
    facts.prepare([("weather", "x", resource())])
    assert (facts.lookup("weather", "x", resource()), facts.why("weather", "x", resource())) == (None, None)
    assert aws.asked == []


def test_nothing_wanted_is_nothing_asked(accounts, clock):
    aws = accounts()
    LiveFacts(aws, clock).prepare([])
    assert aws.asked == []


def test_a_refusal_is_no_fact_and_says_why_even_later(accounts, clock):
    aws = accounts().tell(MEMBER, "DescribeImages", Denied("ec2:DescribeImages is denied in account 111122223333"))
    facts = LiveFacts(aws, clock)
    asked = ("image", "ami-00000000", resource())
    assert facts.why(*asked) is None
    assert facts.lookup(*asked) is None
    clock.forward(29)
    assert facts.lookup(*asked) is None
    assert len(aws.asked) == 1
    clock.forward(1)
    assert facts.why(*asked) == "ec2:DescribeImages is denied in account 111122223333"
    aws.tell(MEMBER, "DescribeImages", images("ami-00000000"))
    assert facts.lookup(*asked)["state"] == "available"
    assert facts.why(*asked) is None


@pytest.mark.parametrize("answer", [Denied("odd"), Absent("odd")])
def test_an_answer_that_no_adapter_expects_is_no_fact(accounts, clock, answer):
    aws = accounts().tell(MEMBER, "DescribeLoadBalancers", answer)
    facts = LiveFacts(aws, clock)
    assert facts.lookup("load_balancer", "lb", resource()) is None
    assert facts.why("load_balancer", "lb", resource()) == "odd"


def test_a_failure_is_raised_asks_nothing_more_and_is_not_kept(accounts, clock):
    aws = accounts()
    accounts_asked = [f"{number:012d}" for number in range(100)]
    for account in accounts_asked:
        aws.tell(account, "DescribeImages", AwsError("throttled"))
    facts = LiveFacts(aws, clock)
    wanted = [("image", "ami-00000000", resource(account)) for account in accounts_asked]
    with pytest.raises(AwsError, match="throttled"):
        facts.prepare(wanted)
    with pytest.raises(AwsError, match="throttled"):
        facts.lookup(*wanted[0])
    for account in accounts_asked:
        aws.tell(account, "DescribeImages", images("ami-00000000"))
    assert facts.lookup(*wanted[0])["state"] == "available"


def idle_balancers(as_account):
    listeners = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
    as_account("elb").create_load_balancer(LoadBalancerName="lb", Listeners=listeners, AvailabilityZones=["eu-west-1a"])
    ec2, elbv2 = as_account("ec2"), as_account("elbv2")
    vpc = ec2.create_vpc(CidrBlock="172.28.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="172.28.0.0/24")["Subnet"]["SubnetId"]
    arn = elbv2.create_load_balancer(Name="net", Type="network", Subnets=[subnet])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    group = elbv2.create_target_group(Name="g", Protocol="TCP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    action = {"Type": "forward", "TargetGroupArn": group}
    elbv2.create_listener(LoadBalancerArn=arn, Protocol="TCP", Port=80, DefaultActions=[action])
    return ["lb", arn]


def an_account(as_account):
    organizations = boto3.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    made = organizations.create_account(Email="a@example.com", AccountName="a")
    return [made["CreateAccountStatus"]["AccountId"]]


# What makes an adapter call all that it ever calls.
WORLDS = {
    "image": lambda as_account: [as_account("ec2").register_image(Name="golden")["ImageId"]],
    "kms_key": lambda as_account: [as_account("kms").create_key()["KeyMetadata"]["KeyId"]],
    "account": an_account,
    "load_balancer": idle_balancers,
    "resource_policy": lambda as_account: [as_account("sqs").create_queue(QueueName="q")["QueueUrl"]],
}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_live_fact_has_the_members_of_a_given_one_and_takes_the_permissions_of_the_table(
    sessions, clock, as_account, kind
):
    keys = WORLDS[kind](as_account)
    facts = LiveFacts(sessions, clock)
    facts.prepare([(kind, key, resource()) for key in keys])
    told = [facts.lookup(kind, key, resource()) for key in keys]
    assert [list(fact) for fact in told] == [list(GIVEN[kind])] * len(keys)
    assert set(sessions.calls.counts()) - set(SESSION_ACTIONS) == set(ACTIONS[kind])


def test_the_documented_permissions_are_those_of_the_table(repository):
    section = (repository / "docs" / "operators.md").read_text().split("## Live facts")[1].split("\n## ")[0]
    role, caller = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL))
    of_the_role = {action for kind, actions in ACTIONS.items() if kind != "account" for action in actions}
    assert {action for statement in role["Statement"] for action in statement["Action"]} == of_the_role
    assert {action for statement in caller["Statement"] for action in statement["Action"]} == {
        "sts:AssumeRole",
        *ACTIONS["account"],
    }


def test_a_failure_is_raised_without_waiting_for_what_is_slow(accounts, clock):
    end = threading.Event()
    aws = (
        accounts()
        .tell(MEMBER, "DescribeImages", lambda _: end.wait(20) and images())
        .tell(OTHER, "DescribeImages", AwsError("throttled"))
    )
    facts = LiveFacts(aws, clock)
    with pytest.raises(AwsError, match="throttled"):
        facts.prepare([("image", "ami-00000000", resource(account)) for account in (MEMBER, OTHER)])
    assert not end.is_set()
    facts.stop()
    end.set()


def test_an_answer_that_leaves_out_what_aws_always_says_is_a_failure(accounts, clock):
    facts = LiveFacts(accounts().tell(MEMBER, "DescribeImages", {}), clock)
    with pytest.raises(AwsError) as caught:
        facts.lookup("image", "ami-00000000", resource())
    assert str(caught.value) == (
        "image of account 111122223333, eu-west-1: what answered is not AWS: it left out 'Images'"
    )


GONE_IMAGE = {"state": "gone", "owner_id": None, "owner_alias": None, "name": None, "created_at": None, "tags": None}
REFUSED = {  # by kind: a key, and what it takes to be refused, or not to be there
    "denied": ("image", "ami-00000000", {"DescribeImages": Denied("no")}, None),
    "not shared": ("image", "ami-00000000", {"DescribeImages": {"Images": []}}, GONE_IMAGE),
    "no such key": (
        "kms_key",
        ID,
        {"DescribeKey": Absent("NotFoundException")},
        {"manager": None, "arn": None, "account_id": MEMBER, "state": "gone", "aliases": None},
    ),
    "aliases not to be listed": (
        "kms_key",
        ID,
        {"DescribeKey": KEY, "ListAliases": Denied("no")},
        FACT | {"aliases": None},
    ),
    "no such queue": (
        "resource_policy",
        f"arn:aws:sqs:eu-west-1:{MEMBER}:q",
        {"GetQueueAttributes": Absent("QueueDoesNotExist")},
        None,
    ),
}
GRANTED = {
    "DescribeImages": images("ami-00000000"),
    "DescribeKey": KEY,
    "ListAliases": {"Aliases": []},
    "GetQueueAttributes": {"Attributes": {}},
}


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_an_event_was_refused_or_did_not_find_is_asked_for_again_by_the_next_one_alone(accounts, clock, case):
    kind, key, answers, fact = REFUSED[case]
    aws = accounts()
    for operation, answer in answers.items():
        aws.tell(MEMBER, operation, answer)
    facts = LiveFacts(aws, clock)
    assert [facts.lookup(kind, key, resource()) for _ in range(100)] == [fact] * 100
    asked = len(aws.asked)
    assert asked <= 2
    for operation, answer in GRANTED.items():  # a moment later it is there
        aws.tell(MEMBER, operation, answer)
    assert facts.lookup(kind, key, resource()) == fact
    for _ in range(3):
        facts.renew()
        granted = facts.lookup(kind, key, resource())
        assert granted is not None
        assert granted != fact
    assert len(aws.asked) <= 2 * asked + 1  # what was granted stays


def test_units_of_an_account_that_were_refused_are_asked_for_again_by_the_next_event(accounts, clock):
    aws = accounts().tell(OWN, "ListParents", Denied("no"))
    facts = LiveFacts(aws, clock)
    assert facts.lookup("account", MEMBER, resource()) is None
    aws.tell(OWN, "ListParents", {"Parents": [{"Id": "r-1", "Type": "ROOT"}]})
    assert facts.lookup("account", MEMBER, resource()) is None
    facts.renew()
    assert facts.lookup("account", MEMBER, resource()) == {"organizational_units": ["r-1"]}


def test_tags_that_the_owner_of_an_image_did_not_tell_are_asked_for_again_by_the_next_event(accounts, clock):
    shared = images("ami-00000000", account=OTHER)
    aws = accounts().tell(MEMBER, "DescribeImages", shared).tell(OTHER, "DescribeImages", Denied("no"))
    facts = LiveFacts(aws, clock)
    assert facts.lookup("image", "ami-00000000", resource())["tags"] is None
    tagged = {"Images": [shared["Images"][0] | {"Tags": [{"Key": "a", "Value": "b"}]}]}
    aws.tell(OTHER, "DescribeImages", tagged)
    facts.renew()
    assert facts.lookup("image", "ami-00000000", resource())["tags"] == {"a": "b"}


def test_hits_and_misses_are_those_of_all_caches_and_only_grow(accounts, clock):
    aws = accounts().tell(MEMBER, "DescribeKey", KEY).tell(MEMBER, "ListAliases", {"Aliases": []})
    facts = LiveFacts(aws, clock)
    assert facts.counts() == (0, 0)
    facts.lookup("kms_key", ID, resource())  # the fact, and within it the aliases of the account and region
    assert facts.counts() == (0, 2)
    facts.renew()
    facts.lookup("kms_key", ID, resource())
    assert facts.counts() == (1, 2)


def test_a_call_that_was_throttled_is_made_again_within_the_same_event(accounts, clock):
    aws = accounts().tell(MEMBER, "DescribeImages", AwsError("throttled", "RequestLimitExceeded"))
    facts = LiveFacts(aws, clock)
    with pytest.raises(AwsError):
        facts.lookup("image", "ami-00000000", resource())
    aws.tell(MEMBER, "DescribeImages", images("ami-00000000"))
    assert facts.lookup("image", "ami-00000000", resource())["state"] == "available"
