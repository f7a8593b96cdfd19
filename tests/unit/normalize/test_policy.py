from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from opalite.normalize.policy import policy
from opalite.normalize.values import GapError

DOCUMENT = {
    "Version": "2012-10-17",
    "Id": "delivery",
    "Statement": [
        {
            "Sid": "Delivery",
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com", "AWS": ["111122223333", "arn:aws:iam::444455556666:root"]},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::orders/*",
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "111122223333", "aws:PrincipalTag/team": ["a", "b"]},
                "Bool": {"aws:SecureTransport": True},
            },
        },
        {"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "NotAction": ["s3:Get*"], "NotResource": ["arn:aws:s3:::a"]},
    ],
}
NOBODY: dict[str, list[str]] = {"AWS": [], "Service": [], "Federated": [], "CanonicalUser": []}
NORMAL = {
    "statements": [
        {
            "sid": "Delivery",
            "effect": "Allow",
            "principals": NOBODY
            | {"Service": ["sns.amazonaws.com"], "AWS": ["111122223333", "arn:aws:iam::444455556666:root"]},
            "not_principals": None,
            "actions": ["s3:PutObject"],
            "not_actions": [],
            "resources": ["arn:aws:s3:::orders/*"],
            "not_resources": [],
            "conditions": [
                {"operator": "StringEquals", "key": "aws:sourceaccount", "values": ["111122223333"]},
                {"operator": "StringEquals", "key": "aws:principaltag/team", "values": ["a", "b"]},
                {"operator": "Bool", "key": "aws:securetransport", "values": ["true"]},
            ],
        },
        {
            "sid": None,
            "effect": "Deny",
            "principals": None,
            "not_principals": NOBODY | {"AWS": ["*"]},
            "actions": [],
            "not_actions": ["s3:Get*"],
            "resources": [],
            "not_resources": ["arn:aws:s3:::a"],
            "conditions": [],
        },
    ]
}
STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}


def encoded(value: Any) -> str:
    return orjson.dumps(value).decode()


def of(**changes: Any) -> dict[str, Any]:
    return {"Statement": [STATEMENT | changes]}


@pytest.mark.parametrize(
    "value",
    [
        DOCUMENT,
        encoded(DOCUMENT),
        f"\n {encoded(DOCUMENT)}",
        encoded(encoded(DOCUMENT)),
        encoded(encoded(encoded(DOCUMENT))),
    ],
)
def test_a_document_is_read_in_every_encoding(value: Any) -> None:
    assert policy(value) == NORMAL


@pytest.mark.parametrize("value", [None, "", " ", "null", '""', '"null"'])
def test_nothing_is_no_policy(value: Any) -> None:
    assert policy(value) is None


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_everybody_is_spelled_in_one_way(principal: Any) -> None:
    found = policy(of(Principal=principal))
    assert found is not None
    assert found["statements"][0]["principals"] == NOBODY | {"AWS": ["*"]}


def test_a_single_statement_is_a_list_of_one() -> None:
    assert policy({"Statement": STATEMENT}) == policy({"Statement": [STATEMENT]})


def test_a_policy_may_have_no_statements() -> None:
    assert policy({"Version": "2012-10-17", "Statement": []}) == {"statements": []}


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_sid_is_none(value: str | None) -> None:
    found = policy(of(Sid=value))
    assert found is not None
    assert found["statements"][0]["sid"] is None


@pytest.mark.parametrize("value", [None, {}])
def test_an_empty_condition_is_none(value: Any) -> None:
    assert policy(of(Condition=value)) == policy(of())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (False, ["false"]),
        ("False", ["False"]),
        (3600, ["3600"]),
        (3600.0, ["3600"]),
        (1.5, ["1.5"]),
        ([], []),
        ([True, 1, "x"], ["true", "1", "x"]),
    ],
)
def test_values_of_conditions_are_text(value: Any, expected: list[str]) -> None:
    found = policy(of(Condition={"Op": {"KEY": value}}))
    assert found is not None
    assert found["statements"][0]["conditions"] == [{"operator": "Op", "key": "key", "values": expected}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{", "expected a policy in JSON"),
        ("none", "expected a policy in JSON"),
        (encoded(encoded(encoded(encoded(DOCUMENT)))), "expected a policy"),
        ([], "expected a policy"),
        ("7", "expected a policy"),
        (True, "expected a policy"),
        ({}, "expected a policy with statements"),
        ({"Statement": None}, "expected a policy with statements"),
        ({"Statement": [], "statement": []}, "expected a policy without unknown elements"),
        ({"Statement": ["*"]}, "expected statements that are objects"),
        (of(condition={}), "expected a statement without unknown elements"),
        (of(Effect="allow"), "expected statements with Effect Allow or Deny"),
        (of(Effect=[]), "expected statements with Effect Allow or Deny"),
        (of(Effect=None), "expected statements with Effect Allow or Deny"),
        (of(Sid=1), "expected text as Sid"),
        (of(NotPrincipal="*"), "expected either Principal or NotPrincipal"),
        (of(NotAction="*"), "expected either Action or NotAction"),
        (of(NotResource="*"), "expected either Resource or NotResource"),
        ({"Statement": {"Effect": "Allow"}}, "expected statements with actions"),
        (of(Principal="111122223333"), 'expected "*" or an object by kind as Principal'),
        (of(Principal=["*"]), 'expected "*" or an object by kind as Principal'),
        (of(Principal={"Everyone": "*"}), 'expected "*" or an object by kind as Principal'),
        (of(Principal={"AWS": 111122223333}), "expected text or a list of it as AWS"),
        (of(Action=None), "expected text or a list of it as Action"),
        (of(Resource=["a", 1]), "expected text or a list of it as Resource"),
        (of(Condition=[]), "expected an object of objects as Condition"),
        (of(Condition={"Bool": True}), "expected an object of objects as Condition"),
        (of(Condition={"Bool": {"k": None}}), "expected text, numbers or booleans as values of conditions"),
        (of(Condition={"Bool": {"k": [{}]}}), "expected text, numbers or booleans as values of conditions"),
    ],
)
def test_what_cannot_be_read_makes_the_whole_policy_unknown(value: Any, reason: str) -> None:
    with pytest.raises(GapError) as raised:
        policy(value)
    assert str(raised.value) == f"malformed: {reason}"


SCHEMA = Draft7Validator(
    json.loads((Path(__file__).parents[3] / "policies/schemas/aws/lambda/function.json").read_text())["properties"][
        "policy"
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["AWS", "Bool", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [each for key, inner in below for each in ((*path, key), *places(inner, (*path, key)))]


@given(place=st.sampled_from(places(DOCUMENT)), value=JSON)
@settings(deadline=None)
def test_any_value_anywhere_is_read_or_makes_the_policy_unknown(place: tuple[Any, ...], value: Any) -> None:
    document: Any = copy.deepcopy(DOCUMENT)
    parent = document
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    with suppress(GapError):
        assert [error.message for error in SCHEMA.iter_errors(policy(document))] == []
