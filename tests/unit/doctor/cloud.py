"""A deployment that is well, behind the ports: answers by operation, which a test changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from opalite.doctor import central
from opalite.doctor.asking import Asking
from opalite.doctor.diagnosis import Diagnosis, State
from opalite.doctor.examination import Job, examined
from opalite.doctor.layer import LayerFile
from opalite.doctor.settings import Subject
from opalite.ports import Absent, Denied, Place

OWN, MEMBER, OTHER, MANAGEMENT = "111111111111", "222222222222", "333333333333", "999999999999"
ACCOUNTS = (OWN, MEMBER, OTHER, MANAGEMENT)
REGION = "eu-west-1"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
FUNCTION = f"arn:aws:lambda:{REGION}:{OWN}:function:opalite"
FUNCTION_ROLE = f"arn:aws:iam::{OWN}:role/OpaliteFunction"
LAYER = f"arn:aws:lambda:{REGION}:{OWN}:layer:opalite:7"
QUEUE = f"arn:aws:sqs:{REGION}:{OWN}:opalite-failed"
TOPIC = f"arn:aws:sns:{REGION}:{OWN}:opalite"
COPY = "OrgConfigRule-buckets-abcdefgh"
CATALOG = {
    "policies": {
        "aws.s3.bucket.encryption": {
            "title": "t", "version": "1.0.0", "severity": "HIGH", "resource_types": ["AWS::S3::Bucket"], "tags": [],
        },
        "custom.iam.role.boundary": {
            "title": "t", "version": "1.0.0", "severity": "HIGH", "resource_types": ["AWS::IAM::Role", "*"], "tags": [],
        },
    },
    "by_type": {
        "AWS::S3::Bucket": ["aws.s3.bucket.encryption"],
        "AWS::IAM::Role": ["custom.iam.role.boundary"],
        "*": ["custom.iam.role.boundary"],
    },
}  # fmt: skip
LAYER_FILE = LayerFile("digest", "0123456789abcdef", "1.22.2", CATALOG, "arm64")
SUBJECT = Subject(function=FUNCTION, whole=True, remediation_table="opalite-remediation")
_KEY = {"S": "S"}


def healthy() -> dict[str, Any]:
    """By action, what AWS answers."""
    return {
        "sts:GetCallerIdentity": {"Arn": f"arn:aws:sts::{OWN}:assumed-role/OpaliteFunction/somebody"},
        "organizations:DescribeOrganization": {"Organization": {"Id": "o-exampleorgid", "MasterAccountId": MANAGEMENT}},
        "organizations:DescribeAccount": {"Account": {"State": "ACTIVE"}},
        "organizations:ListDelegatedAdministrators": {"DelegatedAdministrators": [{"Id": OWN}]},
        "organizations:ListAWSServiceAccessForOrganization": {
            "EnabledServicePrincipals": [
                {"ServicePrincipal": f"{name}.amazonaws.com"}
                for name in ("config", "config-multiaccountsetup", "member.org.stacksets.cloudformation", "securityhub")
            ]
        },
        **_lambda(),
        **_config(),
        **_outputs(),
        "iam:GetRole": {"Role": {"AssumeRolePolicyDocument": trust()}},
        "securityhub:DescribeHub": {"HubArn": "arn"},
    }


def trust(*, condition: Mapping[str, Any] | None = None, principal: Any = None) -> dict[str, Any]:
    default = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid", "sts:ExternalId": "abc"}}
    statement = {
        "Effect": "Allow",
        "Principal": principal or {"AWS": FUNCTION_ROLE},
        "Action": "sts:AssumeRole",
        "Condition": default if condition is None else condition,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def permission(**condition: Any) -> dict[str, str]:
    statement = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "lambda:InvokeFunction"}
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement | condition]})}


def _lambda() -> dict[str, Any]:
    variables = {
        "OPALITE_ACCOUNTS": "organization",
        "OPALITE_MEMBER_ROLE": "OpaliteMember",
        "OPALITE_EXTERNAL_ID": "abc",
        "OPALITE_LOG_BUCKET": "opalite-log",
        "OPALITE_LOG_OWNER": OWN,
        "OPALITE_STATE_TABLE": "opalite-standings",
        "OPALITE_SECURITY_HUB": "on",
        "OPALITE_TOPIC_ARN": TOPIC,
    }
    return {
        "lambda:GetFunctionConfiguration": {
            "FunctionArn": FUNCTION,
            "Role": FUNCTION_ROLE,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "Timeout": 300,
            "MemorySize": 512,
            "Architectures": ["arm64"],
            "Layers": [{"Arn": LAYER}],
            "Environment": {"Variables": variables},
        },
        "lambda:GetFunctionEventInvokeConfig": {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}},
        "lambda:GetFunctionConcurrency": {"ReservedConcurrentExecutions": 100},
        "lambda:GetPolicy": permission(),
        "lambda:GetResourcePolicy": Absent("ResourceNotFoundException"),
        "lambda:GetLayerVersionByArn": {
            "Content": {"CodeSha256": "digest", "Location": "https://layers"},
            "CompatibleArchitectures": ["arm64"],
        },
        "sqs:GetQueueUrl": {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{OWN}/opalite-failed"},
        "sqs:GetQueueAttributes": {
            "Attributes": {"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0"}
        },
        "cloudwatch:GetMetricData": {"MetricDataResults": [{"Values": [3600.0, 7200.0]}]},
    }


def _config() -> dict[str, Any]:
    rule = {
        "OrganizationConfigRuleName": "buckets",
        "OrganizationConfigRuleArn": f"arn:aws:config:{REGION}:{OWN}:organization-config-rule/buckets-abcdefgh",
        "OrganizationCustomRuleMetadata": {
            "LambdaFunctionArn": FUNCTION,
            "InputParameters": '{"policies": "aws.s3.bucket.encryption,custom.iam.role.boundary"}',
        },
    }
    other = {**rule, "OrganizationConfigRuleName": "managed", "OrganizationCustomRuleMetadata": None}
    copy = {
        "ConfigRuleName": COPY,
        "ConfigRuleState": "ACTIVE",
        "Source": {"SourceIdentifier": FUNCTION, "SourceDetails": [{"MessageType": "ScheduledNotification"}]},
    }
    strange = {"ConfigRuleName": "of-somebody", "ConfigRuleState": "DELETING", "Source": {"SourceIdentifier": "S3_X"}}
    soon = NOW - timedelta(hours=2)
    return {
        "config:DescribeOrganizationConfigRules": {"OrganizationConfigRules": [other, rule]},
        "config:DescribeOrganizationConfigRuleStatuses": {
            "OrganizationConfigRuleStatuses": [
                {"OrganizationConfigRuleName": "buckets", "OrganizationRuleStatus": "CREATE_SUCCESSFUL"}
            ]
        },
        "config:GetOrganizationConfigRuleDetailedStatus": {"OrganizationConfigRuleDetailedStatus": []},
        "config:DescribeConfigurationRecorders": {
            "ConfigurationRecorders": [
                {"name": "default", "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
                 "recordingMode": {"recordingFrequency": "CONTINUOUS"}},
            ]
        },
        "config:DescribeConfigurationRecorderStatus": {
            "ConfigurationRecordersStatus": [{"name": "default", "recording": True, "lastStatus": "SUCCESS"}]
        },
        "config:DescribeDeliveryChannels": {"DeliveryChannels": [{"name": "default", "s3BucketName": "items"}]},
        "config:DescribeDeliveryChannelStatus": {
            "DeliveryChannelsStatus": [{"name": "default", "configHistoryDeliveryInfo": {"lastStatus": "SUCCESS"}}]
        },
        "config:DescribeConfigRules": {"ConfigRules": [copy, strange]},
        "config:DescribeConfigRuleEvaluationStatus": {
            "ConfigRulesEvaluationStatus": [
                {"ConfigRuleName": COPY, "LastSuccessfulInvocationTime": soon, "LastSuccessfulEvaluationTime": soon,
                 "FirstActivatedTime": NOW - timedelta(days=90)},
            ]
        },
        "config:PutEvaluations": {"FailedEvaluations": []},
    }  # fmt: skip


def _outputs() -> dict[str, Any]:
    return {
        "s3:GetBucketLocation": {"LocationConstraint": REGION},
        "s3:GetBucketEncryption": {
            "ServerSideEncryptionConfiguration": {
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
            }
        },
        "s3:GetPublicAccessBlock": {
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            )
        },
        "s3:PutObject": {"ETag": "x"},
        "dynamodb:DescribeTable": _table,
        "dynamodb:DescribeTimeToLive": {
            "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
        },
        "dynamodb:GetItem": {},
        "sns:GetTopicAttributes": {
            "Attributes": {"KmsMasterKeyId": "key", "SubscriptionsConfirmed": "2", "SubscriptionsPending": "0"}
        },
    }


def _table(_account: str, _region: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("finding_id",) if asked["TableName"] == "opalite-standings" else ("pk", "sk")
    index = [{"IndexName": "due", "KeySchema": _schema("due", "due_at")}]
    return {"Table": {"TableStatus": "ACTIVE", "KeySchema": _schema(*keys), "GlobalSecondaryIndexes": index,
                      "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys]}}  # fmt: skip


def _schema(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, ("HASH", "RANGE"), strict=False)]


Answer = Any  # a document, an exception, or a function of account, region and parameters


@dataclass(slots=True)
class Cloud:
    """Meets opalite.ports.Sessions. `answers`: by action; `closed`: accounts that cannot be entered."""

    answers: dict[str, Answer] = field(default_factory=healthy)
    closed: set[str] = field(default_factory=lambda: {MANAGEMENT})
    calls: list[tuple[str, str, str, Mapping[str, Any]]] = field(default_factory=list)

    def caller(self) -> str:
        return OWN

    def service(self, name: str, account_id: str, region: str) -> Service:
        if account_id in self.closed:
            raise Denied(f"role OpaliteMember of account {account_id} cannot be assumed")
        return Service(self, name, account_id, region)

    def deny(self, action: str) -> None:
        """As the border to AWS tells it."""

        def denied(account: str, _region: str, _asked: Mapping[str, Any]) -> Any:
            raise Denied(f"{action} is denied in account {account} (AccessDeniedException)")

        self.answers[action] = denied

    def absent(self, action: str, code: str = "ResourceNotFoundException") -> None:
        self.answers[action] = Absent(code)

    def change(self, action: str, **members: Any) -> None:
        """Lay members over an answer."""
        self.answers[action] = {**self.answers[action], **members}

    def entry(self, action: str, **members: Any) -> None:
        """Lay members over the first entry of an answer that is a list."""
        answer = deepcopy(self.answers[action])
        [entries] = answer.values()
        entries[0].update(members)
        self.answers[action] = answer

    def only(self, action: str, account: str, answer: Answer) -> None:
        """Another answer in one account."""
        usual = self.answers[action]
        self.answers[action] = lambda own, region, asked: told(answer if own == account else usual, own, region, asked)


@dataclass(slots=True)
class Service:
    """Meets opalite.ports.Service."""

    cloud: Cloud
    name: str
    account: str
    region: str

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        action = f"{self.name}:{operation}"
        self.cloud.calls.append((action, self.account, self.region, parameters))
        return told(self.cloud.answers[action], self.account, self.region, parameters)

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        yield self.ask(operation, **parameters)


def told(answer: Answer, account: str, region: str, asked: Mapping[str, Any]) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return answer(account, region, asked) if callable(answer) else answer


def job(cloud: Cloud, subject: Subject = SUBJECT, **more: Any) -> Job:
    return Job(
        **{
            "asking": Asking(cloud),
            "asking_members": lambda _: Asking(cloud),
            "subject": subject,
            "place": Place("aws", OWN, REGION),
            "now": NOW,
            "catalog": CATALOG,
            "accounts": lambda: ACCOUNTS,
            "layer": LAYER_FILE,
            "jobs": 2,
            **more,
        }
    )


def found(cloud: Cloud, subject: Subject = SUBJECT, **more: Any) -> list[Diagnosis]:
    return list(examined(job(cloud, subject, **more)))


def states(diagnoses: list[Diagnosis], state: State) -> list[tuple[str, str]]:
    """Check and account of all that are so."""
    return [(one.check, one.account_id) for one in diagnoses if one.state is state]


Change = Callable[[Cloud], object]
PROBE = central.PROBE_KEY
