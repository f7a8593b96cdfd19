"""What became of an attempt → the record, the finding, people.

Each is tried, whatever becomes of the others, and each is told once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opalite.errors import AwsError, DeliveryError
from opalite.ports import Denied
from opalite.remediation import brakes, notice
from opalite.remediation.attempt import Attempt, written
from opalite.remediation.model import Result, TriggerKind, digest
from opalite.remediation.parts import Parts

RECORD, FINDING, NOTICE = "record", "finding", "notice"
NOTICES_PER_HOUR = 20  # of a policy in an account, of what says that nothing was done; the records have them all
_SAME_HOURS = 24.0 * 30  # so long the same is not told again

# Results that say the same each time that somebody looks: told once.
_REPEATED = frozenset({Result.PLANNED, Result.ALERTED, Result.REFUSED, Result.OFF, Result.NOTHING})
# What is going on by itself needs nobody's attention.
_IN_PASSING = frozenset({Result.DEFERRED, Result.APPLYING})


def tell(parts: Parts, attempt: Attempt) -> Attempt:
    """With what is told by now. Raises DeliveryError naming all that could not be told; the next attempt to tell goes on there."""
    outputs: dict[str, Callable[[Attempt], None]] = {RECORD: lambda one: parts.records.put(one, written(one))}
    findings = parts.findings
    if findings is not None and attempt.finding_id is not None:
        outputs[FINDING] = findings.note
    if parts.notices is not None:
        outputs[NOTICE] = lambda one: _notify(parts, one)
    problems: list[str] = []
    told = list(attempt.told)
    for name, output in outputs.items():
        if name in told:
            continue
        try:
            output(attempt)
        except (AwsError, Denied, DeliveryError) as error:
            problems.append(f"{name}: {error}")
        else:
            told.append(name)
    if tuple(told) != attempt.told:
        attempt = parts.ledger.save(replace(attempt, told=tuple(told)))
    if problems:
        raise DeliveryError(f"attempt {attempt.id} is {attempt.result}, but was not told to {'; '.join(problems)}")
    return attempt


def _notify(parts: Parts, attempt: Attempt) -> None:
    if parts.notices is None or attempt.result in _IN_PASSING:
        return
    at = parts.now()
    if attempt.result in (Result.OFF, Result.NOTHING) and attempt.trigger.kind is not TriggerKind.CUSTOM_ACTION:
        return
    if attempt.result in _REPEATED:
        same = digest([attempt.target.policy_id, attempt.target.resource_key, attempt.result, _content(attempt)])
        if not parts.ledger.first(f"notice/{same}", attempt.id, expires=brakes.later(at, hours=_SAME_HOURS)):
            return
        if not brakes.may_tell(parts.ledger, attempt.target, NOTICES_PER_HOUR, at=at):
            return
    entry = parts.entries.get(attempt.target.policy_id, {})
    parts.notices.put([notice.message(attempt, entry)], deadline=parts.remaining)


def _content(attempt: Attempt) -> list[object]:
    plan = attempt.plan
    return [attempt.reason, plan and plan.digest, list(plan.instructions) if plan else []]
