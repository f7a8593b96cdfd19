"""`opalite remediate`: a group of commands, each a thin function over opalite.remediation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from opalite.cli import clock
from opalite.cli.options import engine_options, take_engine_options
from opalite.cli.remediating import Workshop, workshop
from opalite.cli.remediation_keeping import COMMANDS
from opalite.cli.remediation_options import FORMAT, PLACE, options_of, take_place
from opalite.cli.remediation_output import show_attempts
from opalite.cli.remediation_targets import targets
from opalite.errors import OpaliteError, UsageError
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Request, Result, Target, Trigger, TriggerKind

F = TypeVar("F", bound=Callable[..., Any])

_WELL = frozenset({Result.APPLIED, Result.NOTHING, Result.UNDONE})
_LONGEST_SLEEP = 60.0
_SHORTEST_DIGEST = 8

_TARGETS = (
    click.argument("paths", nargs=-1, metavar="[PATH|-]..."),
    click.option("--policy", "policies", multiple=True, metavar="ID", help="Only what this policy says; may be repeated."),
    click.option("--resource", "resources", multiple=True, metavar="ACCOUNT/REGION/TYPE/ID",
                 help="A resource, instead of a file of decisions; needs --policy. May be repeated."),
)  # fmt: skip


@click.group()
def remediate() -> None:
    """Plan, apply, approve and undo remediations.

    What is decided is decided anew: a resource is read from AWS and judged by the same policy before anything is planned. How far a
    remediation may go stands in the settings (`remediation` in --data); without a word there it plans, and does nothing.

    \b
    Examples:
      opalite evaluate items/ --format jsonl | opalite remediate plan -
      opalite remediate apply --policy aws.ec2.securitygroup.restricted_ingress \\
        --resource 111122223333/eu-west-1/AWS::EC2::SecurityGroup/sg-0123 --data settings/
      opalite remediate undo 3f9ac21b77d0a4e1c052
    """


@remediate.command()
@options_of(*_TARGETS, *PLACE, FORMAT)
@engine_options
def plan(paths: tuple[str, ...], policies: tuple[str, ...], resources: tuple[str, ...], form: str, **given: Any) -> int:
    """Say what would be done, and do nothing.

    PATHs are decisions as `opalite evaluate --format jsonl` prints them; those of outcome fail are looked at. Exit codes: 0 there is
    nothing to do; 1 something is to be done, or cannot be; 2 misuse, or input that could not be read; 3 OPA or AWS failed.

    \b
    Examples:
      opalite remediate plan decisions.jsonl
      opalite remediate plan - --policy aws.s3.bucket.encryption --format json < decisions.jsonl
    """
    options, place = take_engine_options(given), take_place(given)
    found = targets(paths, policies, resources)
    with workshop(options, place) as ready:
        seen, problems = _each(found.targets, lambda target: ready.look(_request(target)))
        show_attempts([look.attempt for look in seen], ready.entries, form)
    return _code([look.attempt for look in seen], problems, unread=found.unread)


@remediate.command()
@options_of(*_TARGETS, *PLACE, FORMAT)
@click.option("--yes", is_flag=True, help="Agree to every plan in mode approve beforehand.")
@click.option(
    "--approve", "approved", multiple=True, metavar="DIGEST", help="Agree to the plan of this digest; may be repeated."
)
@click.option("--no-wait", is_flag=True, help="Do not wait while AWS is at it: `remediate resume` goes on.")
@engine_options
def apply(
    paths: tuple[str, ...],
    policies: tuple[str, ...],
    resources: tuple[str, ...],
    form: str,
    approved: tuple[str, ...],
    *,
    yes: bool,
    no_wait: bool,
    **given: Any,
) -> int:
    """Do what the settings allow, and verify it by the policy.

    In mode auto it is done; in mode approve the plan is shown and asked for on a terminal, unless --yes or --approve has agreed. With
    --table the approval is that of the function: see `remediate approve`. Exit codes: 0 all is well; 1 something was refused,
    failed, waits or is up to a person; 2 misuse; 3 OPA or AWS failed.

    \b
    Examples:
      opalite remediate apply decisions.jsonl --data settings/
      opalite remediate apply decisions.jsonl --data settings/ --approve 3f9ac21b
    """
    options, place = take_engine_options(given), take_place(given)
    found = targets(paths, policies, resources)
    with workshop(options, place) as ready:

        def work(target: Target) -> Attempt:
            attempt = ready.remediation.consider(_request(target))
            if attempt.result is Result.WAITING and ready.asks_here and _agreed(attempt, ready, yes, approved):
                attempt = ready.agree(attempt)
            return attempt if no_wait else _waited(ready, attempt)

        done, problems = _each(found.targets, work)
        show_attempts(done, ready.entries, form)
    return _code(done, problems, unread=found.unread)


@remediate.command()
@click.argument("record", metavar="RECORD")
@options_of(*PLACE, FORMAT)
@engine_options
def undo(record: str, form: str, **given: Any) -> int:
    """Take a remediation back, if the resource is still as it was left.

    RECORD is the id of an attempt, or the file of its record. If the resource was changed since, the places are named and nothing is
    done. Exit codes: 0 it is taken back; 1 it is not, or not all of it; 2 misuse; 3 OPA or AWS failed.

    \b
    Examples:
      opalite remediate undo 3f9ac21b77d0a4e1c052
      opalite remediate undo opalite-remediation/3f9ac21b77d0a4e1c052.json
    """
    options, place = take_engine_options(given), take_place(given)
    with workshop(options, place) as ready:
        attempt = ready.undo(ready.record(record), Trigger(kind=TriggerKind.COMMAND, event_id=record, at=clock.now()))
        show_attempts([attempt], ready.entries, form)
    return 0 if attempt.result is Result.UNDONE else 1


@remediate.command()
@click.argument("attempt_id", metavar="ATTEMPT")
@options_of(*PLACE, FORMAT)
@click.option("--no-wait", is_flag=True, help="Do not wait while AWS is at it.")
@engine_options
def resume(attempt_id: str, form: str, *, no_wait: bool, **given: Any) -> int:
    """Go on with what was deferred or left half done.

    Exit codes: 0 it is well; 1 it is not; 2 misuse; 3 OPA or AWS failed.

    \b
    Examples:
      opalite remediate resume 3f9ac21b77d0a4e1c052 --data settings/
    """
    options, place = take_engine_options(given), take_place(given)
    with workshop(options, place) as ready:
        attempt = ready.remediation.go_on(attempt_id)
        if not no_wait:
            attempt = _waited(ready, attempt)
        show_attempts([attempt], ready.entries, form)
    return 0 if attempt.result in _WELL else 1


def _request(target: Target) -> Request:
    at = clock.now()
    return Request(target, Trigger(kind=TriggerKind.COMMAND, event_id=f"command {at}", at=at))


_Done = TypeVar("_Done")


def _each(found: Sequence[Target], work: Callable[[Target], _Done]) -> tuple[list[_Done], int]:
    """One that fails keeps none of the others from being looked at."""
    done: list[_Done] = []
    problems = 0
    for target in found:
        try:
            done.append(work(target))
        except UsageError:
            raise
        except OpaliteError as error:
            problems += 1
            click.echo(f"opalite: error: {target.policy_id} on {target.resource_key}: {error}", err=True)
    return done, problems


def _agreed(attempt: Attempt, ready: Workshop, yes: bool, approved: Sequence[str]) -> bool:  # noqa: FBT001
    digest = attempt.plan.digest if attempt.plan else ""
    if yes or any(len(given) >= _SHORTEST_DIGEST and digest.startswith(given) for given in approved):
        return True
    if not sys.stdin.isatty():
        return False
    show_attempts([attempt], ready.entries, "text")
    return click.confirm("Agree to exactly this plan?", err=True)


def _waited(ready: Workshop, attempt: Attempt) -> Attempt:
    """Until it is over, or has to wait for more than AWS."""
    while attempt.result is Result.DEFERRED and attempt.has_changed_something and attempt.due_at is not None:
        seconds = min(ready.seconds_until(attempt.due_at), _LONGEST_SLEEP)
        ready.say(f"{attempt.id}: {attempt.reason}")
        ready.parts.sleep(max(seconds, 0.0))
        if ready.seconds_until(attempt.due_at) <= 0:
            attempt = ready.remediation.go_on(attempt.id)
    return attempt


def _code(done: Sequence[Attempt], problems: int, *, unread: int) -> int:
    if problems:
        return 3
    if unread:
        return 2
    return 0 if all(attempt.result in _WELL for attempt in done) else 1


for _command in COMMANDS:
    remediate.add_command(_command)
