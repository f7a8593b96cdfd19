"""Configuration items of what else stores, searches and carries data: warehouses, domains, file systems, streams."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

from shapes import JsonObject, Place, hex_id, item, related


def warehouse(place: Place, name: str, kms_key: str | None = None, *, public: bool = False) -> JsonObject:
    """A Redshift cluster."""
    created = "2025-09-08T06:40:27.119Z"
    configuration = {
        "clusterIdentifier": name,
        "nodeType": "ra3.xlplus",
        "clusterStatus": "available",
        "masterUsername": "owner",
        "dBName": "main",
        "endpoint": {"address": f"{name}.c0ffee1234ab.{place.region}.redshift.amazonaws.com", "port": 5439},
        "clusterCreateTime": created,
        "automatedSnapshotRetentionPeriod": 7,
        "clusterSecurityGroups": [],
        "vpcSecurityGroups": [{"vpcSecurityGroupId": hex_id("sg", place, "payroll-db"), "status": "active"}],
        "clusterParameterGroups": [
            {
                "parameterGroupName": "tls",
                "parameterApplyStatus": "in-sync",
                "clusterParameterStatusList": [],
            }
        ],
        "clusterSubnetGroupName": "private",
        "vpcId": hex_id("vpc", place, "main"),
        "availabilityZone": f"{place.region}a",
        "preferredMaintenanceWindow": "sun:03:00-sun:03:30",
        "pendingModifiedValues": {},
        "clusterVersion": "1.0",
        "allowVersionUpgrade": True,
        "numberOfNodes": 2,
        "publiclyAccessible": public,
        "encrypted": kms_key is not None,
        "hsmStatus": None,
        "clusterNodes": [{"nodeRole": "LEADER", "privateIPAddress": "10.20.7.15"}],
        "clusterRevisionNumber": "73348",
        "tags": [],
        "kmsKeyId": kms_key,
        "enhancedVpcRouting": True,
        "iamRoles": [],
    }
    logging = {"loggingEnabled": True, "bucketName": f"access-logs-{place.account}-{place.region}"}
    return item(
        place,
        "AWS::Redshift::Cluster",
        name,
        configuration,
        supplementaryConfiguration={"LoggingStatus": logging | {"s3KeyPrefix": f"{name}/"}},
        relationships=[related("AWS::EC2::VPC", hex_id("vpc", place, "main"), "Is associated with Vpc")],
        resourceName=name,
        ARN=f"arn:aws:redshift:{place.region}:{place.account}:cluster:{name}",
        availabilityZone=f"{place.region}a",
        resourceCreationTime=created,
    )


def search_domain(place: Place, name: str, kms_key: str, principal: str, *, in_vpc: bool = True) -> JsonObject:
    arn = f"arn:aws:es:{place.region}:{place.account}:domain/{name}"
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "es:*", "Resource": f"{arn}/*"}
    network = {"SubnetIds": [hex_id("subnet", place, "private-a")]}
    configuration = {
        "DomainName": name,
        "Id": f"{place.account}/{name}",
        "Arn": arn,
        "DomainArn": arn,
        "EngineVersion": "OpenSearch_2.19",
        "AccessPolicies": {"Version": "2012-10-17", "Statement": [statement]},
        "ClusterConfig": {"InstanceType": "r7g.large.search", "InstanceCount": 3, "ZoneAwarenessEnabled": True},
        "EBSOptions": {"EBSEnabled": True, "VolumeType": "gp3", "VolumeSize": 100},
        "EncryptionAtRestOptions": {"Enabled": True, "KmsKeyId": kms_key},
        "NodeToNodeEncryptionOptions": {"Enabled": True},
        "DomainEndpointOptions": {"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-2019-07"},
        "AdvancedSecurityOptions": {"Enabled": True, "InternalUserDatabaseEnabled": False},
        "VPCOptions": network | {"SecurityGroupIds": [hex_id("sg", place, "shop-api-app")]} if in_vpc else {},
        "Tags": [],
    }
    return item(
        place,
        "AWS::OpenSearch::Domain",
        f"{place.account}/{name}",
        configuration,
        resourceName=name,
        ARN=arn,
        availabilityZone="Regional",
    )


def file_system(place: Place, name: str, kms_key: str | None = None) -> JsonObject:
    system_id = hex_id("fs", place, name)
    arn = f"arn:aws:elasticfilesystem:{place.region}:{place.account}:file-system/{system_id}"
    configuration = {
        "Arn": arn,
        "FileSystemId": system_id,
        "Encrypted": kms_key is not None,
        "PerformanceMode": "generalPurpose",
        "ThroughputMode": "elastic",
        "BackupPolicy": {"Status": "ENABLED"},
        "LifecyclePolicies": [{"TransitionToIA": "AFTER_30_DAYS"}],
        "FileSystemTags": [{"Key": "Name", "Value": name}],
    }
    if kms_key:
        configuration["KmsKeyId"] = kms_key
    own = {"tags": {"Name": name}, "resourceName": system_id, "ARN": arn, "availabilityZone": "Regional"}
    return item(place, "AWS::EFS::FileSystem", system_id, configuration, **own)


def stream(place: Place, name: str, kms_key: str | None = None) -> JsonObject:
    """A Kinesis stream; without encryption Config leaves `StreamEncryption` out."""
    arn = f"arn:aws:kinesis:{place.region}:{place.account}:stream/{name}"
    configuration = {"Arn": arn, "Name": name, "RetentionPeriodHours": 24, "ShardCount": 2, "Tags": []}
    if kms_key:
        configuration["StreamEncryption"] = {"EncryptionType": "KMS", "KeyId": kms_key}
    own = {"resourceName": name, "ARN": arn, "availabilityZone": "Regional"}
    return item(place, "AWS::Kinesis::Stream", name, configuration, **own)
