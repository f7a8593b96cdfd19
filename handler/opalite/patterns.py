"""Whether a regular expression in the settings is one that OPA's engine, RE2, will take. Pure.

A pattern that OPA refuses leaves every resource undetermined, and one that means something else there is worse. So what
Python and RE2 share is accepted, with the few things of RE2 that Python lacks; all else is refused before the run.
"""

from __future__ import annotations

import re
import warnings

_MOST_REPETITIONS = 1000  # RE2's limit
_UNICODE = r"\\[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})"
_IN_CLASS = rf"\\(?:[aftnrvdDsSwW]|[!-/:-@\[-`{{-~ ]|x[0-9A-Fa-f]{{2}})|{_UNICODE}"
_POSIX = r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
_ESCAPE_OR_CLASS = re.compile(rf"{_IN_CLASS}|\\[bBAz]|\[\^?\]?(?:{_IN_CLASS}|{_POSIX}|\[(?!:)|[^\]\\\[])*\]")
# Of what begins with (? only these are the same in both: a group without a number, with a name, flags.
_GROUP = re.compile(r"\((?:(?!\?)|\?(?::|P<[A-Za-z_][A-Za-z0-9_]*>|[ims]+[:)]))")
_REPETITION = re.compile(r"\{(\d*)(?:,(\d*))?\}")


def is_pattern(value: object) -> bool:
    """True, or raises ValueError saying why not; what is no text is no business of a format."""
    if not isinstance(value, str):
        return True
    plain = _ESCAPE_OR_CLASS.sub("x", value)
    if "\\" in plain or "[" in plain:
        raise ValueError("an escape or a class that RE2 does not know")
    if plain.count("(") != len(_GROUP.findall(plain)):
        raise ValueError("a group that RE2 does not know: there is no looking ahead or back")
    if re.search(r"[*+?}]\+", plain):
        raise ValueError("possessive repetition, which RE2 does not know")
    for first, last in _REPETITION.findall(plain):
        if not first or int(last or first) > _MOST_REPETITIONS:
            raise ValueError(f"a repetition that RE2 does not know, or of more than {_MOST_REPETITIONS}")
    _compile(value)
    return True


def _compile(value: str) -> None:
    """By Python, with what only RE2 knows replaced by something of the same kind."""
    shared = re.sub(_POSIX, "x", re.sub(_UNICODE, r"\\w", value)).replace(r"\z", r"\Z")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(shared)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
