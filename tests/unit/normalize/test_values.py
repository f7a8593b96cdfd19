from __future__ import annotations

from typing import Any

import orjson
import pytest

from opalite.normalize.values import GapError, boolean, decoded, integer, objects, once_decoded, text, timestamp


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23T00:00:00.000Z", "2026-11-23T00:00:00.000Z"),
        ("2026-11-23T00:00:00Z", "2026-11-23T00:00:00.000Z"),
        ("2026-11-23T00:00:00", "2026-11-23T00:00:00.000Z"),
        ("2026-11-23T02:30:00.123456+02:30", "2026-11-23T00:00:00.123Z"),
        ("2014-02-26T22:56:35.0000+0000", "2014-02-26T22:56:35.000Z"),
        (1772439330.412, "2026-03-02T08:15:30.412Z"),
        (1772439330, "2026-03-02T08:15:30.000Z"),
        (1772439330412, "2026-03-02T08:15:30.412Z"),
        (1772439330412.0, "2026-03-02T08:15:30.412Z"),
    ],
)
def test_times_become_rfc_3339_in_utc_with_milliseconds(value: Any, expected: str) -> None:
    assert timestamp(value) == expected
    assert timestamp(expected) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "now",
        "2026-13-01T00:00:00Z",
        "20261123",
        "1772439330412",
        "0001-01-01T00:00:00+05:00",
        1e30,
        True,
        None,
        {},
        [],
    ],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert timestamp(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        (orjson.dumps('{"a": 1}').decode(), {"a": 1}),
        ("null", None),
        ("false", False),
        ('"text"', "text"),
        ("12", "12"),
        ("{text", "{text"),
        (orjson.dumps(orjson.dumps(orjson.dumps("x").decode()).decode()).decode(), "x"),
        ("", ""),
        ({"a": "[]"}, {"a": "[]"}),
    ],
)
def test_json_in_text_is_decoded_but_numbers_are_not(value: Any, expected: Any) -> None:
    assert decoded(value) == expected


@pytest.mark.parametrize("value", ["plain", "12", 12, True, None, "true", '{"a": 1}', {"a": [1.5]}, "{text"])
def test_a_value_encoded_once_more_reads_as_the_value(value: Any) -> None:
    assert once_decoded(orjson.dumps(value).decode()) == decoded(value)
    assert once_decoded("no JSON") == "no JSON"


@pytest.mark.parametrize(("value", "expected"), [(443, 443), (443.0, 443), ("443", 443), ("-1", -1), (None, None)])
def test_integers(value: Any, expected: int | None) -> None:
    found = integer(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("value", [True, 1.5, "--1", "", "1e3", "٣", "9" * 40, 2**53, 1e300, [], {}])
def test_what_is_no_integer_is_a_gap(value: Any) -> None:
    with pytest.raises(GapError, match=r"^malformed: expected an integer$"):
        integer(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, True), (False, False), ("true", True), ("False", False), ("Off", None), ("", None), (None, None)],
)
def test_booleans(value: Any, *, expected: bool | None) -> None:
    assert boolean(value) is expected


@pytest.mark.parametrize("value", ["yes", 1, 0, 1.0, [], {}])
def test_what_is_no_boolean_is_a_gap(value: Any) -> None:
    with pytest.raises(GapError, match=r"^malformed: expected true or false$"):
        boolean(value)


def test_empty_text_is_none() -> None:
    assert (text("x"), text(""), text(None)) == ("x", None, None)


def test_other_things_are_no_text_and_no_objects() -> None:
    with pytest.raises(GapError, match=r"^malformed: expected text$"):
        text(0)
    with pytest.raises(GapError, match=r"^malformed: expected a list of objects$"):
        objects([{}, 1])


def test_a_time_as_placebo_records_it() -> None:
    recorded = {"__class__": "datetime", "year": 2016, "month": 12, "day": 11, "hour": 6, "minute": 4, "second": 3}
    assert timestamp(recorded | {"microsecond": 800000}) == "2016-12-11T06:04:03.800Z"
    assert timestamp(recorded) == "2016-12-11T06:04:03.000Z"
    assert timestamp(recorded | {"month": 13}) is None
    assert timestamp(recorded | {"day": None}) is None
