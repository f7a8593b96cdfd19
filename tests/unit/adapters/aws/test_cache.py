"""Answers that are kept for a while."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.adapters.aws.cache import Cache
from opalite.ports import Answer


def told(**more):
    return Answer({"n": 1}, **more)


class Source:
    def __init__(self, answer=None):
        self.asked = []
        self.answer = answer or told()

    def __call__(self, keys):
        self.asked.append(sorted(keys))
        return dict.fromkeys(keys, self.answer)


def test_only_what_is_not_kept_is_asked_for(clock):
    cache, source = Cache(clock), Source()
    assert cache.get(["a", "b", "a"], source) == {"a": told(), "b": told()}
    assert cache.get(["b", "c"], source) == {"b": told(), "c": told()}
    assert source.asked == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (told(), 300),
        (Answer({"tags": None}, "only amazon sees the tags"), 300),
        (Answer({"tags": None}, "denied", refused=True), 30),
        (Answer(None, "denied", refused=True), 30),
        (Answer(None), 30),
    ],
)
def test_an_answer_is_good_for_a_time_and_a_refusal_for_a_moment(clock, answer, seconds):
    cache, source = Cache(clock), Source(answer)
    cache.get(["a"], source)
    clock.forward(seconds - 1)
    cache.get(["a"], source)
    assert len(source.asked) == 1
    clock.forward(1)
    cache.get(["a"], source)
    assert len(source.asked) == 2


def test_the_last_answer_can_be_seen_when_it_is_not_good_any_more(clock):
    cache = Cache(clock)
    cache.get(["a"], Source())
    clock.forward(1000)
    assert (cache.peek("a"), cache.peek("b")) == (told(), None)


def test_the_longest_unused_answers_go_when_there_are_too_many(clock):
    cache, source = Cache(clock, size=2), Source()
    for keys in (["a"], ["b"], ["a"], ["c"], ["a"], ["b"]):
        cache.get(keys, source)
    assert source.asked == [["a"], ["b"], ["c"], ["b"]]


def test_a_failure_is_raised_and_not_kept(clock):
    cache = Cache(clock)

    def fails(keys):
        raise ValueError("throttled")

    with pytest.raises(ValueError, match="throttled"):
        cache.get(["a"], fails)
    assert cache.get(["a"], Source()) == {"a": told()}


def test_a_source_that_forgets_a_key_is_found_out(clock):
    with pytest.raises(RuntimeError, match="did not answer all"):
        Cache(clock).get(["a", "b"], lambda keys: {"a": told(), "stranger": told()})


def test_each_key_is_asked_for_once_however_many_threads_want_it(clock):
    cache, counts, lock = Cache(clock), Counter(), threading.Lock()
    threads = 8
    barrier, under_way = threading.Barrier(threads), threading.Event()

    def fetch(keys):
        under_way.wait(10)
        with lock:
            counts.update(keys)
        return dict.fromkeys(keys, told())

    def work(index):
        barrier.wait(10)
        if index == 0:
            under_way.set()
        return cache.get([(index + step) % 10 for step in range(10)], fetch)

    with ThreadPoolExecutor(threads) as pool:
        answers = list(pool.map(work, range(threads)))
    assert answers == [dict.fromkeys(range(10), told())] * threads
    assert counts == dict.fromkeys(range(10), 1)


def test_a_failure_reaches_those_who_wait_for_the_same_key(clock):
    cache, begun, go_on = Cache(clock), threading.Event(), threading.Event()

    def fails(keys):
        begun.set()
        go_on.wait(10)
        raise ValueError("throttled")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, ["a"], fails)
        begun.wait(10)
        second = pool.submit(cache.get, ["a", "b"], Source())
        go_on.set()
        for future in (first, second):
            with pytest.raises(ValueError, match="throttled"):
                future.result(10)
    assert cache.peek("b") == told()


REFUSED = Answer({"tags": None}, "denied", refused=True)
ABSENT = Answer(None, "there is none")
GRANTED = Answer({"n": 1})


def test_a_new_event_keeps_what_was_granted_and_asks_again_for_what_was_refused_or_absent(clock):
    answers = {"good": told(), "partly": Answer({"n": None}, "only amazon knows"), "refused": REFUSED, "absent": ABSENT}
    cache, asked = Cache(clock), []

    def fetch(keys):
        asked.append(sorted(keys))
        return {key: answers[key] for key in keys}

    for _ in range(2):  # within an event everything is kept
        assert cache.get(list(answers), fetch) == answers
    cache.renew()
    assert [cache.peek(key) for key in answers] == [answers["good"], answers["partly"], None, None]
    answers |= {"refused": told(), "absent": told()}
    for _ in range(2):
        assert cache.get(list(answers), fetch) == answers
        cache.renew()
    assert asked == [["absent", "good", "partly", "refused"], ["absent", "refused"]]


def test_what_lasts_may_be_said_by_others(clock):
    cache, source = Cache(clock, lasting=lambda answer: answer.reason is None), Source(Answer({}, "a reason"))
    for _ in range(2):
        cache.get(["a"], source)
        cache.renew()
    assert source.asked == [["a"], ["a"]]


def test_what_is_doubted_is_good_until_the_next_event(clock):
    cache, source = Cache(clock), Source()
    cache.get(["a"], source)
    cache.doubt("a")
    cache.doubt("nobody's")
    cache.get(["a"], source)
    cache.renew()
    cache.get(["a"], source)
    cache.renew()
    cache.get(["a", "nobody's"], source)
    assert source.asked == [["a"], ["a"], ["nobody's"]]


def test_what_is_forgotten_is_asked_for_again(clock):
    cache, source = Cache(clock), Source()
    cache.get(["a", "b"], source)
    cache.forget("a")
    cache.forget("c")
    cache.get(["a", "b"], source)
    assert source.asked == [["a", "b"], ["a"]]


@pytest.mark.parametrize("answer", [REFUSED, told(), ValueError("throttled")])
def test_an_answer_that_comes_after_the_event_that_asked_for_it_is_that_events_alone(clock, answer):
    cache, begun, go_on = Cache(clock), threading.Event(), threading.Event()

    def slow(keys):
        begun.set()
        go_on.wait(10)
        if isinstance(answer, Exception):
            raise answer
        return dict.fromkeys(keys, answer)

    with ThreadPoolExecutor(1) as pool:
        earlier = pool.submit(cache.get, ["a"], slow)
        begun.wait(10)
        cache.renew()
        later = Source(Answer({"n": 2}))
        assert cache.get(["a"], later) == {"a": Answer({"n": 2})}  # without waiting for the other
        go_on.set()
        if isinstance(answer, Exception):
            assert earlier.exception(10) is answer
        else:
            assert earlier.result(10) == {"a": answer}
    assert cache.get(["a"], later) == {"a": Answer({"n": 2})}
    assert later.asked == [["a"]]


def test_an_answer_that_comes_late_does_not_stand_in_for_that_of_the_event_that_waits(clock):
    cache = Cache(clock)
    begun, go_on = [threading.Event(), threading.Event()], [threading.Event(), threading.Event()]

    def slow(number):
        def fetch(keys):
            begun[number].set()
            go_on[number].wait(10)
            return dict.fromkeys(keys, Answer({"n": number}))

        return fetch

    with ThreadPoolExecutor(2) as pool:
        earlier = pool.submit(cache.get, ["a"], slow(0))
        begun[0].wait(10)
        cache.renew()
        later = pool.submit(cache.get, ["a"], slow(1))
        begun[1].wait(10)
        go_on[0].set()
        assert earlier.result(10) == {"a": Answer({"n": 0})}
        assert cache.peek("a") is None
        go_on[1].set()
        assert later.result(10) == {"a": Answer({"n": 1})} == {"a": cache.peek("a")}


def test_what_was_refused_first_and_then_granted_stays(clock):
    cache, source = Cache(clock), Source()
    cache.get(["a"], Source(REFUSED))
    clock.forward(30)
    cache.get(["a"], source)
    cache.renew()
    assert (cache.get(["a"], source), source.asked) == ({"a": told()}, [["a"]])


def test_hits_and_misses_are_counted_by_key_and_only_grow(clock):
    cache = Cache(clock)
    cache.get(["a", "b", "a"], Source())
    assert cache.counts() == (0, 2)
    cache.get(["a", "c"], Source(REFUSED))
    cache.renew()
    assert cache.counts() == (1, 3)
    cache.get(["a", "b", "c"], Source())
    assert cache.counts() == (3, 4)


def test_whoever_waits_for_what_another_one_asks_has_a_hit(clock):
    cache, begun, go_on = Cache(clock), threading.Event(), threading.Event()

    def slow(keys):
        begun.set()
        go_on.wait(10)
        return dict.fromkeys(keys, told())

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, ["a"], slow)
        begun.wait(10)
        second = pool.submit(cache.get, ["a"], slow)
        while cache.counts() != (1, 1) and not second.done():
            pass
        go_on.set()
        assert first.result(10) == second.result(10)
    assert cache.counts() == (1, 1)


STEPS = st.one_of(
    st.tuples(st.just("get"), st.sets(st.sampled_from("abcd"), min_size=1)),
    st.tuples(st.just("turn"), st.sampled_from("abcd")),
    st.tuples(st.just("forward"), st.sampled_from([1, 31, 301])),
    st.tuples(st.just("renew"), st.none()),
)


@given(st.lists(STEPS, max_size=40))
def test_whatever_happens_a_refusal_ends_with_its_event_and_no_answer_is_older_than_it_may_be(steps):
    """Compared with a book of what was told when: a granted answer is good for 300 seconds, a refusal for 30."""
    told_by, asked = dict.fromkeys("abcd", REFUSED), []
    book = {}  # answer, until when, in which event (None: in any)
    time, event = datetime(2026, 11, 23, tzinfo=UTC), 0
    cache = Cache(lambda: time)

    def fetch(keys):
        asked.extend(keys)
        return {key: told_by[key] for key in keys}

    for what, argument in steps:
        if what == "turn":
            told_by[argument] = REFUSED if told_by[argument] is GRANTED else GRANTED
        elif what == "forward":
            time += timedelta(seconds=argument)
        elif what == "renew":
            cache.renew()
            event += 1
        else:
            asked.clear()
            answers = cache.get(sorted(argument), fetch)
            stale = {
                key for key in argument if not (key in book and time < book[key][1] and book[key][2] in (None, event))
            }
            for key in stale:
                granted = told_by[key] is GRANTED
                book[key] = (told_by[key], time + timedelta(seconds=300 if granted else 30), None if granted else event)
            assert (sorted(asked), answers) == (sorted(stale), {key: book[key][0] for key in argument})
