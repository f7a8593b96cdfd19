"""Which exemptions excuse something, as of the latest decision of each policy and resource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from opalite.model import JsonObject, Outcome
from opalite.normalize.values import timestamp
from opalite.report.history import History, seconds


@dataclass(slots=True)
class _Use:
    owner: str | None = None
    ticket: str | None = None
    expires: str | None = None
    resources: int = 0
    accounts: set[str] = field(default_factory=set)
    last_used: str = ""


def exemptions(histories: Iterable[History], since: str, now: str) -> JsonObject:
    """What was decided last before `since` is not seen."""
    uses: dict[tuple[str, str], _Use] = {}
    for history in histories:
        row = history[-1]
        if row.outcome != Outcome.EXEMPT or row.evaluated_at < since:
            continue
        use = uses.setdefault((row.policy_id, row.exemption_id or ""), _Use())
        if row.evaluated_at >= use.last_used:  # an exemption may have been prolonged since it was told of others
            use.owner, use.ticket, use.expires = row.owner, row.ticket, timestamp(row.expires) or row.expires
            use.last_used = row.evaluated_at
        use.resources += 1
        use.accounts.add(row.account_id)
    order = sorted(uses.items(), key=lambda entry: (entry[1].expires or "9999", entry[0]))
    return {
        "report": "exemptions",
        "total": {
            "exemptions": len(uses),
            "resources": sum(use.resources for use in uses.values()),
            "expired": sum(_left(use, now) == 0 for use in uses.values()),
        },
        "exemptions": [
            {
                "exemption_id": exemption_id,
                "policy_id": policy_id,
                "owner": use.owner,
                "ticket": use.ticket,
                "expires": use.expires,
                "seconds_left": _left(use, now),
                "resources": use.resources,
                "accounts": len(use.accounts),
                "last_used": use.last_used,
            }
            for (policy_id, exemption_id), use in order
        ],
    }


def _left(use: _Use, now: str) -> int | None:
    """0: it has expired, and what it excused has not been decided anew."""
    return None if timestamp(use.expires) is None else seconds(now, str(use.expires))
