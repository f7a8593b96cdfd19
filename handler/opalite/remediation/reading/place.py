"""Whether what has answered is where the target is said to be: what names a place may be forged, or mistyped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from opalite.ports import Absent, Service
from opalite.remediation.action import Permission
from opalite.remediation.model import Target

_FIELDS: Final = 6  # arn:partition:service:region:account:resource
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: how the oldest Regions are told
_OLD_REGIONS: Final[Mapping[str | None, str]] = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}

# HeadBucket tells the Region as well, but takes s3:ListBucket, which lets one list the objects.
BUCKET_PERMISSION = Permission(
    actions=("s3:GetBucketLocation",),
    resources=("arn:${AWS::Partition}:s3:::*",),
    conditions={"StringEquals": {"aws:ResourceAccount": "${AWS::AccountId}"}},
    reason="whichever bucket of the account it is: S3 answers for it in every Region",
)


def at_home(target: Target, arn: str) -> str:
    """The ARN. Raises Absent if it names another partition, Region or account than the target's."""
    fields = arn.split(":", _FIELDS - 1)
    place = [target.partition, target.region, target.account_id]
    if len(fields) != _FIELDS or fields[0] != "arn" or [fields[1], *fields[3:5]] != place:
        raise Absent(f"what answers to its name is not in account {target.account_id}, {target.region}")
    return arn


def bucket_at_home(s3: Service, target: Target) -> dict[str, str]:
    """The parameters that name the bucket in every call. Raises Absent if it is in another Region, or there is none.

    A stranger's bucket of the name does not answer to them.
    """
    named = {"Bucket": target.resource_id, "ExpectedBucketOwner": target.account_id}
    told = s3.ask("GetBucketLocation", **named).get("LocationConstraint")
    if _OLD_REGIONS.get(told, told) != target.region:
        raise Absent(f"the bucket is not in {target.region}")
    return named
