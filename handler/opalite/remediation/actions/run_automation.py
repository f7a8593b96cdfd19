"""What AWS has published a runbook for can be done by that: it is started once in an attempt, and waited for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Action, Ask, Found, Permission
from opalite.remediation.model import OUTPUT, Call, Mode, Plan, State, Step, Target, Until
from opalite.remediation.reading import anything
from opalite.remediation.reading.mendable import READINGS

_NAME = "run_automation"
ROLE_PATH = "/opalite/automation/"  # no other roles can be handed to a runbook
_ROLE_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,64}")
_ENDED_WELL = ("Success", "CompletedWithSuccess")
_ENDED_BADLY = ("Failed", "TimedOut", "Cancelled", "Rejected", "CompletedWithFailure", "Exited")
_KEY_ARN = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A runbook of AWS's, and the policy that it makes a resource pass.

    `resource`: the parameter that names the resource, by the id that AWS Config has for it.
    `literals`: which other parameters a setting may give, and the pattern of each whole value; those in `needed` it must give.
    """

    policy_id: str
    resource_type: str
    resource: str
    literals: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[str, ...] = ()


_BOOLEAN = "true|false"
# https://docs.aws.amazon.com/systems-manager-automation-runbooks/latest/userguide/automation-runbook-reference.html
DOCUMENTS: Mapping[str, Document] = {
    "AWS-DisableS3BucketPublicReadWrite": Document(
        policy_id="aws.s3.bucket.public_access_block", resource_type="AWS::S3::Bucket", resource="S3BucketName"
    ),
    "AWSConfigRemediation-ConfigureS3BucketPublicAccessBlock": Document(
        policy_id="aws.s3.bucket.public_access_block",
        resource_type="AWS::S3::Bucket",
        resource="BucketName",
        literals=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), _BOOLEAN
        ),
    ),
    "AWSConfigRemediation-DisablePublicAccessToRDSInstance": Document(
        policy_id="aws.rds.dbinstance.not_public", resource_type="AWS::RDS::DBInstance", resource="DbiResourceId"
    ),
    "AWSConfigRemediation-DisablePublicAccessToRedshiftCluster": Document(
        policy_id="aws.redshift.cluster.not_public",
        resource_type="AWS::Redshift::Cluster",
        resource="ClusterIdentifier",
    ),
    "AWSConfigRemediation-DropInvalidHeadersForALB": Document(
        policy_id="aws.elasticloadbalancingv2.loadbalancer.drop_invalid_headers",
        resource_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        resource="LoadBalancerArn",
    ),
    "AWSConfigRemediation-EnableCloudTrailLogFileValidation": Document(
        policy_id="aws.cloudtrail.trail.log_validation", resource_type="AWS::CloudTrail::Trail", resource="TrailName"
    ),
    "AWSConfigRemediation-EnableELBDeletionProtection": Document(
        policy_id="aws.elasticloadbalancingv2.loadbalancer.deletion_protection",
        resource_type="AWS::ElasticLoadBalancingV2::LoadBalancer",
        resource="LoadBalancerArn",
    ),
    "AWSConfigRemediation-EnableEncryptionOnDynamoDbTable": Document(
        policy_id="aws.dynamodb.table.encryption",
        resource_type="AWS::DynamoDB::Table",
        resource="TableName",
        literals={"KMSKeyId": _KEY_ARN},
        needed=("KMSKeyId",),
    ),
    "AWSConfigRemediation-EnableKeyRotation": Document(
        policy_id="aws.kms.key.rotation", resource_type="AWS::KMS::Key", resource="KeyId"
    ),
    "AWSConfigRemediation-EncryptSNSTopic": Document(
        policy_id="aws.sns.topic.encryption",
        resource_type="AWS::SNS::Topic",
        resource="TopicArn",
        literals={"KmsKeyArn": _KEY_ARN},
        needed=("KmsKeyArn",),
    ),
    "AWSConfigRemediation-RestrictBucketSSLRequestsOnly": Document(
        policy_id="aws.s3.bucket.tls_only", resource_type="AWS::S3::Bucket", resource="BucketName"
    ),
}

_PARAMETERS: JsonObject = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "document": {
            "description": "The runbook of AWS's; empty: none is run",
            "enum": ["", *DOCUMENTS],
            "default": "",
        },
        "role": {
            "description": f"Name of the role that the runbook takes on, below the path {ROLE_PATH} in the member account",
            "type": "string",
            "maxLength": 64,
            "default": "",
        },
        "parameters": {
            "description": "Other parameters of the runbook, by its names for them",
            "type": "object",
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": 512},
            "default": {},
        },
    },
}


def read(ask: Ask, target: Target) -> State:
    """As far as the policies need it that a runbook can make pass."""
    return READINGS[target.resource_type].read(ask, target)


def plan(found: Found) -> Plan:
    """The run, or what is wrong with the settings."""
    settings = found.parameters
    name: str = settings["document"]
    document = DOCUMENTS.get(name)
    refusal = _refusal(found, name, document, settings)
    if refusal or document is None:
        return Plan(action=_NAME, refusal=refusal or "no document is set")
    role = f"arn:{found.target.partition}:iam::{found.target.account_id}:role{ROLE_PATH}{settings['role']}"
    given = {document.resource: found.target.resource_id, **settings["parameters"], "AutomationAssumeRole": role}
    return Plan(action=_NAME, steps=(_look(name), _run(name, {key: [value] for key, value in sorted(given.items())})))


def _refusal(found: Found, name: str, document: Document | None, settings: Mapping[str, Any]) -> str:
    if document is None:
        return "no runbook is chosen, or one that is not known here: set document"
    if (document.policy_id, document.resource_type) != (found.target.policy_id, found.target.resource_type):
        return f"{name} is for {document.resource_type} and {document.policy_id}: choose another document"
    if not _ROLE_NAME.fullmatch(settings["role"]):
        return f"set role to the name of a role below {ROLE_PATH}: the runbook must not have the permissions of ours"
    given: Mapping[str, str] = settings["parameters"]
    for key, value in given.items():
        if key not in document.literals:
            return f"{name} cannot be given {key} by a setting"
        if not re.fullmatch(document.literals[key], value):
            return f"{key} of {name} is not of the form that it must have"
    missing = [key for key in document.needed if key not in given]
    return f"{name} needs {missing[0]}: set it under parameters" if missing else ""


def _look(name: str) -> Step:
    """The id that AWS gives to this question is a UUID of the attempt's own, kept before the run is asked for.

    It is waited for by the same question, so that whoever goes on knows the step for one that only looks, and keeps its token.
    """
    call = Call("ssm", "DescribeDocument", {"Name": name})
    return Step(
        name="look",
        reason="the runbook must be there; what AWS calls this question is the token of the run",
        call=call,
        irreversible="it only reads",
        stays=True,
        outputs={"token": "ResponseMetadata.RequestId"},
        until=Until(call, "Document.Status", wanted=("Active",), failed=("Deleting", "Failed", "None"), seconds=15),
    )


def _run(name: str, parameters: Mapping[str, list[str]]) -> Step:
    call = {"DocumentName": name, "Parameters": dict(parameters), "ClientToken": {OUTPUT: "token"}}
    return Step(
        name="run",
        reason=f"AWS's runbook {name} mends it",
        call=Call("ssm", "StartAutomationExecution", call),
        irreversible="a runbook of AWS's does not say how to take back what it has done; the state before is in the record",
        outputs={"execution": "AutomationExecutionId"},
        until=Until(
            Call("ssm", "GetAutomationExecution", {"AutomationExecutionId": {OUTPUT: "execution"}}),
            "AutomationExecution.AutomationExecutionStatus",
            wanted=_ENDED_WELL,
            failed=_ENDED_BADLY,
            seconds=15,
        ),
    )


ACTION = Action(
    name=_NAME,
    title="Run a runbook of AWS's",
    resource_types=tuple(READINGS),
    read=read,
    plan=plan,
    most=Mode.AUTO,
    permissions=(
        *anything.TAGS_PERMISSIONS,
        *(permission for reading in READINGS.values() for permission in reading.permissions),
        Permission(
            ("ssm:StartAutomationExecution",),
            (
                *(f"arn:${{AWS::Partition}}:ssm:*:*:automation-definition/{name}:*" for name in DOCUMENTS),
                *(f"arn:${{AWS::Partition}}:ssm:*::document/{name}" for name in DOCUMENTS),
                "arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:automation-execution/*",
            ),
        ),
        Permission(
            ("ssm:DescribeDocument",), tuple(f"arn:${{AWS::Partition}}:ssm:*::document/{name}" for name in DOCUMENTS)
        ),
        Permission(
            ("ssm:GetAutomationExecution",), ("arn:${AWS::Partition}:ssm:*:${AWS::AccountId}:automation-execution/*",)
        ),
        Permission(
            ("iam:PassRole",),
            (f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{ROLE_PATH}*",),
            {"StringEquals": {"iam:PassedToService": "ssm.amazonaws.com"}},
        ),
    ),
    parameters=_PARAMETERS,
)
