"""The parameters of a Config rule choose among the policies of the bundle, and do nothing else."""

from __future__ import annotations

import pytest

from opalite.catalog import Catalog, from_entries
from opalite.errors import InvocationError
from opalite.selection import Selection, selection, types


def entry(*types, **more):
    return {
        "title": "t", "version": "1.0.0", "severity": "LOW", "path": [],
        "resource_types": list(types or ["AWS::S3::Bucket"]), **more,
    }  # fmt: skip


ENTRIES = {
    "aws.s3.bucket.encryption": entry(tags=["baseline", "encryption"], aliases=["aws.s3.bucket.kms"]),
    "aws.s3.bucket.tls_only": entry(tags=["encryption", "network"]),
    "aws.ec2.volume.encryption": entry("AWS::EC2::Volume", "AWS::EC2::Snapshot", tags=["encryption"]),
    "custom.iam.role.boundary": entry("AWS::IAM::Role"),
    "aws.any.resource.required_tags": entry("*", tags=["tagging"], idle_without=["required"]),
    "aws.rds.dbinstance.owner": entry("AWS::RDS::DBInstance", idle_without=["owners"], tags=["cost"]),
}
IDLE = frozenset({"aws.any.resource.required_tags", "aws.rds.dbinstance.owner"})
CATALOG = Catalog(from_entries(ENTRIES, IDLE))
AWAKE = Catalog(from_entries(ENTRIES))


def chosen(**parameters):
    return selection(parameters, CATALOG).chosen


def refusal(**parameters):
    with pytest.raises(InvocationError) as caught:
        selection(parameters, CATALOG)
    return str(caught.value)


@pytest.mark.parametrize("parameters", [{}, {"policies": ""}, {"tags": " "}, {"policies": "", "tags": "\n"}])
def test_without_parameters_all_policies_are_asked(parameters):
    assert selection(parameters, CATALOG) == Selection(None)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"policies": "aws.s3.bucket.encryption"}, {"aws.s3.bucket.encryption"}),
        (
            {"policies": " custom.iam.role.boundary ,aws.s3.bucket.encryption"},
            {"aws.s3.bucket.encryption", "custom.iam.role.boundary"},
        ),
        ({"policies": "aws.s3.bucket.kms"}, {"aws.s3.bucket.encryption"}),
        ({"policies": "aws.s3.bucket.kms,aws.s3.bucket.encryption"}, {"aws.s3.bucket.encryption"}),
        ({"tags": "network"}, {"aws.s3.bucket.tls_only"}),
        (
            {"tags": "network, baseline"},
            {"aws.s3.bucket.tls_only", "aws.s3.bucket.encryption"},
        ),
        (
            {"policies": "custom.iam.role.boundary", "tags": "network"},
            {"custom.iam.role.boundary", "aws.s3.bucket.tls_only"},
        ),
        ({"policies": "aws.any.resource.required_tags"}, {"aws.any.resource.required_tags"}),
        ({"tags": "cost"}, {"aws.rds.dbinstance.owner"}),
    ],
)
def test_ids_aliases_and_tags_unite_and_idle_policies_may_be_named(parameters, expected):
    assert chosen(**parameters) == expected


@pytest.mark.parametrize(
    ("parameters", "umbrella"),
    [
        ({}, True),
        ({"policies": "aws.s3.bucket.encryption"}, False),
        ({"policies": "aws.s3.bucket.kms,aws.s3.bucket.encryption"}, False),
        ({"tags": "network"}, False),
        ({"tags": "network,baseline"}, True),
        ({"tags": "encryption"}, True),
    ],
)
def test_an_umbrella_is_a_rule_that_speaks_for_several(parameters, umbrella):
    assert selection(parameters, CATALOG).umbrella is umbrella


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bundleUrl", "bundleUrl"),
        ("policy", "policy"),
        ("Policies", "Policies"),
        ("tags ", "tags?"),
        ("s3Bucket", "s3Bucket"),
        ("executionRoleArn", "executionRoleArn"),
        ("rego\ncode", "rego?code"),
        ("stage", "stage"),
        ("exemptions", "exemptions"),
        ("endpoint/https://evil", "endpoint?https:??evil"),
        ("x" * 100, "x" * 80),
    ],
)
def test_a_parameter_that_is_no_choice_of_policies_is_refused(name, shown):
    expected = f"the Config rule's parameter {shown} is not taken: parameters only choose policies, by policies or tags"
    assert refusal(**{name: "whatever", "tags": "network"}) == expected
    assert refusal(**{name: ""}) == expected


@pytest.mark.parametrize("name", ["policies", "tags"])
@pytest.mark.parametrize(
    "value",
    [
        ",",
        "a,",
        "a,,b",
        "a b",
        "https://example.com/bundle.tar.gz",
        "s3://bucket/key",
        "../../etc/passwd",
        "arn:aws:iam::111122223333:role/admin",
        "package x\ndefault allow := true",
        '["aws.s3.bucket.encryption"]',
        "aws.s3.bucket.encryption;other",
        "tr\u00e8s.s3.bucket.encryption",
        "aws.s3.bucket.encrypti\u043en",
        "a\u202eb",
    ],
)
def test_what_does_not_look_like_names_is_refused_and_not_repeated(name, value):
    assert refusal(**{name: value}) == f"the Config rule's parameter {name}: expected names with commas between"


def test_names_of_nothing_in_the_bundle_are_refused():
    assert refusal(policies="aws.s3.bucket.unheard_of") == (
        "the Config rule's parameters: policies aws.s3.bucket.unheard_of: there is no such policy; "
        f"there are: {', '.join(sorted(ENTRIES))}"
    )
    assert refusal(tags="encryption,unheard-of") == (
        "the Config rule's parameters: tags unheard-of: no policy names it; "
        "there are: baseline, cost, encryption, network, tagging"
    )
    assert refusal(policies="AWS.S3.BUCKET.ENCRYPTION").startswith(
        "the Config rule's parameters: policies AWS.S3.BUCKET.ENCRYPTION: there is no such policy"
    )
    assert refusal(policies="baseline").startswith("the Config rule's parameters: policies baseline: there is no such")


def test_a_long_id_of_ones_own_is_taken():
    name = f"custom.{'x' * 60}.{'y' * 60}.z"
    assert selection({"policies": name}, Catalog(from_entries({name: entry()}))).chosen == {name}


@pytest.mark.parametrize(
    ("catalog", "ids", "expected"),
    [
        (CATALOG, None, {"AWS::S3::Bucket", "AWS::EC2::Volume", "AWS::EC2::Snapshot", "AWS::IAM::Role"}),
        (CATALOG, {"aws.s3.bucket.encryption", "aws.s3.bucket.tls_only"}, {"AWS::S3::Bucket"}),
        (CATALOG, IDLE, set()),
        (CATALOG, {"aws.rds.dbinstance.owner", "custom.iam.role.boundary"}, {"AWS::IAM::Role"}),
        (AWAKE, {"aws.rds.dbinstance.owner"}, {"AWS::RDS::DBInstance"}),
        (AWAKE, {"aws.any.resource.required_tags", "aws.s3.bucket.encryption"}, None),
        (AWAKE, None, None),
    ],
)
def test_the_types_of_the_chosen_policies(catalog, ids, expected):
    assert types(catalog, None if ids is None else frozenset(ids)) == expected
