"""A Lambda function on this machine: the true runtime client, the true extensions, and Lambda's ways of starting and ending them.

    with LocalLambda("app.handler", task_root="app", extensions=["ext/opa"], env={"LEVEL": "info"}, timeout=10) as fn:
        result = fn.invoke({"key": "value"})

Not here: the Telemetry API, streaming, concurrency, limits of memory and CPU, the layer's file system.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import psutil

from emulation import lambda_variables
from emulation.guard import Guard
from emulation.lambda_api import LambdaApi
from emulation.lambda_results import (
    MOST_ASYNC_BYTES,
    Result,
    dead_letter,
    encoded,
    extension_ended,
    not_launched,
    runtime_ended,
    timed_out,
)
from emulation.processes import Child
from emulation.sandbox import MOST_BYTES, Extension, Failure, Job, Sandbox

ARN = "arn:aws:lambda:eu-west-1:111111111111:function:opalite"
RETRIES = 2  # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown
_SHUTDOWN_SECONDS = 2.0
_RUNTIME_SECONDS = 0.3
_MEASURED_SECONDS = 10.0


class LocalLambda:
    """One execution environment at a time; the first invocation starts it, and the one after its end starts another.

    `env`: variables of the function; `{tmp}` in a value is the folder of temporary files. `freeze_between`: nothing runs between
    invocations, as on AWS. `log`: what runtime and extensions wrote, "[runtime] …", "[name of the extension] …".
    """

    def __init__(
        self,
        handler: str,
        *,
        task_root: str | Path = ".",
        extensions: Sequence[str | Path] = (),
        env: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        init_timeout: float = 10.0,
        python: str = sys.executable,
        arn: str = ARN,
        memory_mb: int = 512,
        freeze_between: bool = False,
        echo: bool = False,
    ) -> None:
        self.arn, self.timeout, self.init_timeout, self.freeze_between = arn, timeout, init_timeout, freeze_between
        self.log: list[str] = []
        self.dead_letters: list[dict[str, Any]] = []
        self.init_ms: float | None = None
        self.tmp = Path(tempfile.mkdtemp(prefix="lambda-"))
        self._handler, self._python, self._memory_mb, self._echo = handler, python, memory_mb, echo
        self._task_root = Path(task_root).resolve()
        self._extensions = [Path(extension).resolve() for extension in extensions]
        self._env = env or {}
        self._api = LambdaApi()
        self._guard = Guard()
        self._runtime: Child | None = None
        self._one = Lock()

    def __enter__(self) -> LocalLambda:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the environment; nothing of it is left."""
        try:
            self.stop()
        finally:
            self._api.close()
            self._guard.close()
            shutil.rmtree(self.tmp, ignore_errors=True)

    @property
    def up(self) -> bool:
        """Whether there is an environment, whatever its state."""
        return self._api.sandbox is not None

    @property
    def failure(self) -> Failure | None:
        """What has gone wrong since the last invocation: the next one will tell."""
        sandbox = self._api.sandbox
        return sandbox.failure if sandbox else None

    def clear_log(self) -> None:
        self.log.clear()

    def start(self) -> Failure | None:
        """Initialize an environment without an invocation; what went wrong, if anything did."""
        with self._one:
            failure = None if self.up else self._start()
            self._rest()
            return failure

    def invoke(self, event: Any) -> Result:
        """A synchronous invocation. Raises PayloadTooLargeError for an event that is."""
        return self._invoke(encoded(event, MOST_BYTES), str(uuid.uuid4()))

    def invoke_async(self, event: Any, *, retries: int = RETRIES) -> list[Result]:
        """As AWS Config invokes: an error is tried again, at once; the event that fails for good goes to `dead_letters`.

        One result for each attempt; all have one request id.
        """
        body, request_id = encoded(event, MOST_ASYNC_BYTES), str(uuid.uuid4())
        results: list[Result] = []
        for _ in range(1 + retries):
            results.append(self._invoke(body, request_id))
            if results[-1].error is None:
                return results
        self.dead_letters.append(dead_letter(self.arn, event, results))
        return results

    def freeze(self) -> None:
        """Stop all processes where they are."""
        for child in self._children():
            child.freeze()

    def thaw(self) -> None:
        for child in self._children():
            child.thaw()

    def processes(self) -> list[psutil.Process]:
        """All processes of the environment."""
        found = []
        for pid in [pid for child in self._children() for pid in child.pids()]:
            try:
                found.append(psutil.Process(pid))
            except psutil.NoSuchProcess:
                continue
        return found

    def pid_of(self, name: str) -> int:
        """The process of the environment whose program has this name: `pid_of("opa")`."""
        for process in self.processes():
            try:
                if process.status() != psutil.STATUS_ZOMBIE and name in (process.name(), Path(process.exe()).name):
                    return process.pid
            except psutil.Error:
                continue
        raise LookupError(f"no process {name!r} in the environment")

    def stop(self, reason: str = "spindown") -> None:
        """Lambda's shutdown phase: SIGTERM to the runtime, SHUTDOWN to the extensions, after two seconds SIGKILL to all."""
        sandbox = self._api.sandbox
        if sandbox is None:
            return
        sandbox.closing = True
        self.thaw()
        begin = time.time()
        self._end_runtime(sandbox)
        deadline = time.time() + _SHUTDOWN_SECONDS - min(time.time() - begin, _RUNTIME_SECONDS)
        shutdown = {"eventType": "SHUTDOWN", "shutdownReason": reason, "deadlineMs": int(deadline * 1000)}
        sandbox.tell("SHUTDOWN", shutdown)
        for extension in sandbox.extensions:
            if extension.child is None:
                continue
            if "SHUTDOWN" in extension.events and not extension.child.wait(deadline - time.time()):
                self._say(f"[{extension.name}] missed the deadline of its shutdown")
            extension.child.kill()
            self._guard.forget(extension.child.session)
        sandbox.end()
        self._api.sandbox = None

    def _end_runtime(self, sandbox: Sandbox) -> None:
        """Without extensions Lambda kills the runtime at once. Coverage is written by a process that ends by itself."""
        runtime = self._runtime
        if runtime is None:
            return
        if lambda_variables.measured() and sandbox.runtime_waits:
            runtime.silence()
            sandbox.hang_up()
            runtime.wait(_MEASURED_SECONDS)
        elif sandbox.extensions:
            runtime.terminate()
            runtime.wait(_RUNTIME_SECONDS)
        runtime.kill()
        self._guard.forget(runtime.session)
        self._runtime = None

    def _start(self) -> Failure | None:
        begin = time.monotonic()
        shared = lambda_variables.shared(self.arn, self._api.address, self._memory_mb, self.tmp, self._env)
        sandbox = self._api.sandbox = Sandbox(self.arn, self._handler, [path.name for path in self._extensions])
        end = begin + self.init_timeout
        for extension, path in zip(sandbox.extensions, self._extensions, strict=True):
            try:
                ended = partial(self._extension_ended, sandbox, extension)
                extension.child = self._spawn(extension.name, [str(path)], shared, Path("/"), ended)
            except OSError as error:
                sandbox.fail(not_launched(extension.name, error))
        ready = sandbox.wait(sandbox.registered, end - time.monotonic())
        if ready:
            own = shared | lambda_variables.hidden(self.arn, self._handler, self._task_root)
            command = [self._python, "-m", "awslambdaric", self._handler]
            ended = partial(self._runtime_ended, sandbox)
            self._runtime = self._spawn("runtime", command, own, self._task_root, ended)
            ready = sandbox.wait(sandbox.idle, end - time.monotonic())
        self.init_ms = (time.monotonic() - begin) * 1000
        if ready:
            return None
        failure = sandbox.failure or timed_out(self.init_timeout)
        self.stop("failure")
        return failure

    def _invoke(self, body: bytes, request_id: str) -> Result:
        with self._one:
            init_ms = None
            if not self.up:
                failure = self._start()
                init_ms = self.init_ms
                if failure is not None:
                    return Result(failure.document, failure.kind, 0.0, init_ms, request_id)
            self.thaw()
            result = self._run(body, request_id, init_ms)
            self._rest()
            return result

    def _run(self, body: bytes, request_id: str, init_ms: float | None) -> Result:
        sandbox = self._api.sandbox
        assert sandbox is not None
        begin, deadline_ms = time.monotonic(), int((time.time() + self.timeout) * 1000)
        job = Job(request_id, body, deadline_ms, self.arn)
        sandbox.give(job)
        done = sandbox.wait(lambda: job.answer and sandbox.idle(), self.timeout)
        duration_ms = (time.monotonic() - begin) * 1000
        failure = sandbox.failure or timed_out(self.timeout, request_id)
        if not done:
            self.stop("timeout" if failure.kind == "Sandbox.Timedout" else "failure")
        payload, error = job.answer or (failure.document, failure.kind)  # who has answered has, whatever came after
        return Result(payload, error, duration_ms, init_ms, request_id)

    def _rest(self) -> None:
        """Between invocations."""
        for child in self._children():
            child.drain()
        if self.freeze_between:
            self.freeze()

    def _spawn(self, name: str, command: list[str], environ: Mapping[str, str], directory: Path, ended: Any) -> Child:
        child = Child(name, command, environ, directory, self._say, ended)
        self._guard.watch(child.session)
        return child

    def _children(self) -> Iterator[Child]:
        sandbox = self._api.sandbox
        extensions: Sequence[Extension] = sandbox.extensions if sandbox else ()
        yield from (child for child in (self._runtime, *(each.child for each in extensions)) if child is not None)

    def _extension_ended(self, sandbox: Sandbox, extension: Extension, code: int) -> None:
        sandbox.fail(extension_ended(extension.name, code))

    def _runtime_ended(self, sandbox: Sandbox, code: int) -> None:
        sandbox.fail(runtime_ended(code))

    def _say(self, line: str) -> None:
        self.log.append(line)
        if self._echo:
            sys.stderr.write(line + "\n")
            sys.stderr.flush()
