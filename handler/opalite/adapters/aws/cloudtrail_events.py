"""Who made a resource, as CloudTrail's event history tells it: LookupEvents in the member.

It is asked sparingly, because all that look up events in an account and region share two calls a second, and it never fails: who is
not found is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from opalite.adapters.aws import creation_event
from opalite.adapters.aws.cache import Cache, Now
from opalite.errors import AwsError
from opalite.model import JsonObject
from opalite.ports import Absent, Answer, Denied, Sessions

ACTIONS: Final = ("cloudtrail:LookupEvents",)  # in the member

# https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html: two calls a second for each account and
# region; events by page, the newest first.
PAUSE_SECONDS: Final = 0.5
EVENTS_PER_PAGE: Final = 50
PAGES: Final = 2  # of one name; what made a resource that is talked of so much is found only if it tells when that was
MOST_CALLS: Final = 10  # in one invocation

# A call that hangs must not cost the message: with less left, none is begun.
LEAST_SECONDS: Final = 30.0
CLOSED_SECONDS: Final = 900.0  # so long an account and region that refused or hung is not asked again
BUSY_SECONDS: Final = 60.0  # the same of one that is throttled
# An event can be looked up some minutes after it happened, so that "not found" does not stay true for long.
_KEPT_SECONDS: Final = 3600.0
_ABSENT_SECONDS: Final = 300.0
_KEPT: Final = 1000

_Address = tuple[str, str]  # account, region
_Subject = tuple[str, str, str, str]  # account, region, type, id
_NOBODY: Final = Answer(None, "no person is known to have made it")


class _NotAsked(Exception):  # noqa: N818 - not an error: the answer is left open
    """There was no time, no permission, or enough has been asked."""


class Creators:
    """For one invocation at a time."""

    def __init__(self, sessions: Sessions, now: Now, *, sleep: Callable[[float], None]) -> None:
        self._sessions = sessions
        self._now = now
        self._sleep = sleep
        self._answers: Cache[_Subject] = Cache(now, seconds=_KEPT_SECONDS, brief=_ABSENT_SECONDS, size=_KEPT)
        self._closed: dict[_Address, datetime] = {}  # until when
        self._called: dict[_Address, datetime] = {}  # when last
        self._ends: datetime | None = None  # of the invocation that the calls are counted of
        self._left = MOST_CALLS

    def find(self, resources: Mapping[str, JsonObject], *, deadline: Callable[[], float]) -> dict[str, str]:
        """ARNs of principals by the keys of the resources, of all that could be found; who comes first is asked for first."""
        self._begin(deadline)
        found: dict[str, str] = {}
        for key, resource in resources.items():
            region = creation_event.home(resource)
            if not region or not creation_event.names(resource):
                continue
            subject = (str(resource.get("account_id")), region, str(resource.get("type")), str(resource.get("id")))
            try:
                answer = self._answers.get([subject], partial(self._asked, resource, deadline))[subject]
            except _NotAsked:
                continue
            if answer.fact is not None:
                found[key] = answer.fact["principal"]
        return found

    def _begin(self, deadline: Callable[[], float]) -> None:
        """Counts anew in a new invocation, which is one that ends at another time."""
        ends = self._now() + timedelta(seconds=deadline())
        if self._ends is None or abs(ends - self._ends) > timedelta(seconds=1):
            self._ends, self._left = ends, MOST_CALLS

    def _asked(
        self, resource: JsonObject, deadline: Callable[[], float], subjects: list[_Subject]
    ) -> dict[_Subject, Answer]:
        """Of the one resource."""
        (subject,) = subjects
        span = creation_event.span(resource, self._now())
        for name in creation_event.names(resource) if span else ():
            query = {
                "LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": name}],
                **dict(zip(("StartTime", "EndTime"), span or (), strict=True)),
                "MaxResults": EVENTS_PER_PAGE,
            }
            for _ in range(PAGES):
                page = self._page(subject[:2], query, deadline)
                for event in _listed(page):
                    identity = creation_event.maker(event, resource)
                    if identity is not None:
                        return {subject: _answer(identity)}
                if not page.get("NextToken"):
                    break
                query["NextToken"] = page["NextToken"]
        return {subject: _NOBODY}

    def _page(self, address: _Address, query: Mapping[str, Any], deadline: Callable[[], float]) -> Mapping[str, Any]:
        if self._left <= 0 or self._closed.get(address, self._now()) > self._now():
            raise _NotAsked
        self._wait(address)
        if deadline() < LEAST_SECONDS:
            raise _NotAsked
        self._left -= 1
        try:
            return self._sessions.service("cloudtrail", *address).ask("LookupEvents", **query)
        except AwsError as error:
            seconds = BUSY_SECONDS if error.code else CLOSED_SECONDS
        except (Denied, Absent):
            seconds = CLOSED_SECONDS
        self._closed[address] = self._now() + timedelta(seconds=seconds)
        raise _NotAsked

    def _wait(self, address: _Address) -> None:
        pause = timedelta(seconds=PAUSE_SECONDS)
        self._called = {place: when for place, when in self._called.items() if self._now() - when < pause}
        if address in self._called:
            self._sleep((self._called[address] + pause - self._now()).total_seconds())
        self._called[address] = self._now()


def _listed(page: Mapping[str, Any]) -> list[Any]:
    events = page.get("Events")
    return events if isinstance(events, list) else []


def _answer(identity: Mapping[str, Any]) -> Answer:
    principal = creation_event.principal(identity)
    return _NOBODY if principal is None else Answer({"principal": principal})
