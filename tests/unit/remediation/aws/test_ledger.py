"""The ledger in its table: every write has a condition, so that of several functions at once one wins and the others notice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, RLock

import boto3
import pytest
from moto.dynamodb.models import DynamoDBBackend

from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from opalite.remediation.aws.ledger import ACTIONS, DynamoLedger
from opalite.remediation.model import Result
from opalite.remediation.parts import Overtaken, Past
from unit.remediation.aws.cases import ATTEMPT, BEGAN, OWN, REGION, TARGET, attempt

TABLE = "opalite-remediation"
DEFERRED = {"result": Result.DEFERRED, "reason": "later"}
LATER = "2026-11-29T12:10:00.000Z"
THREADS = 8


class Time:
    """Of the ledger; moto does not look at it."""

    def __init__(self):
        self.text = BEGAN

    def __call__(self):
        return self.text


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def client(aws):
    made = boto3.client("dynamodb", region_name=REGION)
    made.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "due", "due_at")],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "due",
                "KeySchema": [
                    {"AttributeName": "due", "KeyType": "HASH"},
                    {"AttributeName": "due_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    return made


@pytest.fixture
def ledger(client, sessions, time):
    return DynamoLedger(sessions, TABLE, REGION, time)


@pytest.fixture
def at_once(monkeypatch):
    """Runs a task in several threads at the same time; moto looks at conditions and writes in one, as DynamoDB does."""
    lock = RLock()

    def locked(write):
        def written(*args, **more):
            with lock:
                return write(*args, **more)

        return written

    for name in ("put_item", "update_item", "delete_item", "transact_write_items"):
        monkeypatch.setattr(DynamoDBBackend, name, locked(getattr(DynamoDBBackend, name)))

    def run(task):
        barrier = Barrier(THREADS)

        def one(number):
            barrier.wait()
            try:
                return task(number)
            except Overtaken:
                return "overtaken"

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(one, range(THREADS)))

    return run


def items(client):
    return client.scan(TableName=TABLE)["Items"]


def test_what_is_kept_is_read_as_it_was(ledger):
    kept = ledger.save(ATTEMPT)
    assert kept == replace(ATTEMPT, version=1)
    assert (ledger.load(ATTEMPT.id), ledger.load("another")) == (kept, None)


def test_whoever_has_read_an_older_version_is_overtaken(ledger):
    first = ledger.save(ATTEMPT)
    second = ledger.save(replace(first, reason="mine"))
    with pytest.raises(Overtaken, match=f"attempt {ATTEMPT.id} was written by somebody else"):
        ledger.save(replace(first, reason="yours"))
    with pytest.raises(Overtaken):  # it is there, so nobody begins it
        ledger.save(ATTEMPT)
    assert ledger.load(ATTEMPT.id) == second


def test_an_attempt_that_is_gone_is_not_brought_back(ledger, client):
    kept = ledger.save(ATTEMPT)
    client.delete_item(TableName=TABLE, Key={"pk": {"S": f"attempt#{ATTEMPT.id}"}, "sk": {"S": "attempt"}})
    with pytest.raises(Overtaken):
        ledger.save(kept)


def test_of_several_at_once_one_writes(ledger, at_once):
    first = ledger.save(ATTEMPT)
    done = at_once(lambda number: ledger.save(replace(first, reason=str(number))).reason)
    assert done.count("overtaken") == THREADS - 1
    assert ledger.load(ATTEMPT.id).reason in done


def test_of_several_at_once_one_begins(ledger, at_once):
    done = at_once(lambda number: ledger.save(attempt(reason=str(number))).version)
    assert sorted(map(str, done)) == ["1"] + ["overtaken"] * (THREADS - 1)


def applied(name, began_at, policy_id):
    """As it is remembered."""
    return Past(name, began_at, policy_id, "revoke_ingress", "applied", when=began_at, begun=True)


def test_attempts_on_a_resource_are_remembered_whatever_the_policy(ledger):
    other = replace(TARGET, policy_id="acme.tags.all.owner")
    elsewhere = replace(TARGET, resource_id="sg-0a1b2c3d4e5f60718")
    ledger.save(attempt(id="b", began_at="2026-11-29T12:00:00.000Z"))
    first = ledger.save(attempt(id="a", began_at="2026-11-28T12:00:00.000Z", **DEFERRED))
    ledger.save(attempt(id="c", target=other, began_at="2026-11-27T12:00:00.000Z"))
    ledger.save(attempt(id="d", target=elsewhere))
    ledger.save(replace(first, result=Result.APPLIED))

    past = ledger.history(TARGET, since="2026-11-01T00:00:00.000Z")

    assert past == [
        applied("c", "2026-11-27T12:00:00.000Z", "acme.tags.all.owner"),
        applied("a", "2026-11-28T12:00:00.000Z", TARGET.policy_id),
        applied("b", "2026-11-29T12:00:00.000Z", TARGET.policy_id),
    ]
    assert [one.id for one in ledger.history(TARGET, since="2026-11-28T12:00:00.000Z")] == ["a", "b"]
    assert ledger.history(replace(TARGET, region="us-east-1"), since="2026-11-01T00:00:00.000Z") == []


def test_it_is_remembered_whether_anything_may_have_been_done_and_what_takes_back(ledger, client):
    ledger.save(attempt(id="a", applied=(), **DEFERRED))
    ledger.save(attempt(id="b", result=Result.APPLYING, undoes="z", started_at=LATER))
    ledger.save(attempt(id="c", applied=(), **DEFERRED))
    key = {"pk": {"S": f"resource#{TARGET.resource_key}"}, "sk": {"S": f"past#{BEGAN}#c"}}
    client.update_item(
        TableName=TABLE, Key=key, UpdateExpression="REMOVE begun, #when", ExpressionAttributeNames={"#when": "when"}
    )  # as an earlier version wrote it

    past = ledger.history(TARGET, since="2026-11-01T00:00:00.000Z")

    assert {one.id: (one.result, one.when, one.begun) for one in past} == {
        "a": ("deferred", BEGAN, False),
        "b": ("undoing", LATER, True),
        "c": ("deferred", BEGAN, True),
    }


def test_a_lock_is_no_attempt_of_the_past(ledger):
    ledger.lock(TARGET.resource_key, "a", until="2026-11-29T12:20:00.000Z")
    assert ledger.history(TARGET, since="2026-01-01T00:00:00.000Z") == []


def test_a_resource_is_one_attempts_until_its_time_is_over(ledger, time):
    key, until = TARGET.resource_key, "2026-11-29T12:20:00.000Z"
    assert ledger.lock(key, "a", until=until) is None
    assert (ledger.lock(key, "b", until=until), ledger.lock(key, "a", until=until)) == ("a", None)
    ledger.unlock(key, "b")  # which is not its own
    assert ledger.lock(key, "b", until=until) == "a"
    time.text = "2026-11-29T12:20:00.001Z"
    assert ledger.lock(key, "b", until="2026-11-29T12:40:00.000Z") is None
    ledger.unlock(key, "a")
    assert ledger.lock(key, "c", until=until) == "b"
    ledger.unlock(key, "b")
    ledger.unlock(key, "b")
    assert ledger.lock(key, "c", until=until) is None


def test_of_several_at_once_one_has_the_resource(ledger, at_once):
    done = at_once(lambda number: ledger.lock(TARGET.resource_key, str(number), until="2026-11-29T12:20:00.000Z"))
    assert done.count(None) == 1
    assert {holder for holder in done if holder} == {str(done.index(None))}


def test_resources_with_long_names_have_locks_of_their_own(ledger):
    long = "x" * 3000
    assert ledger.lock(f"{long}a", "a", until="2026-11-29T12:20:00.000Z") is None
    assert ledger.lock(f"{long}b", "b", until="2026-11-29T12:20:00.000Z") is None
    assert ledger.lock(f"{long}a", "b", until="2026-11-29T12:20:00.000Z") == "a"


def test_so_many_are_taken_within_the_hour_and_no_more(ledger):
    taken = [ledger.take("policy/a", 3, hour=f"2026-11-29T12:{minute}:00.000Z") for minute in ("00", "20", "40", "59")]
    assert taken == [True, True, True, False]
    assert ledger.taken("policy/a", hour="2026-11-29T12:30:00.000Z") == 3
    assert ledger.taken("policy/b", hour="2026-11-29T12:30:00.000Z") == 0
    assert ledger.take("policy/a", 3, hour="2026-11-29T13:00:00.000Z")
    assert ledger.take("policy/b", 1, hour="2026-11-29T12:30:00.000Z")
    assert not ledger.take("policy/c", 0, hour="2026-11-29T12:30:00.000Z")


def test_of_several_at_once_no_more_than_the_limit_are_taken(ledger, at_once):
    done = at_once(lambda _: ledger.take("everywhere/a", 3, hour=BEGAN))
    assert (done.count(True), ledger.taken("everywhere/a", hour=BEGAN)) == (3, 3)


def test_only_the_first_who_asks_is_the_first(ledger, time):
    expires = "2026-12-29T12:00:00.000Z"
    asked = [("notice/a", "one"), ("notice/a", "other"), ("notice/b", "other"), ("notice/a", "one")]
    assert [ledger.first(name, by, expires=expires) for name, by in asked] == [True, False, True, True]
    time.text = "2026-12-29T12:00:01.000Z"  # the table may delete it days later
    later = [ledger.first("notice/a", by, expires="2027-01-29T12:00:00.000Z") for by in ("other", "one")]
    assert later == [True, False]


def test_of_several_at_once_one_is_the_first(ledger, at_once):
    assert at_once(lambda by: ledger.first("notice/a", str(by), expires="2026-12-29T12:00:00.000Z")).count(True) == 1


def test_what_waits_for_the_time_is_due_when_it_has_come_the_longest_waiting_first(ledger):
    ledger.save(attempt(id="b", due_at="2026-11-29T12:05:00.000Z", **DEFERRED))
    first = ledger.save(attempt(id="a", due_at="2026-11-29T12:01:00.000Z", **DEFERRED))
    ledger.save(attempt(id="c", due_at="2026-11-29T12:01:30.000Z", result=Result.WAITING))
    ledger.save(attempt(id="d", due_at="2026-11-29T12:01:00.000Z"))  # ended
    ledger.save(attempt(id="e", **DEFERRED))  # without a time

    assert ledger.due("2026-11-29T12:00:59.999Z") == []
    assert ledger.due("2026-11-29T12:02:00.000Z") == ["a", "c"]
    assert ledger.due("2026-11-29T12:05:00.000Z") == ["a", "c", "b"]
    ledger.save(replace(first, result=Result.APPLIED, due_at=None))
    assert ledger.due("2026-11-29T12:05:00.000Z") == ["c", "b"]


def test_no_more_than_a_hundred_are_due_at_once(ledger):
    for number in range(103):
        ledger.save(attempt(id=f"a{number}", due_at=f"2026-11-29T12:00:00.{number:03}Z", **DEFERRED))
    due = ledger.due("2026-11-29T13:00:00.000Z")
    waiting = [f"a{number}" for number in range(103)]
    assert (len(due), len(set(due)), due[:50]) == (
        100,
        100,
        waiting[:50],
    )  # of the others any, so that nobody waits for ever
    assert set(due) < set(waiting)


def test_the_switch_stops_everything_until_it_is_taken_back(ledger):
    assert ledger.stopped() is None
    ledger.stop("incident 7", "anna")
    assert ledger.stopped() == "incident 7 (by anna)"
    ledger.start()
    ledger.start()
    assert ledger.stopped() is None


def test_a_switch_of_whichever_form_stops(ledger, client):
    client.put_item(TableName=TABLE, Item={"pk": {"S": "switch"}, "sk": {"S": "stop"}})
    assert ledger.stopped() == "stopped"


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"body": {"S": "{"}},
        {"body": {"S": "[]"}},
        {"body": {"S": '{"form": 99}'}},
        {"body": {"N": "7"}},
    ],
)
def test_an_item_that_is_none_of_ours_is_not_taken_for_an_attempt(ledger, client, item):
    client.put_item(TableName=TABLE, Item={"pk": {"S": "attempt#x"}, "sk": {"S": "attempt"}, **item})
    with pytest.raises(AwsError, match=f"table {TABLE}: attempt x cannot be read"):
        ledger.load("x")


def test_an_attempt_that_does_not_fit_is_refused_before_it_is_written(ledger, client):
    with pytest.raises(AwsError, match="at most 390000 fit"):
        ledger.save(attempt(details_before={"rules": ["x" * 400_000]}))
    assert items(client) == []


def test_everything_but_the_switch_ends_by_itself(ledger, client):
    ledger.save(ATTEMPT)
    ledger.lock(TARGET.resource_key, "a", until="2026-11-29T12:20:00.000Z")
    ledger.take("policy/a", 3, hour=BEGAN)
    ledger.first("notice/a", "a", expires="2026-12-29T12:00:00.000Z")
    assert {int(item["expires"]["N"]) > 1_795_953_600 for item in items(client)} == {True}  # 2026-11-29T12:00:00Z


def test_what_aws_refuses_is_an_error_so_that_nothing_is_done(accounts, time):
    for answer, words in (
        (Denied(f"dynamodb:GetItem is denied in account {OWN} (AccessDeniedException)"), "cannot be used"),
        (Absent("ResourceNotFoundException"), f"there is no table {TABLE} in account {OWN}"),
        (AwsError("dynamodb:GetItem: throttled", "ThrottlingException"), "throttled"),
    ):
        told = accounts()
        for operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "TransactWriteItems"):
            told.tell(OWN, operation, answer)
        ledger = DynamoLedger(told, TABLE, REGION, time)
        for ask in (
            ledger.stopped,
            lambda ledger=ledger: ledger.load("a"),
            lambda ledger=ledger: ledger.save(ATTEMPT),
            lambda ledger=ledger: ledger.history(TARGET, since=BEGAN),
            lambda ledger=ledger: ledger.lock("r", "a", until=BEGAN),
            lambda ledger=ledger: ledger.unlock("r", "a"),
            lambda ledger=ledger: ledger.take("n", 1, hour=BEGAN),
            lambda ledger=ledger: ledger.taken("n", hour=BEGAN),
            lambda ledger=ledger: ledger.first("n", "a", expires=BEGAN),
            lambda ledger=ledger: ledger.due(BEGAN),
            ledger.start,
            lambda ledger=ledger: ledger.stop("a", "b"),
        ):
            with pytest.raises(AwsError, match=words):
                ask()


def test_a_transaction_that_was_cancelled_for_something_else_is_no_overtaking(accounts, time):
    words = "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError, None]"
    told = accounts().tell(OWN, "TransactWriteItems", AwsError(words, "TransactionCanceledException"))
    with pytest.raises(AwsError, match="ThrottlingError"):
        DynamoLedger(told, TABLE, REGION, time).save(ATTEMPT)


def test_the_permissions_are_those_of_what_is_called(ledger, sessions):
    ledger.save(ATTEMPT)
    ledger.lock("r", "a", until=BEGAN)
    ledger.unlock("r", "a")
    ledger.take("n", 1, hour=BEGAN)
    ledger.history(TARGET, since=BEGAN)
    ledger.load("a")
    # TransactWriteItems is no action of IAM: each write within it needs its own.
    called = {name for name in sessions.calls.counts() if name.startswith("dynamodb:")}
    assert called - {"dynamodb:TransactWriteItems"} == set(ACTIONS)
