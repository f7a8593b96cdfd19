"""Something else than OPA on OPA's socket, between it and the function."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from threading import Thread
from typing import Any

from opalite.engine.unix_http import UnixConnection

Questions = Mapping[str, Any]  # input.items
Told = tuple[int, bytes]  # status, body
Answers = Callable[[Questions], Told]


class Impostor:
    """Takes OPA's place before the function has asked anything. Asks OPA itself, unless there are `answers` to give."""

    def __init__(self, path: Path) -> None:
        self.answers: Answers | None = None
        self._path, self._aside = path, path.with_name("aside.sock")

    def __enter__(self) -> Impostor:
        self._path.rename(self._aside)
        self._server = _Server(str(self._path), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _of_opa(self, method: str, path: str, body: bytes) -> Told:
        connection = UnixConnection(str(self._aside), 30.0)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        impostor = self

        class Served(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.command == "POST" and impostor.answers is not None:
                    status, answer = impostor.answers(json.loads(body)["input"]["items"])
                else:
                    status, answer = impostor._of_opa(self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = serve  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        return Served


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections break when the sandbox ends."""


def document(result: Any, revision: str | None) -> Told:
    """As OPA puts its answer; without provenance if there is no revision."""
    provenance = {"provenance": {"version": "1.22.2", "bundles": {"bundle.tar.gz": {"revision": revision}}}}
    return 200, json.dumps({"result": result} | (provenance if revision is not None else {})).encode()


def everywhere(result: Mapping[str, Any], revision: str | None) -> Answers:
    """The same for each policy of each question."""
    return lambda questions: document(
        {key: dict.fromkeys(asked["policies"], result) for key, asked in questions.items()}, revision
    )
