"""Calls wait for their turn, over all functions; without counters they go on, which is noted once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from opalite.adapters.aws.allowance import TableAllowance
from opalite.adapters.aws.batches import RESERVE_SECONDS
from opalite.adapters.aws.pace import CODE, SPREAD_SECONDS, TURNS, UNASKED_SECONDS, Pace
from opalite.adapters.aws.security_hub import CALLS_PER_SECOND, SecurityHub
from opalite.errors import AwsError, DeliveryError
from unit.adapters.aws.one_at_a_time import OneAtATime
from unit.adapters.aws.simulated import BEGINNING, SimulatedTime
from unit.adapters.aws.standings_table import REGION, TABLE

MEMBER, OTHER = "111122223333", "444455556666"
FUNCTIONS, FINDINGS = 8, 700
NAME = "securityhub:BatchImportFindings in account 111122223333, eu-west-1"
BUSY = f"{NAME}: others make the 2 calls in a second that there may be; try again later"


class Counters:
    """An allowance in memory; it fails as long as there is an error."""

    def __init__(self):
        self.taken = Counter()
        self.asked = 0
        self.error = None

    def take(self, name, *, limit, seconds, at):
        self.asked += 1
        if self.error:
            raise AwsError(self.error)
        window = (name, int(at.timestamp()) // seconds)
        if self.taken[window] == limit:
            return False
        self.taken[window] += 1
        return True


class Clock:
    """Sleeping is all that takes time. `left`: seconds."""

    def __init__(self, left=600.0):
        self.moment = BEGINNING
        self.left = left
        self.slept = []

    def now(self):
        return self.moment

    def deadline(self):
        return self.left

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.left -= seconds
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def counters():
    return Counters()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def wait(clock, counters, notes):
    pace = Pace(counters, 2, clock.now, sleep=clock.sleep, jitter=lambda: 0.5, note=notes.append)
    return partial(pace.wait, NAME, deadline=clock.deadline)


def test_who_finds_a_second_full_waits_for_the_next(wait, clock):
    for _ in range(5):
        wait()
    assert clock.slept == [0.75 + SPREAD_SECONDS / 2, 0.75 + SPREAD_SECONDS / 2]
    assert clock.moment == BEGINNING + timedelta(seconds=2)


def test_a_clock_that_stands_still_keeps_nobody_waiting(clock, counters):
    pace = Pace(counters, 2, lambda: BEGINNING, sleep=clock.sleep, jitter=lambda: 0.0)
    for _ in range(5):
        pace.wait(NAME, deadline=clock.deadline)
    assert clock.slept == [0.75, 0.75, 0.75, 1.0]


def test_it_does_not_wait_longer_than_there_is_time(wait, clock):
    clock.left = RESERVE_SECONDS + 0.9
    wait()
    wait()
    with pytest.raises(AwsError) as raised:
        wait()
    assert (str(raised.value), raised.value.code, clock.slept) == (BUSY, CODE, [])


def test_it_gives_up_when_its_turn_does_not_come(clock):
    class Full:
        def take(self, *_, **__):
            return False

    pace = Pace(Full(), 2, clock.now, sleep=clock.sleep, jitter=lambda: 0.0)
    with pytest.raises(AwsError) as raised:
        pace.wait(NAME, deadline=clock.deadline)
    assert (str(raised.value), len(clock.slept)) == (BUSY, TURNS)


def test_without_counters_calls_go_on_and_that_is_noted_once(wait, clock, counters, notes):
    counters.error = "dynamodb:UpdateItem is denied"
    for _ in range(3):
        wait()
        clock.moment += timedelta(seconds=UNASKED_SECONDS)
    assert (notes, counters.asked, clock.slept) == (["calls are not paced: dynamodb:UpdateItem is denied"], 3, [])


def test_counters_that_fail_are_left_alone_for_a_while(wait, clock, counters):
    counters.error = "broken"
    for _ in range(20):
        wait()
    clock.moment += timedelta(seconds=UNASKED_SECONDS - 1)
    wait()
    assert counters.asked == 1
    clock.moment += timedelta(seconds=1)
    wait()
    assert counters.asked == 2


def test_what_fails_again_after_it_has_worked_is_noted_again(wait, clock, counters, notes):
    for error in ("first", None, "second"):
        counters.error = error
        wait()
        clock.moment += timedelta(seconds=UNASKED_SECONDS)
    assert notes == ["calls are not paced: first", "calls are not paced: second"]


# Many functions


class Hubs:
    """Security Hub of all accounts: when it was called, by account, region and second."""

    def __init__(self, time):
        self._time = time
        self.calls = Counter()
        self.taken = Counter()

    def service(self, _, account, region):
        return _Hub(self, account, region)

    def called(self, account, region, findings):
        self.calls[account, region, int(self._time.now().timestamp())] += 1
        self.taken[account] += len(findings)


class _Hub:
    def __init__(self, hubs, account, region):
        self._hubs, self._account, self._region = hubs, account, region

    def ask(self, operation, *, Findings):  # noqa: N803 - as AWS spells it
        assert operation == "BatchImportFindings"
        self._hubs.called(self._account, self._region, Findings)
        return {"FailedCount": 0, "SuccessCount": len(Findings)}


def findings(function, account, count=FINDINGS):
    return [
        {
            "Id": f"{function}/{number}",
            "ProductArn": f"arn:aws:securityhub:{REGION}:{account}:product/{account}/default",
            "AwsAccountId": account,
            "UpdatedAt": "2026-03-04T05:06:07.089Z",
        }
        for number in range(count)
    ]


@pytest.fixture
def simulated():
    return SimulatedTime()


@pytest.fixture
def hubs(simulated):
    return Hubs(simulated)


@pytest.fixture
def made(table, sessions, simulated, hubs):
    """A function of its own each time: it shares the table with the others, and nothing else."""
    shared = OneAtATime(sessions)

    def make(number):
        def jitter():
            return number / FUNCTIONS

        allowance = TableAllowance(shared, TABLE, REGION)
        pace = Pace(allowance, CALLS_PER_SECOND, simulated.now, sleep=simulated.sleep, jitter=jitter)
        return SecurityHub(hubs, simulated.now, sleep=simulated.sleep, jitter=jitter, pace=pace)

    return make


def test_functions_at_once_make_no_more_calls_in_a_second_than_security_hub_takes(simulated, hubs, made):
    until = BEGINNING + timedelta(seconds=600)
    simulated.work(
        partial(made(number).put, findings(number, MEMBER), deadline=lambda: simulated.left(until))
        for number in range(FUNCTIONS)
    )
    assert max(hubs.calls.values()) == CALLS_PER_SECOND
    assert hubs.taken == {MEMBER: FUNCTIONS * FINDINGS}
    seconds = [second for _, _, second in hubs.calls]
    calls = FUNCTIONS * FINDINGS // 100
    assert max(seconds) - min(seconds) + 1 <= calls // CALLS_PER_SECOND + 2  # nor are many seconds left unused


def test_accounts_do_not_wait_for_one_another(simulated, hubs, made):
    until = BEGINNING + timedelta(seconds=600)
    accounts = (MEMBER, OTHER) * (FUNCTIONS // 2)
    simulated.work(
        partial(made(number).put, findings(number, account, 200), deadline=lambda: simulated.left(until))
        for number, account in enumerate(accounts)
    )
    assert simulated.now() == BEGINNING
    assert list(hubs.calls.values()) == [8, 8]


def test_what_there_is_no_time_to_wait_for_is_told_and_not_sent(simulated, hubs, made):
    until = BEGINNING + timedelta(seconds=RESERVE_SECONDS + 0.5)
    told = []

    def put(number):
        try:
            made(number).put(findings(number, MEMBER, 200), deadline=lambda: simulated.left(until))
        except DeliveryError as error:
            told.append(str(error))

    simulated.work(partial(put, number) for number in range(FUNCTIONS))
    assert sum(hubs.calls.values()) == CALLS_PER_SECOND
    assert hubs.taken[MEMBER] == CALLS_PER_SECOND * 100
    assert told
    assert all("others make the 10 calls in a second that there may be; try again later" in text for text in told)
    assert simulated.now() < until
