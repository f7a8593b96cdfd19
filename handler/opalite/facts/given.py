"""Facts that a user gives by `--facts`: `{kind: {key: fact}}`, the shape of `input.facts`. Pure but for `load`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from opalite.adapters import documents
from opalite.errors import UsageError
from opalite.facts.keys import spellings
from opalite.normalize.values import timestamp
from opalite.ports import Wanted

_Read = Callable[[Any], bool]


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _is_tags(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0  # a bool is an int, too


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None and timestamp(value) is not None


# RFC 3339, as time.parse_rfc3339_ns reads it.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_TEXT = ("a text (ids of digits in quotes)", lambda value: isinstance(value, str))
_TEXTS = ("a list of texts (ids of digits in quotes)", _is_texts)
_TAGS = ("an object of texts (digits in quotes)", _is_tags)
_COUNT = ("a whole number, not below 0", _is_count)
_TIME_TEXT = ('a time like "2026-11-23T00:00:00Z", in quotes', _is_time)
_OBJECT = ("an object", lambda value: isinstance(value, dict))

# Members of each kind, as policies/schemas/input.json has them; what is left out is null, "not known".
KINDS: Mapping[str, Mapping[str, tuple[str, _Read]]] = {
    "image": {
        "state": _TEXT,
        "owner_id": _TEXT,
        "owner_alias": _TEXT,
        "name": _TEXT,
        "created_at": _TEXT,
        "tags": _TAGS,
    },
    "kms_key": {"manager": _TEXT, "arn": _TEXT, "account_id": _TEXT, "state": _TEXT, "aliases": _TEXTS},
    "account": {"organizational_units": _TEXTS},
    "load_balancer": {
        "targets": _COUNT,
        "target_groups": _COUNT,
        "listeners": _COUNT,
        "idle_since": _TIME_TEXT,
        "idle_at_least_since": _TIME_TEXT,
    },
    "resource_policy": {"policy": _OBJECT},
}
_NULL_IS_NONE = frozenset({("resource_policy", "policy")})  # so it must be said


class GivenFacts:
    """Meets opalite.ports.Facts."""

    def __init__(self, document: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self._document = document

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Everything is at hand."""

    def why(self, kind: str, key: str, resource: Mapping[str, Any]) -> str | None:  # noqa: ARG002 - of the port
        """What is not there is simply not there."""
        return None

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fact under any spelling of its key, or None."""
        facts = self._document.get(kind)
        if not facts:
            return None
        for spelling in _spellings(kind, key, resource):
            if spelling in facts:
                return facts[spelling]
        return None


def _spellings(kind: str, key: str, resource: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "kms_key":
        return spellings(key, resource)
    if kind == "load_balancer" and resource["arn"]:
        return (resource["arn"], key)  # the name of a classic one is its own only within an account and a region
    return (key,)


def load(path: Path) -> GivenFacts:
    """Facts from a YAML or JSON file. Raises UsageError naming the file, the place and the remedy."""
    document = documents.load(path)
    if not isinstance(document, dict):
        raise UsageError(f"{path}: must be an object by kind of fact: {', '.join(KINDS)}")
    whole: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, facts in document.items():
        if kind not in KINDS:
            raise UsageError(f"{path}: {kind}: is not a kind of fact; there are {', '.join(KINDS)}")
        if not isinstance(facts, dict):
            raise UsageError(f"{path}: {kind}: must be an object by key")
        whole[kind] = {key: _fact(f"{path}: {kind}.{key}", kind, fact) for key, fact in facts.items()}
    return GivenFacts(whole)


def _fact(place: str, kind: str, fact: Any) -> dict[str, Any]:
    if not isinstance(fact, dict):
        raise UsageError(f"{place}: must be an object with any of {', '.join(KINDS[kind])}")
    for name, value in fact.items():
        if name not in KINDS[kind]:
            raise UsageError(f"{place}.{name}: unknown; there are {', '.join(KINDS[kind])}")
        wanted, is_right = KINDS[kind][name]
        if value is not None and not is_right(value):
            raise UsageError(f"{place}.{name}: must be {wanted}")
    for name in KINDS[kind]:
        if (kind, name) in _NULL_IS_NONE and name not in fact:
            raise UsageError(f"{place}.{name}: is missing; null says that there is none")
    return {name: fact.get(name) for name in KINDS[kind]}
