"""MiniStack as a process of its own on a free port of the loopback, and requests handed on to it."""

from __future__ import annotations

import http.client
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.config import Config

from emulation import guard
from emulation.aws import _boto3
from emulation.credentials import SECRET
from emulation.wire import Reply

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / "build" / "ministack" / "bin" / "python"  # of `make ministack`
_PROGRAM = Path(__file__).with_name("emulator_main.py")
_PATIENCE = 60.0
_CREDENTIAL = re.compile(r"Credential=[^/,\s]+/")
_NOT_HANDED_ON = frozenset({"connection", "host", "transfer-encoding", "x-amz-security-token"})
# Waits of the state machine, and pauses before an asynchronous invocation is tried again, by the clocks of tests.
_PACE = {"SFN_WAIT_SCALE": "0.02", "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.05"}


class MiniStack:
    """Accounts are told apart by the access key, which is the account's id. `log`: what it wrote."""

    def __init__(self, region: str, python: Path = PYTHON) -> None:
        self.region = region
        self._python = python
        self._stack = ExitStack()
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def __enter__(self) -> MiniStack:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="ministack-")))
        self.port = _free_port()
        self._log = folder / "log"
        environ = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_DEFAULT_REGION": self.region,
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **_PACE,
        }
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [self._python, _PROGRAM],
                    cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            watching = guard.Guard()  # nothing of it is left, not even when the process of the test is killed
            watching.watch(self._process.pid)
            self._stack.callback(watching.close)
            self._stack.callback(self._end)
            self._wait()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def client(self, service: str, account: str) -> Any:
        """A boto3 client that may do all in the account."""
        with self._lock:  # boto3 makes clients in one thread only
            if (service, account) not in self._clients:
                self._clients[service, account] = _boto3().client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.url,
                    aws_access_key_id=account,
                    aws_secret_access_key=SECRET,
                    config=Config(retries={"total_max_attempts": 1}),
                )
            return self._clients[service, account]

    def hand_on(self, account: str, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One signed request, as if it came from the account's administrator; the signature is not looked at."""
        given = {name: value for name, value in headers.items() if name.lower() not in _NOT_HANDED_ON}
        given = {
            name: _CREDENTIAL.sub(f"Credential={account}/", value) if name.lower() == "authorization" else value
            for name, value in given.items()
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request(method, target, body, given)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def _wait(self) -> None:
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            if self._process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"MiniStack did not start:\n{self.log[-2000:]}")

    def _end(self) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        guard.kill(self._process.pid)  # with what runs its functions
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
