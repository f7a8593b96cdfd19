"""What AWS's runbooks mend: each resource as far as the policies need it that a runbook can make pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Absent, Service
from opalite.remediation.action import Ask, Permission
from opalite.remediation.items import described, item
from opalite.remediation.model import State, Target
from opalite.remediation.reading import anything, loadbalancer
from opalite.remediation.reading.place import BUCKET_PERMISSION, at_home, bucket_at_home

_ACCOUNT = "*:${AWS::AccountId}"
_GONE = frozenset({"ClusterNotFound", "NotFound", "TrailNotFoundException"})
_NEVER_SET = frozenset({"NoSuchBucketPolicy", "NoSuchPublicAccessBlockConfiguration"})
_TABLE_NAMES = {"sSEDescription": "ssedescription", "sSEType": "ssetype", "kMSMasterKeyArn": "kmsmasterKeyArn"}


class Reading(NamedTuple):
    """How a type is read, and what that takes beside the tags."""

    read: Callable[[Ask, Target], State]
    permissions: tuple[Permission, ...]


def bucket(ask: Ask, target: Target) -> State:
    """Its policy, and whether public access is blocked."""
    s3, name = ask("s3"), target.resource_id
    named = bucket_at_home(s3, target)
    policy = _if_set(s3, "GetBucketPolicy", **named).get("Policy")
    block = _if_set(s3, "GetPublicAccessBlock", **named).get("PublicAccessBlockConfiguration")
    arn = f"arn:{target.partition}:s3:::{name}"
    supplementary = {"BucketPolicy": {"policyText": policy}, "PublicAccessBlockConfiguration": described(block)}
    return _state(ask, target, {"name": name}, arn, {"policy": policy, "block": block}, supplementary)


def database(ask: Ask, target: Target) -> State:
    """Whether it is publicly accessible."""
    filters = [{"Name": "dbi-resource-id", "Values": [target.resource_id]}]
    found = ask("rds").ask("DescribeDBInstances", Filters=filters)["DBInstances"]
    if not found:
        raise Absent("DBInstanceNotFound")
    details = {"arn": found[0]["DBInstanceArn"], "public": found[0].get("PubliclyAccessible")}
    target = _known_as(target, found[0]["DbiResourceId"])
    return _state(ask, target, described(found[0]), at_home(target, details["arn"]), details)


def cluster(ask: Ask, target: Target) -> State:
    """A Redshift cluster, and whether it is publicly accessible."""
    found = _asked(ask("redshift"), "DescribeClusters", ClusterIdentifier=target.resource_id)["Clusters"]
    name = found[0]["ClusterIdentifier"]
    target = _known_as(target, name)
    arn = f"arn:{target.partition}:redshift:{target.region}:{target.account_id}:cluster:{name}"
    details = {"arn": arn, "public": found[0].get("PubliclyAccessible")}
    return _state(ask, target, described(found[0]), arn, details)


def key(ask: Ask, target: Target) -> State:
    """Whether it is rotated."""
    kms = ask("kms")
    metadata = kms.ask("DescribeKey", KeyId=target.resource_id)["KeyMetadata"]
    arn = at_home(target, metadata["Arn"])
    target = _known_as(target, metadata["KeyId"])
    kind = [metadata.get(name) for name in ("KeyManager", "KeySpec", "Origin")]
    rotation = None
    if kind == ["CUSTOMER", "SYMMETRIC_DEFAULT", "AWS_KMS"]:
        rotation = kms.ask("GetKeyRotationStatus", KeyId=arn)["KeyRotationEnabled"]
    supplementary = {} if rotation is None else {"KeyRotationStatus": rotation}
    details = {"arn": arn, "kind": kind, "rotation": rotation}
    return _state(ask, target, described(metadata), arn, details, supplementary)


def table(ask: Ask, target: Target) -> State:
    """How it is encrypted."""
    found = ask("dynamodb").ask("DescribeTable", TableName=target.resource_id)["Table"]
    configuration = _renamed(described(found))
    arn = at_home(target, found["TableArn"])
    details = {"arn": arn, "key": (found.get("SSEDescription") or {}).get("KMSMasterKeyArn")}
    return _state(ask, _known_as(target, found["TableName"]), configuration, arn, details)


def topic(ask: Ask, target: Target) -> State:
    """With which key it is encrypted."""
    at_home(target, target.resource_id)
    attributes = _asked(ask("sns"), "GetTopicAttributes", TopicArn=target.resource_id)["Attributes"]
    details = {"arn": target.resource_id, "key": attributes.get("KmsMasterKeyId")}
    return _state(ask, target, dict(attributes), target.resource_id, details)


def trail(ask: Ask, target: Target) -> State:
    """Whether its log files can be validated. A trail of several Regions is found in its own, one of an organization nowhere else."""
    found = _asked(ask("cloudtrail"), "GetTrail", Name=target.resource_id)["Trail"]
    details = {"arn": at_home(target, found["TrailARN"]), "validated": found.get("LogFileValidationEnabled")}
    return _state(ask, _known_as(target, found["Name"]), described(found), details["arn"], details)


def balancer(ask: Ask, target: Target) -> State:
    """Its attributes."""
    return loadbalancer.read(ask, target)


def _known_as(target: Target, resource_id: str) -> Target:
    """By the one id that AWS Config has for it, whichever of its names it was asked for by."""
    return replace(target, resource_id=str(resource_id))


def _state(
    ask: Ask,
    target: Target,
    configuration: JsonObject,
    arn: str,
    details: JsonObject,
    supplementary: JsonObject | None = None,
) -> State:
    tags = anything.tags(ask, arn)
    return State(item(target, configuration=configuration, arn=arn, tags=tags, supplementary=supplementary), details)


def _asked(service: Service, operation: str, **parameters: Any) -> Mapping[str, Any]:
    try:
        return service.ask(operation, **parameters)
    except AwsError as error:
        if error.code in _GONE:
            raise Absent(error.code) from None
        raise


def _if_set(s3: Service, operation: str, **parameters: Any) -> Mapping[str, Any]:
    """Nothing where nothing was set; a bucket that is gone is Absent all the same."""
    try:
        return s3.ask(operation, **parameters)
    except Absent as absent:
        if str(absent) in _NEVER_SET:
            return {}
        raise
    except AwsError as error:
        if error.code in _NEVER_SET:
            return {}
        raise


def _renamed(configuration: Any) -> Any:
    if isinstance(configuration, dict):
        return {_TABLE_NAMES.get(name, name): _renamed(value) for name, value in configuration.items()}
    return configuration


def _of(service: str, resource: str, *actions: str) -> tuple[Permission, ...]:
    arn = f"arn:${{AWS::Partition}}:{service}:{_ACCOUNT}:{resource}"
    return (Permission(tuple(f"{service}:{action}" for action in actions), (arn,)),)


READINGS: Mapping[str, Reading] = {
    "AWS::CloudTrail::Trail": Reading(trail, _of("cloudtrail", "trail/*", "GetTrail")),
    "AWS::DynamoDB::Table": Reading(table, _of("dynamodb", "table/*", "DescribeTable")),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Reading(balancer, loadbalancer.PERMISSIONS),
    "AWS::KMS::Key": Reading(key, _of("kms", "key/*", "DescribeKey", "GetKeyRotationStatus")),
    "AWS::RDS::DBInstance": Reading(database, _of("rds", "db:*", "DescribeDBInstances")),
    "AWS::Redshift::Cluster": Reading(cluster, _of("redshift", "cluster:*", "DescribeClusters")),
    "AWS::S3::Bucket": Reading(
        bucket,
        (
            BUCKET_PERMISSION,
            Permission(
                ("s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock"),
                BUCKET_PERMISSION.resources,
                BUCKET_PERMISSION.conditions,
                reason="ARNs of buckets name no account",
            ),
        ),
    ),
    "AWS::SNS::Topic": Reading(topic, _of("sns", "*", "GetTopicAttributes")),
}
