"""How much there is to do in a day: from accounts, resources and changes to calls, objects and sandboxes. Plain arithmetic.

Everything is for one Region. `Assumptions` are guesses until somebody puts his own numbers in; the limits of AWS are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import StrEnum

DAY = 86_400
PAGE = 100  # evaluations in one call: https://docs.aws.amazon.com/config/latest/APIReference/API_PutEvaluations.html
# Imports in a second, in an account: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
IMPORTS_PER_SECOND = 10
LONGEST_SECONDS = 900  # of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
QUEUE_HOURS = (
    6  # an event waits no longer: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
)


class Layout(StrEnum):
    """A Config rule for each policy, or one for all: docs/decisions/0015."""

    POLICY = "policy"
    UMBRELLA = "umbrella"


def _given(default: float, text: str) -> float:
    return field(default=default, metadata={"text": text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Put your own numbers in. `text` says what each is, and is the help of its option."""

    resources: float = _given(300, "resources in an account, of the types that policies speak of")
    changes: float = _given(0.2, "changes of such a resource in a day, as AWS Config records them")
    policies: float = _given(2, "policies that speak of a resource, on average")
    scheduled: float = _given(0.9, "of these, such with `schedule: true`")
    scheduled_rules: float = _given(21, "Config rules with a schedule, where each policy has its own")
    schedules: float = _given(0, "schedules of a Config rule in a day (0: RuleSchedule=off; 1: on, every 24 hours)")
    sweeps: float = _given(1, "sweeps in a day")
    sweep_hours: float = _given(2, "hours over which AWS Config spreads what a sweep starts")
    peak: float = _given(10, "how many times the average of a day its busiest minute is")
    seconds: float = _given(0.3, "seconds of a warm event, with all outputs; your metric Duration has them")
    seconds_per_resource: float = _given(0.03, "seconds of a schedule for one resource")
    memory: float = _given(1, "GB of memory of the function")
    failing: float = _given(0.1, "share of decisions that fail")
    worsening: float = _given(0.02, "share of decisions about a change that say something new")
    refresh_days: float = _given(30, "days after which a finding is sent again")
    event_log: float = _given(1100, "bytes that an event logs")
    decision_log: float = _given(900, "bytes that each of its decisions adds")
    record: float = _given(1100, "bytes of a decision in the decision log, packed")
    log_days: float = _given(1096, "days for which the decision log is kept")


def assumed() -> list[tuple[str, float, str]]:
    """Name, default and meaning of each."""
    return [(one.name, float(one.default), one.metadata["text"]) for one in fields(Assumptions)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """In a day and a Region, unless the name says otherwise."""

    changes: float
    events: float
    evaluations: float
    decisions: float
    put_evaluations: float
    schedule_invocations: float
    imports: float
    reads: float
    writes: float
    objects: float
    messages: float
    role_sessions_at_most: float
    log_bytes: float
    lambda_seconds: float
    # of a second, or at one moment
    change_events_at_peak: float
    sweep_events_at_peak: float
    sandboxes_at_peak: float
    sandboxes_for_a_new_layer: float
    # of one account
    seconds_of_first_imports: float
    seconds_of_a_schedule: float


def load(given: Assumptions, accounts: float, layout: Layout) -> Load:
    resources = accounts * given.resources
    changes = resources * given.changes
    each, again = (given.policies, given.scheduled) if layout is Layout.POLICY else (1.0, float(given.scheduled > 0))
    rules = given.scheduled_rules if layout is Layout.POLICY else 1.0
    rules = rules if again else 0.0
    change_events, sweep_events = changes * each, resources * again * given.sweeps
    events = change_events + sweep_events
    schedules = accounts * rules * given.schedules
    in_schedules = resources * again * given.schedules
    per_schedule = given.resources * again / rules if rules else 0.0
    evaluations = events + in_schedules
    decisions = evaluations if layout is Layout.POLICY else evaluations * given.policies
    pages = schedules * math.ceil(per_schedule / PAGE)
    told = change_events * (given.policies / each) * given.worsening
    imports = told + resources * given.policies * given.failing / given.refresh_days
    sweep_rate = resources * again / (given.sweep_hours * 3600) if given.sweeps else 0.0
    change_rate = change_events * given.peak / DAY
    sandboxes = max(change_rate, sweep_rate) * given.seconds
    return Load(
        changes=changes,
        events=events,
        evaluations=evaluations,
        decisions=decisions,
        put_evaluations=events + pages,
        schedule_invocations=schedules,
        imports=imports,
        reads=decisions,
        writes=decisions + imports,
        objects=events + pages,
        messages=told * given.failing,
        role_sessions_at_most=events + schedules,
        log_bytes=(events + schedules) * given.event_log + decisions * given.decision_log,
        lambda_seconds=events * given.seconds + in_schedules * given.seconds_per_resource,
        change_events_at_peak=change_rate,
        sweep_events_at_peak=sweep_rate,
        sandboxes_at_peak=sandboxes,
        sandboxes_for_a_new_layer=resources * each * given.seconds / (QUEUE_HOURS * 3600),
        seconds_of_first_imports=given.resources * given.policies * given.failing / IMPORTS_PER_SECOND,
        seconds_of_a_schedule=per_schedule * given.seconds_per_resource,
    )
