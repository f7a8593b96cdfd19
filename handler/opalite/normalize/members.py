"""Most types are a table: our name for a member, Config's key, and how it is read. This reads such tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from opalite.normalize.values import GapError, decoded, once_decoded, text, timestamp, unrecorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from opalite.model import JsonObject
    from opalite.normalize.values import Recorded

    Reader = Callable[[Any], Any]


class Member(NamedTuple):
    """Where one member of the normal form comes from."""

    key: str  # Config's, in the item's configuration or supplementaryConfiguration
    read: Reader  # a value that is neither null nor "" → ours; raises GapError for what it cannot read
    always: bool  # every resource of the type has one, so that none is a gap; otherwise none is null, "none"


def always(key: str, read: Reader = text) -> Member:
    """A member that every resource of the type has: when it is missing, it is unknown."""
    return Member(key, read, always=True)


def maybe(key: str, read: Reader = text) -> Member:
    """A member that a resource may do without: when a whole item lacks it, it is null for "none"."""
    return Member(key, read, always=False)


def typed(
    members: Mapping[str, Member], every: Iterable[str], supplementary: Mapping[str, Member] | None = None
) -> Callable[[Recorded, list[dict[str, str]]], JsonObject | None]:
    """The normalizer of a type, for TYPES.

    `every`: keys of its configuration that nobody selects one by one: a query's row with all of them holds the whole
    configuration, so that a missing key means "none".
    """
    return partial(_read, members, frozenset(every), supplementary or {})


def inside(key: str, read: Reader = text) -> Reader:
    """Reads one member of an object, null where the object lacks it."""

    def reader(value: Any) -> Any:
        if type(value) is not dict:
            raise GapError("malformed: expected an object")
        content = value.get(key)
        return None if content is None or content == "" else read(content)

    return reader


def needed(key: str, read: Reader = text) -> Reader:
    """Reads one member of an object that means nothing without it."""
    within = inside(key, read)

    def reader(value: Any) -> Any:
        content = within(value)
        if content is None:
            raise GapError(f"malformed: expected an object with {key}")
        return content

    return reader


def time(value: Any) -> str:
    moment = timestamp(value)
    if moment is None:
        raise GapError("malformed: expected a time")
    return moment


def _read(
    members: Mapping[str, Member],
    every: frozenset[str],
    supplementary: Mapping[str, Member],
    recorded: Recorded,
    unknown: list[dict[str, str]],
) -> JsonObject | None:
    configuration = recorded.configuration
    if not configuration:
        unrecorded(recorded, unknown)
        return None
    document: JsonObject = dict.fromkeys(members)
    whole = recorded.complete or configuration.keys() >= every
    _read_each(members, configuration, "configuration", document, unknown, whole=whole)
    if supplementary:
        document |= dict.fromkeys(supplementary)
        _read_supplementary(supplementary, recorded, document, unknown)
    return document


def _read_each(
    members: Mapping[str, Member],
    values: Mapping[str, Any],
    part: str,
    document: JsonObject,
    unknown: list[dict[str, str]],
    *,
    whole: bool,
) -> None:
    for member, (key, read, always_there) in members.items():
        value = values.get(key)
        if value is None or value == "":
            if always_there or not (whole or key in values):
                _gap(unknown, member, f"the item has no {part}.{key}")
        elif read is text and type(value) is str:
            document[member] = value
        else:
            try:
                document[member] = read(value)
            except GapError as gap:
                _gap(unknown, member, str(gap))


def _read_supplementary(
    members: Mapping[str, Member], recorded: Recorded, document: JsonObject, unknown: list[dict[str, str]]
) -> None:
    if recorded.supplementary is None:
        for member in members:
            _gap(unknown, member, "the item has no supplementaryConfiguration")
        return
    decode = once_decoded if recorded.encoded else decoded
    values = {key: decode(recorded.supplementary.get(key)) for key, _, _ in members.values()}
    values = {key: value for key, value in values.items() if value is not None or key in recorded.supplementary}
    _read_each(members, values, "supplementaryConfiguration", document, unknown, whole=recorded.complete)


def _gap(unknown: list[dict[str, str]], member: str, reason: str) -> None:
    unknown.append({"path": f"resource.configuration.{member}", "reason": reason})
