"""A line between the function and AWS that breaks when it is told to: what no answer of AWS can show."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Lock

from emulation.loopback import Handler, Server

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing does not wait, the other side gets RST
_OWN = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
Action = Callable[[], object]


@dataclass(slots=True)
class _Plan:
    """What becomes of the next call of an operation. `body` None: the connection is reset."""

    operation: str
    arrives: bool  # whether AWS gets the call
    body: bytes | None = None
    status: int = 200
    then: Action | None = None


class Between:
    """Hands on whatever comes to `url`, but for what is planned; a plan is for one call of the account's role."""

    def __init__(self, beyond: str) -> None:
        self._beyond = beyond.removeprefix("http://")
        self._plans: dict[str, list[_Plan]] = {}  # by account
        self._open: list[socket.socket] = []
        self._lock = Lock()
        self._server = Server(self._handler())
        self.url = f"http://{self._server.address}"

    def __enter__(self) -> Between:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def cut(self, account: str, operation: str, *, arrives: bool, times: int = 1) -> None:
        """Reset the connection, before AWS gets the call or instead of its answer."""
        self._add(account, times, _Plan(operation, arrives))

    def garble(self, account: str, operation: str, body: bytes, *, status: int = 200, times: int = 1) -> None:
        """AWS gets the call, and this comes back."""
        self._add(account, times, _Plan(operation, arrives=True, body=body, status=status))

    def after(self, account: str, operation: str, then: Action) -> None:
        """Do something when AWS has answered, before the answer is handed on."""
        self._add(account, 1, _Plan(operation, arrives=True, then=then))

    def hang_up(self) -> None:
        """Close the connections that are open, as happens to those that nobody uses."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        with self._lock:
            self._plans.clear()

    def _add(self, account: str, times: int, plan: _Plan) -> None:
        with self._lock:
            self._plans.setdefault(account, []).extend([plan] * times)

    def _plan(self, signature: str, target: str, body: bytes) -> _Plan | None:
        with self._lock:
            for account, plans in self._plans.items():
                for plan in plans if f"Credential=ASIA{account}" in signature else ():
                    if target.endswith(f".{plan.operation}") or f"Action={plan.operation}&".encode() in body:
                        plans.remove(plan)
                        return plan
        return None

    def _beyond_it(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict, bytes]:
        connection = HTTPConnection(self._beyond, timeout=180)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[Handler]:
        between = self

        class Served(Handler):
            def setup(self) -> None:
                super().setup()
                between._open.append(self.connection)

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                signature, target = self.headers.get("Authorization", ""), self.headers.get("X-Amz-Target", "")
                plan = between._plan(signature, target, body)
                if plan is not None and not plan.arrives:
                    return self.reset()
                status, headers, answer = between._beyond_it(self.command, self.path, dict(self.headers), body)
                if plan is not None and plan.then is not None:
                    plan.then()
                elif plan is not None:
                    if plan.body is None:
                        return self.reset()
                    status, answer = plan.status, plan.body
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                return None

            def reset(self) -> None:
                self.close_connection = True
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                os.close(self.connection.detach())

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = serve  # noqa: N815 - http.server's names

        return Served
