"""Configuration items become resources: one form for all dialects (docs/decisions/0004-normal-form.md).

A new type is one function, one line in TYPES and one schema; every other type takes the generic form.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from opalite.model import Resource
from opalite.normalize import generic, header
from opalite.normalize.awslambda import function
from opalite.normalize.cloudtrail import trail
from opalite.normalize.dynamodb import table
from opalite.normalize.ec2 import instance, volume
from opalite.normalize.ecr import repository
from opalite.normalize.efs import file_system
from opalite.normalize.elb import classic, load_balancer, target_group
from opalite.normalize.kinesis import stream
from opalite.normalize.kms import key
from opalite.normalize.opensearch import domain
from opalite.normalize.rds import db_cluster, db_cluster_snapshot, db_instance, db_snapshot
from opalite.normalize.redshift import cluster
from opalite.normalize.s3 import bucket
from opalite.normalize.secretsmanager import secret
from opalite.normalize.securitygroup import security_group
from opalite.normalize.sns import topic
from opalite.normalize.sqs import queue
from opalite.normalize.tags import read_relationships, read_tags
from opalite.normalize.values import Recorded, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opalite.model import Item, JsonObject

__all__ = ["TYPES", "resource"]

TYPES: Mapping[str, Callable[[Recorded, list[dict[str, str]]], JsonObject | None]] = MappingProxyType(
    {
        "AWS::CloudTrail::Trail": trail,
        "AWS::DynamoDB::Table": table,
        "AWS::EC2::Instance": instance,
        "AWS::EC2::SecurityGroup": security_group,
        "AWS::EC2::Volume": volume,
        "AWS::ECR::Repository": repository,
        "AWS::EFS::FileSystem": file_system,
        "AWS::ElasticLoadBalancing::LoadBalancer": classic,
        "AWS::ElasticLoadBalancingV2::LoadBalancer": load_balancer,
        "AWS::ElasticLoadBalancingV2::TargetGroup": target_group,
        "AWS::KMS::Key": key,
        "AWS::Kinesis::Stream": stream,
        "AWS::Lambda::Function": function,
        "AWS::OpenSearch::Domain": domain,
        "AWS::RDS::DBCluster": db_cluster,
        "AWS::RDS::DBClusterSnapshot": db_cluster_snapshot,
        "AWS::RDS::DBInstance": db_instance,
        "AWS::RDS::DBSnapshot": db_snapshot,
        "AWS::Redshift::Cluster": cluster,
        "AWS::S3::Bucket": bucket,
        "AWS::SNS::Topic": topic,
        "AWS::SQS::Queue": queue,
        "AWS::SecretsManager::Secret": secret,
    }
)

_ABSENT = "not in the item: batch-get results lack tags and relationships, queries give what they select"
_OVERSIZED = "the item was too large for the notification: get it with `aws configservice get-resource-config-history`"
_PARTS = ("resource.tags", "resource.configuration", "resource.relationships")


def resource(item: Item) -> Resource:
    """The policies' view of an item whose numbers and texts are as orjson reads them.

    Raises NormalizationError if it lacks what every item has; any other gap is noted in `unknown`.
    """
    body = item.body
    subject = header.type_and_id(body)
    unknown: list[dict[str, str]] = []
    name = _text(body.get("resourceName"), "resource.name", unknown)
    arn = _text(body.get("ARN") or body.get("arn"), "resource.arn", unknown)
    account_id, region, partition = header.place(body, arn, subject)
    gone = header.gone_because(body, left_scope=item.left_scope, subject=subject)
    captured_at = header.time_of(body.get("configurationItemCaptureTime"), "configurationItemCaptureTime", subject)
    document: JsonObject = {
        "type": subject[0],
        "id": subject[1],
        "name": name,
        "arn": arn,
        "partition": partition,
        "account_id": account_id,
        "organizational_units": None,
        "region": region,
        "tags": None,
        "configuration": None,
        "relationships": None,
    }
    if gone is None:
        absent = _OVERSIZED if item.oversized else _ABSENT
        recorded = _recorded(body, captured_at, absent)
        document["tags"] = read_tags(body, recorded, unknown, absent)
        document["configuration"] = TYPES.get(subject[0], generic.configuration)(recorded, unknown)
        document["relationships"] = read_relationships(body, unknown, absent)
    else:
        unknown += [{"path": path, "reason": gone} for path in _PARTS]
    return Resource(
        document=document,
        unknown=unknown,
        gone=gone,
        capture_time=captured_at,
        notified_at=header.time_of(item.notified_at, "notificationCreationTime", subject),
        source=item.source,
    )


def _text(value: object, path: str, unknown: list[dict[str, str]]) -> str | None:
    if type(value) is str:
        return value or None
    if value is not None:
        unknown.append({"path": path, "reason": "malformed: expected text"})
    return None


def _recorded(body: JsonObject, captured_at: str | None, absent: str) -> Recorded:
    configuration = body.get("configuration")
    encoded = type(configuration) is str
    if encoded:
        configuration = decoded(configuration)
    blank = absent
    if configuration is None:
        if "configuration" not in body:
            configuration = {}
        elif absent is not _OVERSIZED:
            blank = "the item's configuration is null, although the resource was not deleted"
    elif type(configuration) is not dict:
        configuration, blank = None, "malformed: expected an object"
    elif not configuration:
        blank = "the item's configuration is empty"
    supplementary = body.get("supplementaryConfiguration")
    if type(supplementary) is str:
        supplementary = decoded(supplementary)
    return Recorded(
        configuration=configuration,
        supplementary=supplementary if type(supplementary) is dict else None,
        encoded=encoded,
        complete=encoded or "awsAccountId" in body or "configurationItemVersion" in body,
        captured_at=captured_at,
        blank=blank,
    )
