"""Lines of the decision log from files and folders, packed or not: copies of what lies in the bucket."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from opalite.adapters.chunks import Chunks
from opalite.model import Problem

LINE_BYTES: Final = 16 * 1024 * 1024  # far more than a record has
_SUFFIXES: Final = (".jsonl.gz", ".jsonl", ".ndjson", ".ndjson.gz")

Line = tuple[str, bytes]  # the file and the number of the line, its bytes


def lines(paths: Sequence[Path]) -> Iterator[Line | Problem]:
    """All lines in the order of the paths; in folders, those of files that are named like JSON Lines, in the order of names."""
    for path in paths:
        if not path.is_dir():
            yield from _lines(path)
            continue
        found = [file for file in _below(path) if file.name.lower().endswith(_SUFFIXES)]
        if not found:
            yield Problem(str(path), f"is a folder without a file that ends in {' or '.join(_SUFFIXES[:2])}")
        for file in found:
            yield from _lines(file)


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names))


def _lines(path: Path) -> Iterator[Line | Problem]:
    try:
        with path.open("rb", buffering=0) as file:
            chunks = Chunks(file)
            for number, line in enumerate(_split(chunks), 1):
                if len(line) > LINE_BYTES:
                    yield Problem(f"{path}:{number}", f"is longer than {LINE_BYTES} bytes: this is no decision log")
                    return
                yield f"{path}:{number}", line
            if chunks.fault:
                yield Problem(str(path), chunks.fault)
    except OSError as error:
        yield Problem(str(path), f"cannot be read: {error.strerror or error}")


def _split(chunks: Chunks) -> Iterator[bytes]:
    """Without the ends of lines; never much more in memory than a line may have."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
        if len(rest) > LINE_BYTES:
            break
    if rest:
        yield rest
