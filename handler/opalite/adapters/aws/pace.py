"""Calls that AWS takes only so many of in a second wait for their turn, over all functions at once.

It is a courtesy and no proof: when the counters cannot be asked calls go on without them, since whoever is throttled waits anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from opalite.adapters.aws.allowance import Allowance
from opalite.adapters.aws.batches import RESERVE_SECONDS
from opalite.adapters.aws.cache import Now
from opalite.errors import AwsError

CODE: Final = "Throttling"  # as AWS would say it
TURNS: Final = 20  # seconds that may be full, one after the other; then others shall have the time that is left
SPREAD_SECONDS: Final = 0.5  # not all that wait ask again at once
UNASKED_SECONDS: Final = 60  # after the counters could not be asked: each attempt would take its time-outs


class Pace:
    """`limit`: of calls in a second. May be asked from several threads at once.

    `jitter` gives a number from 0 to 1, another each time. `note` hears why calls are not paced: once, until they were again.
    """

    def __init__(
        self,
        allowance: Allowance,
        limit: int,
        now: Now,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        note: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._allowance = allowance
        self._limit = limit
        self._now = now
        self._sleep = sleep
        self._jitter = jitter
        self._note = note
        self._lock = Lock()
        self._failed_at: datetime | None = None

    def wait(self, name: str, *, deadline: Callable[[], float]) -> None:
        """Returns when a call may be made of what is named. `deadline`: seconds that are left.

        Raises AwsError with the code CODE when its turn does not come in time.
        """
        at = self._now()
        for _ in range(TURNS):
            if self._is_taken(name, at):
                return
            seconds = 1 - at.microsecond / 1_000_000 + SPREAD_SECONDS * self._jitter()
            if deadline() - seconds < RESERVE_SECONDS:
                break
            self._sleep(seconds)
            at = max(self._now(), at + timedelta(seconds=seconds))  # also if the clock was set back
        raise AwsError(
            f"{name}: others make the {self._limit} calls in a second that there may be; try again later", CODE
        )

    def _is_taken(self, name: str, at: datetime) -> bool:
        """Also when nobody counts."""
        with self._lock:
            failed_at = self._failed_at
        if failed_at is not None and at < failed_at + timedelta(seconds=UNASKED_SECONDS):
            return True
        try:
            is_taken = self._allowance.take(name, limit=self._limit, seconds=1, at=at)
        except AwsError as error:
            with self._lock:
                is_news, self._failed_at = self._failed_at is None, at
            if is_news:
                self._note(f"calls are not paced: {error}")
            return True
        with self._lock:
            self._failed_at = None
        return is_taken
