"""One resource, whatever the dialect; and what an item must say to become one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

import opalite.normalize
from opalite.errors import NormalizationError
from opalite.model import Item, Resource
from opalite.normalize import TYPES, resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
NOT_THERE = "not in the item: batch-get results lack tags and relationships, queries give what they select"


def load(case: str) -> dict[str, Any]:
    body = orjson.loads((ITEMS / f"{case}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def normalized(body: dict[str, Any], **circumstances: Any) -> Resource:
    return resource(Item(body=body, source="test", **circumstances))


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", ["ec2-instance", "ec2-security-group", "s3-bucket", "rds-db-instance"])
def test_event_and_api_dialect_give_equal_resources(case: str) -> None:
    event, api = normalized(load(f"{case}.event")), normalized(load(f"{case}.api"))
    assert orjson.dumps(event) == orjson.dumps(api)


@pytest.mark.parametrize("case", ["ec2-instance", "ec2-security-group", "s3-bucket"])
def test_a_query_s_row_gives_the_resource_of_the_event(case: str) -> None:
    event, row = normalized(load(f"{case}.event")), normalized(load(f"{case}.select"))
    assert orjson.dumps(event) == orjson.dumps(row)


def test_of_a_generic_type_a_query_s_row_lacks_only_the_nulls() -> None:
    event, row = normalized(load("rds-db-subnet-group.event")), normalized(load("rds-db-subnet-group.select"))
    assert row.document["configuration"] == without_nulls(event.document["configuration"])
    assert without_nulls(row.document) == without_nulls(event.document)


@pytest.mark.parametrize("case", ["ec2-instance", "ec2-security-group", "s3-bucket", "rds-db-instance"])
def test_a_batch_get_result_lacks_only_the_relationships(case: str) -> None:
    event, batch = normalized(load(f"{case}.event")), normalized(load(f"{case}.batch-get"))
    assert batch.document == event.document | {"relationships": None}
    assert batch.unknown == [{"path": "resource.relationships", "reason": NOT_THERE}]


def test_the_keys_of_a_document_are_always_in_the_same_order() -> None:
    assert list(normalized(load("s3-bucket.event")).document) == [
        "type",
        "id",
        "name",
        "arn",
        "partition",
        "account_id",
        "organizational_units",
        "region",
        "tags",
        "configuration",
        "relationships",
    ]


def test_the_item_is_left_as_it_was() -> None:
    for path in ITEMS.glob("*.json"):
        body = load(path.stem)
        with suppress(NormalizationError):
            normalized(body)
        assert body == load(path.stem)


def test_the_notification_s_time_becomes_canonical() -> None:
    found = normalized(load("s3-bucket.event"), notified_at="2026-03-02T08:15:31Z")
    assert found.notified_at == "2026-03-02T08:15:31.000Z"


def test_an_unreadable_notification_time_is_an_error() -> None:
    with pytest.raises(NormalizationError) as raised:
        normalized(load("s3-bucket.event"), notified_at="soon")
    assert str(raised.value) == (
        "AWS::S3::Bucket orders-archive-eu: notificationCreationTime is 'soon': expected ISO 8601, or an epoch number"
    )


def test_a_deletion_says_more_than_a_left_scope() -> None:
    assert normalized(load("ec2-instance.deleted"), left_scope=True).gone == "the resource was deleted"


def test_a_left_scope_makes_an_unheard_of_status_irrelevant() -> None:
    found = normalized(load("malformed.unknown-status"), left_scope=True)
    assert found.gone == "the resource left the rule's scope"


def test_an_item_without_a_status_is_judged() -> None:
    body = load("s3-bucket.event")
    del body["configurationItemStatus"]
    assert normalized(body) == normalized(load("s3-bucket.event"))


def test_a_discovered_resource_is_judged() -> None:
    body = load("s3-bucket.event") | {"configurationItemStatus": "ResourceDiscovered"}
    assert normalized(body) == normalized(load("s3-bucket.event"))


def test_null_in_text_is_a_null_configuration() -> None:
    found = normalized(load("ec2-instance.api") | {"configuration": "null"})
    reason = "the item's configuration is null, although the resource was not deleted"
    assert (found.gone, found.document["configuration"]) == (None, None)
    assert found.unknown == [{"path": "resource.configuration", "reason": reason}]


def test_of_an_oversized_item_with_a_null_configuration_the_reason_is_its_size() -> None:
    body = load("ec2-instance.oversized") | {"configuration": None}
    expected = normalized(load("ec2-instance.oversized"), oversized=True)
    assert normalized(body, oversized=True) == expected


def test_supplementary_configuration_as_text_is_read() -> None:
    body = load("s3-bucket.event")
    body["supplementaryConfiguration"] = orjson.dumps(body["supplementaryConfiguration"]).decode()
    assert normalized(body) == normalized(load("s3-bucket.event"))


def test_the_public_names_are_these() -> None:
    assert opalite.normalize.__all__ == ["TYPES", "resource"]
    assert list(TYPES) == sorted(TYPES)
