"""From MiniStack's Lambda, which knows no extensions, to the same function as Lambda would run it.

MiniStack takes the invocations: of the queue, of EventBridge, of the state machine, with retries and the destination of failures.
The code that it runs hands the event to a LocalLambda, made of the deployed function's own package, layer, handler, variables and role.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from emulation.lambda_results import Result
from emulation.loopback import Handler, Server

_CODE = """
import http.client
import json


def lambda_handler(event, context):
    connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=900)
    connection.request("POST", "/" + context.function_name, json.dumps(event))
    answer = json.loads(connection.getresponse().read())
    if answer["error"]:
        raise type(answer["type"], (Exception,), {{}})(answer["message"])
    return answer["payload"]
"""


class Relay:
    """`invoke`: the name of a function and an event → what came of it."""

    def __init__(self, invoke: Callable[[str, Any], Result]) -> None:
        class Taken(Handler):
            def do_POST(self) -> None:  # noqa: N802 - http.server's name
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    told = _told(invoke(self.path.strip("/"), event))
                except Exception as error:  # noqa: BLE001 - whoever was still invoking when all of it ended
                    told = {"error": "Relay", "payload": None, "type": "Relay", "message": repr(error)}
                body = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = Server(Taken)
        self.start, self.stop = self._server.start, self._server.stop

    def package(self, handler: str) -> bytes:
        """The .zip whose handler has that name."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            path = handler.rpartition(".")[0].replace(".", "/")
            archive.writestr(f"{path}.py", _CODE.format(port=self._server.server_port))
        return content.getvalue()


def _told(result: Result) -> dict[str, Any]:
    failed = result.payload if isinstance(result.payload, dict) else {}
    return {
        "error": result.error,
        "payload": result.payload,
        "type": failed.get("errorType") or str(result.error),
        "message": str(failed.get("errorMessage", "")),
    }
