"""JSON without leniency: what two readers could take differently is a fault, each told in one clear line.

orjson does the reading. It already refuses most of what is wrong; what it lets pass silently is found here:
duplicate keys (it keeps the last), integers beyond 64 bits (it makes floats of them), and deep nesting.
The check must cost little beside the reading, so it goes from cheap and sufficient to slow and exact:

1. What orjson writes for the value equals the text, byte for byte. Then nothing was dropped or changed: what
   it writes has each key once, and never writes a float as an integer. Compact JSON mostly ends here.
2. The text has as many colons as what orjson writes, no escaped colon, and no number of 19 digits. A member
   has one colon outside its strings, and orjson writes every colon of a string as it is. So without escaped
   colons the two counts differ by the colons of dropped members, at least one for each. 19 digits is the
   shortest integer that may need more than 64 bits.
3. The standard library reads the text with hooks that see every member and number. It also finds the words
   for what orjson refused.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Sequence
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 100
SPACE: Final = b" \t\r\n"
BOM: Final = b"\xef\xbb\xbf"

# orjson refuses to write more levels than this. The value is wrapped in as many lists as leave it MAX_DEPTH
# levels, so that the limit becomes ours at hardly any cost. A unit test holds orjson to the number.
_ORJSON_WRITES: Final = 254

_ESCAPED_COLON: Final = re.compile(rb"\\u003[aA]")
_DIGITS: Final = bytes(0x30 if chr(byte).isdigit() and byte < 0x80 else 0x20 for byte in range(256))
_LONG_RUN: Final = b"0" * 19
# Digits that do not directly follow a quote, a letter or a digit: a number, or the inside of an odd string.
_LONG_NUMBER: Final = re.compile(rb'(?<!["0-9A-Za-z])[0-9]{19}')
_BRACKET: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*+"|[\[{]|[\]}]', re.DOTALL)
_WIDE: Final = (
    (re.compile(rb"\xff\xfe\0\0|\0\0\xfe\xff|[^\0]\0\0\0|\0\0\0[^\0]", re.DOTALL), "UTF-32"),
    (re.compile(rb"\xff\xfe|\xfe\xff|[^\0]\0|\0[^\0]", re.DOTALL), "UTF-16"),
)


class JsonFault(ValueError):  # noqa: N818 - it is the fault that is reported, not an error of the program
    """Not strict JSON; the message is a predicate ("is cut short at …") and never quotes values."""

    def __init__(self, message: str, source: str = "") -> None:
        super().__init__(f"{source} {message}" if source else message)
        self.message = message
        self.source = source


class DoubtError(ValueError):
    """It is JSON, but whether it is strict only `loads` can tell."""


def loads(data: bytes, source: str = "", *, offset: int = 0) -> Any:
    """The value that `data` holds; JsonFault otherwise. Messages count bytes from `offset` before `data`."""
    try:
        return loads_plain(data)
    except DoubtError:
        message = fault(data, offset=offset)
        if message is None:
            return orjson.loads(data)
        raise JsonFault(message, source) from None
    except orjson.JSONDecodeError as error:
        if data.startswith(BOM):
            return loads(data[len(BOM) :], source, offset=offset + len(BOM))
        refusal = str(error).partition(":")[0]
        raise JsonFault(fault(data, offset=offset) or f"is not valid JSON: {refusal}", source) from None


def loads_plain(data: bytes, *, levels: int = MAX_DEPTH) -> Any:
    """The same for text without peculiarities, which is nearly all; ValueError at once for any other."""
    value = orjson.loads(data)
    if not _is_faithful(data.strip(SPACE), value, levels):
        raise DoubtError
    return value


def encoding_fault(data: bytes) -> str | None:
    """What to say of a document that begins like UTF-16 or UTF-32."""
    for pattern, name in _WIDE:
        if pattern.match(data):
            return f"is {name}; convert to UTF-8 (iconv -f {name} -t UTF-8)"
    return None


def fault(data: bytes, *, offset: int = 0) -> str | None:
    """What is wrong with `data`, found the slow way; None when the standard library finds nothing either."""
    message = _bytes_fault(data, offset)
    if message:
        return message
    text = data.decode()
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        return _syntax_fault(text, error, offset)
    return _first_mark(value, "")


def _bytes_fault(data: bytes, offset: int) -> str | None:
    if not data.strip(SPACE):
        return "is empty"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        message = f"is not valid UTF-8 at byte {offset + error.start}"
        if error.end == len(data) and error.reason == "unexpected end of data":
            message = f"is cut short: it ends inside a character at byte {offset + error.start}"
        return encoding_fault(data) or message
    if 0 in data:
        return encoding_fault(data) or f"holds a NUL byte at byte {offset + data.index(0)}"
    return f"is nested deeper than {MAX_DEPTH} levels" if _is_deep(data) else None


def _is_faithful(text: bytes, value: Any, levels: int) -> bool:
    """Whether `value` says all that `text` (without space around it) says; a false No is allowed."""
    wrapping = _ORJSON_WRITES - levels
    _wrapper.core[0] = value
    try:
        written = orjson.dumps(_wrapper.lists[levels])
    except TypeError:
        return False
    finally:
        _wrapper.core[0] = None
    if len(written) == len(text) + 2 * wrapping and written.startswith(text, wrapping):
        return True
    return (
        text.count(b":") == written.count(b":")
        and not (b"\\u003" in text and _ESCAPED_COLON.search(text))
        and not (_LONG_RUN in text.translate(_DIGITS) and _LONG_NUMBER.search(text))
    )


class _Wrapper(threading.local):
    """Lists around whatever stands in `core`: as many as leave it the given levels. Made once for each thread."""

    def __init__(self) -> None:
        self.core: list[Any] = [None]
        wrapped = self.core
        self.lists: dict[int, list[Any]] = {}
        for levels in range(_ORJSON_WRITES - 1, MAX_DEPTH - 1, -1):
            self.lists[levels] = wrapped
            wrapped = [wrapped]


_wrapper: Final = _Wrapper()


def _is_deep(data: bytes) -> bool:
    depth = 0
    for match in _BRACKET.finditer(data):
        first = data[match.start()]
        if first in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _syntax_fault(text: str, error: json.JSONDecodeError, offset: int) -> str:
    if error.msg.startswith("Unterminated string"):
        return f"is cut short: it ends inside the string that begins at byte {_byte(text, error.pos, offset)}"
    if error.pos >= len(text.rstrip(SPACE.decode())):
        return f"is cut short at byte {_byte(text, error.pos, offset)}"
    return f"is not valid JSON: {reason_of(error)} at byte {_byte(text, error.pos, offset)}"


def reason_of(error: json.JSONDecodeError) -> str:
    """What the standard library says, without the place and without the text itself."""
    reason = error.msg.partition(":")[0].removesuffix(" at")
    return reason[0].lower() + reason[1:]


def _byte(text: str, position: int, offset: int) -> int:
    return offset + len(text[:position].encode())


class _Mark:
    """Stands in the parsed value where something may not be; `_first_mark` adds the path to it."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any] | _Mark:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return _Mark(f'has the key "{shown(twice)}" twice')


def _integer(digits: str) -> int | _Mark:
    # Twenty digits and a sign are the longest that 64 bits can need; int() itself refuses thousands.
    if len(digits) <= 21 and -(2**63) <= int(digits) < 2**64:
        return int(digits)
    return _Mark("holds an integer of more than 64 bits")


def _float(digits: str) -> float | _Mark:
    number = float(digits)
    return number if math.isfinite(number) else _Mark("holds a number too large for 64 bits")


def _constant(name: str) -> _Mark:
    return _Mark(f"holds {name}, which JSON does not know,")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _first_mark(value: Any, path: str) -> str | None:
    if isinstance(value, _Mark):
        return f"{value.message} at {path or 'the top'}"
    if isinstance(value, str):
        return None if _is_text(value) else f"holds half a surrogate pair at {path or 'the top'}"
    if isinstance(value, dict):
        lone = next((key for key in value if not _is_text(key)), None)
        if lone is not None:
            return f"holds half a surrogate pair in a key at {path or 'the top'}"
        parts = ((f"{path}.{shown(key)}" if path else shown(key), part) for key, part in value.items())
    elif isinstance(value, list):
        parts = ((f"{path}[{index}]", part) for index, part in enumerate(value))
    else:
        return None
    return next((found for where, part in parts if (found := _first_mark(part, where))), None)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(key: str) -> str:
    """A key as a message may show it: one line, at most 40 characters."""
    safe = "".join(character if character.isprintable() else "?" for character in key[:41])
    return safe if len(key) <= 40 else safe[:39] + "…"
