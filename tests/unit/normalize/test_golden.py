"""Every item in tests/data/items against the resource it becomes. `OPALITE_REWRITE_GOLDEN=1` writes the golden files anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator

from opalite.errors import NormalizationError
from opalite.model import Item, Resource
from opalite.normalize import TYPES, resource

ROOT = Path(__file__).parents[3]
ITEMS = ROOT / "tests" / "data" / "items"
GOLDEN = ROOT / "tests" / "data" / "golden" / "normalize"
SCHEMAS = ROOT / "policies" / "schemas"
CASES = sorted(path.stem for path in ITEMS.glob("*.json"))
ENVELOPE = Draft7Validator(json.loads((SCHEMAS / "input.json").read_text()))
NULL = Draft7Validator({"type": "null"})


def item(case: str) -> Item:
    """The circumstances of an item stand in its case, because they do not stand in the item."""
    return Item(
        body=orjson.loads((ITEMS / f"{case}.json").read_bytes()),
        source=f"{case}.json",
        left_scope=case.endswith(".left-scope"),
        oversized=case.endswith(".oversized"),
    )


def policy_input(found: Resource) -> dict[str, Any]:
    return {
        "version": 1,
        "policies": None,
        "resource": found.document,
        "facts": {},
        "unknown": list(found.unknown),
        "gone": found.gone,
        "evaluated_at": found.capture_time or "2026-11-23T00:00:00.000Z",
    }


def configuration_schema(resource_type: str) -> Draft7Validator:
    return Draft7Validator(json.loads((SCHEMAS / f"{resource_type.lower().replace('::', '/')}.json").read_text()))


def result(case: str) -> dict[str, Any]:
    try:
        found = resource(item(case))
    except NormalizationError as error:
        return {"error": str(error)}
    return {
        "resource": found.document,
        "unknown": list(found.unknown),
        "gone": found.gone,
        "capture_time": found.capture_time,
    }


@pytest.mark.parametrize("case", CASES)
def test_an_item_becomes_the_golden_resource(case: str) -> None:
    golden = GOLDEN / f"{case}.json"
    if os.environ.get("OPALITE_REWRITE_GOLDEN") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(json.dumps(result(case), indent=2, ensure_ascii=False) + "\n")
    expected = golden.read_text()
    assert json.dumps(result(case), indent=2, ensure_ascii=False) + "\n" == expected


def test_there_is_no_golden_file_without_an_item() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == CASES


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in result(case)])
def test_a_resource_keeps_the_schemas(case: str) -> None:
    found = resource(item(case))
    read_back = orjson.loads(orjson.dumps(policy_input(found)))
    assert [error.message for error in ENVELOPE.iter_errors(read_back)] == []
    if found.document["type"] in TYPES:
        schema = configuration_schema(found.document["type"])
        configuration = found.document["configuration"]
        validator = NULL if configuration is None else schema
        assert [error.message for error in validator.iter_errors(configuration)] == []


@pytest.mark.parametrize("resource_type", TYPES)
def test_a_schema_is_closed_and_requires_every_member(resource_type: str) -> None:
    schema = configuration_schema(resource_type).schema
    assert schema["additionalProperties"] is False
    assert sorted(schema["required"]) == sorted(schema["properties"])
