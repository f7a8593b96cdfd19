"""What the state of a DB instance means for its replacement. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opalite.model import JsonObject
from opalite.remediation.action import Found, only
from opalite.remediation.model import Target
from opalite.remediation.reading import rds
from opalite.remediation.reading.rds import TAG_MADE, TAG_REPLACED, Names

KEY = re.compile(r"arn:[a-z-]+:kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]+")
CUT, ASKED = "cut", "asked"  # how writes are kept away

# Of the details, what is of the instance itself.
_OWN = ("resource_id", "identifier", "arn", "name", "encrypted", "key", "tags", "settings", "obstacles")
# AWS changes these by itself: minor upgrades, autoscaling, a failover.
_BY_AWS = frozenset({"allocated_storage", "availability_zone", "engine_version"})
_UNDONE = "-opalite-undone-"  # in the name of the last snapshot of a replacement

_Thing = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """`details`: of the original's state."""

    target: Target
    details: Mapping[str, Any]
    names: Names
    parameters: Mapping[str, Any]

    @property
    def is_aside(self) -> bool:
        """Whether the original has given its name away."""
        return bool(self.details["identifier"] == self.names.original)

    @property
    def is_marked(self) -> bool:
        """Whether the original carries the tag that tells its name."""
        return bool(self.tags.get(TAG_REPLACED) == self.names.instance)

    @property
    def is_replaced(self) -> bool:
        """Whether the replacement has the name."""
        named = self.other(self.names.instance)
        return named is not None and self.is_ours(named)

    @property
    def has_begun(self) -> bool:
        """Whether anything was done by an earlier attempt, or this one: then states of the instance may be our doing."""
        return self.is_aside or self.is_marked or bool(self.details["snapshots"]) or self.replacement is not None

    @property
    def settings(self) -> _Thing:
        """Of the original."""
        values: _Thing = self.details["settings"]
        return values

    @property
    def tags(self) -> Mapping[str, str]:
        """Of the original."""
        tags: Mapping[str, str] = self.details["tags"]
        return tags

    @property
    def replacement(self) -> _Thing | None:
        """Under the name of the original, or still under its own."""
        return self.other(self.names.instance) if self.is_replaced else self.other(self.names.new)

    def other(self, name: str) -> _Thing | None:
        """The other instance of a name."""
        found: _Thing | None = self.details["others"].get(name)
        return found

    def snapshot(self, name: str) -> _Thing | None:
        """The snapshot of a name."""
        found: _Thing | None = self.details["snapshots"].get(name)
        return found

    def is_ours(self, thing: _Thing) -> bool:
        """Whether it says that it was made for this instance: a name can be anybody's, and of an instance nothing tells more."""
        return bool(thing["tags"].get(TAG_MADE) == self.details["resource_id"])

    def holds_ours(self, name: str) -> bool:
        """Whether the snapshot of a name holds what this instance held when the plain one was made: tags can be anybody's, too."""
        snapshot, plain = self.snapshot(name), self.snapshot(self.names.plain)
        if snapshot is None or not self.is_ours(snapshot) or snapshot["of"] != self.details["resource_id"]:
            return False
        times = {one["at"] for one in (snapshot, plain) if one is not None}
        return "" not in times and len(times - {None}) <= 1


def view(found: Found) -> View:
    """Of what was found."""
    details = found.state.details
    return View(found.target, details, rds.names(details["name"], details["resource_id"]), found.parameters)


def left(details: JsonObject) -> JsonObject:
    """The instance, which instances have its names, and the last snapshot of a replacement: undo says that it stays.

    Aliases are others' as well, the other snapshots people delete, and settings of a replacement come about while RDS is at it.
    """
    kept: JsonObject = only(details, *_OWN, "snapshots", "others")
    settings, snapshots, others = kept.get("settings"), kept.get("snapshots"), kept.get("others")
    if isinstance(settings, Mapping):
        kept["settings"] = {name: value for name, value in settings.items() if name not in _BY_AWS}
    if isinstance(snapshots, Mapping):
        kept["snapshots"] = {name: {} for name in snapshots if _UNDONE in name}
    if isinstance(others, Mapping):
        kept["others"] = {name: only(other, "resource_id", "key", "tags") for name, other in others.items()}
    return kept


def key(seen: View) -> str | None:
    """The ARN of the key to encrypt with; that of the replacement once there is no way back to another."""
    if (seen.is_aside or seen.is_replaced) and seen.replacement is not None and seen.replacement["key"]:
        return str(seen.replacement["key"])
    given = str(seen.parameters["key_arn"])
    if given:
        match = KEY.fullmatch(given)
        return given if match is not None and match[1] == seen.target.region else None
    key_id = seen.details["aliases"].get(seen.parameters["alias"])
    if key_id is None:
        return None
    target = seen.target
    return f"arn:{target.partition}:kms:{target.region}:{target.account_id}:key/{key_id}"
