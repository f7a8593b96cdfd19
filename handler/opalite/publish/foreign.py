"""Texts that others wrote (names, tags, evidence) → texts that do no harm where they are shown. Pure."""

from __future__ import annotations

import re
import unicodedata

from opalite.publish.annotation import clean, cut

# What programs for mail make links of, although nobody wrote one. Host names without any of these stay as they are: buckets
# and domains are called like that.
_LINKS = re.compile(r"://|\bwww\.|\bmailto:", re.IGNORECASE)
_SPARE = 4  # a megabyte need not be cleaned to keep a line of it; so many times as much is looked at, for blanks and the like


def plain(text: object, room: int) -> str:
    """One line of printable characters, at most `room` UTF-16 code units."""
    return _cut(clean(str(text)[: _SPARE * room]), room)


def harmless(text: object, room: int) -> str:
    """The same for people: nothing in it becomes a link."""
    line = clean(str(text)[: _SPARE * room])
    return _cut(_LINKS.sub(_without_link, line), room)


def _cut(text: str, room: int) -> str:
    """`cut` counts anew for each character too many, so it gets hardly any: one more than there is room for, or a pair."""
    if len(text) * 2 > room:
        text = text.encode("utf-16-le")[: 2 * (room + 2)].decode("utf-16-le", "ignore")
    return cut(text, room)


def _without_link(found: re.Match[str]) -> str:
    return found[0].replace(":", "[:]").replace(".", "[.]")


def ascii_line(text: str, room: int) -> str:
    """One line of ASCII: letters without their marks, and question marks for what there is no letter for."""
    line = clean(text[: _SPARE * room])
    if not line.isascii():
        line = "".join(c for c in unicodedata.normalize("NFKD", line) if not unicodedata.combining(c))
        line = "".join(c if c.isascii() and c.isprintable() else "?" for c in line)
    return line if len(line) <= room else line[: max(room - 3, 0)].rstrip() + "..."[:room]
