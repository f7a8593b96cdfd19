"""The ledger: attempts, locks, counters and the stop switch, in a DynamoDB table of its own.

| pk | sk | what |
|---|---|---|
| `attempt#<id>` | `attempt` | an attempt; with `due` and `due_at` in the index `due` while it waits for the time |
| `resource#<key>` | `past#<time>#<id>` | that there was one, and how it ended |
| `resource#<key>` | `lock` | who is at the resource, until when |
| `count#<name>#<hour>` | `count` | how many were taken |
| `once#<name>` | `once` | that it was said |
| `switch` | `stop` | why nothing may be changed; deleted when it may |

Every write has a condition, so that functions at once cannot overtake one another. `expires` is the attribute of the table's TTL.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import orjson

from opalite.errors import AwsError, InvocationError
from opalite.ports import Absent, Denied, Sessions
from opalite.remediation import attempt as attempts
from opalite.remediation.attempt import Attempt
from opalite.remediation.brakes import later
from opalite.remediation.model import Target
from opalite.remediation.parts import Overtaken, Past

DUE_INDEX: Final = "due"
EXPIRES: Final = "expires"
ACTIONS: Final = (
    "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
)  # fmt: skip

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html: a partition key, 2048 bytes.
_KEY_BYTES: Final = 1500
_KEPT_DAYS: Final = 400
_PAST_DAYS: Final = 40
_COUNT_HOURS: Final = 48
_DUE_AT_ONCE: Final = 100
_DUE_LOOKED_AT: Final = 2000
_HOUR_CHARACTERS: Final = len("2026-11-28T17")
_CHANGED: Final = "ConditionalCheckFailedException"
_CANCELLED: Final = "TransactionCanceledException"

_Item = dict[str, Any]


class DynamoLedger:
    """Meets remediation.parts.Ledger. May be asked from several threads at once."""

    def __init__(self, sessions: Sessions, table: str, region: str, now: Callable[[], str]) -> None:
        self._sessions = sessions
        self._table = table
        self._region = region
        self._now = now

    def stopped(self) -> str | None:
        """Read consistently: a switch that is thrown holds from then on."""
        item = self._get("switch", "stop")
        return None if item is None else str(item.get("reason", {}).get("S") or "stopped")

    def stop(self, reason: str, by: str) -> None:
        """Nothing is changed any more, until `start`."""
        words = {"reason": {"S": f"{reason} (by {by})"}, "at": {"S": self._now()}}
        self._ask("PutItem", Item={**_key("switch", "stop"), **words})

    def start(self) -> None:
        """Take the switch back."""
        self._ask("DeleteItem", Key=_key("switch", "stop"))

    def load(self, attempt_id: str) -> Attempt | None:
        """Raises AwsError for an item that is none of ours: then nothing is done about it."""
        item = self._get(f"attempt#{attempt_id}", "attempt")
        if item is None:
            return None
        try:
            return attempts.read(orjson.loads(item["body"]["S"]))
        except (KeyError, TypeError, ValueError, InvocationError) as error:
            raise AwsError(f"table {self._table}: attempt {attempt_id} cannot be read: {error}") from None

    def save(self, attempt: Attempt) -> Attempt:
        """The attempt and its line in the history, both or none."""
        written = attempts.next_version(attempt)
        body = orjson.dumps(attempts.written(written))
        if len(body) > attempts.MOST_BYTES:
            raise AwsError(
                f"table {self._table}: attempt {attempt.id} has {len(body)} bytes, at most {attempts.MOST_BYTES} fit"
            )
        names, values = {"#version": "version"}, {":before": {"N": str(attempt.version)}}
        put = {
            "TableName": self._table,
            "Item": {
                **_key(f"attempt#{attempt.id}", "attempt"),
                "body": {"S": body.decode()},
                "version": {"N": str(written.version)},
                "result": {"S": str(written.result)},
                **_expiry(self._now(), 24 * _KEPT_DAYS),
                **_due(written),
            },
            **(
                {
                    "ConditionExpression": "#version = :before",
                    "ExpressionAttributeNames": names,
                    "ExpressionAttributeValues": values,
                }
                if attempt.version
                else {"ConditionExpression": "attribute_not_exists(pk)"}
            ),
        }
        past = {"TableName": self._table, "Item": self._past(written)}
        try:
            self._ask("TransactWriteItems", whole={"TransactItems": [{"Put": put}, {"Put": past}]})
        except AwsError as error:
            if error.code == _CANCELLED and "ConditionalCheckFailed" in str(error):
                raise Overtaken(f"attempt {attempt.id} was written by somebody else meanwhile") from None
            raise
        return written

    def history(self, target: Target, *, since: str) -> Sequence[Past]:
        """Page by page; attempts on one resource are few."""
        found: list[Past] = []
        start: Mapping[str, Any] = {}
        while True:
            answer = self._ask(
                "Query",
                KeyConditionExpression="pk = :pk AND sk BETWEEN :since AND :end",
                ExpressionAttributeValues={
                    ":pk": {"S": _resource(target.resource_key)},
                    ":since": {"S": f"past#{since}"},
                    ":end": {"S": "past#~"},
                },
                ConsistentRead=True,
                **start,
            )
            found += [_read_past(item) for item in answer.get("Items", ())]
            if not answer.get("LastEvaluatedKey"):
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def lock(self, resource_key: str, attempt_id: str, *, until: str) -> str | None:
        """Ours if it was nobody's, ours, or over."""
        key = _key(_resource(resource_key), "lock")
        try:
            self._ask(
                "PutItem",
                Item={**key, "holder": {"S": attempt_id}, "until": {"S": until}, **_expiry(until, 24)},
                ConditionExpression="attribute_not_exists(pk) OR #holder = :me OR #until < :now",
                ExpressionAttributeNames={"#holder": "holder", "#until": "until"},
                ExpressionAttributeValues={":me": {"S": attempt_id}, ":now": {"S": self._now()}},
            )
        except AwsError as error:
            if error.code != _CHANGED:
                raise
            item = self._get(key["pk"]["S"], "lock")
            return "of somebody else" if item is None else item["holder"]["S"]
        return None

    def unlock(self, resource_key: str, attempt_id: str) -> None:
        """A lock that cannot be given back ends by itself, in time."""
        try:
            self._ask(
                "DeleteItem",
                Key=_key(_resource(resource_key), "lock"),
                ConditionExpression="#holder = :me",
                ExpressionAttributeNames={"#holder": "holder"},
                ExpressionAttributeValues={":me": {"S": attempt_id}},
            )
        except AwsError as error:
            if error.code != _CHANGED:
                raise

    def take(self, name: str, limit: int, *, hour: str) -> bool:
        """An answer that is lost counts as taken: rather one too few than one too many."""
        if limit < 1:
            return False
        try:
            self._ask(
                "UpdateItem",
                Key=_key(_count(name, hour), "count"),
                UpdateExpression="ADD #n :one SET #expires = :expires",
                ConditionExpression="attribute_not_exists(#n) OR #n < :limit",
                ExpressionAttributeNames={"#n": "n", "#expires": EXPIRES},
                ExpressionAttributeValues={
                    ":one": {"N": "1"},
                    ":limit": {"N": str(limit)},
                    ":expires": _expiry(hour, _COUNT_HOURS)[EXPIRES],
                },
            )
        except AwsError as error:
            if error.code != _CHANGED:
                raise
            return False
        return True

    def taken(self, name: str, *, hour: str) -> int:
        """Read consistently."""
        item = self._get(_count(name, hour), "count")
        return 0 if item is None else int(item["n"]["N"])

    def first(self, name: str, by: str, *, expires: str) -> bool:
        """The table's TTL deletes late, so that the time is compared, too. Whoever was first may ask again."""
        try:
            self._ask(
                "PutItem",
                Item={**_key(_short(f"once#{name}"), "once"), "by": {"S": by}, **_expiry(expires, 0)},
                ConditionExpression="attribute_not_exists(pk) OR #expires < :now OR #by = :by",
                ExpressionAttributeNames={"#expires": EXPIRES, "#by": "by"},
                ExpressionAttributeValues={":now": _expiry(self._now(), 0)[EXPIRES], ":by": {"S": by}},
            )
        except AwsError as error:
            if error.code != _CHANGED:
                raise
            return False
        return True

    def due(self, before: str) -> Sequence[str]:
        """A hundred at most: the half that waits longest, and any of the others, so that what can never go on stops nobody."""
        answer = self._ask(
            "Query",
            IndexName=DUE_INDEX,
            KeyConditionExpression="#due = :due AND due_at <= :before",
            ExpressionAttributeNames={"#due": "due"},
            ExpressionAttributeValues={":due": {"S": "due"}, ":before": {"S": before}},
            Limit=_DUE_LOOKED_AT,
        )
        found = [item["pk"]["S"].partition("#")[2] for item in answer.get("Items", ())]
        half = _DUE_AT_ONCE // 2
        rest = found[half:]
        return found[:half] + random.sample(rest, min(half, len(rest)))

    def _past(self, attempt: Attempt) -> _Item:
        past = Past.of(attempt)
        words = {name: {"S": word} for name, word in past._asdict().items() if name != "begun"}
        return {
            **_key(_resource(attempt.target.resource_key), f"past#{past.at}#{past.id}"),
            **words,
            "begun": {"BOOL": past.begun},
            **_expiry(self._now(), 24 * _PAST_DAYS),
        }

    def _get(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        item = self._ask("GetItem", Key=_key(pk, sk), ConsistentRead=True).get("Item")
        return item or None

    def _ask(self, operation: str, *, whole: Mapping[str, Any] | None = None, **parameters: Any) -> Mapping[str, Any]:
        account = self._sessions.caller()
        try:
            service = self._sessions.service("dynamodb", account, self._region)
            return service.ask(operation, **(whole or {"TableName": self._table, **parameters}))
        except Absent:
            raise AwsError(f"dynamodb:{operation}: there is no table {self._table} in account {account}") from None
        except Denied as denied:
            raise AwsError(f"{denied}: table {self._table} cannot be used") from None


def _key(pk: str, sk: str) -> _Item:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _resource(key: str) -> str:
    return _short(f"resource#{key}")


def _count(name: str, hour: str) -> str:
    return _short(f"count#{hour[:_HOUR_CHARACTERS]}#{name}")


def _short(key: str) -> str:
    """Ids of resources may be longer than a key."""
    if len(key.encode()) <= _KEY_BYTES:
        return key
    return f"{key[:200]}~{sha256(key.encode()).hexdigest()}"


def _expiry(at: str, hours: float) -> _Item:
    return {EXPIRES: {"N": str(int(datetime.fromisoformat(later(at, hours=hours)).timestamp()))}}


def _due(attempt: Attempt) -> _Item:
    if not attempt.is_open or attempt.due_at is None:
        return {}
    return {"due": {"S": "due"}, "due_at": {"S": attempt.due_at}}


def _read_past(item: Mapping[str, Any]) -> Past:
    """What an earlier version has written says nothing of `begun`: then it may be; nor of `when`."""
    words = {name: str(item[name]["S"]) for name in ("id", "at", "policy_id", "action", "result")}
    when = str(item.get("when", item["at"])["S"])
    return Past(**words, when=when, begun=bool(item.get("begun", {}).get("BOOL", True)))
