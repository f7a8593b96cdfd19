"""The envelope of an item in all dialects: what and where the resource is, and whether it is to be judged."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opalite.errors import NormalizationError
from opalite.normalize.values import timestamp

if TYPE_CHECKING:
    from opalite.model import JsonObject

# https://docs.aws.amazon.com/config/latest/APIReference/API_ResourceIdentifier.html
MAX_RESOURCE_ID = 768

_JUDGED = frozenset({"OK", "ResourceDiscovered"})
_GONE = {
    "ResourceDeleted": "the resource was deleted",
    "ResourceDeletedNotRecorded": "the resource was deleted",
    "ResourceNotRecorded": "the resource is not recorded",
}
# As the API called them until 2017.
_FORMER_STATUSES = {"Ok": "OK", "Discovered": "ResourceDiscovered", "Deleted": "ResourceDeleted"}
_LEFT_SCOPE = "the resource left the rule's scope"
_REMEDY = ": in a query select accountId and awsRegion too"
# Four colons in AWS::::Account; types of other vendors have names of their own in the first place.
_TYPE = re.compile(r"[A-Za-z0-9]+::[A-Za-z0-9]*::[A-Za-z0-9]+(::[A-Za-z0-9]+)?")
_ACCOUNT = re.compile(r"[0-9]{1,12}")
# Samples name an account by a word, or by too many digits. No setting is scoped to one, so it is judged by the defaults.
_SAMPLE_ACCOUNT = re.compile(r"[!-,.-~][ -~]{0,63}")
_ZONE = re.compile(r"([a-z]+(?:-[a-z]+)+-[0-9]+)[a-z]")
_REGION = re.compile(r"[a-z][a-z0-9-]*")
# An ARN of 2014 has a zone where the region belongs, or the account: only what looks like a region is one.
_ARN_REGION = re.compile(r"[a-z]+(-[a-z]+)+-[0-9]+")
# Items of some types say this although their ARN names a region.
_NOWHERE = frozenset({"", "Not Applicable"})
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-iso-", "aws-iso"),
    ("eusc-", "aws-eusc"),
)


@lru_cache(maxsize=1024)
def _is_type(name: str) -> bool:
    return _TYPE.fullmatch(name) is not None


@lru_cache(maxsize=256)
def _partition(named: str, region: str) -> str:
    if _PARTITION.fullmatch(named):
        return named
    return next((partition for prefix, partition in _PARTITIONS if region.startswith(prefix)), "aws")


@lru_cache(maxsize=256)
def _is_region(name: str) -> bool:
    return _REGION.fullmatch(name) is not None


def type_and_id(body: JsonObject) -> tuple[str, str]:
    resource_type = body.get("resourceType")
    if type(resource_type) is not str or not _is_type(resource_type):
        seen = f"resourceType is {_shown(resource_type)}" if "resourceType" in body else "no resourceType"
        raise NormalizationError(f"{seen}: expected a type such as AWS::EC2::Instance")
    resource_id = body.get("resourceId")
    if type(resource_id) is not str or not 0 < len(resource_id) <= MAX_RESOURCE_ID:
        seen = f"resourceId is {_shown(resource_id)}" if "resourceId" in body else "no resourceId"
        raise NormalizationError(f"{resource_type}: {seen}: expected text of 1 to {MAX_RESOURCE_ID} characters")
    return resource_type, resource_id


def place(body: JsonObject, arn: str | None, subject: tuple[str, str]) -> tuple[str, str, str]:
    """Account, region and partition; what the item leaves out is taken from its ARN, where that tells it."""
    parts = arn.split(":", 5) if arn is not None and arn.startswith("arn:") else ()
    of_arn = parts if len(parts) == 6 else ("", "", "", "", "", "")
    account = body.get("awsAccountId") or body.get("accountId") or of_arn[4]
    if type(account) is not str or len(account) != 12 or not account.isdecimal() or not account.isascii():
        account = _padded(account, subject)
    region = body.get("awsRegion")
    if region is None or (type(region) is str and region in _NOWHERE):
        region = of_arn[3] if _ARN_REGION.fullmatch(of_arn[3]) else _region_of_zone(body)
    if region is None:
        raise NormalizationError(f"{_named(subject)}: no awsRegion, and the ARN does not tell it{_REMEDY}")
    if type(region) is not str or not _is_region(region):
        raise NormalizationError(f"{_named(subject)}: awsRegion is {_shown(region)}: expected a region")
    return account, region, _partition(of_arn[1], region)


def _region_of_zone(body: JsonObject) -> str | None:
    """Items of 2014 name no region, but the zone in it; the developer guide's own samples misspell that member."""
    zone = body.get("availabilityZone") or body.get("availibilityZone")
    match = _ZONE.fullmatch(zone) if type(zone) is str else None
    return match[1] if match else None


def gone_because(body: JsonObject, *, left_scope: bool, subject: tuple[str, str]) -> str | None:
    """Why there is nothing to judge; None when there is. What an unheard-of status means is not guessed."""
    status = body.get("configurationItemStatus")
    if type(status) is str:
        status = _FORMER_STATUSES.get(status, status)
        if status in _GONE:
            return _GONE[status]
    if left_scope:
        return _LEFT_SCOPE
    if status is None or (type(status) is str and status in _JUDGED):
        return None
    expected = ", ".join((*sorted(_JUDGED), *_GONE))
    raise NormalizationError(
        f"{_named(subject)}: configurationItemStatus is {_shown(status)}: expected one of {expected}"
    )


def time_of(value: Any, key: str, subject: tuple[str, str]) -> str | None:
    """A time of the envelope: it may be missing, but not unreadable."""
    if value is None:
        return None
    moment = timestamp(value)
    if moment is None:
        raise NormalizationError(f"{_named(subject)}: {key} is {_shown(value)}: expected ISO 8601, or an epoch number")
    return moment


def _padded(account: Any, subject: tuple[str, str]) -> str:
    """Leading zeros are lost wherever an account was kept as a number."""
    if type(account) is float and account.is_integer():
        account = int(account)
    text = str(account) if type(account) is int else account
    if type(text) is str and _ACCOUNT.fullmatch(text):
        return text.rjust(12, "0")
    if type(text) is str and _SAMPLE_ACCOUNT.fullmatch(text):
        return text
    if not account:
        raise NormalizationError(f"{_named(subject)}: no accountId, and the ARN does not tell it{_REMEDY}")
    raise NormalizationError(f"{_named(subject)}: the account is {_shown(account)}: expected 12 digits")


def _named(subject: tuple[str, str]) -> str:
    resource_type, resource_id = subject
    return f"{resource_type} {resource_id if resource_id.isprintable() else ascii(resource_id):.100}"


def _shown(value: Any) -> str:
    """A scalar, shortened and on one line; of anything larger only what it is."""
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    return f"{value!a:.40}" if isinstance(value, str) else str(value).lower()[:40]
