"""DB instances and clusters as AWS tells them → their names, settings, and what stands in the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import jmespath
import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import Item
from opalite.normalize import resource
from opalite.ports import Absent
from opalite.remediation.model import Target
from opalite.remediation.reading import rds, rds_settings
from opalite.remediation.reading.rds import names

ACCOUNT, REGION, ID = "111122223333", "eu-west-1", "db-ORDERSEXAMPLE00000000000000"
ARNS = f"arn:aws:rds:{REGION}:{ACCOUNT}"
FORM = re.compile(r"[a-z](?:-?[a-z0-9])*")
INSTANCE = st.from_regex(r"[a-z](?:-?[a-z0-9]){0,31}", fullmatch=True)
LONG = "a" * 30 + "-" + "b" * 32


@given(INSTANCE)
def test_names_are_of_the_form_that_rds_takes_and_differ(name):
    named = names(name, ID)
    made = (named.plain, named.encrypted, named.new, named.original, named.undone)
    assert all(FORM.fullmatch(one) and len(one) <= 63 for one in made)
    assert len({name, *made}) == 6
    assert names(name, ID) == named
    assert not set(made) & set(vars_of(names(name, "db-OTHER000000000000000000000")))


def vars_of(named):
    return (named.plain, named.encrypted, named.new, named.original, named.undone)


def test_every_member_that_rds_tells_of_an_instance_is_carried_over_refused_or_its_own():
    """A new botocore may know new members: somebody has to decide what becomes of each."""
    members = get_session().get_service_model("rds").shape_for("DBInstance").members
    full = {name: [{"Name": "x"}] for name in members}
    assert [told for told in rds_settings.obstacles(full) if "nobody knows" in told] == []
    assert rds_settings.obstacles({"NewFeature": "on"}) == [
        "AWS tells NewFeature of it, and nobody knows how to carry that over: do it by hand"
    ]
    assert rds_settings.obstacles({"NewFeature": []}) == []


def test_every_parameter_is_one_of_the_operation_that_takes_it():
    model = get_session().get_service_model("rds")
    for operation, wanted in (
        ("RestoreDBInstanceFromDBSnapshot", {setting.restore for setting in rds_settings.SETTINGS} - {""}),
        ("ModifyDBInstance", {setting.modify for setting in rds_settings.SETTINGS} - {""}),
    ):
        assert set() < wanted <= model.operation_model(operation).input_shape.members.keys()


OBSTACLES = [
    ({"DBClusterIdentifier": "ledger"}, "it is a member of a DB cluster"),
    ({"ReadReplicaSourceDBInstanceIdentifier": "orders"}, "it is a read replica"),
    ({"ReadReplicaDBInstanceIdentifiers": ["copy"]}, "it has read replicas"),
    ({"DBInstanceAutomatedBackupsReplications": [{}]}, "its automated backups are replicated"),
    ({"AwsBackupRecoveryPointArn": "arn"}, "AWS Backup"),
    ({"MasterUserSecret": {"SecretArn": "arn"}}, "its password is kept by RDS"),
    ({"DomainMemberships": [{"Domain": "d-1"}]}, "a directory domain"),
    ({"AssociatedRoles": [{"RoleArn": "arn"}]}, "it has roles"),
    ({"ActivityStreamStatus": "started"}, "a database activity stream"),
    ({"TdeCredentialArn": "arn"}, "TDE"),
    ({"AutomationMode": "full"}, "RDS Custom"),
    ({"BackupTarget": "outposts"}, "on an Outpost"),
    ({"AdditionalStorageVolumes": [{}]}, "additional storage volumes"),
    ({"MultiTenant": True}, "not known to be carried over"),
    ({"DBSecurityGroups": [{}]}, "outside a VPC"),
    ({"DBCapacityReservationIdentifier": "x"}, "a capacity reservation"),
    ({"DBParameterGroups": [{"ParameterApplyStatus": "pending-reboot"}]}, "parameters wait for a reboot"),
]


@pytest.mark.parametrize(("members", "words"), OBSTACLES)
def test_what_cannot_be_carried_over_is_an_obstacle(members, words):
    [told] = rds_settings.obstacles(members)
    assert words in told


def test_what_is_off_is_none():
    quiet = {
        "ActivityStreamStatus": "stopped",
        "BackupTarget": "region",
        "DBParameterGroups": [{"ParameterApplyStatus": "in-sync"}],
    }
    assert rds_settings.obstacles(quiet) == []


def settings(**members):
    return rds_settings.settings({"DBInstanceClass": "db.m6g.large", **members})


@pytest.mark.parametrize(
    ("members", "given"),
    [
        (
            {"StorageType": "gp3", "AllocatedStorage": 100, "Iops": 3000, "StorageThroughput": 125},
            {"StorageType": "gp3"},
        ),
        (
            {"StorageType": "gp3", "AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500},
            {"StorageType": "gp3", "Iops": 12000, "StorageThroughput": 500},
        ),
        ({"StorageType": "io1", "AllocatedStorage": 100, "Iops": 1000}, {"StorageType": "io1", "Iops": 1000}),
        ({"StorageType": "gp2", "AllocatedStorage": 100}, {"StorageType": "gp2"}),
        ({"MultiAZ": True, "AvailabilityZone": "eu-west-1a"}, {"MultiAZ": True}),
        ({"MultiAZ": False, "AvailabilityZone": "eu-west-1a"}, {"MultiAZ": False, "AvailabilityZone": "eu-west-1a"}),
        ({"DBParameterGroups": [{"DBParameterGroupName": "default.postgres16"}]}, {}),
        ({"OptionGroupMemberships": [{"OptionGroupName": "default:postgres-16"}]}, {}),
        ({"OptionGroupMemberships": [{"OptionGroupName": "audit"}]}, {"OptionGroupName": "audit"}),
        (
            {"AutoMinorVersionUpgrade": False, "PubliclyAccessible": False},
            {"AutoMinorVersionUpgrade": False, "PubliclyAccessible": False},
        ),
        ({"EnabledCloudwatchLogsExports": []}, {}),
    ],
)
def test_only_what_rds_would_take_is_given_when_it_is_restored(members, given):
    assert rds_settings.restored(settings(**members)) == {"DBInstanceClass": "db.m6g.large", **given}


@pytest.mark.parametrize(
    ("members", "given"),
    [
        ({"BackupRetentionPeriod": 0, "MonitoringInterval": 0}, {"BackupRetentionPeriod": 0, "MonitoringInterval": 0}),
        ({"PerformanceInsightsEnabled": False, "PerformanceInsightsRetentionPeriod": 7}, {}),
        (
            {
                "PerformanceInsightsEnabled": True,
                "PerformanceInsightsRetentionPeriod": 7,
                "PerformanceInsightsKMSKeyId": "k",
            },
            {
                "EnablePerformanceInsights": True,
                "PerformanceInsightsRetentionPeriod": 7,
                "PerformanceInsightsKMSKeyId": "k",
            },
        ),
        ({"DatabaseInsightsMode": "standard"}, {}),
        ({"DatabaseInsightsMode": "advanced"}, {"DatabaseInsightsMode": "advanced"}),
        ({"DeletionProtection": False}, {"DeletionProtection": False}),
    ],
)
def test_what_is_changed_afterwards(members, given):
    assert rds_settings.modified(settings(**members)) == given


VALUES = st.fixed_dictionaries(
    {
        "MultiAZ": st.booleans(),
        "AvailabilityZone": st.sampled_from(["eu-west-1a", "eu-west-1b"]),
        "BackupRetentionPeriod": st.integers(0, 3),
        "DBName": st.sampled_from([None, "orders", "it's `new`\\\"x"]),
        "VpcSecurityGroups": st.lists(
            st.sampled_from([{"VpcSecurityGroupId": "sg-1"}, {"VpcSecurityGroupId": "sg-2"}]), max_size=2
        ),
        "EnabledCloudwatchLogsExports": st.lists(st.sampled_from(["audit", "error"]), max_size=2),
        "ProcessorFeatures": st.sampled_from([None, [], [{"Name": "coreCount", "Value": "2"}]]),
        "DeletionProtection": st.sampled_from([None, True, False]),
        "Endpoint": st.sampled_from([None, {"Port": 5432}]),
    }
)


@given(VALUES, VALUES)
def test_the_condition_that_is_waited_for_holds_exactly_where_nothing_differs(one, other):
    one_settings, other_settings = rds_settings.settings(one), rds_settings.settings(other)
    held = jmespath.search(rds_settings.equal(one_settings), other)
    assert bool(held) == (rds_settings.differing(one_settings, other_settings) == [])
    assert jmespath.search(rds_settings.equal(one_settings), one)


class Aws:
    """Answers by operation."""

    def __init__(self, **answers):
        self._answers = answers

    def __call__(self, service):
        return self

    def ask(self, operation, **parameters):
        answer = self._answers[operation]
        return answer(parameters) if callable(answer) else answer

    def pages(self, operation, **parameters):
        yield self.ask(operation, **parameters)


def target(kind, resource_id):
    return Target(
        policy_id="-", partition="aws", account_id=ACCOUNT, region=REGION, resource_type=kind, resource_id=resource_id
    )


def test_the_name_of_an_original_that_was_set_aside_is_told_by_its_tag_else_by_its_own_name():
    for name, tags, expected in (
        ("orders", [{"Key": "opalite:replaced-as", "Value": "orders"}], "orders"),
        ("orders", [], "orders"),
        (LONG, [{"Key": "opalite:replaced-as", "Value": LONG}], LONG),
    ):
        aside = names(name, ID).original
        arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{aside}"
        instance = {"DBInstanceIdentifier": aside, "DbiResourceId": ID, "DBInstanceArn": arn, "TagList": tags}
        aws = Aws(
            DescribeDBInstances={"DBInstances": [instance]},
            DescribeDBSnapshots={"DBSnapshots": []},
            DescribeDBProxies={"DBProxies": []},
            DescribeBlueGreenDeployments={"BlueGreenDeployments": []},
            ListAliases={
                "Aliases": [{"AliasName": "alias/other", "TargetKeyId": "1"}, {"AliasName": "alias/opalite/new"}]
            },
        )
        details = rds.read_instance(aws, target("AWS::RDS::DBInstance", ID)).details
        assert (details["name"], details["identifier"], details["aliases"]) == (expected, aside, {})


MADE, COPIED = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ({}, None),  # it is being made
        ({"SnapshotCreateTime": MADE, "OriginalSnapshotCreateTime": MADE}, MADE.isoformat()),
        ({"SnapshotCreateTime": COPIED, "OriginalSnapshotCreateTime": MADE}, MADE.isoformat()),
        ({"SnapshotCreateTime": COPIED}, ""),
    ],
)
def test_a_snapshot_is_as_old_as_its_data(told, at):
    named = names("orders", ID)
    instance = {"DBInstanceIdentifier": "orders", "DbiResourceId": ID, "DBInstanceArn": f"{ARNS}:db:orders"}
    snapshot = {
        "DBSnapshotIdentifier": named.plain,
        "DbiResourceId": "db-OTHER",
        "KmsKeyId": "k",
        "TagList": [],
        **told,
    }
    state = rds.read_instance(alone(instance, [snapshot]), target("AWS::RDS::DBInstance", ID))
    assert state.details["snapshots"] == {named.plain: {"tags": {}, "of": "db-OTHER", "key": "k", "at": at}}


def test_an_instance_has_the_id_of_aws_config_whichever_name_it_was_asked_by():
    instance = {"DBInstanceIdentifier": "orders", "DbiResourceId": ID, "DBInstanceArn": f"{ARNS}:db:orders"}
    for name in (ID, "orders"):
        state = rds.read_instance(alone(instance), target("AWS::RDS::DBInstance", name))
        assert state.item["resourceId"] == ID


def test_an_instance_of_another_region_is_not_there():
    arn = f"arn:aws:rds:us-east-1:{ACCOUNT}:db:orders"
    instance = {"DBInstanceIdentifier": "orders", "DbiResourceId": ID, "DBInstanceArn": arn}
    with pytest.raises(Absent):
        rds.read_instance(alone(instance), target("AWS::RDS::DBInstance", arn))


def alone(instance, snapshots=()):
    return Aws(
        DescribeDBInstances={"DBInstances": [instance]},
        DescribeDBSnapshots={"DBSnapshots": list(snapshots)},
        DescribeDBProxies={"DBProxies": []},
        DescribeBlueGreenDeployments={"BlueGreenDeployments": []},
        ListAliases={"Aliases": []},
    )


def test_a_cluster_is_read_as_config_spells_it():
    cluster = {
        "DBClusterIdentifier": "ledger",
        "DbClusterResourceId": "cluster-LEDGEREXAMPLE0000000000000",
        "DBClusterArn": f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:ledger",
        "DBClusterParameterGroup": "default.aurora-postgresql16",
        "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
        "Status": "available",
        "Engine": "aurora-postgresql",
        "EngineMode": "provisioned",
        "StorageEncrypted": False,
        "BackupRetentionPeriod": 7,
        "MultiAZ": True,
        "DeletionProtection": True,
        "IAMDatabaseAuthenticationEnabled": False,
        "CopyTagsToSnapshot": True,
        "DBSubnetGroup": "private",
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
        "DBClusterMembers": [{"DBInstanceIdentifier": "ledger-1", "IsClusterWriter": True}],
        "TagList": [{"Key": "owner", "Value": "books"}],
    }
    wanted = target("AWS::RDS::DBCluster", cluster["DbClusterResourceId"])
    state = rds.read_cluster(Aws(DescribeDBClusters={"DBClusters": [cluster]}), wanted)
    document = resource(Item({**state.item, "configurationItemCaptureTime": "2026-11-23T12:00:00Z"}, "test", None))
    assert document.unknown == []
    assert document.document["configuration"] == {
        "status": "available",
        "engine": "aurora-postgresql",
        "engine_mode": "provisioned",
        "storage_encrypted": False,
        "kms_key_id": None,
        "backup_retention_period": 7,
        "multi_az": True,
        "deletion_protection": True,
        "iam_database_authentication": False,
        "copy_tags_to_snapshot": True,
        "subnet_group": "private",
        "security_groups": ["sg-1"],
        "members": ["ledger-1"],
    }
    assert document.document["tags"] == {"owner": "books"}
    with pytest.raises(Absent):
        rds.read_cluster(Aws(DescribeDBClusters={"DBClusters": []}), wanted)
