"""Tables: Security Hub's names of types, and which part of a typed configuration stands where in its finding format."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html. AWS::EC2::EIP is Ec2Eip there, and so on.
_NAMES = """
AmazonMqBroker ApiGatewayRestApi ApiGatewayStage ApiGatewayV2Api ApiGatewayV2Stage AppSyncGraphQlApi AthenaWorkGroup
AutoScalingAutoScalingGroup AutoScalingLaunchConfiguration BackupBackupPlan BackupBackupVault BackupRecoveryPoint
CloudFormationStack CloudFrontDistribution CloudTrailTrail CloudWatchAlarm CodeBuildProject DmsEndpoint DmsReplicationInstance
DmsReplicationTask DynamoDbTable Ec2ClientVpnEndpoint Ec2Eip Ec2Instance Ec2LaunchTemplate Ec2NetworkAcl Ec2NetworkInterface
Ec2RouteTable Ec2SecurityGroup Ec2Subnet Ec2TransitGateway Ec2Volume Ec2Vpc Ec2VpcEndpointService Ec2VpcPeeringConnection
Ec2VpnConnection EcrRepository EcsCluster EcsService EcsTaskDefinition EfsAccessPoint EksCluster ElasticBeanstalkEnvironment
ElasticsearchDomain EventSchemasRegistry EventsEndpoint EventsEventbus GuardDutyDetector IamGroup IamPolicy IamRole IamUser
KinesisStream KmsKey LambdaFunction LambdaLayerVersion MskCluster NetworkFirewallFirewall NetworkFirewallFirewallPolicy
NetworkFirewallRuleGroup RdsDbCluster RdsDbClusterSnapshot RdsDbInstance RdsDbSecurityGroup RdsDbSnapshot RdsEventSubscription
RedshiftCluster Route53HostedZone S3AccessPoint S3AccountPublicAccessBlock S3Bucket SageMakerNotebookInstance
SecretsManagerSecret SnsTopic SqsQueue WafRateBasedRule WafRegionalRateBasedRule WafRegionalRule WafRegionalRuleGroup
WafRegionalWebAcl WafRule WafRuleGroup WafWebAcl Wafv2RuleGroup Wafv2WebAcl XrayEncryptionConfig
"""
BY_WORDS: Mapping[str, str] = MappingProxyType({name.casefold(): f"Aws{name}" for name in _NAMES.split()})
DIFFERENT: Mapping[str, str] = MappingProxyType(
    {
        "AWS::ACM::Certificate": "AwsCertificateManagerCertificate",
        "AWS::ElasticLoadBalancing::LoadBalancer": "AwsElbLoadBalancer",
        "AWS::ElasticLoadBalancingV2::LoadBalancer": "AwsElbv2LoadBalancer",
        "AWS::OpenSearch::Domain": "AwsOpenSearchServiceDomain",
        "AWS::SSM::PatchCompliance": "AwsSsmPatchCompliance",
        "AWS::StepFunctions::StateMachine": "AwsStepFunctionStateMachine",
    }
)

# Members of types for which the format has no object.
SHOWN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "AWS::EFS::FileSystem": ("encrypted", "kms_key_id", "backup_policy", "performance_mode", "throughput_mode"),
        "AWS::ElasticLoadBalancingV2::TargetGroup": ("target_type", "protocol", "port", "vpc_id"),
    }
)

# Place in the details → what it is, and its place in the configuration; @id and @name are those of the resource.
# ' text, ? true or false, # integer, * list of texts, + list of objects with the last part of the place as their member.
# What changes by itself (states, times of backups) is left out: a finding is sent again when it would say something else.
FORMS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "AwsCloudTrailTrail": {
            "Name": "'name",
            "HomeRegion": "'home_region",
            "KmsKeyId": "'kms_key_id",
            "S3BucketName": "'s3_bucket",
            "S3KeyPrefix": "'s3_key_prefix",
            "SnsTopicArn": "'sns_topic_arn",
            "CloudWatchLogsLogGroupArn": "'log_group_arn",
            "HasCustomEventSelectors": "?custom_event_selectors",
            "IncludeGlobalServiceEvents": "?global_service_events",
            "IsMultiRegionTrail": "?multi_region",
            "IsOrganizationTrail": "?organization",
            "LogFileValidationEnabled": "?log_file_validation",
        },
        "AwsDynamoDbTable": {
            "TableName": "'@name",
            "BillingModeSummary.BillingMode": "'billing_mode",
            "SseDescription.SseType": "'encryption.type",
            "SseDescription.Status": "'encryption.status",
            "SseDescription.KmsMasterKeyArn": "'encryption.key",
            "StreamSpecification.StreamEnabled": "?stream_enabled",
        },
        "AwsEc2Instance": {
            "ImageId": "'image_id",
            "Type": "'instance_type",
            "KeyName": "'key_name",
            "VpcId": "'vpc_id",
            "SubnetId": "'subnet_id",
            "LaunchedAt": "'launch_time",
            "IamInstanceProfileArn": "'iam_instance_profile_arn",
            "MetadataOptions.HttpTokens": "'metadata_options.http_tokens",
            "MetadataOptions.HttpEndpoint": "'metadata_options.http_endpoint",
            "MetadataOptions.HttpPutResponseHopLimit": "#metadata_options.http_put_response_hop_limit",
        },
        "AwsEc2SecurityGroup": {"GroupName": "'group_name", "OwnerId": "'owner_id", "VpcId": "'vpc_id"},
        "AwsEc2Volume": {
            "VolumeId": "'@id",
            "Encrypted": "?encrypted",
            "KmsKeyId": "'kms_key_id",
            "Size": "#size",
            "SnapshotId": "'snapshot_id",
            "VolumeType": "'volume_type",
            "Attachments.InstanceId": "+attached_instances",
        },
        "AwsEcrRepository": {
            "RepositoryName": "'name",
            "ImageTagMutability": "'image_tag_mutability",
            "ImageScanningConfiguration.ScanOnPush": "?scan_on_push",
        },
        "AwsElbLoadBalancer": {
            "LoadBalancerName": "'@name",
            "CreatedTime": "'created_time",
            "Scheme": "'scheme",
            "VpcId": "'vpc_id",
            "Subnets": "*subnets",
            "SecurityGroups": "*security_groups",
            "AvailabilityZones": "*availability_zones",
            "Instances.InstanceId": "+instances",
            "LoadBalancerAttributes.AccessLog.Enabled": "?access_logs",
            "LoadBalancerAttributes.ConnectionDraining.Enabled": "?connection_draining",
            "LoadBalancerAttributes.CrossZoneLoadBalancing.Enabled": "?cross_zone",
        },
        "AwsElbv2LoadBalancer": {
            "CreatedTime": "'created_time",
            "Type": "'type",
            "Scheme": "'scheme",
            "VpcId": "'vpc_id",
            "SecurityGroups": "*security_groups",
            "AvailabilityZones.ZoneName": "+availability_zones",
        },
        "AwsKinesisStream": {
            "Name": "'name",
            "ShardCount": "#shard_count",
            "RetentionPeriodHours": "#retention_period",
            "StreamEncryption.EncryptionType": "'encryption_type",
            "StreamEncryption.KeyId": "'kms_key_id",
        },
        "AwsKmsKey": {
            "KeyId": "'@id",
            "KeyManager": "'manager",
            "KeyState": "'state",
            "Origin": "'origin",
            "KeyRotationStatus": "?rotation",
        },
        "AwsLambdaFunction": {
            "FunctionName": "'@name",
            "Runtime": "'runtime",
            "Handler": "'handler",
            "Role": "'role",
            "KmsKeyArn": "'kms_key_arn",
            "PackageType": "'package_type",
            "Timeout": "#timeout",
            "MemorySize": "#memory_size",
            "Architectures": "*architectures",
            "Layers.Arn": "+layers",
            "TracingConfig.Mode": "'tracing_mode",
            "DeadLetterConfig.TargetArn": "'dead_letter_target_arn",
            "VpcConfig.SubnetIds": "*subnet_ids",
            "VpcConfig.SecurityGroupIds": "*security_group_ids",
        },
        "AwsOpenSearchServiceDomain": {
            "DomainName": "'@name",
            "EngineVersion": "'engine_version",
            "EncryptionAtRestOptions.Enabled": "?encrypted",
            "EncryptionAtRestOptions.KmsKeyId": "'kms_key_id",
            "NodeToNodeEncryptionOptions.Enabled": "?node_to_node_encryption",
            "DomainEndpointOptions.EnforceHTTPS": "?enforce_https",
            "DomainEndpointOptions.TLSSecurityPolicy": "'tls_security_policy",
            "AdvancedSecurityOptions.Enabled": "?fine_grained_access_control",
            "VpcOptions.SubnetIds": "*subnet_ids",
            "VpcOptions.SecurityGroupIds": "*security_group_ids",
        },
        "AwsRdsDbCluster": {
            "DbClusterIdentifier": "'@name",
            "DbClusterResourceId": "'@id",
            "Engine": "'engine",
            "EngineMode": "'engine_mode",
            "StorageEncrypted": "?storage_encrypted",
            "KmsKeyId": "'kms_key_id",
            "BackupRetentionPeriod": "#backup_retention_period",
            "MultiAz": "?multi_az",
            "DeletionProtection": "?deletion_protection",
            "CopyTagsToSnapshot": "?copy_tags_to_snapshot",
            "IamDatabaseAuthenticationEnabled": "?iam_database_authentication",
            "DbSubnetGroup": "'subnet_group",
            "VpcSecurityGroups.VpcSecurityGroupId": "+security_groups",
            "DbClusterMembers.DbInstanceIdentifier": "+members",
        },
        "AwsRdsDbClusterSnapshot": {
            "DbClusterSnapshotIdentifier": "'@name",
            "DbClusterIdentifier": "'cluster",
            "Engine": "'engine",
            "SnapshotType": "'snapshot_type",
            "SnapshotCreateTime": "'created_at",
            "StorageEncrypted": "?storage_encrypted",
            "KmsKeyId": "'kms_key_id",
        },
        "AwsRdsDbInstance": {
            "DBInstanceIdentifier": "'@name",
            "DbiResourceId": "'@id",
            "DBClusterIdentifier": "'cluster",
            "Engine": "'engine",
            "StorageEncrypted": "?storage_encrypted",
            "KmsKeyId": "'kms_key_id",
            "PubliclyAccessible": "?publicly_accessible",
            "BackupRetentionPeriod": "#backup_retention_period",
            "MultiAz": "?multi_az",
            "DeletionProtection": "?deletion_protection",
            "IAMDatabaseAuthenticationEnabled": "?iam_database_authentication",
            "AutoMinorVersionUpgrade": "?auto_minor_version_upgrade",
            "ReadReplicaSourceDBInstanceIdentifier": "'read_replica_source",
            "DbSubnetGroup.DbSubnetGroupName": "'subnet_group",
            "VpcSecurityGroups.VpcSecurityGroupId": "+security_groups",
        },
        "AwsRdsDbSnapshot": {
            "DbSnapshotIdentifier": "'@name",
            "DbInstanceIdentifier": "'instance",
            "Engine": "'engine",
            "SnapshotType": "'snapshot_type",
            "SnapshotCreateTime": "'created_at",
            "SourceDbSnapshotIdentifier": "'source_snapshot",
            "Encrypted": "?encrypted",
            "KmsKeyId": "'kms_key_id",
        },
        "AwsRedshiftCluster": {
            "ClusterIdentifier": "'@name",
            "ClusterVersion": "'version",
            "NodeType": "'node_type",
            "VpcId": "'vpc_id",
            "Encrypted": "?encrypted",
            "KmsKeyId": "'kms_key_id",
            "HsmStatus.HsmConfigurationIdentifier": "'hsm_configuration",
            "PubliclyAccessible": "?publicly_accessible",
            "Endpoint.Port": "#port",
            "EnhancedVpcRouting": "?enhanced_vpc_routing",
            "AllowVersionUpgrade": "?allow_version_upgrade",
            "AutomatedSnapshotRetentionPeriod": "#automated_snapshot_retention_period",
            "LoggingStatus.LoggingEnabled": "?logging_enabled",
            "VpcSecurityGroups.VpcSecurityGroupId": "+security_groups",
            "ClusterParameterGroups.ParameterGroupName": "+parameter_groups",
        },
        "AwsS3Bucket": {
            "Name": "'@id",
            "PublicAccessBlockConfiguration.BlockPublicAcls": "?public_access_block.block_public_acls",
            "PublicAccessBlockConfiguration.IgnorePublicAcls": "?public_access_block.ignore_public_acls",
            "PublicAccessBlockConfiguration.BlockPublicPolicy": "?public_access_block.block_public_policy",
            "PublicAccessBlockConfiguration.RestrictPublicBuckets": "?public_access_block.restrict_public_buckets",
            "BucketVersioningConfiguration.Status": "'versioning",
            "BucketVersioningConfiguration.IsMfaDeleteEnabled": "?mfa_delete",
            "BucketLoggingConfiguration.DestinationBucketName": "'logging.bucket",
            "BucketLoggingConfiguration.LogFilePrefix": "'logging.prefix",
        },
        "AwsSecretsManagerSecret": {
            "Name": "'name",
            "KmsKeyId": "'kms_key_id",
            "RotationEnabled": "?rotation_enabled",
            "RotationLambdaArn": "'rotation_lambda_arn",
            "RotationRules.AutomaticallyAfterDays": "#rotation_rules.after_days",
            "Deleted": "?deleted",
        },
        "AwsSnsTopic": {"TopicName": "'@name", "KmsMasterKeyId": "'kms_key_id", "Owner": "'owner"},
        "AwsSqsQueue": {
            "QueueName": "'@name",
            "KmsMasterKeyId": "'kms_key_id",
            "KmsDataKeyReusePeriodSeconds": "#kms_data_key_reuse_period",
        },
    }
)
