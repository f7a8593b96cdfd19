"""When an instance is stopped or cut off, and when it is let alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.actions import quarantine_instance, stop_instance
from opalite.remediation.model import OUTPUT
from unit.remediation.actions.cases import found, target

TARGET = target("aws.ec2.instance.approved_image", "AWS::EC2::Instance", "i-0123456789abcdef0")
STATES = ["pending", "running", "stopping", "stopped", "shutting-down", "terminated"]


def interface(number=1, **more):
    return {
        "id": f"eni-{number}", "vpc": "vpc-1", "owner": "111122223333", "managed": False,
        "groups": ["sg-1", "sg-2"], "lent_address": False, **more,
    }  # fmt: skip


def instance(**more):
    return {
        "image": "ami-1", "type": "t3.micro", "vpc": "vpc-1", "root_device": "ebs", "lifecycle": None,
        "hibernation": False, "managed_by": None, "profile": None, "volumes": ["vol-1", "vol-2"],
        "interfaces": [interface()], **more,
    }  # fmt: skip


FREE = {"disableApiStop": False, "disableApiTermination": False}


def stopped(state="running", *, protected=FREE, instance_store=False, tags=(), lose=False, **more):
    details = {
        "instance": instance(**more),
        "tags": dict(tags),
        "protected": protected,
        "instance_store": instance_store,
    }
    item = {"configuration": {"state": {"name": state}}}
    return stop_instance.plan(found(stop_instance.ACTION, TARGET, details, item=item, lose_public_address=lose))


def cut_off(state="running", *, isolation=None, snapshots_of=(), tags=(), snapshots=True, **more):
    details = {
        "instance": instance(**more),
        "tags": dict(tags),
        "isolation": isolation,
        "snapshots_of": list(snapshots_of),
    }
    item = {"configuration": {"state": {"name": state}}}
    return quarantine_instance.plan(found(quarantine_instance.ACTION, TARGET, details, item=item, snapshots=snapshots))


def names(plan):
    return [step.name for step in plan.steps]


FACTS = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "protected": st.fixed_dictionaries(dict.fromkeys(FREE, st.sampled_from([True, False, None]))),
        "instance_store": st.sampled_from([True, False, None]),
        "tags": st.dictionaries(st.sampled_from(["opalite:keep", "aws:autoscaling:groupName", "Name"]), st.just("x")),
        "lose": st.booleans(),
        "root_device": st.sampled_from(["ebs", "instance-store"]),
        "lifecycle": st.sampled_from([None, "spot", "scheduled", "capacity-block"]),
        "hibernation": st.booleans(),
        "managed_by": st.sampled_from([None, "eks.amazonaws.com"]),
        "interfaces": st.lists(st.booleans().map(lambda lent: interface(lent_address=lent)), max_size=2),
    }
)


@given(FACTS)
def test_only_what_loses_nothing_and_belongs_to_nobody_else_is_stopped(facts):
    plan = stopped(**facts)
    safe = (
        facts["state"] == "running"
        and facts["protected"] == FREE
        and facts["instance_store"] is False
        and not {"opalite:keep", "aws:autoscaling:groupName"} & set(facts["tags"])
        and facts["root_device"] == "ebs"
        and facts["lifecycle"] is None
        and not facts["hibernation"]
        and facts["managed_by"] is None
        and (facts["lose"] or not any(entry["lent_address"] for entry in facts["interfaces"]))
    )
    assert names(plan) == (["stop"] if safe else [])
    assert bool(plan.refusal) == (facts["state"] in {"pending", "running"} and not safe)


@pytest.mark.parametrize("state", STATES)
def test_what_is_done_about_each_state(state):
    plan = stopped(state)
    kind = "step" if plan.steps else "refusal" if plan.refusal else "alert"
    assert (kind, plan.mends) == {
        "pending": ("refusal", True),
        "running": ("step", False),
    }.get(state, ("alert", False))


def test_who_stops_it_hears_what_is_left_to_do():
    plan = stopped(lose=True, interfaces=[interface(lent_address=True)], profile="arn:aws:iam::1:instance-profile/web")
    assert [advice.partition(":")[0] for advice in plan.instructions] == [
        "the instance still breaks the policy",
        "its public address is lost",
        "credentials that it got by arn",
    ]


OURS = {"id": "sg-9", "ours": True, "lets_in": 0, "lets_out": []}
ALL = [
    "create_isolation_group",
    "close_isolation_group",
    "close_isolation_group_ipv6",
    "snapshot_volumes",
    "isolate_eni-1",
]


def test_everything_is_done_in_order():
    plan = cut_off()
    assert names(plan) == ALL
    assert plan.steps[1].call.parameters["GroupId"] == {OUTPUT: "isolation_group"}
    assert plan.steps[-1].call.parameters["Groups"] == [{OUTPUT: "isolation_group"}]
    assert plan.steps[-1].inverse.parameters["Groups"] == ["sg-1", "sg-2"]
    assert [step.stays and bool(step.irreversible) for step in plan.steps] == [True, True, True, True, False]
    assert plan.locks == ("opalite-quarantine/111122223333/eu-west-1/vpc-1",)  # two at once would make two groups


@given(
    lets_out=st.lists(st.sampled_from(["0.0.0.0/0", "::/0"]), unique=True),
    snapshots_of=st.sets(st.sampled_from(["vol-1", "vol-2"])),
    isolated=st.booleans(),
)
def test_what_was_done_before_is_not_done_again(lets_out, snapshots_of, isolated):
    groups = ["sg-9"] if isolated else ["sg-1"]
    plan = cut_off(
        isolation={**OURS, "lets_out": lets_out}, snapshots_of=snapshots_of, interfaces=[interface(groups=groups)]
    )
    wanted = [
        *({"0.0.0.0/0": ALL[1], "::/0": ALL[2]}[everywhere] for everywhere in lets_out),
        *([ALL[3]] if not isolated and len(snapshots_of) < 2 else []),
        *([] if isolated else [ALL[4]]),
    ]
    assert (names(plan), plan.refusal, plan.mends) == (wanted, "", False)
    closing = [step for step in plan.steps if step.name.startswith("close")]
    assert [step.until is not None for step in closing] == [False] * (len(closing) - 1) + [True] * bool(closing)


def test_an_interface_in_more_groups_than_the_isolation_group_is_not_isolated():
    assert names(cut_off(isolation=OURS, snapshots=False, interfaces=[interface(groups=["sg-1", "sg-9"])])) == [ALL[4]]


@pytest.mark.parametrize(
    "strange",
    [
        {"tags": {"opalite:keep": ""}},
        {"tags": {"aws:autoscaling:groupName": "web"}},
        {"managed_by": "eks.amazonaws.com"},
        {"interfaces": []},
        {"vpc": None},
        {"interfaces": [interface(), interface(2, vpc="vpc-2")]},
        {"interfaces": [interface(), interface(2, owner="444455556666")]},
        {"interfaces": [interface(managed=True)]},
        {"interfaces": [interface(groups=[])]},
        {"isolation": {**OURS, "ours": False}},
        {"isolation": {**OURS, "lets_in": 1}},
        {"isolation": {**OURS, "lets_out": ["other"]}},
    ],
)
def test_whatever_is_strange_is_refused(strange):
    plan = cut_off(**strange)
    assert (plan.steps, bool(plan.refusal)) == ((), True)


def test_one_that_has_ended_is_let_alone():
    plan = cut_off("terminated")
    assert (plan.steps, plan.refusal, plan.mends) == ((), "", False)


def cut_off_details(**more):
    return {
        "instance": instance(interfaces=[interface(groups=["sg-9"]), interface(2, groups=["sg-9"])]),
        "tags": {"Name": "web"},
        "isolation": OURS,
        "snapshots_of": ["vol-1", "vol-2"],
        **more,
    }


@pytest.mark.parametrize(
    "others",
    [
        {"snapshots_of": []},  # deleted once nobody needed them
        {"snapshots_of": ["vol-1", "vol-2", "vol-3"]},
        {"tags": {"Name": "web", "incident": "7", "owner": "ops"}},
        {"isolation": {**OURS, "lets_in": 1, "lets_out": ["0.0.0.0/0"]}},  # of all that are in the group
        {
            "instance": {
                **instance(profile="arn:aws:iam::1:instance-profile/none", volumes=["vol-1"]),
                "interfaces": [interface(groups=["sg-9"], lent_address=True), interface(2, groups=["sg-9"])],
            }
        },
    ],
)
def test_whoever_investigates_keeps_nobody_from_undoing(others):
    left = quarantine_instance.ACTION.left
    assert left(cut_off_details(**others)) == left(cut_off_details())


@pytest.mark.parametrize(
    "changed",
    [
        {"instance": instance(interfaces=[interface(groups=["sg-3"]), interface(2, groups=["sg-9"])])},
        {"instance": instance(interfaces=[interface(groups=["sg-9"])])},
        {"instance": instance(interfaces=[interface(3, groups=["sg-9"]), interface(2, groups=["sg-9"])])},
        {
            "instance": instance(
                interfaces=[interface(groups=["sg-9"]), interface(2, groups=["sg-9"])], managed_by="eks.amazonaws.com"
            )
        },
        {"isolation": {**OURS, "id": "sg-8"}},
    ],
)
def test_whoever_connects_it_otherwise_is_asked_before_undoing(changed):
    left = quarantine_instance.ACTION.left
    assert left(cut_off_details(**changed)) != left(cut_off_details())


def test_undoing_says_that_the_isolation_group_stays():
    left = quarantine_instance.ACTION.left
    assert left(cut_off_details(isolation=None))["isolation"] is None
    assert left(cut_off_details())["isolation"] == {"id": "sg-9"}
