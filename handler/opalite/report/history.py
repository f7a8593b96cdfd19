"""All decisions of one policy about one resource, from the oldest to the newest: what three of the reports go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from opalite.model import JsonObject
from opalite.report.row import Row

History = Sequence[Row]

KEY: Final = ("policy_id", "partition", "account_id", "region", "resource_type", "resource_id")
# As the saved queries have it: the latest capture; of one capture, the latest time; then the smaller id.
ORDER: Final = ("captured", "evaluated_at", "-decision_id")


def histories(groups: Iterable[Sequence[tuple[str | int | None, ...]]]) -> Iterator[list[Row]]:
    """Each decision once: two Config rules may have asked the same, and somebody may have given an object twice."""
    for group in groups:
        rows = [Row(*entry) for entry in group]  # type: ignore[arg-type]
        yield [row for place, row in enumerate(rows) if not place or row.decision_id != rows[place - 1].decision_id]


def resource(row: Row) -> JsonObject:
    """What names a policy and a resource in a report."""
    return {
        "policy_id": row.policy_id,
        "account_id": row.account_id,
        "region": row.region,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
    }


def seconds(start: str, end: str) -> int:
    """From one time to the other; never below 0, since a late event may be judged as of an earlier time."""
    return max(0, round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()))
