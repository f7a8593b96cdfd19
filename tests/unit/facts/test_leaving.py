"""Work that nobody has to wait for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from opalite.errors import AwsError
from opalite.facts.leaving import Leaving


def test_the_result_and_the_exception_are_those_of_the_work():
    leaving = Leaving()
    assert leaving.wait(lambda: 1) == 1
    with pytest.raises(ZeroDivisionError):
        leaving.wait(lambda: 1 // 0)


def test_whoever_waits_is_let_go_and_nothing_more_is_begun():
    leaving, begun, end, done = Leaving(), threading.Event(), threading.Event(), []

    def slow():
        begun.set()
        end.wait(10)
        done.append("late")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(leaving.wait, slow)
        assert begun.wait(10)
        leaving.stop()
        with pytest.raises(AwsError, match="the run ends"):
            waiting.result(10)
    assert done == []
    with pytest.raises(AwsError, match="the run ends"):
        leaving.wait(lambda: done.append("more"))
    assert done == []
    end.set()


def test_the_work_is_done_in_a_thread_that_the_process_does_not_wait_for():
    assert Leaving().wait(lambda: threading.current_thread().daemon) is True
