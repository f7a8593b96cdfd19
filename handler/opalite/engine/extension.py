"""The OPA that the Lambda extension runs beside the function: asked over its socket, never started from here.

Lambda calls the function only after the extension has found OPA ready, so the first question does not wait either. If OPA dies,
the extension starts it anew on the same socket (docs/decisions/0012-the-extension.md); a question that met its end is asked again.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from opalite.engine import answers
from opalite.engine.unix_http import UnixConnection
from opalite.errors import EngineError
from opalite.ports import BATCH_RULE

ANSWER_SECONDS = 20.0  # for one batch; usual are a few milliseconds
READY_SECONDS = 8.0  # the extension needs a fifth of a second to start OPA anew, some seconds on the smallest function
RESERVE_SECONDS = 2.0  # of the invocation, to say what went wrong before Lambda ends it
_ATTEMPTS = 3
_LONGEST_REASON = 100  # characters; a status line that is none may have thousands
_HEADERS = {"Content-Type": "application/json"}


class ExtensionOpa:
    """Meets opalite.ports.GuardEngine. `remaining` tells how many seconds are left of the invocation."""

    def __init__(
        self,
        socket: str,
        *,
        version: str,
        revision: str,
        remaining: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.opa_version = version
        self.bundle_revision = revision
        self._socket = socket
        self._remaining = remaining
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: UnixConnection | None = None

    def ask(self, items: bytes, rule: str = BATCH_RULE) -> Mapping[str, Any]:
        """Results by key; see opalite.ports.GuardEngine. What another bundle than the function's has answered is a DecisionError."""
        body = b'{"input":{"items":' + items + b"}}"
        with self._lock:
            status, answer = self._answer(answers.path(rule, provenance=True), body)
        return answers.result_of(status, answer, revision=self.bundle_revision, rule=rule)

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._drop()

    def _answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        lost: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return self._post(path, body)
            except (OSError, http.client.HTTPException) as error:
                lost = error  # it ended with the question, or since the last one
        raise EngineError(f"OPA died {_ATTEMPTS} times over one question ({_name(lost)})") from lost

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connection or self._connected()
        patience = self._patience()
        try:
            connection.timeout = patience
            if connection.sock is not None:
                connection.sock.settimeout(patience)
            connection.request("POST", path, body, _HEADERS)
            response = connection.getresponse()
            return response.status, response.read()
        except TimeoutError as error:
            self._drop()
            raise EngineError(f"OPA did not answer within {patience:.1f} s") from error
        except BaseException:
            self._drop()
            raise

    def _connected(self) -> UnixConnection:
        """A connection to an OPA that has loaded its bundle."""
        until = self._clock() + min(READY_SECONDS, max(self._remaining() - RESERVE_SECONDS, 0.0))
        pause = 0.005
        while True:
            connection = UnixConnection(self._socket, max(min(READY_SECONDS, until - self._clock()), 0.05))
            try:
                connection.request("GET", "/health?bundles=true")
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    self._connection = connection
                    return connection
                reason = f"HTTP {response.status}"
            except (OSError, http.client.HTTPException) as error:
                reason = _name(error)
            connection.close()
            if self._clock() >= until:
                raise EngineError(
                    f"OPA is not ready at {self._socket} ({reason}): is the layer with the extension attached?"
                )
            self._sleep(pause)
            pause = min(pause * 1.5, 0.1)

    def _patience(self) -> float:
        return max(min(ANSWER_SECONDS, self._remaining() - RESERVE_SECONDS), 0.05)

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None


def _name(error: Exception | None) -> str:
    text = " ".join(str(error).split())
    return text[:_LONGEST_REASON] if text.isprintable() and text else type(error).__name__
