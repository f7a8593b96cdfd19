"""Sending what AWS takes in batches, of which it may refuse some, or all for now: nothing lost, and what was not taken is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from opalite.errors import AwsError
from opalite.ports import Absent, Denied

ATTEMPTS: Final = 5
FIRST_WAIT_SECONDS: Final = 0.5  # at most, before the second attempt; it doubles with each
LONGEST_WAIT_SECONDS: Final = 8.0
RESERVE_SECONDS: Final = 2.0  # less than this is left: no call is begun, so that what was not sent can still be told
_NAMED: Final = 10

# More of the same at once would only be throttled, too.
_THROTTLED: Final = frozenset(
    {
        "KMSThrottling", "KMSThrottlingException", "LimitExceededException", "RequestLimitExceeded", "RequestThrottled",
        "Throttled", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Patience:
    """How attempts wait for one another.

    `jitter` gives a number from 0 to 1, another each time: functions that were throttled at once must not come back at once.
    """

    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def waits(self, attempt: int, deadline: Callable[[], float]) -> bool:
        """Whether an attempt may be made; before any but the first, 0, it has waited. Not with too little time left."""
        if attempt >= ATTEMPTS:
            return False
        if attempt:
            seconds = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** (attempt - 1)) * self.jitter()
            if deadline() - seconds < RESERVE_SECONDS:
                return False
            self.sleep(seconds)
        return True


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing to send. `address`: a batch is of one; what is refused there is refused for all of it."""

    name: str
    address: tuple[str, ...]
    size: int  # bytes
    body: Mapping[str, Any]


class Refused(NamedTuple):
    """What a batch was taken without, and why. `final`: it would be refused again."""

    parcel: Parcel
    reason: str
    final: bool


Lost = list[tuple[str, Sequence[Parcel]]]  # why, and what


@dataclass(frozen=True, slots=True)
class Batches:
    """`count`, `size`: what AWS takes in one call. `malformed`: codes by which it refuses a call for what one parcel says."""

    count: int
    size: int
    malformed: frozenset[str]
    patience: Patience

    def send(
        self,
        parcels: Iterable[Parcel],
        call: Callable[[Sequence[Parcel]], Iterable[Refused]],
        *,
        deadline: Callable[[], float],
        taken: Callable[[Sequence[Parcel]], None],
    ) -> Lost:
        """What was not taken after all attempts. `call` sends one batch; `taken` hears of what was taken after each call.

        A call that is refused for what it says is sent again in halves, until only the culprit is left.
        """
        run = _Run(call, taken, deadline, self.malformed, waiting=self.packed(parcels))
        attempts = 0
        while run.waiting and self.patience.waits(attempts, deadline):
            attempts += 1
            run.send_all()
            tired, run.again = run.again, []
            run.waiting = self.packed(parcel for _, batch in tired for parcel in batch)
            if run.waiting:
                run.last = tired
        if run.waiting:
            run.lost.extend((f"{reason} (attempt {attempts} was the last)", batch) for reason, batch in run.last)
        return run.lost

    def packed(self, parcels: Iterable[Parcel]) -> list[Sequence[Parcel]]:
        """In batches of one address each, no larger than AWS takes them; the order within an address stays."""
        batches: list[Sequence[Parcel]] = []
        open_ones: dict[tuple[str, ...], tuple[list[Parcel], int]] = {}
        for parcel in parcels:
            batch, size = open_ones.get(parcel.address, ([], 0))
            if not batch or len(batch) == self.count or size + parcel.size > self.size:
                batch, size = [], 0
                batches.append(batch)
            batch.append(parcel)
            open_ones[parcel.address] = (batch, size + parcel.size)
        return batches


@dataclass(slots=True)
class _Run:
    """One `send`: what is still to be sent, what is to be sent again, and what was not taken, with reasons."""

    call: Callable[[Sequence[Parcel]], Iterable[Refused]]
    taken: Callable[[Sequence[Parcel]], None]
    deadline: Callable[[], float]
    malformed: frozenset[str]
    waiting: list[Sequence[Parcel]]
    again: Lost = field(default_factory=list)
    last: Lost = field(default_factory=list)
    lost: Lost = field(default_factory=list)
    closed: dict[tuple[str, ...], str] = field(default_factory=dict)

    def send_all(self) -> None:
        """Each batch once, but to an address that refuses, or is throttled, no more than one."""
        busy: dict[tuple[str, ...], str] = {}
        while self.waiting:
            batch = self.waiting.pop(0)
            address = batch[0].address
            if address in self.closed:
                self.lost.append((self.closed[address], batch))
            elif address in busy:
                self.again.append((busy[address], batch))
            elif self.deadline() < RESERVE_SECONDS:
                self.lost.append(("no time was left to send it", batch))
            else:
                self._attempt(batch, busy)

    def _attempt(self, batch: Sequence[Parcel], busy: dict[tuple[str, ...], str]) -> None:
        try:
            refused = list(self.call(batch))
        except (Denied, Absent) as refusal:
            self.closed[batch[0].address] = str(refusal)
            self.lost.append((str(refusal), batch))
        except AwsError as error:
            self._put_off(batch, error, busy)
        else:
            for parcel, reason, final in refused:
                (self.lost if final else self.again).append((reason, [parcel]))
            left_out = {id(one.parcel) for one in refused}
            if len(left_out) < len(batch):
                self.taken([parcel for parcel in batch if id(parcel) not in left_out])

    def _put_off(self, batch: Sequence[Parcel], error: AwsError, busy: dict[tuple[str, ...], str]) -> None:
        if error.code not in self.malformed:
            self.again.append((str(error), batch))
            if error.code in _THROTTLED:
                busy[batch[0].address] = str(error)
        elif len(batch) > 1:
            half = len(batch) // 2
            self.waiting[:0] = [batch[:half], batch[half:]]
        else:
            self.lost.append((str(error), batch))


def told(lost: Lost) -> str:
    """One line: names and reasons, at most ten names in all."""
    by_reason: defaultdict[str, list[Parcel]] = defaultdict(list)
    for reason, parcels in lost:
        by_reason[reason].extend(parcels)
    parts: list[str] = []
    room = _NAMED
    for reason, group in by_reason.items():
        names = [shown(parcel.name) for parcel in group[:room]]
        room -= len(names)
        more = [f"+{len(group) - len(names)} more"] if len(group) > len(names) else []
        parts.append(f"{', '.join([*names, *more])}: {reason}".removeprefix(": "))
    return "; ".join(parts)


def shown(name: str) -> str:
    """A name as a message may show it: one line."""
    return "".join(character if character.isprintable() else "?" for character in name)
