"""A managed OPA: one server per run, on a socket in a folder that only its owner may enter, gone when the run is.

It is asked over plain HTTP with http.client, which knows nothing of HTTP_PROXY, starts in no time and keeps its connections
open, one per thread. Why no port: docs/decisions/0005-batches-and-two-clients.md.
"""

from __future__ import annotations

import contextlib
import http.client
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from opalite.engine import answers, orphans
from opalite.engine.unix_http import UnixConnection
from opalite.errors import EngineError
from opalite.ports import BATCH_RULE

START_SECONDS = 30.0  # a cold disk and a loaded machine; 50 ms are usual
ANSWER_SECONDS = 120.0  # for one batch
STOP_SECONDS = 2.0
_STDERR_TAIL = 2000
_SOCKET_PATH_CHARACTERS = 103  # sockaddr_un of macOS has 104, with the zero at the end; Linux 108
_HEADERS = {"Content-Type": "application/json"}


class ManagedOpa:
    """An `opa run --server` child process with one bundle. Use as a context manager; `ask` may be called from several threads.

    OPA loads the bundle while the first items are read: only who asks waits for it, and hears why it does not start.
    """

    def __init__(
        self,
        executable: Path,
        bundle: Path,
        *,
        version: str,
        revision: str,
        environ: Mapping[str, str],
    ) -> None:
        self.opa_version = version
        self.bundle_revision = revision
        self._executable = executable
        self._bundle = bundle
        self._environ = environ
        self._lock = threading.Lock()
        self._generation = 0
        self._local = threading.local()
        self._connections: list[UnixConnection] = []
        self._child: orphans.Child | None = None
        self._stderr: IO[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._socket = ""
        self._closed = False
        self._failure: EngineError | None = None

    def __enter__(self) -> ManagedOpa:
        try:
            with self._lock:
                self._folder = _private_folder()
                self._launch()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._started()  # nobody may have asked; a bundle that does not load is told even so
        finally:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._closed = True
            self._stop()
            for connection in self._connections:
                connection.close()
            if self._folder is not None:
                self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The process id of the OPA that answers now."""
        return self._child.process.pid if self._child else 0

    def ask(self, items: bytes, rule: str = BATCH_RULE) -> Mapping[str, Any]:
        """Results by key; see opalite.ports.GuardEngine. A dead OPA is started anew once, and asked again."""
        self._started()
        body = b'{"input":{"items":' + items + b"}}"
        generation = self._generation
        try:
            return answers.result_of(*self._post(rule, body), rule=rule)
        except (OSError, http.client.HTTPException) as error:
            self._restart(generation, error)
        try:
            return answers.result_of(*self._post(rule, body), rule=rule)
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"OPA does not answer after a restart ({_name(error)}){self._said()}") from error

    def _post(self, rule: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connection()
        try:
            connection.request("POST", answers.path(rule), body, _HEADERS)
            response = connection.getresponse()
            return response.status, response.read()
        except BaseException:
            connection.close()
            self._local.connection = None
            raise

    def _connection(self) -> UnixConnection:
        connection: UnixConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.path != self._socket:
            if connection is not None:
                connection.close()
            connection = UnixConnection(self._socket, ANSWER_SECONDS)
            connection.connect()
            self._connections.append(connection)
            self._local.connection = connection
        return connection

    def _restart(self, generation: int, cause: Exception) -> None:
        with self._lock:
            if self._closed:
                raise EngineError("OPA was stopped") from cause
            if self._generation != generation:
                return  # another thread has started it already
            alive = self._child is not None and self._child.process.poll() is None
            if alive and isinstance(cause, TimeoutError):
                raise EngineError(
                    f"OPA did not answer within {ANSWER_SECONDS:.0f} s; try smaller items or a larger machine"
                ) from cause
            if generation >= 2:
                raise EngineError(f"OPA died twice{self._said()}") from cause
            self._stop()
            self._launch()
            self._wait()

    def _started(self) -> None:
        if self._generation == 0:
            with self._lock:
                if self._closed:
                    raise EngineError("OPA was stopped")
                if self._failure is not None:
                    raise self._failure
                if self._generation == 0:
                    self._wait()

    def _launch(self) -> None:
        assert self._folder is not None  # noqa: S101 - for the type checker
        self._socket = str(Path(self._folder.name) / f"opa{self._generation}.sock")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by _stop
        self._child = orphans.start(
            [
                str(self._executable), "run", "--server",
                "--addr", f"unix://{self._socket}",
                "--log-level", "error",
                "--skip-version-check",
                "--optimize-store-for-read-speed",
                "--shutdown-grace-period", "1",
                "--bundle", str(self._bundle),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._stderr,  # where it says why a bundle does not load
            stderr=self._stderr,
            env=_environment(self._environ),
            # A group of its own: Ctrl-C must reach us alone, who end the child when its answers have been written.
            process_group=0,
        )  # fmt: skip

    def _wait(self) -> None:
        if not self._is_healthy_in_time():
            self._failure = EngineError(f"OPA did not start{self._said()}")
            self._stop()
            raise self._failure
        # Only now: who asks in between is refused, and finds after waiting for the lock that there is a new one.
        self._generation += 1

    def _is_healthy_in_time(self) -> bool:
        assert self._child is not None  # noqa: S101 - for the type checker
        deadline = time.monotonic() + START_SECONDS
        pause = 0.005
        while time.monotonic() < deadline:
            if self._child.process.poll() is not None:
                return False
            probe = UnixConnection(self._socket, 1.0)
            try:
                probe.request("GET", "/health?bundles=true")
                if probe.getresponse().status == 200:
                    return True
            except (OSError, http.client.HTTPException):
                pass
            finally:
                probe.close()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
        return False

    def _stop(self) -> None:
        if self._child is not None:
            self._child.end(STOP_SECONDS)
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _said(self) -> str:
        """What OPA wrote to its standard error, in one line, for the end of a message."""
        if self._stderr is None or self._stderr.closed:
            return ""
        self._stderr.seek(0)
        text = " ".join(self._stderr.read()[-_STDERR_TAIL:].decode(errors="replace").split())
        code = self._child.process.poll() if self._child else None
        ended = f"; it ended with {_status(code)}" if code is not None else ""
        return ended + (f"; it said: {text}" if text else "")


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """OPA's environment: nothing of ours but where files go, because whoever may ask an OPA may ask for its environment.

    Fewer garbage collections cost memory that is there and save a tenth to a quarter of the CPU (docs/decisions/0005).
    """
    passed = {name: environ[name] for name in ("HOME", "TMPDIR") if name in environ}
    return {**passed, "GOGC": environ.get("GOGC", "800"), "GOMEMLIMIT": environ.get("GOMEMLIMIT", "220MiB")}


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of mode 0700 whose path leaves room for the socket's name."""
    folder = tempfile.TemporaryDirectory(prefix="opalite-")
    if len(folder.name) + len("/opa0.sock") <= _SOCKET_PATH_CHARACTERS:
        return folder
    folder.cleanup()
    return tempfile.TemporaryDirectory(prefix="opalite-", dir="/tmp")  # made by mkdtemp, so nobody else's


def _status(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _name(error: Exception) -> str:
    return str(error) or type(error).__name__


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("Opalite runs on Linux and macOS")
