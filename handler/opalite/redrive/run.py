"""Through the queue: each event is sent again, and what was taken goes from the queue. I/O through ports alone.

A message is hidden from others while it is worked on. What is left in the queue is shown again at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from opalite.errors import AwsError, OpaliteError
from opalite.ports import Denied, Place
from opalite.redrive.failed import Failed, NotOurs, error_of, is_dead, one_line, parse

SILENCES: Final = 2  # so many times in a row nothing is heard of the function: then it is not the event


class Did(StrEnum):
    """What became of a message."""

    DELIVERED = "delivered"  # the function took it
    REEVALUATED = "evaluated anew"  # its result token is dead: AWS Config evaluates its rule anew
    REFUSED = "refused"  # by the function, which does not serve this Config rule or account (any more)
    GONE = "gone"  # the Config rule is not there any more: nobody waits for the event
    FAILED = "failed"  # and is still in the queue
    UNREADABLE = "unreadable"  # left in the queue
    FOREIGN = "skipped"  # left in the queue: not of this function
    WOULD_SEND = "would be sent"
    WOULD_REEVALUATE = "would be evaluated anew"


_DONE: Final = (Did.DELIVERED, Did.REEVALUATED, Did.REFUSED, Did.GONE)


class Message(Protocol):
    """What a queue hands out."""

    @property
    def id(self) -> str:
        """The same each time."""
        ...

    @property
    def body(self) -> str:
        """As it was sent."""
        ...

    @property
    def error(self) -> str:
        """The attribute ErrorMessage, or nothing."""
        ...

    @property
    def receipt(self) -> str:
        """By which it is shown again; another one each time."""
        ...


class Queue(Protocol):
    """Where the events lie. Raises Denied or AwsError."""

    def take(self) -> Any:
        """The next message, hidden from others for a while; None when there is none."""
        ...

    def delete(self, message: Any) -> None:
        """For good."""
        ...

    def show(self, receipts: Sequence[str]) -> None:
        """Let others see again what was taken."""
        ...


class Answer(Protocol):
    """How an invocation ended."""

    @property
    def failed(self) -> bool:
        """Whether the function raised."""
        ...

    @property
    def payload(self) -> Any:
        """What it returned; if it raised, what Lambda says of that."""
        ...


class Started(Protocol):
    """What became of Config rules that were to be evaluated anew: names."""

    @property
    def started(self) -> Sequence[str]:
        """They are evaluated anew now."""
        ...

    @property
    def gone(self) -> Sequence[str]:
        """There are none of these names."""
        ...


@dataclass(slots=True, kw_only=True)
class Redrive:
    """One run. `send` invokes the function and waits for its answer, `start` has Config rules evaluated anew."""

    queue: Queue
    function_arn: str
    send: Callable[[bytes], Answer]
    start: Callable[[Place, Sequence[str]], Started]
    tell: Callable[[Did, str, str], None]  # what became of it, which message, why
    dry_run: bool = False
    most: int | None = None
    counts: Counter[Did] = field(default_factory=Counter)
    silences: int = 0  # in all
    _silent: int = 0  # in a row
    _started: dict[tuple[Place, str], tuple[Did, str]] = field(default_factory=dict)

    def run(self) -> None:
        """Until the queue is empty, or `most` messages were seen. Raises AwsError or Denied for what concerns all of them."""
        left: dict[str, str] = {}
        seen: set[str] = set()
        try:
            while (self.most is None or len(seen) < self.most) and (message := self.queue.take()) is not None:
                left[message.id] = message.receipt  # that of a second time replaces the first
                if message.id in seen:
                    continue  # what was left in the queue has come round again
                seen.add(message.id)
                did, name, why = self._done(message)
                if did in _DONE:
                    self.queue.delete(message)
                    del left[message.id]
                self.counts[did] += 1
                self.tell(did, name, why)
                if self._silent >= SILENCES:
                    raise AwsError(f"nothing was heard of the function {SILENCES} times in a row: {why}")
        finally:
            with suppress(OpaliteError, Denied):
                self.queue.show(list(left.values()))

    def _done(self, message: Message) -> tuple[Did, str, str]:
        found = parse(message.body, message.error, self.function_arn)
        if isinstance(found, NotOurs):
            return (Did.UNREADABLE if found.lost else Did.FOREIGN), f"message {one_line(message.id)}", found.reason
        if self.dry_run:
            return (Did.WOULD_REEVALUATE if found.dead else Did.WOULD_SEND), found.about, ""
        did, why = self._anew(found) if found.dead else self._sent(found)
        return did, found.about, why

    def _sent(self, found: Failed) -> tuple[Did, str]:
        try:
            answer = self.send(found.payload)
        except AwsError as error:
            self._silent += 1
            self.silences += 1
            return Did.FAILED, one_line(str(error))
        self._silent = 0
        if not answer.failed:
            refused = answer.payload.get("refused") if isinstance(answer.payload, dict) else None
            return (Did.REFUSED, one_line(str(refused))) if refused else (Did.DELIVERED, "")
        message = error_of(answer.payload)
        if is_dead(message):
            return self._anew(found)
        return Did.FAILED, one_line(message or "the function failed without a word")

    def _anew(self, found: Failed) -> tuple[Did, str]:
        """Once for a Config rule: what is evaluated after one of its events is evaluated after all that failed before."""
        key = (found.place, found.rule_name)
        if key not in self._started:
            self._started[key] = self._evaluated(*key)
        return self._started[key]

    def _evaluated(self, place: Place, rule_name: str) -> tuple[Did, str]:
        try:
            told = self.start(place, [rule_name])
        except (AwsError, Denied) as error:
            return (
                Did.FAILED,
                f"its result token is dead, and its rule cannot be evaluated anew: {one_line(str(error))}",
            )
        if rule_name in told.started:
            return Did.REEVALUATED, "its result token is dead"
        if rule_name in told.gone:
            return Did.GONE, "there is no such Config rule any more"
        return Did.FAILED, "its result token is dead, and its rule is just being evaluated: try again in some minutes"
