"""Which policies of keys let everybody of the account go on working with a bucket, and nobody take it hostage."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from opalite.normalize.policy import policy
from opalite.remediation.model import Target
from opalite.remediation.planning.bucket_key_terms import BucketKeyTerms
from opalite.remediation.planning.new_bucket_key import key_policy

ACCOUNT, OTHER = "123456789012", "444455556666"
TARGET = Target(
    policy_id="aws.s3.bucket.encryption",
    partition="aws",
    account_id=ACCOUNT,
    region="eu-west-1",
    resource_type="AWS::S3::Bucket",
    resource_id="invoices",
)
TERMS = BucketKeyTerms(TARGET)
ADMINISTRATION, USE = key_policy(TARGET)["Statement"]
EVE = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/eve"}


def allow(principal, *actions, **more):
    return {"Effect": "Allow", "Principal": principal, "Action": list(actions), "Resource": "*", **more}


def document(*statements):
    return policy(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def use(**members):
    return {**deepcopy(USE), **members}


def conditions(**members):
    return use(Condition={"StringEquals": {**USE["Condition"]["StringEquals"], **members}})


def test_the_policy_of_keys_that_are_made_here_is_ours_in_any_order():
    turned = use(Action=USE["Action"][::-1])
    assert TERMS.is_ours(policy(key_policy(TARGET)))
    assert TERMS.is_ours(document(turned, ADMINISTRATION))
    assert TERMS.against(document(turned, ADMINISTRATION)) == ""


@pytest.mark.parametrize(
    "found",
    [
        None,
        document(ADMINISTRATION),
        document(ADMINISTRATION, USE, allow({"AWS": OTHER}, "kms:Decrypt")),
        document(ADMINISTRATION, conditions(**{"kms:CallerAccount": OTHER})),
        document(ADMINISTRATION, {**USE, "Sid": "Other"}),
    ],
)
def test_any_other_is_not_ours(found):
    assert TERMS.is_ours(found) is False


@pytest.mark.parametrize(
    "statements",
    [
        (ADMINISTRATION, USE, allow({"AWS": OTHER}, "kms:Decrypt", "kms:DescribeKey")),
        (ADMINISTRATION, USE, allow({"Service": "cloudfront.amazonaws.com"}, "kms:Decrypt", "kms:GenerateDataKey*")),
        (
            ADMINISTRATION,
            use(
                Sid="Buckets",
                Action=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"],
            ),
        ),
        (
            ADMINISTRATION,
            conditions(**{"kms:ViaService": ["s3.eu-west-1.amazonaws.com", "s3.us-east-1.amazonaws.com"]}),
        ),
        (ADMINISTRATION, use(Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT}})),
        ({**ADMINISTRATION, "Action": "*"}, USE),
    ],
)
def test_a_key_that_people_made_may_let_more_of_them_use_it(statements):
    assert TERMS.against(document(*statements)) == ""


USED = "its policy does not let everybody of the account use it through S3"
LEFT = "its policy does not leave the key to IAM of the account"
ALONE = "its policy lets somebody administer the key by himself"


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ((), USED),
        ((ADMINISTRATION,), USED),  # as KMS makes it: whoever has no permission of IAM for the key is locked out
        ((allow(EVE, "kms:*"),), USED),
        ((ADMINISTRATION, use(Principal=EVE)), USED),
        ((ADMINISTRATION, use(Action="kms:Decrypt")), USED),
        ((ADMINISTRATION, use(Resource="arn:aws:kms:eu-west-1:123456789012:key/other")), USED),
        ((ADMINISTRATION, conditions(**{"kms:CallerAccount": OTHER})), USED),
        ((ADMINISTRATION, conditions(**{"kms:ViaService": "s3.us-east-1.amazonaws.com"})), USED),
        ((ADMINISTRATION, conditions(**{"aws:PrincipalArn": EVE["AWS"]})), USED),
        ((USE,), LEFT),
        ((USE, {**ADMINISTRATION, "Principal": EVE}), LEFT),
        ((USE, {**ADMINISTRATION, "Action": "kms:Describe*"}), LEFT),
        ((USE, {**ADMINISTRATION, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}), LEFT),
        ((ADMINISTRATION, USE, allow(EVE, "kms:PutKeyPolicy")), ALONE),
        ((ADMINISTRATION, USE, allow(EVE, "kms:*")), ALONE),
        ((ADMINISTRATION, USE, allow({"AWS": OTHER}, "kms:CreateGrant")), ALONE),
        (
            (ADMINISTRATION, USE, {"Effect": "Allow", "Principal": EVE, "NotAction": "kms:Decrypt", "Resource": "*"}),
            ALONE,
        ),
        (
            (ADMINISTRATION, USE, {"Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}),
            "its policy has a Deny",
        ),
    ],
)
def test_a_key_that_locks_somebody_out_or_is_somebody_s_own_is_told(statements, why):
    assert TERMS.against(document(*statements)) == why
