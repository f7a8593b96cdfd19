"""Configuration items as AWS Config records them, key by key: what all have in common, and groups."""

# ruff: noqa: INP001 - a script's neighbour, not a package
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

JsonObject = dict[str, Any]
_EPOCH_OF_SAMPLES = datetime(2026, 10, 26, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """An account and a Region; both are part of most ids below, so equal names in two places stay apart."""

    account: str
    region: str


def digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def number(limit: int, *parts: str) -> int:
    return int(digest(*parts)[:12], 16) % limit


def hex_id(prefix: str, place: Place, name: str) -> str:
    return f"{prefix}-0{digest(prefix, place.account, place.region, name)[:16]}"


def uuid(*parts: str) -> str:
    text = digest(*parts)
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def moment(*parts: str) -> str:
    """Some instant in the 24 days before the snapshot of 2026-11-20, always the same for the same words."""
    return stamp(_EPOCH_OF_SAMPLES + timedelta(milliseconds=number(24 * 86_400_000, *parts)))


def stamp(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def epoch_ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def tag_list(tags: dict[str, str]) -> list[JsonObject]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def related(kind: str, resource_id: str | None, name: str, resource_name: str | None = None) -> JsonObject:
    return {"resourceId": resource_id, "resourceName": resource_name, "resourceType": kind, "name": name}


def item(place: Place, kind: str, resource_id: str, configuration: JsonObject | None, **more: Any) -> JsonObject:
    """One item of the event and snapshot dialect; `more` are keys of the item as Config spells them."""
    captured = more.get("configurationItemCaptureTime") or moment("capture", place.account, resource_id)
    return {
        "relatedEvents": [],
        "relationships": [],
        "configuration": configuration,
        "supplementaryConfiguration": {},
        "tags": {},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": captured,
        "configurationStateId": epoch_ms(captured),
        "awsAccountId": place.account,
        "configurationItemStatus": "OK",
        "resourceType": kind,
        "resourceId": resource_id,
        "resourceName": None,
        "ARN": None,
        "awsRegion": place.region,
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": None,
    } | more


def deleted(before: JsonObject, captured: str) -> JsonObject:
    """The item that Config writes when the resource is gone: the old state is not in it."""
    return before | {
        "relationships": [],
        "configuration": None,
        "supplementaryConfiguration": {},
        "tags": {},
        "configurationItemCaptureTime": captured,
        "configurationStateId": epoch_ms(captured),
        "configurationItemStatus": "ResourceDeleted",
        "resourceCreationTime": None,
    }


def as_of_2016(modern: JsonObject, captured: str) -> JsonObject:
    """The same item in version 1.2: with an MD5 and an event id; nothing else is converted."""
    return modern | {
        "relatedEvents": [uuid("event", captured)],
        "configurationItemVersion": "1.2",
        "configurationItemCaptureTime": captured,
        "configurationStateId": epoch_ms(captured),
        "configurationStateMd5Hash": digest("md5", captured)[:32],
    }


def permission(protocol: str, ports: tuple[int, int] | None, *sources: str, note: str | None = None) -> JsonObject:
    """A rule of a security group; a source is a CIDR, a group id or a prefix list id."""
    v4 = [source for source in sources if "." in source]
    v6 = [source for source in sources if ":" in source]
    described = {"description": note} if note else {}
    return {
        "fromPort": ports[0] if ports else None,
        "ipProtocol": protocol,
        "ipv6Ranges": [{"cidrIpv6": cidr} | described for cidr in v6],
        "prefixListIds": [{"prefixListId": source} | described for source in sources if source.startswith("pl-")],
        "toPort": ports[1] if ports else None,
        "userIdGroupPairs": [{"groupId": source} | described for source in sources if source.startswith("sg-")],
        "ipv4Ranges": [{"cidrIp": cidr} | described for cidr in v4],
        "ipRanges": v4,
    }


def group(place: Place, name: str, *rules: JsonObject, **more: Any) -> JsonObject:
    group_id, vpc = more.pop("group_id", hex_id("sg", place, name)), hex_id("vpc", place, "main")
    tags = more.get("tags", {"Name": name})
    pairs = [pair for rule in rules for pair in rule["userIdGroupPairs"]]
    for pair in pairs:
        pair["userId"] = place.account
    configuration = {
        "description": more.pop("description", name.replace("-", " ")),
        "groupName": name,
        "ipPermissions": list(rules),
        "ownerId": place.account,
        "groupId": group_id,
        "ipPermissionsEgress": [permission("-1", None, "0.0.0.0/0")],
        "tags": tag_list(tags),
        "vpcId": vpc,
    }
    own = {
        "relationships": [related("AWS::EC2::VPC", vpc, "Is contained in Vpc")],
        "tags": tags,
        "resourceName": name,
        "ARN": f"arn:aws:ec2:{place.region}:{place.account}:security-group/{group_id}",
    }
    return item(place, "AWS::EC2::SecurityGroup", group_id, configuration, **(own | more))
