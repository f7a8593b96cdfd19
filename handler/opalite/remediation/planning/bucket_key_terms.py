"""What the policy of a key must say, so that buckets of an account may be encrypted with it. Pure.

Whoever may make keys can make one that locks others out, and put it where keys are looked for: behind the alias, or under our tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opalite.model import JsonObject
from opalite.normalize.policy import policy
from opalite.remediation.matching import matches
from opalite.remediation.model import Target
from opalite.remediation.planning.new_bucket_key import key_policy


@dataclass(frozen=True, slots=True)
class BucketKeyTerms:
    """Of keys for buckets of the target's account and Region. Documents are those of normalize.policy."""

    target: Target

    def is_ours(self, document: JsonObject | None) -> bool:
        """Whether it is to the letter the policy that keys are made with here."""
        return document is not None and _in_order(document) == _in_order(policy(key_policy(self.target)))

    def against(self, document: JsonObject | None) -> str:
        """Why not everybody of the account who may work with a bucket could rely on the key; empty if everybody can."""
        return next(self._against((document or {"statements": []})["statements"]), "")

    def _against(self, statements: list[JsonObject]) -> Iterator[str]:
        administration, use = self._ours()
        if any(one["effect"] == "Deny" for one in statements):
            yield "its policy has a Deny"
        if not any(_covers(one, use) for one in statements):
            yield "its policy does not let everybody of the account use it through S3"
        if not any(_covers(one, administration) for one in statements):
            yield "its policy does not leave the key to IAM of the account"
        if not all(_is_for(one, administration) or _is_use_alone(one, use) for one in statements):
            yield "its policy lets somebody administer the key by himself"

    def _ours(self) -> list[JsonObject]:
        """Administration, then use."""
        document = policy(key_policy(self.target)) or {}
        statements: list[JsonObject] = document["statements"]
        return statements


def _covers(statement: JsonObject, other: JsonObject) -> bool:
    """Whether it allows, for sure, at least what the other does to at least its principals."""
    if statement["effect"] != "Allow" or not _is_for(other, statement) or "*" not in statement["resources"]:
        return False
    actions = all(any(matches(mine, action) for mine in statement["actions"]) for action in other["actions"])
    return actions and all(_holds(condition, other["conditions"]) for condition in statement["conditions"])


def _is_for(statement: JsonObject, other: JsonObject) -> bool:
    """Whether it names no principals but those of the other."""
    named, others = statement["principals"], other["principals"]
    return named is not None and others is not None and all(set(named[kind]) <= set(others[kind]) for kind in named)


def _holds(condition: Mapping[str, Any], others: list[JsonObject]) -> bool:
    """Whether a condition is met wherever the others are."""
    same = [one for one in others if (one["operator"], one["key"]) == (condition["operator"], condition["key"])]
    return any(set(one["values"]) <= set(condition["values"]) for one in same)


def _is_use_alone(statement: JsonObject, use: JsonObject) -> bool:
    """Whether nobody can change, disable or delete the key by it."""
    actions = statement["actions"]
    return bool(actions) and all(any(matches(mine, action) for mine in use["actions"]) for action in actions)


def _in_order(value: Any) -> Any:
    """Lists of a policy mean the same in any order."""
    if isinstance(value, Mapping):
        return {key: _in_order(one) for key, one in value.items()}
    return sorted((_in_order(one) for one in value), key=repr) if isinstance(value, list) else value
