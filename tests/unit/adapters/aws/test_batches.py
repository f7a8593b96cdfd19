"""Sending in batches: within the limits, nothing lost, nothing twice."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.batches import (
    ATTEMPTS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    RESERVE_SECONDS,
    Batches,
    Parcel,
    Patience,
    Refused,
    told,
)
from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from unit.adapters.aws.sending import Time

HERE, THERE = ("111122223333", "eu-west-1"), ("444455556666", "eu-west-1")
TOO_FAST = AwsError("too fast", "TooManyRequestsException")
BROKEN = AwsError("broken", "InternalException")
MALFORMED = AwsError("malformed", "InvalidInputException")


class Receiver:
    """Answers as scripted, then takes everything: an exception, or the names that it refuses, for good if they begin with `!`."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []
        self.taken = []

    def call(self, batch):
        self.calls.append([parcel.name for parcel in batch])
        answer = self.answers.pop(0) if self.answers else ()
        if callable(answer):
            answer = answer(batch)
        if isinstance(answer, Exception):
            raise answer
        finals = {name.removeprefix("!"): name.startswith("!") for name in answer}
        return [Refused(parcel, "refused", finals[parcel.name]) for parcel in batch if parcel.name in finals]

    def take(self, batch):
        self.taken += [parcel.name for parcel in batch]


def batches(time, *, count=3, size=1000, jitter=lambda: 1.0):
    return Batches(count, size, frozenset({"InvalidInputException"}), Patience(time.sleep, jitter))


def parcel(name, address=HERE, size=1):
    return Parcel(name, address, size, {})


def send(time, receiver, names, **more):
    parcels = [one if isinstance(one, Parcel) else parcel(one) for one in names]
    lost = batches(time, **more).send(parcels, receiver.call, deadline=time, taken=receiver.take)
    return [(reason, [one.name for one in group]) for reason, group in lost]


def test_a_batch_has_one_address_and_the_order_stays(time):
    given = [parcel("a"), parcel("x", THERE), parcel("b"), parcel("c"), parcel("d"), parcel("y", THERE)]
    receiver = Receiver()
    assert send(time, receiver, given) == []
    assert receiver.calls == [["a", "b", "c"], ["x", "y"], ["d"]]
    assert sorted(receiver.taken) == ["a", "b", "c", "d", "x", "y"]


def test_a_batch_is_no_larger_than_is_taken(time):
    receiver = Receiver()
    send(time, receiver, [parcel("a", size=600), parcel("b", size=400), parcel("c"), parcel("d", size=1000)])
    assert receiver.calls == [["a", "b"], ["c"], ["d"]]


def test_nothing_to_send_is_no_call(time):
    receiver = Receiver()
    assert send(time, receiver, []) == []
    assert receiver.calls == []


def test_what_is_refused_is_sent_again_and_what_is_refused_for_good_is_not(time):
    receiver = Receiver({"a", "!b"})
    assert send(time, receiver, "abc") == [("refused", ["b"])]
    assert (receiver.calls, receiver.taken, time.slept) == ([["a", "b", "c"], ["a"]], ["c", "a"], [0.5])


def test_what_keeps_being_refused_is_told_in_the_end(time):
    receiver = Receiver(*[{"a"}] * 9)
    assert send(time, receiver, "ab") == [("refused (attempt 5 was the last)", ["a"])]
    assert len(receiver.calls) == ATTEMPTS
    assert time.slept == [0.5, 1.0, 2.0, 4.0]
    assert FIRST_WAIT_SECONDS * 2 ** (ATTEMPTS - 2) <= LONGEST_WAIT_SECONDS


def test_waits_have_full_jitter(time):
    jitter = iter([0.0, 0.25, 0.5, 0.75])
    send(time, Receiver(*[{"a"}] * 9), "a", jitter=lambda: next(jitter))
    assert time.slept == [0.0, 0.25, 1.0, 3.0]


def test_a_failed_call_is_tried_again_and_the_next_batch_is_sent_meanwhile(time):
    receiver = Receiver(BROKEN)
    assert send(time, receiver, "abcd") == []
    assert receiver.calls == [["a", "b", "c"], ["d"], ["a", "b", "c"]]


def test_where_one_call_was_throttled_no_other_is_made_before_the_wait(time):
    receiver = Receiver(TOO_FAST)
    assert send(time, receiver, [*"abcd", parcel("x", THERE)]) == []
    assert receiver.calls == [["a", "b", "c"], ["x"], ["a", "b", "c"], ["d"]]


def test_a_throttle_that_does_not_end_is_told(time):
    receiver = Receiver(*[TOO_FAST] * 9)
    assert send(time, receiver, "abcd") == [
        ("too fast (attempt 5 was the last)", ["a", "b", "c"]),
        ("too fast (attempt 5 was the last)", ["d"]),
    ]
    assert receiver.calls == [["a", "b", "c"]] * 5


@pytest.mark.parametrize("error", [Denied("no"), Absent("no")])
def test_what_is_refused_at_an_address_is_not_tried_there_again_but_elsewhere(time, error):
    receiver = Receiver(error)
    assert send(time, receiver, [*"abcd", parcel("x", THERE)]) == [("no", ["a", "b", "c"]), ("no", ["d"])]
    assert (receiver.calls, receiver.taken) == ([["a", "b", "c"], ["x"]], ["x"])


def test_a_call_that_is_refused_for_what_it_says_is_halved_until_the_others_are_taken(time):
    def answer(batch):
        return MALFORMED if any(one.name == "c" for one in batch) else ()

    receiver = Receiver(*[answer] * 20)
    assert send(time, receiver, "abcdefgh", count=8) == [("malformed", ["c"])]
    assert sorted(receiver.taken) == list("abdefgh")
    assert time.slept == []


def test_what_there_was_no_time_for_is_told(time):
    time.left = RESERVE_SECONDS - 0.1
    receiver = Receiver()
    assert send(time, receiver, "a") == [("no time was left to send it", ["a"])]
    assert receiver.calls == []


def test_nothing_is_tried_again_when_time_runs_out(time):
    time.left = RESERVE_SECONDS + 0.4
    assert send(time, Receiver(BROKEN), "a") == [("broken (attempt 1 was the last)", ["a"])]
    assert time.slept == []


def test_reasons_are_told_together_with_ten_names_in_all():
    group = [parcel(f"p{number}") for number in range(9)]
    lost = [("broken", group), ("refused", [parcel("a\nb")]), ("broken", [parcel("z")]), ("nameless", [])]
    assert told(lost) == ("p0, p1, p2, p3, p4, p5, p6, p7, p8, z: broken; +1 more: refused; nameless")
    assert told([("refused", [parcel("a\nb\x1b")])]) == "a?b?: refused"


ADDRESSES = st.sampled_from([HERE, THERE])
SIZED = st.lists(st.tuples(ADDRESSES, st.integers(0, 1000)), max_size=60)


@given(SIZED, st.integers(1, 10))
def test_batches_are_within_the_limits_and_hold_each_once(given, count):
    parcels = [parcel(str(number), address, size) for number, (address, size) in enumerate(given)]
    packed = batches(Time(), count=count).packed(parcels)
    assert all(1 <= len(batch) <= count and sum(one.size for one in batch) <= 1000 for batch in packed)
    assert all(len({one.address for one in batch}) == 1 for batch in packed)
    for address in (HERE, THERE):
        sent = [one.name for batch in packed for one in batch if one.address == address]
        assert sent == [one.name for one in parcels if one.address == address]


MOODS = ["takes all", "takes every other", "refuses every other for good", "throttles", "fails", "malformed", "denies"]


@given(SIZED, st.lists(st.sampled_from(MOODS), max_size=30))
def test_none_is_lost_and_none_is_taken_twice(given, moods):
    taken = Counter()

    def call(batch):
        mood = moods.pop() if moods else "takes all"
        errors = {"throttles": TOO_FAST, "fails": BROKEN, "malformed": MALFORMED, "denies": Denied("no")}
        if mood in errors:
            raise errors[mood]
        refused = batch[::2] if "every other" in mood else []
        taken.update(one.name for one in batch if one not in refused)
        return [Refused(one, mood, "for good" in mood) for one in refused]

    time, heard = Time(), Counter()
    parcels = [parcel(str(number), address, size) for number, (address, size) in enumerate(given)]
    lost = batches(time).send(parcels, call, deadline=time, taken=lambda batch: heard.update(one.name for one in batch))
    names = Counter(one.name for _, group in lost for one in group)
    assert heard == taken
    assert taken + names == Counter(one.name for one in parcels)
