"""What a release is made from: a checkout at one commit, whose changelog knows the version."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opalite.engine.watch import Run
from opalite.errors import UsageError

_SECONDS = 60
_SHOWN = 3
_HEADING = re.compile(r"^## \[(?P<version>[^]]+)\] - (?P<date>.+)$", re.MULTILINE)
_PACKAGE = "handler/opalite/__init__.py"
_OWN = re.compile(r'^__version__ = "(?P<version>[^"]+)"$', re.MULTILINE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
EPOCH = "SOURCE_DATE_EPOCH"  # https://reproducible-builds.org/specs/source-date-epoch/


@dataclass(frozen=True, slots=True)
class Checkout:
    """`at` is the time that everything in the release gets; `changes`, what the changelog says of the version."""

    folder: Path
    version: str
    commit: str
    at: datetime
    changes: str
    is_dirty: bool


def look(folder: Path, wanted: str | None, environ: Mapping[str, str], run: Run, *, allow_dirty: bool) -> Checkout:
    """`wanted`: the version that somebody expects. Raises UsageError for what is not ready for a release."""
    version = _version(folder)
    if wanted not in (None, version):
        raise UsageError(
            f"pyproject.toml says version {version}, not {wanted}: change it, and its heading in CHANGELOG.md"
        )
    changed = _git(folder, environ, run, "status", "--porcelain").splitlines()
    if changed and not allow_dirty:
        names = ", ".join(line[3:] for line in changed[:_SHOWN]) + (" …" if len(changed) > _SHOWN else "")
        raise UsageError(f"{len(changed)} files are not committed ({names}): commit them, or say ALLOW_DIRTY=1 to try")
    commit, seconds = _git(folder, environ, run, "log", "-1", "--format=%H %ct").split()
    return Checkout(
        folder=folder,
        version=version,
        commit=commit,
        at=datetime.fromtimestamp(_epoch(environ.get(EPOCH) or seconds), UTC),
        changes=_changes(folder, version, allow_dirty=allow_dirty),
        is_dirty=bool(changed),
    )


def deployed_files(checkout: Checkout, environ: Mapping[str, str], run: Run) -> list[str]:
    """What below deploy/ is committed, or about to be."""
    listed = _git(
        checkout.folder, environ, run, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "deploy"
    )
    return sorted(name for name in listed.split("\0") if name)


def _version(folder: Path) -> str:
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        version = str(document["project"]["version"])
        own = _OWN.search((folder / _PACKAGE).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise UsageError(
            f"{folder}: pyproject.toml or {_PACKAGE} names no version; a release is made from a checkout"
        ) from error
    if own is None or own["version"] != version:
        raise UsageError(f"{_PACKAGE} does not say version {version}, as pyproject.toml does: change one of them")
    return version


def _changes(folder: Path, version: str, *, allow_dirty: bool) -> str:
    """Of the version's part of the changelog, what stands below its heading."""
    text = (folder / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = list(_HEADING.finditer(text))
    for heading, after in zip(headings, [*headings[1:], None], strict=True):
        if heading["version"] != version:
            continue
        if not _DATE.fullmatch(heading["date"]) and not allow_dirty:
            raise UsageError(
                f"CHANGELOG.md: version {version} is {heading['date']}: write its day there, as 2026-11-29"
            )
        return text[heading.end() : after.start() if after else len(text)].strip()
    raise UsageError(f"CHANGELOG.md: has no heading `## [{version}] - <day>`: write what has changed")


def _epoch(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"{EPOCH} is no number of seconds since 1970: leave it out, or say what `date +%s` prints")
    return int(text)


def _git(folder: Path, environ: Mapping[str, str], run: Run, *arguments: str) -> str:
    done = run(["git", "-C", str(folder), *arguments], environ, folder, _SECONDS, lambda: None)
    if done.code:
        raise UsageError(f"{folder}: git knows no commit there; a release is made from a git checkout")
    return done.output
