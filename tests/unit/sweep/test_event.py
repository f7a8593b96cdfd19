"""The event of a schedule, and the events by which a sweep goes on."""

from __future__ import annotations

import json

import pytest

from opalite.errors import InvocationError
from opalite.sweep.due import Window
from opalite.sweep.event import OVERLAP, Sweep, parse

ACCOUNTS = ("111122223333", "444455556666")


@pytest.mark.parametrize(
    "event",
    [
        {
            "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "111122223333", "time": "2026-11-29T04:00:00Z", "region": "eu-west-1",
            "resources": ["arn:aws:events:eu-west-1:111122223333:rule/nightly"], "detail": {},
        },
        {"time": "2026-11-29T04:00:00.000Z"},
        {"time": "2026-11-29T05:00:00+01:00"},
        {"time": "2026-11-29T04:00:00"},
    ],
)  # fmt: skip
def test_what_the_schedule_sends_is_a_sweep_of_all_accounts(event):
    assert parse(event) == Sweep("2026-11-29T04:00:00.000Z", everything=False, accounts=None, attempt=1)


def test_by_hand_everything_can_be_asked_for_and_accounts_named_once_each():
    event = {"time": "2026-11-29T04:00:00Z", "everything": True, "accounts": [*ACCOUNTS, ACCOUNTS[0]]}
    assert parse(event) == Sweep("2026-11-29T04:00:00.000Z", everything=True, accounts=ACCOUNTS)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ([], "the event is no object: expected one of EventBridge's schedule, with its `time`"),
        (None, "the event is no object: expected one of EventBridge's schedule, with its `time`"),
        ({}, "the event has no `time` like 2026-11-29T04:00:00Z: what has changed since when?"),
        ({"time": "yesterday"}, "the event has no `time` like 2026-11-29T04:00:00Z: what has changed since when?"),
        ({"time": None}, "the event has no `time` like 2026-11-29T04:00:00Z: what has changed since when?"),
        ({"time": "2026-11-29T04:00:00Z", "everything": "true"}, "everything: expected true or false"),
        ({"time": "2026-11-29T04:00:00Z", "everything": None}, "everything: expected true or false"),
        ({"time": "2026-11-29T04:00:00Z", "findings": 1}, "findings: expected true or false"),
        ({"time": "2026-11-29T04:00:00Z", "rules": "false"}, "rules: expected true or false"),
        *(
            ({"time": "2026-11-29T04:00:00Z", "accounts": value}, "accounts: expected an array of texts of 12 digits")
            for value in ("111122223333", [111122223333], ["1111222233334"], ["111122223333\n"], ["x" * 12], {}, [None])
        ),
        *(
            ({"time": "2026-11-29T04:00:00Z", "attempt": value}, "attempt: expected a whole number from 1")
            for value in (0, -1, "1", 1.0, True, None)
        ),
    ],
)
def test_whatever_is_no_sweep_is_refused(event, message):
    with pytest.raises(InvocationError) as caught:
        parse(event)
    assert str(caught.value) == message


def test_the_window_ends_with_the_event_and_overlaps_the_one_before():
    sweep, before = (parse({"time": f"2026-11-{day}T04:00:00Z"}) for day in (29, 28))
    assert sweep.window(24) == Window("2026-11-28T03:50:00.000Z", "2026-11-29T04:00:00.000Z")
    assert sweep.window(1) == Window("2026-11-29T02:50:00.000Z", "2026-11-29T04:00:00.000Z")
    assert before.window(24).end > sweep.window(24).start
    assert OVERLAP.total_seconds() == 600


def test_a_time_without_a_time_before_it_is_refused():
    with pytest.raises(InvocationError):
        parse({"time": "0001-01-01T00:00:00Z"}).window(24)


def test_what_is_handed_on_is_the_same_sweep_of_other_accounts():
    sweep = Sweep("2026-11-29T04:00:00.000Z", everything=True, accounts=("999988887777",), attempt=2)
    unreached, failed = (sweep.rest(ACCOUNTS, failed=failed) for failed in (False, True))
    assert unreached == {"time": "2026-11-29T04:00:00.000Z", "everything": True, "accounts": [*ACCOUNTS], "attempt": 2}
    assert failed == {**unreached, "attempt": 3}
    assert parse(json.loads(json.dumps(failed))) == Sweep(sweep.at, everything=True, accounts=ACCOUNTS, attempt=3)
    assert parse(failed).window(24) == sweep.window(24)


def test_what_is_left_of_findings_is_a_sweep_without_config_rules():
    sweep = Sweep("2026-11-29T04:00:00.000Z", everything=True, accounts=ACCOUNTS, attempt=3)
    left = sweep.of_findings()
    assert left == Sweep(sweep.at, everything=True, accounts=None, attempt=3, findings=True, rules=False)
    event = {
        "time": sweep.at, "everything": True, "accounts": [*ACCOUNTS], "attempt": 4, "findings": True, "rules": False,
    }  # fmt: skip
    assert left.rest(ACCOUNTS, failed=True) == event
    again = parse(event)
    assert again == Sweep(sweep.at, everything=True, accounts=ACCOUNTS, attempt=4, findings=True, rules=False)
    assert again.of_findings() == again
