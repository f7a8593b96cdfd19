"""`opalite evaluate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opalite import settings_data
from opalite.catalog import Catalog
from opalite.cli import clock
from opalite.cli.live import live
from opalite.cli.options import PATH, default_jobs, engine_options, take_engine_options
from opalite.cli.output import FORMATS
from opalite.cli.progress import Reporter
from opalite.cli.run import Run
from opalite.cli.session import Session, session
from opalite.cli.sink import Descriptor, OutputFile, Sink
from opalite.errors import UsageError
from opalite.facts import corpus
from opalite.facts.given import GivenFacts, load
from opalite.judge import Judge
from opalite.model import Severity
from opalite.ports import UNVERSIONED

if TYPE_CHECKING:
    from opalite.cli.publish import Preview

_STDOUT = 1


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…|-")
@click.option("--policy", "policies", multiple=True, metavar="ID", help="Judge by this policy only; may be repeated.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="Judge by the policies with this catalog tag, and those of --policy, only; may be repeated.",
)
@click.option("--facts", type=PATH, metavar="FILE", help="What items do not tell: images, keys, organizational units.")
@click.option("--live", is_flag=True, help="Ask AWS what items do not tell, instead of --facts; calls that read only.")
@click.option("--live-role", metavar="NAME", help="The role to assume in other accounts than the credentials' own.")
@click.option(
    "--at", metavar="TIME", help="Judge as of this time (default: the event's, else the item's capture time)."
)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), show_default="table; jsonl with --publish")
@click.option("--output", type=PATH, metavar="FILE", help="Write to FILE, which appears when all went well.")
@click.option(
    "--fail-on",
    type=click.Choice([str(severity) for severity in Severity], case_sensitive=False),
    default=str(Severity.INFORMATIONAL),
    metavar="LEVEL",
    help="Exit with 1 for violations of this severity or above (default: any).",
)
@click.option(
    "--publish",
    metavar="OUTPUTS",
    help="With --dry-run: print what the function would send, not the decisions. "
    "Outputs with commas between: config, securityhub, s3, sns.",
)
@click.option("--dry-run", is_flag=True, help="Send nothing; always with --publish, since only the function sends.")
@click.option("--allow-undetermined", is_flag=True, help="Do not exit with 1 for what could not be decided.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=default_jobs,
    metavar="N",
    help="Batches in flight (default: one per CPU, and one more).",
)
@engine_options
def evaluate(paths: tuple[str, ...], **given: Any) -> int:
    """Judge configuration items and print the decisions.

    PATHs are files or folders with configuration items in any form that AWS Config knows: snapshots and history files
    (plain or .gz), rule events, SNS messages, API outputs, single items, lists, JSON Lines; `-` is standard input.

    \b
    Examples:
      opalite evaluate snapshot.json.gz
      opalite evaluate items/ --policy aws.s3.bucket.encryption --data settings/
      opalite evaluate snapshot.json.gz --tag baseline --tag encryption
      opalite evaluate snapshot.json.gz --live --live-role OpaliteRead
      opalite evaluate - --format jsonl < history.json | jq 'select(.outcome == "fail")'
      opalite evaluate snapshot.json.gz --publish securityhub,sns --dry-run
    """
    options = take_engine_options(given)
    at = clock.given(given["at"])
    aws = live(wanted=given["live"], role=given["live_role"], given=given["facts"] is not None)
    preview = _preview(given, at)
    facts = load(given["facts"]) if given["facts"] else GivenFacts({})
    with ExitStack() as stack:
        ready = stack.enter_context(session(options))
        chosen = _chosen(ready.catalog, given["policies"], given["tags"])
        output: Path | None = given["output"]
        sink: Sink = stack.enter_context(OutputFile(output)) if output else Descriptor(_STDOUT, "standard output")
        reporter = stack.enter_context(Reporter(paths))
        run = Run(
            Judge(
                ready.engine, ready.catalog, chosen, facts,
                later=corpus.KINDS | (aws.kinds if aws else frozenset()), keep=preview.kept.keep if preview else None,
            ),
            at=at, now=clock.now(), jobs=given["jobs"], report=reporter.say,
            remote=aws.facts if aws else None, stop=aws.stop if aws else None,
        )  # fmt: skip
        dry = preview.writer(sink, ready.entries) if preview else None
        target = dry or FORMATS[given["form"] or "table"](sink, output is None and sys.stdout.isatty())
        target.begin()
        for decisions in run.decisions(reporter.items()):
            target.add(decisions)
            sink.flush()
        reporter.close()
        target.end(run.summary)
        sink.flush()
        for line in (
            *_afterwards(run, ready, chosen),
            *([aws.notice()] if aws else []),
            *(dry.notices() if dry else ()),
        ):
            reporter.say("notice", line)
    return run.summary.exit_code(
        fail_on=Severity(given["fail_on"].upper()), allow_undetermined=given["allow_undetermined"]
    )


def _preview(given: dict[str, Any], at: str | None) -> Preview | None:
    """What --publish asks for. What it takes to render that is loaded only then."""
    if given["publish"] is None and not given["dry_run"]:
        return None
    from opalite.cli.publish import preview  # noqa: PLC0415

    return preview(given["publish"], dry_run=given["dry_run"], form=given["form"], at=at, environ=os.environ)


def _chosen(catalog: Catalog, policies: tuple[str, ...], tags: tuple[str, ...]) -> frozenset[str] | None:
    """What --policy and --tag name, together; None: whatever applies. Nobody asks for idle policies to hear nothing."""
    if not policies and not tags:
        return None
    chosen = catalog.resolve(policies) | catalog.tagged(tags)
    for tag in tags:
        found = sorted(catalog.tagged([tag]))
        if catalog.idle.keys() >= set(found):
            wanted = ", or ".join(f"{' or '.join(catalog.idle[policy_id])} of {policy_id}" for policy_id in found)
            raise UsageError(f"--tag {tag}: judges nothing until {wanted} is set: give --data")
    return chosen


def _afterwards(run: Run, ready: Session, chosen: frozenset[str] | None) -> Iterator[str]:
    if ready.engine.bundle_revision == UNVERSIONED:
        yield "the OPA at --opa-url names no bundle revision, so nobody can tell later by which policies it decided"
    notice = run.summary.notice()
    if notice:
        yield notice
    unused = [
        f"{name} ({policy_id})"
        for policy_id, name in settings_data.unused(ready.data.get("exemptions", {}), run.summary.exemptions)
        if chosen is None or policy_id in chosen
    ]
    if unused:
        yield f"exemptions that excused nothing here (expired, fixed, or for other resources): {', '.join(unused)}"
