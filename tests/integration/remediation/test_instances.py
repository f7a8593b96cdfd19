"""Instances from images that are not approved are stopped or cut off; they do not comply by that, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from integration.remediation.driver import Crash, client
from integration.remediation.driver_misc import Driver, crash_at
from opalite.remediation.actions import notify_owner, quarantine_instance, stop_instance
from opalite.remediation.applying import Progress

IMAGE = "ami-03cf127a"  # one of moto's
POLICY, TYPE = "aws.ec2.instance.approved_image", "AWS::EC2::Instance"
SETTINGS = {POLICY: {"default": {"images": {}}}}


@pytest.fixture
def driver(aws, judges):
    def made(action, **more):
        return Driver(action, POLICY, *judges, resource_type=TYPE, **more)

    return made


@pytest.fixture
def stop(driver):
    return lambda **more: driver(stop_instance.ACTION, given={"lose_public_address": True}, **more)


@pytest.fixture
def quarantine(driver):
    return lambda **more: driver(quarantine_instance.ACTION, **more)


def launched(**more):
    """With two interfaces of different groups, made beforehand: moto adds the groups of an instance to those of its interfaces."""
    ec2 = client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = [
        ec2.create_security_group(GroupName=f"{name}-{uuid4()}", Description=name, VpcId=subnet["VpcId"])["GroupId"]
        for name in ("web", "admin")
    ]
    first, second = (
        ec2.create_network_interface(SubnetId=subnet["SubnetId"], Groups=some)["NetworkInterface"]["NetworkInterfaceId"]
        for some in (groups, groups[:1])
    )
    interfaces = [{"DeviceIndex": 0, "NetworkInterfaceId": first}]
    parameters = {"InstanceType": "t3.micro", "NetworkInterfaces": interfaces, **more}
    instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, **parameters)["Instances"][0]["InstanceId"]
    ec2.attach_network_interface(NetworkInterfaceId=second, InstanceId=instance, DeviceIndex=1)
    return instance


def state_of(instance_id):
    answer = client("ec2").describe_instances(InstanceIds=[instance_id])
    return answer["Reservations"][0]["Instances"][0]["State"]["Name"]


def groups_of(remedy, instance_id):
    return [interface["groups"] for interface in remedy.read(instance_id).details["instance"]["interfaces"]]


def test_it_is_stopped_and_undoing_starts_it(stop):
    instance_id = launched()
    remedy = stop()
    before = remedy.read(instance_id)
    applied = remedy.apply(remedy.plan(instance_id))
    assert state_of(instance_id) == "stopped"
    assert remedy.outcome(instance_id) == "fail"  # a stopped one is judged as well
    again = remedy.plan(instance_id)
    assert (again.steps, again.refusal, again.mends) == ((), "", False)
    assert again.instructions[0] == "it is stopped"
    remedy.undo(applied)
    after = remedy.read(instance_id)
    assert (state_of(instance_id), after.details) == ("running", before.details)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_comes_after_a_crash_stops_it_too(stop, moment):
    instance_id = launched()
    remedy = stop(dies=crash_at(1, moment))
    plan, applied = remedy.plan(instance_id), {}
    with pytest.raises(Crash):
        remedy.apply(plan, applied)
    applied = stop().apply(plan, applied)
    assert (state_of(instance_id), applied["stop"].progress) == ("stopped", Progress.DONE)


def test_a_public_address_that_aws_would_take_back_is_not_lost_unasked(driver):
    instance_id = launched()
    remedy = driver(stop_instance.ACTION)
    state = remedy.read(instance_id)
    instance = state.details["instance"]
    instance["interfaces"][0]["lent_address"] = True
    plan = stop_instance.plan(remedy.found(instance_id, state))
    assert (plan.steps, plan.refusal.partition(":")[0]) == ((), "its public address would be lost")


@pytest.mark.parametrize("attribute", ["DisableApiStop", "DisableApiTermination"])
def test_a_protected_one_is_not_stopped(stop, attribute):
    instance_id = launched(**({attribute: True} if attribute == "DisableApiStop" else {}))
    if attribute == "DisableApiTermination":  # the only one that moto lets one change, and only later
        client("ec2").modify_instance_attribute(InstanceId=instance_id, DisableApiTermination={"Value": True})
    plan = stop().plan(instance_id)
    assert (plan.steps, "is protected" in plan.refusal) == ((), True)


def test_one_with_disks_in_its_host_is_not_stopped(stop):
    plan = stop().plan(launched(InstanceType="m5d.large"))
    assert (plan.steps, "disks in the host" in plan.refusal) == ((), True)


@pytest.mark.parametrize("action", [stop_instance.ACTION, quarantine_instance.ACTION], ids=lambda action: action.name)
def test_one_that_is_gone_or_kept_is_let_alone(driver, action):
    instance_id = launched()
    client("ec2").create_tags(Resources=[instance_id], Tags=[{"Key": "opalite:keep", "Value": ""}])
    remedy = driver(action)
    assert (remedy.plan(instance_id).steps, "opalite:keep" in remedy.plan(instance_id).refusal) == ((), True)
    client("ec2").terminate_instances(InstanceIds=[instance_id])
    assert remedy.outcome(instance_id) == "not_applicable"


def test_it_is_cut_off_its_disks_are_kept_and_undoing_connects_it_again(quarantine):
    instance_id = launched()
    remedy = quarantine()
    before, groups = remedy.read(instance_id), groups_of(remedy, instance_id)
    plan = remedy.plan(instance_id)
    applied = remedy.apply(plan)
    after = remedy.read(instance_id)
    isolation = after.details["isolation"]
    assert isolation | {"id": ""} == {"id": "", "ours": True, "lets_in": 0, "lets_out": []}
    assert groups_of(remedy, instance_id) == [[isolation["id"]], [isolation["id"]]]
    assert after.details["snapshots_of"] == after.details["instance"]["volumes"] != []
    assert state_of(instance_id) == "running"
    again = remedy.plan(instance_id)
    assert (again.steps, again.refusal, again.mends) == ((), "", False)
    remedy.undo(applied)
    assert groups_of(remedy, instance_id) == groups
    undone = remedy.read(instance_id)
    kept = {"isolation": undone.details["isolation"], "snapshots_of": undone.details["snapshots_of"]}
    assert undone.details == before.details | kept  # the empty group and the evidence stay


def test_whoever_investigates_keeps_nobody_from_undoing(quarantine):
    instance_id, ec2 = launched(), client("ec2")
    remedy = quarantine()
    left = remedy.action.left
    before = left(remedy.read(instance_id).details)
    applied = remedy.apply(remedy.plan(instance_id))
    after = left(remedy.read(instance_id).details)
    tagged = [{"Name": "tag:opalite:quarantine", "Values": [instance_id]}]
    for snapshot in ec2.describe_snapshots(Filters=tagged)["Snapshots"]:
        ec2.delete_snapshot(SnapshotId=snapshot["SnapshotId"])
    ec2.create_tags(Resources=[instance_id], Tags=[{"Key": "incident", "Value": "7"}])
    ec2.stop_instances(InstanceIds=[instance_id])
    later = remedy.read(instance_id).details
    assert later["snapshots_of"] == []
    assert left(later) == after != before
    remedy.undo(applied)
    assert left(remedy.read(instance_id).details) == {**before, "isolation": after["isolation"]}


def test_groups_that_somebody_gave_it_since_are_seen(quarantine):
    instance_id, ec2 = launched(), client("ec2")
    remedy = quarantine()
    left = remedy.action.left
    remedy.apply(remedy.plan(instance_id))
    after = remedy.read(instance_id).details
    [first, _] = after["instance"]["interfaces"]
    group = ec2.create_security_group(GroupName=f"lab-{uuid4()}", Description="-", VpcId=first["vpc"])["GroupId"]
    ec2.modify_network_interface_attribute(NetworkInterfaceId=first["id"], Groups=[group])
    assert left(remedy.read(instance_id).details) != left(after)


def test_steps_that_stay_come_before_those_that_can_be_taken_back(quarantine):
    plan = quarantine().plan(launched())
    undoable = [bool(step.inverse) for step in plan.steps]
    assert (undoable, set(undoable)) == (sorted(undoable), {False, True})
    assert all(step.inverse or step.irreversible for step in plan.steps)


CALLS = range(1, 7)  # group, two rules, snapshots, two interfaces


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", CALLS)
def test_after_a_crash_a_new_plan_goes_on(quarantine, number, moment):
    instance_id = launched()
    remedy = quarantine(dies=crash_at(number, moment))
    plan = remedy.plan(instance_id)
    with pytest.raises(Crash):
        remedy.apply(plan)
    remedy = quarantine()
    again = remedy.plan(instance_id)
    assert {step.name for step in again.steps} <= {step.name for step in plan.steps}
    remedy.apply(again)
    assert remedy.plan(instance_id).steps == ()
    isolation = remedy.read(instance_id).details["isolation"]
    assert groups_of(remedy, instance_id) == [[isolation["id"]]] * 2
    assert (isolation["lets_in"], isolation["lets_out"]) == (0, [])


@pytest.mark.parametrize("number", CALLS)
def test_after_a_crash_what_was_done_can_be_taken_back(quarantine, number):
    instance_id = launched()
    remedy = quarantine(dies=crash_at(number, "before"))
    groups, applied = groups_of(remedy, instance_id), {}
    with pytest.raises(Crash):
        remedy.apply(remedy.plan(instance_id), applied)
    remedy = quarantine()
    remedy.undo(applied)
    assert groups_of(remedy, instance_id) == groups


def test_the_next_instance_goes_into_the_same_group(quarantine):
    first, second = launched(), launched()
    remedy = quarantine()
    remedy.apply(remedy.plan(first))
    group = remedy.read(first).details["isolation"]["id"]
    plan = remedy.plan(second)
    assert [step.name.partition("_eni")[0] for step in plan.steps] == ["snapshot_volumes", "isolate", "isolate"]
    applied = remedy.apply(plan)
    assert groups_of(remedy, second) == [[group]] * 2
    remedy.undo(applied)
    assert groups_of(remedy, first) == [[group]] * 2


def test_a_group_that_somebody_opened_isolates_nothing(quarantine):
    first = launched()
    remedy = quarantine()
    applied = remedy.apply(remedy.plan(first))
    remedy.undo(applied)
    rule = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    group = remedy.read(first).details["isolation"]["id"]
    client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=rule)
    plan = remedy.plan(first)
    assert (plan.steps, "isolates nothing" in plan.refusal) == ((), True)


def test_a_group_of_that_name_that_is_not_ours_is_not_used(quarantine):
    instance_id = launched()
    ec2 = client("ec2")
    vpc = quarantine().read(instance_id).details["instance"]["vpc"]
    ec2.create_security_group(GroupName="opalite-quarantine", Description="mine", VpcId=vpc)
    plan = quarantine().plan(instance_id)
    assert (plan.steps, "none of ours" in plan.refusal) == ((), True)


def test_members_of_scaling_groups_are_left_to_their_group(quarantine, stop):
    instance_id = launched()
    for remedy in (stop(), quarantine()):
        state = remedy.read(instance_id)
        tags = {**state.details["tags"], "aws:autoscaling:groupName": "web"}
        plan = remedy.action.plan(remedy.found(instance_id, replace(state, details={**state.details, "tags": tags})))
        assert (plan.steps, "Auto Scaling group web" in plan.refusal) == ((), True)


def test_the_owner_is_told_what_is_wrong(driver):
    instance_id = launched()
    remedy = driver(notify_owner.ACTION)
    plan = remedy.plan(instance_id)
    image = remedy.read(instance_id).details["instance"]["image"]
    assert (plan.steps, plan.refusal) == ((), "")
    assert plan.instructions[0].startswith(f"image {image} ")


IMPLIED = {"ec2:CreateTags", "kms:CreateGrant"}  # by AWS on our behalf: tags of what is made, keys of volumes


@pytest.mark.parametrize("action", [stop_instance.ACTION, quarantine_instance.ACTION], ids=lambda action: action.name)
def test_they_need_exactly_their_permissions(driver, action):
    instance_id = launched()
    remedy = driver(action, given={} if action is quarantine_instance.ACTION else {"lose_public_address": True})
    remedy.undo(remedy.apply(remedy.plan(instance_id)))
    assert remedy.allowed() - IMPLIED == remedy.called()
