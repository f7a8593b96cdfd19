"""Types and details of resources in Security Hub's format, held against its model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.normalize import TYPES
from opalite.publish.asff_details import asff_type, details, shown
from opalite.publish.asff_forms import BY_WORDS, DIFFERENT, FORMS, SHOWN
from opalite.publish.asff_resource import resource
from unit.publish.securityhub_cases import RESOURCE, case
from unit.publish.securityhub_format import model

ROOT = Path(__file__).parents[3]
# Parts of the model that are no type of a resource that AWS Config records.
UNRECORDED = {"AwsEcsContainer", "AwsEcsTask", "AwsEcrContainerImage", "AwsIamAccessKey", "AwsS3Object"}


def of(kind, configuration, **more):
    return details(
        RESOURCE | {"type": kind, "configuration": configuration, "organizational_units": None, "name": None} | more
    )


def test_the_names_are_those_of_the_model():
    known = {name for name in model().shape_for("ResourceDetails").members if name.startswith("Aws")}
    assert {*BY_WORDS.values(), *DIFFERENT.values()} == known - UNRECORDED
    assert FORMS.keys() <= known


def test_every_type_with_a_schema_has_a_name_or_shows_some_members():
    assert {kind for kind in TYPES if asff_type(kind) == "Other"} == set(SHOWN)
    assert {asff_type(kind) for kind in TYPES if kind not in SHOWN} == set(FORMS)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("AWS::EC2::SecurityGroup", "AwsEc2SecurityGroup"),
        ("AWS::EC2::EIP", "AwsEc2Eip"),
        ("AWS::RDS::DBInstance", "AwsRdsDbInstance"),
        ("AWS::IAM::Role", "AwsIamRole"),
        ("AWS::WAFv2::WebACL", "AwsWafv2WebAcl"),
        ("AWS::ElasticLoadBalancing::LoadBalancer", "AwsElbLoadBalancer"),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AwsElbv2LoadBalancer"),
        ("AWS::ElasticLoadBalancingV2::TargetGroup", "Other"),
        ("AWS::Neptune::Graph", "Other"),
        ("Third::EC2::Instance", "Other"),
    ],
)
def test_types_have_the_names_of_the_format(kind, expected):
    assert asff_type(kind) == expected


@pytest.mark.parametrize("form", sorted(FORMS))
def test_what_the_tables_read_stands_in_the_schema(form):
    kinds = [kind for kind in TYPES if asff_type(kind) == form]
    for kind in kinds:
        schema = json.loads((ROOT / "policies" / "schemas" / f"{kind.lower().replace('::', '/')}.json").read_text())
        for source in FORMS[form].values():
            if source[1] == "@":
                continue
            found = schema
            for part in source[1:].split("."):
                found = found["properties"][part]
            named = {"'": "string", "?": "boolean", "#": "integer", "*": "array", "+": "array"}[source[0]]
            assert named in found["type"]


@pytest.mark.parametrize("member", [(kind, member) for kind in SHOWN for member in SHOWN[kind]])
def test_what_is_shown_of_other_types_stands_in_the_schema(member):
    schema = (ROOT / "policies" / "schemas" / f"{member[0].lower().replace('::', '/')}.json").read_text()
    assert member[1] in json.loads(schema)["properties"]


def test_a_security_group_shows_its_rules():
    rule = {"protocol": "tcp", "from_port": 22, "to_port": 22, "prefix_lists": ["pl-1"], "groups": ["sg-2"]}
    rule |= {"ipv4": [{"cidr": "0.0.0.0/0", "prefix_length": 0, "description": "x"}], "ipv6": [{"cidr": "::/0"}]}
    every = {
        "protocol": "-1",
        "from_port": None,
        "to_port": None,
        "prefix_lists": [],
        "groups": [],
        "ipv4": [],
        "ipv6": [],
    }
    configuration = {"group_name": "web", "description": "d", "vpc_id": "vpc-1", "owner_id": "111122223333"}
    assert of("AWS::EC2::SecurityGroup", configuration | {"ingress": [rule], "egress": [every]}, id="sg-1") == {
        "AwsEc2SecurityGroup": {
            "GroupName": "web",
            "GroupId": "sg-1",
            "OwnerId": "111122223333",
            "VpcId": "vpc-1",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                    "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
                    "PrefixListIds": [{"PrefixListId": "pl-1"}],
                    "UserIdGroupPairs": [{"GroupId": "sg-2"}],
                }
            ],
            "IpPermissionsEgress": [{"IpProtocol": "-1"}],
        }
    }


def test_a_bucket_shows_encryption_and_public_access():
    configuration = {
        "encryption": {"algorithm": "aws:kms", "key": "alias/data", "bucket_key": True},
        "public_access_block": {"block_public_acls": True, "ignore_public_acls": None, "block_public_policy": False},
        "versioning": "Suspended",
        "logging": None,
    }
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/data"}
    assert of("AWS::S3::Bucket", configuration) == {
        "AwsS3Bucket": {
            "Name": "reports",
            "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": False},
            "BucketVersioningConfiguration": {"Status": "Suspended"},
        }
    }
    off = {"encryption": {"algorithm": "AES256", "key": None}}
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    shown_of = of("AWS::S3::Bucket", off)["AwsS3Bucket"]
    assert shown_of == {"Name": "reports", "ServerSideEncryptionConfiguration": {"Rules": rules}}


def test_an_instance_shows_image_type_and_addresses():
    configuration = {
        "image_id": "ami-1",
        "instance_type": "m7g.large",
        "state": "running",
        "private_ip_address": "10.0.0.1",
        "public_ip_address": None,
        "metadata_options": {"http_tokens": "optional", "http_put_response_hop_limit": 2},
        "network_interfaces": [{"network_interface_id": "eni-1"}, {"network_interface_id": None}],
    }
    assert of("AWS::EC2::Instance", configuration) == {
        "AwsEc2Instance": {
            "ImageId": "ami-1",
            "Type": "m7g.large",
            "IpV4Addresses": ["10.0.0.1"],
            "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1"}],
            "MetadataOptions": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 2},
        }
    }


def test_lists_of_names_become_lists_of_objects():
    configuration = {"security_groups": ["sg-1", "sg-2"], "storage_encrypted": False, "backup_retention_period": 0}
    assert of("AWS::RDS::DBInstance", configuration, name="crm", id="db-1", organizational_units=["r-1", "ou-2"]) == {
        "AwsRdsDbInstance": {
            "DBInstanceIdentifier": "crm",
            "DbiResourceId": "db-1",
            "StorageEncrypted": False,
            "BackupRetentionPeriod": 0,
            "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}, {"VpcSecurityGroupId": "sg-2"}],
        },
        "Other": {"resource_name": "crm", "organizational_units": "r-1/ou-2"},
    }


def test_nothing_is_shown_of_an_untyped_configuration():
    """It may hold passwords."""
    configuration = {"password": "hunter2", "encrypted": True}
    assert of("AWS::DocDB::DBCluster", configuration, name="n") == {
        "Other": {"resource_type": "AWS::DocDB::DBCluster", "resource_id": "reports", "resource_name": "n"}
    }
    assert of("AWS::IAM::Role", configuration) == {}


def test_members_of_types_without_an_object_are_texts():
    configuration = {"encrypted": True, "kms_key_id": None, "backup_policy": "ENABLED"}
    assert of("AWS::EFS::FileSystem", configuration, id="fs-1") == {
        "Other": {
            "resource_type": "AWS::EFS::FileSystem",
            "resource_id": "fs-1",
            "encrypted": "true",
            "backup_policy": "ENABLED",
        }
    }


@pytest.mark.parametrize("configuration", [None, {}, [], "text"])
def test_without_a_configuration_there_are_no_details(configuration):
    assert of("AWS::S3::Bucket", configuration) == {}


def test_an_id_that_is_too_long_is_left_out_rather_than_cut():
    assert [shown("x" * 1023), shown("x" * 1024), shown(" \n"), shown(7)] == ["x" * 1023, None, None, None]


# The resource


def test_a_resource_is_named_by_its_arn_and_shows_its_tags():
    assert resource(case(resource=RESOURCE | {"configuration": None})) == {
        "Type": "AwsS3Bucket",
        "Id": "arn:aws:s3:::reports",
        "Partition": "aws",
        "Region": "eu-west-1",
        "Tags": {"owner": "team-data"},
        "Details": {"Other": {"resource_name": "reports", "organizational_units": "r-1/ou-2"}},
    }


@pytest.mark.parametrize("arn", [None, "", "arn:aws:s3:::" + "x" * 500, "arn:aws:s3:::a\nb"])
def test_without_a_usable_arn_a_resource_is_named_by_its_place(arn):
    assert resource(case(resource=RESOURCE | {"arn": arn}))["Id"] == "111122223333/eu-west-1/AWS::S3::Bucket/reports"


def test_odd_ids_of_resources_end_with_a_digest():
    names = [
        resource(case(resource=RESOURCE | {"arn": None, "id": name}))["Id"] for name in ("a\nb", "a b ", "x" * 900)
    ]
    assert [len(name) for name in names] == [83, 83, 512]
    place = "111122223333/eu-west-1/AWS::S3::Bucket/"
    assert [name[:-40] for name in names] == [f"{place}a b~", f"{place}a b~", f"{place}{'x' * 431}…~"]
    assert len(set(names)) == 3


@pytest.mark.parametrize(
    ("partition", "region", "expected"),
    [
        ("aws-cn", "cn-north-1", {"Partition": "aws-cn", "Region": "cn-north-1"}),
        ("aws-iso-b", "us-isob-east-1", {"Partition": "aws-us-iso-b", "Region": "us-isob-east-1"}),
        ("aws-eusc", "eusc-de-east-1", {"Region": "eusc-de-east-1"}),
        ("aws", "global", {"Partition": "aws", "Region": "global"}),
        (None, "r-that-is-much-too-long", {}),
    ],
)
def test_partitions_and_regions_are_those_that_the_format_knows(partition, region, expected):
    found = resource(case(resource=RESOURCE | {"partition": partition, "region": region}))
    assert {name: found[name] for name in ("Partition", "Region") if name in found} == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"a": "1", "aws:cloudformation:stack-name": "s", "AWS:x": "y", "b": ""}, {"a": "1"}),
        (
            {"größe": "東京 1", "mail": "a+b@c.example", "p": "/x:y=z_-"},
            {"größe": "東京 1", "mail": "a+b@c.example", "p": "/x:y=z_-"},
        ),
        ({"a": "x" * 256, "b": "x" * 257, "k" * 128: "v", "l" * 129: "v"}, {"a": "x" * 256, "k" * 128: "v"}),
        ({"a": "two\nlines", "b": "😀", "c": "x;y", " ": "v", "d": " "}, None),
        ({"a": None, "b": 7, "c": ["d"]}, None),
        (None, None),
        ({f"k{number:02}": "v" for number in range(60)}, {f"k{number:02}": "v" for number in range(50)}),
    ],
)
def test_tags_are_those_that_security_hub_takes(tags, expected):
    assert resource(case(resource=RESOURCE | {"tags": tags})).get("Tags") == expected


@given(st.dictionaries(st.text(), st.text()))
def test_any_tags_are_valid(tags):
    found = resource(case(resource=RESOURCE | {"tags": tags})).get("Tags", {})
    assert found.items() <= tags.items()
    assert all(value.strip() and value.isprintable() for value in found.values())


def test_long_lists_are_bounded():
    rule = {"protocol": "tcp", "ipv4": [{"cidr": f"10.0.{number}.0/24"} for number in range(60)]}
    found = of("AWS::EC2::SecurityGroup", {"ingress": [rule] * 120})["AwsEc2SecurityGroup"]["IpPermissions"]
    assert (len(found), {len(entry["IpRanges"]) for entry in found}) == (100, {50})
    volume = of("AWS::EC2::Volume", {"attached_instances": [f"i-{number}" for number in range(60)]})
    assert len(volume["AwsEc2Volume"]["Attachments"]) == 50
