"""What a JSON Schema says, in the words of a table."""

from __future__ import annotations

import pytest

from opalite.policy_page.markdown import code, parameters, table, yaml


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "cidr", "pattern": "x"}, "text (cidr)"),
        ({"type": "string", "pattern": "^(a|b)$"}, "text like `^(a|b)$`"),
        ({"type": "boolean"}, "`true`, `false`"),
        ({"type": "integer"}, "integer"),
        ({"type": "integer", "minimum": 0}, "integer, at least 0"),
        ({"type": "integer", "maximum": 9}, "integer, at most 9"),
        ({"type": "integer", "minimum": 0, "maximum": 33}, "integer 0 to 33"),
        ({"type": "number", "minimum": 0.5}, "number, at least 0.5"),
        ({"type": ["integer", "null"], "minimum": 0}, "integer, at least 0 or `null`"),
        ({"enum": ["any", 7, None]}, "`any`, `7`, `null`"),
        ({"const": "any"}, "`any`"),
        ({"type": "array"}, "list of anything"),
        ({"type": "array", "items": {"type": "string"}}, "list of text"),
        ({"items": {"type": "string"}}, "list of text"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "list of (text or `null`)"),
        ({"type": "object"}, "mapping"),
        ({"properties": {}}, "mapping"),
        ({"type": "object", "additionalProperties": False}, "mapping"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "mapping to text"),
        ({"type": "object", "additionalProperties": {"anyOf": [{"const": 1}, {"const": 2}]}}, "mapping to (`1` or `2`)"),
        ({"oneOf": [{"const": "any"}, {"type": "array", "items": {"$ref": "#/definitions/port"}}]}, "`any` or list of integer 0 to 9"),
        ({"$ref": "#/$defs/name"}, "text"),
        ({"$ref": "#/definitions/nothing"}, "any"),
        ({}, "any"),
    ],
)  # fmt: skip
def test_types_in_words(schema, says):
    whole = {
        "properties": {"p": schema},
        "definitions": {"port": {"type": "integer", "minimum": 0, "maximum": 9}},
        "$defs": {"name": {"type": "string"}},
    }
    assert [row[:2] for row in parameters(whole)] == [("`p`", says)]


def test_what_is_inside_has_rows_of_its_own():
    inner = {
        "type": "object",
        "properties": {"tags": {"type": "object", "description": "T"}, "age": {"type": "integer", "default": 3}},
    }
    schema = {
        "properties": {
            "owners": {"type": "object", "additionalProperties": inner, "default": {}},
            "widest": {"type": "object", "properties": {"ipv4": {"type": "integer"}}},
            "rules": {"type": "array", "items": {"properties": {"port": {"type": "integer"}}}},
        }
    }  # fmt: skip
    assert list(parameters(schema)) == [
        ("`owners`", "mapping to mapping", "`{}`", ""),
        ("`owners.<key>.tags`", "mapping", "", "T"),
        ("`owners.<key>.age`", "integer", "`3`", ""),
        ("`widest`", "mapping", "", ""),
        ("`widest.ipv4`", "integer", "", ""),
        ("`rules`", "list of mapping", "", ""),
        ("`rules[].port`", "integer", "", ""),
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        ("off", "'off'"),
        ("any", "any"),
        ([], "[]"),
        ({"a": ["x", None]}, "{a: [x, null]}"),
    ],
)
def test_values_are_written_as_yaml(value, written):
    assert yaml(value) == written


def test_code_shows_a_text_as_it_is():
    assert [code("off"), code(["off"]), code(None)] == ["`off`", "`['off']`", "`null`"]


def test_cells_keep_a_table_whole():
    assert (
        table(("a", "b"), [("x | y", ""), ("one\ntwo", "z")]) == "| a | b |\n|---|---|\n| x \\| y | |\n| one two | z |"
    )
