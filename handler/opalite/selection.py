"""Which policies a Config rule asks for: all that its parameters may say. Pure.

Whoever owns an account could set parameters of a rule of his own. So they choose among the policies of the bundle and can do
nothing else; stages, exemptions and what policies ask for stand in data/.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opalite.catalog import Catalog
from opalite.errors import InvocationError, UsageError
from opalite.metadata import EVERY_TYPE

POLICIES = "policies"  # ids or aliases, with commas between
TAGS = "tags"  # tags of the catalog; whichever policy has one of them
_NAME = re.compile(r"[A-Za-z0-9._:-]+")  # ids, aliases and tags; nothing else is shown in a message as it is
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Selection:
    """The policies of one Config rule; `chosen` is None for all of the bundle."""

    chosen: frozenset[str] | None

    @property
    def umbrella(self) -> bool:
        """Whether one evaluation speaks for several policies."""
        return self.chosen is None or len(self.chosen) > 1


def selection(parameters: Mapping[str, str], catalog: Catalog) -> Selection:
    """What the parameters of a Config rule select. Raises InvocationError for whatever is no choice of policies."""
    for name in sorted(parameters):
        if name not in (POLICIES, TAGS):
            raise InvocationError(
                f"the Config rule's parameter {_safe(name)} is not taken: parameters only choose policies, by {POLICIES} or {TAGS}"
            )
    policies, tags = (_names(parameters, name) for name in (POLICIES, TAGS))
    if policies is None and tags is None:
        return Selection(None)
    try:
        chosen = catalog.resolve(policies or (), told=POLICIES, idle=True) | catalog.tagged(tags or (), told=TAGS)
    except UsageError as error:
        raise InvocationError(f"the Config rule's parameters: {error}") from None
    return Selection(chosen)


def types(catalog: Catalog, chosen: frozenset[str] | None) -> frozenset[str] | None:
    """The resource types that the chosen policies speak of; None for every type."""
    found = {
        kind
        for policy_id, policy in catalog.policies.items()
        if chosen is None or policy_id in chosen
        for kind in policy.resource_types
        if policy_id in catalog.applying_to(kind, chosen)
    }
    return None if EVERY_TYPE in found else frozenset(found)


def _names(parameters: Mapping[str, str], name: str) -> list[str] | None:
    """None when the parameter is not given, or empty, as a template leaves it that has nothing to say."""
    value = parameters.get(name, "")
    if not value.strip():
        return None
    names = [entry.strip() for entry in value.split(",")]
    for entry in names:
        if not _NAME.fullmatch(entry):
            raise InvocationError(f"the Config rule's parameter {name}: expected names with commas between")
    return names


def _safe(name: str) -> str:
    """A name as a message may show it."""
    return "".join(character if _NAME.fullmatch(character) else "?" for character in name[:_LONGEST_SHOWN])
