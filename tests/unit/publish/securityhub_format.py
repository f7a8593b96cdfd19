"""What Security Hub takes: botocore's model of it, and the limits that stand on the pages of its API only."""

from __future__ import annotations

import json
import re
from functools import cache

import botocore.session
from botocore.validate import ParamValidator

from opalite.publish.annotation import length

# Characters, and entries, by the way to the member.
LONGEST = {
    "Id": 512,
    "ProductArn": 2048,
    "ProductName": 128,
    "GeneratorId": 512,
    "Title": 256,
    "Description": 1024,
    "Remediation.Recommendation.Text": 512,
    "Resources.Type": 256,
    "Resources.Id": 512,
    "Resources.Region": 16,
}
MOST = {"Resources": 32, "Types": 50, "FindingProviderFields.Types": 50, "Compliance.RelatedRequirements": 32}
MAPS = {  # pairs, characters of a key and of a value
    "ProductFields": (50, 128, 2048),
    "Resources.Tags": (50, 128, 256),
    "Resources.Details.Other": (50, 127, 1023),
}
TIMES = ("CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BYTES = 240_000


@cache
def model():
    return botocore.session.get_session().get_service_model("securityhub")


def faults(finding) -> list[str]:
    """What of a finding Security Hub would not take."""
    report = ParamValidator().validate(
        {"Findings": [finding]}, model().operation_model("BatchImportFindings").input_shape
    )
    if report.has_errors():
        return [report.generate_report()]
    found = list(_of(finding, model().shape_for("AwsSecurityFinding"), ""))
    found += [f"{name}: {finding[name]}" for name in TIMES if not TIME.fullmatch(finding[name])]
    size = len(json.dumps(finding))
    return found + ([f"{size} bytes"] if size > BYTES else [])


def _of(value, shape, way):
    yield from _KINDS.get(shape.type_name, _nothing)(value, shape, way)


def _structure(value, shape, way):
    if not value:
        yield f"{way}: empty"
    for name, member in value.items():
        yield from _of(member, shape.members[name], f"{way}.{name}".lstrip("."))


def _list(value, shape, way):
    if not 0 < len(value) <= MOST.get(way, 1000):
        yield f"{way}: {len(value)} entries"
    for entry in value:
        yield from _of(entry, shape.member, way)


def _map(value, shape, way):
    most, key_characters, characters = MAPS[way]
    if not 0 < len(value) <= most:
        yield f"{way}: {len(value)} pairs"
    for key, entry in value.items():
        yield from _of(key, shape.key, f"{way} key")
        yield from _of(entry, shape.value, f"{way} value")
        if length(key) > key_characters or length(entry) > characters:
            yield f"{way}: {key!a:.40} is too long"


def _string(value, shape, way):
    if not value.isprintable() or not re.fullmatch(shape.metadata.get("pattern", ".*"), value):
        yield f"{way}: {value!a:.60}"
    if value not in shape.metadata.get("enum", [value]):
        yield f"{way}: {value!a:.60} is none of {shape.metadata['enum']}"
    if length(value) > LONGEST.get(way, 3000):
        yield f"{way}: {length(value)} characters"


def _integer(value, _shape, way):
    if not -(2**31) <= value < 2**31:
        yield f"{way}: {value}"


def _nothing(_value, _shape, _way):
    return ()


_KINDS = {"structure": _structure, "list": _list, "map": _map, "string": _string, "integer": _integer}
