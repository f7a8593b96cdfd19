"""Slow work that nobody has to wait for at the end: a call of AWS may take minutes until it is given up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Lock, Thread
from typing import Any, TypeVar

from opalite.errors import AwsError

T = TypeVar("T")


class Leaving:
    """Works in threads of its own, which the end of the process does not wait for, as it does for those of an executor."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stopped = False
        self._open: set[Future[Any]] = set()

    def wait(self, work: Callable[[], T]) -> T:
        """The result of `work`, or its exception. Raises AwsError after `stop`."""
        future: Future[T] = Future()
        with self._lock:
            if self._stopped:
                raise _stopped()
            self._open.add(future)
        try:
            Thread(target=_do, args=(future, work), daemon=True).start()
            return future.result()
        finally:
            with self._lock:
                self._open.discard(future)

    def stop(self) -> None:
        """Let go of all that wait, and begin nothing more."""
        with self._lock:
            self._stopped = True
            for future in self._open:
                with suppress(InvalidStateError):
                    future.set_exception(_stopped())


def _do(future: Future[T], work: Callable[[], T]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - for the one who waits
        with suppress(InvalidStateError):
            future.set_exception(error)
    else:
        with suppress(InvalidStateError):
            future.set_result(result)


def _stopped() -> AwsError:
    return AwsError("the run ends: AWS is not asked any more")
