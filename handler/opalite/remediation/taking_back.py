"""The inverses of what was done, the last first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from opalite.remediation.action import Ask
from opalite.remediation.applying import (
    BUSY_SECONDS,
    THROTTLED,
    Applied,
    Progress,
    StepError,
    called,
    is_uncertain,
    look,
)
from opalite.remediation.model import Call
from opalite.remediation.parts import Parts

RESERVE_SECONDS = 60.0  # of the invocation, for the last look and for telling

_LONGEST_SECONDS = 3600.0

# An inverse that was made before, by a process that died.
_DONE_BEFORE = frozenset({"InvalidPermission.Duplicate"})
# Operations that take something away: where it is gone, there is nothing left to do. Any other needs what is missing.
_TAKES_AWAY = ("Delete", "Remove", "Revoke", "Untag")


def stands(left: Sequence[Applied]) -> str:
    """For people: how many steps are still there that were not meant to stay."""
    steps = sum(not one.stays and one.progress is not Progress.NOT_MADE for one in left)
    return "1 step stands" if steps == 1 else f"{steps} steps stand"


class Back:
    """How far it has come: how many were taken back, which may stay, which stand, and why the first of them does.

    `goes_on`: it only takes more time, or another try.
    """

    def __init__(self) -> None:
        self.done = 0
        self.stays: list[str] = []
        self.left: tuple[Applied, ...] = ()
        self.problem = ""
        self.goes_on = False


def taken_back(
    parts: Parts,
    ask: Ask,
    applied: Sequence[Applied],
    note: Callable[[tuple[Applied, ...]], None] = lambda _: None,
    *,
    by_a_person: bool = False,
) -> Back:
    """The inverses, the last first, up to the first that cannot be made: those before it may depend on it.

    `note` hears after each what is left. By itself nothing is brought back that the policy forbids: there it ends, too. A step of
    which nobody knows whether it was made is taken back, too: what is not there cannot be taken away.
    """
    back = Back()
    left = list(applied)
    while left:
        one = left[-1]
        if one.stays:
            back.stays.append(one.name)
        elif one.progress is not Progress.NOT_MADE and not one.already:
            if one.inverse is None or (one.closes and not by_a_person):
                break
            try:
                _inverted(parts, ask, one, one.inverse)
            except (AwsError, Denied, StepError) as error:
                back.problem = f"{one.name}: {error}"
                back.goes_on = isinstance(error, AwsError) and is_uncertain(error.code)
                break
            back.done += 1
        left.pop()
        note(tuple(left))
    back.left = tuple(left)
    return back


def _inverted(parts: Parts, ask: Ask, one: Applied, inverse: Call) -> None:
    """Made, and come about, as long as there is time to wait for it."""
    patience = _Patience(parts)
    while not _made(ask, inverse, one.busy):
        patience.wait(BUSY_SECONDS)
    while one.inverse_until is not None:
        seconds = look(ask, one.name, one.inverse_until, {})
        if seconds is None:
            return
        patience.wait(seconds)


class _Patience:
    """For one inverse: the invocation may end, and where nothing ends, an hour is enough."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._left = _LONGEST_SECONDS

    def wait(self, seconds: float) -> None:
        """Raises AwsError where there is no time left for it."""
        self._left -= seconds
        if self._left < 0 or self._parts.remaining() < RESERVE_SECONDS + seconds:
            raise AwsError("AWS is still at it, and there is no time left to wait")
        self._parts.sleep(seconds)


def _made(ask: Ask, call: Call, busy: Sequence[str]) -> bool:
    """False: AWS takes it later."""
    try:
        called(ask, call)
    except Absent as missing:
        if not call.operation.startswith(_TAKES_AWAY):
            raise StepError(
                f"{call.service}:{call.operation}: something that it needs is gone: {missing}", certain=True
            ) from None
    except AwsError as error:
        if error.code in busy or error.code in THROTTLED:
            return False
        if error.code not in _DONE_BEFORE:
            raise
    return True
