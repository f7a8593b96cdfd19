"""Facts that a user gives by `--facts`: `{kind: {key: fact}}`, the shape of `input.facts`. Pure but for `load`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from opalite.adapters import documents
from opalite.errors import UsageError
from opalite.facts.keys import spellings

# Members of each kind, as policies/schemas/input.json has them; what is left out is null, "not known".
KINDS: Mapping[str, tuple[str, ...]] = {
    "image": ("state", "owner_id", "owner_alias", "name", "created_at", "tags"),
    "kms_key": ("manager", "arn", "account_id", "state", "aliases"),
    "account": ("organizational_units",),
}
_LISTS = frozenset({"aliases", "organizational_units"})


class GivenFacts:
    """Meets opalite.ports.Facts."""

    def __init__(self, document: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        self._document = document

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fact under any spelling of its key, or None."""
        facts = self._document.get(kind)
        if not facts:
            return None
        for spelling in spellings(key, resource) if kind == "kms_key" else (key,):
            if spelling in facts:
                return facts[spelling]
        return None


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
        if value is None:
            continue
        if name in _LISTS:
            right = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        elif name == "tags":
            right = isinstance(value, dict) and all(isinstance(entry, str) for entry in value.values())
        else:
            right = isinstance(value, str)
        if not right:
            wanted = "a list of texts" if name in _LISTS else "an object of texts" if name == "tags" else "a text"
            raise UsageError(f"{place}.{name}: must be {wanted} (ids of digits in quotes)")
    return {name: fact.get(name) for name in KINDS[kind]}
