"""What the entry points of the functions share: sessions with their time-outs, and the clock."""

from __future__ import annotations

from datetime import UTC, datetime

from opalite.adapters.aws.remote import limits
from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.environment import Environment

# A call must not outlast the invocation: what this attempt does not do, Lambda's next one will.
CONFIG = limits(connect=2, read=10, attempts=4)


def member_sessions(own: Environment) -> AwsSessions:
    """Credentials for the member accounts, by the role that the environment names."""
    role = None
    if own.member_role is not None:
        role = Role(
            own.member_role, external_id=own.external_id, source_identity=own.source_identity, tags=own.session_tags
        )
    return AwsSessions(now, role=role, config=CONFIG)


def now() -> datetime:
    """For caches and sessions; what is judged has the time of its event."""
    return datetime.now(UTC)  # noqa: TID251
