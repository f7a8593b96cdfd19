"""Documents against dataclasses: places that are wrong, and never what stands there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest

from opalite.remediation.typed import faults


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    name: str
    count: int = 0


@dataclass(frozen=True)
class Outer:
    colour: Colour
    inner: Inner
    maybe: Inner | None = None
    texts: tuple[str, ...] = ()
    inners: tuple[Inner, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)
    whatever: dict[str, Any] = field(default_factory=dict)
    flag: bool = False


GOOD = {"colour": "red", "inner": {"name": "secret"}}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"maybe": None, "texts": ["a"], "inners": [{"name": "b"}], "by_name": {"a": "b"}, "whatever": {"a": [1]}, "flag": True}, []),
        ({"colour": "green"}, ["colour is none of red, blue"]),
        ({"colour": ["red"]}, ["colour is none of red, blue"]),
        ({"inner": None}, ["inner is no object"]),
        ({"inner": {}}, ["inner.name is missing"]),
        ({"inner": {"name": 5, "count": "5"}}, ["inner.name is no str", "inner.count is no int"]),
        ({"inner": {"name": "a", "count": True}}, ["inner.count is no int"]),
        ({"maybe": {"name": None}}, ["maybe.name is no str"]),
        ({"texts": "abc"}, ["texts is no list"]),
        ({"texts": ["a", 1]}, ["texts[1] is no str"]),
        ({"inners": [{"name": "a"}, []]}, ["inners[1] is no object"]),
        ({"by_name": {"a": 1}}, ["by_name.a is no str"]),
        ({"whatever": {1: 2}}, ["whatever is no object"]),
        ({"flag": 1}, ["flag is no bool"]),
    ],
)  # fmt: skip
def test_each_place_of_another_type_is_named(changes, found):
    assert list(faults({**GOOD, **changes}, Outer)) == found


@pytest.mark.parametrize("value", [None, 5, "x", []])
def test_what_is_no_object_at_all_is_told(value):
    assert list(faults(value, Outer)) == ["it is no object"]
