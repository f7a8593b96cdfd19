"""`opalite policies …`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from opalite import catalog as catalogs
from opalite import lint as lints
from opalite.cli.options import PATH
from opalite.cli.policy_pages import docs, readable
from opalite.engine import bundle as bundles
from opalite.engine import locate, shipped, tools
from opalite.errors import UsageError
from opalite.metadata import EVERY_TYPE
from opalite.model import JsonObject, Severity
from opalite.normalize import TYPES
from opalite.settings_check.remark import nearest

_opa = click.option("--opa", metavar="PATH", help="The OPA program to use.")
_bundle = click.option(
    "--bundle", "bundle", type=PATH, multiple=True, metavar="PATH|TAR", help="Policies of your own, too."
)


@click.group()
def policies() -> None:
    """List, show and lint policies; make their catalog and their pages."""


policies.add_command(docs)


@policies.command("list")
@_bundle
@_opa
@click.option(
    "--type", "kinds", multiple=True, metavar="TYPE", help="Only those for this resource type, as AWS::S3::Bucket."
)
@click.option(
    "--severity",
    "severities",
    type=click.Choice([str(severity) for severity in Severity], case_sensitive=False),
    multiple=True,
    metavar="LEVEL",
    help="Only those of this severity.",
)
@click.option(
    "--framework",
    "frameworks",
    multiple=True,
    metavar="KEY",
    help="Only those that this framework asks for, as fsbp.",
)
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only those with this catalog tag, as public-access.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_(bundle: tuple[Path, ...], opa: str | None, form: str, **wanted: tuple[str, ...]) -> None:
    """List the policies: id, severity, resource types, title.

    --type, --severity, --framework and --tag may be repeated: any of the values will do.

    \b
    Examples:
      opalite policies list --bundle samples/custom
      opalite policies list --type AWS::S3::Bucket --severity HIGH --severity CRITICAL
      opalite policies list --tag baseline
    """
    entries = _entries(bundle, opa)
    for member in ("frameworks", "tags"):
        there = {key for entry in entries.values() for key in entry.get(member) or ()}
        for key in wanted[member]:
            if key not in there:
                named = ", ".join(sorted(there)) or "none"
                raise UsageError(f"--{member.removesuffix('s')} {key}: no policy names it; there are: {named}")
    chosen = {policy_id: entry for policy_id, entry in entries.items() if _is_wanted(entry, **wanted)}
    if form == "json":
        click.echo(orjson.dumps(chosen, option=orjson.OPT_INDENT_2))
        return
    if not chosen:
        click.echo("opalite: notice: no policy is of all that was asked for", err=True)
    rows = [
        (policy_id, entry["severity"], ", ".join(entry["resource_types"]), entry["title"])
        for policy_id, entry in chosen.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip())


@policies.command()
@click.argument("policy_id", metavar="ID")
@_bundle
@_opa
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(policy_id: str, bundle: tuple[Path, ...], opa: str | None, form: str) -> None:
    """Show a policy: what it judges, its parameters, facts and examples (Markdown); or what the catalog says of it (JSON).

    \b
    Example:
      opalite policies show aws.s3.bucket.encryption
    """
    entries = _entries(bundle, opa)
    policy_id = next((name for name, entry in entries.items() if policy_id in entry.get("aliases", ())), policy_id)
    if policy_id not in entries:
        meant = nearest(policy_id, entries)
        hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(entries)}"
        raise UsageError(f"there is no policy {policy_id}; {hint}")
    if form == "json":
        click.echo(orjson.dumps({"id": policy_id, **entries[policy_id]}, option=orjson.OPT_INDENT_2))
        return
    roots = [shipped.folder("policies"), *(path for path in bundle if path.is_dir())]
    click.echo(readable(policy_id, entries[policy_id], roots), nl=False)


@policies.command()
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER…")
@_opa
def lint(folders: tuple[Path, ...], opa: str | None) -> int:
    """Find incomplete METADATA, and the traps by which a policy passes what it must not.

    \b
    Example:
      opalite policies lint policies
    """
    program = locate.find(opa, os.environ).path
    found = [line for folder in folders for line in _lint(program, folder)]
    for line in found:
        click.echo(line)
    return 1 if found else 0


@policies.command("catalog")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="FOLDER…")
@click.option("--output", type=PATH, metavar="FILE", help="Write the catalog to FILE instead of standard output.")
@click.option("--check", type=PATH, metavar="FILE", help="Only say whether FILE is that catalog; exit with 1 if not.")
@_opa
def catalog(folders: tuple[Path, ...], output: Path | None, check: Path | None, opa: str | None) -> int:
    """Make data/catalog/data.json from the policies' METADATA.

    \b
    Example:
      opalite policies catalog policies --output data/catalog/data.json
    """
    program = locate.find(opa, os.environ).path
    document, faults = catalogs.document(
        [tools.inspect(program, folder) for folder in folders], typed=TYPES, schemas=shipped.schemas()
    )
    if faults:
        raise UsageError(
            f"{faults[0]}" + (f" (and {len(faults) - 1} more; see `opalite policies lint`)" if faults[1:] else "")
        )
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    if check is not None:
        if not check.is_file() or check.read_bytes() != text:
            click.echo(f"{check} is stale: run `make catalog`", err=True)
            return 1
        return 0
    if output is None:
        click.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(text)
    return 0


def _entries(bundle: tuple[Path, ...], opa: str | None) -> dict[str, JsonObject]:
    if not bundle:
        entries: dict[str, JsonObject] = bundles.read(shipped.folder("data")).data["catalog"]["policies"]
        return entries
    program = locate.find(opa, os.environ).path
    assembled = bundles.assemble(program, bundles=bundle, overlays=(), with_shipped=True, typed=TYPES)
    return dict(assembled.data["catalog"]["policies"])


def _is_wanted(
    entry: JsonObject,
    *,
    kinds: tuple[str, ...],
    severities: tuple[str, ...],
    frameworks: tuple[str, ...],
    tags: tuple[str, ...],
) -> bool:
    types = entry["resource_types"]
    return (
        (not kinds or EVERY_TYPE in types or bool(set(kinds) & set(types)))
        and (not severities or entry["severity"] in severities)
        and (not frameworks or bool(set(frameworks) & set(entry.get("frameworks") or ())))
        and (not tags or bool(set(tags) & set(entry.get("tags") or ())))
    )


def _lint(program: Path, folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder")
    document, faults = catalogs.document([tools.inspect(program, folder)], typed=TYPES, schemas=shipped.schemas())
    for fault in faults:
        yield f"{folder}/{fault}"
    parsed = [
        (path, tools.parse(program, path)) for path in sorted(folder.rglob("*.rego")) if not path.stem.endswith("_test")
    ]
    packages: dict[str, list[JsonObject]] = {}
    for _, module in parsed:
        packages.setdefault(_package(module), []).append(module)
    holders = {name: lints.parameter_rules(modules) for name, modules in packages.items()}
    for path, module in parsed:
        name = _package(module)
        for row, message in lints.faults(module, _declared(document["policies"].get(name)), holders[name]):
            yield f"{path}:{row}: {message}"
    for policy_id in document["policies"]:
        for export in lints.missing_exports(packages[policy_id]):
            yield f"{folder}: {policy_id} has no `{export}`: the contract asks for compliant and violations"


def _package(module: JsonObject) -> str:
    return ".".join(str(part["value"]) for part in module["package"]["path"][1:])


def _declared(policy: JsonObject | None) -> dict[str, Any] | None:
    return None if policy is None else dict((policy.get("parameters") or {}).get("properties") or {})
