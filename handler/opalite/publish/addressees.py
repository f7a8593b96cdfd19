"""Who is told of what: changes → groups, each for one message. Pure.

A deployment that goes wrong changes hundreds of resources; those who own them get a few messages, not hundreds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from opalite.model import Case, JsonObject, Severity, Standing
from opalite.publish.foreign import plain
from opalite.publish.life import Change
from opalite.publish.redaction import Redaction

OPERATIONS = "operations"  # the addressee where nobody else is known
BY_CLOUDTRAIL = "aws:cloudtrail"  # in the place of a tag's key; keys that begin like this are AWS's own
MOST_ADDRESSEES = 20  # in one invocation; who owns a resource can write any owner into its tags

# So many policies, accounts, regions and environments are in one message: its attributes name all of them, so that no
# subscription which chooses by one of them misses it.
MOST_VALUES = 20
POLICY_CHARACTERS = 128
REGION_CHARACTERS = 32
ACCOUNT_CHARACTERS = 64
ENVIRONMENT_CHARACTERS = 64
# https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html: a tag's value, 256 characters.
OWNER_CHARACTERS = 256

# Actions of remediation that are up to whoever made a resource, if it has no owner.
UP_TO_CREATOR = frozenset({"notify_owner", "tag_resource"})
_GRAVEST_FIRST = {severity: -rank for rank, severity in enumerate(Severity)}
_CHANGES = {change: rank for rank, change in enumerate(Change)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TagKeys:
    """Keys of the tags that tell whom a resource belongs to; of several, the first that has a value counts."""

    owner: tuple[str, ...] = ("owner", "Owner", "team", "Team", "contact", "Contact")
    creator: tuple[str, ...] = ("aws:createdBy", "creator", "Creator", "created_by", "createdBy", "CreatedBy")
    environment: tuple[str, ...] = ("environment", "Environment", "env", "Env")


class News(NamedTuple):
    """One change, and what the catalog says of its policy."""

    change: Change
    case: Case
    standing: Standing
    entry: Mapping[str, Any]
    environment: str  # empty: not known

    @property
    def resource(self) -> JsonObject:
        """The resource as it was judged."""
        resource = self.case.judged.get("resource")
        return resource if isinstance(resource, dict) else {}


class Group(NamedTuple):
    """What one message is about."""

    addressee: str
    tags: tuple[str, ...]  # the keys by which the addressee is known, or BY_CLOUDTRAIL; none for operations
    severity: Severity
    news: tuple[News, ...]

    def values(self) -> dict[str, list[str]]:
        """What subscriptions choose by, beside addressee and severity: sorted; an empty list where nothing is known."""
        return {name: sorted({values[name] for values in map(_values, self.news)} - {""}) for name in _NAMES}


_NAMES = ("change", "policy", "account", "region", "environment")


def groups(
    changes: Sequence[tuple[Change, Case, Standing]],
    entries: Mapping[str, Mapping[str, Any]],
    keys: TagKeys,
    creators: Mapping[str, str] | None = None,
) -> list[Group]:
    """In an order that does not depend on that of the changes: the gravest first.

    `creators`: who made resources that no tag gives to anybody, by finding id; see `unclaimed`.
    """
    addressed: dict[str, list[tuple[str, News]]] = {}
    for change, case, standing in changes:
        entry = entries.get(case.decision.policy_id, {})
        tags = _tags(case)
        _, environment = _first(tags, keys.environment, ENVIRONMENT_CHARACTERS)
        key, name = _addressee(tags, entry, keys, (creators or {}).get(standing.finding_id, ""))
        addressed.setdefault(name, []).append((key or "", News(change, case, standing, entry, environment)))
    _leave_to_operations(addressed)
    found = [group for name, told in addressed.items() for group in _by_severity(name, told)]
    return sorted(found, key=lambda group: (_GRAVEST_FIRST[group.severity], group.addressee, _order(group.news[0])))


def unclaimed(
    changes: Sequence[tuple[Change, Case, Standing]], entries: Mapping[str, Mapping[str, Any]], keys: TagKeys
) -> dict[str, JsonObject]:
    """Resources that are up to whoever made them, and whose tags name nobody: by finding id, the gravest first."""
    found = [
        News(change, case, standing, entries.get(case.decision.policy_id, {}), "") for change, case, standing in changes
    ]
    found = [news for news in found if _addressee(_tags(news.case), news.entry, keys)[0] is None]
    found.sort(key=lambda news: (_GRAVEST_FIRST[news.case.decision.severity], _order(news)))
    return {news.standing.finding_id: news.resource for news in found}


def of_one(tags: Any, action: str, keys: TagKeys, creator: Callable[[], str]) -> str:
    """Whom one resource belongs to, or who made it, by its tags; else operations.

    `creator` is asked only where nobody is named, and the action leaves it to whoever made the resource.
    """
    known = tags if isinstance(tags, Mapping) else {}
    for several in (keys.owner, keys.creator):
        name = _first(known, several, OWNER_CHARACTERS)[1]
        if name:
            return name
    return (_maker(creator()) if action in UP_TO_CREATOR else "") or OPERATIONS


def _addressee(
    tags: Mapping[str, Any], entry: Mapping[str, Any], keys: TagKeys, creator: str = ""
) -> tuple[str | None, str]:
    """The key of the tag, and its value. No key at all: whoever made the resource could be told, if he were known."""
    found = _first(tags, keys.owner, OWNER_CHARACTERS)
    if found[1]:
        return found
    remediation = entry.get("remediation")
    if not isinstance(remediation, Mapping) or remediation.get("action") not in UP_TO_CREATOR:
        return "", OPERATIONS
    found = _first(tags, keys.creator, OWNER_CHARACTERS)
    if found[1]:
        return found
    name = _maker(creator)
    return (BY_CLOUDTRAIL, name) if name else (None, OPERATIONS)


def _maker(name: str) -> str:
    """A name that holds something like a key is no addressee."""
    return _bare(name) if Redaction().text(name, "") == name else ""


def _leave_to_operations(addressed: dict[str, list[tuple[str, News]]]) -> None:
    """Those who have least to be told, where there are too many."""
    others = [name for name in addressed if name != OPERATIONS]
    others.sort(key=lambda name: (-len(addressed[name]), name))
    for name in others[MOST_ADDRESSEES:]:
        rest = [("", news) for _, news in addressed.pop(name)]
        addressed.setdefault(OPERATIONS, []).extend(rest)


def _by_severity(name: str, told: Sequence[tuple[str, News]]) -> Iterator[Group]:
    for severity in {news.case.decision.severity for _, news in told}:
        same = sorted((pair for pair in told if pair[1].case.decision.severity is severity), key=lambda p: _order(p[1]))
        for part in _parts(same):
            tags = tuple(sorted({key for key, _ in part} - {""}))
            yield Group(name, tags, severity, tuple(news for _, news in part))


def _parts(told: Sequence[tuple[str, News]]) -> Iterator[list[tuple[str, News]]]:
    """Cut where there would be more values than one message may name."""
    part: list[tuple[str, News]] = []
    seen: set[tuple[str, str]] = set()
    for pair in told:
        more = seen | set(_values(pair[1]).items())
        if max(Counter(name for name, _ in more).values()) > MOST_VALUES:
            yield part
            part, more = [], set(_values(pair[1]).items())
        part.append(pair)
        seen = more
    yield part


def _values(news: News) -> dict[str, str]:
    decision = news.case.decision
    return {
        "change": str(news.change),
        "policy": plain(decision.policy_id, POLICY_CHARACTERS),
        "account": plain(decision.account_id, ACCOUNT_CHARACTERS),
        "region": plain(decision.region, REGION_CHARACTERS),
        "environment": news.environment,
    }


def _order(news: News) -> tuple[Any, ...]:
    """Total: what still is equal is the same news."""
    decision = news.case.decision
    return (
        _CHANGES[news.change], decision.policy_id, decision.account_id, decision.region, decision.resource_type,
        decision.resource_id, decision.decision_id, news.standing.finding_id, news.standing.since,
        news.standing.first_observed_at,
    )  # fmt: skip


def _tags(case: Case) -> Mapping[str, Any]:
    resource = case.judged.get("resource")
    tags = resource.get("tags") if isinstance(resource, dict) else None
    return tags if isinstance(tags, dict) else {}


def _first(tags: Mapping[str, Any], keys: Sequence[str], room: int) -> tuple[str, str]:
    """Key and value."""
    for key in keys:
        value = tags.get(key)
        text = _bare(value, room) if isinstance(value, str) else ""
        if text:
            return key, text
    return "", ""


def _bare(name: str, room: int = OWNER_CHARACTERS) -> str:
    """A bracket at the beginning would make a text look like a list of texts to those who send it."""
    return plain(name, room).lstrip("[ ")
