"""The text of an evaluation: 256 characters that say what is wrong, where, what is there, how much more, and which decision. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from opalite.model import JsonObject, Outcome

# https://docs.aws.amazon.com/config/latest/APIReference/API_Evaluation.html: Annotation, 1 to 256 characters. AWS does not say of
# which kind; counted in UTF-16 code units, as most of its services count, a text is never too long in any other way either.
ANNOTATION_CHARACTERS = 256
_DECISION_CHARACTERS = 12  # enough to find one decision among those of a year
_ELLIPSIS = "…"
_LONGEST_DETAIL = 100


def annotation(
    outcome: Outcome,
    title: str,
    *,
    violations: Sequence[JsonObject],
    unknown: Sequence[JsonObject],
    reasons: Sequence[str],
    exemption: JsonObject | None,
    decision_id: str,
) -> str:
    """One sentence about one decision: the finding, how many more there are, and the decision to look up."""
    end = tail(decision_id)
    if outcome is Outcome.PASS:
        return fitted(title, end)
    if outcome is Outcome.NOT_APPLICABLE:
        return fitted(f"not applicable: {reasons[0]}", _more(reasons) + end)
    if outcome is Outcome.UNDETERMINED:
        return fitted(f"undetermined: {gap(unknown[0])}", _more(unknown) + end)
    worst = violations[0]
    head = str(worst["message"])
    if exemption is not None:
        head = f"exempt {excuse(exemption)}: {head}"
    return fitted(head, _more(violations) + end, detail(worst))


def tail(decision_id: str) -> str:
    """How an annotation ends: the beginning of the decision's id."""
    return f" [{decision_id[:_DECISION_CHARACTERS]}]"


def excuse(exemption: Mapping[str, Any]) -> str:
    """Which exemption, and until when."""
    expires = str(exemption.get("expires", ""))[:10]
    return f"until {expires} by {exemption.get('id', '?')} ({exemption.get('ticket', '?')})"


def gap(entry: JsonObject) -> str:
    """What is not known, and why."""
    if "fact" in entry:
        reason = entry.get("reason", "not known")
        verb = " is" if reason == "not known" else ":"
        return f"{entry['fact']} {entry.get('key', '')}{verb} {reason}"
    reason = str(entry.get("reason", "not recorded"))
    return f"{entry['path']}: {reason}" if "path" in entry else reason


def detail(violation: JsonObject) -> str:
    """Where it is and what is there, as far as the message does not say so itself: " (path: value)", or nothing."""
    evidence = violation.get("evidence", {})
    path, actual = evidence.get("path"), evidence.get("actual")
    message = _plain(str(violation["message"]))
    steps = [str(step) for step in path] if isinstance(path, (list, tuple)) else []
    names = [step for step in steps if not step.isdecimal()]
    where = ".".join(steps) if names and _plain(names[-1]) not in message else ""
    what = "" if isinstance(actual, bool) or not isinstance(actual, (str, int, float)) else str(actual)
    if what and _plain(what) in message:
        what = ""
    whole = f"{where or '.'.join(steps)}: {what}" if what and steps else where or what
    text = whole if len(whole) <= _LONGEST_DETAIL else where
    return f" ({text})" if text and len(text) <= _LONGEST_DETAIL else ""


def fitted(text: str, end: str, extra: str = "") -> str:
    """The sentence gives way to the count and the decision id, which cannot be guessed; `extra` stands only if all of it fits."""
    text, end = clean(text), clean(end, strip=False)
    room = ANNOTATION_CHARACTERS - length(end)
    extra = clean(extra, strip=False)
    if length(text) + length(extra) <= room:
        return text + extra + end
    return cut(text, room) + end


def cut(text: str, room: int) -> str:
    """The text, or as much of it as there is room for and the sign of what is left out; no character is cut in the middle."""
    if length(text) <= room:
        return text
    room -= length(_ELLIPSIS)
    if room < 0:
        return ""
    end = min(len(text), room)
    while end > 0 and length(text[:end]) > room:
        end -= 1
    while 0 < end < len(text) and _continues(text, end):
        end -= 1
    return text[:end].rstrip() + _ELLIPSIS


def clean(text: str, *, strip: bool = True) -> str:
    """One line of printable characters: names and tags come from whoever owns the resource."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    if strip:
        return " ".join(text.split())
    return text


def length(text: str) -> int:
    """In UTF-16 code units."""
    return len(text) if text.isascii() else len(text) + sum(character > "\uffff" for character in text)


def _continues(text: str, place: int) -> bool:
    """Marks, variation selectors and skin tones change the character before them; flags are made of two letters."""
    character = text[place]
    if _is_flag_letter(character):
        return sum(1 for _ in takewhile(_is_flag_letter, reversed(text[:place]))) % 2 == 1
    return unicodedata.category(character)[0] == "M" or "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _plain(text: str) -> str:
    return text.replace("_", " ").replace(".", " ").casefold()


def _more(entries: Sequence[object]) -> str:
    return f" (+{len(entries) - 1} more)" if len(entries) > 1 else ""
