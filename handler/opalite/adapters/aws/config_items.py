"""Configuration items as AWS Config holds them: one of its history, all of an account and region, and which are still there.

Asked with the credentials of the member account. Items come in the dialects of the API, only with times as text.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from opalite import strict_json
from opalite.adapters.aws.item_identity import rfc3339, sought
from opalite.errors import AwsError, UsageError
from opalite.model import JsonObject
from opalite.ports import Absent, Denied, Key, Place, Service, Sessions

ACTIONS: Final = (  # of the member account
    "config:BatchGetResourceConfig",
    "config:GetDiscoveredResourceCounts",
    "config:GetResourceConfigHistory",
    "config:ListDiscoveredResources",
    "config:SelectResourceConfig",
)

# https://docs.aws.amazon.com/config/latest/APIReference/API_SelectResourceConfig.html: characters of an expression, rows of a page.
EXPRESSION_CHARACTERS: Final = 4096
# https://docs.aws.amazon.com/config/latest/APIReference/API_BatchGetResourceConfig.html and
# https://docs.aws.amazon.com/config/latest/APIReference/API_GetResourceConfigHistory.html have the same limit.
ITEMS_PER_CALL: Final = 100
# Older clients ask by whole seconds, and the ends of the range need not be within it.
WINDOW: Final = timedelta(seconds=5)  # older clients ask for whole seconds, and the ends need not be within it
# The history answers in stretches of time, most of them empty, and may go on for hundreds of pages.
HISTORY_PAGES: Final = 20

_COLUMNS: Final = (
    "resourceId, resourceType, resourceName, arn, accountId, awsRegion, availabilityZone, configurationItemCaptureTime, "
    "configurationItemStatus, configurationStateId, resourceCreationTime, tags, relationships, configuration, "
    "supplementaryConfiguration, version"
)
_TYPE: Final = re.compile(r"[A-Za-z0-9:]{1,256}")
_RECORDED_TYPE: Final = re.compile(r"[A-Za-z0-9]+(?:::[A-Za-z0-9]+){2}")  # AWS::::Account has evaluations, but no items
_GONE: Final = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"})
_REFUSED_QUERY: Final = "InvalidExpressionException"


class ConfigItems:
    """Meets opalite.ports.ConfigItems. Denied also means that Config does not record there, or does not know the type."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def at(
        self, place: Place, resource_type: str, resource_id: str, captured_at: str, state_id: int | str | None
    ) -> JsonObject | None:
        """The item that was captured at that very time; None if the history does not have it, or not yet."""
        wanted = sought(place, resource_type, resource_id, captured_at, state_id)
        if wanted is None:
            return None
        here = {"accountId": place.account_id, "awsRegion": place.region}  # whom we ask says so too
        pages = self._service(place).pages(
            "GetResourceConfigHistory",
            resourceType=resource_type,
            resourceId=resource_id,
            earlierTime=wanted.captured_at - WINDOW,
            laterTime=wanted.captured_at + WINDOW,
            limit=ITEMS_PER_CALL,
        )
        with suppress(Absent):
            for page in islice(pages, HISTORY_PAGES):
                for item in page["configurationItems"]:
                    if wanted.is_met_by(here | item):
                        return _plain(item)
        return None

    def latest(self, place: Place, resource_type: str, resource_id: str) -> JsonObject | None:
        """The newest item; of a resource that was deleted, the one that says so, while the history's first page has it."""
        try:
            page = self._service(place).ask(
                "GetResourceConfigHistory", resourceType=resource_type, resourceId=resource_id, limit=1
            )
        except Absent:
            return None
        if page["configurationItems"]:
            return _plain(page["configurationItems"][0])
        # If it is old: how old, the current state tells in one call; only the history has tags and relationships.
        current = self._current(place, [(resource_type, resource_id)]) if page.get("nextToken") else []
        if not current:
            return None
        captured_at, state_id = current[0].get("configurationItemCaptureTime"), current[0].get("configurationStateId")
        return self.at(place, resource_type, resource_id, str(captured_at), state_id) or current[0]

    def discovered(self, place: Place, resource_types: Sequence[str] | None) -> Iterator[list[JsonObject]]:
        """The current items of the types, or of all, in lists of at most 100.

        Queries know fewer types than Config records, and tell nothing of the others. So what Config counts and no query
        told is listed.
        """
        told: set[str] = set()
        for query in _queries(resource_types):
            begun = False
            try:
                for page in self._selected(place, query):
                    begun = True
                    told |= {str(item.get("resourceType")) for item in page}
                    yield page
            except AwsError as error:
                if error.code != _REFUSED_QUERY or begun:
                    raise
        left = None if resource_types is None else set(resource_types) - told
        if left is None or left:
            for resource_type in self._recorded(place):
                if resource_type not in told and (left is None or resource_type in left):
                    yield from self._listed(place, resource_type)

    def existing(self, place: Place, keys: Sequence[Key]) -> tuple[frozenset[Key], frozenset[Key]]:
        """Those that are there, and those of which nothing is known. What is neither is proved to be gone."""
        by_type: defaultdict[str, list[Key]] = defaultdict(list)  # a type that Config refuses must not spoil the others
        for key in dict.fromkeys(keys):
            by_type[key[0]].append(key)
        there: set[Key] = set()
        unknown = {key for key in keys if not _RECORDED_TYPE.fullmatch(key[0])}
        refusals: list[Denied] = []
        asked = [chunk for typed in by_type.values() if typed[0] not in unknown for chunk in _chunks(typed)]
        for chunk in asked:
            try:
                items, unprocessed = self._batch(place, chunk)
            except Denied as denied:
                refusals.append(denied)
                unknown.update(chunk)
                continue
            told = {(str(item.get("resourceType")), str(item.get("resourceId"))): item for item in items}
            there |= {key for key, item in told.items() if item.get("configurationItemStatus") not in _GONE}
            # If Config spells an id in another way than it was asked for, its silence on the others proves nothing.
            unknown.update(unprocessed if told.keys() <= set(chunk) else set(chunk) - told.keys())
        if refusals and len(refusals) == len(asked):  # for want of a permission, not for their types
            raise refusals[0]
        return frozenset(there & set(keys)), frozenset(unknown)

    def _selected(self, place: Place, query: str) -> Iterator[list[JsonObject]]:
        pages = self._service(place).pages("SelectResourceConfig", Expression=query, Limit=ITEMS_PER_CALL)
        for page in pages:
            rows = [(row, _row(row)) for row in page["Results"]]
            if items := [item for _, item in rows if item is not None]:
                yield items
            if doubtful := [_key(row, place) for row, item in rows if item is None]:
                yield self._current(place, doubtful)  # whoever reads the item there says what is wrong with it

    def _recorded(self, place: Place) -> Iterator[str]:
        """The types of which there are resources."""
        page: Mapping[str, Any] = {"nextToken": None}
        while "nextToken" in page:  # boto3 has no pages of this operation
            token = {"nextToken": page["nextToken"]} if page["nextToken"] else {}
            page = self._service(place).ask("GetDiscoveredResourceCounts", limit=ITEMS_PER_CALL, **token)
            yield from (entry["resourceType"] for entry in page["resourceCounts"] if entry.get("count"))

    def _listed(self, place: Place, resource_type: str) -> Iterator[list[JsonObject]]:
        pages = self._service(place).pages("ListDiscoveredResources", resourceType=resource_type, limit=ITEMS_PER_CALL)
        for page in pages:
            keys = [(entry["resourceType"], entry["resourceId"]) for entry in page["resourceIdentifiers"]]
            for chunk in _chunks(keys):
                if items := self._current(place, chunk):
                    yield items

    def _current(self, place: Place, keys: Sequence[Key]) -> list[JsonObject]:
        items, unprocessed = self._batch(place, keys)
        if unprocessed:
            raise AwsError(
                f"config:BatchGetResourceConfig in account {place.account_id}, {place.region}: "
                f"{len(unprocessed)} of {len(keys)} keys were not processed"
            )
        return items

    def _batch(self, place: Place, keys: Sequence[Key]) -> tuple[list[JsonObject], set[Key]]:
        """At most 100. What AWS Config leaves unprocessed is asked for again, as long as that brings anything."""
        service = self._service(place)
        items: list[JsonObject] = []
        left = [{"resourceType": resource_type, "resourceId": resource_id} for resource_type, resource_id in keys]
        while left:
            answer = service.ask("BatchGetResourceConfig", resourceKeys=left)
            unprocessed = answer.get("unprocessedResourceKeys") or []
            told = answer.get("baseConfigurationItems")
            # What is not told is taken for gone, so this must be AWS's word, and no page of a proxy's.
            items += map(_plain, answer["baseConfigurationItems"] if told is None and not unprocessed else told or ())
            if len(unprocessed) >= len(left):
                break
            left = unprocessed
        return items, {(key["resourceType"], key["resourceId"]) for key in left}

    def _service(self, place: Place) -> Service:
        return self._sessions.service("config", place.account_id, place.region)


def _plain(item: Mapping[str, Any]) -> JsonObject:
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in item.items()}


def _chunks(keys: Sequence[Key]) -> list[Sequence[Key]]:
    return [keys[start : start + ITEMS_PER_CALL] for start in range(0, len(keys), ITEMS_PER_CALL)]


def _queries(types: Sequence[str] | None) -> list[str]:
    """Expressions, with as many types in each as fit."""
    queries = [f"SELECT {_COLUMNS}"] if types is None else []
    for quoted in dict.fromkeys(map(_quoted, types or ())):
        if queries and len(queries[-1]) + len(f", {quoted})") <= EXPRESSION_CHARACTERS:
            queries[-1] += f", {quoted}"
        else:
            queries.append(f"SELECT {_COLUMNS} WHERE resourceType IN ({quoted}")
    return queries if types is None else [f"{query})" for query in queries]


def _quoted(resource_type: str) -> str:
    if not _TYPE.fullmatch(resource_type):
        shown = strict_json.shown(resource_type)
        raise UsageError(f'"{shown}" is not a resource type: it may have letters, digits and colons')
    return f"'{resource_type}'"


def _row(row: str) -> JsonObject | None:
    """An item, or None if the row is not strict JSON."""
    try:
        item: JsonObject = strict_json.loads(row.encode(errors="surrogatepass"))
    except strict_json.JsonFault:
        return None
    return item if _key_of(item) else None


def _key(row: str, place: Place) -> Key:
    """Whose row it is, of one that is not strict JSON."""
    try:
        key = _key_of(json.loads(row))
    except (ValueError, RecursionError):
        key = None
    if key is None:
        here = f"config:SelectResourceConfig in account {place.account_id}, {place.region}"
        raise AwsError(f"{here}: a row cannot be read: cut short, or not from AWS")
    return key


def _key_of(item: Any) -> Key | None:
    match item:
        case {"resourceType": str() as kind, "resourceId": str() as name}:
            return kind, name
    return None
