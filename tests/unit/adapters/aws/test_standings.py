"""The state of findings in DynamoDB: what was written is read, the newest stays, and no step between is left out."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import UTC, datetime
from threading import Thread

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws import standing_item
from opalite.adapters.aws.batches import ATTEMPTS, RESERVE_SECONDS
from opalite.adapters.aws.sessions import AwsSessions
from opalite.adapters.aws.standing_item import EXPIRES, KEPT_DAYS, KEY, ItemFault
from opalite.adapters.aws.standings import ACTIONS, KEYS_PER_CALL, Found, Standings
from opalite.errors import AwsError
from opalite.model import Outcome, Severity, Standing
from opalite.ports import Absent, Denied, Place
from unit.adapters.aws.one_at_a_time import OneAtATime
from unit.adapters.aws.standings_table import REGION, TABLE

OWN = "123456789012"
HOME = Place("aws", OWN, REGION)
MODEL = get_session().get_service_model("dynamodb")
TOO_FAST = AwsError("too fast", "ProvisionedThroughputExceededException")
CHANGED = AwsError("changed", "ConditionalCheckFailedException")

FAILING = Standing(
    finding_id="opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/aws.s3.bucket.encryption",
    outcome=Outcome.FAIL,
    stage="enforce",
    severity=Severity.HIGH,
    capture_time="2026-03-04T05:06:07.089Z",
    evaluated_at="2026-03-04T05:06:08Z",
    decision_id="d1",
    since="2026-03-01T00:00:00Z",
    first_observed_at="2026-02-01T00:00:00Z",
    content="c1",
    status="FAILED",
    sent_at="2026-03-04T05:06:08Z",
    pending=("securityhub", "sns:new_failure"),
)
GONE = replace(FAILING, outcome=Outcome.NOT_APPLICABLE, status=None, sent_at=None, pending=())


@pytest.fixture
def dynamodb(accounts):
    """DynamoDB of the caller's own account; in the end every request must have been one that it would take."""
    sessions = accounts()
    yield sessions
    for account, region, operation, parameters in sessions.asked:
        assert (account, region) == (OWN, REGION)
        assert f"dynamodb:{operation}" in ACTIONS
        validate_parameters(parameters, MODEL.operation_model(operation).input_shape)


@pytest.fixture
def scripted_standings(dynamodb, time):
    return Standings(dynamodb, TABLE, HOME.region, sleep=time.sleep, jitter=lambda: 1.0)


@pytest.fixture
def standings(table, sessions, time):
    return Standings(sessions, TABLE, HOME.region, sleep=time.sleep, jitter=lambda: 1.0)


def stored(table, standing=FAILING):
    return table.get_item(TableName=TABLE, Key={KEY: {"S": standing.finding_id}}).get("Item")


def held(standings, standing=FAILING):
    return standings.get([standing.finding_id]).standings.get(standing.finding_id)


# The item


def test_the_item_has_these_attributes(standings, table):
    assert standings.put(FAILING, after=None) is True
    assert stored(table) == {
        "finding_id": {"S": FAILING.finding_id},
        "outcome": {"S": "fail"},
        "stage": {"S": "enforce"},
        "severity": {"S": "HIGH"},
        "capture_time": {"S": "2026-03-04T05:06:07.089Z"},
        "evaluated_at": {"S": "2026-03-04T05:06:08Z"},
        "decision_id": {"S": "d1"},
        "since": {"S": "2026-03-01T00:00:00Z"},
        "first_observed_at": {"S": "2026-02-01T00:00:00Z"},
        "content": {"S": "c1"},
        "status": {"S": "FAILED"},
        "sent_at": {"S": "2026-03-04T05:06:08Z"},
        "pending": {"SS": ["securityhub", "sns:new_failure"]},
        "stamp": {"S": "4490200623fee206c1fbf2c834cd7522"},
        "form": {"N": "1"},
    }


def test_what_has_no_value_is_left_out_and_what_does_not_apply_expires(standings, table):
    assert standings.put(GONE, after=None) is True
    item = stored(table)
    assert item.keys().isdisjoint({"status", "sent_at", "pending"})
    evaluated_at = datetime(2026, 3, 4, 5, 6, 8, tzinfo=UTC).timestamp()
    assert item[EXPIRES] == {"N": str(int(evaluated_at) + KEPT_DAYS * 86_400)}
    assert held(standings) == GONE


def test_what_applies_again_does_not_expire(standings, table):
    standings.put(GONE, after=None)
    assert standings.put(FAILING, after=GONE) is True
    assert EXPIRES not in stored(table)


def test_a_usual_item_costs_one_write_unit(standings):
    written = standing_item.written(replace(FAILING, decision_id="d" * 64, content="c" * 64, finding_id="i" * 250))
    size = sum(len(name) + len("".join(next(iter(value.values())))) for name, value in written.items())
    assert size <= 1024


TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.isoformat().replace("+00:00", "Z"))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
STANDINGS = st.builds(
    Standing,
    finding_id=TEXTS.filter(bool),
    outcome=st.sampled_from(Outcome),
    stage=TEXTS,
    severity=st.sampled_from(Severity),
    capture_time=TIMES,
    evaluated_at=TIMES,
    decision_id=TEXTS,
    since=TIMES,
    first_observed_at=TIMES,
    content=TEXTS,
    status=st.none() | TEXTS,
    sent_at=st.none() | TIMES,
    pending=st.sets(st.sampled_from(["securityhub", "sns", "s3"])).map(lambda names: tuple(sorted(names))),
)


@given(STANDINGS)
def test_what_was_written_is_read(standing):
    assert standing_item.read(standing_item.written(standing)) == standing


@given(STANDINGS, STANDINGS)
def test_two_standings_have_one_stamp_only_if_they_differ_in_nothing_but_what_is_pending(one, other):
    same = replace(one, pending=()) == replace(other, pending=())
    stamps = [standing_item.written(standing)["stamp"] for standing in (one, other)]
    assert (stamps[0] == stamps[1]) is same


@pytest.mark.parametrize("name", [field.name for field in fields(Standing) if field.name != "pending"])
def test_every_member_but_what_is_pending_changes_the_stamp(name):
    changed = {
        "outcome": Outcome.PASS, "severity": Severity.LOW, "status": None, "sent_at": None,
    }.get(name, "2026-03-09T00:00:00Z")  # fmt: skip
    stamps = [standing_item.written(one)["stamp"] for one in (FAILING, replace(FAILING, **{name: changed}))]
    assert stamps[0] != stamps[1]


BAD_ITEMS = [
    ({"form": {"N": "2"}}, "it is not of form 1: another version has written it"),
    ({"form": None}, "it has no form"),
    ({"outcome": {"S": "maybe"}}, "its outcome is none that is known"),
    ({"severity": {"S": "high"}}, "its severity is none that is known"),
    ({"since": {"S": "yesterday"}}, "its since is no time"),
    ({"sent_at": {"S": "2026-03-04T05:06:08"}}, "its sent_at has no time zone"),
    ({"stage": {"N": "1"}}, "its stage is not of type S"),
    ({"stage": None}, "it has no stage"),
    ({"pending": {"L": []}}, "its pending is not of type SS"),
    ({"pending": {"NULL": True}}, "its pending is not of type SS"),
    ({"owner": {"S": "me"}}, "it has 1 attributes that are not known"),
    ({"content": {"S": "c2"}}, "its stamp is not that of what it says: it was edited"),
    ({"stamp": None}, "it has no stamp"),
]


def with_changes(changes):
    item = {**standing_item.written(FAILING), **changes}
    return {name: value for name, value in item.items() if value is not None}


@pytest.mark.parametrize(("changes", "message"), BAD_ITEMS)
def test_an_item_that_is_not_exactly_ours_is_none(changes, message):
    with pytest.raises(ItemFault) as raised:
        standing_item.read(with_changes(changes))
    assert str(raised.value) == message


def test_an_unreadable_item_is_a_fault_of_its_key_only(standings, table):
    other = replace(FAILING, finding_id="other")
    standings.put(other, after=None)
    table.put_item(TableName=TABLE, Item=with_changes({"outcome": {"S": "maybe"}}))
    message = (
        f"table {TABLE}, item {FAILING.finding_id}: its outcome is none that is known; "
        "delete the item, the next decision writes it anew"
    )
    found = standings.get(["other", FAILING.finding_id, "new"])
    assert found == Found({"other": other}, {FAILING.finding_id: message})


# Reading


def test_many_are_read_a_hundred_at_once_and_none_is_made_up(standings):
    for number in range(120):
        standings.put(replace(FAILING, finding_id=f"f{number}"), after=None)
    keys = [f"f{number}" for number in range(250)]
    found = standings.get([*keys, *keys])
    assert found == Found({f"f{number}": replace(FAILING, finding_id=f"f{number}") for number in range(120)}, {})


def test_what_was_just_written_is_asked_for(dynamodb, scripted_standings):
    dynamodb.tell(OWN, "BatchGetItem", {"Responses": {TABLE: []}, "UnprocessedKeys": {}})
    assert scripted_standings.get(["b", "a", "b"]) == Found({}, {})
    request = {"Keys": [{KEY: {"S": "b"}}, {KEY: {"S": "a"}}], "ConsistentRead": True}
    assert dynamodb.asked == [(OWN, REGION, "BatchGetItem", {"RequestItems": {TABLE: request}})]


def test_nothing_to_read_is_no_call(dynamodb, scripted_standings):
    assert scripted_standings.get([]) == Found({}, {})
    assert dynamodb.asked == []


def script(dynamodb, operation, *answers):
    left = list(answers)

    def answer(parameters):
        told = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(told, Exception):
            raise told
        return told(parameters) if callable(told) else told

    dynamodb.tell(OWN, operation, answer)


def half(parameters):
    """Processes the first half of the keys, of each of which there is an item."""
    keys = parameters["RequestItems"][TABLE]["Keys"]
    middle = (len(keys) + 1) // 2
    items = [standing_item.written(replace(FAILING, finding_id=key[KEY]["S"])) for key in keys[:middle]]
    left = {TABLE: {"Keys": keys[middle:], "ConsistentRead": True}} if keys[middle:] else {}
    return {"Responses": {TABLE: items}, "UnprocessedKeys": left}


def asked(dynamodb):
    return [len(parameters["RequestItems"][TABLE]["Keys"]) for *_, parameters in dynamodb.asked]


def test_keys_that_were_not_processed_are_asked_for_again(dynamodb, scripted_standings, time):
    script(dynamodb, "BatchGetItem", half)
    keys = [f"f{number}" for number in range(105)]
    found = scripted_standings.get(keys[:104])
    assert asked(dynamodb) == [100, 50, 25, 12, 6, 4, 2, 1]
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 0.5, 1.0]
    reason = f"dynamodb:BatchGetItem: table {TABLE} did not process it (attempt 5 was the last)"
    assert found.faults == dict.fromkeys(keys[97:100], reason)
    assert list(found.standings) == [*keys[:97], *keys[100:104]]


def test_a_throttled_read_is_tried_again(dynamodb, scripted_standings, time):
    script(dynamodb, "BatchGetItem", TOO_FAST, half)
    assert list(scripted_standings.get(["a"]).standings) == ["a"]
    assert time.slept == [0.5]


def test_a_read_that_is_always_throttled_is_a_fault_of_each_key(dynamodb, scripted_standings):
    script(dynamodb, "BatchGetItem", TOO_FAST)
    reason = "too fast (attempt 5 was the last)"
    assert scripted_standings.get(["a", "b"]) == Found({}, {"a": reason, "b": reason})
    assert len(dynamodb.asked) == ATTEMPTS


def test_there_is_no_wait_when_time_runs_out(dynamodb, scripted_standings, time):
    script(dynamodb, "BatchGetItem", TOO_FAST)
    time.left = RESERVE_SECONDS
    found = scripted_standings.get(["a"], deadline=time)
    assert (found.faults, time.slept) == ({"a": "too fast (attempt 1 was the last)"}, [])


def test_an_answer_to_another_question_is_none(dynamodb, scripted_standings):
    script(dynamodb, "BatchGetItem", {"Responses": {TABLE: [standing_item.written(FAILING)]}})
    with pytest.raises(AwsError, match="answered what was not asked for"):
        scripted_standings.get(["a"])


@given(st.lists(st.integers(0, 400).map(str), max_size=450), st.lists(st.integers(0, 100), max_size=12))
def test_every_key_is_answered_once_whatever_is_left_unprocessed(keys, counts):
    class Partial:
        """Processes as many as is drawn."""

        def caller(self):
            return OWN

        def service(self, *_):
            return self

        def ask(self, operation, *, RequestItems):  # noqa: N803 - as AWS spells it
            asked = RequestItems[TABLE]["Keys"]
            assert 1 <= len(asked) <= KEYS_PER_CALL
            assert len({key[KEY]["S"] for key in asked}) == len(asked)
            count = counts.pop() if counts else len(asked)
            items = [standing_item.written(replace(FAILING, finding_id=key[KEY]["S"])) for key in asked[:count]]
            return {"Responses": {TABLE: items}, "UnprocessedKeys": {TABLE: {"Keys": asked[count:]}}}

    found = Standings(Partial(), TABLE, HOME.region, sleep=lambda _: None, jitter=lambda: 0.5).get(keys)
    assert found.standings.keys() | found.faults.keys() == set(keys)
    assert found.standings.keys().isdisjoint(found.faults)


# Writing


NEWER = replace(FAILING, outcome=Outcome.PASS, evaluated_at="2026-03-04T05:06:08.001Z", decision_id="d2")
NEWEST = replace(NEWER, capture_time="2026-03-04T05:06:07.09Z", decision_id="d3")


def test_a_step_from_what_stands_there_is_written(standings):
    assert standings.put(FAILING, after=None) is True
    assert standings.put(NEWER, after=FAILING) is True
    assert held(standings) == NEWER


@pytest.mark.parametrize(
    "after", [None, FAILING, replace(NEWER, content="c2"), replace(NEWER, pending=("sns:new_failure",))]
)
def test_a_step_from_anything_else_is_not_written(standings, after):
    standings.put(NEWER, after=None)
    assert standings.put(NEWEST, after=after) is False
    assert held(standings) == NEWER


def test_a_step_from_what_is_not_there_any_more_is_not_written(standings):
    assert standings.put(NEWER, after=FAILING) is False
    assert held(standings) is None


def test_nothing_older_is_written_over_what_was_read(dynamodb, scripted_standings):
    assert scripted_standings.put(FAILING, after=NEWER) is False
    assert scripted_standings.put(replace(NEWER, finding_id="other"), after=FAILING) is False
    assert dynamodb.asked == []


def test_times_are_compared_as_times(standings):
    late, later = (replace(FAILING, evaluated_at=f"2026-03-04T{text}") for text in ("06:06:08+01:00", "05:06:08.5Z"))
    assert standing_item.order(late) == standing_item.order(FAILING)
    standings.put(late, after=None)
    assert standings.put(later, after=late) is True
    assert standings.put(late, after=later) is False


def test_the_same_again_is_written_without_what_was_settled(standings):
    standings.put(FAILING, after=None)
    assert standings.settle(FAILING, "sns") is True
    assert standings.put(FAILING, after=FAILING) is False
    kept = held(standings)
    assert kept == replace(FAILING, pending=("securityhub",))
    assert standings.put(kept, after=kept) is True


def test_outputs_are_settled_one_by_one_and_twice_is_once(standings, table):
    standings.put(FAILING, after=None)
    for output, left in [("sns", {"SS": ["securityhub"]}), ("sns", {"SS": ["securityhub"]}), ("securityhub", None)]:
        assert standings.settle(FAILING, output) is True
        assert stored(table).get("pending") == left
    assert held(standings) == replace(FAILING, pending=())
    assert standings.put(NEWER, after=replace(FAILING, pending=())) is True


@pytest.mark.parametrize("output", ["s3", "sn", "sns:worse", ""])
def test_what_is_not_pending_is_settled_without_a_call(dynamodb, scripted_standings, output):
    assert scripted_standings.settle(FAILING, output) is True
    assert dynamodb.asked == []


@pytest.mark.parametrize("output", ["sns", "sns:new_failure"])
def test_an_output_is_settled_by_its_name_or_its_entry(standings, output):
    standings.put(FAILING, after=None)
    assert standings.settle(FAILING, output) is True
    assert held(standings) == replace(FAILING, pending=("securityhub",))


def test_another_standing_is_not_settled(standings):
    assert standings.settle(FAILING, "sns") is False
    standings.put(NEWER, after=None)
    assert standings.settle(FAILING, "sns") is False
    assert standings.settle(replace(NEWER, sent_at=None), "sns") is False
    assert held(standings) == NEWER


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_throttled_write_is_tried_again(dynamodb, scripted_standings, time, operation):
    script(dynamodb, operation, TOO_FAST, AwsError("no answer"), {})
    assert written(scripted_standings, operation) is True
    assert time.slept == [0.5, 1.0]


def written(standings, operation, **more):
    if operation == "PutItem":
        return standings.put(NEWER, after=FAILING, **more)
    return standings.settle(FAILING, "sns", **more)


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
def test_a_write_that_is_always_throttled_is_a_failure(dynamodb, scripted_standings, operation):
    script(dynamodb, operation, TOO_FAST)
    with pytest.raises(AwsError, match="too fast"):
        written(scripted_standings, operation)
    assert len(dynamodb.asked) == ATTEMPTS


def test_a_write_is_not_tried_again_when_time_runs_out(dynamodb, scripted_standings, time):
    script(dynamodb, "PutItem", TOO_FAST)
    time.left = RESERVE_SECONDS
    with pytest.raises(AwsError, match="too fast"):
        written(scripted_standings, "PutItem", deadline=time)
    assert len(dynamodb.asked) == 1


def test_a_condition_that_does_not_hold_is_no_failure(dynamodb, scripted_standings):
    script(dynamodb, "PutItem", CHANGED)
    assert written(scripted_standings, "PutItem") is False
    assert len(dynamodb.asked) == 1


HOPELESS = [
    (
        Absent("ResourceNotFoundException"),
        "dynamodb:{}: there is no table opalite-standings in account 123456789012, eu-west-1",
    ),
    (Denied("no"), "no: table opalite-standings cannot be used"),
    (AwsError("malformed", "ValidationException"), "malformed"),
]


@pytest.mark.parametrize("operation", ["BatchGetItem", "PutItem", "UpdateItem"])
@pytest.mark.parametrize(("error", "message"), HOPELESS)
def test_what_another_attempt_would_not_mend_fails_at_once(dynamodb, scripted_standings, operation, error, message):
    script(dynamodb, operation, error)
    with pytest.raises(AwsError) as raised:
        if operation == "BatchGetItem":
            scripted_standings.get(["a"])
        else:
            written(scripted_standings, operation)
    assert str(raised.value) == message.format(operation)
    assert len(dynamodb.asked) == 1


def test_errors_of_boto3_are_understood(scripted, clock, time):
    scripted.answer("dynamodb", "put_item", "ConditionalCheckFailedException")
    scripted.answer("dynamodb", "put_item", "ResourceNotFoundException")
    scripted.answer("dynamodb", "update_item", "ValidationException")
    standings = Standings(AwsSessions(clock, own=scripted), TABLE, HOME.region, sleep=time.sleep, jitter=lambda: 1.0)
    assert standings.put(FAILING, after=None) is False
    with pytest.raises(AwsError, match="there is no table"):
        standings.put(FAILING, after=None)
    with pytest.raises(AwsError, match="ValidationException"):
        standings.settle(FAILING, "sns")
    assert scripted.made == [("sts", REGION, "own"), ("dynamodb", REGION, "own")]


# Several writers


def advance(standings, mine):
    """What a function does: read, step, write, and again if somebody else was faster. Each step says what it was made from."""
    while True:
        previous = held(standings, mine)
        if previous and standing_item.order(previous) >= standing_item.order(mine):
            return
        step = replace(mine, content=f"{previous.content} {mine.decision_id}" if previous else mine.decision_id)
        if standings.put(step, after=previous):
            return


@pytest.mark.parametrize("seed", range(8))
def test_writers_in_any_order_end_with_the_newest_and_leave_no_step_out(table, sessions, time, seed):
    standings = Standings(OneAtATime(sessions), TABLE, HOME.region, sleep=time.sleep, jitter=lambda: 1.0)
    mine = [replace(FAILING, evaluated_at=f"2026-03-04T05:06:08.{n}Z", decision_id=f"{n}") for n in range(6)]
    random.Random(seed).shuffle(mine)  # noqa: S311 - no secret
    threads = [Thread(target=advance, args=(standings, one)) for one in mine]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = held(standings)
    assert (last.decision_id, last.evaluated_at) == ("5", "2026-03-04T05:06:08.5Z")
    steps = last.content.split()
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("reverse", [False, True])
def test_two_writers_one_after_the_other_end_with_the_newer(standings, reverse):
    pair = [FAILING, NEWER]
    for one in reversed(pair) if reverse else pair:
        advance(standings, one)
    assert held(standings).decision_id == "d2"


def test_of_two_that_step_from_the_same_one_is_written(standings):
    standings.put(FAILING, after=None)
    assert [standings.put(one, after=FAILING) for one in (NEWEST, NEWER)] == [True, False]
    assert held(standings) == NEWEST
