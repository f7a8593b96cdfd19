"""JSON documents from a stream of bytes: one, one per line, or one behind the other; memory stays flat.

A stream that fits into the first chunk and is one document is parsed as such: the usual case of one event in a
file. Otherwise documents that stand on a line of their own are parsed line by line, arrays and the arrays that hold
items are read element by element, and all other documents are delimited exactly. A fault costs what it is in: an
element, a line, a document; reading goes on behind it wherever that place can be found.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, Final

from opalite.adapters.elements import DOCUMENT, Element, Elements, Fault
from opalite.adapters.window import CHUNK, LARGEST, BrokenError, Window
from opalite.strict_json import DoubtError, JsonFault, encoding_fault, loads, loads_plain, shown

WHOLE: Final = 1024 * 1024  # a document up to this size is parsed at once
REST: Final = "rest"  # the members beside the arrays of a document that was read element by element

_QUOTE, _COLON, _COMMA, _OPEN, _CLOSE, _ARRAY = b'":,{}['
_NEXT_LINE: Final = re.compile(rb"\n[ \t\r\n]*[^ \t\r\n]")
_REST_OF_LINE: Final = re.compile(rb"[ \t]*[^ \t]")
_NEXT_DOCUMENT: Final = re.compile(rb"\n(?=[\[{])")


def documents(
    chunks: Iterator[bytes], arrays: Collection[str], *, chunk: int = CHUNK, whole: int = WHOLE, largest: int = LARGEST
) -> Iterator[Element | Fault]:
    """What the stream holds, in its order. `arrays` are the members whose elements are given one by one."""
    window = Window(chunks, largest=largest)
    window.fill(max(whole, 4))
    wrong_encoding = encoding_fault(bytes(window.data[:4]))
    if wrong_encoding:
        yield Fault(wrong_encoding, "")
    elif window.document() is None:
        yield Fault("is empty", "", cut_short=True)
    else:
        try:
            value = _whole(window)
        except ValueError:
            yield from _Documents(window, arrays, chunk).read()
        else:
            yield Element(value, "", DOCUMENT)


def _whole(window: Window) -> Any:
    if not window.ended:
        raise DoubtError
    try:
        return loads_plain(bytes(window.data))
    except DoubtError:
        return loads(bytes(window.data))


class _Documents:
    def __init__(self, window: Window, arrays: Collection[str], chunk: int) -> None:
        self._window = window
        self._arrays = arrays
        self._chunk = chunk
        self._first = True
        self._by_line = False  # the last document was a line

    def read(self) -> Iterator[Element | Fault]:
        while self._window.document() is not None:
            if self._first:
                yield from self._first_line()
            yield from self._lines()
            byte = self._window.document()
            if byte is not None:
                yield from self._document(byte)
                self._first = False

    def _first_line(self) -> Iterator[Element]:
        """The first document, if it is a line: it is called by its line only if it is not the only one."""
        window = self._window
        end = window.data.find(b"\n")
        if end < 0 or window.data[0] not in b"{[":
            return
        try:
            value = loads_plain(bytes(window.data[:end]))
        except ValueError:
            return
        window.position, number = end, window.line
        alone = window.document() is None
        yield Element(value, "" if alone or self._is_list(value) else f":{number}", DOCUMENT)
        self._first, self._by_line = False, True

    def _lines(self) -> Iterator[Element | Fault]:
        """All documents from here on that are lines."""
        window = self._window
        while not self._first and (line := self._line()) is not None:
            number = window.line
            try:
                element: Element | Fault = Element(loads_plain(line), f":{number}", DOCUMENT)
            except DoubtError:
                element = self._parsed(line, window.offset, f":{number}")
            except ValueError:
                self._by_line = False
                return
            yield element
            self._by_line = True
            window.position = len(line)
            if window.document() is None:
                return

    def _line(self) -> bytes | None:
        """The line at the position, without its end; None if there is no whole line."""
        window = self._window
        end = window.data.find(b"\n")
        while end < 0 and not window.ended and (self._by_line or len(window.data) < self._chunk):
            searched = len(window.data)
            if searched > window.largest or not window.fill(searched + self._chunk):
                break
            end = window.data.find(b"\n", searched)
        if end < 0:
            end = len(window.data) if window.ended else 0
        return bytes(window.data[:end]) if end and window.data[0] in b"{[" else None

    def _document(self, byte: int) -> Iterator[Element | Fault]:
        window, start = self._window, self._window.offset
        place = "" if self._first else f":{window.line}"
        try:
            if byte == _OPEN:
                yield from self._short_object() or self._object(place)
            elif byte == _ARRAY:
                yield from self._array(place)
            else:
                yield self._named(self._parsed(window.value(), start, f":{window.line}"))
        except BrokenError as broken:
            line = place if window.offset > start else f":{window.line}"
            found, lost = self._resume(start)
            rest = "; nothing after that could be read" if lost and not broken.cut_short and not broken.place else ""
            yield Fault(broken.message + rest, broken.place or (line if found else place), broken.cut_short)

    def _array(self, place: str) -> Iterator[Element | Fault]:
        self._window.position = 1
        elements = Elements(self._window, DOCUMENT, place, chunk=self._chunk)
        yield from elements.read()
        if not elements.number:
            yield Element([], place, DOCUMENT)

    def _short_object(self) -> tuple[Element | Fault] | None:
        text = self._window.short_value()
        if text is not None:
            document = self._parsed(text, self._window.offset, f":{self._window.line}")
            if isinstance(document, Element):
                self._expect_border()
                return (self._named(document),)
        self._window.position = 0
        return None

    def _expect_border(self) -> None:
        """What goes on in the same line may be the second half of what the document was meant to be."""
        window = self._window
        while not (match := _REST_OF_LINE.match(window.data, window.position)):
            if not window.more():
                return
        if match[0][-1:] not in b"\r\n[{\xef":
            raise BrokenError(f"is not valid JSON: extra data at byte {window.offset + match.end() - 1}")

    def _object(self, place: str) -> Iterator[Element | Fault]:
        window, line = self._window, self._window.line
        members: dict[str, tuple[bytes, int] | None] = {}  # text and position of each; None: an array, given already
        twice: str | None = None
        count: int | None = None
        window.position = 1
        while (name := self._member(first=not members)) is not None:
            twice = name if name in members else twice
            if name in self._arrays and window.byte() == _ARRAY:
                window.position += 1
                elements = Elements(window, name, place, chunk=self._chunk)
                yield from elements.read()
                members[name] = None
                count = (count or 0) + elements.number
            else:
                start = window.at()
                members[name] = (window.value(), start)
            if window.position > window.largest:
                raise window.too_large()
        if count is None:
            self._expect_border()
            yield self._named(self._parsed(bytes(window.data[: window.position]), window.offset, f":{line}"))
            return
        if twice is not None:
            yield Fault(f'has the key "{shown(twice)}" twice at the top', place)
        yield from self._rest(members, empty=not count, place=place)

    def _member(self, *, first: bool) -> str | None:
        """Go to the value of the next member of an object; its name, or None behind the end of the object."""
        window = self._window
        byte = window.byte()
        if byte == _CLOSE:
            window.position += 1
            return None
        if not first:
            if byte != _COMMA:
                raise BrokenError(f"is not valid JSON: expecting ',' delimiter at byte {window.at()}")
            window.position += 1
            byte = window.byte()
        if byte != _QUOTE:
            expected = "expecting property name enclosed in double quotes"  # the words of the standard library
            raise BrokenError(f"is not valid JSON: {expected} at byte {window.at()}")
        try:
            name: str = loads(window.value())
        except JsonFault as fault:
            raise BrokenError(f"has the name of a member that {fault.message}") from fault
        if window.byte() != _COLON:
            raise BrokenError(f"is not valid JSON: expecting ':' delimiter at byte {window.at()}")
        window.position += 1
        window.byte()
        return name

    def _rest(
        self, members: dict[str, tuple[bytes, int] | None], *, empty: bool, place: str
    ) -> Iterator[Element | Fault]:
        rest: dict[str, Any] = {}
        for name, member in members.items():
            if member is None:
                rest |= {name: []} if empty else {}
                continue
            try:
                rest[name] = loads(member[0], offset=member[1])
            except JsonFault as fault:
                yield Fault(f"has a member {shown(name)} that {fault.message}", place)
        yield Element(rest, place, REST)

    def _parsed(self, text: bytes, offset: int, place: str) -> Element | Fault:
        try:
            return Element(loads(text, offset=offset), place, DOCUMENT)
        except JsonFault as fault:
            return Fault(fault.message, place)

    def _named(self, document: Element | Fault) -> Element | Fault:
        """The first document is called by its line only if it is not the only one."""
        is_list = isinstance(document, Element) and self._is_list(document.value)
        unnamed = self._first and (is_list or self._window.document() is None)
        return document._replace(place="") if unnamed else document

    def _is_list(self, value: Any) -> bool:
        if isinstance(value, dict):
            return any(isinstance(value.get(name), list) for name in self._arrays)
        return isinstance(value, list)

    def _resume(self, start: int) -> tuple[bool, bool]:
        """Go to the next line that begins like a document; whether there is one, and else whether something is lost.

        While the broken document is still in the buffer, the search begins with its second line: what seemed to be
        a part of it may be the next one.
        """
        window = self._window
        position = 0 if window.offset == start else window.position
        lost = False
        while True:
            found = _NEXT_DOCUMENT.search(window.data, position)
            if found:
                window.position = found.end()
                return True, False
            lost = lost or _NEXT_LINE.search(window.data, position) is not None
            position = 0
            window.position = max(len(window.data) - 1, 0)
            window.drop()
            if not window.fill(self._chunk):
                window.position = len(window.data)
                return False, lost
