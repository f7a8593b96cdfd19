"""Two functions at the same time, with events of the same resources: what was captured last is what remains."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.scene import Scene

MEMBER = ACCOUNTS[1]
KEY = f"{MEMBER} sg-1 restricted_ingress"
OLDER, NEWER = "08:00:00.000", "09:00:00.000"
PATIENCE = 30.0  # seconds; what takes longer has failed


@pytest.fixture
def during(scene) -> Callable[..., None]:
    """Runs the second while the first waits for the answer to its call of a service, which is answered after that."""

    def run(service: str, operation: str, first: Callable[[], Any], second: Callable[[], Any]) -> None:
        called, done = Event(), Event()

        def held(_: float) -> None:
            called.set()
            assert done.wait(PATIENCE)

        scene.aws.faults.sleep = held
        scene.aws.slow(service, operation, seconds=1)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(first)
            assert called.wait(PATIENCE)
            second()
            done.set()
            running.result()

    return run


@pytest.fixture
def two(deploy):
    """Two sandboxes."""
    return deploy(), deploy()


@pytest.fixture
def events(scene, rule, group):
    """Of a resource that fails first and passes later, or the other way round."""

    def made(name: str = "sg-1", *, mended: bool) -> tuple[Any, Any]:
        opened = (22, None) if mended else (None, 22)
        items = [group(name, at=time, opened=port) for time, port in zip((OLDER, NEWER), opened, strict=True)]
        older, newer = (scene.aws.config.change_event(item, rule) for item in items)
        return older, newer

    return made


def known(scene: Scene) -> list[tuple[str, str]]:
    return [(str(one.outcome), one.capture_time[11:23]) for one in scene.standings().values()]


def statuses(scene: Scene) -> list[str]:
    return [one.status for one in scene.findings().values()]


def test_a_failure_that_is_sent_after_it_was_mended_does_not_come_back(scene, two, events, during):
    older, newer = events(mended=True)
    during("securityhub", "BatchImportFindings", lambda: two[0](older), lambda: two[1](newer))
    assert (known(scene), statuses(scene)) == ([("pass", NEWER)], ["PASSED"])
    assert (scene.imported(), len(scene.hubs.dropped), scene.pending()) == ([KEY, KEY], 1, {})
    assert scene.changes() == [("payments", "new_failure", "sg-1")]


def test_an_older_event_that_has_read_before_a_newer_one_wrote_writes_nothing(scene, two, events, during):
    older, newer = events(mended=True)
    during("dynamodb", "PutItem", lambda: two[0](older), lambda: two[1](newer))
    assert (known(scene), statuses(scene)) == ([("pass", NEWER)], [])
    assert (scene.imported(), scene.changes(), scene.pending()) == ([], [], {})
    assert scene.aws.calls["dynamodb:PutItem"] == 2


def test_a_newer_event_that_has_read_before_an_older_one_wrote_steps_from_what_that_wrote(scene, two, events, during):
    older, newer = events(mended=True)
    during("dynamodb", "PutItem", lambda: two[1](newer), lambda: two[0](older))
    assert (known(scene), statuses(scene)) == ([("pass", NEWER)], ["PASSED"])
    assert (scene.imported(), scene.hubs.dropped, scene.pending()) == ([KEY, KEY], [], {})
    assert scene.changes() == [("payments", "new_failure", "sg-1")]


def test_the_same_event_at_the_same_time_is_known_once(scene, two, events, during):
    _, newer = events(mended=False)
    during("dynamodb", "PutItem", lambda: two[0](newer), lambda: two[1](newer))
    assert (known(scene), statuses(scene)) == ([("fail", NEWER)], ["FAILED"])
    assert (scene.imported(), scene.changes(), scene.pending()) == ([KEY], [("payments", "new_failure", "sg-1")], {})


def test_a_notification_that_is_on_its_way_is_not_lost_when_something_newer_is_known(scene, two, rule, group, during):
    """Both tell it: the newer one cannot know whether the older one will."""
    older, newer = (scene.aws.config.change_event(group("sg-1", at=time, opened=22), rule) for time in (OLDER, NEWER))
    during("sns", "PublishBatch", lambda: two[0](older), lambda: two[1](newer))
    assert (known(scene), statuses(scene), scene.pending()) == ([("fail", NEWER)], ["FAILED"], {})
    assert set(scene.changes()) == {("payments", "new_failure", "sg-1")}


def test_whatever_comes_first_the_newest_capture_remains(scene, two, events):
    names = [f"sg-{number:02}" for number in range(12)]
    made = {name: events(name, mended=number % 2 == 0) for number, name in enumerate(names)}
    barrier = Barrier(2)

    def deliver(function: Any, which: int) -> None:
        for name in names:
            barrier.wait()
            function(made[name][which])

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(deliver, function, which) for which, function in enumerate(two)]:
            done.result()
    standings = {key.split()[1]: (str(one.outcome), one.capture_time[11:23]) for key, one in scene.standings().items()}
    assert standings == {name: ("fail" if number % 2 else "pass", NEWER) for number, name in enumerate(names)}
    open_ones = [key.split()[1] for key, one in scene.findings().items() if one.status == "FAILED"]
    assert sorted(open_ones) == names[1::2]
    told = [name for _, _, name in scene.changes() if name in names[1::2]]
    assert (told, scene.pending()) == (names[1::2], {})
    assert len(scene.records()) == 2 * len(names)
