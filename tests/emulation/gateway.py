"""The one HTTP server: who calls, what is asked, whether it shall fail, and who answers it."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.test import run_wsgi_app

from emulation.credentials import Caller, Credentials
from emulation.faults import AwsFault, Call, Faults
from emulation.loopback import Handler, Server
from emulation.wire import Asked, Reply, asked, refusal

_BY_HAND = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
Answer = Callable[[Call, Asked], Reply | None]  # None: it is for others to answer


class Request(NamedTuple):
    """As it came; the names of headers are in small letters."""

    method: str
    target: str  # path and query
    headers: Mapping[str, str]
    body: bytes


class Moto(DomainDispatcherApplication):
    """Which backend a host is of is looked up once: moto would look through all of its folders at each request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self.get_backend_for_host = cache(self.get_backend_for_host)


@cache
def moto() -> Moto:
    """One for the process, as its state is: the applications of its services take their time to make."""
    return Moto()


class Gateway:
    """`own`: who answers for a service, by its name; moto answers for all others.

    `behind`: under which account moto looks for what is asked.
    """

    def __init__(
        self, credentials: Credentials, faults: Faults, own: Mapping[str, Answer], behind: Callable[[Call], str]
    ) -> None:
        self._credentials, self._faults, self._own, self._behind, self._moto = credentials, faults, own, behind, moto()
        self._server = Server(self._handler())
        self.start, self.stop = self._server.start, self._server.stop
        self.url = f"http://{self._server.address}"

    def reply(self, request: Request) -> Reply:
        """The answer to one request; what is refused is told in the words of its protocol."""
        path, _, query = request.target.partition("?")
        protocol = "json"
        try:
            said = asked(request.method, path, query, request.headers, request.body)
            protocol = said.protocol
            caller = self._credentials.caller(said.service, said.access_key, request.headers)
            call = Call(caller.account, said.service, said.operation, said.region)
            return self._answer(caller, call, said, request)
        except AwsFault as fault:
            return refusal(protocol, fault)
        except Exception as error:  # noqa: BLE001 - a fault of the emulation must be seen, not taken for a broken line
            traceback.print_exc()
            return refusal(protocol, AwsFault("InternalFailure", f"the emulation failed: {error!r}"))

    def _answer(self, caller: Caller, call: Call, said: Asked, request: Request) -> Reply:
        """Raises AwsFault for what is refused."""
        if not caller.is_the_test:
            self._faults.meet(call)
        own = self._own.get(call.service)
        reply = own(call, said) if own else None
        if reply is not None:
            return reply
        environ = _environ(request) | {"HTTP_X_MOTO_ACCOUNT_ID": self._behind(call)}
        chunks, status, given = run_wsgi_app(self._moto, environ, buffered=True)
        return Reply(int(status.split()[0]), dict(given), b"".join(chunks))

    def _handler(self) -> type[Handler]:
        gateway = self

        class Served(Handler):
            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = gateway.reply(Request(self.command, self.path, headers, body))
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


def _environ(request: Request) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333); RAW_URI is what moto reads keys of S3 from."""
    method, target, headers, body = request
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
