"""The elements of a JSON array of any length, one after the other, at the cost of parsing them.

Delimiting each element exactly (Window.value) costs twice as much as parsing it. So the reader bets: it looks for
the last place in the buffer that looks like the border between the first two elements did, and parses all before
it as one array. That this succeeds is the proof that the border is real: within an element, brackets would be left
open. A lost bet, and a part that is not strict JSON, is gone through exactly, element by element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from opalite.adapters.window import BrokenError, Window
from opalite.strict_json import MAX_DEPTH, DoubtError, JsonFault, loads, loads_plain

DOCUMENT: Final = ""

_COMMA, _END, _OBJECT = b",]{"
# How an element begins: an object with its first key, or a string in which an object begins.
_HEAD: Final = re.compile(rb'\{[ \t\r\n]*"[^"\\]{1,100}"|"\{\\"[^"\\]{1,100}\\"')
_AFTER: Final = re.compile(rb"[ \t\r\n]*[,\]]")
_BEHIND_MEMBER: Final = re.compile(rb"[ \t\r\n]*(?:\}|,[ \t\r\n]*\"|\Z)")
_MEMBER: Final = re.compile(rb',[ \t\r\n]*"[^"\\]*(?:\\.[^"\\]*)*+"[ \t\r\n]*:', re.DOTALL)
_COMMA_BEHIND: Final = re.compile(rb"[ \t\r\n]*,")
_TO_OBJECT: Final = re.compile(rb"[ \t\r\n]*,?[ \t\r\n]*(?=\{)")
_LOOK_AHEAD: Final = 256
_BETS: Final = 3
_STAKE: Final = 128 * 1024  # parsed at once: what a processor's cache holds together with the result
_OVERLAP: Final = 4096  # more than a border can be long


class Element(NamedTuple):
    """A parsed part of the stream."""

    value: Any
    place: str  # "", ":3" (line) or " item 7"; goes behind the name of the file
    part: str  # DOCUMENT, REST, or the name of the array that it is an element of


class Fault(NamedTuple):
    """A part that could not be parsed."""

    message: str
    place: str
    cut_short: bool = False  # only because the stream ended


class Elements:
    """Reads from behind the `[` to behind the `]`; BrokenError when the rest of the array cannot be read."""

    def __init__(self, window: Window, part: str, place: str, *, chunk: int) -> None:
        self.number = 0
        self._window = window
        self._part = part
        self._place = place
        self._chunk = chunk
        self._stake = min(chunk, _STAKE)
        self._border: bytes | None = None  # last byte of an element, separator, head of the next one
        self._separator = 0  # its length
        self._head: re.Pattern[bytes] | None = None
        self._exact_until = 0  # a position in the stream
        self._lost_bets = 0

    def read(self) -> Iterator[Element | Fault]:
        """All elements."""
        window = self._window
        while True:
            if window.byte() != _END:
                yield from self._by_bet()
                yield from self._exactly()
                continue
            window.position += 1
            window.drop()
            if self._is_over():
                return
            broken = BrokenError(f"is followed by a bracket too many before byte {window.at()}")
            skipped = _TO_OBJECT.match(window.data)
            if skipped:
                window.position = skipped.end()
            else:
                self._resume(broken, self._number_place())
                window.position += window.byte() == _COMMA
            yield Fault(broken.message, self._number_place())

    def _is_over(self) -> bool:
        """Whether what follows the bracket may follow an array; if not, the bracket was one too many."""
        window = self._window
        if len(window.data) < _LOOK_AHEAD:
            window.more()
        if self._part:
            return _BEHIND_MEMBER.match(window.data) is not None
        return _COMMA_BEHIND.match(window.data) is None

    def _number_place(self) -> str:
        return f"{self._place} item {self.number}"

    def _by_bet(self) -> Iterator[Element]:
        window, part = self._window, self._part
        while self._border is not None and window.at() >= self._exact_until:
            window.drop()
            window.fill(self._chunk)
            values = self._bet(self._border)
            if values is None:
                return
            for number, value in enumerate(values, start=self.number + 1):
                yield Element(value, f"{self._place} item {number}", part)
            self.number += len(values)

    def _bet(self, border: bytes) -> list[Any] | None:
        window = self._window
        end = min(len(window.data), self._stake)
        for _ in range(_BETS):
            found = window.data.rfind(border, 0, end)
            if found < 0 and end == self._stake:  # an element larger than the stake
                found = window.data.rfind(border)
            if found < 0:
                break
            end = found + len(border) - 1
            try:
                with memoryview(window.data) as view:
                    text = b"".join((b"[", view[: found + 1], b"]"))
                values: list[Any] = loads_plain(text, levels=MAX_DEPTH + 1)
            except DoubtError:
                break
            except ValueError:
                continue
            window.position = found + 1 + self._separator
            self._lost_bets = 0
            return values
        # Many lost bets in a row mean that this array is not made for betting: the pauses grow.
        self._exact_until = window.offset + (min(len(window.data), self._stake) << self._lost_bets)
        self._lost_bets = min(self._lost_bets + 1, 6)
        return None

    def _exactly(self) -> Iterator[Element | Fault]:
        """One element, and on to the next."""
        window = self._window
        window.byte()
        window.drop()
        self.number += 1
        place = self._number_place()
        try:
            text = window.value()
        except BrokenError as broken:
            self._resume(broken, place)
            yield Fault(broken.message, place)
        else:
            yield from self._delimited(text, place)
        end = window.position
        if window.byte() == _COMMA:
            window.position += 1
            if window.byte() == _END:
                yield Fault(f"is followed by a comma too many before byte {window.at()}", place)
            else:
                self._learn(end)

    def _delimited(self, text: bytes, place: str) -> Iterator[Element | Fault]:
        """An element, if what follows does not show that it is only the first half of what it was meant to be."""
        window = self._window
        try:
            byte = window.byte()
        except BrokenError:
            yield self._parsed(text, place)
            raise
        if len(window.data) - window.position < _LOOK_AHEAD:
            window.more()
        if byte in (_COMMA, _END) and not _MEMBER.match(window.data, window.position):
            window.position = len(text)
            yield self._parsed(text, place)
            return
        broken = BrokenError(f"is not followed by another element at byte {window.at()}")
        if byte == _OBJECT:  # a comma is missing, nothing else
            yield self._parsed(text, place)
        else:
            window.position = 0  # it may have swallowed the next ones
            self._resume(broken, place)
        yield Fault(broken.message, place)

    def _parsed(self, text: bytes, place: str) -> Element | Fault:
        try:
            return Element(loads(text, offset=self._window.offset), place, self._part)
        except JsonFault as fault:
            return Fault(fault.message, place)

    def _learn(self, end: int) -> None:
        window = self._window
        head = _HEAD.match(window.data, window.position)
        if head and end and window.data[end - 1] in b'}"':
            self._separator = window.position - end
            self._border = bytes(window.data[end - 1 : head.end()])
            self._head = re.compile(re.escape(self._border[1:]))

    def _resume(self, broken: BrokenError, place: str) -> None:
        """Go behind a broken element, or raise that nothing after it can be read.

        Its end is where its brackets close, if the array goes on there; else where something begins like the other
        elements do; else, with less certainty, the same without a look at what stands between the brackets.
        """
        window = self._window
        head = self._head or self._own_head()
        while True:
            found = None if broken.too_large else self._broken_end(strictly=True)
            if found is None and head and (match := head.search(window.data, window.position + 1)):
                found = match.start()
            if found is None and not broken.too_large:
                found = self._broken_end(strictly=False)
            if found is not None:
                window.position = found
                return
            if broken.too_large:
                window.position = max(window.position, len(window.data) - _OVERLAP)
                window.drop()
            if (len(window.data) > window.largest and not broken.too_large) or not window.more():
                rest = "" if broken.cut_short else "; nothing after it could be read"
                raise BrokenError(broken.message + rest, place=place, cut_short=broken.cut_short) from None

    def _broken_end(self, *, strictly: bool) -> int | None:
        end = self._window.broken_end(strictly=strictly)
        return end if end is not None and _AFTER.match(self._window.data, end) else None

    def _own_head(self) -> re.Pattern[bytes] | None:
        head = _HEAD.match(self._window.data, self._window.position)
        return re.compile(rb",[ \t\r\n]*" + re.escape(head[0])) if head else None
