"""Configuration items in any number, the same ones each time, and the facts that go with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "samples"))
from shapes import Place, digest, group, number, permission
from shapes_compute import instance
from shapes_storage import bucket, key_arn

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonObject = dict[str, Any]
APPROVED, TAGGED, DENIED = "ami-0be4c400000000001", "ami-0be4c400000000002", "ami-0be4c400000000bad"
OWNER = "777788889999"
ACCOUNTS = [f"{1000 + index}22223333" for index in range(20)]
REGIONS = ("eu-west-1", "us-east-1")
KEYS = 40
WORLD = "0.0.0.0/0"


def place(index: int) -> Place:
    return Place(ACCOUNTS[number(len(ACCOUNTS), "account", str(index))], REGIONS[number(2, "region", str(index))])


def items(count: int) -> Iterator[JsonObject]:
    """A third each of instances, security groups and buckets; every tenth of each is in violation."""
    kinds = (an_instance, a_group, a_bucket)
    for index in range(count):
        yield kinds[index % 3](index // 3, place(index))


def an_instance(index: int, where: Place) -> JsonObject:
    image = DENIED if index % 10 == 0 else TAGGED if index % 5 == 1 else APPROVED
    tags = {"team": f"team-{index % 30}", "stage": "prod", "cost-centre": f"{4000 + index % 90}"}
    return instance(where, f"shop-api-{index}", image, "stopped" if index % 12 == 0 else "running", tags=tags)


def a_group(index: int, where: Place) -> JsonObject:
    rules = [
        permission("tcp", (443, 443), WORLD, "::/0", note="https"),
        permission("tcp", (8080, 8089), f"10.{index % 200}.0.0/16", "10.250.0.0/16"),
        permission("tcp", (22, 22), WORLD if index % 10 == 0 else "198.51.100.0/24", note="ssh"),
        permission("-1", None, f"sg-0{digest('peer', str(index))[:16]}"),
    ]
    return group(where, f"shop-api-{index}", *rules[: 2 + index % 3], *([] if index % 3 else rules[2:3]))


def a_bucket(index: int, where: Place) -> JsonObject:
    """Every fiftieth key is one of which nobody knows anything: undetermined."""
    if index % 10 == 0:
        return bucket(where, f"shop-data-{index}", tags={"team": "shop"})
    name = f"key-{KEYS if index % 50 == 1 else index % KEYS}"
    return bucket(where, f"shop-data-{index}", "aws:kms", key_arn(where, name), tags={"team": "shop"})


def facts() -> JsonObject:
    image = {"state": "available", "owner_id": OWNER, "owner_alias": None, "name": "golden"}
    image |= {"created_at": "2026-10-01T00:00:00.000Z", "tags": {"approved": "true"}}
    keys = {}
    for account in ACCOUNTS:
        for region in REGIONS:
            for index in range(KEYS):
                arn = key_arn(Place(account, region), f"key-{index}")
                keys[arn] = {
                    "manager": "CUSTOMER",
                    "arn": arn,
                    "account_id": account,
                    "state": "Enabled",
                    "aliases": None,
                }
    return {"image": {TAGGED: image}, "kms_key": keys}


def write_snapshot(path: Path, count: int) -> None:
    """One snapshot file, as the delivery channel writes it, unzipped."""
    with path.open("wb") as out:
        out.write(
            b'{"fileVersion":"1.0","configSnapshotId":"00000000-0000-4000-a000-000000000000","configurationItems":['
        )
        for index, item in enumerate(items(count)):
            out.write((b"," if index else b"") + orjson.dumps(item))
        out.write(b"]}")


def write_folder(path: Path, count: int) -> None:
    """One item per file, raw: what `opa exec` and conftest read."""
    path.mkdir(parents=True)
    for index, item in enumerate(items(count)):
        (path / f"{index:07d}.json").write_bytes(orjson.dumps(item))
