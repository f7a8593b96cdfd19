"""Diagnoses counted, and equal ones told together: a few lines, however many accounts there are. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from opalite.doctor.diagnosis import Diagnosis, State
from opalite.model import JsonObject

GROUPS: Final = 500  # different ones that are kept; beyond them only the counts grow
PLACES: Final = 5  # that are named of each


@dataclass(slots=True)
class Group:
    """Diagnoses that say the same of several checks or places."""

    first: Diagnosis
    checks: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    accounts: int = 0
    _many: bool = False  # places that are not named
    _last: tuple[str, str] = ("", "")  # accounts come in order, so a new one is another than the last

    def add(self, one: Diagnosis) -> None:
        if one.check not in self.checks:
            self.checks.append(one.check)
        here = (one.account_id, one.region)
        if not one.account_id or here == self._last:
            return
        self.accounts += one.account_id != self._last[0]
        self._last = here
        if len(self.places) < PLACES:
            self.places.append(" ".join(here).strip())
        else:
            self._many = True

    def where(self) -> str:
        """How many accounts, and the first of the places; empty for what is about no place."""
        if not self.places:
            return ""
        return f"{self.accounts} account{'s' * (self.accounts != 1)}: {', '.join(self.places)}{', …' * self._many}"


@dataclass(slots=True)
class Summary:
    """Takes diagnoses as they come."""

    counts: Counter[State] = field(default_factory=Counter)
    left_out: int = 0
    _groups: dict[tuple[str, ...], Group] = field(default_factory=dict)

    def add(self, one: Diagnosis) -> None:
        self.counts[one.state] += 1
        if one.state is State.WELL:
            return
        key = (one.state, one.message, one.remedy, one.command)
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= GROUPS:
                self.left_out += 1
                return
            group = self._groups[key] = Group(one)
        group.add(one)

    def groups(self) -> list[Group]:
        """The worst first; of a kind, in the order in which they came."""
        rank = {state: place for place, state in enumerate(State)}
        return sorted(self._groups.values(), key=lambda group: rank[group.first.state])

    def is_well(self, *, unknown: bool) -> bool:
        """Whether nothing is wrong; `unknown`: and what nobody knows does not count."""
        return not self.counts[State.WRONG] and (unknown or not self.counts[State.UNKNOWN])

    def document(self) -> JsonObject:
        return {str(state): self.counts[state] for state in State}
