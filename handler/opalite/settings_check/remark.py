"""What there is to say of a place in the settings: how bad, what, and what to do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """The worst first. Only errors keep a run from beginning."""

    ERROR = "error"  # no run takes these settings
    WARNING = "warning"  # taken, but it does nothing, or nothing any more
    NOTICE = "notice"  # works, but look at it


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark. `name` tells machines what `what` tells people."""

    level: Level
    name: str
    place: str  # path of keys, as parameters.aws.s3.bucket.encryption.overrides[0].set
    what: str
    remedy: str
    file: str = ""

    @property
    def line(self) -> str:
        """All but level and file."""
        said = f"{self.what}; {self.remedy}" if self.remedy else self.what
        return f"{self.place}: {said}" if self.place else said


def error(name: str, place: str, what: str, remedy: str = "") -> Remark:
    """A remark on settings that no run takes."""
    return Remark(Level.ERROR, name, place, what, remedy)


def warning(name: str, place: str, what: str, remedy: str) -> Remark:
    """A remark on settings that do nothing."""
    return Remark(Level.WARNING, name, place, what, remedy)


def notice(name: str, place: str, what: str, remedy: str) -> Remark:
    """A remark on settings that work today."""
    return Remark(Level.NOTICE, name, place, what, remedy)


def no_choice(place: str, value: object, choices: Iterable[str]) -> Remark:
    """An error on a value that is none of the words that there are."""
    # YAML reads a bare `off` as false; that is the one mistake that everybody makes here.
    hint = ' (in YAML write "off" with quotes)' if value is False else ""
    return error("wrong_value", place, f"{value!r} is not one of {', '.join(choices)}{hint}")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=0.75)), None)
