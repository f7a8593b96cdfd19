"""Volumes, and default keys that AWS does not tell everything of."""

from __future__ import annotations

import pytest

from opalite.ports import Absent, Denied
from opalite.remediation.model import Target
from opalite.remediation.reading.volume import volume

ARN = "arn:aws:kms:eu-west-1:123456789012:key/0a8d3c5e"
TARGET = Target(
    policy_id="aws.ec2.volume.encryption",
    partition="aws",
    account_id="123456789012",
    region="eu-west-1",
    resource_type="AWS::EC2::Volume",
    resource_id="vol-0a1b2c3d4e5f60718",
)
VOLUME = {"Encrypted": False, "AvailabilityZone": "eu-west-1a", "VolumeType": "gp2", "Size": 8}


class Aws:
    """All services; an answer may be an exception."""

    def __init__(self, **answers):
        self.answers = {
            "DescribeVolumes": {"Volumes": [VOLUME]},
            "GetEbsDefaultKmsKeyId": {"KmsKeyId": ARN},
            "GetEbsEncryptionByDefault": {"EbsEncryptionByDefault": False},
            **answers,
        }

    def ask(self, operation, **parameters):
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer


def read(**answers):
    aws = Aws(**answers)
    return volume(lambda _: aws, TARGET)


def test_a_volume_that_is_not_listed_is_gone():
    with pytest.raises(Absent):
        read(DescribeVolumes={"Volumes": []})


@pytest.mark.parametrize(
    ("answer", "is_of_aws"),
    [
        ({"KeyMetadata": {"KeyManager": "AWS"}}, True),
        ({"KeyMetadata": {"KeyManager": "CUSTOMER"}}, False),
        (Denied("no"), False),
        (Absent("NotFoundException"), False),
    ],
)
def test_a_default_key_is_of_aws_only_where_aws_says_so(answer, is_of_aws):
    assert read(DescribeKey=answer).details["default_key_is_of_aws"] is is_of_aws


def test_how_far_an_attachment_has_come_changes_nothing():
    def attached(state):
        entry = {"InstanceId": "i-0123456789abcdef0", "Device": "/dev/sdf", "State": state}
        return read(
            DescribeVolumes={"Volumes": [{**VOLUME, "Attachments": [entry]}]},
            GetEbsDefaultKmsKeyId={"KmsKeyId": "alias/aws/ebs"},
        )

    assert attached("attaching").digest == attached("attached").digest
