from __future__ import annotations

import signal
import threading

import pytest

from opalite.engine.signals import held


class EndedError(Exception):
    pass


@pytest.fixture(autouse=True)
def handlers():
    """Ours raise, as those of the command line do."""

    def ended(number, _):
        raise EndedError(number)

    before = {number: signal.signal(number, ended) for number in (signal.SIGINT, signal.SIGTERM)}
    yield ended
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_comes_after_the_block(number, handlers):
    steps = []
    with pytest.raises(EndedError), held():
        signal.raise_signal(number)
        steps.append("the block goes on")
    assert steps == ["the block goes on"]
    assert signal.getsignal(number) is handlers


def test_an_error_of_the_block_goes_before_a_signal_in_it(handlers):
    with pytest.raises(ValueError, match="of the block"), held():
        signal.raise_signal(signal.SIGTERM)
        raise ValueError("of the block")
    assert signal.getsignal(signal.SIGTERM) is handlers


def test_without_a_signal_nothing_happens(handlers):
    with held():
        pass
    assert signal.getsignal(signal.SIGINT) is handlers


def test_elsewhere_than_in_the_main_thread_there_is_nothing_to_hold():
    entered = threading.Event()

    def work():
        with held():
            entered.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert entered.is_set()
