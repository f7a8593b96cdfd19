"""That nobody decides about a policy and a resource any more. Values; what follows from one is in publish.closing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from opalite.model import Severity


class Reason(StrEnum):
    """Why nobody decides any more. Standings keep the word."""

    OFF = "off"
    REMOVED = "removed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding that Security Hub shows as active. Whoever may import findings there may have written it."""

    finding_id: str
    updated_at: str  # RFC 3339
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A policy and a resource about which nobody decides any more. `resource`: as policies see it, or what is known of it.

    `captured_at`: of the item about which the policy was not asked; None: there was none.
    """

    policy_id: str
    resource: Mapping[str, Any]  # at least type, id, partition, account_id and region
    reason: Reason
    at: str  # RFC 3339; as of when that was found
    captured_at: str | None = None
    shown: Shown | None = None  # if it was found by its finding
