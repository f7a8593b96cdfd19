"""Versions of OPA executables seen before, so that finding OPA starts no process: asking costs about 50 ms.

Keyed by what changes when the file is replaced: its real path, size and modification time. Losing the memory
costs one question, so nothing that goes wrong with it is an error.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_FILE = "opa-versions.json"
_MOST = 32  # entries kept


def version(path: Path, cache: Path, ask: Callable[[Path], str]) -> str:
    """The version of the OPA at `path`: remembered, or asked for."""
    key = _key(path)
    known = _read(cache / _FILE)
    if key in known:
        return known[key]
    answer = ask(path)
    if key is not None:
        _write(cache / _FILE, {**dict(list(known.items())[1 - _MOST :]), key: answer})
    return answer


def _key(path: Path) -> str | None:
    """None for what may answer differently next time: wrapper scripts, and links to version managers."""
    try:
        real = path.resolve(strict=True)
        with real.open("rb") as file:
            script = file.read(2) == b"#!"
        facts = real.stat()
    except OSError:
        return None
    if script or not real.name.startswith("opa"):
        return None
    return f"{real} {facts.st_size} {facts.st_mtime_ns}"


def _read(file: Path) -> dict[str | None, str]:
    try:
        known = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return {key: value for key, value in known.items() if isinstance(value, str)} if isinstance(known, dict) else {}


def _write(file: Path, known: dict[str | None, str]) -> None:
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        draft.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
