"""Facts that other items of the same corpus tell: a KMS key's item says who manages the key. Pure.

They are complete only when everything has been read, so that a decision never depends on the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opalite.facts.keys import spellings
from opalite.model import Resource
from opalite.ports import Wanted

_KEY_TYPE = "AWS::KMS::Key"
_ALIAS_TYPE = "AWS::KMS::Alias"
_MANAGERS = frozenset({"AWS", "CUSTOMER"})


KINDS = frozenset({"kms_key"})


class CorpusFacts:
    """Meets opalite.ports.Facts; `see` every resource first. Knows facts of KINDS only."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[str, dict[str, Any]]] = {}  # by ARN: capture time, fact
        self._aliases: dict[str, tuple[str, str]] = {}  # by alias ARN: capture time, key ARN

    def see(self, resource: Resource) -> None:
        """Remember what this resource tells of others."""
        kind = resource.document["type"]
        if kind == _KEY_TYPE:
            self._see_key(resource)
        elif kind == _ALIAS_TYPE:
            self._see_alias(resource)

    def prepare(self, wanted: Iterable[Wanted]) -> None:
        """Everything is at hand."""

    def why(self, kind: str, key: str, resource: Mapping[str, Any]) -> str | None:  # noqa: ARG002 - of the port
        """What is not there is simply not there."""
        return None

    def lookup(self, kind: str, key: str, resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The fact under any spelling of its key, or None."""
        if kind not in KINDS:
            return None
        for spelling in spellings(key, resource):
            arn = self._aliases[spelling][1] if spelling in self._aliases else spelling
            if arn in self._keys:
                aliases = sorted(
                    alias.partition(":alias/")[2] for alias, (_, target) in self._aliases.items() if target == arn
                )
                return {**self._keys[arn][1], "aliases": [f"alias/{alias}" for alias in aliases] or None}
        return None

    def _see_key(self, resource: Resource) -> None:
        document, configuration = resource.document, resource.document["configuration"]
        if not isinstance(configuration, dict) or configuration.get("manager") not in _MANAGERS:
            return
        arn = configuration["arn"] or document["arn"] or spellings(document["id"], document)[1]
        fact = {
            "manager": configuration["manager"],
            "arn": arn,
            "account_id": document["account_id"],
            "state": configuration["state"],
        }
        _keep_newest(self._keys, str(arn), resource.capture_time, fact)

    def _see_alias(self, resource: Resource) -> None:
        document, configuration = resource.document, resource.document["configuration"]
        if not isinstance(configuration, dict):
            return
        name, target = configuration.get("AliasName"), configuration.get("TargetKeyId")
        if isinstance(name, str) and name.startswith("alias/") and isinstance(target, str) and target:
            alias_arn = spellings(name, document)[1]
            _keep_newest(
                self._aliases,
                alias_arn,
                resource.capture_time,
                spellings(target, document)[-1 if not target.startswith("arn:") else 0],
            )


def _keep_newest(known: dict[str, tuple[str, Any]], key: str, time: str | None, value: Any) -> None:
    """The later capture wins; of two at the same time the greater value, so that the order of reading never matters."""
    before = known.get(key)
    after = (time or "", value)
    if before is None or (before[0], str(before[1])) < (after[0], str(after[1])):
        known[key] = after
