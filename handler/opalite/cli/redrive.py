"""`opalite redrive`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import click

from opalite.cli import clock
from opalite.errors import AwsError, UsageError
from opalite.ports import Denied, Sessions
from opalite.redrive.run import Did, Redrive

_ERRORS = (Did.FAILED, Did.UNREADABLE)


@click.command()
@click.option("--queue", metavar="URL", required=True, help="The function's queue for failed events.")
@click.option("--function", "function", metavar="ARN", required=True, help="The function behind the Config rules.")
@click.option("--role", metavar="NAME", help="Role in member accounts that may have their Config rules evaluated anew.")
@click.option("--external-id", metavar="ID", help="External id that this role demands.")
@click.option("--max", "most", type=click.IntRange(min=1), metavar="N", help="Look at so many messages at most.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and leave all messages in the queue.")
def redrive(
    queue: str, function: str, role: str | None, external_id: str | None, most: int | None, *, dry_run: bool
) -> int:
    """Send events that failed to the function again.

    Takes them from the queue of the function's on-failure destination, invokes the function with each, waits for its answer,
    and deletes from the queue what it took. If AWS Config takes the result token of an event no more, its Config rule is
    evaluated anew, once in a run. Exit codes: 0 all delivered; 1 something is still in the queue; 2 misuse; 3 AWS failed.

    \b
    Examples:
      opalite redrive --queue URL --function ARN --dry-run
      opalite redrive --queue URL --function ARN --role OpaliteMember
    """
    from opalite.adapters.aws.failed_events import LONGEST_INVOCATION  # noqa: PLC0415 - with boto3, half a second
    from opalite.adapters.aws.remote import limits  # noqa: PLC0415
    from opalite.adapters.aws.sessions import AwsSessions, Role  # noqa: PLC0415

    if external_id is not None and role is None:
        raise UsageError("--external-id is said when a role is assumed: name it by --role")
    members = AwsSessions(_now, role=None if role is None else Role(role, external_id=external_id))
    # An invocation that is tried again by itself would run twice.
    patient = AwsSessions(_now, config=limits(connect=10, read=LONGEST_INVOCATION, attempts=1))
    return run(members, patient, queue, function, most=most, dry_run=dry_run, sleep=time.sleep)


def run(
    sessions: Sessions,
    patient: Sessions,
    queue: str,
    function: str,
    *,
    most: int | None,
    dry_run: bool,
    sleep: Callable[[float], None],
) -> int:
    """`patient` waits for the function, `sessions` asks everything else."""
    from opalite.adapters.aws.config_results import ConfigResults  # noqa: PLC0415
    from opalite.adapters.aws.failed_events import FailedEvents, Function, function_arn  # noqa: PLC0415

    found = function_arn(function)
    try:
        own = sessions.caller()
        if own != found.account_id:
            raise UsageError(
                f"--function is in account {found.account_id}, the credentials are of account {own}: sign in there"
            )
        job = Redrive(
            queue=FailedEvents(sessions, queue, account_id=own, region=found.region),
            function_arn=found.arn,
            send=Function(patient, found, sleep=sleep).send,
            start=ConfigResults(sessions).start,
            tell=_tell,
            dry_run=dry_run,
            most=most,
        )
        _worked(job)
    except Denied as denied:
        raise AwsError(str(denied)) from None
    if job.silences:
        return 3
    return 1 if any(job.counts[did] for did in _ERRORS) else 0


def _worked(job: Redrive) -> None:
    """The counts are told whatever happens: what was done is done."""
    try:
        job.run()
    finally:
        total = sum(job.counts.values())
        told = ", ".join(f"{job.counts[did]} {did}" for did in Did if job.counts[did])
        click.echo(f"{total} message{'s' * (total != 1)}: {told or 'the queue is empty'}")


def _tell(did: Did, name: str, why: str) -> None:
    line = f"{did}: {name}" + (f": {why}" if why else "")
    if did in _ERRORS:
        click.echo(f"opalite: error: {line}", err=True)
    else:
        click.echo(line)


def _now() -> datetime:
    return datetime.fromisoformat(clock.now())
