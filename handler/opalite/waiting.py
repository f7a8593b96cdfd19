"""Answers that wait for facts: what they still need, what the sources have of it, and why the rest is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opalite import decide
from opalite.model import JsonObject, Question, Resource
from opalite.ports import Facts

UNITS = "account"  # the kind of fact that tells organizational units

Need = tuple[str, str]  # kind, key
Why = Callable[[JsonObject], str | None]  # more about an entry of `unknown`, if a source of facts has something to say


@dataclass(slots=True)
class Waiting:
    """A pending answer on its way to the last word."""

    first: Question
    asked: Question
    result: Mapping[str, Any]
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    supplied: set[bool] = field(default_factory=set)  # True: with organizational units; False: with other facts

    def needs(self) -> list[Need]:
        """What it hangs on and has not been given the like of."""
        return [need for need in decide.needs(self.result) if (need[0] == UNITS) not in self.supplied]

    def supply(self, sources: Sequence[Facts]) -> bool:
        """Add what the sources have of its needs; whether that is anything."""
        found = gather(self.needs(), self.first.resource, sources)
        for kind, facts in found.items():
            self.facts.setdefault(kind, {}).update(facts)
            self.supplied.add(kind == UNITS)
        return bool(found)

    def explainer(self, sources: Sequence[Facts]) -> Why:
        """Says of a fact why nobody knows it, and of a path below a fact why it is null."""

        def why(gap: JsonObject) -> str | None:
            if "fact" in gap:
                concerned = [(str(gap["fact"]), str(gap.get("key")))]
            else:
                known = [(kind, key) for kind, facts in self.facts.items() for key in facts]
                concerned = [need for need in known if str(gap.get("path")).startswith("facts.{}.{}.".format(*need))]
            told = (source.why(*need, self.first.resource.document) for need in concerned for source in sources)
            return next((reason for reason in told if reason is not None), None)

        return why


def prepare(wanted: Iterable[tuple[Sequence[Need], Resource]], sources: Sequence[Facts]) -> None:
    """Tell every source all that a batch is about to look up."""
    batch = [(kind, key, resource.document) for needs, resource in wanted for kind, key in needs]
    if batch:
        for source in sources:
            source.prepare(batch)


def gather(needs: Sequence[Need], resource: Resource, sources: Sequence[Facts]) -> dict[str, dict[str, Any]]:
    """Exactly the facts that were asked for, as far as a source knows them; the first source that does."""
    found: dict[str, dict[str, Any]] = {}
    for kind, key in needs:
        for source in sources:
            fact = source.lookup(kind, key, resource.document)
            if fact is not None:
                found.setdefault(kind, {})[key] = fact
                break
    return found


def explained(gap: JsonObject, reason: str | None) -> JsonObject:
    """An entry of `unknown` with what a source of facts says to it."""
    if reason is None:
        return gap
    return gap | {"reason": f"{gap['reason']}: {reason}" if "reason" in gap else reason}
