"""A DB cluster that is not encrypted as it should be: what a person has to do, with its names filled in. Nothing is changed.

A cluster has members, endpoints, replicas and global databases that hang together; only who runs it knows in which order they may go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Found, Permission
from opalite.remediation.model import Mode, Plan
from opalite.remediation.reading import rds

_NAME = "replace_with_encrypted_cluster"
_COMMANDS = {"neptune": "neptune", "docdb": "docdb"}  # of the command line, by engine; every other is of RDS
_LONGEST_NAME = 63

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "key": {
            "description": "ARN or alias of the KMS key that the commands name",
            "type": "string",
            "pattern": "^(?:arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:(?:key|alias)/|alias/)(?!aws/)[A-Za-z0-9/_-]{1,250}$",
            "default": "alias/opalite/rds",
        },
    },
}


def plan(found: Found) -> Plan:
    """Never has steps."""
    details = found.state.details
    return Plan(action=_NAME, instructions=tuple(_instructions(details, found.target.region, found.parameters["key"])))


def _instructions(details: Mapping[str, Any], region: str, key: str) -> Sequence[str]:
    name, engine = details["DBClusterIdentifier"], details["Engine"]
    new, old, snapshot = (_name(name, tail) for tail in ("-encrypted", "-original", "-plain"))
    aws = f"aws {_COMMANDS.get(engine, 'rds')}"
    at, cluster = f"--region {region}", "--db-cluster-identifier"
    is_multi_az = engine in {"mysql", "postgres"}  # a Multi-AZ DB cluster makes its instances itself
    told = [
        f"Stop all that writes to {name}: what is written after the snapshot is not in the new cluster",
        f"{aws} create-db-cluster-snapshot {at} {cluster} {name} --db-cluster-snapshot-identifier {snapshot}, and wait for it",
        (
            f"{aws} restore-db-cluster-from-snapshot {at} {cluster} {new} --snapshot-identifier {snapshot} --engine {engine} "
            f"--kms-key-id {key}, with the subnet group, security groups, parameter group, port, tags and log exports of {name}"
            f"{', and its --db-cluster-instance-class' if is_multi_az else ''}"
        ),
    ]
    if not is_multi_az:
        told.append(
            f"For each member ({', '.join(details['members']) or 'there is none'}): {aws} create-db-instance {at} {cluster} {new} "
            f"--engine {engine} --db-instance-identifier <another name> --db-instance-class <that of the member>"
        )
    told += [
        f"Compare the two by {aws} describe-db-clusters {at}; add roles, custom endpoints, scaling and replicas anew",
        (
            f"{aws} modify-db-cluster {at} {cluster} {name} --new-db-cluster-identifier {old} --apply-immediately; once that is done: "
            f"{aws} modify-db-cluster {at} {cluster} {new} --new-db-cluster-identifier {name} --apply-immediately; members likewise"
        ),
        f"Keep {old} until {name} has proved itself, then delete it and {snapshot}",
    ]
    return [f"{number}. {text}" for number, text in enumerate(told, 1)]


def _name(name: str, tail: str) -> str:
    return name[: _LONGEST_NAME - len(tail)].rstrip("-") + tail


ACTION = Action(
    name=_NAME,
    title="Tell how to replace the DB cluster by an encrypted one",
    resource_types=("AWS::RDS::DBCluster",),
    read=rds.read_cluster,
    plan=plan,
    most=Mode.PLAN,
    permissions=(
        Permission(["rds:DescribeDBClusters"], reason="it is found by a filter, as its name is not known before"),
        Permission(
            ["kms:DescribeKey"],
            ["arn:${AWS::Partition}:kms:*:*:key/*"],
            reason="the policy asks whose key it is; which key is for the cluster to say",
        ),
        Permission(["kms:ListAliases"], reason="a list; the policy asks under which names the key is known"),
    ),
    parameters=_PARAMETERS,
)
