"""`opalite policies docs`, and where the pieces of a page lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import click

from opalite import catalog as catalogs
from opalite.cli.options import PATH
from opalite.engine import locate, shipped, tools
from opalite.errors import UsageError
from opalite.facts.given import KINDS
from opalite.model import JsonObject
from opalite.normalize import TYPES
from opalite.policy_page.overview import overview
from opalite.policy_page.page import MARK, Source, faults, page

_OVERVIEW = "README.md"


@click.command()
@click.argument("folders", nargs=-1, type=PATH, metavar="[FOLDER…]")
@click.option("--output", type=PATH, metavar="DIR", help="Write the pages to DIR.")
@click.option("--check", type=PATH, metavar="DIR", help="Only say whether those in DIR are these; exit with 1 if not.")
@click.option("--opa", metavar="PATH", help="The OPA program to use.")
def docs(folders: tuple[Path, ...], output: Path | None, check: Path | None, opa: str | None) -> int:
    """Make a page for each policy from its METADATA, its notes.md and its examples, and an overview, README.md.

    FOLDERs are bundles like policies/ (default: the shipped policies). Links to examples are relative to DIR.

    \b
    Example:
      opalite policies docs my-policies --output docs/policies
    """
    target = output or check
    if target is None or (output and check):
        raise UsageError("say either --output DIR, to write the pages there, or --check DIR")
    roots = list(folders) or [shipped.folder("policies")]
    pages = _pages(_entries(roots, opa), roots, target)
    if check:
        stale = _stale(pages, check)
        for line in stale:
            click.echo(line, err=True)
        return 1 if stale else 0
    for name in pages:
        path = target / name
        if path.exists() and MARK not in _text(path):
            raise UsageError(f"{path}: was written by hand: choose another folder, or take it away")
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (target / name).write_text(text, encoding="utf-8")
    return 0


def readable(policy_id: str, entry: JsonObject, roots: Iterable[Path]) -> str:
    """The page of one policy, for a terminal."""
    return page(_source(policy_id, entry, roots, None), KINDS)


def _entries(roots: Sequence[Path], opa: str | None) -> Mapping[str, JsonObject]:
    program = locate.find(opa, os.environ).path
    document, found = catalogs.document(
        [tools.inspect(program, root) for root in roots], typed=TYPES, schemas=shipped.schemas(), strict=False
    )
    if found:
        raise UsageError(
            f"{found[0]}" + (f" (and {len(found) - 1} more; see `opalite policies lint`)" if found[1:] else "")
        )
    entries: Mapping[str, JsonObject] = document["policies"]
    if not entries:
        raise UsageError(f"{roots[0]}: holds no policies, so there is nothing to write about")
    return entries


def _pages(entries: Mapping[str, JsonObject], roots: Sequence[Path], target: Path) -> dict[str, str]:
    """Text by file name."""
    made = {_OVERVIEW: overview(entries)}
    for policy_id, entry in entries.items():
        made[f"{policy_id}.md"] = page(_source(policy_id, entry, roots, target), KINDS)
    return {name: f"{MARK}\n{text}" for name, text in made.items()}


def _source(policy_id: str, entry: JsonObject, roots: Iterable[Path], target: Path | None) -> Source:
    """Folder, package and id are the same: that is where notes and examples are looked for."""
    folders = (root.joinpath(*policy_id.split(".")) for root in roots)
    folder = next((folder for folder in folders if folder.is_dir()), None)
    if folder is None:
        return Source(policy_id, entry)
    notes = folder / "notes.md"
    text = _text(notes) if notes.is_file() else ""
    for fault in faults(text):
        raise UsageError(f"{notes}: {fault}")
    examples = sorted(folder.glob("examples/*.json"))
    return Source(policy_id, entry, text, [(path.name, _link(path, target) if target else "") for path in examples])


def _link(path: Path, target: Path) -> str:
    return quote(Path(os.path.relpath(path.resolve(), target.resolve())).as_posix())


def _stale(pages: Mapping[str, str], folder: Path) -> list[str]:
    lines = [
        f"{folder / name} is stale: run `make docs`, or `opalite policies docs` with --output"
        for name, text in pages.items()
        if not (folder / name).is_file() or _text(folder / name) != text
    ]
    lines += [
        f"{path} is the page of no policy: remove it"
        for path in sorted(folder.glob("*.md"))
        if path.name not in pages and MARK in _text(path)
    ]
    return lines


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None
