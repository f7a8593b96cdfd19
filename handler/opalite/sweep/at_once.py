"""The same work in many accounts, some at once, as long as there is time for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Generic, TypeVar

from opalite.errors import AwsError, DeliveryError
from opalite.ports import Absent, Denied, Place

AT_ONCE: Final = 8  # accounts; each is a role to assume and two calls or more
RESERVE_SECONDS: Final = 45.0  # with less left, no further account is begun
HAND_ON_SECONDS: Final = 15.0  # with less left, what is under way is not waited for: the rest must be handed on
_LONGEST_WAIT: Final = 900.0  # seconds that an invocation of Lambda may take

_Done = TypeVar("_Done")


class AtOnce(Generic[_Done]):
    """`note` gets what was done in each account; `failed`, why there was nothing, by account."""

    def __init__(
        self,
        work: Callable[[Place], _Done],
        note: Callable[[Place, _Done], None],
        failed: dict[str, str],
        remaining: Callable[[], float],
    ) -> None:
        self._work = work
        self._note = note
        self._failed = failed
        self._remaining = remaining

    def each(self, places: Sequence[Place]) -> Sequence[Place]:
        """Do it everywhere; those that there was no time to begin with."""
        under_way: dict[Future[_Done], Place] = {}
        begun = 0
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            while under_way or begun < len(places):
                while begun < len(places) and len(under_way) < AT_ONCE and self._remaining() >= RESERVE_SECONDS:
                    under_way[pool.submit(self._work, places[begun])] = places[begun]
                    begun += 1
                if not under_way or not self._collect(under_way):
                    break
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # whoever hangs must not keep us from handing on
        for place in under_way.values():
            self._failed[place.account_id] = "AWS did not answer in time"
        return places[begun:]

    def _collect(self, under_way: dict[Future[_Done], Place]) -> bool:
        """Wait for the next to finish; False if there is no time for that."""
        patience = min(self._remaining() - HAND_ON_SECONDS, _LONGEST_WAIT)
        finished, _ = wait(under_way, max(patience, 0.0), FIRST_COMPLETED)
        for future in finished:
            place = under_way.pop(future)
            try:
                self._note(place, future.result())
            except Absent as error:
                self._failed[place.account_id] = f"AWS Config answers {error}"
            except (Denied, AwsError, DeliveryError) as error:
                self._failed[place.account_id] = str(error)
        return bool(finished)
