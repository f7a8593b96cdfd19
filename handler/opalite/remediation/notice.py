"""An attempt → the message that people and programs get. Pure.

What others wrote (names, tags, words of AWS) stays within its line; see publish.foreign.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opalite.model import JsonObject, Message
from opalite.publish.foreign import ascii_line, harmless, plain
from opalite.publish.mail import SUBJECT_CHARACTERS
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result, Step

SCHEMA_VERSION = 1
MOST_STEPS = 30
MOST_INSTRUCTIONS = 15  # of each at most a thousand characters: text and document together must fit a message
_LINE = 300
_ROOM = 1024

_TOLD: Mapping[Result, str] = {
    Result.OFF: "not done, or not now",
    Result.NOTHING: "nothing to do",
    Result.REFUSED: "nothing was done",
    Result.PLANNED: "planned, nothing was done",
    Result.WAITING: "waits for an approval",
    Result.DEFERRED: "has to wait",
    Result.APPLYING: "under way",
    Result.APPLIED: "mended, the policy passes",
    Result.ALERTED: "up to a person",
    Result.UNVERIFIED: "done, but the policy does not pass",
    Result.FAILED: "failed",
    Result.UNDONE: "undone",
}


def message(attempt: Attempt, entry: Mapping[str, Any]) -> Message:
    """`entry`: the policy's in the catalog."""
    return Message(_subject(attempt), text(attempt, entry), _document(attempt, entry), _attributes(attempt, entry))


def _subject(attempt: Attempt) -> str:
    target = attempt.target
    what = f"{attempt.action or target.policy_id} on {target.resource_id} in {target.account_id}"
    return ascii_line(f"Opalite remediation: {_TOLD[attempt.result]}: {what}", SUBJECT_CHARACTERS)


def text(attempt: Attempt, entry: Mapping[str, Any]) -> str:
    """For a mail, or a terminal."""
    lines = [f"Remediation: {_TOLD[attempt.result]}", ""]
    lines += [f"{label + ':':<11} {value}" for label, value in _facts(attempt, entry)]
    plan = attempt.plan
    if plan is not None and plan.steps:
        lines += ["", _heading(attempt)]
        for number, step in enumerate(plan.steps[:MOST_STEPS], 1):
            lines += [f"{number}. {harmless(step.name, _LINE)} ({step.call.operation}){_fate(attempt, step)}"]
            lines += [f"   because {harmless(step.reason, _LINE)}"]
        if len(plan.steps) > MOST_STEPS:
            lines += [f"+{len(plan.steps) - MOST_STEPS} more, in the record."]
    if plan is not None and plan.instructions and attempt.undoes is None:  # they are of what was done
        lines += ["", "What is up to you:"]
        lines += [f"- {harmless(one, _ROOM)}" for one in plan.instructions[:MOST_INSTRUCTIONS]]
    lines += ["", *_next(attempt)]
    return "\n".join(lines).rstrip() + "\n"


def _facts(attempt: Attempt, entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    target = attempt.target
    yield "Reason", harmless(attempt.reason, _LINE)
    yield (
        "Policy",
        f"{harmless(str(entry.get('title') or target.policy_id), _LINE)} ({harmless(target.policy_id, _LINE)})",
    )
    yield "Resource", f"{harmless(target.resource_type, _LINE)} {harmless(target.resource_id, _LINE)}"
    yield "Account", f"{harmless(target.account_id, _LINE)}, {harmless(target.region, _LINE)}"
    if attempt.before is not None:
        yield "Why", harmless(attempt.before.annotation, _LINE)
    if attempt.after is not None:
        yield "Now", harmless(attempt.after.annotation, _LINE)
    yield "Mode", str(attempt.mode)
    yield "Attempt", attempt.id
    if attempt.trigger.by:
        yield "Asked by", harmless(attempt.trigger.by, _LINE)


def _heading(attempt: Attempt) -> str:
    if attempt.undoes is not None:
        return "What was to be taken back:"
    return "What was done:" if attempt.applied else "What would be done:"


def _fate(attempt: Attempt, step: Step) -> str:
    one = attempt.steps_done.get(step.name)
    if attempt.undoes is not None:
        stays = attempt.result is Result.UNDONE and step.stays and not step.only_looks
        return " - still stands" if one else " - stays" if stays else ""
    if one is None:
        return " - not done" if attempt.applied else ""
    return " - had been done before" if one.already else f" - {one.progress}"


def _next(attempt: Attempt) -> Iterator[str]:
    match attempt.result:
        case Result.WAITING if attempt.approval is not None:
            yield f"To agree, until {attempt.approval.expires}: opalite remediate approve {attempt.id}"
        case Result.APPLIED | Result.UNVERIFIED if attempt.can_be_undone:
            yield f"To take it back: {_undo(attempt)}"
        case Result.FAILED if attempt.can_be_undone:
            yield f"To take back what was done: {_undo(attempt)}"
        case _:
            yield f"The record: opalite remediate show {attempt.id}"


def _undo(attempt: Attempt) -> str:
    """By the role of the action, which people do not have."""
    return f'invoke the remediation function with {{"undo": "{attempt.id}"}}'


def _attributes(attempt: Attempt, entry: Mapping[str, Any]) -> dict[str, str]:
    """As notifications of decisions have them, so that the same subscriptions fit."""
    severity = attempt.before.severity if attempt.before else entry.get("severity")
    return {
        "severity": str(severity or "INFORMATIONAL"),
        "owner": plain(attempt.owner, _LINE),
        "change": f'["remediation_{attempt.result}"]',
        "policy": f'["{plain(attempt.target.policy_id, 128)}"]',
        "account": f'["{plain(attempt.target.account_id, 64)}"]',
        "region": f'["{plain(attempt.target.region, 32)}"]',
    }


def _document(attempt: Attempt, entry: Mapping[str, Any]) -> JsonObject:
    target, plan = attempt.target, attempt.plan
    steps = plan.steps[:MOST_STEPS] if plan else ()
    return {
        "type": "opalite.remediation",
        "schema_version": SCHEMA_VERSION,
        "id": attempt.id,
        "result": str(attempt.result),
        "reason": plain(attempt.reason, _ROOM),
        "mode": str(attempt.mode),
        "action": attempt.action,
        "policy_id": plain(target.policy_id, _ROOM),
        "title": plain(str(entry.get("title") or target.policy_id), _ROOM),
        "account_id": plain(target.account_id, _ROOM),
        "region": plain(target.region, _ROOM),
        "resource_type": plain(target.resource_type, _ROOM),
        "resource_id": plain(target.resource_id, _ROOM),
        "finding_id": attempt.finding_id,
        "plan": plan.digest if plan else None,
        "steps": [
            {"name": plain(step.name, _LINE), "reason": plain(step.reason, _LINE), "call": step.call.operation}
            for step in steps
        ],
        "step_count": len(plan.steps) if plan else 0,
        "instructions": [plain(one, _ROOM) for one in plan.instructions[:MOST_INSTRUCTIONS]]
        if plan and attempt.undoes is None
        else [],
        "approval_expires": attempt.approval.expires if attempt.approval else None,
        "began_at": attempt.began_at,
        "changed_at": attempt.changed_at,
    }
