"""Answers that are kept for a while: limited in time and number, and each key is asked for once, however many threads want it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from opalite.ports import Answer

K = TypeVar("K", bound=Hashable)

Now = Callable[[], datetime]  # with a time zone

SECONDS = 300  # how long an answer is good
BRIEF_SECONDS = 30  # how long no answer, or a refusal, is
SIZE = 50_000  # answers; a fact takes less than a kilobyte


class Cache(Generic[K]):
    """Failures are not kept: they reach everybody who waits, and the next one asks again."""

    def __init__(self, now: Now, *, seconds: float = SECONDS, brief: float = BRIEF_SECONDS, size: int = SIZE) -> None:
        self._now = now
        self._seconds = timedelta(seconds=seconds)
        self._brief = timedelta(seconds=min(brief, seconds))
        self._size = size
        self._lock = Lock()
        self._kept: OrderedDict[K, tuple[datetime, Answer]] = OrderedDict()  # good until; the longest unused one first
        self._asked: dict[K, Future[Answer]] = {}

    def get(self, keys: Sequence[K], fetch: Callable[[list[K]], Mapping[K, Answer]]) -> dict[K, Answer]:
        """The answers; `fetch` is called once for those that nobody has or is asking for. It must answer each key."""
        found, mine, others = self._claim(dict.fromkeys(keys))
        if mine:
            found |= self._fetch(mine, fetch)
        # Only now: somebody who waits for one of mine has it already, so that two threads never wait for one another.
        for key, future in others.items():
            found[key] = future.result()
        return found

    def peek(self, key: K) -> Answer | None:
        """The last answer, even if it is not good any more; nobody is asked."""
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept else None

    def _claim(
        self, keys: Mapping[K, None]
    ) -> tuple[dict[K, Answer], dict[K, Future[Answer]], dict[K, Future[Answer]]]:
        found: dict[K, Answer] = {}
        mine: dict[K, Future[Answer]] = {}
        others: dict[K, Future[Answer]] = {}
        now = self._now()
        with self._lock:
            for key in keys:
                kept = self._kept.get(key)
                if kept is not None and now < kept[0]:
                    self._kept.move_to_end(key)
                    found[key] = kept[1]
                elif key in self._asked:
                    others[key] = self._asked[key]
                else:
                    mine[key] = self._asked[key] = Future()
        return found, mine, others

    def _fetch(
        self, mine: Mapping[K, Future[Answer]], fetch: Callable[[list[K]], Mapping[K, Answer]]
    ) -> dict[K, Answer]:
        try:
            answers = {key: answer for key, answer in fetch(list(mine)).items() if key in mine}
            if len(answers) != len(mine):
                raise RuntimeError("a source of facts did not answer all that it was asked")  # noqa: TRY301 - for those who wait, too
        except BaseException as error:
            with self._lock:
                for key in mine:
                    del self._asked[key]
            for future in mine.values():
                future.set_exception(error)
            raise
        now = self._now()
        with self._lock:
            for key, answer in answers.items():
                brief = answer.refused or answer.fact is None
                self._kept[key] = (now + (self._brief if brief else self._seconds), answer)
                self._kept.move_to_end(key)
                del self._asked[key]
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        for key, future in mine.items():
            future.set_result(answers[key])
        return answers
