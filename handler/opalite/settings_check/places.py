"""Organizational units and Regions that a scope names: misspelt, they match nothing, and nobody hears of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from opalite.settings_check.layers import Layer, Scope, scopes
from opalite.settings_check.remark import Remark, nearest, warning

# https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html and API_Root.html
_UNIT = re.compile(r"^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32})$")
_REGION = re.compile(r"^([a-z]{2,4}(-[a-z]+)+-\d+|global)$")  # Config records IAM and the like under `global`


def remarks(layers: Sequence[Layer]) -> Iterator[tuple[Layer, Remark]]:
    """A warning for each unit or Region that cannot be one, and for each unit that is another one but for a slip."""
    named = [scope for layer in layers for scope in scopes(layer)]
    uses: dict[str, int] = {}
    for scope in named:
        for unit in scope.lists.get("organizational_units", ()):
            uses[unit] = uses.get(unit, 0) + 1
    meant = _meant(uses)
    for scope in named:
        if scope.layer.checked:
            for remark in chain(_units(scope, uses, meant), _regions(scope)):
                yield scope.layer, remark


def _units(scope: Scope, uses: Mapping[str, int], meant: Mapping[str, str]) -> Iterator[Remark]:
    for index, unit in enumerate(scope.lists.get("organizational_units", ())):
        place = f"{scope.place}.organizational_units[{index}]"
        if not _UNIT.match(unit):
            yield _no_unit(place, unit, uses)
        elif unit in meant:
            other = meant[unit]
            what = f"{unit} matches nothing if it is a misspelt {other}, which is named {_times(uses[other])}"
            yield warning("unit_typo", place, what, "correct it, or else look which of the two there is")


def _regions(scope: Scope) -> Iterator[Remark]:
    for index, region in enumerate(scope.lists.get("regions", ())):
        if not _REGION.match(region):
            what = f"{region!r} is no Region, so it matches nothing"
            remedy = "write it like eu-west-1 (`global` for IAM and the like)"
            yield warning("no_region", f"{scope.place}.regions[{index}]", what, remedy)


def one_slip(first: str, second: str) -> bool:
    """Whether one letter more, less or other, or two that changed places, makes one of the other."""
    if len(first) != len(second):
        longer, shorter = sorted((first, second), key=len, reverse=True)
        return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
    other = [place for place, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]]
    if len(other) == 1:
        return True
    return (
        len(other) == 2
        and other[0] + 1 == other[1]
        and {first[place] for place in other} == {second[place] for place in other}
    )


def _meant(uses: Mapping[str, int]) -> dict[str, str]:
    """For a unit that is another but for a slip: that other one, which is named more often, or first."""
    ranked = sorted(uses, key=lambda unit: -uses[unit])  # stable: of those named equally often the first goes before
    found: dict[str, str] = {}
    for place, unit in enumerate(ranked):
        other = next((better for better in ranked[:place] if one_slip(unit, better) and _UNIT.match(better)), None)
        if other is not None:
            found[unit] = other
    return found


def _no_unit(place: str, unit: str, uses: Mapping[str, int]) -> Remark:
    what = f"{unit!r} is no organizational unit, so it matches nothing"
    meant = nearest(unit, (other for other in uses if _UNIT.match(other)))
    remedy = "write ids like ou-ab12-cd34ef56 or r-ab12, as AWS Organizations shows them"
    return warning("no_unit", place, what, f"did you mean {meant}? {remedy}" if meant else remedy)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
