"""Overrides that do nothing: they set nothing, others always win, or a later file replaces them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from opalite.settings_check.layers import Layer, entries, overrides, texts
from opalite.settings_check.remark import Remark, notice, warning
from opalite.settings_check.shape import SCOPES

# One account in one unit in one Region, as far as the override names them: for such a cell and key the later override wins.
Cell = tuple[tuple[str, ...], tuple[str, ...]]


def remarks(layers: Sequence[Layer]) -> Iterator[tuple[Layer, Remark]]:
    """What there is to say of the overrides of each layer that is checked."""
    for number, layer in enumerate(layers):
        for root, policy_id, entry in entries(layer, "parameters", "stages", "remediation") if layer.checked else ():
            place = f"{root}.{policy_id}"
            over = _replacing(root, policy_id, layers[number + 1 :])
            if over is not None and entry.get("overrides"):
                what = f"not in force: {over.file} gives overrides too, and they replace these whole"
                yield (
                    layer,
                    notice("replaced", f"{place}.overrides", what, "keep them in one file, or repeat them there"),
                )
                continue
            for remark in _idle(place, entry):
                yield layer, remark


def _replacing(root: str, policy_id: str, later: Sequence[Layer]) -> Layer | None:
    return next(
        (
            layer
            for layer in reversed(later)
            for _, other, entry in entries(layer, root)
            if other == policy_id and "overrides" in entry
        ),
        None,
    )


def _idle(place: str, entry: Mapping[str, Any]) -> Iterator[Remark]:
    found = [(index, override.get("set"), _cells(override)) for index, override in overrides(entry)]
    winners = {
        (key, cell): index
        for index, given, cells in found
        if isinstance(given, dict)
        for key in given
        for cell in cells
    }
    for index, given, cells in found:
        where = f"{place}.overrides[{index}]"
        if given == {}:
            yield warning("sets_nothing", where, "sets nothing", "remove it, or say below `set` what it is for")
        if not isinstance(given, dict) or not cells:
            continue
        beaten_by = {key: {winners[key, cell] for cell in cells} for key in given}
        lost = {key: indexes for key, indexes in beaten_by.items() if index not in indexes}
        if lost:
            keys = "" if len(lost) == len(given) else f" for {', '.join(lost)}"
            others = " and ".join(f"overrides[{other}]" for other in sorted(set().union(*lost.values())))
            what = f"never wins{keys}: of entries for the same accounts, units and Regions the last one wins, {others}"
            yield warning("never_wins", where, what, "remove one of them")


def _cells(override: Mapping[str, Any]) -> list[Cell]:
    lists = texts(override)
    kinds = tuple(kind for kind in SCOPES if kind in override)
    return [(kinds, cell) for cell in product(*(lists.get(kind, ()) for kind in kinds))] if kinds else []
