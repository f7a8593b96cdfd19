"""Which of its items a resource's item is: one that was captured at a time, with a state id.

Events, the history and the delivery bucket spell both in ways of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from opalite.ports import Place


@dataclass(frozen=True, slots=True)
class Sought:
    """One item among those of its resource."""

    place: Place
    resource_type: str
    resource_id: str
    captured_at: datetime
    state_id: str | None  # None: the event does not tell it

    def is_met_by(self, item: Mapping[str, Any]) -> bool:
        """Whether this is the very item, in the dialect of events or of the API. Capture times count to the millisecond."""
        captured_at = instant(item.get("configurationItemCaptureTime"))
        state_id = state(item.get("configurationStateId"))
        return (
            item.get("resourceType") == self.resource_type
            and item.get("resourceId") == self.resource_id
            and item.get("accountId", item.get("awsAccountId")) == self.place.account_id
            and item.get("awsRegion") in (self.place.region, "global")
            and captured_at is not None
            and rfc3339(captured_at) == rfc3339(self.captured_at)
            and (state_id is None or self.state_id is None or state_id == self.state_id)
        )


def sought(
    place: Place, resource_type: str, resource_id: str, captured_at: str, state_id: int | str | None
) -> Sought | None:
    """What identifies an item; None when the capture time is none, so that nothing can be found."""
    moment = instant(captured_at)
    return None if moment is None else Sought(place, resource_type, resource_id, moment, state(state_id))


def instant(value: Any) -> datetime | None:
    """A point in time, from what boto3 or an event says of it; without a time zone it is UTC."""
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def state(value: Any) -> str | None:
    """A state id as text; the summaries of oversized items have 0 where they tell none."""
    return None if value in (None, "", 0, "0") else str(value)
