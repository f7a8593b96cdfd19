"""enable_default_volume_encryption in moto's AWS: the default is switched on, the volume fails as before, and a person is told."""

from __future__ import annotations

import pytest

from integration.remediation.driver import REGION, Crash, client
from integration.remediation.driver_encryption import Driver, names
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.actions.enable_default_volume_encryption import ACTION
from opalite.remediation.applying import StepError

POLICY = "aws.ec2.volume.encryption"
PLAIN = {"KeyUsage": "ENCRYPT_DECRYPT"}  # what KMS assumes, and moto does not


@pytest.fixture
def ec2(aws):
    return client("ec2")


@pytest.fixture
def key(aws):
    return client("kms").create_key(**PLAIN)["KeyMetadata"]["Arn"]


@pytest.fixture
def volume(ec2):
    return ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=8, VolumeType="gp3", Encrypted=False)["VolumeId"]


@pytest.fixture
def driver(aws, engine, catalog):
    def made(**given):
        return Driver(ACTION, POLICY, engine, catalog, given)

    return made


def default(state):
    return {name: state.details[name] for name in ("default_encryption", "default_key", "default_key_is_of_aws")}


def without(one, volume):
    """What undo compares once the volume is gone."""
    with pytest.raises(Absent):
        one.read(volume)
    return ACTION.left(ACTION.read_without(one.ask, one.target(volume)))


OFF = {"default_encryption": False, "default_key": "alias/aws/ebs", "default_key_is_of_aws": True}


def test_the_default_is_switched_on_and_the_volume_is_left_to_a_person(driver, volume):
    one = driver()
    plan = one.plan(volume)
    assert (names(plan), plan.refusal, plan.mends) == (["enable_default"], "", False)
    assert default(one.read(volume)) == OFF
    one.apply(plan)
    after = one.read(volume)
    assert default(after) == {**OFF, "default_encryption": True}
    assert one.decide(after).outcome is Outcome.FAIL


def test_once_it_is_on_nothing_is_planned_and_the_instructions_stay(driver, volume):
    one = driver()
    one.apply(one.plan(volume))
    again = driver().plan(volume)
    assert (again.steps, again.refusal) == ((), "")
    assert any(told.startswith("The volume itself stays as it is") for told in again.instructions)


def test_undone_the_default_is_as_before(driver, volume, key):
    one = driver(key=key)
    before = one.read(volume)
    one.undo(one.apply(one.plan(volume)))
    assert one.read(volume) == before


def test_a_volume_that_was_replaced_and_deleted_keeps_nobody_from_undoing(driver, volume, ec2, key):
    one = driver(key=key)
    before = ACTION.left(one.read(volume).details)
    applied = one.apply(one.plan(volume))
    after = ACTION.left(one.read(volume).details)
    assert (before, after) == (
        {"default_encryption": False, "default_key": "alias/aws/ebs"},
        {"default_encryption": True, "default_key": key},
    )
    ec2.delete_volume(VolumeId=volume)  # as the instructions say
    assert without(one, volume) == after
    one.undo(applied)
    assert without(one, volume) == before


def test_a_default_that_somebody_changed_is_seen_without_the_volume(driver, volume, ec2):
    one = driver()
    one.apply(one.plan(volume))
    after = ACTION.left(one.read(volume).details)
    ec2.delete_volume(VolumeId=volume)
    ec2.disable_ebs_encryption_by_default()
    assert without(one, volume) != after


def test_a_key_of_the_settings_becomes_the_default_before_it_is_on(driver, volume, key):
    one = driver(key=key)
    plan = one.plan(volume)
    assert names(plan) == ["check_key", "set_default_key", "enable_default"]
    one.apply(plan)
    assert default(one.read(volume)) == {
        "default_encryption": True,
        "default_key": key,
        "default_key_is_of_aws": False,
    }
    assert names(driver(key=key).plan(volume)) == []


@pytest.mark.parametrize("operation", ["DescribeKey", "ModifyEbsDefaultKmsKeyId", "EnableEbsEncryptionByDefault"])
def test_a_crash_after_a_call_that_nobody_noted_is_gone_on_from(driver, volume, key, operation):
    one = driver(key=key)
    plan = one.plan(volume)
    one.dies_after = operation
    with pytest.raises(Crash):
        one.apply(plan)
    again = driver(key=key)
    again.apply(again.plan(volume))
    assert default(again.read(volume)) == {
        "default_encryption": True,
        "default_key": key,
        "default_key_is_of_aws": False,
    }


def test_every_step_may_be_made_twice(driver, volume, key):
    one = driver(key=key)
    plan = one.plan(volume)
    one.apply(plan)
    state = one.read(volume)
    one.apply(plan)
    assert one.read(volume) == state


def test_a_default_key_that_people_chose_stays(driver, volume, key, ec2):
    chosen = client("kms").create_key(**PLAIN)["KeyMetadata"]["Arn"]
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=chosen)
    assert names(driver(key=key).plan(volume)) == ["enable_default"]


def test_a_key_of_no_use_changes_nothing(driver, volume, key):
    client("kms").disable_key(KeyId=key.rpartition("/")[2])
    one = driver(key=key)
    before = one.read(volume)
    with pytest.raises(StepError, match="check_key"):
        one.apply(one.plan(volume))
    assert one.read(volume) == before


def test_an_attached_volume_is_told_with_its_instance(driver, ec2):
    image = ec2.register_image(Name="one of ours")["ImageId"]
    started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]
    [mapping] = ec2.describe_instances(InstanceIds=[started["InstanceId"]])["Reservations"][0]["Instances"][0][
        "BlockDeviceMappings"
    ]
    one = driver()
    plan = one.plan(mapping["Ebs"]["VolumeId"])
    [told] = [told for told in plan.instructions if "attach-volume" in told]
    assert f"--instance-id {started['InstanceId']} --device {mapping['DeviceName']}" in told


def test_the_role_has_what_is_called_and_nothing_else(driver, volume, key):
    one = driver(key=key)
    applied = one.apply(one.plan(volume))
    one.read(volume)
    one.undo(applied)
    assert one.called() == one.allowed()


def test_a_volume_that_is_gone_is_absent(driver):
    with pytest.raises(Absent):
        driver().read("vol-00000000000000000")
