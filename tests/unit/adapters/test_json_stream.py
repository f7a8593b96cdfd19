"""The stream reader: the same elements whatever the form, the whitespace and the size of the pieces; faults by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from opalite.adapters.elements import DOCUMENT, Element, Fault
from opalite.adapters.json_stream import REST, documents

ARRAYS = frozenset({"configurationItems", "Results"})
SMALL = {"chunk": 64, "whole": 64}


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def read(data: bytes, *, size: int = 1 << 20, **limits: int) -> list[Element | Fault]:
    return list(documents(pieces(data, size), ARRAYS, **limits))


def parts(found: list[Element | Fault]) -> list[tuple[str, Any]]:
    """(place, value) with arrays taken apart, however much of that the reader has done already."""
    flat: list[tuple[str, Any]] = []
    for element in found:
        assert isinstance(element, Element), element
        inner = [element.value] if isinstance(element.value, list) else []
        if element.part == DOCUMENT and isinstance(element.value, dict):
            inner = [value for name, value in element.value.items() if name in ARRAYS and isinstance(value, list)]
        if inner:
            flat += [
                (f"{element.place} item {number}", part) for array in inner for number, part in enumerate(array, start=1)
            ]
        elif element.part != REST:
            flat.append((element.place, element.value))
    return flat


keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
strings = keys | st.sampled_from(['{"a":[1', '"},{"', "]}", "\\", '\\"', "},\n{", '{"k":{"k":"v"}}', ":", "é\u2028😀"])
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | strings,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys | st.just("k"), inner, max_size=3),
    max_leaves=8,
)
objects = st.builds(
    lambda first, rest: {**first, **rest},
    st.sampled_from([{"k": 1}, {"k": [{"k": 2}, {"k": 3}]}, {"k": {}}, {}]),
    st.dictionaries(keys, values, max_size=3),
)
writers = st.sampled_from(
    [
        orjson.dumps,
        lambda value: json.dumps(value).encode(),
        lambda value: json.dumps(value, ensure_ascii=False, separators=(" ,\t", " : ")).encode(),
        lambda value: json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode(),
    ]
)
pretty = st.sampled_from(
    [lambda value: json.dumps(value, indent=2).encode(), lambda value: json.dumps(value, indent="\t").encode()]
)
sizes = {"size": st.integers(1, 300), "chunk": st.sampled_from([1, 7, 64, 500]), "whole": st.sampled_from([0, 64, 5000])}


@given(items=st.lists(objects), write=writers | pretty, **sizes)
@example(items=[{"k": 1}] * 9, write=orjson.dumps, size=300, chunk=64, whole=0)
def test_an_array_gives_its_elements(items, write, size, chunk, whole):
    found = read(write(items) + b"\n", size=size, chunk=chunk, whole=whole)
    assert parts(found) == [(f" item {number}", item) for number, item in enumerate(items, start=1)]


@given(
    items=st.lists(objects),
    before=st.dictionaries(keys, values, max_size=2),
    after=st.dictionaries(keys, values, max_size=2),
    write=writers | pretty,
    **sizes,
)
def test_a_snapshot_gives_its_items_whatever_stands_around_the_array(items, before, after, write, size, chunk, whole):
    document = {**before, "configurationItems": items, **after}
    found = read(b" \n" + write(document), size=size, chunk=chunk, whole=whole)
    expected = [(f" item {number}", item) for number, item in enumerate(items, start=1)]
    assert parts(found) == expected
    if len(found) != 1 or found[0].part == REST:
        assert found[-1] == Element(
            {name: part for name, part in document.items() if name != "configurationItems" or not items}, "", REST
        )


@given(items=st.lists(objects, min_size=2), write=writers, end=st.sampled_from([b"\n", b"\r\n", b" \n\n"]), **sizes)
def test_lines_give_one_document_each(items, write, end, size, chunk, whole):
    found = read(end.join(map(write, items)), size=size, chunk=chunk, whole=whole)
    step = 2 if end == b" \n\n" else 1
    assert parts(found) == [(f":{1 + step * number}", item) for number, item in enumerate(items)]


@given(
    items=st.lists(objects | st.lists(objects, min_size=1, max_size=3), min_size=2, max_size=8),
    write=writers | pretty,
    between=st.sampled_from([b"", b"\n", b"  ", b"\n\xef\xbb\xbf"]),
    **sizes,
)
def test_documents_one_behind_the_other_give_the_same_for_every_size(items, write, between, size, chunk, whole):
    data = between.join(map(write, items))
    expected = [part for item in items for part in (item if isinstance(item, list) else [item])]
    found = parts(read(data, size=size, chunk=chunk, whole=whole))
    assert [part for _, part in found] == expected
    assert found == parts(read(data))


@given(data=st.binary(max_size=80) | st.text('[]{},:"\\ \nk1', max_size=60).map(str.encode), **sizes)
@settings(max_examples=300)
def test_no_bytes_make_the_reader_raise(data, size, chunk, whole):
    assert read(data, size=size, chunk=chunk, whole=whole)


# Faults, each by name. Three items, the second is broken; the small window makes the reader stream.
GOOD = [b'{"k":1,"name":"first"}', b'{"k":3,"name":"third"}']
FIRST, THIRD = map(orjson.loads, GOOD)
BROKEN = {
    "not a number": (b'{"k":NaN}', "holds NaN, which JSON does not know, at k"),
    "infinity": (b'{"k":[-Infinity]}', "holds -Infinity, which JSON does not know, at k[0]"),
    "a float too large": (b'{"k":1e999}', "holds a number too large for 64 bits at k"),
    "an integer too large": (b'{"k":{"n":123456789012345678901}}', "holds an integer of more than 64 bits at k.n"),
    "a key twice": (b'{"k":{"a":1,"b":2,"a":3}}', 'has the key "a" twice at k'),
    "a key twice, once escaped": (b'{"k":1,"\\u006b":2}', 'has the key "k" twice at the top'),
    "deep nesting": (b'{"k":' + b"[" * 100 + b"]" * 100 + b"}", "is nested deeper than 100 levels"),
    "very deep nesting": (b'{"k":' + b"[" * 5000 + b"]" * 5000 + b"}", "is nested deeper than 100 levels"),
    "half a surrogate pair": (b'{"k":"\\ud83d"}', "holds half a surrogate pair at k"),
    "Latin-1": (b'{"k":"\xe9"}', "is not valid UTF-8 at byte {6}"),
    "a NUL byte": (b'{"k":"a\x00"}', "holds a NUL byte at byte {7}"),
    "a control character": (b'{"k":"a\x01"}', "is not valid JSON: invalid control character at byte {7}"),
    "an unknown escape": (b'{"k":"\\x41"}', "is not valid JSON: invalid \\escape at byte {6}"),
    "a comma too few": (b'{"k":1 "b":2}', "is not valid JSON: expecting ',' delimiter at byte {7}"),
    "single quotes": (b"{'k':1}", "is not valid JSON: expecting property name enclosed in double quotes at byte {1}"),
    "a bare word": (b'{"k":undefined}', "is not valid JSON: expecting value at byte {5}"),
}


def at(message: str, offset: int) -> str:
    head, brace, rest = message.partition("{")
    return head + str(int(rest.rstrip("}")) + offset) if brace else message


@pytest.mark.parametrize(("item", "message"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("limits", [{}, SMALL, {"chunk": 9, "whole": 0}], ids=["whole", "small", "tiny"])
def test_a_broken_element_of_an_array_costs_only_itself(item, message, limits):
    data = b"[" + GOOD[0] + b", " + item + b", " + GOOD[1] + b"]"
    assert read(data, **limits) == [
        Element(FIRST, " item 1", DOCUMENT),
        Fault(at(message, len(GOOD[0]) + 3), " item 2"),
        Element(THIRD, " item 3", DOCUMENT),
    ]


@pytest.mark.parametrize(("item", "message"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("limits", [{}, SMALL, {"chunk": 9, "whole": 0}], ids=["whole", "small", "tiny"])
def test_a_broken_item_of_a_snapshot_costs_only_itself(item, message, limits):
    start = b'{"fileVersion":"1.0","configurationItems":['
    data = start + b",".join([GOOD[0], item, GOOD[1]]) + b'],"more":true}\n'
    assert read(data, **limits) == [
        Element(FIRST, " item 1", "configurationItems"),
        Fault(at(message, len(start) + len(GOOD[0]) + 1), " item 2"),
        Element(THIRD, " item 3", "configurationItems"),
        Element({"fileVersion": "1.0", "more": True}, "", REST),
    ]


@pytest.mark.parametrize(("item", "message"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("limits", [{}, SMALL, {"chunk": 9, "whole": 0}], ids=["whole", "small", "tiny"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_broken_line_costs_only_itself(item, message, limits, index):
    lines = [GOOD[0], GOOD[1]]
    lines.insert(index, item)
    expected: list[Element | Fault] = [Element(FIRST, "", DOCUMENT), Element(THIRD, "", DOCUMENT)]
    expected.insert(index, Fault(at(message, sum(len(line) + 1 for line in lines[:index])), ""))
    places = [f":{number}" for number in (1, 2, 3)]
    found = read(b"\n".join(lines), **limits)
    assert [(one.place, one[0]) for one in found] == [(place, one[0]) for place, one in zip(places, expected, strict=True)]


UNBALANCED = {
    "a bracket too few": b'{"k":{"a":1}',
    "a bracket too many": b'{"k":{"a":1}}}',
    "the wrong bracket": b'{"k":[1}}',
    "a quote too few": b'{"k":"a,"name":"b"}',
    "a quote too many": b'{"k":"a"","name":"b"}',
    "an end in a string": b'{"k":"a',
    "an end in a list": b'{"k":[{"k":2},',
}


@pytest.mark.parametrize("item", UNBALANCED.values(), ids=UNBALANCED)
@pytest.mark.parametrize("limits", [{}, SMALL, {"chunk": 9, "whole": 0}], ids=["whole", "small", "tiny"])
def test_reading_goes_on_behind_an_unbalanced_item_where_the_next_one_begins(item, limits):
    data = b'{"configurationItems":[' + b",".join([GOOD[0], GOOD[0], item, GOOD[1], GOOD[1]]) + b"]}"
    found = read(data, **limits)
    assert [one.value for one in found if isinstance(one, Element) and one.part != REST] == [FIRST, FIRST, THIRD, THIRD]
    assert [one.place for one in found if isinstance(one, Fault)] == [" item 3"]


items_like_aws = st.builds(
    lambda number, names, inner: {
        "relatedEvents": [],
        "relationships": [{"resourceId": name} for name in names],
        "configuration": {"n": number, "inner": inner, "text": '{"a":[{"b":"}]"}]}'},
        "resourceId": str(number),
    },
    st.integers(0, 10**6),
    st.lists(st.sampled_from(["sg-1", "sg-2"]), max_size=3),
    st.sampled_from([None, {}, [], [[1, {"x": "y"}]], "\\"]),
)


@given(
    items=st.lists(items_like_aws, min_size=6, max_size=12, unique_by=lambda item: item["resourceId"]),
    write=writers | pretty,
    damage=st.data(),
    chunk=st.sampled_from([50, 700, 1 << 20]),
)
@settings(max_examples=300)
def test_a_byte_lost_added_or_changed_costs_one_item_and_its_neighbour(items, write, damage, chunk):
    number = damage.draw(st.integers(2, len(items) - 2))
    texts = [write(item) for item in items]
    at = damage.draw(st.integers(0, len(texts[number]) - 1))
    byte = damage.draw(st.sampled_from([b"", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"0", b"x", b"\xff"]))
    kept = damage.draw(st.integers(0, 1))
    texts[number] = texts[number][:at] + byte + texts[number][at + kept :]
    found = read(b'{"configurationItems":[' + b",".join(texts) + b"]}", chunk=chunk, whole=0)
    values = [value for _, value in parts([one for one in found if isinstance(one, Element)])]
    others = [item for index, item in enumerate(items) if index not in (number, number + 1)]
    assert [value for value in values if value in others] == others
    assert len(values) == len(items) or any(isinstance(one, Fault) for one in found)
