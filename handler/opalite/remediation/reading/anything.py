"""A resource of whatever type, as far as its tags go: by its ARN, from the Resource Groups Tagging API."""

from __future__ import annotations

import re
from collections.abc import Mapping

from opalite.ports import Absent
from opalite.remediation.action import Ask, Permission
from opalite.remediation.items import item, tag_map
from opalite.remediation.model import State, Target
from opalite.remediation.reading.place import BUCKET_PERMISSION, at_home, bucket_at_home

# By the service that an ARN names: the IAM actions by which it sets tags and takes them away. AWS calls them with our permissions.
# https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
TAGGING: Mapping[str, tuple[str, ...]] = {
    "cloudtrail": ("cloudtrail:AddTags", "cloudtrail:RemoveTags"),
    "dynamodb": ("dynamodb:TagResource", "dynamodb:UntagResource"),
    "ec2": ("ec2:CreateTags", "ec2:DeleteTags"),
    "ecr": ("ecr:TagResource", "ecr:UntagResource"),
    "ecs": ("ecs:TagResource", "ecs:UntagResource"),
    "eks": ("eks:TagResource", "eks:UntagResource"),
    "elasticache": ("elasticache:AddTagsToResource", "elasticache:RemoveTagsFromResource"),
    "elasticfilesystem": ("elasticfilesystem:TagResource", "elasticfilesystem:UntagResource"),
    "elasticloadbalancing": ("elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"),
    "es": ("es:AddTags", "es:RemoveTags"),
    "kinesis": ("kinesis:AddTagsToStream", "kinesis:RemoveTagsFromStream"),
    "kms": ("kms:TagResource", "kms:UntagResource"),
    "lambda": ("lambda:TagResource", "lambda:UntagResource"),
    "logs": ("logs:TagResource", "logs:UntagResource"),
    "rds": ("rds:AddTagsToResource", "rds:RemoveTagsFromResource"),
    "redshift": ("redshift:CreateTags", "redshift:DeleteTags"),
    "s3": ("s3:GetBucketTagging", "s3:PutBucketTagging"),
    "secretsmanager": ("secretsmanager:TagResource", "secretsmanager:UntagResource"),
    "sns": ("sns:TagResource", "sns:UntagResource"),
    "sqs": ("sqs:TagQueue", "sqs:UntagQueue"),
    "states": ("states:TagResource", "states:UntagResource"),
}

_READS = "it only reads, and AWS does not let it be narrowed to resources"
TAGS_PERMISSIONS = (Permission(("tag:GetResources",), reason=_READS),)
PERMISSIONS = (*TAGS_PERMISSIONS, Permission(("config:BatchGetResourceConfig",), reason=_READS), BUCKET_PERMISSION)

# Of types whose id in AWS Config is the end of their ARN, and then nothing else is.
_ARNS = {
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{id}",
    "AWS::EC2::Instance": "arn:{partition}:ec2:{region}:{account}:instance/{id}",
    "AWS::EC2::SecurityGroup": "arn:{partition}:ec2:{region}:{account}:security-group/{id}",
    "AWS::EC2::Volume": "arn:{partition}:ec2:{region}:{account}:volume/{id}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{id}",
}
_ID = re.compile(r"[A-Za-z0-9_.-]+")
_BUCKET = "AWS::S3::Bucket"
# Of types whose id is an ARN: what that says after the account. Of every other type AWS Config knows the ARN.
_IDS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": re.compile(
        r"elasticloadbalancing:loadbalancer/(?:app|gwy|net)/[^/:]+/[^/:]+"
    ),
    "AWS::SNS::Topic": re.compile(r"sns:[^/:]+"),
}
_GONE = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})


def read(ask: Ask, target: Target) -> State:
    """Tags, and nothing else: the policies that ask for more find it unknown. Raises Absent."""
    arn = _arn(ask, target)
    found = tags(ask, arn)
    details = {"arn": arn, "service": _service(arn), "tags": found}
    return State(item(target, configuration={}, arn=arn, tags=found), details)


def tags(ask: Ask, arn: str) -> dict[str, str] | None:
    """None if they are not known.

    The tagging API knows only what has, or once had, a tag. What it does not list has none, if it is of a service that the API
    speaks for; else its tags stay unknown, and so does whether it complies.
    """
    listed = ask("resourcegroupstaggingapi").ask("GetResources", ResourceARNList=[arn])["ResourceTagMappingList"]
    if listed:
        return tag_map(listed[0].get("Tags"))
    return {} if _service(arn) in TAGGING else None


def _service(arn: str) -> str:
    return (arn.split(":") + [""] * 3)[2]


def _arn(ask: Ask, target: Target) -> str:
    """Of the resource of exactly this type and id: under another one it would escape exemptions, locks and brakes."""
    kind, resource_id = target.resource_type, target.resource_id
    if (form := _ARNS.get(kind)) is not None:
        if not _ID.fullmatch(resource_id):
            raise Absent(f"no {kind} has such an id")
        if kind == _BUCKET:
            bucket_at_home(ask("s3"), target)
        place = {"partition": target.partition, "region": target.region, "account": target.account_id}
        return form.format(id=resource_id, **place)
    if (ids := _IDS.get(kind)) is not None:
        if not ids.fullmatch(f"{_service(at_home(target, resource_id))}:{resource_id.split(':', 5)[5]}"):
            raise Absent(f"no {kind} has such an id")
        return resource_id
    return _recorded(ask, target)


def _recorded(ask: Ask, target: Target) -> str:
    """AWS Config is asked in the target's account and Region, and knows a resource by one id alone."""
    wanted = {"resourceType": target.resource_type, "resourceId": target.resource_id}
    known = ask("config").ask("BatchGetResourceConfig", resourceKeys=[wanted]).get("baseConfigurationItems") or ()
    found = known[0] if known else {}
    if not found.get("arn") or found.get("configurationItemStatus") in _GONE:
        raise Absent("AWS Config does not know the resource, or not its ARN")
    if found.get("resourceId", target.resource_id) != target.resource_id:
        raise Absent("AWS Config knows the resource by another id")
    return str(found["arn"])
