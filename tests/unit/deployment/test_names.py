from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.deployment.names import logical_id, rule_name

IDS = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True), min_size=3, max_size=3).map(
    lambda parts: ".".join(["aws", *parts])
)


@pytest.mark.parametrize(
    ("policy_id", "name"),
    [
        ("aws.s3.bucket.tls_only", "opalite-s3-bucket-tls-only"),
        ("aws.ec2.securitygroup.restricted_ingress", "opalite-ec2-sg-restricted-ingress"),
        ("custom.s3.bucket.tls_only", "opalite-custom-s3-bucket-tls-only"),
        ("custom.payments.ledger.everything_is_very_well_described", "opalite-custom-payments-ledger-eve-2746e2"),
    ],
)
def test_a_rule_is_called_like_its_policy(policy_id, name):
    assert rule_name(policy_id) == name


@given(IDS)
def test_the_copies_of_an_organization_rule_have_names_that_fit(policy_id):
    name = rule_name(policy_id)
    assert re.fullmatch(r"[A-Za-z0-9-_]{1,64}", f"OrgConfigRule-{name}-abcd1234")
    assert rule_name(policy_id) == name


@given(IDS, IDS)
def test_names_that_are_cut_are_told_apart(one, other):
    long = [f"{policy_id}_which_goes_on_and_on_and_on" for policy_id in (one, other)]
    assert (rule_name(long[0]) == rule_name(long[1])) == (one == other)


def test_a_logical_id_is_letters_and_digits():
    assert logical_id("aws.s3.bucket.tls_only") == "AwsS3BucketTlsOnly"
    assert logical_id("restrict-ingress") == "RestrictIngress"
