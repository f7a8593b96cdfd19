"""Values of parameters, held against the JSON Schema of the policy, or of an action. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opalite.settings_check.formats import FORMATS
from opalite.settings_check.remark import Remark, error, nearest

_MESSAGE_CHARACTERS = 250


def remarks(
    place: str, given: Mapping[str, Any], schema: Mapping[str, Any] | None, owner: str = "policy"
) -> Iterator[Remark]:
    """An error for each value that the schema refuses. `owner`: what has the parameters."""
    from jsonschema import Draft7Validator, FormatChecker  # noqa: PLC0415 - 70 ms, only where somebody sets parameters

    formats = FormatChecker(formats=())
    for name, is_right in FORMATS.items():
        formats.checks(name, raises=ValueError)(is_right)
    schema = schema or {"type": "object", "additionalProperties": False, "properties": {}}
    validator = Draft7Validator(schema, format_checker=formats)
    for fault in sorted(validator.iter_errors(given), key=lambda fault: [str(part) for part in fault.absolute_path]):
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault.absolute_path)
        what, remedy = _said(fault, schema, owner)
        name = "unknown_parameter" if fault.validator == "additionalProperties" else "wrong_value"
        yield error(name, f"{place}{path}", what[:_MESSAGE_CHARACTERS], remedy[:_MESSAGE_CHARACTERS])


def _said(fault: Any, schema: Mapping[str, Any], owner: str) -> tuple[str, str]:
    """The message of jsonschema, or our own where that says nothing to a person; and what the parameter is for."""
    if fault.validator == "additionalProperties" and not fault.absolute_path:
        return str(fault.message).splitlines()[0], _known(fault.instance, schema.get("properties", {}), owner)
    name = fault.absolute_path[0] if fault.absolute_path else None
    wanted = schema["properties"].get(name, {}).get("description", "something else") if name else None
    remedy = f"wanted: {wanted}" if wanted else ""
    if fault.validator in {"oneOf", "anyOf", "not", "pattern", "format"} and name:
        return f"{json.dumps(fault.instance)} is not right here", remedy
    hint = " (in YAML put yes, no, on, off in quotes)" if isinstance(fault.instance, bool) else ""
    return str(fault.message).splitlines()[0] + hint, remedy


def _known(given: Mapping[str, Any], properties: Mapping[str, Any], owner: str) -> str:
    if not properties:
        return f"the {owner} has no parameters"
    there = f"there are {', '.join(properties)}"
    meant = next((name for key in given if key not in properties and (name := nearest(key, properties))), None)
    return f"did you mean {meant}? {there}" if meant else there
