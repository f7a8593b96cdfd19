"""The files of the layer as a .zip, or in a folder. Equal files give equal bytes."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from opalite.errors import OutputError, UsageError

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_UNPACKED = 250 * 1024 * 1024  # the function and all its layers together
MOST_UPLOADED = 50 * 1024 * 1024  # directly; a larger one must come from S3

MARK = "opalite/layer.json"  # a folder that has it is one of ours

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a .zip knows
_UNIX = 3
_LEVEL = 9


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the layer."""

    content: bytes
    is_executable: bool = False

    @property
    def mode(self) -> int:
        return 0o755 if self.is_executable else 0o644


def unpacked_size(entries: Mapping[str, Entry]) -> int:
    return sum(len(entry.content) for entry in entries.values())


def require_fitting(entries: Mapping[str, Entry]) -> None:
    size = unpacked_size(entries)
    if size > MOST_UNPACKED:
        raise UsageError(
            f"the layer has {size >> 20} MB unpacked, Lambda takes {MOST_UNPACKED >> 20} MB: "
            "take data out of the bundles"
        )


def write_zip(path: Path, entries: Mapping[str, Entry]) -> str:
    """Writes `path`, and beside it `path`.sha256 as sha256sum does; returns the digest."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w+b") as file:
            try:
                _fill(file, entries)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fchmod(file.fileno(), 0o644)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    except OSError as error:
        raise OutputError(f"{error.filename or path}: {error.strerror or error}") from error
    return digest


def _fill(file: IO[bytes], entries: Mapping[str, Entry]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, entry in sorted(entries.items()):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = _UNIX
            info.external_attr = (stat.S_IFREG | entry.mode) << 16
            archive.writestr(info, entry.content, zipfile.ZIP_DEFLATED, _LEVEL)


def write_folder(folder: Path, entries: Mapping[str, Entry]) -> None:
    """What Lambda would have in /opt. A layer that is there is replaced; any other folder must be empty."""
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / MARK).is_file())):
        raise UsageError(f"{folder} is there and is no unpacked layer: name a new or empty folder")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, entry in entries.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(entry.content)
                path.chmod(entry.mode)
            made.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{error.filename or folder}: {error.strerror or error}") from error
