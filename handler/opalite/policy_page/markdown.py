"""Pieces of Markdown, and what a JSON Schema says in words. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_NAMES = {"string": "text", "null": "`null`", "boolean": "`true`, `false`", "number": "number", "integer": "integer"}


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; what would end a cell is escaped."""
    cells = [heads, *([_cell(text) for text in row] for row in rows)]
    head, *body = ("|".join(["", *(f" {text} " if text else " " for text in line), ""]) for line in cells)
    return "\n".join([head, "|".join(["", *["---"] * len(heads), ""]), *body])


def parameters(schema: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """(key, type or choices, default, meaning) of each parameter, and of what is inside those that are mappings."""
    definitions = {
        f"#/{place}/{name}": found
        for place in ("definitions", "$defs")
        for name, found in schema.get(place, {}).items()
    }
    for name, inner in schema.get("properties", {}).items():
        yield from _rows(name, inner, definitions)


def yaml(value: Any) -> str:
    """A value in one line, as it is written in a settings file."""
    from yaml import safe_dump  # noqa: PLC0415 - 20 ms, needed only where pages are made

    text = str(safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000))
    return text.removesuffix("\n").removesuffix("\n...")


def code(value: Any) -> str:
    """A value as code: a text as it is, everything else as YAML."""
    return f"`{value if isinstance(value, str) else yaml(value)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _rows(key: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    schema = _resolved(schema, definitions)
    default = code(schema["default"]) if "default" in schema else ""
    yield f"`{key}`", _type(schema, definitions), default, str(schema.get("description", ""))
    for name, inner in schema.get("properties", {}).items():
        yield from _rows(f"{key}.{name}", inner, definitions)
    for wrapped, inside in (("<key>", schema.get("additionalProperties")), ("[]", schema.get("items"))):
        inner = _resolved(inside, definitions) if isinstance(inside, dict) else {}
        for name, innermost in inner.get("properties", {}).items():
            yield from _rows(f"{key}{'.' if wrapped == '<key>' else ''}{wrapped}.{name}", innermost, definitions)


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**definitions.get(schema["$ref"], {}), **beside}


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    schema = _resolved(schema, definitions)
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(choice) for choice in schema["enum"])
    for either in ("oneOf", "anyOf"):
        if either in schema:
            return " or ".join(_type(choice, definitions) for choice in schema[either])
    kinds = schema.get("type") or ("array" if "items" in schema else "object" if "properties" in schema else "any")
    named = [_one(kind, schema, definitions) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
    return " or ".join(named)


def _one(kind: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    if kind == "array":
        inner = _type(schema["items"], definitions) if schema.get("items") else "anything"
        return f"list of {_grouped(inner)}"
    if kind == "object":
        inside = schema.get("additionalProperties")
        return (
            f"mapping to {_grouped(_type(inside, definitions))}" if isinstance(inside, dict) and inside else "mapping"
        )
    if kind == "string" and "format" in schema:
        return f"text ({schema['format']})"
    if kind == "string" and "pattern" in schema:
        return f"text like `{schema['pattern']}`"
    if kind in {"integer", "number"}:
        return _NAMES[kind] + _bounds(schema)
    return _NAMES.get(kind, kind)


def _grouped(text: str) -> str:
    return f"({text})" if " or " in text else text


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f" {json.dumps(least)} to {json.dumps(most)}"
    if least is not None:
        return f", at least {json.dumps(least)}"
    return f", at most {json.dumps(most)}" if most is not None else ""
