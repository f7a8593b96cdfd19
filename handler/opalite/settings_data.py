"""data.parameters, data.exemptions, data.stages and data.remediation: their shape, and the overlay of one set over another. Pure.

A mistake here would be a silent fail-open (an exemption that covers too much, a parameter that nobody reads), so whatever
is not exactly of the agreed shape is refused, naming file, key and remedy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opalite.model import JsonObject
from opalite.settings_check import shape
from opalite.settings_check.shape import EVERY_POLICY, ROOTS, parameter_sets

if TYPE_CHECKING:  # the functions behind Config rules read settings, and remediate nothing
    from opalite.remediation.action import Action

__all__ = ["EVERY_POLICY", "ROOTS", "faults", "overlay", "parameter_sets", "unused"]


def overlay(base: Mapping[str, Any], over: Mapping[str, Any]) -> JsonObject:
    """`base` with what `over` says: exemptions id by id, all else key by key, overrides whole."""
    merged: JsonObject = {root: dict(base.get(root) or {}) for root in ROOTS}
    for root in ROOTS:
        for policy_id, entry in (over.get(root) or {}).items():
            before = merged[root].get(policy_id) or {}
            if root == "exemptions":
                merged[root][policy_id] = {**before, **entry}
                continue
            after = {**before, **entry}
            after["default"] = {**(before.get("default") or {}), **(entry.get("default") or {})}
            merged[root][policy_id] = after
    return merged


def faults(document: Any, catalog: Mapping[str, Any], actions: Mapping[str, Action] | None = None) -> Iterator[str]:
    """One line for each thing in a settings document that is not of the agreed shape. `catalog` is data.catalog.

    `actions` of remediation: None if they are not known here.
    """
    for remark in shape.remarks(document, catalog["policies"], actions):
        yield remark.line


def unused(exemptions: Mapping[str, Any], used: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """(policy id, exemption id) of the exemptions that no decision named."""
    seen = set(used)
    return [
        (policy_id, name)
        for policy_id, entries in exemptions.items()
        for name in entries
        if (policy_id, name) not in seen
    ]
