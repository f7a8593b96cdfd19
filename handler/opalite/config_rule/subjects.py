"""Policies and resources of which outputs are told: by a decision, or because nobody decides about them any more. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from opalite.model import Case, Standing
from opalite.publish import life, suppression
from opalite.publish.closing import ended, key, stand_in
from opalite.publish.ending import Ending
from opalite.publish.finding import content

if TYPE_CHECKING:
    from opalite.config_rule.outputs import Life


@dataclass(frozen=True, slots=True)
class Subject:
    """A policy and a resource. With both a decision and its end, the end is for what is known by something newer than that."""

    case: Case | None
    ending: Ending | None = None

    def matters(self, *, is_known: bool) -> bool:
        """Whether anything can follow. What is not known has no end, unless Security Hub shows it."""
        return self.case is not None or is_known or (self.ending is not None and self.ending.shown is not None)


def subjects(life_: Life, cases: Sequence[Case], endings: Sequence[Ending]) -> dict[str, Subject]:
    """By key. Ends are a matter of findings: where those are off nothing is read for them."""
    entries = life_.entries
    found = {life.finding_id(case, entries[case.decision.policy_id]): Subject(case) for case in cases}
    for ending in endings if life_.hub is not None else ():
        name = key(ending, entries.get(ending.policy_id, {}))
        found[name] = replace(found.get(name, Subject(None)), ending=ending)
    return found


def next_step(life_: Life, name: str, subject: Subject, before: Standing | None) -> tuple[Case, life.Step] | None:
    """What follows, and what it is told by; None if nothing does, because something newer is known."""
    step = None if subject.case is None else _decided(life_, name, subject.case, before)
    if step is not None and subject.case is not None:
        return subject.case, step
    if subject.ending is None:
        return None
    step = ended(before, subject.ending)
    if step is None:
        return None
    entry: Mapping[str, object] = life_.entries.get(subject.ending.policy_id, {})
    step = suppression.owed(before, step)
    return stand_in(subject.ending, entry, step.standing), step


def _decided(life_: Life, name: str, case: Case, before: Standing | None) -> life.Step | None:
    refresh_before = datetime.fromisoformat(case.decision.evaluated_at) - timedelta(days=life_.refresh_days)
    said = suppression.said(content(case), case.decision, before, suppressed=life_.suppressed)
    step = life.step(before, case, said, key=name, refresh_before=refresh_before.isoformat(), wishes=life_.wishes)
    return None if step is None else suppression.owed(before, step)
