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


def granted(answer: Answer) -> bool:
    """Neither a refusal nor an absence: what AWS has told stands, whatever somebody permits or makes a moment later."""
    return answer.fact is not None and not answer.refused


class Cache(Generic[K]):
    """Failures are not kept: they reach everybody who waits, and the next one asks again.

    `lasting`: which answers outlive `renew`.
    """

    def __init__(
        self,
        now: Now,
        *,
        seconds: float = SECONDS,
        brief: float = BRIEF_SECONDS,
        size: int = SIZE,
        lasting: Callable[[Answer], bool] = granted,
    ) -> None:
        self._now = now
        self._seconds = timedelta(seconds=seconds)
        self._brief = timedelta(seconds=min(brief, seconds))
        self._size = size
        self._lasting = lasting
        self._lock = Lock()
        self._kept: OrderedDict[K, tuple[datetime, Answer]] = OrderedDict()  # good until; the longest unused one first
        self._passing: set[K] = set()  # those of the kept that go with the next `renew`
        self._asked: dict[K, Future[Answer]] = {}
        self._hits = self._misses = 0

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

    def forget(self, key: K) -> None:
        """The next one asks again."""
        with self._lock:
            self._drop(key)

    def doubt(self, key: K) -> None:
        """The answer is good, but not beyond the next `renew`: something was missing in it."""
        with self._lock:
            if key in self._kept:
                self._passing.add(key)

    def renew(self) -> None:
        """A new event begins: no refusal and no absence that an earlier one met is kept, nor one that is under way for it."""
        with self._lock:
            for key in list(self._passing):
                self._drop(key)
            self._asked = {}

    def counts(self) -> tuple[int, int]:
        """Hits and misses since the beginning, by key. Whoever waits for what another one asks has a hit."""
        with self._lock:
            return self._hits, self._misses

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
            self._hits += len(found) + len(others)
            self._misses += len(mine)
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
                for key, future in mine.items():
                    self._answered(key, future)
            for future in mine.values():
                future.set_exception(error)
            raise
        now = self._now()
        with self._lock:
            for key, future in mine.items():
                if self._answered(key, future):
                    self._keep(key, answers[key], now)
            while len(self._kept) > self._size:
                self._drop(next(iter(self._kept)))
        for key, future in mine.items():
            future.set_result(answers[key])
        return answers

    def _answered(self, key: K, future: Future[Answer]) -> bool:
        """Whether the question was still open: not if `renew` came in between."""
        if self._asked.get(key) is not future:
            return False
        del self._asked[key]
        return True

    def _keep(self, key: K, answer: Answer, now: datetime) -> None:
        self._kept[key] = (now + (self._seconds if granted(answer) else self._brief), answer)
        self._kept.move_to_end(key)
        if self._lasting(answer):
            self._passing.discard(key)
        else:
            self._passing.add(key)

    def _drop(self, key: K) -> None:
        self._kept.pop(key, None)
        self._passing.discard(key)
