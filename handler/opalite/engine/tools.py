"""OPA's own tools, run as child processes: `opa inspect` and `opa parse`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import orjson

from opalite.errors import EngineError, UsageError
from opalite.model import JsonObject

_SECONDS = 60
_MESSAGE_CHARACTERS = 500


def inspect(opa: Path, path: Path) -> JsonObject:
    """What `opa inspect --annotations` prints of a bundle folder or archive, file names relative to it."""
    document = _run(opa, ["inspect", "--annotations", "--format", "json", str(path)], path)
    prefix = f"{path}/"
    namespaces = document.get("namespaces") or {}
    document["namespaces"] = {name: [file.removeprefix(prefix) for file in files] for name, files in namespaces.items()}
    return document


def parse(opa: Path, path: Path) -> JsonObject:
    """The syntax tree of a Rego file, with locations."""
    return _run(opa, ["parse", "--format", "json", "--json-include", "locations", str(path)], path)


def _run(opa: Path, arguments: list[str], path: Path) -> JsonObject:
    try:
        done = subprocess.run(
            [str(opa), *arguments], capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"`opa {arguments[0]}` did not run: {error}") from None
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
        raise UsageError(f"{path}: OPA cannot read it: {said[:_MESSAGE_CHARACTERS]}")
    document: JsonObject = orjson.loads(done.stdout)
    return document
