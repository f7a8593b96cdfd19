"""An RDS DB instance, with what stands beside it of an earlier attempt to replace it; and a DB cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opalite.model import JsonObject
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask
from opalite.remediation.items import described, item, tag_map
from opalite.remediation.model import State, Target, digest
from opalite.remediation.reading.place import at_home
from opalite.remediation.reading.rds_settings import obstacles, settings

# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html: letters, digits and single hyphens
_LONGEST_NAME = 63
_DIGEST = 8

TAG_MADE = "opalite:remediation"  # on what we make: the DbiResourceId of the original
TAG_WRITES = "opalite:writes"  # on the snapshot: how writes were kept away while it was made
TAG_REPLACED = "opalite:replaced-as"  # on the original: the name that it had, which is that of the replacement
TAG_KEEP = "opalite:keep-days"  # on the original: how long it is kept, from when the replacement was made
ALIASES = "alias/opalite/"  # of the keys that may be meant; any other key is named by its ARN
TAGS = frozenset({TAG_MADE, TAG_WRITES, TAG_REPLACED, TAG_KEEP})

_RESOURCE_ID = re.compile(r"(?:db|cluster)-[A-Z0-9]+")  # a name has no capitals
_CAPITALS = re.compile(r"[A-Z]+")
_MEMBERS = "DBClusterMembers"


@dataclass(frozen=True, slots=True)
class Names:
    """Of everything that there is while an instance is replaced; the same whenever they are asked for."""

    instance: str  # of the original, afterwards of the replacement
    plain: str  # the snapshot
    encrypted: str  # its copy
    new: str  # the replacement, until it takes the name of the original
    original: str  # the original, once it is set aside
    undone: str  # the last snapshot of a replacement that was taken back


def names(instance: str, resource_id: str) -> Names:
    """`resource_id`: DbiResourceId of the original, which never changes."""
    made = {
        word: _name(instance, f"-opalite-{word}-{digest(resource_id)[:_DIGEST]}")
        for word in ("plain", "encrypted", "new", "original", "undone")
    }
    return Names(instance, **made)


def read_instance(ask: Ask, target: Target) -> State:
    """By DbiResourceId, as AWS Config has it, or by name. Raises Absent."""
    rds = ask("rds")
    key = "dbi-resource-id" if _RESOURCE_ID.fullmatch(target.resource_id) else "db-instance-id"
    found = _instances(rds, key, target.resource_id)
    if not found:
        raise Absent("DBInstanceNotFound")
    instance = found[0]
    return State(_item(target, instance), _details(ask, rds, instance))


def read_cluster(ask: Ask, target: Target) -> State:
    """By DbClusterResourceId, as AWS Config has it, or by name. Raises Absent."""
    key = "db-cluster-resource-id" if _RESOURCE_ID.fullmatch(target.resource_id) else "db-cluster-id"
    answer = ask("rds").ask("DescribeDBClusters", Filters=[{"Name": key, "Values": [target.resource_id]}])
    if not answer["DBClusters"]:
        raise Absent("DBClusterNotFoundFault")
    cluster = answer["DBClusters"][0]
    body = item(
        replace(target, resource_id=cluster["DbClusterResourceId"]),
        configuration=_cluster_configuration(cluster),
        arn=at_home(target, cluster["DBClusterArn"]),
        name=cluster["DBClusterIdentifier"],
        tags=tag_map(cluster.get("TagList")),
    )
    told = ("DBClusterIdentifier", "DbClusterResourceId", "Engine", "EngineMode", "StorageEncrypted", "KmsKeyId")
    members = cluster.get(_MEMBERS, ())
    details: JsonObject = {name: cluster.get(name) for name in told}
    details["members"] = sorted(member["DBInstanceIdentifier"] for member in members)
    return State(body, details)


def _item(target: Target, instance: Mapping[str, Any]) -> JsonObject:
    return item(
        replace(target, resource_id=instance["DbiResourceId"]),
        configuration=described({name: value for name, value in instance.items() if name != "TagList"}),
        arn=at_home(target, instance["DBInstanceArn"]),
        name=instance["DBInstanceIdentifier"],
        tags=tag_map(instance.get("TagList")),
    )


def _details(ask: Ask, rds: Service, instance: Mapping[str, Any]) -> JsonObject:
    resource_id, identifier = instance["DbiResourceId"], instance["DBInstanceIdentifier"]
    tags = tag_map(instance.get("TagList"))
    named = names(_name_before(identifier, resource_id, tags), resource_id)
    others = {
        other["DBInstanceIdentifier"]: other
        for other in _instances(rds, "db-instance-id", named.instance, named.new, named.original)
        if other["DbiResourceId"] != resource_id
    }
    wanted = [{"Name": "db-snapshot-id", "Values": [named.plain, named.encrypted, named.undone]}]
    snapshots = {
        snapshot["DBSnapshotIdentifier"]: _snapshot(snapshot)
        for snapshot in rds.ask("DescribeDBSnapshots", Filters=wanted)["DBSnapshots"]
    }
    return {
        "resource_id": resource_id,
        "identifier": identifier,
        "arn": instance["DBInstanceArn"],
        "name": named.instance,
        "encrypted": bool(instance.get("StorageEncrypted")),
        "key": instance.get("KmsKeyId"),
        "tags": tags,
        "settings": settings(instance),
        "obstacles": obstacles(instance) + _users(rds, instance),
        "aliases": _aliases(ask),
        "snapshots": snapshots,
        "others": {name: _other(other) for name, other in others.items()},
    }


def _snapshot(snapshot: Mapping[str, Any]) -> JsonObject:
    """`of`: whose data it holds. `at`: since when, whoever copied it later; None while it is being made, empty if nobody knows."""
    made_at = snapshot.get("OriginalSnapshotCreateTime")
    being_made = snapshot.get("SnapshotCreateTime") is None
    return {
        "tags": tag_map(snapshot.get("TagList")),
        "of": snapshot.get("DbiResourceId"),
        "key": snapshot.get("KmsKeyId"),
        "at": made_at.isoformat() if made_at else None if being_made else "",
    }


def _other(instance: Mapping[str, Any]) -> JsonObject:
    return {
        "resource_id": instance["DbiResourceId"],
        "key": instance.get("KmsKeyId") if instance.get("StorageEncrypted") else None,
        "tags": tag_map(instance.get("TagList")),
        "settings": settings(instance),
    }


def _users(rds: Service, instance: Mapping[str, Any]) -> list[str]:
    """What knows the instance by its resource id, and would stay with the original."""
    name = instance["DBInstanceIdentifier"]
    told = [
        f"it is a target of the RDS Proxy {proxy}: deregister it, and register the replacement"
        for proxy in _proxies(rds)
        for page in rds.pages("DescribeDBProxyTargets", DBProxyName=proxy)
        for target in page["Targets"]
        if target.get("RdsResourceId") == name
    ]
    source = [{"Name": "source", "Values": [instance["DBInstanceArn"]]}]
    if rds.ask("DescribeBlueGreenDeployments", Filters=source)["BlueGreenDeployments"]:
        told.append("it is the source of a blue/green deployment: switch over or delete that first")
    return told


def _proxies(rds: Service) -> list[str]:
    return [proxy["DBProxyName"] for page in rds.pages("DescribeDBProxies") for proxy in page["DBProxies"]]


def _aliases(ask: Ask) -> dict[str, str]:
    """Key ids by alias. All aliases of an account would be a state that others change."""
    return {
        alias["AliasName"]: alias["TargetKeyId"]
        for page in ask("kms").pages("ListAliases")
        for alias in page["Aliases"]
        if alias.get("TargetKeyId") and alias["AliasName"].startswith(ALIASES)
    }


def _instances(rds: Service, key: str, *values: str) -> list[Mapping[str, Any]]:
    filters = [{"Name": key, "Values": list(dict.fromkeys(values))}]
    return list(rds.ask("DescribeDBInstances", Filters=filters)["DBInstances"])


def _name_before(identifier: str, resource_id: str, tags: Mapping[str, str]) -> str:
    """The name of the original before it was set aside."""
    if identifier != names(tags.get(TAG_REPLACED, identifier), resource_id).original:
        tail = names("x", resource_id).original.removeprefix("x")
        return identifier.removesuffix(tail)  # if the tag is gone, all but a very long name is known all the same
    return tags.get(TAG_REPLACED, identifier)


def _name(instance: str, tail: str) -> str:
    return instance[: _LONGEST_NAME - len(tail)].rstrip("-") + tail


def _cluster_configuration(cluster: Mapping[str, Any]) -> JsonObject:
    """AWS Config makes all leading capitals of a cluster's names small: dbclusterIdentifier."""
    body = {_spelt(name): described(value) for name, value in cluster.items() if name not in {"TagList", _MEMBERS}}
    members = [{_spelt(name): value for name, value in one.items()} for one in cluster.get(_MEMBERS, ())]
    return body | {_spelt(_MEMBERS): members}


def _spelt(name: str) -> str:
    return _CAPITALS.sub(lambda capitals: capitals[0].lower(), name, count=1) if name[:1].isupper() else name
