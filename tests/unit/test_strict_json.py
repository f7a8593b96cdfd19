"""Strict JSON: each fault in its own words, and the quick check against a slow, independent one."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opalite.strict_json import MAX_DEPTH, DoubtError, JsonFault, loads, loads_plain, shown


def message(data: bytes) -> str:
    with pytest.raises(JsonFault) as raised:
        loads(data)
    return raised.value.message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b" \r\n\t ", "is empty"),
        (b'{"a":', "is cut short at byte 5"),
        (b'{"a":"b', "is cut short: it ends inside the string that begins at byte 5"),
        ('{"a":"é'.encode()[:-1], "is cut short: it ends inside a character at byte 6"),
        ('{"é":1,}x'.encode(), "is not valid JSON: expecting property name enclosed in double quotes at byte 8"),
        (b'{"a":1}{}', "is not valid JSON: extra data at byte 7"),
        (b'{"a":01}', "is not valid JSON: expecting ',' delimiter at byte 6"),
        (b'{"a":"\x01"}', "is not valid JSON: invalid control character at byte 6"),
        (b'{"a":"\\q"}', "is not valid JSON: invalid \\escape at byte 6"),
        (b'{"a":"caf\xe9"}', "is not valid UTF-8 at byte 9"),
        (b'{"a":"\xed\xa0\x80"}', "is not valid UTF-8 at byte 6"),
        (b'{"a":"\x00"}', "holds a NUL byte at byte 6"),
        ('{"a":1}'.encode("utf-16"), "is UTF-16; convert to UTF-8 (iconv -f UTF-16 -t UTF-8)"),
        ('{"a":1}'.encode("utf-16-le"), "is UTF-16; convert to UTF-8 (iconv -f UTF-16 -t UTF-8)"),
        ('{"a":1}'.encode("utf-32"), "is UTF-32; convert to UTF-8 (iconv -f UTF-32 -t UTF-8)"),
        (b'{"a":NaN}', "holds NaN, which JSON does not know, at a"),
        (b"[-Infinity]", "holds -Infinity, which JSON does not know, at [0]"),
        (b'{"a":[{"b":1e999}]}', "holds a number too large for 64 bits at a[0].b"),
        (b'{"a":18446744073709551616}', "holds an integer of more than 64 bits at a"),
        (b'{"a":-9223372036854775809}', "holds an integer of more than 64 bits at a"),
        (b'{"a":' + b"1" * 5000 + b"}", "holds an integer of more than 64 bits at a"),
        (b'{"a":{"b":1,"c":2,"b":1}}', 'has the key "b" twice at a'),
        (b'{"a":1,"\\u0061":1}', 'has the key "a" twice at the top'),
        (b'{"a":"\\ud83d"}', "holds half a surrogate pair at a"),
        (b'["\\udc00\\ud800"]', "holds half a surrogate pair at [0]"),
        (b'{"\\ud83d":1}', "holds half a surrogate pair in a key at the top"),
        (b'"\\ud83d"', "holds half a surrogate pair at the top"),
        (b"[" * 101 + b"]" * 101, "is nested deeper than 100 levels"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "is nested deeper than 100 levels"),
        (b"[" * 100_000, "is nested deeper than 100 levels"),
    ],
)
def test_a_fault_is_told_in_one_line_with_its_place(data, expected):
    assert message(data) == expected


def test_bytes_are_counted_from_the_given_offset_and_behind_a_byte_order_mark():
    with pytest.raises(JsonFault) as raised:
        loads(b"\xef\xbb\xbf[1,]", "policy", offset=100)
    assert str(raised.value) == "policy is not valid JSON: expecting value at byte 106"
    assert raised.value.source == "policy"


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}\n', {"a": 1}),
        (b"[18446744073709551615,-9223372036854775808]", [2**64 - 1, -(2**63)]),
        (
            b'["12345678901234567890123", "x:12345678901234567890"]',
            ["12345678901234567890123", "x:12345678901234567890"],
        ),
        (b'{"a":"\\u003a\\u003A","b":"\\u003d"}', {"a": "::", "b": "="}),
        (b'["\\ud83d\\ude00", -0, 1E2, "\\/"]', ["😀", 0, 100.0, "/"]),
        (b"12", 12),
    ],
)
def test_what_only_looks_odd_is_read(data, value):
    assert loads(data) == value


def test_a_hundred_levels_are_read():
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = {"a": deep}
    assert loads(orjson.dumps(deep)) == deep
    assert loads_plain(orjson.dumps([deep]), levels=MAX_DEPTH + 1) == [deep]
    with pytest.raises(DoubtError):
        loads_plain(orjson.dumps([deep]))


def test_orjson_writes_as_many_levels_as_the_depth_check_supposes():
    deep: Any = 1
    for _ in range(254):
        deep = [deep]
    assert orjson.dumps(deep) == b"[" * 254 + b"1" + b"]" * 254
    with pytest.raises(TypeError):
        orjson.dumps([deep])


def test_a_long_key_is_shown_in_part_and_on_one_line():
    assert shown("a\nb\ud800") == "a?b?"
    assert shown("k" * 40) == "k" * 40
    assert shown("k" * 41) == "k" * 39 + "…"


# A text is built from tokens that are written in many ways, duplicates and all; `odd` says whether it must be refused.
escapes = {":": ["\\u003a", "\\u003A", ":"], '"': ["\\u0022", '\\"'], "/": ["\\/", "/"], "\\": ["\\\\", "\\u005c"]}
space = st.sampled_from(["", "", " ", "\n", " \t\r\n"])


@st.composite
def string(draw) -> str:
    letters = draw(st.lists(st.sampled_from([*':"/\\a1 {}[],', "é"]), max_size=4))
    return '"' + "".join(draw(st.sampled_from(escapes.get(letter, [letter]))) for letter in letters) + '"'


@st.composite
def text(draw, depth: int = 3) -> str:
    kind = draw(st.sampled_from(["number", "string", "array", "object", "object"] if depth else ["number", "string"]))
    if kind == "string":
        return draw(string())
    if kind == "number":
        number = draw(st.sampled_from([2**63, 2**64 - 1, 2**64, 10**30, 123456789012, 7, 1.5, -0.0, 1e25]))
        return draw(st.sampled_from(["", "-"] if number > 0 else [""])) + str(number)
    parts = draw(st.lists(text(depth=depth - 1), max_size=3))
    if kind == "object":
        parts = [draw(string()) + draw(space) + ":" + draw(space) + part for part in parts]
    opening, closing = "{}" if kind == "object" else "[]"
    return opening + draw(space) + (draw(space) + "," + draw(space)).join(parts) + draw(space) + closing


class RefusedError(Exception):
    pass


def reference(data: str) -> Any:
    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) < len(pairs):
            raise RefusedError
        return dict(pairs)

    def integer(digits: str) -> int:
        if not -(2**63) <= int(digits) < 2**64:
            raise RefusedError
        return int(digits)

    return json.loads(data, object_pairs_hook=members, parse_int=integer)


@given(text())
@settings(max_examples=400, deadline=None)
@example('{"a":1,"a":2,"b":"\\u003a"}')
@example('{"a" :1,"b":1,"b":2}')
@example('{"a":{"x":":","a":1},"a":"\\u003a\\u003a"}')
@example('["1234567890123456789012"]')
@example("[-123456789012345678901]")
def test_the_quick_check_refuses_what_a_slow_reader_refuses(data):
    try:
        expected = reference(data)
    except RefusedError:
        message(data.encode())
    except json.JSONDecodeError:
        assert message(data.encode()).startswith("is not valid JSON")
    else:
        assert loads(data.encode()) == expected


@given(st.binary(max_size=40) | st.text(max_size=30).map(str.encode))
@settings(deadline=None)
def test_bytes_are_read_or_refused_with_a_fault(data):
    try:
        fault = None
        loads(data)
    except JsonFault as refusal:
        fault = refusal
    assert fault is None or fault.message.isprintable()
