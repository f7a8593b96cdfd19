"""Commands of `opalite remediate` about what is kept: approvals, records, the switch that stops everything; and the scaffold."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from opalite.cli import clock
from opalite.cli.options import PATH
from opalite.cli.remediating import RECORDS, Place, ledger, recorded, who
from opalite.cli.remediation_options import FORMAT, PLACE, options_of, take_place
from opalite.cli.remediation_output import list_attempts, show_attempts, shown_text
from opalite.cli.remediation_ways import undone
from opalite.errors import UsageError


@click.command()
@click.argument("attempt_id", metavar="ATTEMPT")
@click.option("--table", required=True, metavar="NAME", help="The DynamoDB table of the remediation function.")
@click.option(
    "--key", required=True, metavar="ARN", help="The KMS key of approvals: whoever may sign with it may approve."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def approve(attempt_id: str, table: str, key: str, *, yes: bool) -> int:
    """Agree to the plan of an attempt that waits for it.

    Shows the plan, signs attempt, plan and expiry with the key (kms:GenerateMac), and tells the state machine that waits. The function
    verifies the signature, and refuses if the resource has changed since. Exit codes: 0 it was handed over; 1 it was not agreed
    to; 2 misuse; 3 AWS failed.

    \b
    Example:
      opalite remediate approve 3f9ac21b77d0a4e1c052 --table opalite-remediation \\
        --key arn:aws:kms:eu-west-1:111122223333:key/mrk-0123
    """
    from opalite.cli.approving import check_key, hand_over, waiting  # noqa: PLC0415 - with boto3

    check_key(key)
    place = Place(Path(RECORDS), table, None, None)
    attempt = waiting(attempt_id, place)
    click.echo(shown_text(attempt, {}, None), nl=False)
    if not yes and not sys.stdin.isatty():
        click.echo(
            "opalite: not agreed to: nobody is asked without a terminal; read the plan, then say --yes", err=True
        )
        return 1
    if not yes and not click.confirm("Agree to exactly this plan?", err=True):
        return 1
    approver = hand_over(attempt, key)
    click.echo(f"approved by {approver}")
    return 0


@click.command("list")
@options_of(*PLACE, FORMAT)
def listed(form: str, **given: Any) -> int:
    """List the attempts of a folder of records.

    Exit codes: 0 all are listed; 2 misuse, or a file could not be read.

    \b
    Example:
      opalite remediate list --records opalite-remediation
    """
    from opalite.remediation.files import FileLedger  # noqa: PLC0415

    place = take_place(given)
    if place.table is not None:
        raise UsageError("--table: attempts of a table are listed by its records in the bucket; see docs/remediation")
    kept = FileLedger(place.records, clock.now)
    list_attempts(kept.all(), form)
    unread = [one for _, one in kept.records() if isinstance(one, UsageError)]
    for problem in unread:
        click.echo(f"opalite: error: {problem}", err=True)
    return 2 if unread else 0


@click.command()
@click.argument("record", metavar="RECORD")
@options_of(*PLACE, FORMAT)
def show(record: str, form: str, **given: Any) -> int:
    """Show an attempt: the plan, what was done, and how it ended.

    \b
    Example:
      opalite remediate show 3f9ac21b77d0a4e1c052
    """
    from opalite.remediation.files import FileLedger  # noqa: PLC0415

    place = take_place(given)
    attempt = recorded(record, place)
    others = FileLedger(place.records, clock.now).all() if place.table is None else ()
    show_attempts([attempt], {}, form, replace(place.ways(), undone=undone(others)))
    return 0


@click.command()
@click.argument("reason")
@options_of(*PLACE)
def stop(reason: str, **given: Any) -> int:
    """Throw the switch: nobody who uses this table or folder remediates anything any more, until `start`.

    What is half done is taken back by whoever goes on with it. `undo` still works: it is a person's own word.

    \b
    Example:
      opalite remediate stop "incident 7" --table opalite-remediation
    """
    place = take_place(given)
    if not reason.strip():
        raise UsageError("say why it is stopped: whoever is kept from a remediation reads that")
    ledger(place).stop(reason, who(place))
    click.echo("stopped: no remediation changes anything now, but for `undo`")
    return 0


@click.command()
@options_of(*PLACE)
def start(**given: Any) -> int:
    """Take the switch back.

    \b
    Example:
      opalite remediate start --table opalite-remediation
    """
    ledger(take_place(given)).start()
    click.echo("remediations may change things again, as far as the settings allow")
    return 0


@click.command()
@click.argument("name")
@click.option("--type", "resource_type", required=True, metavar="TYPE", help="The resource type, as AWS::SNS::Topic.")
@click.option("--service", required=True, metavar="NAME", help="The service as boto3 names it, as sns.")
@click.option("--into", type=PATH, default=".", show_default=True, metavar="FOLDER", help="The root of a checkout.")
def new(name: str, resource_type: str, service: str, into: Path) -> int:
    """Begin a new action: its module with permissions, its tests, its page.

    \b
    Example:
      opalite remediate new encrypt_topic --type AWS::SNS::Topic --service sns
    """
    from opalite.cli.remediation_scaffold import written  # noqa: PLC0415

    for line in written(into, name, resource_type, service):
        click.echo(line)
    return 0


COMMANDS = (approve, listed, show, stop, start, new)
