"""Which calls of json.match_schema and json.verify_schema get a schema that is a constant. Over syntax trees; pure.

A constant is written out in the module: by the call itself, or as the value of rules without conditions. What is not
plainly one, is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SCHEMA_ARGUMENT = {"json.match_schema": 2, "json.verify_schema": 1}
_SCALARS = frozenset({"string", "number", "boolean", "null"})


def rows_of_loose_schemas(module: Mapping[str, Any], replaced: frozenset[str]) -> Iterator[int]:
    """Lines where a schema is no constant, or may refer elsewhere. `replaced`: see `replaced`, of all modules."""
    rules = module.get("rules") or []
    bound = frozenset(_bound(rules)) | replaced
    good = set()
    for node in _nodes(rules):
        name, arguments = _call(node)
        if name in _SCHEMA_ARGUMENT and len(arguments) >= _SCHEMA_ARGUMENT[name]:
            schema = arguments[_SCHEMA_ARGUMENT[name] - 1]
            if _is_constant(schema, rules, bound, frozenset()):
                good.add(id(_operator(node)))
    for node in _nodes(rules):
        # A reference that is no call of its own may be the value of a `with`, and so be called by another name.
        if node.get("type") == "ref" and _text(node) in _SCHEMA_ARGUMENT and id(node) not in good:
            yield _row(node)


def replaced(module: Mapping[str, Any]) -> frozenset[str]:
    """Names that the module replaces by `with data.… as …`."""
    targets = (change["target"] for node in _nodes(module.get("rules") or []) for change in node.get("with") or ())
    return frozenset(part for target in targets for part in _text(target).split("."))


def _is_constant(
    term: Mapping[str, Any], rules: list[Mapping[str, Any]], bound: frozenset[str], within: frozenset[str]
) -> bool:
    kind, value = term.get("type"), term.get("value")
    if kind in _SCALARS:
        return True
    if kind == "array":
        return all(_is_constant(entry, rules, bound, within) for entry in value or ())
    if kind == "object":
        return all(
            key.get("type") == "string"
            and not key["value"].startswith("$")
            and _is_constant(entry, rules, bound, within)
            for key, entry in value or ()
        )
    if kind != "var" or value in bound or value in within:
        return False
    found = [rule for rule in rules if rule["head"].get("name") == value]
    return bool(found) and all(_is_plain(rule) for rule in found) and all(
        _is_constant(rule["head"]["value"], rules, bound, within | {str(value)}) for rule in found
    )  # fmt: skip


def _is_plain(rule: Mapping[str, Any]) -> bool:
    """`name := value`, without conditions, arguments, keys or `else`."""
    head = rule["head"]
    return (
        "value" in head
        and not head.get("args")
        and not head.get("key")
        and len(head.get("ref") or [None]) == 1
        and not rule.get("else")
        and not rule.get("default")
        and all(part.get("generated") for part in rule.get("body") or ())
    )


def _bound(rules: list[Mapping[str, Any]]) -> Iterator[str]:
    """Variables that some body or head binds: there the name is not the rule of that name."""
    for node in _nodes(rules):
        name, arguments = _call(node)
        if name == "assign":
            yield from _variables(arguments[0])
        yield from _variables(node.get("args"))
        yield from _variables(node.get("symbols"))
        if "domain" in node:  # of `every`
            yield from (*_variables(node.get("key")), *_variables(node.get("value")))


def _variables(tree: Any) -> Iterator[str]:
    return (str(node["value"]) for node in _nodes(tree) if node.get("type") == "var")


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, list):
        for entry in tree:
            yield from _nodes(entry)
    elif isinstance(tree, dict):
        yield tree
        for key, entry in tree.items():
            if key != "location":
                yield from _nodes(entry)


def _call(node: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    operator = _operator(node)
    if operator is None:
        return "", []
    terms = node["value"] if node.get("type") == "call" else node["terms"]
    return _text(operator), terms[1:]


def _operator(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    terms = node.get("value") if node.get("type") == "call" else node.get("terms")
    if not isinstance(terms, list) or not terms or not isinstance(terms[0], dict) or terms[0].get("type") != "ref":
        return None
    operator: Mapping[str, Any] = terms[0]
    return operator


def _text(term: Mapping[str, Any]) -> str:
    parts = term.get("value")
    if not isinstance(parts, list):
        return ""
    return ".".join(str(part.get("value")) for part in parts)


def _row(node: Mapping[str, Any]) -> int:
    for each in _nodes(node.get("value")):
        if "row" in (each.get("location") or {}):
            return int(each["location"]["row"])
    return int((node.get("location") or {}).get("row", 1))
