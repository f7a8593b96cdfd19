"""Configuration items of keys, and of what is encrypted with them."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

import json
from typing import Any

from shapes import JsonObject, Place, compact, digest, epoch_ms, hex_id, item, moment, related, tag_list, uuid

CANONICAL_OWNER = digest("canonical owner of the sample organization")


def key(place: Place, name: str, *, manager: str = "CUSTOMER", rotation: bool = True) -> JsonObject:
    """Those that AWS manages are named after their service, as in aws-s3; Config records no rotation of them."""
    key_id = key_id_of(place, name)
    arn, created = key_arn(place, name), "2024-03-11T08:15:00.000Z"
    tags = {} if manager == "AWS" else {"Name": name}
    supplementary: JsonObject = {
        "Policy": key_policy(place, name if manager == "AWS" else None),
        "Tags": [{"tagKey": k, "tagValue": v} for k, v in tags.items()],
    }
    if manager == "CUSTOMER":
        supplementary["KeyRotationStatus"] = rotation
    configuration = {
        "awsaccountId": place.account,
        "keyId": key_id,
        "arn": arn,
        "creationDate": epoch_ms(created),
        "enabled": True,
        "description": "Default key when no other key is defined" if manager == "AWS" else name,
        "keyUsage": "ENCRYPT_DECRYPT",
        "keyState": "Enabled",
        "deletionDate": None,
        "validTo": None,
        "origin": "AWS_KMS",
        "customKeyStoreId": None,
        "cloudHsmClusterId": None,
        "expirationModel": None,
        "keyManager": manager,
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "keySpec": "SYMMETRIC_DEFAULT",
        "encryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "signingAlgorithms": [],
        "multiRegion": False,
    }
    own = {"resourceName": key_id, "ARN": arn, "tags": tags, "supplementaryConfiguration": supplementary}
    return item(place, "AWS::KMS::Key", key_id, configuration, resourceCreationTime=created, **own)


def key_id_of(place: Place, name: str) -> str:
    return uuid("key", place.account, place.region, name)


def key_arn(place: Place, name: str) -> str:
    return f"arn:aws:kms:{place.region}:{place.account}:key/{key_id_of(place, name)}"


def key_policy(place: Place, of_aws: str | None) -> str:
    statement: JsonObject = {
        "Sid": "root",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{place.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    if of_aws:
        service = of_aws.removeprefix("aws-")
        by = {"kms:CallerAccount": place.account, "kms:ViaService": f"{service}.{place.region}.amazonaws.com"}
        statement |= {
            "Sid": f"via {service}",
            "Principal": {"AWS": "*"},
            "Action": [
                "kms:Encrypt",
                "kms:Decrypt",
                "kms:ReEncrypt*",
                "kms:GenerateDataKey*",
                "kms:DescribeKey",
            ],
            "Condition": {"StringEquals": by},
        }
    return json.dumps({"Version": "2012-10-17", "Id": "key policy", "Statement": [statement]}, indent=2)


def bucket(
    place: Place, name: str, algorithm: str | None = "AES256", key: str | None = None, **more: Any
) -> JsonObject:
    """A bucket; `algorithm` None leaves the encryption record out, as items from before 2023 do.

    `public` lets everybody read it, by whatever protocol.
    """
    public = more.pop("public", False)
    created = "2025-02-17T10:04:51.000Z"
    tags = more.get("tags", {})
    owner = {"displayName": None, "id": CANONICAL_OWNER}
    supplementary: JsonObject = {
        "AccessControlList": private_acl(owner),
        "BucketAccelerateConfiguration": {"status": None},
        "BucketLoggingConfiguration": {
            "destinationBucketName": f"access-logs-{place.account}-{place.region}",
            "logFilePrefix": f"{name}/",
        },
        "BucketNotificationConfiguration": {"configurations": {}},
        "BucketPolicy": {"policyText": bucket_policy(name, public=public)},
        "BucketVersioningConfiguration": {"status": "Enabled", "isMfaDeleteEnabled": None},
        "IsRequesterPaysEnabled": False,
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ("blockPublicAcls", "ignorePublicAcls", "blockPublicPolicy", "restrictPublicBuckets"), not public
        ),
    }
    if tags:
        supplementary["BucketTaggingConfiguration"] = {"tagSets": [{"tags": tags}]}
    if algorithm:
        supplementary["ServerSideEncryptionConfiguration"] = encryption_record(algorithm, key)
    own = {
        "supplementaryConfiguration": supplementary,
        "resourceName": name,
        "ARN": f"arn:aws:s3:::{name}",
        "availabilityZone": "Regional",
        "resourceCreationTime": created,
    }
    return item(
        place,
        "AWS::S3::Bucket",
        name,
        {"name": name, "owner": owner, "creationDate": created},
        **(own | more),
    )


def encryption_record(algorithm: str, key: str | None) -> JsonObject:
    by_default = {"sseAlgorithm": algorithm, "kmsMasterKeyID": key}
    rule = {"applyServerSideEncryptionByDefault": by_default, "bucketKeyEnabled": algorithm == "aws:kms"}
    return {"rules": [rule]}


def private_acl(owner: JsonObject) -> str:
    grantee = {"id": owner["id"], "displayName": None}
    grants = {"grantSet": None, "grantList": [{"grantee": grantee, "permission": "FullControl"}]}
    return compact(grants | {"owner": owner, "isRequesterCharged": False})


def bucket_policy(name: str, *, public: bool) -> str:
    """Everybody may read, or nobody may speak without TLS."""
    arn = f"arn:aws:s3:::{name}"
    statement: JsonObject = {"Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    statement |= {"Resource": [arn, f"{arn}/*"], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    if public:
        statement = {
            "Sid": "Web",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"{arn}/*",
        }
    return compact({"Version": "2012-10-17", "Statement": [statement]})


def volume(place: Place, name: str, kms_key: str | None = None) -> JsonObject:
    """The root volume of the instance of the same name."""
    volume_id, created = hex_id("vol", place, name), moment("launch", place.account, place.region, name)
    instance_id = hex_id("i", place, name)
    attachment = {
        "attachTime": created,
        "device": "/dev/xvda",
        "instanceId": instance_id,
        "state": "attached",
        "volumeId": volume_id,
        "deleteOnTermination": True,
    }
    configuration = {
        "attachments": [attachment],
        "availabilityZone": f"{place.region}a",
        "createTime": created,
        "encrypted": kms_key is not None,
        "kmsKeyId": kms_key,
        "outpostArn": None,
        "size": 30,
        "snapshotId": hex_id("snap", place, "base"),
        "state": {"value": "in-use"},
        "volumeId": volume_id,
        "iops": 3000,
        "tags": tag_list({"Name": name}),
        "volumeType": "gp3",
        "fastRestored": None,
        "multiAttachEnabled": False,
        "throughput": 125,
    }
    own = {
        "relationships": [related("AWS::EC2::Instance", instance_id, "Is attached to Instance")],
        "tags": {"Name": name},
        "ARN": f"arn:aws:ec2:{place.region}:{place.account}:volume/{volume_id}",
        "availabilityZone": f"{place.region}a",
        "resourceCreationTime": created,
        "configurationItemCaptureTime": created,
    }
    return item(place, "AWS::EC2::Volume", volume_id, configuration, **own)


def table(place: Place, name: str, kms_key: str | None = None) -> JsonObject:
    """A table; under the default key, which AWS owns, Config leaves `ssedescription` out."""
    created, arn = "2025-06-02T09:30:11.204Z", f"arn:aws:dynamodb:{place.region}:{place.account}:table/{name}"
    configuration: JsonObject = {
        "attributeDefinitions": [{"attributeName": "id", "attributeType": "S"}],
        "tableName": name,
        "keySchema": [{"attributeName": "id", "keyType": "HASH"}],
        "tableStatus": "ACTIVE",
        "creationDateTime": epoch_ms(created),
        "provisionedThroughput": {
            "numberOfDecreasesToday": 0,
            "readCapacityUnits": 0,
            "writeCapacityUnits": 0,
        },
        "tableArn": arn,
        "tableId": uuid("table", place.account, name),
        "billingModeSummary": {
            "billingMode": "PAY_PER_REQUEST",
            "lastUpdateToPayPerRequestDateTime": epoch_ms(created),
        },
    }
    if kms_key:
        configuration["ssedescription"] = {"status": "ENABLED", "ssetype": "KMS", "kmsmasterKeyArn": kms_key}
    recovery = {"pointInTimeRecoveryStatus": "ENABLED", "earliestRestorableDateTime": epoch_ms(created)}
    supplementary = {
        "ContinuousBackupsDescription": {
            "continuousBackupsStatus": "ENABLED",
            "pointInTimeRecoveryDescription": recovery,
        },
        "Tags": [],
    }
    own = {
        "supplementaryConfiguration": supplementary,
        "resourceName": name,
        "ARN": arn,
        "resourceCreationTime": created,
    }
    return item(place, "AWS::DynamoDB::Table", name, configuration, **own)
