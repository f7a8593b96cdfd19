"""At most so many in a window of time, of all functions together: a counter in the table of standings.

It is asked with the caller's own credentials. Windows are those of the clock: the second, or the hour, that a moment is in. So around
the end of a window there may be twice as many in the length of one, and clocks that differ a little do no more harm than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from opalite.adapters.aws.standing_item import EXPIRES, KEY
from opalite.errors import AwsError
from opalite.ports import Absent, Denied, Sessions

ACTIONS: Final = ("dynamodb:UpdateItem",)  # of the caller's own account

PREFIX: Final = "allowance/"  # of the keys; those of standings begin with `opalite/`
TAKEN: Final = "taken"
KEPT_SECONDS: Final = (
    3600  # after the end of the window, in case clocks differ; then the table's time to live deletes it
)

_FULL: Final = "ConditionalCheckFailedException"


class Allowance(Protocol):
    """May be asked from several threads at once."""

    def take(self, name: str, *, limit: int, seconds: int, at: datetime) -> bool:
        """Whether one more may be done in the window of so many seconds that `at` is in; if so, it is counted.

        Raises AwsError if that cannot be told: it may have been counted nevertheless.
        """
        ...


class TableAllowance:
    """Meets Allowance. `region`: where the table is, in the caller's own account."""

    def __init__(self, sessions: Sessions, table: str, region: str) -> None:
        self._sessions = sessions
        self._table = table
        self._region = region

    def take(self, name: str, *, limit: int, seconds: int, at: datetime) -> bool:
        """One call, which counts only below the limit, so that what is full does not grow."""
        begins = int(at.timestamp()) // seconds * seconds
        try:
            self._ask(
                Key={KEY: {"S": key(name, seconds=seconds, begins=begins)}},
                UpdateExpression="ADD #taken :one SET #expires = :expires",
                ConditionExpression="attribute_not_exists(#taken) OR #taken < :limit",
                ExpressionAttributeNames={"#taken": TAKEN, "#expires": EXPIRES},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":limit": {"N": str(limit)},
                    ":expires": {"N": str(begins + seconds + KEPT_SECONDS)},
                },
            )
        except AwsError as error:
            if error.code == _FULL:
                return False
            raise
        return True

    def _ask(self, **parameters: Any) -> Mapping[str, Any]:
        own_account = self._sessions.caller()
        try:
            service = self._sessions.service("dynamodb", own_account, self._region)
            return service.ask("UpdateItem", TableName=self._table, **parameters)
        except Absent:
            place = f"account {own_account}, {self._region}"
            raise AwsError(f"{ACTIONS[0]}: there is no table {self._table} in {place}") from None
        except Denied as denied:
            raise AwsError(f"{denied}: table {self._table} cannot be used") from None


def key(name: str, *, seconds: int, begins: int) -> str:
    """The primary key of a window's counter. `begins`: in seconds since 1970."""
    return f"{PREFIX}{name}/{seconds}s/{begins}"
