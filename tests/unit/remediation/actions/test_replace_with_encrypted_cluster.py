"""What people are told of a DB cluster."""

from __future__ import annotations

import re

import pytest
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.actions.replace_with_encrypted_cluster import ACTION
from opalite.remediation.model import Mode
from unit.remediation.actions.cases import found, target

NAME = re.compile(r"[a-z](?:-?[a-z0-9])*")
TARGET = target("aws.rds.dbcluster.encryption", "AWS::RDS::DBCluster", "cluster-LEDGEREXAMPLE000000000000")
FLAG = re.compile(r"--([a-z-]+)")


def plan(name="ledger", engine="aurora-postgresql", members=("ledger-1", "ledger-2")):
    details = {"DBClusterIdentifier": name, "Engine": engine, "members": list(members)}
    return ACTION.plan(found(ACTION, TARGET, details, key="alias/opalite/rds"))


def test_nothing_is_ever_changed():
    assert (plan().steps, plan().refusal, ACTION.most) == ((), "", Mode.PLAN)
    assert {action for permission in ACTION.permissions for action in permission.actions} == {
        "rds:DescribeDBClusters", "kms:DescribeKey", "kms:ListAliases",
    }  # fmt: skip


def test_the_commands_have_the_names_of_the_cluster():
    told = plan().instructions
    assert [text.split(" ", 1)[0] for text in told] == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    assert told[1] == (
        "2. aws rds create-db-cluster-snapshot --region eu-west-1 --db-cluster-identifier ledger "
        "--db-cluster-snapshot-identifier ledger-plain, and wait for it"
    )
    assert "--kms-key-id alias/opalite/rds" in told[2]
    assert "(ledger-1, ledger-2)" in told[3]


@pytest.mark.parametrize(("engine", "command"), [("neptune", "neptune"), ("docdb", "docdb"), ("aurora-mysql", "rds")])
def test_the_commands_are_those_of_the_service_and_exist(engine, command):
    model = get_session().get_service_model(command)
    said = 0
    for text in plan(engine=engine).instructions:
        for part in text.split(f"aws {command} ")[1:]:
            words = part.split(" ", 1)
            operation = "".join(word.capitalize() for word in words[0].split("-")).replace("Db", "DB")
            members = {_flag(name) for name in model.operation_model(operation).input_shape.members} | {"region"}
            assert set(FLAG.findall(words[1].split(", with the ")[0])) <= members
            said += 1
    assert said == 6


def _flag(name):
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def test_a_multi_az_cluster_makes_its_instances_itself():
    told = " ".join(plan(engine="mysql").instructions)
    assert "--db-cluster-instance-class" in told
    assert "create-db-instance" not in told


@given(st.from_regex(r"[a-z](?:-?[a-z0-9]){0,31}", fullmatch=True))
def test_names_are_of_the_form_that_rds_takes(name):
    told = re.findall(r"identifier ([a-z0-9-]+)", " ".join(plan(name).instructions))
    assert told
    assert [one for one in told if not NAME.fullmatch(one) or len(one) > 63] == []
