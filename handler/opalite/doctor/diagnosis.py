"""What the doctor says: a state for each check and place, with the remedy. Pure."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from opalite.publish.foreign import plain

_LONGEST = 300  # characters of a text; names of rules, codes and reasons are others' words
_PLACEHOLDERS: Final = ("ACCOUNT", "REGION")
# What is quoted in a command is a name that others chose, and none of these, whatever it says.
_WORD: Final = re.compile(rf"""'[^']*'|"[^"]*"|(?<!\S)(?:{"|".join(_PLACEHOLDERS)})(?!\S)""")


class State(StrEnum):
    """What became of a check, the worst first."""

    WRONG = "wrong"
    UNKNOWN = "unknown"  # AWS did not tell: never taken for well
    NOTICE = "notice"
    SKIPPED = "skipped"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One check in one place. An empty account or region: the check is about no single one.

    The message names no account and no region, so that equal ones can be told together.
    """

    check: str
    state: State
    message: str = ""
    remedy: str = ""  # in words
    command: str = ""  # ACCOUNT and REGION in it stand for those of the place
    account_id: str = ""
    region: str = ""

    def at(self, account_id: str, region: str = "") -> Diagnosis:
        """The same, there."""
        return replace(self, account_id=account_id, region=region)


@dataclass(frozen=True, slots=True)
class Reply:
    """What AWS said to one question: an answer, that it is not there (a code), or why nothing is known."""

    value: Any = None
    absent: str = ""
    unknown: str = ""
    permission: str = ""  # that is missing, if that is why
    remedy: str = ""  # if it is another one

    @property
    def known(self) -> bool:
        """Whether AWS has said anything, if only that it is not there."""
        return not self.unknown


def well(check: str, message: str = "") -> Diagnosis:
    return Diagnosis(check, State.WELL, plain(message, _LONGEST))


def wrong(check: str, message: str, remedy: str, command: str = "") -> Diagnosis:
    return Diagnosis(check, State.WRONG, plain(message, _LONGEST), remedy, command)


def notice(check: str, message: str, remedy: str = "", command: str = "") -> Diagnosis:
    return Diagnosis(check, State.NOTICE, plain(message, _LONGEST), remedy, command)


def skipped(check: str, why: str) -> Diagnosis:
    return Diagnosis(check, State.SKIPPED, plain(why, _LONGEST))


def unknown(check: str, reply: Reply) -> Diagnosis:
    """AWS did not tell; the permission that is missing is named."""
    remedy = reply.remedy or (f"allow the caller {reply.permission}" if reply.permission else "try again later")
    return Diagnosis(check, State.UNKNOWN, plain(reply.unknown, _LONGEST), remedy)


def quoted(name: object) -> str:
    """A name that others chose, as a word of a command: a shell must not run what is in it, and it is no placeholder."""
    text = plain(name, _LONGEST)
    return f"'{text}'" if text in _PLACEHOLDERS else shlex.quote(text)


def filled(one: Diagnosis) -> str:
    """The command with the place in it, so that it can be given as it is."""
    places = dict(zip(_PLACEHOLDERS, (one.account_id, one.region), strict=True))
    return _WORD.sub(lambda found: places.get(found[0]) or found[0], one.command)
