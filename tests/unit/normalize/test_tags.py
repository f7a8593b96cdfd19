from __future__ import annotations

from typing import Any

import pytest

from opalite.normalize.tags import read_relationships, read_tags
from opalite.normalize.values import Recorded

TWO = {"Name": "web", "stage": "prod"}
ABSENT = "not there"


def found(body: dict[str, Any]) -> tuple[dict[str, str] | None, list[dict[str, str]]]:
    unknown: list[dict[str, str]] = []
    recorded = Recorded(
        configuration=body.get("configuration"),
        supplementary=body.get("supplementaryConfiguration"),
        encoded=False,
        complete=True,
        captured_at=None,
        blank=ABSENT,
    )
    return read_tags(body, recorded, unknown, ABSENT), unknown


def gap(reason: str) -> tuple[None, list[dict[str, str]]]:
    return None, [{"path": "resource.tags", "reason": reason}]


@pytest.mark.parametrize(
    "tags",
    [
        {"stage": "prod", "Name": "web"},
        [{"key": "stage", "value": "prod"}, {"key": "Name", "value": "web"}],
        [{"key": "Name", "value": "web", "tag": "Name=web"}, {"key": "stage", "value": "prod", "tag": "stage=prod"}],
        [{"tagKey": "stage", "tagValue": "prod"}, {"tagKey": "Name", "tagValue": "web"}],
        [{"tagName": "stage", "tagValue": "prod"}, {"tagName": "Name", "tagValue": "web"}],
        [{"Key": "stage", "Value": "prod"}, {"Key": "Name", "Value": "web"}],
        [{"Key": "stage", "Value": "prod"}, {"key": "Name", "value": "web"}, {"Key": "stage", "Value": "prod"}],
    ],
)
def test_tags_in_every_shape_and_order_become_one_sorted_map(tags: Any) -> None:
    assert found({"tags": tags}) == (TWO, [])
    assert list(found({"tags": tags})[0] or {}) == ["Name", "stage"]
    assert found({"configuration": {"tags": tags}}) == (TWO, [])
    assert found({"configuration": {"Tags": tags}}) == (TWO, [])
    assert found({"tags": {}, "supplementaryConfiguration": {"Tags": tags}}) == (TWO, [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("x", "x"),
        (None, ""),
        (12, "12"),
        (12.0, "12"),
        (1.5, "1.5"),
        (1e300, "1e+300"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_values_of_tags_become_text(value: Any, expected: str) -> None:
    assert found({"tags": {"a": value}}) == ({"a": expected}, [])
    assert found({"tags": [{"key": "a", "value": value}]}) == ({"a": expected}, [])


def test_a_tag_without_value_has_an_empty_one() -> None:
    assert found({"tags": [{"key": "a"}]}) == ({"a": ""}, [])


@pytest.mark.parametrize("body", [{}, {"tags": None}, {"configuration": {}}, {"configuration": {"tags": None}}])
def test_tags_recorded_nowhere_are_unknown(body: dict[str, Any]) -> None:
    assert found(body) == gap(ABSENT)


@pytest.mark.parametrize("body", [{"tags": {}}, {"tags": []}, {"configuration": {"tags": []}}])
def test_recorded_emptiness_is_no_tags(body: dict[str, Any]) -> None:
    assert found(body) == ({}, [])


def test_the_item_s_own_tags_win() -> None:
    configuration = {"tags": [{"key": "stage", "value": "test"}]}
    assert found({"tags": TWO, "configuration": configuration}) == (TWO, [])


def test_tags_of_a_bucket_s_tagging_are_found() -> None:
    tagging = {"BucketTaggingConfiguration": '{"tagSets":[{"tags":{"stage":"prod","Name":"web"}}]}'}
    assert found({"tags": {}, "supplementaryConfiguration": tagging}) == (TWO, [])


@pytest.mark.parametrize("tagging", [[], "x", {"tagSets": {}}, {"tagSets": [3, {}]}])
def test_a_tagging_without_tags_says_nothing(tagging: Any) -> None:
    assert found({"supplementaryConfiguration": {"BucketTaggingConfiguration": tagging}}) == gap(ABSENT)


@pytest.mark.parametrize("elsewhere", ["x", 3, ["x"], [{"name": "stage"}], {"stage": []}])
def test_malformed_tags_elsewhere_do_not_count(elsewhere: Any) -> None:
    assert found({"tags": {}, "configuration": {"tags": elsewhere}}) == ({}, [])
    assert found({"configuration": {"tags": elsewhere}}) == gap(ABSENT)
    assert found({"configuration": {"tags": elsewhere, "Tags": TWO}}) == (TWO, [])


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("stage=prod", "malformed: expected a map or a list of tags"),
        (["stage"], "malformed: expected a list of tags with key and value"),
        ([{"name": "stage"}], "malformed: expected a list of tags with key and value"),
        ([{"key": 3, "value": "x"}], "malformed: expected text as the key of a tag"),
        ({"stage": ["prod"]}, "malformed: expected text as the value of a tag"),
        ([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}], "malformed: one key is tagged with two values"),
    ],
)
def test_malformed_tags_are_unknown_and_not_replaced(tags: Any, reason: str) -> None:
    assert found({"tags": tags, "configuration": {"tags": TWO}}) == gap(reason)


@pytest.mark.parametrize("spelling", ["name", "relationshipName"])
def test_a_relationship_in_either_spelling(spelling: str) -> None:
    body = {"relationships": [{"resourceType": "T::T::T", "resourceId": "x", "resourceName": "", spelling: "Is in"}]}
    unknown: list[dict[str, str]] = []
    assert read_relationships(body, unknown, ABSENT) == [
        {"type": "T::T::T", "id": "x", "name": None, "relationship": "Is in"}
    ]
    assert unknown == []


@pytest.mark.parametrize(
    ("relationships", "reason"),
    [
        (None, ABSENT),
        ({}, "malformed: expected a list"),
        (["x"], "malformed: expected a list of objects"),
        ([{"resourceId": 3}], "malformed: expected text"),
    ],
)
def test_relationships_that_cannot_be_read_are_unknown(relationships: Any, reason: str) -> None:
    unknown: list[dict[str, str]] = []
    assert read_relationships({"relationships": relationships}, unknown, ABSENT) is None
    assert unknown == [{"path": "resource.relationships", "reason": reason}]
