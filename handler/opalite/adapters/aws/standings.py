"""What was last known of each policy and resource: a DynamoDB table, asked with the function's own credentials.

See docs/decisions/0017-the-state-of-findings.md for the item and why it is written as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from opalite.adapters.aws import standing_item as item
from opalite.adapters.aws.batches import Patience, shown
from opalite.adapters.aws.standing_item import ItemFault
from opalite.errors import AwsError
from opalite.model import Standing
from opalite.ports import Absent, Denied, Sessions

ACTIONS: Final = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")  # of the caller's own account

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
KEYS_PER_CALL: Final = 100

_CHANGED: Final = "ConditionalCheckFailedException"
_GONE: Final = "ResourceNotFoundException"
_REFUSED: Final = "AccessDeniedException"
_HOPELESS: Final = frozenset({_GONE, _REFUSED, "ValidationException"})


class Found(NamedTuple):
    """What the table holds. A key that is in neither has no standing; one with a fault may have: nothing may be said of it."""

    standings: dict[str, Standing]
    faults: dict[str, str]  # why it could not be read, by key


class Standings:
    """`region`: where the table is, in the caller's own account. May be asked from several threads at once.

    Raises AwsError, also when a permission or the table is missing.
    """

    def __init__(
        self,
        sessions: Sessions,
        table: str,
        region: str,
        *,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        self._sessions = sessions
        self._table = table
        self._region = region
        self._patience = Patience(sleep, jitter)

    def get(self, keys: Sequence[str], *, deadline: Callable[[], float] = lambda: math.inf) -> Found:
        """The standings as they are at this moment, those just written too. `deadline`: seconds that are left."""
        found = Found({}, {})
        wanted = list(dict.fromkeys(keys))
        for first in range(0, len(wanted), KEYS_PER_CALL):
            self._read(wanted[first : first + KEYS_PER_CALL], found, deadline)
        return found

    def put(
        self, standing: Standing, *, after: Standing | None, deadline: Callable[[], float] = lambda: math.inf
    ) -> bool:
        """Written if the table still holds what the step was made from: `after`, or nothing.

        False: somebody else has written in between, something newer or not. Read again and step again from what stands there;
        from something newer there is no step. So of any writers the newest is what stays, and no step between is left out.
        """
        if after is not None and (after.finding_id != standing.finding_id or item.order(after) > item.order(standing)):
            return False
        condition = item.nothing() if after is None else item.unchanged(after)
        return self._write("PutItem", deadline, Item=item.written(standing), **condition)

    def settle(self, standing: Standing, output: str, *, deadline: Callable[[], float] = lambda: math.inf) -> bool:
        """An output, "sns", has been told of this standing: its entry is not pending any more, whatever that says of it.

        False: another standing is there by now, whose outputs are its own matter.
        """
        update = item.settled(standing, output)
        return update is None or self._write("UpdateItem", deadline, Key=item.key(standing.finding_id), **update)

    def _read(self, keys: Sequence[str], found: Found, deadline: Callable[[], float]) -> None:
        """Keys that were not processed are asked for again, and all of them if the call failed."""
        waiting, reason, attempt = list(keys), "", 0
        while waiting and self._patience.waits(attempt, deadline):
            attempt += 1
            request = {"Keys": [item.key(key) for key in waiting], "ConsistentRead": True}
            try:
                answer = self._ask("BatchGetItem", RequestItems={self._table: request})
            except AwsError as error:
                reason = str(error)
                if error.code in _HOPELESS:
                    raise
                continue
            self._parse(answer.get("Responses", {}).get(self._table, ()), waiting, found)
            left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
            unprocessed = {item.key_of(entry) for entry in left}
            waiting = [key for key in waiting if key in unprocessed]
            reason = f"{ACTIONS[0]}: table {self._table} did not process it"
        found.faults.update(dict.fromkeys(waiting, f"{reason} (attempt {attempt} was the last)"))

    def _parse(self, items: Sequence[Mapping[str, Any]], asked: Sequence[str], found: Found) -> None:
        for entry in items:
            key = item.key_of(entry)
            if key not in asked:
                raise AwsError(f"{ACTIONS[0]}: table {self._table} answered what was not asked for")
            try:
                found.standings[key] = item.read(entry)
            except ItemFault as fault:
                remedy = "delete the item, the next decision writes it anew"
                found.faults[key] = f"table {self._table}, item {shown(key)}: {fault}; {remedy}"

    def _write(self, operation: str, deadline: Callable[[], float], **parameters: Any) -> bool:
        """Whether the condition held. An attempt whose answer was lost may have been the one that wrote: see `put`."""
        attempt, last = 0, AwsError(f"dynamodb:{operation}: no time was left to write to table {self._table}")
        while self._patience.waits(attempt, deadline):
            attempt += 1
            try:
                self._ask(operation, TableName=self._table, **parameters)
            except AwsError as error:
                if error.code == _CHANGED:
                    return False
                if error.code in _HOPELESS:
                    raise
                last = error
            else:
                return True
        raise last

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        own_account = self._sessions.caller()
        place = f"account {own_account}, {self._region}"
        try:
            service = self._sessions.service("dynamodb", own_account, self._region)
            return service.ask(operation, **parameters)
        except Absent:
            raise AwsError(f"dynamodb:{operation}: there is no table {self._table} in {place}", _GONE) from None
        except Denied as denied:
            raise AwsError(f"{denied}: table {self._table} cannot be used", _REFUSED) from None
