"""A clock that stands still while anybody works, and goes on to the next who wakes when all of them sleep."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from threading import Condition, Thread

BEGINNING = datetime(2026, 3, 4, 12, 0, 0, 250_000, tzinfo=UTC)
_PATIENCE = 30.0  # real seconds; what takes longer has failed


class SimulatedTime:
    """For `work` in threads of its own."""

    def __init__(self) -> None:
        self._moment = BEGINNING
        self._changed = Condition()
        self._awake = 0
        self._wakings: list[datetime] = []

    def now(self) -> datetime:
        with self._changed:
            return self._moment

    def left(self, until: datetime) -> float:
        """Seconds."""
        return (until - self.now()).total_seconds()

    def sleep(self, seconds: float) -> None:
        with self._changed:
            waking = self._moment + timedelta(seconds=seconds)
            self._wakings.append(waking)
            self._awake -= 1
            self._go_on()
            assert self._changed.wait_for(lambda: self._moment >= waking and waking not in self._wakings, _PATIENCE)

    def work(self, tasks: Iterable[Callable[[], object]]) -> None:
        """All at once, until all are done."""
        threads = [Thread(target=self._run, args=(task,)) for task in tasks]
        self._awake = len(threads)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_PATIENCE)
            assert not thread.is_alive()

    def _run(self, task: Callable[[], object]) -> None:
        try:
            task()
        finally:
            with self._changed:
                self._awake -= 1
                self._go_on()

    def _go_on(self) -> None:
        """Whoever wakes counts as awake at once, so that the clock cannot run ahead of him."""
        if self._awake == 0 and self._wakings:
            self._moment = min(self._wakings)
            self._awake = self._wakings.count(self._moment)
            self._wakings = [waking for waking in self._wakings if waking != self._moment]
            self._changed.notify_all()
