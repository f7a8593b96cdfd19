"""The bytes of a file or a pipe, piece by piece; gzip is recognized by its first bytes and unpacked on the way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from opalite.adapters.window import CHUNK
from opalite.strict_json import BOM, SPACE

_FIRST: Final = 64 * 1024  # most files are smaller; asking for a megabyte each time would cost more than they do
_GZIP: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 31  # zlib's name for: a gzip header, the largest window


class Chunks:
    """Iterates once. An end before the real one is no exception: `fault` tells it afterwards.

    `progress` is called with the number of bytes just read, before unpacking.
    """

    def __init__(self, file: BinaryIO, progress: Callable[[int], None] | None = None) -> None:
        self.fault: str | None = None
        self.count = 0  # bytes read so far
        self._read = getattr(file, "read1", file.read)  # of a pipe, what is there
        self._progress = progress
        self._first = self._take(_FIRST)
        while 0 < len(self._first) < len(_GZIP) and (more := self._take(_FIRST)):
            self._first += more

    def looks_like_json(self) -> bool:
        """Whether the first bytes are those of JSON, or packed."""
        start = self._first.removeprefix(BOM).lstrip(SPACE)[:1]
        return self._first.startswith(_GZIP) or start in (b"{", b"[")

    def __iter__(self) -> Iterator[bytes]:
        return self._unpacked() if self._first.startswith(_GZIP) else self._raw()

    def _take(self, size: int) -> bytes:
        try:
            data: bytes = self._read(size)
        except OSError as error:
            self.fault = f"could not be read to its end: {error.strerror or error}"
            return b""
        self.count += len(data)
        if self._progress is not None and data:
            self._progress(len(data))
        return data

    def _raw(self) -> Iterator[bytes]:
        data = self._first
        while data:
            yield data
            data = self._take(CHUNK)

    def _unpacked(self) -> Iterator[bytes]:
        member = zlib.decompressobj(_GZIP_FORMAT)
        for packed in self._raw():
            left = packed
            while left:
                if member.eof:
                    left = left.lstrip(b"\0")  # padding, as tapes and some tools leave it
                    if not left:
                        break
                    member = zlib.decompressobj(_GZIP_FORMAT)
                before = member.copy()
                try:
                    data = member.decompress(left, CHUNK)
                except zlib.error as error:
                    yield from _salvage(before, left)
                    self.fault = _corruption(error)
                    return
                yield data
                left = member.unused_data if member.eof else member.unconsumed_tail
        if not member.eof:
            yield member.flush()
            self.fault = self.fault or "is cut short: its gzip data have no end; what came before the cut was read"


def _salvage(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    """What comes before the error: a failing call keeps back all that it had unpacked, so the steps are small."""
    unpacked = bytearray()
    try:
        while packed:
            unpacked += member.decompress(packed, 1)
            packed = member.unconsumed_tail
    except zlib.error:
        pass
    yield bytes(unpacked)


def _corruption(error: zlib.error) -> str:
    reason = str(error).rpartition(": ")[2]
    if reason in {"incorrect data check", "incorrect length check"}:
        return f"fails the checksum of gzip ({reason}): what was read from it may be wrong"
    if reason == "incorrect header check":
        return "has something behind its gzip data that is not gzip; what came before was read"
    return f"holds corrupt gzip data ({reason}); what came before was read"
