"""`opalite doctor`."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from opalite.cli import clock
from opalite.cli.options import PATH
from opalite.errors import AwsError, UsageError

if TYPE_CHECKING:
    from opalite.adapters.aws.sessions import Role
    from opalite.doctor.examination import Job
    from opalite.doctor.settings import Subject
    from opalite.ports import Place

_FORMS = {
    "accounts": (re.compile(r"[0-9]{12}"), "the id of an account: write 12 digits each"),
    "regions": (re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}"), "a Region like eu-west-1"),
}
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
_QUEUE = re.compile(r"https?://[A-Za-z0-9.:-]{1,255}/[A-Za-z0-9_./-]{1,160}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))


def _listed(_: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    entries = tuple(dict.fromkeys(entry.strip() for entry in (text or "").split(",") if entry.strip()))
    form, words = _FORMS[str(option.name)]
    for entry in entries:
        if not form.fullmatch(entry):
            raise click.BadParameter(f"{entry[:80]!r} is not {words}")
    return tuple(sorted(entries)) if option.name == "accounts" else entries


def _of(form: re.Pattern[str], words: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    def checked(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
        if text is not None and not form.fullmatch(text):
            raise click.BadParameter(f"{text[:80]!r} is not {words}")
        return text

    return checked


@click.command()
@click.option(
    "--function",
    metavar="ARN",
    help="The function behind the Config rules. Its environment names what is not given here.",
)
@click.option(
    "--role", metavar="NAME", help="Role by which to look into other accounts; without it, the function's member role."
)
@click.option("--external-id", metavar="ID", help="External id that this role demands.")
@click.option(
    "--accounts", metavar="A,B", callback=_listed, help="Examine these accounts; without it, the caller's own."
)
@click.option("--all", "whole", is_flag=True, help="Examine all active accounts of the organization.")
@click.option(
    "--regions", metavar="R,R", callback=_listed, help="In these Regions; without it, in that of the function."
)
@click.option(
    "--log-bucket", metavar="NAME", callback=_of(_BUCKET, "the name of a bucket"), help="Bucket of the decision log."
)
@click.option(
    "--state-table", metavar="NAME", callback=_of(_TABLE, "the name of a table"), help="Table of the standings."
)
@click.option("--topic", metavar="ARN", callback=_of(_TOPIC, "the ARN of a topic"), help="Topic of notifications.")
@click.option(
    "--queue",
    metavar="URL",
    callback=_of(_QUEUE, "the URL of a queue"),
    help="Queue of failed events; without it, the function's on-failure destination.",
)
@click.option(
    "--remediation-table",
    metavar="NAME",
    callback=_of(_TABLE, "the name of a table"),
    help="Table of the remediation function.",
)
@click.option(
    "--layer",
    type=PATH,
    metavar="ZIP",
    help="The layer that should be attached, to compare revision, OPA and policies.",
)
@click.option(
    "--stale-days",
    type=click.IntRange(1, 365),
    default=7,
    show_default=True,
    metavar="N",
    help="After how many days without an evaluation a rule is stale.",
)
@click.option("--write", is_flag=True, help="Also write an empty object, .doctor/probe, into the log's bucket.")
@click.option("--allow-unknown", is_flag=True, help="What AWS does not tell does not make the exit code 1.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    metavar="N",
    help="Ask so many accounts at once.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def doctor(form: str, **given: Any) -> int:
    """Examine a deployment: organization, function, rules, accounts and outputs.

    Reads only, but for an evaluation in test mode, which AWS Config does not keep, and what --write writes. Each fault comes
    with its remedy. Exit codes: 0 all well; 1 something is wrong, or not known (unless --allow-unknown); 2 misuse; 3 AWS could
    not be asked.

    \b
    Examples:
      opalite doctor
      opalite doctor --function ARN --all
      opalite doctor --function ARN --accounts 111122223333 --role OpaliteMember --external-id ID --format json
    """
    allow_unknown = given.pop("allow_unknown")
    with _bar() as progress:
        return run(_job(given, progress), form, allow_unknown=allow_unknown)


def _job(given: dict[str, Any], progress: Callable[[int, int], None]) -> Job:
    """boto3 is loaded here. Raises UsageError for what cannot be, before anything is asked."""
    from opalite.adapters.aws.members import Members  # noqa: PLC0415 - with boto3, half a second
    from opalite.adapters.aws.sessions import AwsSessions  # noqa: PLC0415
    from opalite.cli.doctor_layer import fetched, named  # noqa: PLC0415
    from opalite.doctor.asking import Asking  # noqa: PLC0415
    from opalite.doctor.examination import Job  # noqa: PLC0415
    from opalite.ports import Denied  # noqa: PLC0415

    path, jobs = given.pop("layer"), given.pop("jobs")
    layer = None if path is None else named(path)
    subject = _subject(given)
    _role(subject)
    sessions = AwsSessions(_now)
    try:
        place = _place(subject, sessions.caller())
    except Denied as denied:
        raise AwsError(str(denied)) from None
    return Job(
        asking=Asking(sessions),
        asking_members=lambda told: Asking(AwsSessions(_now, role=_role(told)) if told.role else sessions),
        subject=subject,
        place=place,
        now=_now(),
        catalog=_installed(),
        accounts=Members(sessions, _now).all,
        layer=layer,
        fetch=fetched,
        jobs=jobs,
        progress=progress,
    )


def _role(subject: Subject) -> Role | None:
    from opalite.adapters.aws.sessions import Role  # noqa: PLC0415

    if subject.role is None:
        return None
    return Role(
        subject.role,
        external_id=subject.external_id,
        source_identity=subject.source_identity,
        tags=subject.session_tags,
    )


def run(job: Job, form: str, *, allow_unknown: bool) -> int:
    """Examine, tell, and say by the exit code how it is."""
    from opalite.cli.doctor_output import writer  # noqa: PLC0415
    from opalite.doctor.examination import examined  # noqa: PLC0415
    from opalite.doctor.summary import Summary  # noqa: PLC0415

    summary = Summary()
    out = writer(form)
    out.begin()
    for one in examined(job):
        summary.add(one)
        out.add(one)
    out.end(summary)
    return 0 if summary.is_well(unknown=allow_unknown) else 1


def _subject(given: dict[str, Any]) -> Subject:
    from opalite.doctor.settings import Subject  # noqa: PLC0415

    if given["external_id"] is not None and given["role"] is None:
        raise UsageError("--external-id is said when a role is assumed: name it by --role")
    if given["whole"] and given["accounts"]:
        raise UsageError("--all and --accounts both say which accounts: give one of them")
    return Subject(**given)


def _place(subject: Subject, own: str) -> Place:
    """Where the function is, or we are."""
    from opalite.adapters.aws.failed_events import function_arn  # noqa: PLC0415
    from opalite.ports import Place  # noqa: PLC0415

    if subject.function is not None:
        found = function_arn(subject.function)
        if own != found.account_id:
            raise UsageError(
                f"--function is in account {found.account_id}, the credentials are of {own}: sign in there"
            )
        return Place(found.arn.split(":")[1], own, found.region)
    region = next(iter(subject.regions), None) or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise UsageError("no Region is known: give --function or --regions, or set AWS_REGION")
    partition = next((name for start, name in _PARTITIONS if region.startswith(start)), "aws")
    return Place(partition, own, region)


def _installed() -> dict[str, Any]:
    import orjson  # noqa: PLC0415

    from opalite.engine import shipped  # noqa: PLC0415

    catalog: dict[str, Any] = orjson.loads((shipped.folder("data") / "catalog" / "data.json").read_bytes())
    return catalog


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """On a terminal a bar of the accounts, elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console  # noqa: PLC0415 - on a terminal only
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = ("accounts", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("accounts", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _now() -> datetime:
    return datetime.fromisoformat(clock.now())
