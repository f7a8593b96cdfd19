"""Attempts for people and for programs, on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click
import orjson

from opalite.cli.remediation_ways import Ways, undone
from opalite.publish.foreign import plain
from opalite.remediation.attempt import Attempt, written
from opalite.remediation.considering import Look
from opalite.remediation.model import Result
from opalite.remediation.notice import text

FORMATS = ("text", "json", "jsonl")
SHORT_DIGEST = 12
_WIDTH = 300  # ARNs of load balancers are long, and differ at their end
_STILL_TO_BE_DONE = frozenset({Result.PLANNED, Result.WAITING})


class Shown:
    """Each as soon as it is known, so that what was done is told whatever becomes of the next; a JSON array at the end.

    `ways`: how other commands find them; None if they are not kept.
    """

    def __init__(self, form: str, entries: Mapping[str, Mapping[str, Any]], ways: Ways | None) -> None:
        self._form = form
        self._entries = entries
        self._ways = ways
        self._documents: list[dict[str, Any]] = []
        self._texts = 0

    def add(self, attempt: Attempt) -> None:
        """One attempt."""
        if self._form == "json":
            self._documents.append(_document(attempt))
        elif self._form == "jsonl":
            click.echo(orjson.dumps(_document(attempt)))
        else:
            click.echo(("\n" if self._texts else "") + shown_text(attempt, self._entries, self._ways), nl=False)
            self._texts += 1

    def end(self) -> None:
        """There are no more."""
        if self._form == "json":
            click.echo(orjson.dumps(self._documents, option=orjson.OPT_INDENT_2))


def looked_at(look: Look) -> Attempt:
    """The attempt of somebody who only wants to know: nothing waits for an approval, and nothing is under way."""
    attempt = look.attempt
    window = look.guarded.window if look.guarded is not None else None
    if attempt.result is Result.WAITING:
        reason = "approve is set here: `apply` asks for an approval"
    elif attempt.result is not Result.APPLYING:
        return attempt
    elif window is None or window.open:
        reason = f"{attempt.reason}: `apply` does it"
    else:
        reason = f"{attempt.reason}: `apply` does it once a maintenance window opens ({window.opens_at or 'none does within a week'})"
    return replace(attempt, result=Result.PLANNED, reason=reason, approval=None, due_at=None)


def shown_text(attempt: Attempt, entries: Mapping[str, Mapping[str, Any]], ways: Ways | None) -> str:
    """The last lines of a notification tell what the function's people do next; at a terminal that is something else."""
    body = text(attempt, entries.get(attempt.target.policy_id, {})).rpartition("\n\n")[0]
    ending = [f"Plan: {attempt.plan.digest}"] if attempt.plan and attempt.result in _STILL_TO_BE_DONE else []
    if ways is not None:
        undoing = ways.undone.get(attempt.id)
        ending.append(_next(attempt, ways) if undoing is None else f"It was taken back: {ways.show(undoing)}")
    return "\n".join([body, *(["", *ending] if ending else [])]) + "\n"


def show_attempts(
    attempts: Sequence[Attempt], entries: Mapping[str, Mapping[str, Any]], form: str, ways: Ways | None
) -> None:
    """As text, a JSON array, or a line of JSON each."""
    shown = Shown(form, entries, ways)
    for one in attempts:
        shown.add(one)
    shown.end()


def list_attempts(attempts: Sequence[Attempt], form: str) -> None:
    """A line each."""
    if form != "text":
        show_attempts(attempts, {}, form, None)
        return
    taken_back = undone(attempts)
    for one in attempts:
        key = plain(one.target.resource_key, _WIDTH)
        more = f"  undo of {one.undoes}" if one.undoes is not None else ""
        more += f"  taken back by {taken_back[one.id]}" if one.id in taken_back else ""
        click.echo(f"{one.id}  {one.began_at}  {one.result:<10}  {one.action or '-'}  {key}{more}")


def _next(attempt: Attempt, ways: Ways) -> str:
    digest = attempt.plan.digest[:SHORT_DIGEST] if attempt.plan else ""
    match attempt.result:
        case Result.WAITING if attempt.approval is not None and "--table" in ways.where:
            how = ways.approve(attempt.id) + (
                ""
                if attempt.approval.token
                else f', once the function has asked: invoke it with {{"advance": "{attempt.id}"}}'
            )
            return f"To agree, until {attempt.approval.expires}: {how}"
        case Result.WAITING:
            return f"To agree: opalite remediate apply once more, with --approve {digest}"
        case Result.DEFERRED | Result.APPLYING if attempt.undoes is not None:
            return f"To go on: {ways.undo(attempt.undoes)}"
        case Result.DEFERRED | Result.APPLYING:
            since = f", from {attempt.due_at}" if attempt.result is Result.DEFERRED and attempt.due_at else ""
            with_ = ", with the --data and --bundle that it was begun with" if ways.judged_by is None else ""
            return f"To go on{since}{with_}: {ways.resume(attempt.id)}"
        case Result.APPLIED | Result.UNVERIFIED | Result.FAILED | Result.ALERTED if attempt.can_be_undone:
            return f"To take it back: {ways.undo(attempt.id)}"
        case _:
            return f"The record: {ways.show(attempt.id)}"


def _document(attempt: Attempt) -> dict[str, Any]:
    """The record, and the digest that --approve takes."""
    return {**written(attempt), "plan_digest": attempt.plan.digest if attempt.plan else None}
