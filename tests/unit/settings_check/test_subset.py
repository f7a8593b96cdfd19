"""The small checker says of a value what draft 7 says of it, and lets nothing pass that it cannot check."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from opalite.remediation.actions import ACTIONS
from opalite.settings_check.subset import NOTHING, faults, filled

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 1.0, 1.5, "", "a", "ab", "a-b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "array", "object", "null"])
LEAVES = st.fixed_dictionaries(
    {},
    optional={
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "minimum": st.integers(-2, 3),
        "maximum": st.integers(-2, 3),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "pattern": st.sampled_from(["a", "^a$", "^[a-z]+$"]),
        "minItems": st.integers(0, 3),
        "maxItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "minProperties": st.integers(0, 3),
        "maxProperties": st.integers(0, 3),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "propertyNames": st.sampled_from([{"pattern": "^[ab]$"}, {"maxLength": 0}, {"enum": ["c"]}, True, False]),
        "not": st.sampled_from([{"type": "string"}, {"enum": [1, "a"]}, {"minItems": 1}, {}, True, False]),
        "description": st.just("for people"),
        "default": VALUES,
    },
)
SCHEMAS = st.recursive(
    LEAVES | st.booleans(),
    lambda inner: st.builds(
        lambda leaf, more: {**leaf, **more},
        LEAVES,
        st.fixed_dictionaries(
            {},
            optional={
                "items": inner,
                "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
                "additionalProperties": inner,
            },
        ),
    ),
    max_leaves=4,
)


@given(SCHEMAS, VALUES)
def test_it_agrees_with_draft_7(schema, value):
    assert (next(faults(value, schema), None) is None) is Draft7Validator(schema).is_valid(value)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "if", "$ref", "patternProperties", "multipleOf", "dependencies"])
def test_a_keyword_that_is_not_checked_lets_nothing_pass(keyword):
    assert list(faults({}, {keyword: {}})) == [f"parameters: its schema says {keyword!r}, which is not checked"]


@pytest.mark.parametrize(
    ("value", "schema", "says"),
    [
        ({"x": 1}, NOTHING, "parameters.x: is not known"),
        (
            {"x": [1, "2"]},
            {"properties": {"x": {"items": {"type": "integer"}}}},
            "parameters.x[1]: is not of type integer",
        ),
        ("c", {"enum": ["a", "b"]}, "parameters: is not one of a, b"),
        (1, {"const": 2}, "parameters: is not 2"),
        (True, {"enum": [1]}, "parameters: is not one of 1"),
        ([1, 1.0], {"uniqueItems": True}, "parameters: names something twice"),
        ({}, {"required": ["a"]}, "parameters.a: is missing"),
        ({"c": 1}, {"propertyNames": {"enum": ["a"]}}, "parameters: c cannot be a name here"),
        ("6", {"not": {"enum": ["6"]}}, "parameters: is not right"),
        ("6", {"not": {"anyOf": []}}, "parameters: its schema says 'anyOf', which is not checked"),
        ("6", {"not": {"items": {}}}, "parameters: its schema says 'items', which is not checked"),
        (0, {"minimum": 1}, "parameters: is less than 1"),
        ("10.0.0.0/33", {"format": "cidr"}, "parameters: is not right, or its format 'cidr' is not known"),
        ("10.0.0.1/8", {"format": "network"}, "parameters: is not right, or its format 'network' is not known"),
        ("x", {"format": "email"}, "parameters: is not right, or its format 'email' is not known"),
    ],
)
def test_a_fault_says_where_and_what_was_wanted(value, schema, says):
    assert list(faults(value, schema)) == [says]


def test_a_format_that_is_kept():
    assert list(faults({"a": "10.0.0.1/8", "b": 7}, {"additionalProperties": {"format": "cidr"}})) == []
    assert list(faults({"10.0.0.0/8": "a", "fe80::/10": "b"}, {"propertyNames": {"format": "network"}})) == []


def test_what_is_not_given_has_its_default():
    schema = {"properties": {"a": {"default": 1}, "b": {"default": [2]}, "c": {}}}
    assert filled({"b": [3]}, schema) == {"a": 1, "b": [3]}
    assert filled({}, NOTHING) == {}


@pytest.mark.parametrize("name", ACTIONS)
def test_the_defaults_of_every_action_are_allowed_by_its_schema(name):
    """And the schema uses nothing that cannot be checked, is closed, and says of each property what it is for."""
    schema = ACTIONS[name].parameters
    Draft7Validator.check_schema(schema)
    assert list(faults(filled({}, schema), schema)) == []
    assert schema["additionalProperties"] is False
    assert {
        key: entry.keys() >= {"description", "default"} for key, entry in schema["properties"].items()
    } == dict.fromkeys(schema["properties"], True)
