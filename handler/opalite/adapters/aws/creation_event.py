"""CloudTrail's events about a resource → whether one of them made it, and who that was. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import orjson

from opalite.model import JsonObject

# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupAttribute.html: AttributeValue
NAME_CHARACTERS: Final = 2000
# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: how long events can be looked up.
HISTORY: Final = timedelta(days=90)

# Where the events of resources without a region are, by partition.
_HOME: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_GLOBAL: Final = "global"
_CREATED: Final = ("created_time", "created_at")  # members of our typed forms that tell when the resource was made
_AROUND: Final = timedelta(hours=1)  # the event is no further than that from the time that the resource tells
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html; longer ones are no addressees.
_PRINCIPAL: Final = re.compile(
    r"arn:aws[a-z-]*:(?:iam|sts)::[0-9]{12}:(?:root|(?:user|assumed-role|federated-user)/[!-~]+)"
)
_PRINCIPAL_CHARACTERS: Final = 256
# Roles that only AWS services assume; roles that only people assume, by IAM Identity Center.
_SERVICE_LINKED: Final = ":assumed-role/AWSServiceRoleFor"
_OF_PEOPLE: Final = ":assumed-role/AWSReservedSSO_"
_EVENT_CHARACTERS: Final = 1024 * 1024


class _Kind(NamedTuple):
    """How a resource of some type comes into CloudTrail.

    `known_by`: members of the resource; the services differ in what they name, so what is likelier is asked for first.
    """

    source: str  # the first part of eventSource
    events: tuple[str, ...]
    known_by: tuple[str, ...]
    api: str = ""  # apiVersion, where two APIs have an event of the same name


def _kind(source: str, events: str, known_by: str, api: str = "") -> _Kind:
    return _Kind(source, tuple(events.split()), tuple(known_by.split()), api)


# An event that may also name what a resource was made from (a copy, a replica, a restore within one type) is none of these: the
# name that is looked up could be that of the source. Types that are not here are not looked up.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events-supported-resource-types.html
_KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        "AWS::AutoScaling::AutoScalingGroup": _kind("autoscaling", "CreateAutoScalingGroup", "name"),
        "AWS::CloudTrail::Trail": _kind("cloudtrail", "CreateTrail", "name arn"),
        "AWS::DynamoDB::Table": _kind("dynamodb", "CreateTable", "arn name"),
        "AWS::EC2::CustomerGateway": _kind("ec2", "CreateCustomerGateway", "id"),
        "AWS::EC2::Instance": _kind("ec2", "RunInstances", "id"),
        "AWS::EC2::InternetGateway": _kind("ec2", "CreateInternetGateway", "id"),
        "AWS::EC2::NatGateway": _kind("ec2", "CreateNatGateway", "id"),
        "AWS::EC2::NetworkAcl": _kind("ec2", "CreateNetworkAcl", "id"),
        "AWS::EC2::NetworkInterface": _kind("ec2", "CreateNetworkInterface", "id"),
        "AWS::EC2::RouteTable": _kind("ec2", "CreateRouteTable", "id"),
        "AWS::EC2::SecurityGroup": _kind("ec2", "CreateSecurityGroup", "id"),
        "AWS::EC2::Subnet": _kind("ec2", "CreateSubnet CreateDefaultSubnet", "id"),
        "AWS::EC2::VPC": _kind("ec2", "CreateVpc CreateDefaultVpc", "id"),
        "AWS::EC2::VPCEndpoint": _kind("ec2", "CreateVpcEndpoint", "id"),
        "AWS::EC2::VPCPeeringConnection": _kind("ec2", "CreateVpcPeeringConnection", "id"),
        "AWS::EC2::VPNConnection": _kind("ec2", "CreateVpnConnection", "id"),
        "AWS::EC2::VPNGateway": _kind("ec2", "CreateVpnGateway", "id"),
        "AWS::EC2::Volume": _kind("ec2", "CreateVolume", "id"),
        "AWS::ECR::Repository": _kind("ecr", "CreateRepository", "arn name"),
        "AWS::ElasticLoadBalancing::LoadBalancer": _kind(
            "elasticloadbalancing", "CreateLoadBalancer", "name id", "2012-06-01"
        ),
        "AWS::ElasticLoadBalancingV2::LoadBalancer": _kind(
            "elasticloadbalancing", "CreateLoadBalancer", "arn name", "2015-12-01"
        ),
        "AWS::ElasticLoadBalancingV2::TargetGroup": _kind(
            "elasticloadbalancing", "CreateTargetGroup", "arn name", "2015-12-01"
        ),
        "AWS::IAM::Group": _kind("iam", "CreateGroup", "name"),
        "AWS::IAM::Policy": _kind("iam", "CreatePolicy", "arn name"),
        "AWS::IAM::Role": _kind("iam", "CreateRole", "name"),
        "AWS::IAM::User": _kind("iam", "CreateUser", "name"),
        "AWS::KMS::Key": _kind("kms", "CreateKey", "arn id"),
        "AWS::Lambda::Function": _kind("lambda", "CreateFunction CreateFunction20150331", "arn name"),
        "AWS::RDS::DBCluster": _kind("rds", "CreateDBCluster RestoreDBClusterFromSnapshot", "name"),
        "AWS::RDS::DBClusterSnapshot": _kind("rds", "CreateDBClusterSnapshot", "name id"),
        "AWS::RDS::DBInstance": _kind("rds", "CreateDBInstance RestoreDBInstanceFromDBSnapshot", "name"),
        "AWS::RDS::DBSnapshot": _kind("rds", "CreateDBSnapshot", "name id"),
        "AWS::Redshift::Cluster": _kind("redshift", "CreateCluster RestoreFromClusterSnapshot", "name id"),
        "AWS::S3::Bucket": _kind("s3", "CreateBucket", "id"),
        "AWS::SNS::Topic": _kind("sns", "CreateTopic", "arn"),
        "AWS::SecretsManager::Secret": _kind("secretsmanager", "CreateSecret", "name arn"),
    }
)


def names(resource: JsonObject) -> tuple[str, ...]:
    """By what CloudTrail may know the resource, the likeliest first; none if there is no use in asking."""
    kind = _KINDS.get(str(resource.get("type")))
    found = [resource.get(member) for member in kind.known_by] if kind else []
    return tuple(dict.fromkeys(name for name in found if isinstance(name, str) and 0 < len(name) <= NAME_CHARACTERS))


def home(resource: JsonObject) -> str:
    """The region whose history tells of the resource; empty where none is known."""
    region = str(resource.get("region") or "")
    return _HOME.get(str(resource.get("partition")), "") if region == _GLOBAL else region


def span(resource: JsonObject, now: datetime) -> tuple[datetime, datetime] | None:
    """When it may have been made, as far as that can be looked up; None if it is older than all that can be."""
    made = _created(resource)
    if made is None or made > now:
        return now - HISTORY, now
    if made + _AROUND < now - HISTORY:
        return None
    return max(made - _AROUND, now - HISTORY), min(made + _AROUND, now)


def maker(event: object, resource: JsonObject) -> Mapping[str, Any] | None:
    """The `userIdentity` of the event that made the resource; None for any other event. `event`: as LookupEvents gives it."""
    kind = _KINDS.get(str(resource.get("type")))
    if kind is None or not isinstance(event, Mapping) or event.get("EventName") not in kind.events:
        return None
    record = _record(event.get("CloudTrailEvent"))
    # An attempt that failed names the resource of somebody else, as a bucket whose name is taken.
    if record.get("errorCode") or record.get("eventName") not in kind.events:
        return None
    if str(record.get("eventSource")).partition(".")[0] != kind.source:
        return None
    if kind.api and record.get("apiVersion") not in (None, kind.api):
        return None
    if record.get("recipientAccountId") not in (None, resource.get("account_id")):
        return None
    identity = record.get("userIdentity")
    return identity if isinstance(identity, dict) else {}


def principal(identity: Mapping[str, Any]) -> str | None:
    """The ARN of the user or the session of a role; None for AWS services. Nothing else of the identity is told, no key's id.

    Where a service made it on behalf of somebody, CloudTrail shows the session that it used. If that is a user's, or can only be
    a person's, it is he; that of another role may as well be the service's own.
    """
    arn = identity.get("arn")
    if not isinstance(arn, str) or len(arn) > _PRINCIPAL_CHARACTERS or not _PRINCIPAL.fullmatch(arn):
        return None
    if _SERVICE_LINKED in arn:
        return None
    if identity.get("invokedBy") and ":assumed-role/" in arn and _OF_PEOPLE not in arn:
        return None
    return arn


def _record(text: object) -> Mapping[str, Any]:
    if not isinstance(text, str) or len(text) > _EVENT_CHARACTERS:
        return {}
    try:
        record = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _created(resource: JsonObject) -> datetime | None:
    configuration = resource.get("configuration")
    if not isinstance(configuration, dict):
        return None
    for member in _CREATED:
        try:
            moment = datetime.fromisoformat(str(configuration.get(member)))
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
