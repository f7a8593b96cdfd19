"""`opalite remediate`: a group of commands, each a thin function over opalite.remediation."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click

from opalite.cli import clock
from opalite.cli.options import engine_options, take_engine_options
from opalite.cli.remediating import Workshop, recorded, to_be_carried_out, workshop
from opalite.cli.remediation_keeping import COMMANDS
from opalite.cli.remediation_options import FORMAT, PLACE, options_of, take_place
from opalite.cli.remediation_output import Shown, looked_at, show_attempts, shown_text
from opalite.cli.remediation_targets import Targets, check, targets
from opalite.cli.remediation_ways import undone
from opalite.errors import AwsError, OpaliteError, UsageError
from opalite.publish.foreign import plain
from opalite.remediation.attempt import Attempt, attempt_id
from opalite.remediation.files import FileLedger
from opalite.remediation.model import Request, Result, Target, Trigger, TriggerKind
from opalite.remediation.parts import Overtaken

F = TypeVar("F", bound=Callable[..., Any])

_WELL = frozenset({Result.APPLIED, Result.NOTHING, Result.UNDONE})
_LONGEST_SLEEP = 60.0
_SHORTEST_DIGEST = 8
_DIGEST = re.compile(r"[0-9a-f]{8,64}")
_WIDTH = 300

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
    check(paths, policies, resources)
    with workshop(options, place) as ready:
        found = _targets(ready, paths, policies, resources)
        shown = Shown(form, ready.entries, None)
        done, problems = _each(found.targets, lambda target: looked_at(ready.look(_request(target))), shown)
    return _code(done, problems, unread=found.unread)


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
    check(paths, policies, resources)
    _check_digests(approved)
    with workshop(options, place) as ready:
        found = _targets(ready, paths, policies, resources)

        def work(target: Target) -> Attempt:
            request = _request(target)
            with _resumable(ready, request):
                attempt = ready.consider(request)
                if attempt.result is Result.WAITING and ready.asks_here and _agreed(attempt, ready, yes, approved):
                    attempt = ready.agree(attempt)
                return attempt if no_wait else _waited(ready, attempt)

        done, problems = _each(found.targets, work, Shown(form, ready.entries, ready.ways))
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
        original = to_be_carried_out(ready.record(record))
        with _alone(original):
            attempt = ready.undo(original, Trigger(kind=TriggerKind.COMMAND, event_id=record, at=clock.now()))
        show_attempts([attempt], ready.entries, form, ready.ways)
    return 0 if attempt.result is Result.UNDONE else 1


@remediate.command()
@click.argument("attempt", metavar="ATTEMPT")
@options_of(*PLACE, FORMAT)
@click.option("--no-wait", is_flag=True, help="Do not wait while AWS is at it.")
@engine_options
def resume(attempt: str, form: str, *, no_wait: bool, **given: Any) -> int:
    """Go on with what was deferred or left half done.

    Exit codes: 0 it is well; 1 it is not; 2 misuse; 3 OPA or AWS failed.

    \b
    Examples:
      opalite remediate resume 3f9ac21b77d0a4e1c052 --data settings/
    """
    options, place = take_engine_options(given), take_place(given)
    with workshop(options, place) as ready:
        known = recorded(attempt, place)
        if known.is_open:
            to_be_carried_out(known)
        with _alone(known):
            done = ready.remediation.go_on(known.id)
            if not no_wait:
                done = _waited(ready, done)
        others = ready.parts.ledger.all() if isinstance(ready.parts.ledger, FileLedger) else ()
        show_attempts([done], ready.entries, form, replace(ready.ways, undone=undone(others)))
    return 0 if done.result in _WELL else 1


def _request(target: Target) -> Request:
    at = clock.now()
    return Request(target, Trigger(kind=TriggerKind.COMMAND, event_id=f"command {at}", at=at))


def _targets(ready: Workshop, paths: Sequence[str], policies: Sequence[str], resources: Sequence[str]) -> Targets:
    chosen = sorted(ready.catalog.resolve(policies, idle=True))
    return targets(paths, chosen, resources, lambda policy_id: policy_id in ready.entries)


def _each(found: Sequence[Target], work: Callable[[Target], Attempt], shown: Shown) -> tuple[list[Attempt], int]:
    """One that fails keeps none of the others from being looked at."""
    done: list[Attempt] = []
    problems = 0
    for target in found:
        try:
            attempt = work(target)
        except UsageError:
            raise
        except (OpaliteError, Overtaken) as error:
            problems += 1
            name = plain(f"{target.policy_id} on {target.resource_key}", _WIDTH)
            click.echo(f"opalite: error: {name}: {error}", err=True)
        else:
            done.append(attempt)
            shown.add(attempt)
    shown.end()
    return done, problems


@contextmanager
def _alone(attempt: Attempt) -> Iterator[None]:
    try:
        yield
    except Overtaken:
        raise AwsError(f"attempt {attempt.id}: another run goes on with it at the same time") from None


@contextmanager
def _resumable(ready: Workshop, request: Request) -> Iterator[None]:
    """Whoever interrupts it learns what he has left half done."""
    try:
        yield
    except (KeyboardInterrupt, click.Abort, SystemExit):
        name = attempt_id(request.target, request.trigger.event_id)
        known = ready.parts.ledger.load(name)
        if known is not None and known.is_open and known.result is not Result.WAITING:
            ready.say(f"attempt {name} is not over: {ready.ways.resume(name)}")
        raise


def _check_digests(approved: Sequence[str]) -> None:
    for given in approved:
        if not _DIGEST.fullmatch(given):
            raise UsageError(
                f"--approve: {given[:80]!r} is not the beginning of a digest, {_SHORTEST_DIGEST} characters at least"
            )


def _agreed(attempt: Attempt, ready: Workshop, yes: bool, approved: Sequence[str]) -> bool:  # noqa: FBT001
    digest = attempt.plan.digest if attempt.plan else ""
    if yes or any(digest.startswith(given) for given in approved):
        return True
    if not sys.stdin.isatty():
        return False
    click.echo(shown_text(attempt, ready.entries, None), err=True)
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
