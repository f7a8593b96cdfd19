"""Settings by the file that they come from, read leniently: what is not of the agreed shape is passed over. Pure.

Its faults are `shape`'s to tell; whoever reads layers looks for what else is wrong, and wants to tell that in the same go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opalite.settings_check.shape import ROOTS


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings of one file. Later layers lie over earlier ones."""

    file: str
    settings: Any
    checked: bool = True  # false: only so that others are held against it
    unreadable: str = ""  # why there are no settings


@dataclass(frozen=True, slots=True)
class Scope:
    """What an override or an exemption names."""

    layer: Layer
    place: str
    lists: Mapping[str, tuple[str, ...]]  # accounts, organizational_units, regions, resources


def entries(layer: Layer, *roots: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(root, policy id, entry) of what the layer sets."""
    for root in roots or ROOTS:
        by_policy = layer.settings.get(root) if isinstance(layer.settings, dict) else None
        for policy_id, entry in by_policy.items() if isinstance(by_policy, dict) else ():
            if isinstance(entry, dict):
                yield root, policy_id, entry


def overrides(entry: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The overrides of an entry with their places."""
    found = entry.get("overrides")
    for index, override in enumerate(found if isinstance(found, list) else ()):
        if isinstance(override, dict):
            yield index, override


def scopes(layer: Layer) -> Iterator[Scope]:
    """Every scope of a layer."""
    for root, policy_id, entry in entries(layer):
        place = f"{root}.{policy_id}"
        if root != "exemptions":
            for index, override in overrides(entry):
                yield Scope(layer, f"{place}.overrides[{index}]", texts(override))
            continue
        for name, exemption in entry.items():
            if isinstance(exemption, dict) and isinstance(exemption.get("scope"), dict):
                yield Scope(layer, f"{place}.{name}.scope", texts(exemption["scope"]))


def texts(scope: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The lists of texts that a scope names, but for what sets values."""
    return {
        key: tuple(value for value in given if isinstance(value, str))
        for key, given in scope.items()
        if isinstance(given, list)
    }
