"""The stream reader: the same elements whatever the form, the whitespace and the size of the pieces; faults by name."""

from __future__ import annotations

import json
import tracemalloc
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
                (f"{element.place} item {number}", part)
                for array in inner
                for number, part in enumerate(array, start=1)
            ]
        elif element.part != REST:
            flat.append((element.place, element.value))
    return flat


keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=6)
strings = keys | st.sampled_from(['{"a":[1', '"},{"', "]}", "\\", '\\"', "},\n{", '{"k":{"k":"v"}}', ":", "é\u2028😀"])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
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
sizes = {
    "size": st.integers(1, 300),
    "chunk": st.sampled_from([1, 7, 64, 500]),
    "whole": st.sampled_from([0, 64, 5000]),
}


@given(items=st.lists(objects), write=writers | pretty, **sizes)
@example(items=[{"k": 1}] * 9, write=orjson.dumps, size=300, chunk=64, whole=0)
@settings(deadline=None)
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
@settings(deadline=None)
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
@settings(deadline=None)
def test_lines_give_one_document_each(items, write, end, size, chunk, whole):
    found = read(end.join(map(write, items)), size=size, chunk=chunk, whole=whole)
    step = 2 if end == b" \n\n" else 1
    assert parts(found) == [(f":{1 + step * number}", item) for number, item in enumerate(items)]


@pytest.mark.parametrize("number", [b"1000000000000000.0", b"1.5", b"-1.0e-5", b"12.5E+10", b"1e5"])
@pytest.mark.parametrize("form", [b'{"n":%b}\n{"k":1}', b"[%b,2]", b'{"Results":[3],"n":%b}', b'{"n":[%b]}{"k":1}'])
def test_a_number_may_come_in_two_pieces(number, form):
    data = form % number
    whole = parts(read(data, whole=0))
    assert [parts(read(data, size=size, chunk=1, whole=0)) for size in range(1, len(data))] == [whole] * (len(data) - 1)


@given(
    items=st.lists(objects | st.lists(objects, min_size=1, max_size=3), min_size=2, max_size=8),
    write=writers | pretty,
    between=st.sampled_from([b"", b"\n", b"  ", b"\n\xef\xbb\xbf"]),
    **sizes,
)
@settings(deadline=None)
def test_documents_one_behind_the_other_give_the_same_for_every_size(items, write, between, size, chunk, whole):
    data = between.join(map(write, items))
    expected = [part for item in items for part in (item if isinstance(item, list) else [item])]
    found = parts(read(data, size=size, chunk=chunk, whole=whole))
    assert [part for _, part in found] == expected
    assert found == parts(read(data))


@given(data=st.binary(max_size=80) | st.text('[]{},:"\\ \nk1', max_size=60).map(str.encode), **sizes)
@settings(max_examples=300, deadline=None)
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
    assert [(one.place, one[0]) for one in found] == [
        (place, one[0]) for place, one in zip(places, expected, strict=True)
    ]


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


def damaged(items, write, damage, marks, chunk):
    """A snapshot with one byte lost, added or changed in one of its items: (number of the item, what is read)."""
    number = damage.draw(st.integers(2, len(items) - 2))
    texts = [write(item) for item in items]
    at = damage.draw(st.integers(0, len(texts[number]) - 1))
    mark = damage.draw(st.sampled_from(marks))
    kept = damage.draw(st.integers(0, 1))
    texts[number] = texts[number][:at] + mark + texts[number][at + kept :]
    return number, read(b'{"configurationItems":[' + b",".join(texts) + b"]}", chunk=chunk, whole=0)


damages = {
    "items": st.lists(items_like_aws, min_size=6, max_size=12, unique_by=lambda item: item["resourceId"]),
    "write": writers | pretty,
    "damage": st.data(),
    "chunk": st.sampled_from([50, 700, 1 << 20]),
}


@given(**damages)
@settings(max_examples=200, deadline=None)
def test_a_byte_lost_added_or_changed_costs_one_item_and_its_neighbour(items, write, damage, chunk):
    number, found = damaged(items, write, damage, [b"", b'"', b",", b":", b"\\", b"0", b"x", b"\xff"], chunk)
    values = [value for _, value in parts([one for one in found if isinstance(one, Element)])]
    others = [item for index, item in enumerate(items) if abs(index - number) > 1]
    assert [value for value in values if value in others] == others
    assert sum(item in values for item in items) >= len(items) - 2
    assert len(values) == len(items) or any(isinstance(one, Fault) for one in found)


@given(**damages)
@settings(max_examples=200, deadline=None)
def test_a_bracket_added_or_changed_loses_nothing_silently(items, write, damage, chunk):
    number, found = damaged(items, write, damage, [b"{", b"}", b"[", b"]"], chunk)
    values = [value for _, value in parts([one for one in found if isinstance(one, Element)])]
    assert values[:number] == items[:number]
    assert len(values) == len(items) or any(isinstance(one, Fault) for one in found)


@given(items=st.lists(items_like_aws, max_size=6), write=writers | pretty, cut=st.data(), **sizes)
@settings(deadline=None)
def test_a_cut_keeps_all_items_before_it_and_is_told_once(items, write, cut, size, chunk, whole):
    texts = [write(item) for item in items]
    data = b'{"fileVersion":"1.0","configurationItems":[' + b",".join(texts) + b"]}"
    at = cut.draw(st.integers(1, len(data) - 1))
    found = read(data[:at], size=size, chunk=chunk, whole=whole)
    ends = [43 + sum(len(text) + 1 for text in texts[:number]) - 1 for number in range(1, len(texts) + 1)]
    assert [value for _, value in parts(found[:-1])] == [
        item for item, end in zip(items, ends, strict=True) if end <= at
    ]
    assert isinstance(found[-1], Fault)
    assert found[-1].cut_short
    assert "cut short" in found[-1].message or "not valid JSON: expecting value" in found[-1].message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [Fault("is empty", "", cut_short=True)]),
        (b" \r\n\t", [Fault("is empty", "", cut_short=True)]),
        (b"\xef\xbb\xbf", [Fault("is empty", "", cut_short=True)]),
        (b"\xef\xbb\xbf" + GOOD[0], [Element(FIRST, "", DOCUMENT)]),
        ('{"k":1}'.encode("utf-16"), [Fault("is UTF-16; convert to UTF-8 (iconv -f UTF-16 -t UTF-8)", "")]),
        ('{"k":1}'.encode("utf-16-be"), [Fault("is UTF-16; convert to UTF-8 (iconv -f UTF-16 -t UTF-8)", "")]),
        ("[]".encode("utf-32"), [Fault("is UTF-32; convert to UTF-8 (iconv -f UTF-32 -t UTF-8)", "")]),
        ("[]".encode("utf-32-le"), [Fault("is UTF-32; convert to UTF-8 (iconv -f UTF-32 -t UTF-8)", "")]),
        (b"[]", [Element([], "", DOCUMENT)]),
        (b"12", [Element(12, "", DOCUMENT)]),
        (b'"a"\n12', [Element("a", ":1", DOCUMENT), Element(12, ":2", DOCUMENT)]),
        (
            b"# Title\n\nand some text\n",
            [Fault("is not valid JSON: expecting value at byte 0; nothing after that could be read", "")],
        ),
        (
            b"warning\n" + GOOD[0],
            [Fault("is not valid JSON: expecting value at byte 0", ":1"), Element(FIRST, ":2", DOCUMENT)],
        ),
        (b'{"k":1', [Fault("is cut short at byte 6", "", cut_short=True)]),
        (b'{"k":"a', [Fault("is cut short: it ends inside the string that begins at byte 5", "", cut_short=True)]),
        (b"[" + GOOD[0], [Element(FIRST, " item 1", DOCUMENT), Fault("is cut short at byte 23", "", cut_short=True)]),
        (
            b"[" + GOOD[0] + b",]",
            [Element(FIRST, " item 1", DOCUMENT), Fault("is followed by a comma too many before byte 24", " item 1")],
        ),
        (
            b"[" + GOOD[0] + b" " + GOOD[1] + b"]",
            [
                Element(FIRST, " item 1", DOCUMENT),
                Fault("is not followed by another element at byte 24", " item 1"),
                Element(THIRD, " item 2", DOCUMENT),
            ],
        ),
        (
            b'[undefined,,"a",' + GOOD[0] + b"]",
            [
                Fault("is not valid JSON: expecting value at byte 1", " item 1"),
                Fault("is not valid JSON: expecting value at byte 11", " item 2"),
                Element("a", " item 3", DOCUMENT),
                Element(FIRST, " item 4", DOCUMENT),
            ],
        ),
        (
            b"[1" + b" " * 40 + b"undefined" + b" " * 40,
            [Fault("is not followed by another element at byte 42; nothing after it could be read", " item 1")],
        ),
        (
            b'{"a":1,"a":2,"Results":[],"c":NaN,"Results":[]}',
            [
                Fault('has the key "Results" twice at the top', ""),
                Fault("has a member c that holds NaN, which JSON does not know, at the top", ""),
                Element({"a": 2, "Results": []}, "", REST),
            ],
        ),
        (b'{"a" 1, "b": "a long enough rest"}', [Fault("is not valid JSON: expecting ':' delimiter at byte 5", "")]),
        (b'{"\\ud800":1}', [Fault("has the name of a member that holds half a surrogate pair at the top", "")]),
        (b"{}\n{}", [Element({}, ":1", DOCUMENT), Element({}, ":2", DOCUMENT)]),
        (b"[1]\n[2]", [Element([1], "", DOCUMENT), Element([2], ":2", DOCUMENT)]),
    ],
)
def test_a_document_is_read_or_its_fault_named(data, expected):
    assert read(data) == expected


@pytest.mark.parametrize("limits", [{}, {"chunk": 16, "whole": 0}])
def test_half_an_item_is_not_taken_for_an_item(limits):
    split = b'{"k":{"a":1}},"name":"the other half"}'
    data = b"[" + b",".join([GOOD[0], GOOD[0], split, GOOD[1]]) + b"]"
    found = read(data, **limits)
    assert [one.value for one in found if isinstance(one, Element)] == [FIRST, FIRST, THIRD]
    assert found[2] == Fault("is not followed by another element at byte 60", " item 3")
    assert read(b"\n".join([GOOD[0], split, GOOD[1]]), **limits) == [
        Element(FIRST, ":1", DOCUMENT),
        Fault("is not valid JSON: extra data at byte 36", ":2"),
        Element(THIRD, ":3", DOCUMENT),
    ]


def test_an_empty_array_is_a_document_whatever_the_size_of_the_pieces():
    assert read(b"[ ] ", size=1, chunk=1, whole=0) == [Element([], "", DOCUMENT)]
    assert read(b'{"Results":[]}', size=1, chunk=1, whole=0) == [Element({"Results": []}, "", REST)]
    assert read(b'[ ] {"Results":\n[]}', size=1, chunk=1, whole=0) == [
        Element([], "", DOCUMENT),
        Element({"Results": []}, ":1", DOCUMENT),
    ]


def snapshot(count: int, item: bytes) -> Iterator[bytes]:
    yield b'{"fileVersion":"1.0","configurationItems":['
    for number in range(count):
        yield (b"," if number else b"") + item.replace(b"NUMBER", b"%d" % number)
    yield b"]}"


def test_memory_does_not_grow_with_the_snapshot():
    item = orjson.dumps({"relatedEvents": [], "resourceId": "NUMBER", "configuration": [{"name": "x" * 80}] * 40})
    count = 60_000_000 // len(item)
    tracemalloc.start()
    try:
        seen = sum(1 for element in documents(snapshot(count, item), ARRAYS) if element.part == "configurationItems")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen == count
    assert peak < 8_000_000


def test_an_item_above_the_limit_is_passed_over():
    large = b'{"k":"' + b"x" * 30_000 + b'"}'
    data = b'{"configurationItems":[' + b",".join([GOOD[0], GOOD[0], large, GOOD[1]]) + b"]}"
    assert read(data, size=1000, **SMALL, largest=20_000) == [
        Element(FIRST, " item 1", "configurationItems"),
        Element(FIRST, " item 2", "configurationItems"),
        Fault("is larger than 20,000 bytes and was passed over", " item 3"),
        Element(THIRD, " item 4", "configurationItems"),
        Element({}, "", REST),
    ]


def test_an_item_above_the_limit_at_the_end_is_told_once():
    data = b"[" + GOOD[0] + b',{"k":"' + b"x" * 90_000 + b'"}]'
    assert read(data, size=1000, **SMALL, largest=20_000) == [
        Element(FIRST, " item 1", DOCUMENT),
        Fault("is larger than 20,000 bytes and was passed over; nothing after it could be read", " item 2"),
    ]


def test_a_line_above_the_limit_is_passed_over():
    large = b'{"k":"' + b"x" * 90_000 + b'"}'
    assert read(b"\n".join([GOOD[0], large, GOOD[1]]), size=1000, **SMALL, largest=20_000) == [
        Element(FIRST, ":1", DOCUMENT),
        Fault("is larger than 20,000 bytes and was passed over", ":2"),
        Element(THIRD, ":3", DOCUMENT),
    ]


def test_a_document_above_the_limit_in_all_is_passed_over():
    large = b"{" + b",".join(b'"%d":"%s"' % (number, b"x" * 9000) for number in range(9)) + b"}"
    assert read(large + b"\n" + GOOD[0], size=1000, **SMALL, largest=20_000) == [
        Fault("is larger than 20,000 bytes and was passed over", ":1"),
        Element(FIRST, ":2", DOCUMENT),
    ]


def test_endless_space_is_not_held():
    spaces = (b" " * 1000 for _ in range(200))
    assert list(documents(iter([b"[1,", *spaces]), ARRAYS, **SMALL, largest=20_000)) == [
        Element(1, " item 1", DOCUMENT),
        Fault("is larger than 20,000 bytes and was passed over", ""),
    ]


def test_elements_whose_border_also_occurs_within_them_are_read_all_the_same():
    items = [{"k": number, "inner": [{"k": inner} for inner in range(200)]} for number in range(60)]
    assert parts(read(orjson.dumps(items), **SMALL)) == [(f" item {n}", item) for n, item in enumerate(items, start=1)]
    assert parts(read(orjson.dumps(items), chunk=5000, whole=0)) == parts(read(orjson.dumps(items)))


def test_a_fault_that_parsing_forgives_is_found_among_many_items():
    texts = [b'{"k":%d,"text":"%s"}' % (number, b"y" * 50) for number in range(2000)]
    texts[1234] = b'{"k":1,"k":2}'
    found = read(b"[" + b",".join(texts) + b"]", chunk=4096, whole=0)
    assert len(found) == 2000
    assert [one for one in found if isinstance(one, Fault)] == [Fault('has the key "k" twice at the top', " item 1235")]


def test_a_snapshot_larger_than_the_first_chunk_is_followed_by_another_document():
    data = orjson.dumps({"configurationItems": [FIRST] * 50})
    found = read(data + data + b"\n" + GOOD[1], chunk=100, whole=100)
    assert parts(found) == [
        *((f" item {number}", FIRST) for number in range(1, 51)),
        *((f":1 item {number}", FIRST) for number in range(1, 51)),
        (":2", THIRD),
    ]


def test_a_broken_document_that_was_read_in_part_is_left_behind():
    data = b'{"configurationItems":[' + GOOD[0] + b'],"x":\n oops ' + b"z" * 50 + b"\n" + GOOD[1]
    assert read(data, **SMALL) == [
        Element(FIRST, " item 1", "configurationItems"),
        Fault("is not valid JSON: expecting value at byte 53", ""),
        Element(THIRD, ":3", DOCUMENT),
    ]


@pytest.mark.parametrize("between", [b"],", b"]", b',]"x":1},', b"],[],"])
def test_a_bracket_too_many_does_not_end_the_array(between):
    data = b'{"Results":[' + GOOD[0] + b"," + GOOD[0] + between + GOOD[1] + b"," + GOOD[1] + b"]}"
    found = read(data, chunk=16, whole=0)
    assert [one.value for one in found if isinstance(one, Element) and one.part != REST] == [FIRST, FIRST, THIRD, THIRD]
    assert "is followed by a bracket too many before byte " in " ".join(
        one.message for one in found if isinstance(one, Fault)
    )
