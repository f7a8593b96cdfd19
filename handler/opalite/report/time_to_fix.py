"""How long failures last: from the first decision that fails to the first that passes; and what is open, since when."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median

from opalite.model import JsonObject, Outcome, Severity
from opalite.report.history import History, resource, seconds
from opalite.report.row import Row

_RANK = {severity: rank for rank, severity in enumerate(reversed(Severity))}


class End(StrEnum):
    """How a failure came to its end."""

    FIXED = "fixed"  # passes
    EXCUSED = "excused"  # exempt now
    REMOVED = "removed"  # not applicable any more: deleted, or out of scope
    WITHDRAWN = "withdrawn"  # the policy is only audited now
    OPEN = "open"


_ENDS = {Outcome.PASS: End.FIXED, Outcome.EXEMPT: End.EXCUSED, Outcome.NOT_APPLICABLE: End.REMOVED}


@dataclass(frozen=True, slots=True)
class Failure:
    """One stretch of failing. Undetermined decisions within it do not end it: nobody knows that it is mended."""

    began: str
    ended: str | None
    end: End
    last: Row  # the last decision that failed


@dataclass(slots=True)
class _Group:
    ends: Counter[End] = field(default_factory=Counter)
    took: array[int] = field(default_factory=lambda: array("q"))  # seconds of each that was fixed
    open_since: str | None = None

    def add(self, failure: Failure) -> None:
        self.ends[failure.end] += 1
        if failure.ended is None:
            self.open_since = min(self.open_since or failure.began, failure.began)
        elif failure.end is End.FIXED:
            self.took.append(seconds(failure.began, failure.ended))

    def document(self) -> JsonObject:
        return {
            "fixed": self.ends[End.FIXED],
            "mean_seconds": round(fmean(self.took)) if self.took else None,
            "median_seconds": round(median(self.took)) if self.took else None,
            "excused": self.ends[End.EXCUSED],
            "removed": self.ends[End.REMOVED],
            "withdrawn": self.ends[End.WITHDRAWN],
            "open": self.ends[End.OPEN],
            "open_since": self.open_since,
        }


def failures(history: History) -> Iterator[Failure]:
    """One after the other. What a policy says while it is only audited is no failure."""
    began, last = "", None
    for row in history:
        if row.stage != "audit" and row.outcome == Outcome.FAIL:
            began, last = (began if last else row.evaluated_at), row
        elif last and (end := End.WITHDRAWN if row.stage == "audit" else _ENDS.get(Outcome(row.outcome))):
            yield Failure(began, row.evaluated_at, end, last)
            last = None
    if last:
        yield Failure(began, None, End.OPEN, last)


def time_to_fix(histories: Iterable[History], since: str, now: str, top: int) -> JsonObject:
    """Failures that ended from `since` on, and all that are open."""
    groups: tuple[dict[str, _Group], ...] = tuple(defaultdict(_Group) for _ in range(3))
    total = _Group()
    oldest: list[tuple[str, int, JsonObject]] = []
    for number, history in enumerate(histories):
        for failure in failures(history):
            if failure.ended is not None and failure.ended < since:
                continue
            row = failure.last
            keys = (row.policy_id, row.severity, row.account_id)
            for group in (total, *(found[key] for found, key in zip(groups, keys, strict=True))):
                group.add(failure)
            if failure.ended is None:
                shown = {**resource(row), "severity": row.severity, "since": failure.began}
                oldest.append((failure.began, number, {**shown, "seconds": seconds(failure.began, now)}))
                if len(oldest) >= 2 * top:  # now and then, so that there are never many
                    oldest = heapq.nsmallest(top, oldest, key=lambda entry: entry[:2])
    by_policy, by_severity, by_account = groups
    return {
        "report": "time-to-fix",
        "total": total.document(),
        "by_policy": _ordered("policy_id", by_policy),
        "by_severity": _ordered("severity", by_severity, lambda severity: _RANK[Severity(severity)]),
        "by_account": _ordered("account_id", by_account),
        "oldest_open": [shown for *_, shown in heapq.nsmallest(top, oldest, key=lambda entry: entry[:2])],
    }


def _ordered(name: str, groups: Mapping[str, _Group], rank: Callable[[str], int] | None = None) -> list[JsonObject]:
    by_rank = rank or (lambda key: -groups[key].ends[End.OPEN])
    order = sorted(groups, key=lambda key: (by_rank(key), key))
    return [{name: key, **groups[key].document()} for key in order]
