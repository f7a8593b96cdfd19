"""Lints for the traps by which a policy passes what it must not, over the syntax tree of a Rego file. Pure.

Each of them is clean under `opa check --strict`:
- `not f(<reference>)` is undefined, not true, when the reference is: the missing tag is no violation.
- `null <= 90` holds: null sorts below every number, so the image of unknown age is young.
- `compliant if <reference>` holds for null, and `every x in object.get(…, [])` for a list that is not there.
- Impure built-ins answer differently tomorrow: a decision could not be repeated.
- A package without `compliant` can never pass; one without `violations` never answers.
- A parameter that the METADATA does not declare cannot be set, and has no default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from opalite.model import JsonObject

_IMPURE = frozenset(
    {"http.send", "time.now_ns", "rand.intn", "opa.runtime", "uuid.rfc4122", "net.lookup_ip_addr", "print", "trace"}
)
_COMPARISONS = frozenset({"lt", "lte", "gt", "gte"})
_GUARDS = frozenset({"is_number", "is_string"})
# The envelope of the input has these for every item; what lies below them may be missing.
_ALWAYS_THERE = frozenset(
    {"input.evaluated_at", *(f"input.resource.{key}" for key in ("type", "id", "partition", "account_id", "region"))}
)
_EXPORTS = ("compliant", "violations")


def missing_exports(modules: Iterable[Mapping[str, Any]]) -> list[str]:
    """What the contract asks a policy's package to export, and none of its modules does."""
    names = {_head_name(rule) for module in modules for rule in module.get("rules") or []}
    return [export for export in _EXPORTS if export not in names]


def parameter_rules(modules: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Names of the rules of a package that hold all its parameters: `_p := parameters.of(…)`."""
    return frozenset(
        _head_name(rule)
        for module in modules
        for rule in module.get("rules") or []
        if (_call(rule["head"].get("value"))[0] or "").endswith("parameters.of")
    )


def faults(
    module: Mapping[str, Any], declared: Mapping[str, Any] | None, holders: frozenset[str] = frozenset()
) -> Iterator[tuple[int, str]]:
    """(line, message) for each trap in one module.

    `declared` are the parameters in the policy's METADATA; None: no policy. `holders`: see parameter_rules.
    """
    policy_id = ".".join(str(part["value"]) for part in module["package"]["path"][1:])
    for rule in module.get("rules") or []:
        if _head_name(rule) == "compliant":
            yield from _in_proof(rule)
        yield from _in_node(rule, policy_id, declared, holders)


def _in_proof(rule: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Traps that matter only where something is to be proved."""
    if rule.get("default"):
        yield _row(rule), "`default compliant` passes what nothing proved: leave it out, undefined is not passed"
    body = rule.get("body") or []
    outside = {"input"} | set(_bound_to_input(body))
    for expression in body:
        terms = expression.get("terms")
        if not isinstance(terms, dict) or expression.get("negated"):
            continue
        if _is_field(terms, outside):
            yield (
                _row(expression),
                f"`compliant` holds for any value of {_text(terms)}, null too: say which value is good",
            )
        name, arguments = _call(terms.get("domain"))
        if name == "object.get" and not (arguments[-1].get("value") or arguments[-1].get("type") == "null"):
            yield _row(expression), "`every` over an empty default proves nothing: what is not recorded would pass"


def _in_node(
    node: Any, policy_id: str, declared: Mapping[str, Any] | None, holders: frozenset[str]
) -> Iterator[tuple[int, str]]:
    """Every body anywhere below a node, comprehensions and `every` included."""
    if isinstance(node, list):
        for entry in node:
            yield from _in_node(entry, policy_id, declared, holders)
    elif isinstance(node, dict):
        body = node.get("body")
        if isinstance(body, list):
            yield from _in_body(body)
        yield from _in_call(node, policy_id, declared)
        if declared is not None and _is_field(node, holders) and _text(node).split(".")[1] not in {"…", *declared}:
            yield (
                _row(node),
                f"parameter {_text(node).split('.')[1]} is not declared in custom.parameters of the METADATA",
            )
        for key, value in node.items():
            if key != "location":
                yield from _in_node(value, policy_id, declared, holders)


def _in_body(body: list[Any]) -> Iterator[tuple[int, str]]:
    outside = {"input"} | set(_bound_to_input(body))
    guarded = {
        _text(argument)
        for expression in body
        for name, arguments in (_call(expression),)
        if name in _GUARDS
        for argument in arguments
    }
    for expression in body:
        name, arguments = _call(expression)
        if expression.get("negated") and name:
            for reference in _references(arguments, outside):
                what = f"`not {name}(…{reference}…)` is undefined when {reference} is missing, and a violation silent"
                yield _row(expression), f"{what}: put the good case into a rule of its own, and negate that rule"
        if name in _COMPARISONS:
            for argument in arguments:
                reference = _text(argument)
                if _is_field(argument, outside) and reference not in guarded:
                    advice = f"null is less than every number, so test `is_number({reference})` in the same body"
                    yield _row(expression), f"{reference} is compared and may be null: {advice}"


def _bound_to_input(body: list[Any]) -> Iterator[str]:
    """Variables that the body binds to the input or a part of it: `x := input.a`, `some x in input.a`."""
    for expression in body:
        terms = expression.get("terms")
        if isinstance(terms, dict):  # a `some` declaration
            for symbol in terms.get("symbols") or ():
                _, arguments = _call(symbol)
                if arguments and _text(arguments[-1]).startswith("input."):
                    yield from (_text(argument) for argument in arguments[:-1] if argument.get("type") == "var")
        name, arguments = _call(expression)
        if name == "assign" and _text(arguments[1]).startswith("input."):
            yield _text(arguments[0])


def _in_call(node: JsonObject, policy_id: str, declared: Mapping[str, Any] | None) -> Iterator[tuple[int, str]]:
    name, arguments = _call(node)
    if name in _IMPURE:
        yield _row(node), f"{name} is impure: the same item must give the same decision; time is input.evaluated_at"
    if (
        name is None
        or not name.endswith(("parameters.value", "parameters.of"))
        or declared is None
        or len(arguments) < 2
    ):
        return
    owner, key = (argument.get("value") if argument.get("type") == "string" else None for argument in arguments[:2])
    if owner is not None and owner != policy_id:
        yield _row(node), f"parameters of {owner} are read; a policy reads its own ({policy_id})"
    if key is not None and key not in declared:
        yield _row(node), f"parameter {key} is not declared in custom.parameters of the METADATA"


def _call(node: Any) -> tuple[str | None, list[JsonObject]]:
    """Name and arguments of a call, be it an expression or a term; (None, []) for everything else."""
    if not isinstance(node, dict):
        return None, []
    terms = node.get("value") if node.get("type") == "call" else node.get("terms")
    if not isinstance(terms, list) or not terms or terms[0].get("type") != "ref":
        return None, []
    return _text(terms[0]), terms[1:]


def _references(term: Any, outside: AbstractSet[str]) -> Iterator[str]:
    """Fields of the input below a term: any of them may be undefined."""
    if isinstance(term, list):
        for entry in term:
            yield from _references(entry, outside)
    elif isinstance(term, dict):
        if _is_field(term, outside):
            yield _text(term)
        elif term.get("type") in {"call", "array", "object", "set"}:
            yield from _references(term.get("value"), outside)


def _is_field(term: Any, outside: AbstractSet[str]) -> bool:
    if not isinstance(term, dict) or term.get("type") != "ref" or len(term["value"]) < 2:
        return False
    head = term["value"][0]
    return head.get("type") == "var" and head["value"] in outside and _text(term) not in _ALWAYS_THERE


def _text(term: Any) -> str:
    if not isinstance(term, dict):
        return ""
    if term.get("type") != "ref":
        return str(term.get("value"))
    parts = [str(part["value"]) if part["type"] in {"var", "string"} else "…" for part in term["value"]]
    return ".".join(parts)


def _head_name(rule: Mapping[str, Any]) -> str:
    head = rule["head"]
    reference = head.get("ref")
    return str(reference[0]["value"]) if reference else str(head.get("name", ""))


def _row(node: Mapping[str, Any]) -> int:
    location = node.get("location") or {}
    if "row" in location:
        return int(location["row"])
    for value in (node.get("terms"), node.get("value"), node.get("head")):
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and "row" in (entry.get("location") or {}):
                return int(entry["location"]["row"])
    return 1
