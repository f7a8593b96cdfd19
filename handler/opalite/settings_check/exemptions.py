"""Exemptions that have expired, will soon, or excuse nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from opalite.settings_check.layers import Layer, entries
from opalite.settings_check.remark import Remark, notice, warning
from opalite.settings_check.shape import moment


def remarks(
    layers: Sequence[Layer], *, at: datetime, soon: timedelta, used: Collection[tuple[str, str]] | None
) -> Iterator[tuple[Layer, Remark]]:
    """`used` are (policy id, exemption id) of what excused something; None: nobody knows."""
    in_force: dict[tuple[str, str], Layer] = {}  # the last layer that has an exemption replaces it in the others
    for layer in layers:
        for _, policy_id, by_name in entries(layer, "exemptions"):
            in_force |= {(policy_id, name): layer for name in by_name}
    for (policy_id, name), layer in in_force.items():
        exemption = layer.settings["exemptions"][policy_id][name]
        if not layer.checked or not isinstance(exemption, dict):
            continue
        place = f"exemptions.{policy_id}.{name}"
        ends = exemption.get("expires")
        end = moment(ends) if isinstance(ends, str) else None
        if end is not None and end <= at:
            what = f"expired on {ends}: it excuses nothing any more"
            yield layer, warning("expired", f"{place}.expires", what, "remove it, or have it approved for longer")
            continue
        if end is not None and end <= at + soon:
            what = f"expires on {ends}, in {_days(end - at)}"
            remedy = "repair what it excuses until then, or have it approved for longer"
            yield layer, notice("expires_soon", f"{place}.expires", what, remedy)
        if used is not None and (policy_id, name) not in used:
            what = "excused nothing in the decisions of --evaluated"
            remedy = "remove it, if these decisions were about all that it is for"
            yield layer, warning("unused", place, what, remedy)


def _days(time: timedelta) -> str:
    return "less than a day" if time.days == 0 else "1 day" if time.days == 1 else f"{time.days} days"
