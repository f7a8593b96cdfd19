"""Attempts for people and for programs, on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from opalite.publish.foreign import plain
from opalite.remediation.attempt import Attempt, written
from opalite.remediation.model import Result
from opalite.remediation.notice import text

FORMATS = ("text", "json", "jsonl")
SHORT_DIGEST = 12
_WIDTH = 100
_STILL_TO_BE_DONE = frozenset({Result.PLANNED, Result.WAITING})


class Shown:
    """Each as soon as it is known, so that what was done is told whatever becomes of the next; a JSON array at the end.

    `where`: the options that lead to where attempts are kept; None if they are not kept.
    """

    def __init__(self, form: str, entries: Mapping[str, Mapping[str, Any]], where: str | None) -> None:
        self._form = form
        self._entries = entries
        self._where = where
        self._documents: list[dict[str, Any]] = []
        self._texts = 0

    def add(self, attempt: Attempt) -> None:
        """One attempt."""
        if self._form == "json":
            self._documents.append(_document(attempt))
        elif self._form == "jsonl":
            click.echo(orjson.dumps(_document(attempt)))
        else:
            click.echo(("\n" if self._texts else "") + shown_text(attempt, self._entries, self._where), nl=False)
            self._texts += 1

    def end(self) -> None:
        """There are no more."""
        if self._form == "json":
            click.echo(orjson.dumps(self._documents, option=orjson.OPT_INDENT_2))


def shown_text(attempt: Attempt, entries: Mapping[str, Mapping[str, Any]], where: str | None) -> str:
    """The last lines of a notification tell what the function's people do next; at a terminal that is something else."""
    body = text(attempt, entries.get(attempt.target.policy_id, {})).rpartition("\n\n")[0]
    ending = [f"Plan: {attempt.plan.digest}"] if attempt.plan and attempt.result in _STILL_TO_BE_DONE else []
    if where is not None:
        ending.append(_next(attempt, where))
    return "\n".join([body, *(["", *ending] if ending else [])]) + "\n"


def show_attempts(
    attempts: Sequence[Attempt], entries: Mapping[str, Mapping[str, Any]], form: str, where: str | None
) -> None:
    """As text, a JSON array, or a line of JSON each."""
    shown = Shown(form, entries, where)
    for one in attempts:
        shown.add(one)
    shown.end()


def list_attempts(attempts: Sequence[Attempt], form: str) -> None:
    """A line each."""
    if form != "text":
        show_attempts(attempts, {}, form, None)
        return
    for one in attempts:
        key = plain(one.target.resource_key, _WIDTH)
        click.echo(f"{one.id}  {one.began_at}  {one.result:<10}  {one.action or '-'}  {key}")


def _next(attempt: Attempt, where: str) -> str:
    digest = attempt.plan.digest[:SHORT_DIGEST] if attempt.plan else ""
    match attempt.result:
        case Result.WAITING if attempt.approval is not None and "--table" in where:
            how = f"opalite remediate approve {attempt.id}{where} --key ARN" + (
                ""
                if attempt.approval.token
                else f', once the function has asked: invoke it with {{"advance": "{attempt.id}"}}'
            )
            return f"To agree, until {attempt.approval.expires}: {how}"
        case Result.WAITING:
            return f"To agree: opalite remediate apply once more, with --approve {digest}"
        case Result.DEFERRED if attempt.due_at is not None:
            return f"To go on, from {attempt.due_at}: opalite remediate resume {attempt.id}{where}"
        case Result.DEFERRED | Result.APPLYING:
            return f"To go on: opalite remediate resume {attempt.id}{where}"
        case Result.APPLIED | Result.UNVERIFIED | Result.FAILED | Result.ALERTED if attempt.applied:
            return f"To take it back: opalite remediate undo {attempt.id}{where}"
        case _:
            return f"The record: opalite remediate show {attempt.id}{where}"


def _document(attempt: Attempt) -> dict[str, Any]:
    """The record, and the digest that --approve takes."""
    return {**written(attempt), "plan_digest": attempt.plan.digest if attempt.plan else None}
