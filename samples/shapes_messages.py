"""Configuration items of topics, queues, secrets, repositories and trails."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from shapes import JsonObject, Place, compact, digest, epoch_ms, item

_CREATED = "2025-07-01T09:30:00.000Z"


def topic(place: Place, name: str, kms_key: str | None = None, *, public: bool = False) -> JsonObject:
    """SNS writes no key while encryption is off; the policy that a new topic gets names its own account."""
    arn = f"arn:aws:sns:{place.region}:{place.account}:{name}"
    statement: JsonObject = {"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": {"AWS": "*"}}
    statement |= {"Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": arn}
    if not public:
        statement["Condition"] = {"StringEquals": {"AWS:SourceOwner": place.account}}
    configuration = {
        "Policy": compact({"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}),
        "Owner": place.account,
        "TopicArn": arn,
        "DisplayName": "",
    }
    if kms_key:
        configuration["KmsMasterKeyId"] = kms_key
    own = {"supplementaryConfiguration": {"Tags": []}, "resourceName": name, "ARN": arn}
    return item(place, "AWS::SNS::Topic", arn, configuration, **own)


def queue(place: Place, name: str, kms_key: str | None = None, *, managed: bool | None = False) -> JsonObject:
    """`managed` is SSE-SQS; None leaves it out, as items from before it do. The policy is in none."""
    url = queue_url(place, name)
    arn = f"arn:aws:sqs:{place.region}:{place.account}:{name}"
    configuration = {
        "QueueArn": arn,
        "QueueName": name,
        "QueueUrl": url,
        "CreatedTimestamp": epoch_ms(_CREATED) // 1000,
        "LastModifiedTimestamp": epoch_ms(_CREATED) // 1000,
        "DelaySeconds": 0,
        "MaximumMessageSize": 262_144,
        "MessageRetentionPeriod": 345_600,
        "ReceiveMessageWaitTimeSeconds": 20,
        "VisibilityTimeout": 30,
    }
    if managed is not None:
        configuration["SqsManagedSseEnabled"] = str(managed).lower()
    if kms_key:
        configuration |= {"KmsMasterKeyId": kms_key, "KmsDataKeyReusePeriodSeconds": 300}
    return item(place, "AWS::SQS::Queue", url, configuration, resourceName=name, ARN=arn, resourceCreationTime=_CREATED)


def queue_url(place: Place, name: str) -> str:
    return f"https://sqs.{place.region}.amazonaws.com/{place.account}/{name}"


def secret(place: Place, name: str, kms_key: str | None = None) -> JsonObject:
    """Without a key of its own the secret is encrypted with the one that AWS manages."""
    arn = f"arn:aws:secretsmanager:{place.region}:{place.account}:secret:{name}-{digest('secret', name)[:6]}"
    configuration = {
        "ARN": arn,
        "Name": name,
        "KMSKeyId": kms_key,
        "RotationEnabled": None,
        "RotationLambdaARN": None,
        "RotationRules": None,
        "Deleted": False,
    }
    own = {"resourceName": name, "ARN": arn, "resourceCreationTime": _CREATED}
    return item(place, "AWS::SecretsManager::Secret", arn, configuration, **own)


def repository(place: Place, name: str, *, scanned: bool = True) -> JsonObject:
    """Config's schema has no place for the encryption of a repository."""
    arn = f"arn:aws:ecr:{place.region}:{place.account}:repository/{name}"
    configuration = {
        "Arn": arn,
        "ImageScanningConfiguration": {"ScanOnPush": scanned},
        "ImageTagMutability": "IMMUTABLE",
        "RepositoryName": name,
        "LifecyclePolicy": {},
        "RepositoryPolicyText": {},
        "Tags": [],
    }
    return item(
        place, "AWS::ECR::Repository", name, configuration, resourceName=name, ARN=arn, availabilityZone="Regional"
    )


def trail(place: Place, name: str, kms_key: str | None = None, *, everywhere: bool = True) -> JsonObject:
    """`everywhere`: of all Regions and accounts, its files validated; otherwise what somebody made to debug."""
    arn = f"arn:aws:cloudtrail:{place.region}:{place.account}:trail/{name}"
    configuration = {
        "name": name,
        "s3BucketName": "org-cloudtrail",
        "s3KeyPrefix": None,
        "snsTopicARN": None,
        "includeGlobalServiceEvents": everywhere,
        "isMultiRegionTrail": everywhere,
        "homeRegion": place.region,
        "trailARN": arn,
        "logFileValidationEnabled": everywhere,
        "cloudWatchLogsLogGroupArn": None,
        "kmsKeyId": kms_key,
        "hasCustomEventSelectors": False,
        "hasInsightSelectors": False,
        "isOrganizationTrail": everywhere,
    }
    own = {"supplementaryConfiguration": {"Tags": []}, "resourceName": name, "ARN": arn, "availabilityZone": "Regional"}
    return item(place, "AWS::CloudTrail::Trail", name, configuration, **own)
