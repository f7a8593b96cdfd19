"""The plan of enable_default_volume_encryption, for every state that there may be."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.actions.enable_default_volume_encryption import ACTION, plan
from unit.remediation.actions.cases import ACCOUNT, REGION, found, target
from unit.remediation.actions.forms import check_steps

ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a8d3c5e-1111"
VOLUME = "vol-0a1b2c3d4e5f60718"
TARGET = target("aws.ec2.volume.encryption", "AWS::EC2::Volume", VOLUME)


def details(**members):
    plain = {
        "encrypted": False,
        "zone": "eu-west-1a",
        "type": "gp3",
        "iops": 3000,
        "throughput": 125,
        "attachments": [],
        "default_encryption": False,
        "default_key": "alias/aws/ebs",
        "default_key_is_of_aws": True,
    }
    return {**plain, **members}


def planned(state, key="", expected="a customer managed KMS key"):
    violation = {"message": "", "subject": "encryption", "evidence": {"expected": expected}}
    return plan(found(ACTION, TARGET, state, violations=[violation], key=key))


def names(made):
    return [step.name for step in made.steps]


def test_the_key_comes_before_the_default():
    assert names(planned(details(), ARN)) == ["check_key", "set_default_key", "enable_default"]


def test_half_done_the_rest_is_planned():
    assert names(planned(details(default_key=ARN, default_key_is_of_aws=False), ARN)) == ["enable_default"]
    assert names(planned(details(default_encryption=True), ARN)) == ["check_key", "set_default_key"]


def test_two_volumes_of_an_account_and_region_are_not_mended_at_once():
    assert planned(details()).locks == planned(details(zone="eu-west-1b"), ARN).locks == (f"ebs/{ACCOUNT}/{REGION}",)
    assert planned(details(default_encryption=True)).locks == ()


def test_a_default_key_of_people_is_never_replaced():
    state = details(default_encryption=True, default_key=f"{ARN}x", default_key_is_of_aws=False)
    assert planned(state, ARN).steps == ()


def test_a_key_of_another_region_is_refused():
    made = planned(details(), ARN.replace(REGION, "us-east-1"))
    assert (made.steps, made.refusal) == ((), "key names no key of eu-west-1: EBS takes keys of its Region only")


def test_that_the_key_of_aws_is_not_enough_is_told_where_the_policy_says_so():
    words = "The default key is AWS's own, and the policy asks for a customer managed one"
    assert any(told.startswith(words) for told in planned(details()).instructions)
    assert not any(told.startswith(words) for told in planned(details(), expected="any encryption").instructions)
    assert not any(told.startswith(words) for told in planned(details(), ARN).instructions)


def test_the_commands_have_what_is_known_filled_in():
    attachments = [{"instance": "i-0123456789abcdef0", "device": "/dev/sdf"}]
    copy, swap, last = planned(details(attachments=attachments, default_encryption=True), ARN).instructions[-3:]
    assert copy == (
        f"The volume itself stays as it is: make a copy of it with {ARN}, and replace it. Stop what writes to it, then: "
        "aws ec2 stop-instances --region eu-west-1 --instance-ids i-0123456789abcdef0 && "
        "aws ec2 wait instance-stopped --region eu-west-1 --instance-ids i-0123456789abcdef0 && "
        f"aws ec2 create-snapshot --region eu-west-1 --volume-id {VOLUME} && "
        "aws ec2 wait snapshot-completed --region eu-west-1 --snapshot-ids <snapshot> && "
        f"aws ec2 create-volume --region eu-west-1 --snapshot-id <snapshot> --encrypted --kms-key-id {ARN} "
        "--availability-zone eu-west-1a --volume-type gp3 --iops 3000 --throughput 125"
    )
    assert swap == (
        f"aws ec2 detach-volume --region eu-west-1 --volume-id {VOLUME} && aws ec2 wait volume-available --region eu-west-1 "
        f"--volume-ids {VOLUME} && aws ec2 attach-volume --region eu-west-1 --volume-id <new volume> --instance-id "
        "i-0123456789abcdef0 --device /dev/sdf && aws ec2 start-instances --region eu-west-1 --instance-ids i-0123456789abcdef0"
    )
    assert last.startswith("Give the copy the tags of the volume")


def test_a_volume_type_that_takes_no_iops_is_given_none():
    [copy] = [told for told in planned(details(type="gp2", throughput=None)).instructions if "create-volume" in told]
    assert copy.endswith("--kms-key-id <key> --availability-zone eu-west-1a --volume-type gp2")


def test_every_call_is_of_the_form_that_aws_takes():
    check_steps(planned(details(), ARN).steps)


@pytest.mark.parametrize("key", ["alias/aws/ebs", "0a8d3c5e", f"{ARN} ", "alias/"])
def test_keys_of_another_form_are_none(key):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(ACTION.parameters).validate({"key": key})


@given(
    st.builds(
        details,
        encrypted=st.booleans(),
        iops=st.sampled_from([None, 100]),
        throughput=st.sampled_from([None, 125]),
        default_encryption=st.booleans(),
        default_key_is_of_aws=st.booleans(),
        attachments=st.lists(st.just({"instance": "i-0123456789abcdef0", "device": "/dev/sdf"}), max_size=2),
    ),
    st.sampled_from(["", ARN, "alias/ebs"]),
)
def test_any_state_has_a_plan_that_leaves_the_volume_to_a_person_and_ends(state, key):
    made = planned(state, key)
    assert made.instructions
    assert not made.mends
    after = {**state, "default_encryption": True}
    if "set_default_key" in names(made):
        after |= {"default_key": key, "default_key_is_of_aws": False}
    assert planned(after, key).steps == ()


def test_undo_compares_the_default_alone():
    state = details(default_encryption=True)
    others = {"zone": "eu-west-1b", "type": "gp2", "attachments": [{"instance": "i-1", "device": "/dev/sdf"}]}
    assert ACTION.left(state | others) == ACTION.left(state)
    assert ACTION.left(state) == {"default_encryption": True, "default_key": "alias/aws/ebs"}
    assert ACTION.left(details(default_key=ARN)) != ACTION.left(details())
