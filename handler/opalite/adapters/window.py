"""The unread part of a byte stream, and the exact limits of the JSON value that begins there.

The standard library's scanner delimits: it runs in C, and where it stops it tells why. Bytes are shown to it as
Latin-1, so that positions are bytes; what the value means is for others to read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from opalite.strict_json import BOM, reason_of

CHUNK: Final = 256 * 1024
# A single item or line above this is passed over: AWS's own limits are far below, and memory has to have a bound.
LARGEST: Final = 64 * 1024 * 1024

_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_SPACE_AND_BOM: Final = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*")
_DECODER: Final = json.JSONDecoder()
_FIRST_TRY: Final = 16 * 1024
_SHORT: Final = 64 * 1024
# When the scanner stops this near the end of what it was shown, more bytes might have satisfied it: the longest
# things that it takes as one are -Infinity and a pair of \uXXXX escapes.
_NEAR_END: Final = 16
_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*+"|[\[\]{}]|[^\s,:\[\]{}"]+|"', re.DOTALL)
_SCALAR: Final = re.compile(rb"-?[0-9][-+.0-9Ee]*|true|false|null|NaN|-?Infinity")
_QUOTE: Final = ord('"')
_OPEN: Final = "unterminated string"
_BARE: Final = re.compile(rb'[^,\[\]{"]*(?=[,\]])')
_CLOSES: Final = {ord("{"): ord("}"), ord("["): ord("]")}


class BrokenError(Exception):
    """The stream does not go on as JSON must."""

    def __init__(
        self, message: str, *, place: str | None = None, cut_short: bool = False, too_large: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place  # of the part that is broken, when it is known better than by the document
        self.cut_short = cut_short  # the stream ended where it might have gone on
        self.too_large = too_large


class Window:
    """A buffer that is filled at its end, read at `position`, and dropped at its start.

    `offset` and `line` are those of the first byte of `data`.
    """

    def __init__(self, chunks: Iterator[bytes], *, largest: int = LARGEST) -> None:
        self.data = bytearray()
        self.position = 0
        self.offset = 0
        self.line = 1
        self.ended = False
        self.largest = largest
        self._chunks = chunks

    def fill(self, size: int) -> bool:
        """Read until `size` bytes are there or the stream ends; whether anything came."""
        before = len(self.data)
        while not self.ended and len(self.data) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.ended = True
            else:
                self.data += chunk
        return len(self.data) > before

    def more(self) -> bool:
        """Make the buffer notably longer; False when the stream has nothing more to give."""
        return self.fill(len(self.data) + max(_FIRST_TRY, len(self.data) // 2))

    def drop(self) -> None:
        """Forget what lies before the position."""
        newline = self.data.find(b"\n", 0, self.position)  # mostly there is none, and finding is faster than counting
        if newline >= 0:
            self.line += self.data.count(b"\n", newline, self.position)
        self.offset += self.position
        del self.data[: self.position]
        self.position = 0

    def at(self) -> int:
        """The position, counted from the start of the stream."""
        return self.offset + self.position

    def byte(self) -> int:
        """The next byte that is not space; the position moves to it. BrokenError at the end of the stream."""
        start = self.position
        while True:
            match = _SPACE.match(self.data, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.data):
                return self.data[self.position]
            if self.position - start > self.largest:
                raise self.too_large()
            if not self.more():
                raise BrokenError(f"is cut short at byte {self.at()}", cut_short=True)

    def document(self) -> int | None:
        """Go to the next document and forget what lies before it; its first byte, or None at the end.

        Byte order marks are no fault here: people join files with `cat`.
        """
        while True:
            match = _SPACE_AND_BOM.match(self.data, self.position)
            self.position = match.end() if match else self.position
            self.drop()
            if self.data and (self.data[0] != BOM[0] or len(self.data) >= len(BOM)):
                return self.data[0]
            if not self.more():
                return self.data[0] if self.data else None

    def value(self) -> bytes:
        """The text of the JSON value at the position, which moves behind it; BrokenError if there is none."""
        start, size = self.position, _FIRST_TRY
        while True:
            text = self.data[start : start + size].decode("latin-1")
            length, stopped, reason = _scan(text)
            if length is not None and (text[0] in '{["' or _ends(text, length)):
                break
            if length is None and stopped < len(text) - _NEAR_END and not reason.startswith(_OPEN):
                break
            if len(text) > self.largest:
                raise self.too_large()
            if len(text) < size and not self.more():
                break
            size *= 4
        if length is None:
            raise _broken(text, stopped, reason, self.offset + start)
        if length > self.largest:
            raise self.too_large()
        self.position = start + length
        return bytes(self.data[start : self.position])

    def short_value(self) -> bytes | None:
        """The same for a value that is short and whole in the buffer; None for any other, without looking far."""
        length = _scan(self.data[self.position : self.position + min(_SHORT, self.largest)].decode("latin-1"))[0]
        if length is None:
            return None
        self.position += length
        return bytes(self.data[self.position - length : self.position])

    def broken_end(self, *, strictly: bool) -> int | None:
        """Where a broken value at the position seems to end: its brackets are closed, or a comma or bracket comes."""
        if self.data[self.position] in b'{["':
            length = _bracket_end(bytes(self.data[self.position :]), strictly=strictly)
            return None if length is None else self.position + length
        bare = None if strictly else _BARE.match(self.data, self.position)
        return bare.end() if bare else None

    def too_large(self) -> BrokenError:
        """What to raise for a part above `largest`."""
        return BrokenError(f"is larger than {self.largest:,} bytes and was passed over", too_large=True)


def _broken(text: str, stopped: int, reason: str, offset: int) -> BrokenError:
    at = offset + stopped
    if reason.startswith(_OPEN):
        return BrokenError(f"is cut short: it ends inside the string that begins at byte {at}", cut_short=True)
    if stopped >= len(text):
        return BrokenError(f"is cut short at byte {at}", cut_short=True)
    fault = "holds a NUL byte" if text[stopped] == "\0" else f"is not valid JSON: {reason}"
    return BrokenError(f"{fault} at byte {at}", cut_short=stopped >= len(text) - _NEAR_END)


def _ends(text: str, length: int) -> bool:
    """Whether a value that is neither in brackets nor in quotes ends there: a number may go on, as in `1` and `.5`, or `e-5`."""
    return length < len(text) and (text[length] not in ".eE" or len(text) - length > _NEAR_END)


def _scan(text: str) -> tuple[int | None, int, str]:
    """(length of the value, 0, "") or (None, where the scanner stopped, why)."""
    try:
        return _DECODER.raw_decode(text)[1], 0, ""
    except json.JSONDecodeError as error:
        return None, error.pos, reason_of(error)
    except RecursionError:
        return _bracket_end(text.encode("latin-1"), strictly=True), len(text), "brackets do not close"


def _bracket_end(data: bytes, *, strictly: bool) -> int | None:
    """The length of the value that `data` begins with, by its brackets.

    Where a quote is missing, the outside of strings is taken for the inside from there on, and the brackets that
    remain may close somewhere far away. `strictly` notices it by the words that then stand between the strings.
    """
    expected = bytearray()
    for match in _TOKEN.finditer(data):
        first = data[match.start()]
        if first in _CLOSES:
            expected.append(_CLOSES[first])
        elif first in b"]}":
            if not expected or expected.pop() != first:
                return None
        elif strictly and (match[0] == b'"' or not (first == _QUOTE or _SCALAR.fullmatch(match[0]))):
            return None
        if not expected:
            return match.end()
    return None
