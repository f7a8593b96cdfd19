"""Every outer form of configuration items, one file each in tests/data/forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.items import CONTAINERS, items_in, items_of, notices_of
from opalite.model import Item, Notice, Problem

FORMS = Path(__file__).parents[1] / "data" / "forms"
CHANGED = "2025-05-04T09:21:08.003Z"
DELETED = "2025-05-04T10:02:45.511Z"


def form(name: str) -> Any:
    return orjson.loads((FORMS / f"{name}.json").read_bytes())


def found(document: Any) -> list[Item | Problem | Notice]:
    return list(items_of(document, "x"))


EVENT, API, BASE, ROW, GONE, SUMMARY = map(
    form, ["item_event", "item_api", "item_base", "item_select", "item_deleted", "item_summary"]
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("item_event", [Item(EVENT, "x")]),
        ("item_api", [Item(API, "x")]),
        ("lambda_change", [Item(EVENT, "x", CHANGED)]),
        ("lambda_left_scope", [Item(GONE, "x", DELETED, left_scope=True)]),
        ("lambda_oversized", [Item(SUMMARY, "x", CHANGED, oversized=True)]),
        ("lambda_scheduled", [Notice("x", "is a message without a configuration item: ScheduledNotification")]),
        ("invoking_event_change", [Item(EVENT, "x", CHANGED)]),
        ("invoking_event_oversized", [Item(SUMMARY, "x", CHANGED, oversized=True)]),
        ("sns_notification", [Item(EVENT, "x", CHANGED)]),
        (
            "sns_snapshot_delivered",
            [Notice("x", "is a message without a configuration item: ConfigurationSnapshotDeliveryCompleted")],
        ),
        ("lambda_sns", [Item(EVENT, "x item 1", CHANGED)]),
        ("lambda_sqs", [Item(EVENT, "x item 1", CHANGED), Item(GONE, "x item 2", DELETED)]),
        ("sqs_receive_message", [Item(EVENT, "x item 1", CHANGED)]),
        ("eventbridge_change", [Item(EVENT, "x", CHANGED)]),
        (
            "eventbridge_compliance",
            [Notice("x", "is a message without a configuration item: Config Rules Compliance Change")],
        ),
        ("snapshot", [Item(EVENT, "x item 1"), Item(GONE, "x item 2")]),
        ("history", [Item(EVENT, "x item 1")]),
        (
            "api_history",
            [
                Item(API, "x item 1"),
                Notice("x", "is one page of several (nextToken): the items of the next pages are not in it"),
            ],
        ),
        (
            "api_batch_get",
            [
                Item(BASE, "x item 1"),
                Notice(
                    "x", "AWS Config did not process 2 of the resources asked for (unprocessedResourceKeys): ask again"
                ),
            ],
        ),
        ("api_batch_get_aggregate", [Item(BASE, "x item 1")]),
        ("api_get_aggregate", [Item(API, "x")]),
        ("api_select", [Item(ROW, "x item 1"), Item(ROW, "x item 2")]),
    ],
)
def test_each_form_gives_its_items(name, expected):
    assert found(form(name)) == expected


def test_every_file_of_forms_is_read_without_a_problem():
    documents = [orjson.loads(path.read_bytes()) for path in sorted(FORMS.glob("*.json"))]
    assert len(documents) > 20
    assert [one for document in documents for one in found(document) if isinstance(one, Problem)] == []


def test_an_array_holds_any_of_the_forms():
    row = orjson.dumps(ROW).decode()
    assert found([EVENT, form("lambda_left_scope"), [API], row, []]) == [
        Item(EVENT, "x item 1"),
        Item(GONE, "x item 2", DELETED, left_scope=True),
        Item(API, "x item 3 item 1"),
        Item(ROW, "x item 4"),
        Notice("x item 5", "holds no configuration items: the array is empty"),
    ]


def test_a_message_may_hold_the_object_itself_and_a_list_of_items():
    event = {"configurationItem": [EVENT, GONE], "notificationCreationTime": CHANGED}
    assert found({"Type": "Notification", "Message": event}) == [
        Item(EVENT, "x item 1", CHANGED),
        Item(GONE, "x item 2", CHANGED),
    ]


@pytest.mark.parametrize("flag", [None, "true", 1, False])
def test_only_true_means_that_the_resource_left_the_scope(flag):
    event = form("lambda_left_scope") | {"eventLeftScope": flag}
    assert found(event) == [Item(GONE, "x", DELETED)]


def test_a_time_that_is_no_text_is_left_out():
    assert found({"configurationItem": EVENT, "notificationCreationTime": 1}) == [Item(EVENT, "x")]


NEITHER = (
    "is not a configuration item: neither resourceType nor the members of an event, a message, a snapshot or an answer "
    "of AWS Config; it has "
)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, NEITHER + "no members"),
        ({"a": 1}, NEITHER + "a"),
        (
            {"a\nb": 1, "k" * 50: 2, "c": 3, "d": 4, "e": 5, "f": 6},
            NEITHER + "a?b, " + "k" * 39 + "…, c, d, e and 1 more",
        ),
        (
            {"resourceType": "AWS::S3::Bucket", "tags": {}},
            "is not a complete configuration item: resourceId is missing; it has resourceType, tags",
        ),
        ({"resourceId": "b"}, "is not a complete configuration item: resourceType is missing; it has resourceId"),
        ({"configurationItems": {"a": 1}}, NEITHER + "configurationItems"),
        ({"Type": "AWS::S3::Bucket", "Properties": {}}, NEITHER + "Type, Properties"),
        (None, "is not a configuration item but null"),
        (True, "is not a configuration item but true or false"),
        (1.5, "is not a configuration item but a number"),
        ("text", "cannot be unwrapped: the string is not valid JSON: expecting value at byte 0"),
        ({"invokingEvent": "{"}, "cannot be unwrapped: invokingEvent is cut short at byte 1"),
        ({"invokingEvent": ""}, "cannot be unwrapped: invokingEvent is empty"),
        ({"invokingEvent": None}, "is not a configuration item but null"),
        (
            {"Type": "Notification", "Message": '{"a":1,"a":2}'},
            'cannot be unwrapped: Message has the key "a" twice at the top',
        ),
        ({"configurationItem": None}, "is an event without an item: configurationItem or its summary is null"),
        ({"configurationItem": "i-0"}, "is not a configuration item but a string"),
        ({"configurationItem": None, "configurationItemSummary": []}, "is not a configuration item but an array"),
        ({"ConfigurationItem": 1}, "is not a configuration item but a number"),
    ],
)
def test_what_is_no_item_is_told_without_its_content(document, message):
    assert found(document) == [Problem("x", message)]


def test_what_is_no_item_within_a_container_is_told_by_its_number():
    assert found({"Records": [1, {"a": 1}, {"Sns": {}}, {"body": "x"}, {"s3": {}}]}) == [
        Problem("x item 1", "is not a record of an event but a number"),
        Problem("x item 2", "is a record without Sns.Message or body; it has a"),
        Problem("x item 3", "is a record without Sns.Message or body; it has Sns"),
        Problem("x item 4", "cannot be unwrapped: body is not valid JSON: expecting value at byte 0"),
        Notice("x item 5", "is a record of an S3 event: read the object that it names"),
    ]
    assert found({"configurationItems": [None, EVENT], "Results": ["{"]}) == [
        Problem("x item 1", "is not a configuration item but null"),
        Item(EVENT, "x item 2"),
        Problem("x item 1", "cannot be unwrapped: the row is cut short at byte 1"),
    ]


def test_a_confirmation_of_sns_carries_no_item():
    document = {"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "Token": "t"}
    assert found(document) == [Notice("x", "is a message without a configuration item: SubscriptionConfirmation")]


@pytest.mark.parametrize("container", sorted(CONTAINERS))
def test_an_empty_container_is_worth_a_notice(container):
    assert found({container: []}) == [Notice("x", f"holds no configuration items: {container} is empty")]


def test_an_endless_nesting_of_wrappers_is_given_up():
    document: Any = EVENT
    for _ in range(10):
        document = {"Records": [{"body": document}]}
    source = "x" + " item 1" * 6
    assert found(document) == [Problem(source, "is wrapped more than 10 times: no item was looked for")]


def test_elements_and_the_rest_of_a_long_document_are_read_apart():
    assert list(items_in("configurationItems", EVENT, "x item 7")) == [Item(EVENT, "x item 7")]
    assert list(notices_of({"fileVersion": "1.0", "UnprocessedResourceIdentifiers": [{}]}, "x")) == [
        Notice(
            "x", "AWS Config did not process 1 of the resources asked for (UnprocessedResourceIdentifiers): ask again"
        )
    ]
