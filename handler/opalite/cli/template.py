"""`opalite template`: what is generated for a deployment."""

from __future__ import annotations

import os
from pathlib import Path

import click

from opalite.adapters import documents
from opalite.adapters.aws import (
    active_findings,
    cloudtrail_events,
    config_items,
    config_results,
    evaluations,
    security_hub,
    workflows,
)
from opalite.cli.options import PATH
from opalite.deployment.files import LOCK, RUNBOOKS, TEMPLATE, Sources, generated
from opalite.deployment.member import Needs
from opalite.engine import bundle as bundles
from opalite.engine import locate, shipped
from opalite.errors import OutputError, UsageError
from opalite.facts import live
from opalite.model import JsonObject
from opalite.normalize import TYPES
from opalite.publish import suppression
from opalite.remediation import note
from opalite.remediation.actions import ACTIONS

# Of what the sweep asks Config for: the rules, and to evaluate them anew.
_SWEEP = ("config:DescribeConfigRules", "config:StartConfigRulesEvaluation")


@click.command()
@click.argument("folder", type=PATH, metavar="FOLDER")
@click.option("--check", is_flag=True, help="Only say whether all of it is up to date; exit with 1 if not.")
@click.option(
    "--bundle", "bundle", type=PATH, multiple=True, metavar="PATH|TAR", help="Policies of your own, too; repeatable."
)
@click.option(
    "--data",
    "overlays",
    type=PATH,
    multiple=True,
    metavar="PATH",
    help="Settings laid over those of the bundles; repeatable.",
)
@click.option("--opa", metavar="PATH", help="The OPA program to use.")
def template(
    folder: Path, bundle: tuple[Path, ...], overlays: tuple[Path, ...], opa: str | None, *, check: bool
) -> int:
    """Make the generated parts of the deployment in FOLDER, a checkout: Config rules, roles of members, runbooks.

    Give the same --bundle and --data as for the layer. Policies that are idle or off everywhere get no Config rule.

    \b
    Examples:
      opalite template . --bundle my-policies --data settings
      opalite template . --check
    """  # fmt: skip
    if not (folder / TEMPLATE).is_file():
        raise UsageError(f"{folder}: has no {TEMPLATE}: name the folder of a checkout")
    made = generated(_sources(folder, _data(bundle, overlays, opa)))
    stale = [path for path, text in made.items() if not _is(folder / path, text)]
    if check:
        for path in stale:
            click.echo(f"{path} is stale: run `make template`", err=True)
        return 1 if stale else 0
    for path in stale:
        _write(folder / path, made[path])
    return 0


def needs() -> Needs:
    """Of all adapters that ask in a member account."""
    return Needs(
        config=(*config_items.ACTIONS, *config_results.ACTIONS, *evaluations.ACTIONS),
        sweep=_SWEEP,
        facts=live.ACTIONS,
        hub=security_hub.ACTIONS,
        findings=active_findings.ACTIONS,
        workflows=workflows.ACTIONS,
        creators=cloudtrail_events.ACTIONS,
        suppress=(suppression.NEW, suppression.SUPPRESSED),
        note=sorted(set(note.WORKFLOW.values())),
    )


def _data(bundle: tuple[Path, ...], overlays: tuple[Path, ...], opa: str | None) -> JsonObject:
    """Of the bundle. Without anything of one's own, no OPA is needed."""
    if not bundle and not overlays:
        return bundles.read(shipped.folder("data")).data
    program = locate.find(opa, os.environ).path
    return bundles.assemble(program, bundles=bundle, overlays=overlays, with_shipped=True, typed=TYPES).data


def _sources(folder: Path, data: JsonObject) -> Sources:
    return Sources(
        data=data,
        needs=needs(),
        actions=ACTIONS,
        template=(folder / TEMPLATE).read_text(encoding="utf-8"),
        lock=(folder / LOCK).read_text(encoding="utf-8"),
        runbooks={path.stem: documents.load(path) for path in sorted((folder / RUNBOOKS).glob("*.yaml"))},
    )


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
