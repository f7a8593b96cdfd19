"""replace_with_encrypted_instance in moto's AWS with RDS's delays, judged by the real OPA before and after."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from types import SimpleNamespace

import pytest
from moto.kms import kms_backends
from moto.rds import rds_backends

from integration.remediation.driver import ACCOUNT, REGION, Crash, client
from integration.remediation.driver_rds import Driver, Kept, resource_id, sessions
from opalite.errors import AwsError
from opalite.model import Outcome
from opalite.ports import Absent
from opalite.remediation.actions.replace_with_encrypted_instance import ACTION
from opalite.remediation.applying import BUSY_SECONDS, StepError
from opalite.remediation.reading.rds import names
from opalite.remediation.taking_back import taken_back

POLICY = "aws.rds.dbinstance.encryption"
ID = resource_id("orders")
NAMES = names("orders", ID)
ALL = ["snapshot", "copy", "restore", "settings", "mark", "set_aside", "take_name", "protect"]
CHANGES = {
    "AddTagsToResource", "CopyDBSnapshot", "CreateDBSnapshot", "DeleteDBInstance", "DeleteDBSnapshot", "ModifyDBInstance",
    "RemoveTagsFromResource", "RestoreDBInstanceFromDBSnapshot",
}  # fmt: skip
GONE = {"snapshot", "copy"}  # steps whose snapshots people have deleted
TAGS = [{"Key": "owner", "Value": "shop"}, {"Key": "opalite:keep", "Value": "yes"}]


@pytest.fixture
def key(aws):
    kms = client("kms")
    made = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/opalite/rds", TargetKeyId=made["KeyId"])
    return made["Arn"]


@pytest.fixture
def rds(aws):
    ec2, rds = client("ec2"), client("rds")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for number, zone in enumerate("ab")
    ]
    ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    rds.create_db_subnet_group(DBSubnetGroupName="private", DBSubnetGroupDescription="-", SubnetIds=ids)
    rds.create_db_parameter_group(DBParameterGroupName="tuned", DBParameterGroupFamily="postgres16", Description="-")
    return rds


def create(rds, name="orders", **other):
    """With nothing left as RDS would have it."""
    group = client("ec2").create_security_group(GroupName=f"group of {name}", Description="-")["GroupId"]
    settings = {
        "DBInstanceIdentifier": name,
        "Engine": "postgres",
        "EngineVersion": "16.3",
        "DBInstanceClass": "db.m6g.large",
        "AllocatedStorage": 100,
        "MaxAllocatedStorage": 400,
        "StorageType": "gp3",
        "MasterUsername": "boss",
        "MasterUserPassword": "not-a-secret",
        "DBName": "orders",
        "DBSubnetGroupName": "private",
        "DBParameterGroupName": "tuned",
        "VpcSecurityGroupIds": [group],
        "AvailabilityZone": "eu-west-1b",
        "Port": 6432,
        "PubliclyAccessible": False,
        "LicenseModel": "postgresql-license",
        "BackupRetentionPeriod": 14,
        "PreferredBackupWindow": "02:00-02:30",
        "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
        "MonitoringInterval": 60,
        "MonitoringRoleArn": f"arn:aws:iam::{ACCOUNT}:role/monitoring",
        "EnableIAMDatabaseAuthentication": True,
        "CopyTagsToSnapshot": True,
        "AutoMinorVersionUpgrade": False,
        "EnableCloudwatchLogsExports": ["postgresql"],
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "DeletionProtection": True,
        "Tags": TAGS,
        **other,
    }
    rds.create_db_instance(**settings)
    database = rds_backends[ACCOUNT][REGION].databases[name]
    database.dbi_resource_id = resource_id(name)
    database.performance_insights_enabled = True
    database.performance_insights_retention_period = 93
    return resource_id(name)


@pytest.fixture
def driver(aws, engine, catalog):
    def made(looks=2, **given):
        return Driver(ACTION, POLICY, engine, catalog, given, looks)

    return made


def told(rds):
    """All there is, but for what is of the moment."""
    instances = {}
    for instance in rds.describe_db_instances()["DBInstances"]:
        del instance["LatestRestorableTime"]
        instances[instance["DBInstanceIdentifier"]] = instance
    snapshots = sorted(
        snapshot["DBSnapshotIdentifier"] for snapshot in rds.describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    )
    return instances, snapshots


def changes(driver):
    return [call.operation for call in driver.rds.calls if call.operation in CHANGES]


def dies(driven, when, at):
    """The process is gone "before" or "after" the first call that `at` is true of; for whoever goes on all is well."""

    def die(call):
        if at(call):
            setattr(driven.rds, when, None)
            raise Crash

    setattr(driven.rds, when, die)


def takes_name(call):
    """Whether the replacement gets its name, the last of the two."""
    return call.parameters.get("NewDBInstanceIdentifier") == "orders"


SAME = (
    "AllocatedStorage", "AutoMinorVersionUpgrade", "AvailabilityZone", "BackupRetentionPeriod", "CACertificateIdentifier",
    "CopyTagsToSnapshot", "DBInstanceClass", "DBName", "DBParameterGroups", "DBSubnetGroup", "DeletionProtection",
    "EnabledCloudwatchLogsExports", "Endpoint", "Engine", "EngineVersion", "IAMDatabaseAuthenticationEnabled", "LicenseModel",
    "MasterUsername", "MaxAllocatedStorage", "MonitoringInterval", "MonitoringRoleArn", "MultiAZ", "OptionGroupMemberships",
    "PreferredBackupWindow", "PreferredMaintenanceWindow", "PubliclyAccessible", "StorageType", "VpcSecurityGroups",
)  # fmt: skip


@pytest.mark.parametrize("writes", ["asked", "cut"])
@pytest.mark.parametrize("protected", [True, False])
def test_an_instance_is_replaced_by_an_encrypted_one_of_the_same_name_and_settings(rds, key, driver, writes, protected):
    create(rds, DeletionProtection=protected)
    create(rds, "ledger")
    before, _ = told(rds)
    driven = driver(writes=writes)
    assert driven.outcome(ID) is Outcome.FAIL
    plan = driven.plan(ID)
    last = [] if protected else ["protect"]
    asked = ["snapshot", "copy", "restore", "settings", "mark", "set_aside", "take_name", *last]
    cut = ["mark", "set_aside", "snapshot", "copy", "restore", "settings", "take_name", *last]
    assert [step.name for step in plan.steps] == (asked if writes == "asked" else cut)
    assert plan.successor == "orders"
    driven.carry_out(driven.attempt(ID, plan))

    assert driven.outcome("orders") is Outcome.PASS
    after, snapshots = told(rds)
    new, old = after["orders"], after[NAMES.original]
    assert {name: new[name] for name in SAME} == {name: before["orders"][name] for name in SAME}
    assert (new["StorageEncrypted"], new["KmsKeyId"]) == (True, key)
    assert new["DbiResourceId"] != ID
    assert new["TagList"] == [
        {"Key": "opalite:keep", "Value": "yes"},
        {"Key": "opalite:remediation", "Value": ID},
        TAGS[0],
    ]
    assert (old["DbiResourceId"], old["DeletionProtection"], old["StorageEncrypted"]) == (ID, True, False)
    assert old["TagList"] == [
        *TAGS, {"Key": "opalite:keep-days", "Value": "30"}, {"Key": "opalite:replaced-as", "Value": "orders"},
    ]  # fmt: skip
    assert after["ledger"] == before["ledger"]
    assert snapshots == [NAMES.encrypted, NAMES.plain]
    backend = rds_backends[ACCOUNT][REGION].databases["orders"]
    assert (backend.performance_insights_enabled, backend.performance_insights_retention_period) == (True, 93)


def test_the_original_fails_as_before_and_its_second_plan_only_says_what_people_have_to_do(rds, key, driver):
    create(rds)
    driven = driver()
    driven.mend(ID)
    plan = driven.plan(ID)
    assert (plan.steps, plan.refusal, plan.successor) == ((), "", None)
    [told] = plan.instructions
    assert f"--db-instance-identifier {NAMES.original} --skip-final-snapshot" in told
    assert "Exempt it until 2026-12-23" in told


@pytest.mark.slow
@pytest.mark.parametrize("writes", ["asked", "cut"])
@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("when", ["before", "after"])
def test_another_attempt_goes_on_after_a_crash_at_any_call(rds, key, driver, writes, number, when):
    create(rds, DeletionProtection=False)
    first = driver(looks=1, writes=writes)
    dies(first, when, lambda _: len(changes(first)) == number + 1)
    with pytest.raises(Crash):
        first.carry_out(first.attempt(ID))
    made = changes(first)[: number + (when == "after")]

    second = driver(looks=1, writes=writes)
    second.rds.take_over(first.rds)
    second.mend(ID)
    assert second.outcome("orders") is Outcome.PASS
    assert sorted(made + changes(second)) == sorted(expected_changes())
    assert set(told(rds)[0]) == {"orders", NAMES.original}


def expected_changes():
    return [
        "AddTagsToResource", "CopyDBSnapshot", "CreateDBSnapshot", "ModifyDBInstance", "ModifyDBInstance", "ModifyDBInstance",
        "ModifyDBInstance", "RestoreDBInstanceFromDBSnapshot",
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(8))
def test_the_same_attempt_goes_on_after_a_crash_between_a_call_and_its_note(rds, key, driver, number):
    """The step is asked for again. Where AWS is still changing a name it refuses, and the next attempt goes on."""
    create(rds, DeletionProtection=False)
    driven = driver()
    dies(driven, "after", lambda _: len(changes(driven)) == number + 1)
    kept = Kept(driven.attempt(ID))
    with pytest.raises(Crash):
        for _ in range(200):
            driven.one_round(kept)
    driven.rds.settle()
    for _ in range(200):
        if driven.one_round(kept) is None:
            break
    assert driven.outcome("orders") is Outcome.PASS
    assert set(told(rds)[0]) == {"orders", NAMES.original}


def test_a_name_that_is_changing_is_waited_for_by_the_next_attempt(rds, key, driver):
    create(rds)
    driven = driver()
    dies(driven, "after", lambda call: "NewDBInstanceIdentifier" in call.parameters)
    kept = Kept(driven.attempt(ID))
    with pytest.raises(Crash):
        for _ in range(200):
            driven.one_round(kept)
    assert driven.one_round(kept) == BUSY_SECONDS
    driven.rds.settle()
    while driven.one_round(kept) is not None:
        driven.rds.settle()
    assert driven.outcome("orders") is Outcome.PASS


@pytest.mark.parametrize("protected", [True, False])
def test_undoing_brings_back_exactly_the_original(rds, key, driver, protected):
    create(rds, DeletionProtection=protected)
    before = told(rds)[0]
    driven = driver()
    driven.undo(*driven.mend(ID))
    assert told(rds) == (before, [NAMES.undone])
    assert driven.outcome(ID) is Outcome.FAIL
    assert NAMES.undone in driven.plan(ID).refusal


def test_with_cut_undoing_gives_the_name_back_and_leaves_the_rest_to_people(rds, key, driver):
    create(rds)
    before = told(rds)[0]
    driven = driver(writes="cut")
    driven.undo(*driven.mend(ID))
    instances, snapshots = told(rds)
    assert instances.pop(NAMES.new)["KmsKeyId"] == key
    assert (instances, snapshots) == (before, [NAMES.encrypted, NAMES.plain])
    assert f"delete {NAMES.new}, {NAMES.plain}, {NAMES.encrypted} and begin anew" in driven.plan(ID).refusal


@pytest.mark.parametrize("number", range(1, 6))
def test_undoing_an_attempt_that_went_on_takes_back_what_the_one_before_had_made(rds, key, driver, number):
    create(rds)
    before = told(rds)[0]
    driven = driver()
    dies(driven, "before", lambda _: len(changes(driven)) == number + 1)
    with pytest.raises(Crash):
        driven.carry_out(driven.attempt(ID))
    driven.rds.settle()
    attempts = driven.mend(ID)
    driven.undo(*attempts)
    assert told(rds) == (before, [NAMES.undone])


def test_a_later_attempt_that_fails_gives_the_original_its_name_back_at_once(rds, key, driver):
    create(rds)
    before = told(rds)[0]
    first, second = driver(), driver()

    def refuse(call):
        if call.operation == "ModifyDBInstance" and call.parameters["DBInstanceIdentifier"] == NAMES.new:
            raise AwsError("rds:ModifyDBInstance: no", "InvalidParameterCombination")

    dies(first, "before", takes_name)
    second.rds.before = refuse
    with pytest.raises(Crash):
        first.carry_out(first.attempt(ID))
    second.rds.take_over(first.rds)
    kept = Kept(second.attempt(ID))
    with pytest.raises(StepError, match="take_name"):
        for _ in range(60):
            second.one_round(kept)
    waiting = SimpleNamespace(remaining=lambda: 900.0, sleep=lambda _: second.rds.settle())
    back = taken_back(waiting, second.ask, kept.attempt.applied)
    assert (back.problem, back.left) == ("", ())
    instances, snapshots = told(rds)
    assert (set(instances), snapshots) == ({"orders", NAMES.new}, [NAMES.encrypted, NAMES.plain])
    assert instances["orders"]["DbiResourceId"] == before["orders"]["DbiResourceId"]


def test_the_replacement_keeps_its_key_when_a_later_attempt_is_given_another(rds, key, driver):
    """Half-way there is no other way than on."""
    create(rds)
    first = driver()
    dies(first, "before", takes_name)
    with pytest.raises(Crash):
        first.carry_out(first.attempt(ID))
    other = client("kms").create_key()["KeyMetadata"]["Arn"]
    second = driver(key_arn=other)
    second.rds.take_over(first.rds)
    second.mend(ID)
    assert told(rds)[0]["orders"]["KmsKeyId"] == key


def test_names_are_not_swapped_before_all_settings_are_the_same(rds, key, driver):
    create(rds)
    driven = driver()

    def forget(call):
        if call.operation == "ModifyDBInstance" and "BackupRetentionPeriod" in call.parameters:
            rds_backends[ACCOUNT][REGION].databases[NAMES.new].backup_retention_period = 3

    driven.rds.after = forget
    kept = Kept(driven.attempt(ID))
    assert [driven.one_round(kept) for _ in range(60)][-1] == 30
    assert set(told(rds)[0]) == {"orders", NAMES.new}
    rds_backends[ACCOUNT][REGION].databases[NAMES.new].backup_retention_period = 14
    driven.carry_out(kept.attempt)
    assert driven.outcome("orders") is Outcome.PASS


def test_a_replacement_that_breaks_ends_the_attempt_before_the_original_is_touched(rds, key, driver):
    create(rds)
    driven = driver()
    kept = Kept(driven.attempt(ID))

    def broken(call):
        if call.operation == "RestoreDBInstanceFromDBSnapshot":
            driven.rds.settle()
            rds_backends[ACCOUNT][REGION].databases[NAMES.new].status = "incompatible-network"

    driven.rds.after = broken
    with pytest.raises(StepError, match="restore: it ended as incompatible-network 1"):
        for _ in range(60):
            driven.one_round(kept)
    assert told(rds)[0]["orders"]["DbiResourceId"] == ID


def test_nothing_is_made_when_the_policy_would_not_take_the_key(rds, key, driver):
    create(rds)
    kms = client("kms")
    of_aws = kms.create_key()["KeyMetadata"]
    kms_backends[ACCOUNT][REGION].keys[of_aws["KeyId"]].key_manager = "AWS"
    plan = driver(key_arn=of_aws["Arn"]).plan(ID)
    assert plan.steps == ()
    assert "required is a customer managed KMS key" in plan.refusal


def test_an_instance_with_the_key_of_aws_gets_another(rds, key, driver):
    kms = client("kms")
    of_aws = kms.create_key()["KeyMetadata"]
    kms_backends[ACCOUNT][REGION].keys[of_aws["KeyId"]].key_manager = "AWS"
    create(rds, StorageEncrypted=True, KmsKeyId=of_aws["Arn"])
    driven = driver()
    assert driven.outcome(ID) is Outcome.FAIL
    driven.mend(ID)
    assert driven.outcome("orders") is Outcome.PASS
    assert told(rds)[0]["orders"]["KmsKeyId"] == key


def test_without_a_key_the_refusal_says_how_to_make_one(rds, driver):
    create(rds)
    plan = driver().plan(ID)
    assert plan.steps == ()
    assert "aws kms create-alias --region eu-west-1 --alias-name alias/opalite/rds" in plan.refusal


def test_what_is_gone_is_absent(rds, driver):
    with pytest.raises(Absent):
        driver().read(ID)
    with pytest.raises(Absent):
        driver().read("orders")


def test_an_instance_behind_a_proxy_or_with_a_blue_green_deployment_is_refused(rds, key, driver):
    create(rds)
    rds.create_db_proxy(
        DBProxyName="pool", EngineFamily="POSTGRESQL", Auth=[{"AuthScheme": "SECRETS"}], RoleArn=f"arn:aws:iam::{ACCOUNT}:role/proxy",
        VpcSubnetIds=[subnet["SubnetIdentifier"] for subnet in told(rds)[0]["orders"]["DBSubnetGroup"]["Subnets"]],
    )  # fmt: skip
    rds.register_db_proxy_targets(DBProxyName="pool", DBInstanceIdentifiers=["orders"])
    rds.create_blue_green_deployment(
        BlueGreenDeploymentName="upgrade", Source=told(rds)[0]["orders"]["DBInstanceArn"], TargetEngineVersion="16.4"
    )
    assert driver(looks=0).plan(ID).refusal == (
        "it is a target of the RDS Proxy pool: deregister it, and register the replacement; "
        "it is the source of a blue/green deployment: switch over or delete that first"
    )


def test_aliases_and_snapshots_of_others_keep_nobody_from_undoing(rds, key, driver):
    create(rds)
    driven = driver(looks=0)
    before = ACTION.left(driven.read(ID).details)
    attempts = driven.mend(ID)
    after = driven.read("orders").details
    kms = client("kms")
    kms.create_alias(AliasName="alias/opalite/s3", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    for name in (NAMES.plain, NAMES.encrypted):
        rds.delete_db_snapshot(DBSnapshotIdentifier=name)
    later = driven.read("orders").details
    assert later != after
    assert ACTION.left(later) == ACTION.left(after)
    driven.undo(*(replace(one, applied=[step for step in one.applied if step.name not in GONE]) for one in attempts))
    assert ACTION.left(driven.read(ID).details) == {**before, "snapshots": {NAMES.undone: {}}}


@pytest.mark.parametrize("changed", [{"BackupRetentionPeriod": 7}, {"NewDBInstanceIdentifier": "orders-2"}])
def test_what_somebody_has_changed_of_the_replacement_since_is_seen(rds, key, driver, changed):
    create(rds)
    driven = driver(looks=0)
    driven.mend(ID)
    after = driven.read("orders")
    rds.modify_db_instance(DBInstanceIdentifier="orders", ApplyImmediately=True, **changed)
    later = driven.read(after.item["resourceId"])
    assert ACTION.left(later.details) != ACTION.left(after.details)


IMPLIED = {"kms:CreateGrant", "kms:DescribeKey", "iam:PassRole"}  # of RDS on our behalf, and of the policy's fact


def test_the_permissions_are_those_of_the_calls_that_are_made(rds, key, driver):
    create(rds, DeletionProtection=False)
    create(rds, "ledger")
    subnets = [subnet["SubnetIdentifier"] for subnet in told(rds)[0]["orders"]["DBSubnetGroup"]["Subnets"]]
    rds.create_db_proxy(
        DBProxyName="pool",
        EngineFamily="POSTGRESQL",
        Auth=[{"AuthScheme": "SECRETS"}],
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/proxy",
        VpcSubnetIds=subnets,
    )
    rds.register_db_proxy_targets(DBProxyName="pool", DBInstanceIdentifiers=["ledger"])
    driven = driver()
    before = Counter(sessions().calls.counts())
    driven.undo(*driven.mend(ID))
    called = set(Counter(sessions().calls.counts()) - before)
    assert called == driven.allowed() - IMPLIED
    made = [call for call in driven.rds.calls if call.operation in CHANGES]
    assert {call.operation for call in made} == CHANGES
    assert [call for call in made if not allowed(call)] == []


def allowed(call):
    """Whether it names something, each a resource of a statement for the call, and its tags are among those it may set."""
    things = list(named(call))
    return bool(things) and all(
        any(_allows(permission, call, action, arn) for permission in ACTION.permissions) for action, arn in things
    )


def named(call):
    """IAM action and ARN."""
    action, home = f"rds:{call.operation}", f"arn:aws:rds:{REGION}:{ACCOUNT}"
    for name, value in call.parameters.items():
        if name == "DBInstanceIdentifier":
            yield action, f"{home}:db:{value}"
        elif name == "FinalDBSnapshotIdentifier":
            yield "rds:CreateDBSnapshot", f"{home}:snapshot:{value}"
        elif name.endswith("DBSnapshotIdentifier"):
            yield action, f"{home}:snapshot:{value}"
        elif name == "ResourceName":
            yield action, value


def _allows(permission, call, action, arn):
    patterns = [
        pattern.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)
        for pattern in permission.resources
    ]
    if action not in permission.actions or not any(fnmatchcase(arn, pattern) for pattern in patterns):
        return False
    keys = permission.conditions.get("ForAllValues:StringEquals", {}).get("aws:TagKeys")
    given = [tag["Key"] for tag in call.parameters.get("Tags", ())] + call.parameters.get("TagKeys", [])
    return keys is None or set(given) <= set(keys)


def test_an_error_of_the_first_call_leaves_everything_as_it_was(rds, key, driver):
    create(rds)
    before = told(rds)
    driven = driver()

    def refuse(call):
        if call.operation == "CreateDBSnapshot":
            raise AwsError("rds:CreateDBSnapshot: too many", "SnapshotQuotaExceeded")

    driven.rds.before = refuse
    with pytest.raises(StepError, match="snapshot: rds:CreateDBSnapshot: too many"):
        driven.carry_out(driven.attempt(ID))
    assert told(rds) == before
