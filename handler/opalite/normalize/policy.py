"""Policy documents of IAM and of resources, in one form: every scalar a list, `"*"` as principal an AWS one.

What cannot be read makes the whole document unknown: a statement left out could hide the one that opens the resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from opalite.normalize.values import GapError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opalite.model import JsonObject

# Text of text is what an API answer holds; one more is harmless.
_ENCODINGS = 3
_EFFECTS = ("Allow", "Deny")
_DOCUMENT = frozenset({"Version", "Id", "Statement"})
_STATEMENT = frozenset(
    {
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    }
)
_PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")


def policy(value: Any) -> JsonObject | None:
    """The document, from an object or from JSON text of any depth; None where there is none."""
    document = _unpacked(value)
    if document is None:
        return None
    _check_keys(document, _DOCUMENT, "policy")
    statements = document.get("Statement")
    if type(statements) is dict:
        statements = [statements]
    if type(statements) is not list:
        raise GapError("malformed: expected a policy with statements")
    return {"statements": [_statement(statement) for statement in statements]}


def _unpacked(value: Any) -> JsonObject | None:
    for _ in range(_ENCODINGS):
        if type(value) is not str:
            break
        content = value.strip()
        try:
            value = orjson.loads(content) if content else None
        except orjson.JSONDecodeError:
            raise GapError("malformed: expected a policy in JSON") from None
    if value is not None and type(value) is not dict:
        raise GapError("malformed: expected a policy")
    return value


def _statement(statement: Any) -> JsonObject:
    if type(statement) is not dict:
        raise GapError("malformed: expected statements that are objects")
    _check_keys(statement, _STATEMENT, "statement")
    if statement.get("Effect") not in _EFFECTS:
        raise GapError("malformed: expected statements with Effect Allow or Deny")
    sid = statement.get("Sid")
    if sid is not None and type(sid) is not str:
        raise GapError("malformed: expected text as Sid")
    for element in ("Principal", "Action", "Resource"):
        if element in statement and f"Not{element}" in statement:
            raise GapError(f"malformed: expected either {element} or Not{element}")
    if "Action" not in statement and "NotAction" not in statement:
        raise GapError("malformed: expected statements with actions")
    return {
        "sid": sid or None,
        "effect": statement["Effect"],
        "principals": _principals(statement, "Principal"),
        "not_principals": _principals(statement, "NotPrincipal"),
        "actions": _texts(statement, "Action"),
        "not_actions": _texts(statement, "NotAction"),
        "resources": _texts(statement, "Resource"),
        "not_resources": _texts(statement, "NotResource"),
        "conditions": _conditions(statement.get("Condition")),
    }


def _check_keys(record: JsonObject, known: frozenset[str], name: str) -> None:
    """A misspelt condition must not look like none."""
    if not record.keys() <= known:
        raise GapError(f"malformed: expected a {name} without unknown elements")


def _principals(statement: JsonObject, element: str) -> JsonObject | None:
    if element not in statement:
        return None
    value = statement[element]
    if value == "*":
        value = {"AWS": "*"}
    if type(value) is not dict or not value.keys() <= set(_PRINCIPALS):
        raise GapError(f'malformed: expected "*" or an object by kind as {element}')
    return {kind: _texts(value, kind) for kind in _PRINCIPALS}


def _texts(record: Mapping[str, Any], key: str) -> list[str]:
    if key not in record:
        return []
    values = record[key] if type(record[key]) is list else [record[key]]
    for value in values:
        if type(value) is not str:
            raise GapError(f"malformed: expected text or a list of it as {key}")
    return values


def _conditions(value: Any) -> list[JsonObject]:
    """One entry for each operator and key; all of them must hold."""
    conditions: list[JsonObject] = []
    if value is None:
        return conditions
    if type(value) is not dict or any(type(tests) is not dict for tests in value.values()):
        raise GapError("malformed: expected an object of objects as Condition")
    for operator, tests in value.items():
        for key, content in tests.items():
            values = content if type(content) is list else [content]
            conditions.append(
                {"operator": operator, "key": key.lower(), "values": [_condition_value(each) for each in values]}
            )
    return conditions


def _condition_value(value: Any) -> str:
    if type(value) is str:
        return value
    if type(value) is bool or type(value) is int:
        return str(value).lower()
    if type(value) is float:  # a query's row writes every number as a float
        return str(int(value) if value.is_integer() else value)
    raise GapError("malformed: expected text, numbers or booleans as values of conditions")
