"""All that there is to say of settings, not only the first fault. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from opalite.remediation.action import Action
from opalite.settings_check import exemptions, overrides, places, remediation, shape
from opalite.settings_check.layers import Layer, entries
from opalite.settings_check.remark import Level, Remark, error, notice

_LINE = re.compile(r"(\d+): (.*)", re.DOTALL)


def check(
    layers: Sequence[Layer],
    policies: Mapping[str, Any],
    *,
    at: datetime,
    soon: timedelta,
    used: Collection[tuple[str, str]] | None = None,
    actions: Mapping[str, Action] | None = None,
) -> list[Remark]:
    """The remarks on the layers that are checked: the worst first, then by file in the order of the layers.

    `actions` of remediation: None if they are not known here.
    """
    found = [
        replace(remark, file=layer.file)
        for source in (
            _shape(layers, policies, actions),
            overrides.remarks(layers),
            places.remarks(layers),
            _retired(layers, policies),
            _ceilings(layers, policies, actions),
            exemptions.remarks(layers, at=at, soon=soon, used=used),
        )
        for layer, remark in source
    ]
    order = [layer.file for layer in layers]
    return sorted(found, key=lambda remark: (list(Level).index(remark.level), order.index(remark.file)))


def _shape(
    layers: Sequence[Layer], policies: Mapping[str, Any], actions: Mapping[str, Action] | None
) -> Iterator[tuple[Layer, Remark]]:
    for layer in layers:
        if layer.unreadable:
            numbered = _LINE.match(layer.unreadable)
            line, what = (f"line {numbered[1]}", numbered[2]) if numbered else ("", layer.unreadable)
            yield layer, error("unreadable", line, what)
        for remark in shape.remarks(layer.settings, policies, actions) if layer.checked else ():
            yield layer, remark


def _retired(layers: Sequence[Layer], policies: Mapping[str, Any]) -> Iterator[tuple[Layer, Remark]]:
    for layer in layers:
        for root, policy_id, _ in entries(layer) if layer.checked else ():
            if policies.get(policy_id, {}).get("deprecated"):
                what, remedy = (
                    "the policy is retired",
                    "`opalite policies show` says why; move these settings to what replaces it",
                )
                yield layer, notice("retired", f"{root}.{policy_id}", what, remedy)


def _ceilings(
    layers: Sequence[Layer], policies: Mapping[str, Any], actions: Mapping[str, Action] | None
) -> Iterator[tuple[Layer, Remark]]:
    for layer in layers:
        for root, policy_id, entry in entries(layer, "remediation") if layer.checked else ():
            sets = shape.value_sets(entry)
            for remark in remediation.ceilings(f"{root}.{policy_id}", sets, policies.get(policy_id), actions):
                yield layer, remark
