"""Where results go: standard output or a file, with every failure of writing noticed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Protocol

from opalite.errors import OutputError, UsageError

_BUFFER_BYTES = 256 * 1024


class Sink(Protocol):
    """Takes bytes in order."""

    def write(self, data: bytes) -> None:
        """Take bytes; they may stay in a buffer."""
        ...

    def flush(self) -> None:
        """Hand on what was taken."""
        ...


class Descriptor:
    """Writes to an open file descriptor. A closed pipe is BrokenPipeError, everything else OutputError."""

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._buffer = bytearray()

    def write(self, data: bytes) -> None:
        """Take bytes; they stay in a buffer until there are enough."""
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the buffer."""
        data, self._buffer = memoryview(bytes(self._buffer)), bytearray()
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OutputError(f"cannot write to {self._name}: {error.strerror}") from error


class OutputFile:
    """A file that appears whole or not at all: written beside its place and moved there at the end of a run that went well.

    What is no regular file (a pipe, /dev/stdout) is written directly.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        direct = path.exists() and not path.is_file()
        self._target = path if direct else path.with_name(f".{path.name}.{os.getpid()}.partial")
        self._direct = direct
        try:
            self._descriptor = os.open(self._target, os.O_WRONLY | os.O_CREAT | (0 if direct else os.O_EXCL), 0o666)
        except OSError as error:
            raise UsageError(f"--output {path}: cannot be written: {error.strerror}") from None
        self._inner = Descriptor(self._descriptor, str(path))

    def __enter__(self) -> OutputFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._inner.flush()
                if not self._direct:
                    self._target.replace(self._path)
        finally:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            if not self._direct:
                self._target.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Take bytes."""
        self._inner.write(data)

    def flush(self) -> None:
        """Hand on what was taken."""
        self._inner.flush()
