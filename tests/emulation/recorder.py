"""What AWS Config has recorded: the operations that tell of resources."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from emulation import dialects
from emulation.faults import AwsFault
from emulation.paging import Pager, with_token
from emulation.selection import Query

GONE = frozenset({"ResourceDeleted", "ResourceDeletedNotRecorded"})
UNQUERIED = GONE | {"ResourceNotRecorded"}
# https://docs.aws.amazon.com/config/latest/APIReference/API_GetResourceConfigHistory.html: a call spans seven days at most.
_SPAN = timedelta(days=7)
_GLOBAL = "global"

Document = dict[str, Any]
Parameters = Mapping[str, Any]
Key = tuple[str, str]  # type, id


class Recorder:
    """Histories of resources by account and region, and the API that reads them."""

    def __init__(self, region: str, pages: Pager) -> None:
        self.region, self.pages = region, pages
        self.recorder_off: set[str] = set()  # accounts without a recorder
        self.not_queried: set[str] = set()  # types that Config records and its queries do not know
        self._unprocessed: dict[Key, int | None] = {}
        self._histories: defaultdict[tuple[str, str], dict[Key, list[Document]]] = defaultdict(dict)

    def record(self, item: Mapping[str, Any]) -> Document:
        """Take in an item, spelt as in rule events or by one of the APIs; the same capture time and state replaces it.

        A copy is kept, spelt as in events.
        """
        kept = deepcopy(dialects.event(item))
        region = self.region if kept["awsRegion"] == _GLOBAL else kept["awsRegion"]
        key = (kept["resourceType"], kept["resourceId"])
        states = self._histories[kept["awsAccountId"], region].setdefault(key, [])
        states[:] = [state for state in states if _order(state) != _order(kept)]
        states.append(kept)
        states.sort(key=_order)
        return kept

    def forget(self, account: str, resource_type: str, resource_id: str) -> None:
        """As if the resource had never been discovered."""
        for (owner, _), histories in self._histories.items():
            if owner == account:
                histories.pop((resource_type, resource_id), None)

    def leave_unprocessed(self, *keys: Key, times: int | None = 1) -> None:
        """BatchGetResourceConfig does not come to these, the next times that it is asked; None: never."""
        self._unprocessed |= dict.fromkeys(keys, times)

    def operations(self) -> Mapping[str, Callable[[str, str, Parameters], Document]]:
        return {
            "BatchGetResourceConfig": self._batch_get,
            "GetDiscoveredResourceCounts": self._counts,
            "GetResourceConfigHistory": self._history,
            "ListDiscoveredResources": self._list,
            "SelectResourceConfig": self._select,
        }

    def _history(self, account: str, region: str, asked: Parameters) -> Document:
        self._needs_recorder(account)
        states = self._histories[account, region].get((asked["resourceType"], asked["resourceId"]))
        if states is None:
            raise AwsFault("ResourceNotDiscoveredException", "The resource is unknown or has not been discovered")
        found = _between(states, asked.get("earlierTime"), asked.get("laterTime"))
        if asked.get("chronologicalOrder") != "Forward":
            found.reverse()
        page, token = self.pages.page(
            "history", found, asked.get("nextToken"), asked.get("limit"), 10, together=_within_span
        )
        return with_token({"configurationItems": [dialects.history(item) for item in page]}, token, "nextToken")

    def _batch_get(self, account: str, region: str, asked: Parameters) -> Document:
        self._needs_recorder(account)
        found, left = [], []
        for wanted in asked["resourceKeys"]:
            key = (wanted["resourceType"], wanted["resourceId"])
            if self._is_left(key):
                left.append(wanted)
            elif (item := self._current(account, region, key)) and item["configurationItemStatus"] not in GONE:
                found.append(dialects.base(item))
        return {"baseConfigurationItems": found, "unprocessedResourceKeys": left}

    def _is_left(self, key: Key) -> bool:
        times = self._unprocessed.get(key, 0)
        if times:
            self._unprocessed[key] = times - 1
        return times != 0

    def _counts(self, account: str, region: str, asked: Parameters) -> Document:
        counts = Counter(
            resource_type
            for (resource_type, _), states in self._histories[account, region].items()
            if states[-1]["configurationItemStatus"] not in GONE
        )
        wanted = asked.get("resourceTypes") or counts
        found = [{"resourceType": name, "count": counts[name]} for name in sorted(counts) if name in wanted]
        page, token = self.pages.page("counts", found, asked.get("nextToken"), asked.get("limit"), 100)
        answer = {"totalDiscoveredResources": sum(entry["count"] for entry in found), "resourceCounts": page}
        return with_token(answer, token, "nextToken")

    def _list(self, account: str, region: str, asked: Parameters) -> Document:
        self._needs_recorder(account)
        wanted = asked.get("resourceIds")
        if wanted and asked.get("resourceName"):
            raise AwsFault("ValidationException", "Give either resource ids or a resource name")
        found = [
            _identifier(states[-1])
            for (resource_type, resource_id), states in sorted(self._histories[account, region].items())
            if resource_type == asked["resourceType"]
            and (not wanted or resource_id in wanted)
            and asked.get("resourceName") in (None, states[-1].get("resourceName"))
            and (states[-1]["configurationItemStatus"] not in GONE or asked.get("includeDeletedResources"))
        ]
        page, token = self.pages.page("list", found, asked.get("nextToken"), asked.get("limit"), 100)
        return with_token({"resourceIdentifiers": page}, token, "nextToken")

    def _select(self, account: str, region: str, asked: Parameters) -> Document:
        query = Query(asked["Expression"])
        rows = [
            dialects.row(states[-1])
            for (resource_type, _), states in sorted(self._histories[account, region].items())
            if states[-1]["configurationItemStatus"] not in UNQUERIED and resource_type not in self.not_queried
        ]
        found = [json.dumps(query.selected(row), separators=(",", ":")) for row in rows if query.meets(row)]
        page, token = self.pages.page("select", found, asked.get("NextToken"), asked.get("Limit"), 25)
        fields = [{"Name": column} for column in query.columns]
        return with_token({"Results": page, "QueryInfo": {"SelectFields": fields}}, token)

    def _current(self, account: str, region: str, key: Key) -> Document | None:
        states = self._histories[account, region].get(key)
        return states[-1] if states else None

    def _needs_recorder(self, account: str) -> None:
        if account in self.recorder_off:
            raise AwsFault("NoAvailableConfigurationRecorderException", "There is no configuration recorder")


def _order(item: Mapping[str, Any]) -> tuple[datetime, str]:
    return dialects.moment(item["configurationItemCaptureTime"]), str(item.get("configurationStateId", ""))


def _between(states: list[Document], earlier: float | None, later: float | None) -> list[Document]:
    if earlier is not None and later is not None and earlier > later:
        raise AwsFault("InvalidTimeRangeException", "The earlier time is not before the later time")

    def inside(item: Document) -> bool:
        captured = dialects.moment(item["configurationItemCaptureTime"]).timestamp()
        return (earlier is None or earlier <= captured) and (later is None or captured <= later)

    return [item for item in states if inside(item)]


def _within_span(first: Document, item: Document) -> bool:
    """What is further away comes with another page."""
    times = (dialects.moment(each["configurationItemCaptureTime"]) for each in (first, item))
    return abs(next(times) - next(times)) <= _SPAN


def _identifier(item: Document) -> Document:
    found = {name: item.get(name) for name in ("resourceType", "resourceId", "resourceName")}
    if item["configurationItemStatus"] in GONE:
        found["resourceDeletionTime"] = dialects.seconds(item["configurationItemCaptureTime"])
    return {name: value for name, value in found.items() if value is not None}
