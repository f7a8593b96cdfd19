"""The runbooks of deploy/automation as a nested stack: Systems Manager documents, and the one role that they take on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opalite.deployment.names import logical_id
from opalite.model import JsonObject


def template(documents: Mapping[str, Any]) -> JsonObject:
    """`documents`: by name."""
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Opalite: runbooks by which people ask for a remediation, made by `make template`",
        "Parameters": {
            "Name": {"Type": "String", "AllowedPattern": "^[a-z][a-z0-9-]{1,18}[a-z0-9]$", "Description": "As the main stack has it"},
            "FunctionArn": {
                "Type": "String",
                "AllowedPattern": "^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$",
                "Description": "The remediation function",
            },
        },
        "Resources": {
            "Role": _role(),
            **{logical_id(name): _document(name, content) for name, content in documents.items()},
        },
        "Outputs": {
            "RoleArn": {"Description": "AutomationAssumeRole of the runbooks", "Value": {"Fn::GetAtt": ["Role", "Arn"]}}
        },
    }  # fmt: skip


def _document(name: str, content: Any) -> JsonObject:
    return {
        "Type": "AWS::SSM::Document",
        "Properties": {
            "Name": {"Fn::Sub": f"${{Name}}-{name}"},
            "DocumentType": "Automation",
            "DocumentFormat": "YAML",
            "UpdateMethod": "NewVersion",
            "Content": content,
        },
    }


def _role() -> JsonObject:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-setup-iam.html."""
    source = {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:automation-execution/*"}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ssm.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
            "ArnLike": {"aws:SourceArn": source},
        },
    }
    invoke = {
        "Sid": "InvokeRemediation",
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Resource": {"Ref": "FunctionArn"},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": {"Fn::Sub": "${Name}-runbooks-${AWS::Region}"},
            "Description": "Of Opalite's runbooks, which hand over to the remediation function",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "invoke", "PolicyDocument": {"Version": "2012-10-17", "Statement": [invoke]}}],
        },
    }
