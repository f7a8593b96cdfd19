"""What a policy's METADATA must say, and what it should. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opalite.model import Severity

EVERY_TYPE = "*"
_SEMVER = re.compile(r"^\d+\.\d+\.\d+$")
_RESOURCE_TYPE = re.compile(r"^[A-Za-z0-9]+::[A-Za-z0-9:]+$")
_TITLE_CHARACTERS = 70
_TAG = re.compile(r"[a-z][a-z0-9-]{0,31}")
_CONFIGURATION = "configuration"
_ENVELOPE = frozenset(
    {"type", "id", "name", "arn", "partition", "account_id", "organizational_units", "region", "tags", "relationships"}
)
_KNOWN_KEYS = frozenset(
    {"severity", "resource_types", "requires", "facts", "parameters", "frameworks"}
    | {"remediation", "schedule", "generic", "version", "deprecated", "aliases"}
    | {"idle_without", "tags"}
)


def faults(notes: Mapping[str, Any], typed: frozenset[str], schemas: Mapping[str, Any]) -> list[str]:
    """Without these a policy cannot be routed, shown, or trusted."""
    custom = notes.get("custom")
    if not isinstance(custom, dict):
        return ["METADATA has no `custom`; it must name severity, resource_types and version"]
    found = []
    if not isinstance(notes.get("title"), str) or not notes["title"].strip():
        found.append(f"METADATA needs a `title` of at most {_TITLE_CHARACTERS} characters")
    if not isinstance(notes.get("description"), str) or not notes["description"].strip():
        found.append("METADATA needs a `description` that says why the rule matters")
    if custom.get("severity") not in set(Severity):
        found.append(f"custom.severity is {custom.get('severity')!r}, not one of {', '.join(Severity)}")
    if not _SEMVER.match(str(custom.get("version", ""))):
        found.append(f"custom.version is {custom.get('version')!r}, not a version like 1.0.0")
    found += _type_faults(custom, typed)
    found += _requires_faults(custom, schemas)
    parameters = custom.get("parameters")
    if parameters is not None and not _is_parameter_schema(parameters):
        found.append("custom.parameters must be a JSON Schema with `type: object` and `properties`")
    found += _idle_faults(custom)
    found += _tag_faults(custom)
    return found


def advice(notes: Mapping[str, Any], *, shipped: bool) -> list[str]:
    """Without these a policy works, but its users stumble. `shipped`: users choose it by tag, not knowing its id."""
    custom = notes.get("custom")
    if not isinstance(custom, dict):
        return []
    found = [f"custom.{key} is not a key that the contract knows" for key in sorted(custom.keys() - _KNOWN_KEYS)]
    if shipped and not custom.get("tags"):
        found.append("custom.tags is missing: whoever chooses policies by tag does not find this one")
    title, parameters = notes.get("title"), custom.get("parameters")
    if isinstance(title, str) and len(title) > _TITLE_CHARACTERS:
        found.append(f"METADATA needs a `title` of at most {_TITLE_CHARACTERS} characters")
    if not isinstance(parameters, dict) or not _is_parameter_schema(parameters):
        return found
    if parameters.get("additionalProperties") is not False:
        found.append(
            "custom.parameters must say `additionalProperties: false`, so that a misspelt parameter is noticed"
        )
    for name, schema in parameters["properties"].items():
        for wanted, why in (("description", ""), ("default", ", so it is undefined for whoever does not set it")):
            if not isinstance(schema, dict) or wanted not in schema:
                found.append(f"custom.parameters: {name} has no {wanted}{why}")
    return found


def _type_faults(custom: Mapping[str, Any], typed: frozenset[str]) -> list[str]:
    types = custom.get("resource_types")
    if not _texts(types) or not types:
        return ['custom.resource_types must be a list of AWS resource types, or ["*"]']
    generic = custom.get("generic", False)
    found = []
    for kind in types:
        if kind == EVERY_TYPE:
            continue
        if not _RESOURCE_TYPE.match(kind):
            found.append(f"custom.resource_types: {kind!r} is not a type like AWS::S3::Bucket")
        elif kind in typed and generic:
            found.append(f"{kind} has a normal form: leave out custom.generic and read the normalized configuration")
        elif kind not in typed and not generic:
            found.append(
                f"{kind} has no normal form: say `generic: true` to read its configuration as AWS Config writes it"
            )
    return found


def _requires_faults(custom: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    """A path that does not exist is never unknown: the policy would judge what was not recorded."""
    paths = custom.get("requires", [])
    if not _texts(paths) or not all(path.startswith("resource.") for path in paths):
        yield "custom.requires must be a list of paths below `input`, like resource.configuration.image_id"
        return
    named: Any = custom.get("resource_types")
    types: list[str] = named if _texts(named) else []
    for path in paths:
        head, *members = path.split(".")[1:]
        if head != _CONFIGURATION:
            if head not in _ENVELOPE:
                yield f"custom.requires names {path}, which no resource has"
            continue
        for kind in types:
            if kind in schemas and not _has(schemas[kind], members):
                yield f"custom.requires names {path}, which {kind} does not have"


def _idle_faults(custom: Mapping[str, Any]) -> Iterator[str]:
    """Nobody can set a parameter that is not declared: the policy would be idle for ever, and nobody would notice."""
    if "idle_without" not in custom:
        return
    names = custom["idle_without"]
    if not _texts(names) or not names:
        yield "custom.idle_without must be a list of parameters without which the policy judges nothing"
        return
    parameters: Any = custom.get("parameters")
    declared = parameters["properties"] if _is_parameter_schema(parameters) else {}
    for name in names:
        if name not in declared:
            yield f"custom.idle_without names {name}, which custom.parameters does not declare"


def _tag_faults(custom: Mapping[str, Any]) -> Iterator[str]:
    """A tag that is written in two ways would choose half of its policies."""
    tags = custom.get("tags", [])
    if not _texts(tags):
        yield "custom.tags must be a list of words like public-access"
        return
    for tag in tags:
        if not _TAG.fullmatch(tag):
            yield (
                f"custom.tags: {tag!r} is not a word like public-access: a lower-case letter, then those, digits and "
                "dashes, at most 32 characters"
            )
    if tags != sorted(set(tags)):
        yield f"custom.tags must be sorted, and name each once: {', '.join(sorted(set(tags)))}"


def _has(schema: Any, members: list[str]) -> bool:
    for member in members:
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        if member not in properties:
            return False
        schema = properties[member]
    return True


def _is_parameter_schema(parameters: Any) -> bool:
    return (
        isinstance(parameters, dict)
        and parameters.get("type") == "object"
        and isinstance(parameters.get("properties"), dict)
    )


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
