"""Verdicts that go to and fro: changes of outcome by policy and account, and the resources with most of them."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from opalite.model import JsonObject, Outcome
from opalite.report.history import History, resource

_FEW: Final = 2  # changes below which nothing goes to and fro: it was broken, or mended


@dataclass(slots=True)
class _Counts:
    decisions: int = 0
    resources: int = 0  # decided about: in each history there is one
    changed: int = 0  # resources whose outcome changed
    changes: int = 0
    reopened: int = 0  # failed again after it had passed
    undetermined: int = 0  # changes to undetermined

    def add(self, other: _Counts) -> None:
        self.decisions += other.decisions
        self.resources += other.resources
        self.changed += other.changed
        self.changes += other.changes
        self.reopened += other.reopened
        self.undetermined += other.undetermined

    def document(self) -> JsonObject:
        return {
            "decisions": self.decisions,
            "resources": self.resources,
            "changed_resources": self.changed,
            "changes": self.changes,
            "reopened": self.reopened,
            "to_undetermined": self.undetermined,
        }


def churn(histories: Iterable[History], since: str, top: int) -> JsonObject:
    """What was decided from `since` on is counted; what came before is what it may have changed from."""
    by_policy: dict[str, _Counts] = defaultdict(_Counts)
    by_account: dict[str, _Counts] = defaultdict(_Counts)
    total = _Counts()
    flappiest: list[tuple[int, int, JsonObject]] = []
    for number, history in enumerate(histories):
        counts = _counted(history, since)
        if not counts.decisions:
            continue
        last = history[-1]
        for group in (by_policy[last.policy_id], by_account[last.account_id], total):
            group.add(counts)
        if counts.changes >= _FEW:
            shown = {**resource(last), "changes": counts.changes, "reopened": counts.reopened, "outcome": last.outcome}
            entry = (counts.changes, -number, shown)  # of the same number those first that come first
            (heapq.heappush if len(flappiest) < top else heapq.heappushpop)(flappiest, entry)
    return {
        "report": "churn",
        "total": total.document(),
        "by_policy": _ordered("policy_id", by_policy),
        "by_account": _ordered("account_id", by_account),
        "flappiest": [shown for *_, shown in sorted(flappiest, key=lambda entry: entry[:2], reverse=True)],
    }


def _counted(history: History, since: str) -> _Counts:
    counts = _Counts()
    before, verdict = None, None  # the outcome before; the last one of pass and fail
    for row in history:
        if row.evaluated_at >= since:
            changed = before is not None and row.outcome != before
            counts.decisions += 1
            counts.changes += changed
            counts.reopened += row.outcome == Outcome.FAIL and verdict == Outcome.PASS
            counts.undetermined += changed and row.outcome == Outcome.UNDETERMINED
        before = row.outcome
        if row.outcome in (Outcome.PASS, Outcome.FAIL):
            verdict = row.outcome
    counts.resources = int(counts.decisions > 0)
    counts.changed = int(counts.changes > 0)
    return counts


def _ordered(name: str, groups: Mapping[str, _Counts]) -> list[JsonObject]:
    order = sorted(groups.items(), key=lambda entry: (-entry[1].changes, entry[0]))
    return [{name: key, **counts.document()} for key, counts in order]
