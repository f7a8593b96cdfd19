"""Lambda's Runtime API (2018-06-01) and Extensions API (2020-01-01) over HTTP.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from emulation.loopback import Handler, Server
from emulation.sandbox import Failure, Reply, Sandbox, error, parsed

_RUNTIME = "/2018-06-01/runtime/"
_EXTENSIONS = "/2020-01-01/extension/"


class LambdaApi:
    """The HTTP server, for one environment after the other."""

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self._server = Server(self._handler())
        self._server.start()
        self.address = self._server.address

    def close(self) -> None:
        self._server.stop()

    def _reply(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """None: hang up."""
        sandbox = self.sandbox
        if sandbox is None:
            return None
        if path.startswith(_RUNTIME):
            return _of_runtime(sandbox, path.removeprefix(_RUNTIME), body)
        if path.startswith(_EXTENSIONS):
            return _of_extension(sandbox, path.removeprefix(_EXTENSIONS), headers, body)
        return _NOWHERE

    def _handler(self) -> type[Handler]:
        api = self

        class Served(Handler):
            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = api._reply(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                if reply is None:
                    self.close_connection = True
                    return
                document = {"status": "OK"} if reply.document is None else reply.document
                text = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Type": "application/json"}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = serve  # noqa: N815 - http.server's names

        return Served


def _of_runtime(sandbox: Sandbox, path: str, body: bytes) -> Reply | None:
    if path == "invocation/next":
        return sandbox.next_invocation()
    if path == "init/error":
        document = parsed(body)
        sandbox.fail(Failure(_kind(document, "Runtime.InitError"), document))
        return Reply(202)
    start, _, rest = path.partition("/")
    request_id, _, kind = rest.partition("/")
    if start == "invocation" and kind in ("response", "error"):
        return sandbox.answered(request_id, kind, body)
    return _NOWHERE


def _of_extension(sandbox: Sandbox, path: str, headers: Mapping[str, str], body: bytes) -> Reply | None:
    identifier = headers.get("lambda-extension-identifier", "")
    if path == "register":
        features = headers.get("lambda-extension-accept-feature", "")
        return sandbox.register(headers.get("lambda-extension-name", ""), body, features)
    if path == "event/next":
        return sandbox.next_event(identifier)
    if path in ("init/error", "exit/error"):
        kind = headers.get("lambda-extension-function-error-type", "Extension.Error")
        return sandbox.extension_failed(identifier, kind, body)
    return _NOWHERE


_NOWHERE = Reply(404, error("NotFound", "there is no such path"))


def _kind(document: Any, otherwise: str) -> str:
    kind = document.get("errorType") if isinstance(document, dict) else None
    return str(kind or otherwise)
