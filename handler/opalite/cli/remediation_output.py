"""Attempts for people and for programs, on standard output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import orjson

from opalite.publish.foreign import plain
from opalite.remediation.attempt import Attempt, written
from opalite.remediation.notice import text

FORMATS = ("text", "json", "jsonl")
_WIDTH = 100


def show_attempts(
    attempts: Sequence[Attempt], entries: Mapping[str, Mapping[str, Any]], form: str, *, short: bool = False
) -> None:
    """As text, a JSON array, or a line of JSON each."""
    if form == "json":
        click.echo(orjson.dumps([_document(one) for one in attempts], option=orjson.OPT_INDENT_2))
    elif form == "jsonl":
        for one in attempts:
            click.echo(orjson.dumps(_document(one)))
    elif short:
        for one in attempts:
            target = one.target
            click.echo(
                f"{one.id}  {one.began_at}  {one.result:<10}  {one.action}  {plain(target.resource_key, _WIDTH)}"
            )
    else:
        for number, one in enumerate(attempts):
            click.echo(("\n" if number else "") + text(one, entries.get(one.target.policy_id, {})), nl=False)
            if one.plan is not None and one.plan.steps:
                click.echo(f"Plan: {one.plan.digest}")


def _document(attempt: Attempt) -> dict[str, Any]:
    """The record, and the digest that --approve takes."""
    return {**written(attempt), "plan_digest": attempt.plan.digest if attempt.plan else None}
