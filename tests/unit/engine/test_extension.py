"""The OPA beside the function: absent, late, slow, killed or talking nonsense, it is an error and never a result."""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from opalite.engine import extension
from opalite.engine.bundle import Bundle
from opalite.engine.extension import ExtensionOpa
from opalite.errors import DecisionError, EngineError
from opalite.ports import GUARD_RULE, PolicyFault

ITEMS = b'{"a":{"outcome":"pass"}}'
RESULT = {"a": {"p": {"outcome": "pass"}}}
FOREVER = float("inf")


class Time:
    """A clock that only sleeping moves. `at` says what happens at which sleep."""

    def __init__(self, at=None):
        self.now = 0.0
        self.sleeps = 0
        self._at = at or {}

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.sleeps += 1
        self._at.get(self.sleeps, lambda: None)()


def answer(document, status="200 OK"):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def judged(result=RESULT, revision="r"):
    return answer({"provenance": {"version": "1.22.2", "bundles": {"b": {"revision": revision}}}, "result": result})


READY, NOT_READY = answer({}), answer({"error": "not ready"}, "500 Internal Server Error")
DIES = b""  # the connection ends without an answer
HANGS = None


class FakeOpa:
    """Answers at a socket what is written down, request by request; the last answer stands for all further ones."""

    def __init__(self, path, *answers, health=(READY,)):
        self.requests = Counter()  # by method and target
        self.bodies = []
        self.connections = 0
        self._answers = {"POST": list(answers or [judged()]), "GET": list(health)}
        self._lock = threading.Lock()
        self._open = []
        self._path = path
        self._ends = False
        self._threads = []
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """Like the end of a process: the socket's file stays, every connection ends."""
        self._ends = True
        for each in [self._listener, *self._open]:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX) as last,
        ):  # not every system wakes who waits for the next one
            last.connect(str(self._path))
        for each in [self._listener, *self._open]:
            each.close()
        for thread in self._threads:
            thread.join()

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                if self._ends:
                    connection.close()
                    return
                self.connections += 1
                self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection):
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                method, target, _ = line.decode().split()
                length = 0
                while (header := stream.readline().strip().lower()) != b"":
                    if header.startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = stream.read(length)
                told = self._next(method, target, body)
                if told is HANGS:
                    stream.readline()
                    return
                connection.sendall(told)
                if not told or b"Content-Length: %d" % len(told.partition(b"\r\n\r\n")[2]) not in told:
                    connection.shutdown(socket.SHUT_RDWR)
                    return

    def _next(self, method, target, body):
        with self._lock:
            self.requests[f"{method} {target}"] += 1
            if method == "POST":
                self.bodies.append(body)
            script = self._answers[method]
            return script.pop(0) if len(script) > 1 else script[0]

    @property
    def questions(self):
        return len(self.bodies)


@contextmanager
def engine(path, time=None, *, remaining=FOREVER, revision="r"):
    time = time or Time()
    asked = ExtensionOpa(
        str(path),
        version="1.22.2",
        revision=revision,
        remaining=remaining if callable(remaining) else lambda: remaining,
        sleep=time.sleep,
        clock=time.clock,
    )
    with closing(asked):
        yield asked


@pytest.fixture
def path() -> Iterator[Path]:
    """The path of a socket has some hundred characters at most, and pytest's folders have long names."""
    with tempfile.TemporaryDirectory(prefix="opalite-", dir=Path("/tmp").resolve()) as folder:  # noqa: S108
        yield Path(folder) / "opa.sock"


def test_one_connection_serves_many_questions(path):
    with FakeOpa(path) as opa, engine(path) as asked:
        assert [asked.ask(ITEMS) for _ in range(3)] == [RESULT] * 3
        assert (asked.opa_version, asked.bundle_revision) == ("1.22.2", "r")
    assert opa.requests == {
        "GET /health?bundles=true": 1,
        "POST /v1/data/opalite/decision/batch?strict-builtin-errors=true&provenance=true": 3,
    }
    assert opa.bodies == [b'{"input":{"items":{"a":{"outcome":"pass"}}}}'] * 3
    assert opa.connections == 1


def test_another_rule_is_asked_with_the_same_care(path):
    with FakeOpa(path, judged(), judged(revision="q")) as opa, engine(path) as asked:
        assert asked.ask(ITEMS, GUARD_RULE) == RESULT
        with pytest.raises(DecisionError, match=r"^OPA judges by the bundle q, expected is r:"):
            asked.ask(ITEMS, GUARD_RULE)
    assert opa.requests["POST /v1/data/opalite/remediation/batch?strict-builtin-errors=true&provenance=true"] == 2


def test_a_proxy_in_the_environment_is_not_asked(path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with FakeOpa(path), engine(path) as asked:
        assert asked.ask(ITEMS) == RESULT


def test_nothing_is_asked_before_the_first_question(path):
    with FakeOpa(path) as opa, engine(path):
        pass
    assert opa.connections == 0


@pytest.mark.parametrize(
    ("remaining", "patience"),
    [
        (FOREVER, extension.READY_SECONDS),
        (900.0, extension.READY_SECONDS),
        (5.0, 3.0),
        (2.0, 0.0),
        (0.0, 0.0),
        (-3.0, 0.0),
    ],
)
def test_an_opa_that_is_not_there_is_waited_for_as_long_as_the_invocation_allows(path, remaining, patience):
    time = Time()
    with (
        engine(path, time, remaining=remaining) as asked,
        pytest.raises(EngineError) as caught,
    ):
        asked.ask(ITEMS)
    assert str(caught.value) == (
        f"OPA is not ready at {path} ([Errno 2] No such file or directory): is the layer with the extension attached?"
    )
    assert patience <= time.now <= patience + 0.1
    assert time.sleeps < 120
    assert (time.sleeps == 0) == (patience == 0)


def test_a_socket_at_which_nobody_listens_is_no_opa(path):
    FakeOpa(path).kill()
    assert path.exists()
    with engine(path) as asked, pytest.raises(EngineError, match=r"not ready at .*Connection refused"):
        asked.ask(ITEMS)


def test_a_path_that_no_socket_can_have_is_told(tmp_path):
    with engine(tmp_path / ("x" * 120)) as asked, pytest.raises(EngineError, match="path too long"):
        asked.ask(ITEMS)


def test_an_opa_that_comes_late_is_asked(path):
    started = []
    time = Time({3: lambda: started.append(FakeOpa(path))})
    with engine(path, time) as asked:
        assert asked.ask(ITEMS) == RESULT
    started[0].kill()
    assert time.sleeps == 3


def test_an_opa_that_has_not_loaded_its_bundle_is_not_asked_yet(path):
    time = Time()
    with FakeOpa(path, health=(NOT_READY, NOT_READY, READY)) as opa, engine(path, time) as asked:
        assert asked.ask(ITEMS) == RESULT
    assert (time.sleeps, opa.questions) == (2, 1)


def test_an_opa_that_never_loads_its_bundle_is_told(path):
    with FakeOpa(path, health=(NOT_READY,)) as opa, engine(path) as asked:
        with pytest.raises(EngineError, match=r"not ready at .* \(HTTP 500\): is the layer"):
            asked.ask(ITEMS)
        assert opa.questions == 0


def test_an_opa_that_does_not_say_whether_it_is_ready_is_left(path):
    told = pytest.raises(EngineError, match=r"not ready at .* \(timed out\)")
    with FakeOpa(path, health=(HANGS,)), engine(path, remaining=2.06) as asked, told:
        asked.ask(ITEMS)


def test_a_slow_opa_is_not_waited_for_beyond_the_invocation_and_not_asked_again(path):
    with FakeOpa(path, HANGS, judged()) as opa, engine(path, remaining=2.1) as asked:
        with pytest.raises(EngineError, match=r"^OPA did not answer within 0\.1 s$"):
            asked.ask(ITEMS)
        assert opa.questions == 1
        assert asked.ask(ITEMS) == RESULT
        assert opa.connections == 2


def test_with_hardly_any_time_left_a_slow_opa_is_left_at_once(path):
    left = iter([FOREVER, FOREVER, 0.5])
    with FakeOpa(path, judged(), HANGS), engine(path, remaining=lambda: next(left, 0.5)) as asked:
        assert asked.ask(ITEMS) == RESULT
        with pytest.raises(EngineError, match=r"^OPA did not answer within 0\.1 s$"):
            asked.ask(ITEMS)


def test_an_opa_that_was_started_anew_between_two_questions_is_asked_without_a_word(path):
    time = Time()
    with engine(path, time) as asked:
        with FakeOpa(path):
            assert asked.ask(ITEMS) == RESULT
        with FakeOpa(path) as second:
            assert asked.ask(ITEMS) == RESULT
        assert second.questions == 1
    assert time.now == 0


def test_an_opa_that_is_just_being_started_anew_is_waited_for(path):
    started = []
    time = Time({2: lambda: started.append(FakeOpa(path))})
    with engine(path, time) as asked:
        with FakeOpa(path):
            assert asked.ask(ITEMS) == RESULT
        assert asked.ask(ITEMS) == RESULT
    started[0].kill()


def test_a_question_that_met_the_end_of_opa_is_asked_again(path):
    with FakeOpa(path, DIES, DIES, judged()) as opa, engine(path) as asked:
        assert asked.ask(ITEMS) == RESULT
    assert opa.questions == 3


CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"result": {"a": {}}'


@pytest.mark.parametrize(
    ("fatal", "reason"),
    [
        (DIES, "Remote end closed connection without response"),
        (CUT, "IncompleteRead(20 bytes read, 79 more expected)"),
        (b"<html>" + b"x" * 500, f"<html>{'x' * 94}"),
        (b"\x16\x03\x01\x02\x00", "BadStatusLine"),
    ],
)
def test_a_question_that_kills_opa_each_time_is_given_up(path, fatal, reason):
    with FakeOpa(path, fatal) as opa, engine(path) as asked:
        with pytest.raises(EngineError) as caught:
            asked.ask(ITEMS)
        assert str(caught.value) == f"OPA died 3 times over one question ({reason})"
    assert opa.questions == 3


FAULT = {
    "code": "internal_error",
    "message": "evaluation failed",
    "errors": [
        {"code": "eval_builtin_error", "message": "net.cidr_contains: bad", "location": {"file": "p.rego", "row": 3}}
    ],
}
NOT_SAME = "its answer is not used; extension and function must have the same layer"


@pytest.mark.parametrize(
    ("nonsense", "error", "says"),
    [
        (answer(b""), EngineError, "OPA answered HTTP 200 with something that is not JSON"),
        (answer(b"<html>hello</html>"), EngineError, "OPA answered HTTP 200 with something that is not JSON"),
        (answer(b'{"result": {"a": {"p": {"outcome": "pass"'), EngineError, "OPA answered HTTP 200 with something that is not JSON"),
        (answer(b"<html>oh</html>", "500 Internal Server Error"), EngineError, "OPA answered HTTP 500 with something that is not JSON"),
        (answer({"code": "resource_not_found", "message": "no such"}, "404 Not Found"), EngineError, "OPA answered HTTP 404: no such"),
        (answer({"result": RESULT}, "404 Not Found"), EngineError, "OPA answered HTTP 404: no message"),
        (answer({"code": "internal_error", "message": "disk full"}, "500 Internal Server Error"), EngineError, "OPA answered HTTP 500: disk full"),
        (answer(FAULT, "500 Internal Server Error"), PolicyFault, "p.rego:3: net.cidr_contains: bad"),
        (answer({}), DecisionError, f"OPA judges without naming a bundle, expected is r: {NOT_SAME}"),
        (answer([]), DecisionError, f"OPA judges without naming a bundle, expected is r: {NOT_SAME}"),
        (answer({"result": RESULT}), DecisionError, f"OPA judges without naming a bundle, expected is r: {NOT_SAME}"),
        (judged(revision="q"), DecisionError, f"OPA judges by the bundle q, expected is r: {NOT_SAME}"),
        (judged(result=[]), DecisionError, "OPA knows no data.opalite.decision.batch: its bundle is not one of Opalite's; check --bundle, --opa-url, or the layer"),
        (judged(result=None), DecisionError, "OPA knows no data.opalite.decision.batch: its bundle is not one of Opalite's; check --bundle, --opa-url, or the layer"),
    ],
)  # fmt: skip
def test_nonsense_is_an_error_and_never_a_result(path, nonsense, error, says):
    with FakeOpa(path, nonsense, judged()) as opa, engine(path) as asked:
        with pytest.raises(error) as caught:
            asked.ask(ITEMS)
        assert str(caught.value) == says
        assert opa.questions == 1
        assert asked.ask(ITEMS) == RESULT


def test_an_answer_without_any_result_is_never_an_empty_one(path):
    nothing = answer({"provenance": {"bundles": {"b": {"revision": "r"}}}})
    with FakeOpa(path, nothing), engine(path) as asked, pytest.raises(DecisionError, match="OPA knows no data"):
        asked.ask(ITEMS)


def test_a_connection_that_opa_closes_after_each_answer_does_no_harm(path):
    closing_one = judged().replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    with FakeOpa(path, closing_one), engine(path) as asked:
        assert [asked.ask(ITEMS) for _ in range(3)] == [RESULT] * 3


def test_several_threads_get_their_own_answers(path):
    with FakeOpa(path) as opa, engine(path) as asked, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(asked.ask, [ITEMS] * 40)) == [RESULT] * 40
    assert (opa.questions, opa.connections) == (40, 1)


def test_what_was_closed_may_be_asked_again(path):
    with FakeOpa(path) as opa, engine(path) as asked:
        asked.ask(ITEMS)
        asked.close()
        asked.close()
        assert asked.ask(ITEMS) == RESULT
    assert opa.connections == 2


MODULE = b"""package opalite.decision
batch[key] := {"p": {"outcome": item.outcome}} if {
	some key, item in input.items
	not item.cidr
}
batch[key] := net.cidr_contains(item.cidr, "10.0.0.1/32") if some key, item in input.items
"""


@contextmanager
def real(opa, path, bundle):
    """As the extension starts it; whoever asks first waits until it is ready."""
    path.unlink(missing_ok=True)
    command = [
        opa.path,
        "run",
        "--server",
        "--addr",
        f"unix://{path}",
        "--log-level",
        "error",
        "--skip-version-check",
        "--bundle",
        bundle,
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_real_opa_tells_the_revision_of_its_bundle(opa, tmp_path, path):
    bundle = Bundle({"router.rego": MODULE}, {})
    bundle.write(tmp_path / "bundle.tar.gz")

    def asked(revision):
        return closing(ExtensionOpa(str(path), version=opa.version, revision=revision, remaining=lambda: 60.0))

    with asked(bundle.revision) as engine:
        with real(opa, path, tmp_path / "bundle.tar.gz"):
            assert engine.ask(ITEMS) == RESULT
            with pytest.raises(PolicyFault, match=r"net\.cidr_contains"):
                engine.ask(b'{"a":{"cidr":"0.0.0.0/0 "}}')
            with asked("another") as other, pytest.raises(DecisionError) as caught:
                other.ask(ITEMS)
            assert str(caught.value) == f"OPA judges by the bundle {bundle.revision}, expected is another: {NOT_SAME}"
        with real(opa, path, tmp_path / "bundle.tar.gz"):
            assert engine.ask(ITEMS) == RESULT


def test_a_real_opa_without_our_policies_gives_no_answer(opa, tmp_path, path):
    bundle = Bundle({"x.rego": b"package x"}, {})
    bundle.write(tmp_path / "bundle.tar.gz")
    with (
        real(opa, path, tmp_path / "bundle.tar.gz"),
        closing(
            ExtensionOpa(str(path), version=opa.version, revision=bundle.revision, remaining=lambda: 60.0)
        ) as engine,
        pytest.raises(DecisionError, match=r"OPA knows no data\.opalite\.decision\.batch"),
    ):
        engine.ask(ITEMS)
