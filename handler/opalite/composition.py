"""What the entry points of the functions share: sessions with their time-outs, and the clock."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from opalite.adapters.aws.remote import limits
from opalite.adapters.aws.sessions import AwsSessions, Role
from opalite.environment import Environment

if TYPE_CHECKING:
    from opalite.config_rule.outputs import Creators, Life, Log, Outputs

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


def outputs(own: Environment, sessions: AwsSessions, entries: Mapping[str, Any]) -> Outputs | None:
    """The outputs beside AWS Config that are switched on; None when none is, and then nothing of them is loaded."""
    if own.log_bucket is None and own.state_table is None:
        return None
    from opalite.config_rule.outputs import Outputs  # noqa: PLC0415 - paid for at each start of a sandbox

    return Outputs(
        log=_log(own, sessions),
        prefix=own.log_prefix,
        life=None if own.state_table is None else _life(own, own.state_table, sessions, entries),
    )


def _log(own: Environment, sessions: AwsSessions) -> Log | None:
    if own.log_bucket is None:
        return None
    from opalite.adapters.aws.log_bucket import LogBucket  # noqa: PLC0415

    return LogBucket(
        sessions,
        bucket=own.log_bucket,
        owner=own.log_owner,
        kms_key=own.log_key,
        sleep=time.sleep,
        jitter=random.random,
    )


def _life(own: Environment, table: str, sessions: AwsSessions, entries: Mapping[str, Any]) -> Life:
    from opalite.adapters.aws.allowance import TableAllowance  # noqa: PLC0415
    from opalite.adapters.aws.pace import Pace  # noqa: PLC0415
    from opalite.adapters.aws.security_hub import CALLS_PER_SECOND, SecurityHub  # noqa: PLC0415
    from opalite.adapters.aws.standings import Standings  # noqa: PLC0415
    from opalite.adapters.aws.topics import Topics  # noqa: PLC0415
    from opalite.adapters.aws.workflows import Workflows  # noqa: PLC0415
    from opalite.config_rule.outputs import Life  # noqa: PLC0415
    from opalite.publish.addressees import TagKeys  # noqa: PLC0415

    hub, workflow, topic = None, None, None
    if own.security_hub:
        pace = Pace(
            TableAllowance(sessions, table, own.region),
            CALLS_PER_SECOND,
            now,
            sleep=time.sleep,
            jitter=random.random,
            note=logging.getLogger("opalite").warning,
        )
        hub = SecurityHub(sessions, now, sleep=time.sleep, jitter=random.random, pace=pace)
        workflow = Workflows(sessions, sleep=time.sleep, jitter=random.random, pace=pace)
    if own.topic_arn is not None:
        topic = Topics(sessions, own.topic_arn, sleep=time.sleep, jitter=random.random)
    return Life(
        entries=entries,
        standings=Standings(sessions, table, own.region, sleep=time.sleep, jitter=random.random),
        hub=hub,
        topic=topic,
        home_region=own.region,
        passed=own.passed_findings,
        notice_days=own.notice_days,
        refresh_days=own.refresh_days,
        workflow=workflow,
        suppressed=own.suppress_exempt,
        tag_keys=TagKeys(owner=own.owner_tags) if own.owner_tags else None,
        creators=_creators(sessions) if own.creator_lookup else None,
    )


def _creators(sessions: AwsSessions) -> Creators:
    from opalite.adapters.aws.cloudtrail_events import Creators as CloudTrailCreators  # noqa: PLC0415

    return CloudTrailCreators(sessions, now, sleep=time.sleep)


def now() -> datetime:
    """For caches and sessions; what is judged has the time of its event."""
    return datetime.now(UTC)  # noqa: TID251
