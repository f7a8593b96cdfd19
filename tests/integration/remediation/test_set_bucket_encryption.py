"""set_bucket_encryption in moto's AWS, judged by the real OPA before and after."""

from __future__ import annotations

import json
from contextlib import nullcontext
from copy import copy
from dataclasses import replace

import pytest

from integration.remediation.driver import ACCOUNT, REGION, Crash, client
from integration.remediation.driver_encryption import Driver, names
from opalite.errors import AwsError
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.actions.set_bucket_encryption import ACTION, simulated
from opalite.remediation.applying import Applied, apply, filled
from opalite.remediation.model import Call, Target
from opalite.remediation.planning.new_bucket_key import TAG, key_policy

POLICY = "aws.s3.bucket.encryption"
BUCKET = "invoices.example.com"
ALL = ["create_key", "name_key", "rotate_key", "encrypt_bucket"]
OPERATIONS = ["CreateKey", "CreateAlias", "EnableKeyRotation", "PutBucketEncryption"]
TARGET = Target(
    policy_id=POLICY,
    partition="aws",
    account_id=ACCOUNT,
    region=REGION,
    resource_type="AWS::S3::Bucket",
    resource_id=BUCKET,
)
PLAIN = {"KeyUsage": "ENCRYPT_DECRYPT"}  # what KMS assumes, and moto does not
SSE_S3 = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]


@pytest.fixture
def s3(aws):
    return client("s3")


@pytest.fixture
def kms(aws):
    return client("kms")


@pytest.fixture
def bucket(s3):
    """As S3 makes them today: SSE-S3, no ACLs, nothing public."""

    def made(name=BUCKET, rules=SSE_S3):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_ownership_controls(
            Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        )
        if rules:
            s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": rules})
        return name

    return made


@pytest.fixture
def driver(aws, engine, catalog):
    def made(**given):
        return Driver(ACTION, POLICY, engine, catalog, given)

    return made


def keys(kms):
    return [key["KeyArn"] for key in kms.list_keys()["Keys"]]


def made_by_people(kms, *statements):
    """A key behind the alias that does what Opalite's own do, and more."""
    document = key_policy(TARGET)
    document["Statement"] += statements
    arn = kms.create_key(**PLAIN, Policy=json.dumps(document))["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/opalite/s3", TargetKeyId=arn)
    return arn


def refused(why):
    return (
        f"alias/opalite/s3 belongs to a key that nobody should rely on ({why}): mend the key or give the alias to another, or say "
        "that you vouch for one by naming it in key_arn"
    )


def allow(s3, principal, action="s3:GetObject", **more):
    statement = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": action,
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
        **more,
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document))


def test_a_bucket_without_a_key_gets_one_and_passes(driver, bucket, kms):
    one, name = driver(), bucket()
    assert one.decide(one.read(name)).outcome is Outcome.FAIL
    plan = one.plan(name)
    assert (names(plan), plan.refusal, plan.mends) == (ALL, "", True)
    one.apply(plan)
    after = one.read(name)
    [arn] = keys(kms)
    assert after.details["rules"] == [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn},
            "BucketKeyEnabled": True,
        }
    ]
    assert after.details["keys"] == [
        {
            "arn": arn,
            "aliases": ["alias/opalite/s3"],
            "tag": "alias/opalite/s3",
            "unusable": "",
            "rotates": True,
            "named": [f"arn:aws:iam::{ACCOUNT}:root"],
        }
    ]
    assert driver().decide(after).outcome is Outcome.PASS


def test_a_second_run_plans_nothing(driver, bucket):
    one, name = driver(), bucket()
    failed = one.decide(one.read(name))
    one.apply(one.plan(name))
    assert names(driver().plan(name, failed)) == []


def test_the_second_bucket_uses_the_key_of_the_first(driver, bucket, kms):
    one = driver()
    one.apply(one.plan(bucket()))
    other = bucket("letters.example.com")
    plan = one.plan(other)
    assert names(plan) == ["encrypt_bucket"]
    one.apply(plan)
    assert driver().decide(one.read(other)).outcome is Outcome.PASS
    assert len(keys(kms)) == 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_crash_after_a_call_that_nobody_noted_is_gone_on_from(driver, bucket, kms, operation):
    one, name = driver(), bucket()
    failed = one.decide(one.read(name))
    plan = one.plan(name)
    one.dies_after = operation
    with pytest.raises(Crash):
        one.apply(plan)
    again = driver()
    left = again.plan(name, failed)
    assert names(left) == ALL[OPERATIONS.index(operation) + 1 :]
    again.apply(left)
    assert again.decide(again.read(name)).outcome is Outcome.PASS
    assert len(keys(kms)) == 1


@pytest.mark.parametrize("step", ALL)
def test_a_crash_between_two_steps_is_gone_on_from(driver, bucket, kms, step):
    one, name = driver(), bucket()
    failed = one.decide(one.read(name))

    def note(applied):
        if applied.name == step and applied.progress == "done":
            raise Crash(step)

    with pytest.raises(Crash):
        one.apply(one.plan(name), note)
    again = driver()
    again.apply(again.plan(name, failed))
    assert again.decide(again.read(name)).outcome is Outcome.PASS
    assert len(keys(kms)) == 1


@pytest.mark.parametrize("step", ALL)
def test_a_step_that_is_made_again_by_the_same_plan_leaves_a_spare_key_at_most(driver, bucket, kms, step):
    one, name = driver(), bucket()
    plan = one.plan(name)
    done: dict[str, Applied] = {}

    def note(applied):
        if applied.name == step and applied.progress == "waiting":
            raise Crash(step)
        done[applied.name] = copy(applied)

    with pytest.raises(Crash):
        apply(one.ask, plan.steps, done, note)
    apply(one.ask, plan.steps, done, lambda applied: None)
    assert driver().decide(one.read(name)).outcome is Outcome.PASS
    assert len(keys(kms)) == (2 if step == "create_key" else 1)


def test_every_step_but_the_making_of_a_key_may_be_made_twice(driver, bucket):
    one, name = driver(), bucket()
    plan = one.plan(name)
    applied = one.apply(plan)
    outputs = {"key_arn": applied[0].outputs["key_arn"]}
    state = one.read(name)
    for step in plan.steps[1:]:
        call = Call(step.call.service, step.call.operation, filled(step.call.parameters, outputs))
        with pytest.raises(AwsError) if step.already else nullcontext() as raised:
            one.make(call)
        assert raised is None or raised.value.code in step.already
    assert one.read(name) == state


@pytest.mark.parametrize("rules", [SSE_S3, None])
def test_undone_the_encryption_is_as_before_and_the_key_stays(driver, bucket, kms, rules):
    one, name = driver(), bucket(rules=rules)
    before = one.read(name)
    applied = one.apply(one.plan(name))
    one.undo(applied)
    after = one.read(name)
    assert after.item == before.item
    assert {**after.details, "keys": []} == before.details
    assert [applied.inverse is None for applied in applied] == [True, True, True, False]
    assert len(keys(kms)) == 1


def test_keys_that_others_make_or_delete_keep_nobody_from_undoing(driver, bucket, kms):
    one, name = driver(), bucket()
    before = one.read(name)
    applied = one.apply(one.plan(name))
    after = one.read(name)
    other = kms.create_key(**PLAIN)["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/opalite/s3-archive", TargetKeyId=other)
    kms.schedule_key_deletion(KeyId=applied[0].outputs["key_arn"].rpartition("/")[2])
    later = one.read(name)
    assert later.details["keys"] != after.details["keys"]
    assert ACTION.left(later.details) == ACTION.left(after.details) != ACTION.left(before.details)
    one.undo(applied)
    assert ACTION.left(one.read(name).details) == ACTION.left(before.details)


@pytest.mark.parametrize("change", ["encryption", "policy"])
def test_what_somebody_has_changed_of_the_encryption_or_the_policy_since_is_seen(driver, bucket, s3, change):
    one, name = driver(), bucket()
    one.apply(one.plan(name))
    after = one.read(name)
    if change == "policy":
        allow(s3, {"AWS": ACCOUNT})
    else:
        s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": SSE_S3})
    assert ACTION.left(one.read(name).details) != ACTION.left(after.details)


def test_a_key_that_people_made_is_used_and_left_as_it_is(driver, bucket, kms):
    arn = made_by_people(kms)
    one, name = driver(), bucket()
    plan = one.plan(name)
    assert names(plan) == ["encrypt_bucket"]
    one.apply(plan)
    assert driver().decide(one.read(name)).outcome is Outcome.PASS
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is False


def test_a_key_of_the_settings_is_looked_at_first(driver, bucket, kms):
    arn = kms.create_key(**PLAIN)["KeyMetadata"]["Arn"]
    one, name = driver(key_arn=arn), bucket()
    plan = one.plan(name)
    assert names(plan) == ["check_key", "encrypt_bucket"]
    one.apply(plan)
    assert driver().decide(one.read(name)).outcome is Outcome.PASS
    assert keys(kms) == [arn]


def test_a_disabled_key_of_the_settings_changes_nothing(driver, bucket, kms):
    arn = kms.create_key(**PLAIN)["KeyMetadata"]["Arn"]
    kms.disable_key(KeyId=arn.rpartition("/")[2])
    one, name = driver(key_arn=arn), bucket()
    before = one.read(name)
    with pytest.raises(Exception, match="check_key: it ended as a key that is not enabled"):
        one.apply(one.plan(name))
    assert one.read(name) == before


def test_a_disabled_key_behind_the_alias_is_told(driver, bucket, kms):
    arn = kms.create_key(**PLAIN)["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/opalite/s3", TargetKeyId=arn)
    kms.disable_key(KeyId=arn.rpartition("/")[2])
    plan = driver().plan(bucket())
    assert (plan.steps, plan.refusal) == ((), refused("KeyState Disabled"))


def test_a_key_as_kms_makes_it_is_not_relied_on(driver, bucket, kms):
    """Its policy leaves all to IAM, which lets few use a key."""
    kms.create_alias(AliasName="alias/opalite/s3", TargetKeyId=kms.create_key(**PLAIN)["KeyMetadata"]["Arn"])
    plan = driver().plan(bucket())
    assert plan.refusal == refused("its policy does not let everybody of the account use it through S3")


def test_a_key_that_was_tagged_by_somebody_is_passed_over(driver, bucket, kms):
    tags = [{"TagKey": TAG, "TagValue": "alias/opalite/s3"}]
    arn = kms.create_key(**PLAIN, Tags=tags)["KeyMetadata"]["Arn"]
    one, name = driver(), bucket()
    assert one.read(name).details["keys"] == []
    one.apply(one.plan(name))
    assert one.read(name).details["rules"][0]["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] != arn


def test_a_bucket_of_another_region_is_not_there(driver, bucket):
    one, name = driver(), bucket()
    with pytest.raises(Absent, match="not in us-east-1"):
        one.action.read(one.ask, replace(one.target(name), region="us-east-1"))


def test_the_role_has_what_is_called_and_nothing_else(driver, bucket):
    one, name = driver(), bucket()
    applied = one.apply(one.plan(name))
    one.read(name)
    one.undo(applied)
    # CreateKey with tags asks for it without being a call.
    assert one.called() | {"kms:TagResource"} == one.allowed()


def test_whoever_is_not_of_the_account_stands_in_the_way(driver, bucket, s3):
    one, name = driver(), bucket()
    allow(s3, {"AWS": "arn:aws:iam::444455556666:root"})
    plan = one.plan(name)
    assert plan.steps == ()
    assert plan.refusal == (
        "the bucket's policy (statement 1) lets arn:aws:iam::444455556666:root read or write objects, who could not use the "
        "key: let the key's policy name it; then tell it in prepared_principals"
    )


def test_who_was_prepared_does_not_stand_in_the_way(driver, bucket, s3, kms):
    reader = "arn:aws:iam::444455556666:root"
    made_by_people(kms, {"Effect": "Allow", "Principal": {"AWS": reader}, "Action": "kms:Decrypt", "Resource": "*"})
    name = bucket()
    allow(s3, {"AWS": reader})
    one = driver(prepared_principals={reader: "reads invoices"})
    one.apply(one.plan(name))
    assert driver().decide(one.read(name)).outcome is Outcome.PASS


def test_a_policy_for_the_own_account_does_not_stand_in_the_way(driver, bucket, s3):
    one, name = driver(), bucket()
    allow(s3, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/App"}, "s3:*")
    assert names(one.plan(name)) == ALL


def test_a_policy_that_cannot_be_read_stands_in_the_way(driver, bucket, s3):
    name = bucket()
    allow(s3, {"AWS": ACCOUNT}, Sometimes="yes")
    assert driver().plan(name).refusal.startswith("the bucket's policy cannot be told (malformed:")


def test_a_website_is_left_alone(driver, bucket, s3):
    name = bucket()
    s3.put_bucket_website(Bucket=name, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    assert driver().plan(name).refusal.startswith("the bucket is a website")


def test_replication_that_leaves_out_kms_is_left_alone(driver, bucket, s3):
    name, other = bucket(), bucket("copies.example.com")
    for each in (name, other):
        s3.put_bucket_versioning(Bucket=each, VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "all",
        "Status": "Enabled",
        "Priority": 1,
        "Prefix": "",
        "Destination": {"Bucket": f"arn:aws:s3:::{other}"},
    }
    configuration = {"Role": f"arn:aws:iam::{ACCOUNT}:role/Copy", "Rules": [rule]}
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=configuration)
    assert driver().plan(name).refusal.startswith("replication rule 'all' leaves out")


def test_acls_stand_in_the_way_unless_public_ones_are_ignored(driver, bucket, s3):
    name = bucket()
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    assert driver().plan(name).refusal.startswith("objects may be public")
    block = {
        "IgnorePublicAcls": True,
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "RestrictPublicBuckets": True,
    }
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert names(driver().plan(name)) == ALL


def test_acls_do_not_stand_in_the_way_where_the_account_ignores_public_ones(driver, bucket, s3):
    name = bucket()
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration={"IgnorePublicAcls": True}
    )
    assert names(driver().plan(name)) == ALL


def test_a_bucket_that_gets_access_logs_by_its_acl_is_left_alone(driver, bucket, s3):
    name = bucket()
    s3.put_bucket_acl(Bucket=name, ACL="log-delivery-write")
    assert driver().plan(name).refusal.startswith("the bucket receives server access logs by its ACL")


def test_a_bucket_that_is_gone_is_absent(driver):
    with pytest.raises(Absent, match="NoSuchBucket"):
        driver().read("gone.example.com")


def test_what_a_known_key_brings_about_is_told_beforehand(driver, bucket, kms):
    made_by_people(kms)
    one, name = driver(), bucket()
    told = simulated(one.read(name), one.plan(name))
    assert one.decide(told).outcome is Outcome.PASS
    one.apply(one.plan(name))
    assert one.read(name) == told


def test_of_a_key_that_is_still_to_be_made_nothing_is_told(driver, bucket):
    one, name = driver(), bucket()
    assert simulated(one.read(name), one.plan(name)) is None
