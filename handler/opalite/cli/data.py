"""`opalite data …`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import click
import orjson

from opalite import catalog as catalogs
from opalite.adapters import settings_files
from opalite.cli import clock
from opalite.cli.options import PATH
from opalite.engine import bundle as bundles
from opalite.engine import locate, shipped, tools
from opalite.errors import UsageError
from opalite.model import JsonObject, Outcome
from opalite.normalize import TYPES
from opalite.remediation.actions import ACTIONS
from opalite.settings_check.check import check as checked
from opalite.settings_check.layers import Layer
from opalite.settings_check.remark import Level, Remark
from opalite.settings_data import ROOTS

_CODES = {Level.ERROR: 2, Level.WARNING: 1, Level.NOTICE: 0}


@click.group()
def data() -> None:
    """Check parameters, exemptions, stages and remediation settings."""


@data.command()
@click.argument("paths", nargs=-1, type=PATH, metavar="[PATH…]")
@click.option("--at", metavar="TIME", help="Check as of this time (default: now).")
@click.option(
    "--soon",
    type=click.IntRange(0, 36500),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Also name exemptions that expire within so many days.",
)
@click.option(
    "--evaluated",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Decisions (`evaluate --format jsonl`): also name exemptions that excused nothing in them.",
)
@click.option(
    "--bundle",
    type=PATH,
    multiple=True,
    metavar="PATH|TAR",
    help="Policies of your own; their settings are checked, too.",
)
@click.option("--opa", metavar="PATH", help="The OPA program to use; only needed for --bundle.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def check(
    paths: tuple[Path, ...],
    *,
    at: str | None,
    soon: int,
    evaluated: tuple[Path, ...],
    bundle: tuple[Path, ...],
    opa: str | None,
    form: str,
) -> int:
    """Find all faults of settings, and what in them does nothing.

    PATHs are those of `evaluate --data`: folders like data/, or single YAML or JSON files, each laid over the one before.
    Without any the shipped data is checked. Exit codes: 2 for errors, which no run would take; 1 for warnings, about what
    does nothing (expired, unused, misspelt); 0 for notices, or nothing at all.

    \b
    Examples:
      opalite data check settings/
      opalite data check settings/ --evaluated decisions.jsonl --soon 60
    """
    moment = datetime.fromisoformat(clock.given(at) or clock.now())
    used = {pair for path in evaluated for pair in _used(path)} if evaluated else None
    layers = list(_layers(paths, bundle))
    policies = _policies(bundle, opa)
    remarks = checked(layers, policies, at=moment, soon=timedelta(days=soon), used=used, actions=ACTIONS)
    files = len({layer.file for layer in layers if layer.checked})
    click.echo(_json(remarks, files) if form == "json" else _table(remarks, files))
    return max((_CODES[remark.level] for remark in remarks), default=0)


def _layers(paths: Sequence[Path], bundle: Sequence[Path]) -> Iterator[Layer]:
    for file, settings, fault in settings_files.read(shipped.folder("data"), ROOTS.__contains__):
        yield Layer(file, settings, not paths, fault)
    for path in bundle:
        if path.is_dir():
            for file, settings, fault in settings_files.read(path, ROOTS.__contains__):
                yield Layer(file, settings, unreadable=fault)
        else:
            found = bundles.read(path).data
            yield Layer(str(path), {root: found[root] for root in ROOTS if root in found})
    for path in paths:
        overlay = [
            Layer(file, settings, unreadable=fault)
            for file, settings, fault in settings_files.read(path, lambda root: root != "catalog")
        ]
        if path.is_dir() and not any(layer.unreadable for layer in overlay):
            fault = _refused(path)
            overlay += [Layer(str(path), {}, unreadable=fault)] if fault else []
        yield from overlay


def _refused(path: Path) -> str:
    """Why a run would not read it as a whole: two files that give the same key, for one."""
    try:
        bundles.read_settings(path)
    except UsageError as error:
        return str(error).removeprefix(f"{path}: ")
    return ""


def _policies(bundle: Sequence[Path], opa: str | None) -> JsonObject:
    policies: JsonObject = dict(bundles.read(shipped.folder("data")).data["catalog"]["policies"])
    for path in bundle:
        document, faults = catalogs.document(
            [tools.inspect(locate.find(opa, os.environ).path, path)],
            typed=TYPES,
            schemas=shipped.schemas(),
            strict=False,
        )
        if faults:
            raise UsageError(f"{path}: {faults[0]}; see `opalite policies lint`")
        policies |= document["policies"]
    return policies


def _used(path: Path) -> Iterator[tuple[str, str]]:
    """(policy id, exemption id) of the decisions that an exemption made."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    decision = orjson.loads(line)
                    if decision["outcome"] == Outcome.EXEMPT:
                        yield str(decision["policy_id"]), str(decision["exemption"]["id"])
                except (orjson.JSONDecodeError, KeyError, TypeError):
                    raise UsageError(
                        f"--evaluated {path}:{number}: is no decision; wanted is what `opalite evaluate --format jsonl` prints"
                    ) from None
    except OSError as error:
        raise UsageError(f"--evaluated {path}: cannot be read: {error.strerror}") from None


def _json(remarks: Sequence[Remark], files: int) -> str:
    counts = Counter(remark.level for remark in remarks)
    document: JsonObject = {
        "remarks": [asdict(remark) for remark in remarks],
        "summary": {"files": files, **{str(level): counts[level] for level in Level}},
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _table(remarks: Sequence[Remark], files: int) -> str:
    width = max(len(level) for level in Level)
    lines = [_printable(f"{remark.level:<{width}}  {remark.file}: {remark.line}") for remark in remarks]
    counts = Counter(remark.level for remark in remarks)
    told = ", ".join(f"{counts[level]} {level}{'s' * (counts[level] != 1)}" for level in Level if counts[level])
    return "\n".join([*lines, f"{files} file{'s' * (files != 1)}: {told or 'nothing to remark'}"])


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in line)
