"""How many evaluations AWS Config was told, and what that may cost.

AWS Config charges for the evaluation of a resource by a Config rule. A rule may speak for several policies: each of its decisions
then bears its part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from opalite.model import JsonObject
from opalite.report.row import Row

# One object of the log is of one Config rule; in it, the decisions of one resource at one time are one evaluation.
KEY: Final = ("object", "partition", "account_id", "region", "resource_type", "resource_id", "captured", "evaluated_at")
ORDER: Final = ("policy_id", "decision_id")

# https://aws.amazon.com/config/pricing/: USD for each of the first 100,000 evaluations of a month in a Region, of all accounts with
# one bill together; 0.0008 for each of the next 400,000, 0.0005 for each further one. Some
# Regions differ, and prices change.
PRICE_USD: Final = "0.001"


@dataclass(slots=True)
class _Counts:
    decisions: int = 0
    evaluations: int = 0  # that AWS Config was told, in which they had a part
    part: Fraction = Fraction(0)  # of these, by the number of decisions in each

    def document(self, price: Fraction) -> JsonObject:
        counts = {"decisions": self.decisions, "evaluations": self.evaluations}
        return {**counts, "cost": round(float(self.part * price), 6)}


def evaluations(groups: Iterable[Sequence[tuple[Any, ...]]], since: str, price: str) -> JsonObject:
    """From `since` on. What AWS Config was told nothing of is no evaluation, and costs nothing."""
    by_policy: dict[str, _Counts] = defaultdict(_Counts)
    by_account: dict[str, _Counts] = defaultdict(_Counts)
    total = _Counts()
    for group in groups:
        rows = list({row.decision_id: row for row in (Row(*entry) for entry in group)}.values())
        if rows[0].evaluated_at < since:
            continue
        told = any(row.told for row in rows)
        for counts in (total, by_account[rows[0].account_id]):
            counts.decisions += len(rows)
            counts.evaluations += told
            counts.part += int(told)
        for row in rows:
            counts = by_policy[row.policy_id]
            counts.decisions += 1
            counts.evaluations += told
            counts.part += Fraction(int(told), len(rows))
    each = Fraction(price)
    return {
        "report": "evaluations",
        "price": float(each),
        "total": total.document(each),
        "by_policy": _ordered("policy_id", by_policy, each),
        "by_account": _ordered("account_id", by_account, each),
    }


def _ordered(name: str, groups: Mapping[str, _Counts], price: Fraction) -> list[JsonObject]:
    order = sorted(groups.items(), key=lambda entry: (-entry[1].part, entry[0]))
    return [{name: key, **counts.document(price)} for key, counts in order]
