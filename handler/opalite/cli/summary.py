"""Counts of a run, and the exit code they lead to. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from opalite.model import Decision, Outcome, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_TYPES_SHOWN = 5


@dataclass(slots=True)
class Summary:
    """Grows with each decision."""

    items: int = 0
    decisions: int = 0
    problems: int = 0  # input that could not be read
    faults: int = 0  # answers that could not be trusted
    outcomes: Counter[str] = field(default_factory=Counter)
    by_policy: Counter[tuple[str, str]] = field(default_factory=Counter)  # (policy id, outcome)
    by_account: Counter[tuple[str, str]] = field(default_factory=Counter)  # (account id, outcome)
    by_severity: Counter[str] = field(default_factory=Counter)  # of failing decisions
    audited: int = 0  # failing decisions at stage audit
    without_policy: Counter[str] = field(default_factory=Counter)  # items by resource type
    exemptions: set[tuple[str, str]] = field(default_factory=set)  # (policy id, exemption id) that were used
    worst: int = -1  # rank of the gravest failing severity
    undetermined: int = 0

    def add(self, decision: Decision) -> None:
        """Count one decision. A policy at stage `audit` is reported and counted, but does not fail a run."""
        outcome = decision.outcome
        self.decisions += 1
        self.outcomes[outcome] += 1
        self.by_policy[decision.policy_id, outcome] += 1
        self.by_account[decision.account_id, outcome] += 1
        if outcome is Outcome.FAIL:
            self.by_severity[decision.severity] += 1
            if decision.stage == "audit":
                self.audited += 1
            else:
                self.worst = max(self.worst, _RANK[decision.severity])
        elif outcome is Outcome.UNDETERMINED and decision.stage != "audit":
            self.undetermined += 1
        elif outcome is Outcome.EXEMPT and decision.exemption is not None:
            self.exemptions.add((decision.policy_id, str(decision.exemption.get("id"))))

    def exit_code(self, *, fail_on: Severity, allow_undetermined: bool) -> int:
        """0 clean · 1 violations at or above `fail_on`, or undetermined · 2 unreadable input · 3 untrusted answers."""
        if self.faults:
            return 3
        if self.problems:
            return 2
        if self.worst >= _RANK[fail_on] or (self.undetermined and not allow_undetermined):
            return 1
        return 0

    def notice(self) -> str | None:
        """One line about items of types that no policy speaks of."""
        if not self.without_policy:
            return None
        total = sum(self.without_policy.values())
        shown = ", ".join(f"{kind} ({count})" for kind, count in self.without_policy.most_common(_TYPES_SHOWN))
        rest = len(self.without_policy) - _TYPES_SHOWN
        counted = "1 item of a type" if total == 1 else f"{total} items of types"
        return f"{counted} without a policy {'was' if total == 1 else 'were'} not judged: {shown}" + (
            f" and {rest} more types" if rest > 0 else ""
        )

    def document(self) -> dict[str, Any]:
        """For `--format json`."""
        return {
            "items": self.items,
            "decisions": self.decisions,
            "unreadable": self.problems,
            "outcomes": dict(sorted(self.outcomes.items())),
            "by_policy": _nested(self.by_policy),
            "by_account": _nested(self.by_account),
            "by_severity": dict(sorted(self.by_severity.items())),
            "without_policy": dict(sorted(self.without_policy.items())),
        }


def counted(number: int, name: str) -> str:
    """As `1 item`, `2 items`."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    nested: dict[str, dict[str, int]] = {}
    for (name, outcome), count in sorted(counts.items()):
        nested.setdefault(name, {})[outcome] = count
    return nested
