"""What a sweep leaves to the next invocation, until there is nothing left or somebody must look."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.functions import PAYLOAD_BYTES
from opalite.errors import AwsError, DeliveryError
from opalite.sweep.event import Sweep, parse
from opalite.sweep.rest import ACCOUNTS_PER_EVENT, ATTEMPTS, hand_on

AT = "2026-11-29T04:00:00.000Z"
A, B, C = "111122223333", "444455556666", "777788889999"
ALL = Sweep(AT)


def handed(sweep, unreached=(), failed=()):
    """The events that go on; a failure is because of its account's number."""
    sent = []
    hand_on(sweep, unreached, {account: f"denied in {account}" for account in failed}, sent.append)
    return sent


def event(*accounts, attempt=1, everything=False):
    return {"time": AT, "everything": everything, "accounts": list(accounts), "attempt": attempt}


def test_when_all_is_done_nothing_is_sent():
    assert handed(ALL) == []
    assert handed(Sweep(AT, accounts=(A,), attempt=9)) == []


def test_accounts_that_were_not_reached_go_on_with_the_same_attempt():
    assert handed(ALL, [B, C]) == [event(B, C)]
    assert handed(Sweep(AT, everything=True, accounts=(A, B, C), attempt=2), [C]) == [
        event(C, attempt=2, everything=True)
    ]


def test_accounts_that_failed_go_on_with_the_next_attempt_apart_from_the_others():
    assert handed(ALL, [C], [B, A]) == [event(C), event(A, B, attempt=2)]


def test_what_fails_for_the_third_time_is_raised_by_name():
    assert ATTEMPTS == 3
    assert handed(Sweep(AT, accounts=(A, B), attempt=2), failed=[A, B]) == [event(A, B, attempt=3)]
    with pytest.raises(DeliveryError) as caught:
        handed(Sweep(AT, accounts=(B, A), attempt=3), failed=[A, B])
    assert str(caught.value) == (
        "Config rules were not evaluated anew in 2 accounts: "
        "111122223333: denied in 111122223333; 444455556666: denied in 444455556666"
    )


def test_many_failed_accounts_are_counted_and_some_named():
    accounts = tuple(f"{number:012}" for number in range(12))
    with pytest.raises(DeliveryError, match=r"^Config rules were not evaluated anew in 12 accounts: .* \(\+2 more\)$"):
        handed(Sweep(AT, accounts=accounts, attempt=3), failed=accounts)


@pytest.mark.parametrize("unreached", [[], [C]])
def test_an_event_that_holds_other_accounts_is_not_the_one_that_fails(unreached):
    """Lambda would do these again as well, and once more hand on what was not reached."""
    last = Sweep(AT, accounts=(A, B, C), attempt=3)
    assert handed(last, unreached, [A]) == [*([event(C, attempt=3)] if unreached else []), event(A, attempt=4)]
    with pytest.raises(DeliveryError):
        handed(Sweep(AT, accounts=(A,), attempt=4), failed=[A])


def test_no_event_is_too_large():
    accounts = [f"{number:012}" for number in range(2 * ACCOUNTS_PER_EVENT + 1)]
    sent = handed(ALL, accounts, accounts)
    assert [len(one["accounts"]) for one in sent] == [ACCOUNTS_PER_EVENT, ACCOUNTS_PER_EVENT, 1] * 2
    assert [account for one in sent for account in one["accounts"]] == accounts * 2
    assert max(len(json.dumps(one)) for one in sent) < PAYLOAD_BYTES / 4


def test_an_event_that_cannot_be_sent_fails_the_sweep():
    def send(_):
        raise AwsError("lambda:Invoke: throttled")

    with pytest.raises(AwsError):
        hand_on(ALL, [A], {}, send)


@given(st.lists(st.sampled_from(range(12)), unique=True, min_size=1), st.data())
def test_it_always_ends_and_every_account_is_done_or_told(numbers, data):
    """Whatever fails, and however far each invocation gets."""
    accounts = tuple(f"{number:012}" for number in numbers)
    done, told = set(), set()
    queue = [ALL]
    for _ in range(500):
        if not queue:
            break
        sweep = queue.pop()
        asked = accounts if sweep.accounts is None else sweep.accounts
        reached = asked[: data.draw(st.integers(1, len(asked)))]
        failed = dict.fromkeys(data.draw(st.sets(st.sampled_from(reached))), "denied")
        done |= set(reached) - failed.keys()
        try:
            hand_on(sweep, asked[len(reached) :], failed, lambda event: queue.append(parse(event)))
        except DeliveryError:
            assert failed.keys() == set(asked)
            assert sweep.attempt >= ATTEMPTS
            told |= failed.keys()
    assert not queue
    assert done | told == set(accounts)


def test_findings_that_fail_for_the_third_time_are_raised_by_name():
    sweep = Sweep(AT, accounts=(A,), attempt=3, findings=True, rules=False)
    with pytest.raises(DeliveryError) as caught:
        handed(sweep, failed=[A])
    assert str(caught.value) == (
        f"findings of policies that are not asked any more were not ended in 1 accounts: {A}: denied in {A}"
    )


@given(st.lists(st.sampled_from(range(8)), unique=True, min_size=1), st.data())
def test_with_findings_it_always_ends_as_well_and_no_rules_are_done_twice(numbers, data):
    accounts = tuple(f"{number:012}" for number in numbers)
    rules, findings, told = [], set(), set()
    queue = [Sweep(AT, findings=True)]

    def some(of):
        return dict.fromkeys(data.draw(st.sets(st.sampled_from(of))) if of else (), "denied")

    for _ in range(500):
        if not queue:
            break
        sweep = queue.pop()
        asked = reached = accounts if sweep.accounts is None else sweep.accounts
        failed = {}
        if sweep.rules:
            reached = asked[: data.draw(st.integers(1, len(asked)))]
            failed = some(reached)
            rules += [account for account in reached if account not in failed]
        seen = reached[: data.draw(st.integers(0 if sweep.rules else 1, len(reached)))]
        unended = {account: why for account, why in some(seen).items() if account not in failed}
        findings |= set(seen) - unended.keys() - failed.keys()
        try:
            unseen = [account for account in reached[len(seen) :] if account not in failed]
            hand_on(sweep.of_findings(), unseen, unended, lambda event: queue.append(parse(event)))
            hand_on(
                sweep, asked[len(reached) :] if sweep.rules else (), failed, lambda event: queue.append(parse(event))
            )
        except DeliveryError:
            told |= (failed or unended).keys()
    assert not queue
    assert len(rules) == len(set(rules))
    assert set(rules) | told == set(accounts)
    assert findings | told == set(accounts)
