"""Where people look at a resource: its timeline in AWS Config's console. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Hosts of the console by partition, each behind the region's name:
# https://docs.aws.amazon.com/general/latest/gr/mgmt-console.html. Isolated partitions have none that one could name.
_HOSTS: Mapping[str, str] = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-eusc": "console.amazonaws-eusc.eu",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
# What is in no region is recorded in one: the first of its partition, unless somebody chose another.
_HOME: Mapping[str, str] = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-us-gov": "us-gov-west-1",
}
_GLOBAL = "global"
_REGION = re.compile(r"[a-z]{2,6}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_LONGEST = 2000  # longer ones are not links any more in some programs for mail


def timeline(partition: str, region: str, resource_type: str, resource_id: str) -> str | None:
    """The link; None where there is no console, or none that is known. Nothing that a name holds can leave its place in it."""
    if region == _GLOBAL:
        region = _HOME.get(partition, "")
    if partition not in _HOSTS or not _REGION.fullmatch(region):
        return None
    link = (
        f"https://{region}.{_HOSTS[partition]}/config/home?region={region}#/resources/timeline"
        f"?resourceId={_quoted(resource_id)}&resourceType={_quoted(resource_type)}"
    )
    return link if len(link) <= _LONGEST else None


def _quoted(text: str) -> str:
    octets = text[:_LONGEST].encode("utf-8", "replace")
    return "".join(chr(octet) if octet in _PLAIN else f"%{octet:02X}" for octet in octets)
