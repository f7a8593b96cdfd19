"""What a record may take: texts, lists and documents made to fit, and where something was left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

LONG_CHARACTERS: Final = 1024  # of a text in a document that is too large
_ELLIPSIS: Final = "…"
# Control characters above those that JSON escapes itself, and what some programs take for the end of a line.
_UNSAFE = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]|\xe2\x81[\xa6-\xa9]")


class Bounds:
    """One record's: what was cut, as JSON Pointers."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def copy(self) -> Bounds:
        """One that goes on from here by itself."""
        other = Bounds()
        other.paths = list(self.paths)
        return other

    def text(self, text: str, path: str, most: int) -> str:
        """At most so many characters."""
        if len(text) <= most:
            return text
        self.paths.append(path)
        return text[: most - 1] + _ELLIPSIS

    def entries(self, found: Iterable[Any], path: str, room: int) -> list[Any]:
        """As many as there is room for, in bytes."""
        kept: list[Any] = []
        for entry in found:
            room -= len(dumped(entry)) + 1
            if room < 0:
                self.paths.append(path)
                break
            kept.append(entry)
        return kept

    def document(self, value: Any, path: str, room: int) -> str | None:
        """As JSON text, if need be with its long texts cut; None if that is still too much."""
        text = plain(value)
        if _fits(text, room):
            return text
        cut: list[str] = []
        text = plain(_shortened(value, path, cut))
        if _fits(text, room):
            self.paths += cut
            return text
        self.paths.append(path)
        return None


def plain(value: Any) -> str:
    """JSON text with sorted keys: of what was judged the very text that the input digest is of."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def dumped(value: Any) -> bytes:
    """JSON in one line, for programs that split lines at whatever they like, and for terminals."""
    return _UNSAFE.sub(_escaped, orjson.dumps(value))


def _fits(text: str, room: int) -> bool:
    return len(text) < room and len(dumped(text)) <= room


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(found[0].decode())


def _shortened(value: Any, path: str, cut: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(entry, f"{path}/{_step(key)}", cut) for key, entry in value.items()}
    if isinstance(value, list):
        return [_shortened(entry, f"{path}/{index}", cut) for index, entry in enumerate(value)]
    if isinstance(value, str) and len(value) > LONG_CHARACTERS:
        cut.append(path)
        return value[: LONG_CHARACTERS - 1] + _ELLIPSIS
    return value


def _step(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
