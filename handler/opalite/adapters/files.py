"""Configuration items from files, directories and standard input."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final

from opalite.adapters.chunks import Chunks
from opalite.adapters.elements import DOCUMENT, Fault
from opalite.adapters.json_stream import REST, documents
from opalite.items import CONTAINERS, items_in, items_of, notices_of
from opalite.model import Item, Notice, Problem

STDIN: Final = "-"
_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".gz")
_WRITE_TEST: Final = "ConfigWritabilityCheckFile"  # AWS Config puts it beside what it delivers

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    size: int
    regular: bool


@dataclass(slots=True)
class _Skipped:
    """Files of directories that hold no JSON: counted, and told of once."""

    root: str = ""
    first: str = ""
    count: int = 0

    def add(self, root: str, path: str) -> None:
        self.root, self.first = self.root or root, self.first or path
        self.count += 1

    def notice(self) -> Notice:
        what = "1 file that holds no JSON was" if self.count == 1 else f"{self.count} files that hold no JSON were"
        return Notice(_shown(self.root), f"{what} skipped (first: {_shown(self.first)})")


def read(
    paths: Sequence[str], *, stdin: BinaryIO, progress: Progress | None = None
) -> Iterator[Item | Problem | Notice]:
    """Every item that the paths hold, in order; "-" is `stdin`, directories are walked.

    `progress` is called with the number of bytes just read; they add up to `total_bytes`.
    """
    skipped = _Skipped()
    for path in paths:
        if path == STDIN:
            yield from _stream(Chunks(stdin, progress), "<stdin>")
        elif os.path.isdir(path):  # noqa: PTH112 - paths are text here: they are shown as they were given
            yield from _directory(path, skipped, progress)
        else:
            yield from _file(path, progress)
    if skipped.count:
        yield skipped.notice()


def total_bytes(paths: Sequence[str]) -> int | None:
    """The size of all that `read` would read; None when that cannot be known before."""
    total = 0
    for path in paths:
        try:
            status = None if path == STDIN else os.stat(path)  # noqa: PTH116
        except OSError:
            continue
        if status is None or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            return None
        if stat.S_ISREG(status.st_mode):
            total += status.st_size
        else:
            total += sum(found.size for found in _walk(path) if isinstance(found, _Found))
    return total


def _stream(chunks: Chunks, name: str) -> Iterator[Item | Problem | Notice]:
    for element in documents(iter(chunks), CONTAINERS):
        source = name + element.place
        if isinstance(element, Fault):
            # What ends early ends in the middle of something: that would be the same fault a second time.
            if not (element.cut_short and chunks.fault):
                yield Problem(source, element.message)
        elif element.part == DOCUMENT:
            yield from items_of(element.value, source)
        elif element.part == REST:
            yield from notices_of(element.value, source)
        else:
            yield from items_in(element.part, element.value, source)
    if chunks.fault:
        yield Problem(name, chunks.fault)


@contextmanager
def _opened(path: str, progress: Progress | None) -> Iterator[Chunks | Problem]:
    try:
        file = open(path, "rb", buffering=0)  # noqa: PTH123, SIM115 - closed below; only opening may fail quietly
    except OSError as error:
        yield _unreadable(path, error)
        return
    with file:
        yield Chunks(file, progress)


def _file(path: str, progress: Progress | None) -> Iterator[Item | Problem | Notice]:
    with _opened(path, progress) as chunks:
        if isinstance(chunks, Problem):
            yield chunks
        else:
            yield from _stream(chunks, _shown(path))


def _directory(root: str, skipped: _Skipped, progress: Progress | None) -> Iterator[Item | Problem | Notice]:
    empty = True
    for found in _walk(root):
        if isinstance(found, Problem):
            empty = False
            yield found
        elif not found.regular:
            skipped.add(root, found.path)
        else:
            with _opened(found.path, progress) as chunks:
                if isinstance(chunks, Problem):
                    empty = False
                    yield chunks
                elif found.path.lower().endswith(_SUFFIXES) or chunks.fault or chunks.looks_like_json():
                    empty = False
                    yield from _stream(chunks, _shown(found.path))
                else:
                    skipped.add(root, found.path)
                    if progress is not None:
                        progress(max(found.size - chunks.count, 0))
    if empty:
        yield Problem(_shown(root), "is a directory without a file that holds JSON")


def _walk(root: str) -> Iterator[_Found | Problem]:
    """The files below, sorted by name on each level; a directory that links lead to twice is walked once."""
    seen: set[tuple[int, int]] = set()
    pending = [root]
    while pending:
        path = pending.pop()
        try:
            status = os.stat(path)  # noqa: PTH116
            if stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    names = sorted(os.listdir(path), reverse=True)  # noqa: PTH208
                    pending += [os.path.join(path, name) for name in names if not _is_hidden(name)]  # noqa: PTH118
            else:
                yield _Found(path, status.st_size, stat.S_ISREG(status.st_mode))
        except OSError as error:
            if error.errno != errno.ELOOP:
                yield _unreadable(path, error)


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == _WRITE_TEST


def _unreadable(path: str, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        nowhere = os.path.islink(path)  # noqa: PTH114
        return Problem(_shown(path), "is a symbolic link to nothing" if nowhere else "does not exist")
    return Problem(_shown(path), f"cannot be read: {error.strerror or error}")


def _shown(path: str) -> str:
    """The name of a file as text that every output can hold: names of files need not be UTF-8."""
    return os.fsencode(path).decode(errors="replace")
