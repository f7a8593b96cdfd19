"""Brakes: so many by the hour, so many failures, and what that comes to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation import brakes
from opalite.remediation.brakes import CIRCUIT, RATE, Limits
from opalite.remediation.files import FileLedger
from unit.remediation.aws.cases import TARGET

AT, NEXT = "2026-11-29T12:59:59.999Z", "2026-11-29T13:00:00.000Z"
LIMITS = Limits(per_hour=2, per_hour_everywhere=3, per_resource_day=1, failures_per_hour=2)
ELSEWHERE = replace(TARGET, account_id="444455556666")
LOCAL = f"{TARGET.policy_id} in account {TARGET.account_id}"


@pytest.fixture
def ledger(tmp_path) -> FileLedger:
    return FileLedger(tmp_path, lambda: AT)


def let_on(ledger, target, limits, *, at):
    """As the flow asks: first whether it may go on, then, with the resource in hand, that it does."""
    return brakes.held(ledger, target, limits, at=at) or brakes.counted(ledger, target, limits, at=at)


def test_asking_counts_nothing(ledger):
    assert [brakes.held(ledger, TARGET, LIMITS, at=AT) for _ in range(5)] == [None] * 5


def test_of_those_that_asked_at_once_the_limit_goes_on(ledger):
    assert [brakes.held(ledger, TARGET, LIMITS, at=AT) for _ in range(3)] == [None] * 3
    counted = [brakes.counted(ledger, TARGET, LIMITS, at=AT) for _ in range(3)]
    assert counted == [None, None, f"{RATE}: 2 remediations an hour of {LOCAL}"]


def test_an_account_gets_so_many_an_hour_and_the_next_hour_as_many_again(ledger):
    held = [let_on(ledger, TARGET, LIMITS, at=AT) for _ in range(3)]

    assert held == [None, None, f"{RATE}: 2 remediations an hour of {LOCAL}"]
    assert brakes.held(ledger, TARGET, LIMITS, at=NEXT) is None


def test_all_accounts_together_get_so_many(ledger):
    held = [let_on(ledger, one, LIMITS, at=AT) for one in (TARGET, TARGET, ELSEWHERE, ELSEWHERE)]

    assert held == [None, None, None, f"{RATE}: 3 remediations an hour of {TARGET.policy_id} in all accounts"]


def test_another_policy_has_its_own(ledger):
    for _ in range(2):
        let_on(ledger, TARGET, LIMITS, at=AT)

    assert brakes.held(ledger, TARGET, LIMITS, at=AT) is not None
    assert brakes.held(ledger, replace(TARGET, policy_id="custom.other"), LIMITS, at=AT) is None


def test_failures_open_the_circuit_of_their_account_for_the_hour(ledger):
    for _ in range(2):
        assert let_on(ledger, TARGET, replace(LIMITS, per_hour=9), at=AT) is None
        brakes.failed(ledger, TARGET, at=AT)

    opened = f"{CIRCUIT}: 2 remediations of {LOCAL} have failed within the hour"
    assert brakes.held(ledger, TARGET, replace(LIMITS, per_hour=9), at=AT) == opened
    assert brakes.held(ledger, ELSEWHERE, LIMITS, at=AT) is None
    assert brakes.held(ledger, TARGET, LIMITS, at=NEXT) is None


def test_what_the_circuit_holds_is_not_counted(ledger):
    for _ in range(2):
        brakes.failed(ledger, TARGET, at=AT)
    assert let_on(ledger, TARGET, LIMITS, at=AT) is not None

    assert ledger.taken(f"policy/{TARGET.policy_id}/{TARGET.account_id}", hour=AT) == 0


def test_people_are_told_so_often_an_hour(ledger):
    assert [brakes.may_tell(ledger, TARGET, 2, at=AT) for _ in range(3)] == [True, True, False]
    assert brakes.may_tell(ledger, ELSEWHERE, 2, at=AT)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([AT, NEXT])), max_size=40),
    st.builds(
        Limits,
        per_hour=st.integers(1, 5),
        per_hour_everywhere=st.integers(1, 7),
        per_resource_day=st.just(1),
        failures_per_hour=st.just(1),
    ),
)
def test_whatever_comes_no_more_go_on_than_the_limits_say(tmp_path_factory, events, limits):
    ledger = FileLedger(tmp_path_factory.mktemp("kept"), lambda: AT)
    let_go = [
        (is_here, at)
        for is_here, at in events
        if let_on(ledger, TARGET if is_here else ELSEWHERE, limits, at=at) is None
    ]
    for hour in (AT, NEXT):
        by_account = [sum(one == (is_here, hour) for one in let_go) for is_here in (True, False)]
        assert max(by_account) <= limits.per_hour
        assert sum(by_account) <= limits.per_hour_everywhere


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001 - hypothesis wants them so
def test_the_brakes_are_released_at_the_next_full_hour_wherever_the_clock_stands(moment, zone):
    at = f"{moment.isoformat(timespec='milliseconds')}{zone:+03d}:00"
    released = datetime.fromisoformat(brakes.next_hour(at))
    rest = released - datetime.fromisoformat(at)

    assert timedelta() < rest <= timedelta(hours=1)
    assert (released.minute, released.second, released.microsecond) == (0, 0, 0)
    assert brakes.next_hour(at).endswith(":00:00.000Z")


def test_later_is_so_much_later():
    assert brakes.later(AT, seconds=1.5) == "2026-11-29T13:00:01.499Z"
    assert brakes.later("2026-11-29T13:00:00+01:00", hours=-24) == "2026-11-28T12:00:00.000Z"
