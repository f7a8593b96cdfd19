"""The one HTTP server: who calls, what is asked, whether it shall fail, and who answers it."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from werkzeug.test import run_wsgi_app

from emulation.credentials import Credentials
from emulation.faults import AwsFault, Call, Faults
from emulation.loopback import Handler, Server
from emulation.wire import Asked, Reply, asked, refusal

_BY_HAND = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
Answer = Callable[[Call, Asked], Reply | None]  # None: it is for others to answer


class Gateway:
    """`own`: who answers for a service, by its name; `rest`: the WSGI application that answers for all others.

    `behind`: under which account `rest` looks for what is asked.
    """

    def __init__(
        self,
        credentials: Credentials,
        faults: Faults,
        own: Mapping[str, Answer],
        rest: Callable[..., Any],
        behind: Callable[[Call], str],
    ) -> None:
        self._credentials, self._faults, self._own, self._rest, self._behind = credentials, faults, own, rest, behind
        self._server = Server(self._handler())
        self.start, self.stop = self._server.start, self._server.stop
        self.url = f"http://{self._server.address}"

    def reply(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to one request; the names of headers are in small letters."""
        path, _, query = target.partition("?")
        protocol = "json"
        try:
            said = asked(method, path, query, headers, body)
            protocol = said.protocol
            caller = self._credentials.caller(said.service, said.access_key, headers)
            call = Call(caller.account, said.service, said.operation, said.region)
            if not caller.is_the_test:
                self._faults.meet(call)
            own = self._own.get(call.service)
            reply = own(call, said) if own else None
            if reply is not None:
                return reply
            environ = _environ(method, target, headers, body) | {"HTTP_X_MOTO_ACCOUNT_ID": self._behind(call)}
            chunks, status, given = run_wsgi_app(self._rest, environ, buffered=True)
            return Reply(int(status.split()[0]), dict(given), b"".join(chunks))
        except AwsFault as fault:
            return refusal(protocol, fault)
        except Exception as error:  # noqa: BLE001 - a fault of the emulation must be seen, not taken for a broken line
            traceback.print_exc()
            return refusal(protocol, AwsFault("InternalFailure", f"the emulation failed: {error!r}"))

    def _handler(self) -> type[Handler]:
        gateway = self

        class Served(Handler):
            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = gateway.reply(self.command, self.path, headers, body)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    if name.lower() not in _BY_HAND:
                        self.send_header(name, value)
                length = reply.headers.get("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(reply.body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(reply.body)

            do_DELETE = do_GET = do_HEAD = do_PATCH = do_POST = do_PUT = serve  # noqa: N815 - http.server's names

        return Served


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333); RAW_URI is what moto reads keys of S3 from."""
    path, _, query = target.partition("?")
    fields = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return fields | {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": headers.get("host", "").rpartition(":")[2] or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
