"""A managed OPA: one server per run, on a free loopback port, gone when the run is.

It is asked over plain HTTP on 127.0.0.1 with http.client, which knows nothing of HTTP_PROXY, starts in no time and keeps
its connections open, one per thread.
"""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from opalite.engine import answers
from opalite.engine.orphans import die_with_parent, watch_parent
from opalite.errors import EngineError

HOST = "127.0.0.1"
START_SECONDS = 30.0  # a cold disk and a loaded machine; 50 ms are usual
ANSWER_SECONDS = 120.0  # for one batch
STOP_SECONDS = 2.0
_STDERR_TAIL = 2000
_PATH = f"/v1/data/{answers.BATCH_RULE}?{answers.STRICT}"
_HEADERS = {"Content-Type": "application/json"}


class ManagedOpa:
    """An `opa run --server` child process with one bundle. Use as a context manager; `ask` may be called from several threads."""

    def __init__(
        self,
        executable: Path,
        bundle: Path,
        *,
        version: str,
        revision: str,
        environ: Mapping[str, str],
        token: str | None = None,
    ) -> None:
        self.opa_version = version
        self.bundle_revision = revision
        self._executable = executable
        self._bundle = bundle
        self._environ = environ
        self._guard = ("--authentication=token", "--authorization=basic") if token else ()
        self._headers = _HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
        self._lock = threading.Lock()
        self._generation = 0
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._port = 0
        self._closed = False

    def __enter__(self) -> ManagedOpa:
        with self._lock:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._closed = True
            self._stop()
            for connection in self._connections:
                connection.close()

    @property
    def pid(self) -> int:
        """The process id of the OPA that answers now."""
        return self._process.pid if self._process else 0

    def ask(self, items: bytes) -> Mapping[str, Any]:
        """Results by key; see opalite.ports.Engine. A dead OPA is started anew once, and asked again."""
        body = b'{"input":{"items":' + items + b"}}"
        generation = self._generation
        try:
            return answers.result_of(*self._post(body))
        except (OSError, http.client.HTTPException) as error:
            self._restart(generation, error)
        try:
            return answers.result_of(*self._post(body))
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"OPA does not answer after a restart ({_name(error)}){self._said()}") from error

    def _post(self, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request("POST", _PATH, body, self._headers)
            response = connection.getresponse()
            return response.status, response.read()
        except BaseException:
            connection.close()
            self._local.connection = None
            raise

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None or self._local.port != self._port:
            if connection is not None:
                connection.close()
            connection = http.client.HTTPConnection(HOST, self._port, timeout=ANSWER_SECONDS)
            connection.connect()
            # Without it every request waits for the acknowledgement of the one before.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._local.connection, self._local.port = connection, self._port
        return connection

    def _restart(self, generation: int, cause: Exception) -> None:
        with self._lock:
            if self._closed:
                raise EngineError("OPA was stopped") from cause
            if self._generation != generation:
                return  # another thread has started it already
            alive = self._process is not None and self._process.poll() is None
            if alive and isinstance(cause, TimeoutError):
                raise EngineError(
                    f"OPA did not answer within {ANSWER_SECONDS:.0f} s; try smaller items or a larger machine"
                ) from cause
            if generation >= 2:
                raise EngineError(f"OPA died twice{self._said()}") from cause
            self._stop()
            self._start()

    def _start(self) -> None:
        for attempt in range(3):
            self._port = _free_port()
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
            self._process = subprocess.Popen(
                [
                    str(self._executable), "run", "--server",
                    "--addr", f"{HOST}:{self._port}",
                    "--log-level", "error",
                    "--skip-version-check",
                    "--optimize-store-for-read-speed",
                    "--shutdown-grace-period", "1",
                    *self._guard,
                    "--bundle", str(self._bundle),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,  # where it says why a bundle does not load
                stderr=self._stderr,
                env=_environment(self._environ),
                # A group of its own: Ctrl-C must reach us alone, who end the child when its answers have been written.
                process_group=0,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - calls prctl only
            )  # fmt: skip
            self._watch = watch_parent(self._process.pid)
            if self._wait_until_healthy():
                # Only now: who asks in between is refused, and finds after waiting for the lock that there is a new one.
                self._generation += 1
                return
            said = self._said()
            self._stop()
            if "address already in use" not in said or attempt == 2:
                raise EngineError(f"OPA did not start{said}")

    def _wait_until_healthy(self) -> bool:
        assert self._process is not None  # noqa: S101 - for the type checker
        deadline = time.monotonic() + START_SECONDS
        pause = 0.005
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return False
            probe = http.client.HTTPConnection(HOST, self._port, timeout=1.0)
            try:
                probe.request("GET", "/health?bundles=true")
                if probe.getresponse().status == 200:
                    return self._process.poll() is None
            except (OSError, http.client.HTTPException):
                pass
            finally:
                probe.close()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        return False

    def _stop(self) -> None:
        for process in (self._process, self._watch):
            if process is None or process.poll() is not None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _said(self) -> str:
        """What OPA wrote to its standard error, in one line, for the end of a message."""
        if self._stderr is None or self._stderr.closed:
            return ""
        self._stderr.seek(0)
        text = " ".join(self._stderr.read()[-_STDERR_TAIL:].decode(errors="replace").split())
        code = self._process.poll() if self._process else None
        ended = f"; it ended with {_status(code)}" if code is not None else ""
        return ended + (f"; it said: {text}" if text else "")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """OPA's environment: nothing of ours but where files go, because whoever may ask an OPA may ask for its environment.

    Fewer garbage collections cost memory that is there and save a tenth to a quarter of the CPU (docs/decisions/0005).
    """
    passed = {name: environ[name] for name in ("HOME", "TMPDIR") if name in environ}
    return {**passed, "GOGC": environ.get("GOGC", "800"), "GOMEMLIMIT": environ.get("GOMEMLIMIT", "220MiB")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _status(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("Opalite runs on Linux and macOS")
