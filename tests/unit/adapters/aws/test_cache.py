"""Answers that are kept for a while."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

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
