"""The extension as a process, with an Extensions API of our own before it; it is built by Go once."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "extension"))

from layer.architecture import of_machine  # noqa: E402 - found by the path above
from layer.programs import extension, workshop  # noqa: E402

from opalite.engine import gobuild  # noqa: E402
from opalite.engine.bundle import Bundle  # noqa: E402

PATIENCE = 30.0  # for what takes some hundredths of a second on a quiet machine
API = "/2020-01-01/extension"


@dataclass(frozen=True, slots=True)
class Call:
    """What the extension asked of Lambda."""

    path: str
    body: Any
    error_type: str | None = None
    opa_answered: bool | None = None  # at that moment; of event/next alone


@dataclass(slots=True)
class Api:
    """The Extensions API. `next_waits` until `send` gives it an event."""

    socket: Path
    calls: list[Call] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    event: dict[str, Any] | None = None
    closed: bool = False
    address: str = ""

    def paths(self) -> list[str]:
        return [call.path for call in self.calls]

    def wait_for(self, path: str) -> Call:
        def there() -> Call | None:
            return next((call for call in self.calls if call.path == path), None)

        with self.changed:
            assert self.changed.wait_for(there, PATIENCE), f"no {path}, only {self.paths()}"
            found = there()
        assert found is not None
        return found

    def send(self, event: dict[str, Any]) -> None:
        with self.changed:
            self.event = event
            self.changed.notify_all()

    def shut_down(self, milliseconds: int = 2000) -> None:
        deadline = int(time.time() * 1000) + milliseconds
        self.send({"eventType": "SHUTDOWN", "shutdownReason": "spindown", "deadlineMs": deadline})

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()

    def told(self, call: Call) -> None:
        with self.changed:
            self.calls.append(call)
            self.changed.notify_all()


def handler_of(api: Api) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == f"{API}/register":
                api.names.append(self.headers["Lambda-Extension-Name"])
                headers = {"Lambda-Extension-Identifier": "an-id"}
            else:
                assert self.headers["Lambda-Extension-Identifier"] == "an-id"
                headers = {}
            api.told(Call(self.path.removeprefix(API), body, self.headers["Lambda-Extension-Function-Error-Type"]))
            self.answer(headers)

        def do_GET(self) -> None:
            assert self.headers["Lambda-Extension-Identifier"] == "an-id"
            api.told(Call(self.path.removeprefix(API), None, opa_answered=healthy(api.socket)))
            with api.changed:
                api.changed.wait_for(lambda: api.event or api.closed)
                event, api.event = api.event, None
            if event is None:
                self.close_connection = True
            else:
                self.answer({}, json.dumps(event).encode())

        def answer(self, headers: dict[str, str], body: bytes = b"{}") -> None:
            self.send_response(200)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """An extension that was killed breaks its long poll."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("opa", timeout=PATIENCE)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def ask(path: Path, what: str) -> tuple[int, Any]:
    connection = _Connection(path)
    try:
        connection.request("GET", what)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()
        if connection.sock is not None:
            connection.sock.close()


def healthy(path: Path) -> bool:
    try:
        return ask(path, "/health?bundles=true")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def eventually(what: Any) -> Any:
    """The first true answer."""
    deadline = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)
    return found


@dataclass(slots=True)
class Running:
    """An extension that has been started."""

    process: subprocess.Popen[bytes]
    output: Path
    socket: Path

    def opa(self) -> psutil.Process:
        def child() -> psutil.Process | None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for each in psutil.Process(self.process.pid).children():
                    # Until exec the child is a copy of the extension.
                    if each.status() != psutil.STATUS_ZOMBIE and "run" in each.cmdline():
                        return each
            return None

        found: psutil.Process = eventually(child)
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def ended(self) -> int:
        return self.process.wait(PATIENCE)


@dataclass(slots=True)
class Sandbox:
    """A layer and a folder for the socket, and the API before which extensions are started."""

    layer: Path
    socket: Path
    program: Path
    api: Api
    started: list[Running] = field(default_factory=list)

    def start(self, **environ: str) -> Running:
        output = self.layer / f"output-{len(self.started)}"
        given = {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "OPALITE_LAYER": str(self.layer),
            "OPALITE_OPA_SOCKET": str(self.socket),
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            **environ,
        }
        with output.open("wb") as file:
            process = subprocess.Popen(
                [self.program], env=given, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
            )
        running = Running(process, output, self.socket)
        self.started.append(running)
        return running


def go_is_there() -> bool:
    if shutil.which("go") is None:
        return False
    environ = {**os.environ, "GOTOOLCHAIN": "local"}
    told = subprocess.run(["go", "env", "GOVERSION"], env=environ, capture_output=True, text=True, check=False)
    return gobuild._new_enough(told.stdout.strip())


@pytest.fixture(scope="session")
def extension_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the layer has it. Without a Go that is new enough these tests are left out."""
    architecture = of_machine((os.uname().sysname, os.uname().machine))
    if architecture is None:
        pytest.skip("the extension runs on Linux alone")
    if not go_is_there():
        pytest.skip("there is no Go that is new enough to build the extension")
    folder = tmp_path_factory.mktemp("extension")
    with workshop(lambda *_: None, {**os.environ, "OPALITE_CACHE": str(folder)}) as shop:
        return extension(shop, architecture).rename(folder / "opalite-opa")


@pytest.fixture(name="ask")
def _ask() -> Any:
    return ask


@pytest.fixture(name="eventually")
def _eventually() -> Any:
    return eventually


@pytest.fixture
def api() -> Iterator[Api]:
    folder = Path(tempfile.mkdtemp(prefix="opalite-test-", dir="/tmp"))  # a socket's path must be short
    made = Api(folder / "private" / "opa.sock")
    server = Server(("127.0.0.1", 0), handler_of(made))
    made.address = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.close()
        server.shutdown()
        server.server_close()
        thread.join()
        shutil.rmtree(folder)


@pytest.fixture
def sandbox(extension_program: Path, opa: Any, api: Api, tmp_path: Path) -> Iterator[Sandbox]:
    """A layer with the real OPA and a bundle that answers `data.a.answer`."""
    (tmp_path / "opa").symlink_to(opa.path)
    Bundle({"a.rego": b"package a\n\nanswer := 42\n"}, {}).write(tmp_path / "bundle.tar.gz")
    made = Sandbox(tmp_path, api.socket, extension_program, api)
    try:
        yield made
    finally:
        for running in made.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()
