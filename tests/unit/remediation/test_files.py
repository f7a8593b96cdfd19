"""The ledger in a folder: what is kept, who is at a resource, and files that nobody of us has written."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from opalite.errors import AwsError, UsageError
from opalite.remediation.attempt import written
from opalite.remediation.files import FileLedger, read
from opalite.remediation.model import Result
from opalite.remediation.parts import Overtaken, Past
from unit.remediation.attempts import ATTEMPTS
from unit.remediation.aws.cases import ATTEMPT, BEGAN, TARGET

NOW, LATER, YESTERDAY = "2026-11-29T12:00:00.000Z", "2026-11-29T12:20:00.000Z", "2026-11-28T12:00:00.000Z"
NEW = replace(ATTEMPT, version=0)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> str:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock) -> FileLedger:
    return FileLedger(tmp_path / "kept", clock)


def names(ledger) -> list[str]:
    return sorted(path.name for path in ledger._folder.iterdir() if path.name != ".guard")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(ATTEMPTS)
def test_what_is_saved_is_loaded_again(tmp_path_factory, attempt):
    ledger = FileLedger(tmp_path_factory.mktemp("kept"), Clock())
    saved = ledger.save(replace(attempt, version=0))

    assert saved == replace(attempt, version=1)
    assert ledger.load(attempt.id) == saved
    assert read(ledger._folder / f"{attempt.id}.json") == saved


def test_whoever_has_read_an_older_version_is_told(ledger):
    first = ledger.save(NEW)
    second = ledger.save(replace(first, reason="on"))

    with pytest.raises(Overtaken, match="was written by somebody else meanwhile"):
        ledger.save(first)
    with pytest.raises(Overtaken):
        ledger.save(NEW)
    assert ledger.load(NEW.id) == second
    assert names(ledger) == [f"{NEW.id}.json"]


def test_what_is_not_there_is_none(ledger):
    assert (ledger.load("none"), ledger.all(), ledger.stopped()) == (None, [], None)
    assert ledger.history(TARGET, since="") == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "a" * 65, "ä", "a\n"])
def test_what_is_no_id_leads_to_no_file(ledger, name):
    with pytest.raises(AwsError, match="is no id of an attempt"):
        ledger.load(name)


def test_one_at_a_time_is_at_a_resource(ledger, clock):
    assert ledger.lock("key", "one", until=LATER) is None
    assert ledger.lock("key", "two", until=LATER) == "one"
    assert ledger.lock("key", "one", until=LATER) is None  # once more
    assert ledger.lock("other", "two", until=LATER) is None
    ledger.unlock("key", "two")
    assert ledger.lock("key", "two", until=LATER) == "one"
    ledger.unlock("key", "one")
    assert ledger.lock("key", "two", until=LATER) is None
    clock.now = "2026-11-29T12:20:00.001Z"
    assert ledger.lock("key", "three", until="2026-11-29T13:00:00.000Z") is None
    assert ledger.lock("key", "two", until=LATER) == "three"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"holder": "x"}', b"\xff"])
def test_a_lock_that_says_nothing_is_nobodys(ledger, content):
    ledger.lock("key", "one", until=LATER)
    ledger._lock("key").write_bytes(content)

    assert ledger.lock("key", "two", until=LATER) is None
    assert ledger.lock("key", "one", until=LATER) == "two"


def test_of_several_at_once_one_gets_each_lock(tmp_path):
    """As several processes do, each opens the guard for itself."""
    together = Barrier(4)

    def taken(number):
        ledger = FileLedger(tmp_path / "kept", Clock())
        together.wait()
        return [ledger.lock(f"key {turn}", f"holder{number}", until=LATER) is None for turn in range(30)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(taken, range(4)))

    assert [sum(turn) for turn in zip(*found, strict=True)] == [1] * 30


def test_the_switch_holds_until_it_is_taken_back(ledger, tmp_path, clock):
    ledger.stop("incident 7\nand more", "anna")
    assert FileLedger(tmp_path / "kept", clock).stopped() == "incident 7"
    ledger.stop("incident 8", "anna")
    assert ledger.stopped() == "incident 8 (by anna)"
    ledger.start()
    ledger.start()
    assert ledger.stopped() is None


def test_a_switch_thrown_by_hand_holds_too(ledger):
    ledger.stop("", "")
    ledger._folder.joinpath("STOP").write_bytes(b"")
    assert ledger.stopped() == "stopped"


def test_a_switch_that_cannot_be_read_is_an_error_and_not_off(ledger):
    (ledger._folder / "STOP").mkdir(parents=True)
    with pytest.raises(AwsError, match="STOP: Is a directory"):
        ledger.stopped()


def test_the_history_is_that_of_the_resource_whichever_policy(ledger):
    other = replace(TARGET, policy_id="custom.other")
    ledger.save(NEW)
    at = "2026-11-29T12:01:00.000Z"
    ledger.save(replace(NEW, id="a2", target=other, result=Result.WAITING, began_at=at))
    ledger.save(replace(NEW, id="a3", target=replace(TARGET, resource_id="sg-other")))
    ledger.save(replace(NEW, id="a4", began_at=YESTERDAY))
    later = {"began_at": "2026-11-29T12:02:00.000Z", "started_at": "2026-11-29T12:03:00.000Z"}
    ledger.save(replace(NEW, id="a5", result=Result.APPLYING, undoes=NEW.id, applied=(), **later))
    ledger.save(replace(NEW, id="a6", result=Result.FAILED, undoes=NEW.id, **later))

    assert ledger.history(TARGET, since="2026-11-29") == [
        Past(NEW.id, BEGAN, TARGET.policy_id, "revoke_ingress", "applied", BEGAN, begun=True),
        Past("a2", at, "custom.other", "revoke_ingress", "waiting", at, begun=True),
        Past("a5", later["began_at"], TARGET.policy_id, "revoke_ingress", "undoing", later["started_at"], begun=False),
        Past("a6", later["began_at"], TARGET.policy_id, "revoke_ingress", "undone", later["started_at"], begun=True),
    ]
    assert [one.id for one in ledger.all()] == ["a4", NEW.id, "a3", "a2", "a5", "a6"]


def test_a_history_with_a_hole_is_no_history(ledger):
    ledger.save(NEW)
    (ledger._folder / "odd.json").write_text("{}")

    with pytest.raises(UsageError, match=r"odd.json: this is no record .*; move it out of .*kept/ if it is no record"):
        ledger.history(TARGET, since="")
    assert [one.id for one in ledger.all()] == [NEW.id]
    assert [path.name for path, one in ledger.records() if isinstance(one, UsageError)] == ["odd.json"]


def test_what_waits_for_the_time_is_due(ledger):
    ledger.save(replace(NEW, result=Result.DEFERRED, due_at=NOW))
    ledger.save(replace(NEW, id="a2", result=Result.DEFERRED, due_at=LATER))
    ledger.save(replace(NEW, id="a3", result=Result.APPLIED, due_at=NOW))

    assert (ledger.due(NOW), ledger.due(LATER)) == ([NEW.id], [NEW.id, "a2"])


def test_counters_are_those_of_the_hour(ledger):
    assert [ledger.take("a", 2, hour="2026-11-29T12:59:59Z") for _ in range(3)] == [True, True, False]
    assert ledger.take("a", 2, hour="2026-11-29T13:00:00Z")
    assert (ledger.taken("a", hour="2026-11-29T12:00:00Z"), ledger.taken("b", hour="2026-11-29T12")) == (2, 0)
    assert [ledger.first("x", by, expires=LATER) for by in ("one", "one", "two")] == [True, True, False]


def test_a_record_is_written_whole_or_not_at_all(ledger, monkeypatch):
    kept = ledger.save(NEW)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(AwsError, match="cannot be written: No space left on device"):
            ledger.save(replace(kept, reason="on"))
    assert ledger.load(NEW.id) == kept
    assert names(ledger) == [f"{NEW.id}.json"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"form": 2}, "the record is not of form 1: another version has written it"),
        ({"form": "1"}, "the record is not of form 1"),
        ({"id": "../../x"}, "id is no id of an attempt"),
        ({"id": "a\u001b[2J"}, "id is no id of an attempt"),
        ({"id": ""}, "id is no id of an attempt"),
        ({"id": 5}, "id is no str"),
        ({"action": "os.system\n"}, "action is no name of an action"),
        ({"result": "fine"}, "'fine' is not a valid Result"),
        ({"mode": None}, "None is not a valid Mode"),
        ({"due_at": 5}, "due_at is no str"),
        ({"began_at": "yesterday"}, "Invalid isoformat string"),
        ({"began_at": None}, "TypeError"),
        ({"reason": ["x"]}, "reason is no str"),
        ({"parameters": "x"}, "parameters is no object"),
        ({"told": "record"}, "told is no list"),
        ({"version": True}, "version is no int"),
        ({"version": None}, "TypeError"),
        ({"more": 1}, "unexpected keyword argument 'more'"),
        ({"plan": []}, "TypeError"),
        ({"plan": {}}, "KeyError"),
        ({"applied": [{}]}, "KeyError"),
        ({"approval": {"expires": 5, "token": None, "approver": None}}, "approval.expires is no str"),
        ({"before": {"decision_id": "x"}}, "missing 5 required"),
    ],
    ids=str,
)
def test_a_record_that_was_edited_says_what_is_wrong(tmp_path, changes, why):
    path = tmp_path / "record.json"
    path.write_bytes(orjson.dumps({**written(ATTEMPT), **changes}))

    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert why in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"7", b"\xff\xfe", b"[" * 100_000, b"\x00"])
def test_what_is_no_record_at_all_is_told(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content)

    with pytest.raises(UsageError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_folder_is_no_record_and_a_missing_file_is_its_own_case(tmp_path):
    with pytest.raises(UsageError, match="Is a directory"):
        read(tmp_path)
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.json")


def test_records_and_locks_are_for_their_owner_alone(ledger):
    ledger.save(NEW)
    ledger.lock("key", "one", until=LATER)

    assert {path.stat().st_mode & 0o077 for path in ledger._folder.iterdir() if path.name != ".guard"} == {0}
