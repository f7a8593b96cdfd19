"""Python libraries: those that a lock file pins, those that the package needs, and their licences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from opalite.errors import UsageError

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)
_LONGEST = 100  # of the name of a licence; some write its whole text there


@dataclass(frozen=True, slots=True)
class Licence:
    """`kind` is `expression` for one of SPDX, `name` for what the library calls it otherwise."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Library:
    """`licence`: None if it is not installed here."""

    name: str
    version: str
    licence: Licence | None = None


def pinned(lock: str) -> tuple[Library, ...]:
    found = {canonicalize_name(match["name"]): match["version"] for match in _PIN.finditer(lock)}
    if not found:
        raise UsageError("a lock file pins nothing: run `make lock` and `make template`")
    return tuple(Library(name, version, _licence(name, version)) for name, version in sorted(found.items()))


def needed(requirements: Iterable[str]) -> frozenset[str]:
    """The names of all that these lead to, as they are installed here."""
    found: set[str] = set()
    left = [Requirement(text) for text in requirements]
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if name not in found and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            found.add(name)
            left += _requirements(name)
    return frozenset(found)


def _requirements(name: str) -> Iterator[Requirement]:
    try:
        yield from map(Requirement, metadata.requires(name) or ())
    except metadata.PackageNotFoundError as error:
        raise UsageError(f"{name} is not installed here: run `make setup`") from error


def _licence(name: str, version: str) -> Licence | None:
    """Of the version that is meant; some of a lock file are for other machines."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    if found.version != version:
        return None
    said = found.metadata.get_all
    classified = [each.rpartition(" :: ")[2] for each in said("Classifier") or () if each.startswith("License ::")]
    texts = [each for each in said("License") or () if "\n" not in each and len(each) <= _LONGEST]
    kinds = (("expression", said("License-Expression") or []), ("name", classified), ("name", texts))
    return next((Licence(kind, texts[0]) for kind, texts in kinds if texts), None)
