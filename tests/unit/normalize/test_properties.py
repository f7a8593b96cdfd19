"""What holds for any JSON object as an item, and for true items with any node deleted, replaced or retyped."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from opalite.errors import NormalizationError
from opalite.model import Item, Resource
from opalite.normalize import TYPES, resource

ROOT = Path(__file__).parents[3]
ITEMS = {path.stem: path.read_bytes() for path in sorted((ROOT / "tests" / "data" / "items").glob("*.json"))}
WHOLE = [case for case in ITEMS if not case.startswith("malformed.")]
TAGGED = [case for case in ITEMS if case.endswith((".event", ".api", ".select"))]


def schema(path: str) -> Draft7Validator:
    return Draft7Validator(json.loads((ROOT / "policies" / "schemas" / path).read_text()))


ENVELOPE = schema("input.json")
OVERLAYS = {name: schema(f"{name.lower().replace('::', '/')}.json") for name in TYPES}

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "null", "true", "Off", "{}", "[]", '"{}"', "{", "-1", "0.0.0.0/0", "::/0", "2026-03-02T08:15:30Z"]
    )
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KEYS = [
    "resourceType",
    "resourceId",
    "resourceName",
    "ARN",
    "arn",
    "awsAccountId",
    "accountId",
    "awsRegion",
    "configurationItemStatus",
    "tags",
    "configurationItemCaptureTime",
    "configurationItemVersion",
    "configuration",
    "supplementaryConfiguration",
    "relationships",
]
BODIES = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=10), JSON, max_size=12)
THOROUGH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def judged(body: Any, **circumstances: Any) -> Resource | None:
    """The resource, checked for all that holds for every resource; None if the item was refused."""
    before = copy.deepcopy(body)
    try:
        found = resource(Item(body=body, source="any", **circumstances))
    except NormalizationError as error:
        message = str(error)
    else:
        message = ""
    assert body == before
    if message:
        assert message.isprintable()
        assert len(message) < 400
        return None
    document = orjson.loads(orjson.dumps(found.document))
    whole = {
        "version": 1,
        "policies": None,
        "resource": document,
        "facts": {},
        "unknown": list(found.unknown),
        "gone": found.gone,
        "evaluated_at": "2026-11-23T00:00:00.000Z",
    }
    assert [error.message for error in ENVELOPE.iter_errors(whole)] == []
    paths = [gap["path"] for gap in found.unknown]
    assert len(paths) == len(set(paths))
    for part in ("tags", "configuration", "relationships"):
        assert (document[part] is None) == (f"resource.{part}" in paths)
    overlay = OVERLAYS.get(document["type"])
    if overlay is not None and document["configuration"] is not None:
        assert [error.message for error in overlay.iter_errors(document["configuration"])] == []
    return found


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every node below the root."""
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [each for key, inner in below for each in ((*path, key), *places(inner, (*path, key)))]


def parent(root: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        root = root[key]
    return root


@given(body=BODIES)
@THOROUGH
def test_any_object_is_normalized_or_refused(body: dict[str, Any]) -> None:
    judged(body)


@given(
    body=BODIES,
    name=st.sampled_from([*TYPES, "AWS::IAM::Role"]),
    circumstances=st.fixed_dictionaries({"left_scope": st.booleans(), "oversized": st.booleans()}),
)
@THOROUGH
def test_any_object_with_a_good_envelope_is_normalized(
    body: dict[str, Any], name: str, circumstances: dict[str, bool]
) -> None:
    envelope = {
        "resourceType": name,
        "resourceId": "x",
        "awsAccountId": "111122223333",
        "awsRegion": "eu-central-1",
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": None,
    }
    assert judged(body | envelope, **circumstances) is not None


@pytest.mark.parametrize("name", TYPES)
@given(configuration=JSON, supplementary=JSON)
@settings(max_examples=50, deadline=None)
def test_any_configuration_of_a_typed_resource_keeps_its_schema(
    name: str, configuration: Any, supplementary: Any
) -> None:
    envelope = {"resourceType": name, "resourceId": "x", "awsAccountId": "111122223333", "awsRegion": "eu-central-1"}
    body = envelope | {"configuration": configuration, "supplementaryConfiguration": supplementary}
    assert judged(body) is not None


@given(data=st.data(), case=st.sampled_from(WHOLE))
@settings(max_examples=250, deadline=None)
def test_a_true_item_with_a_changed_node_is_normalized_or_refused(data: st.DataObject, case: str) -> None:
    body = orjson.loads(ITEMS[case])
    path = data.draw(st.sampled_from(places(body)))
    holder = parent(body, path)
    change = data.draw(st.sampled_from(["delete", "replace", "as text", "in a list", "in an object"]))
    if change == "delete":
        del holder[path[-1]]
    elif change == "replace":
        holder[path[-1]] = data.draw(JSON)
    elif change == "as text":
        holder[path[-1]] = orjson.dumps(holder[path[-1]]).decode()
    else:
        holder[path[-1]] = [holder[path[-1]]] if change == "in a list" else {"key": holder[path[-1]]}
    judged(body)


@given(data=st.data(), case=st.sampled_from(TAGGED))
@settings(max_examples=50, deadline=None)
def test_the_order_and_the_shape_of_tags_do_not_matter(data: st.DataObject, case: str) -> None:
    tags = data.draw(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=20), max_size=8))
    shuffled = data.draw(st.permutations(list(tags.items())))
    key, value = data.draw(st.sampled_from([("key", "value"), ("tagKey", "tagValue"), ("Key", "Value")]))
    body = orjson.loads(ITEMS[case])
    one = judged(body | {"tags": tags})
    other = judged(body | {"tags": [{key: name, value: content} for name, content in shuffled]})
    assert one is not None
    assert other is not None
    assert orjson.dumps(one.document) == orjson.dumps(other.document)


@given(permissions=st.permutations(range(5)), direction=st.sampled_from(["ingress", "egress"]))
@settings(max_examples=30, deadline=None)
def test_a_rule_reads_the_same_wherever_it_stands(permissions: list[int], direction: str) -> None:
    body = orjson.loads(ITEMS["ec2-security-group.event"])
    key = {"ingress": "ipPermissions", "egress": "ipPermissionsEgress"}[direction]
    rules = body["configuration"]["ipPermissions"]
    original = judged(body)
    assert original is not None
    expected = original.document["configuration"]["ingress"]
    body["configuration"][key] = [rules[index] for index in permissions]
    moved = judged(body)
    assert moved is not None
    assert moved.document["configuration"][direction] == [expected[index] for index in permissions]
