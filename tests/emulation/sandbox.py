"""What is known of one execution environment: its runtime, its extensions, the invocation under way, and why it ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Condition
from typing import Any, NamedTuple

from emulation.processes import Child

MOST_BYTES = (
    6_291_556  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB, as Lambda counts them
)


class Failure(NamedTuple):
    """Why an environment came to its end, or an invocation to none: Lambda's type of error, and the document that tells it."""

    kind: str
    document: Any


class Reply(NamedTuple):
    status: int
    document: Any = None
    headers: Mapping[str, str] = {}


@dataclass(slots=True)
class Extension:
    """An external extension; it has an id from its registration on."""

    name: str
    child: Child | None = None
    id: str = ""
    events: tuple[str, ...] = ()
    queue: list[dict[str, Any]] = field(default_factory=list)
    waiting: bool = False


@dataclass(slots=True)
class Job:
    """An invocation. `answer`: what the function returned, or how it failed."""

    id: str
    body: bytes
    deadline_ms: int
    function_arn: str
    sent: bool = False
    answer: tuple[Any, str | None] | None = None


class Sandbox:
    """All of it changes under `changed`. A reply of None means: hang up."""

    def __init__(self, arn: str, handler: str, extensions: Sequence[str]) -> None:
        self.changed = Condition()
        self.arn, self.handler = arn, handler
        self.extensions = [Extension(name) for name in extensions]
        self.runtime_waits = False
        self.job: Job | None = None
        self.failure: Failure | None = None
        self.closing = False  # what ends now ends because we want it
        self.hung_up = False
        self.over = False

    def fail(self, reason: Failure) -> None:
        """The first reason counts."""
        with self.changed:
            if self.failure is None and not self.closing:
                self.failure = reason
            self.changed.notify_all()

    def give(self, job: Job) -> None:
        """The next invocation."""
        invoke = {"eventType": "INVOKE", "deadlineMs": job.deadline_ms, "requestId": job.id}
        with self.changed:
            self.job = job
            self.tell("INVOKE", invoke | {"invokedFunctionArn": job.function_arn})

    def tell(self, event: str, document: dict[str, Any]) -> None:
        """An event for those extensions that want it."""
        with self.changed:
            for extension in self.extensions:
                if event in extension.events:
                    extension.queue.append(document)
                    extension.waiting = False
            self.changed.notify_all()

    def wait(self, condition: Callable[[], object], seconds: float) -> bool:
        """Whether the condition holds within the time, and nothing has failed."""
        with self.changed:
            self.changed.wait_for(lambda: self.failure or condition(), max(0.0, seconds))
            return self.failure is None and bool(condition())

    def registered(self) -> bool:
        return all(extension.id for extension in self.extensions)

    def idle(self) -> bool:
        """Whether the runtime and all extensions wait for the next event."""
        return self.runtime_waits and all(extension.waiting for extension in self.extensions)

    def end(self) -> None:
        """Let go of all who wait."""
        with self.changed:
            self.over = True
            self.failure = self.failure or failure("Sandbox.Failure", "the environment was ended")
            self.changed.notify_all()

    def hang_up(self) -> None:
        """Let go of the runtime alone."""
        with self.changed:
            self.hung_up = True
            self.changed.notify_all()

    def next_invocation(self) -> Reply | None:
        with self.changed:
            self.runtime_waits = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.over or self.hung_up or (self.job and not self.job.sent))
            job = self.job
            if self.over or self.hung_up or job is None:
                return None
            self.runtime_waits, job.sent = False, True
        headers = {
            "Lambda-Runtime-Aws-Request-Id": job.id,
            "Lambda-Runtime-Deadline-Ms": str(job.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": job.function_arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{job.id[:8]}-{job.id.replace('-', '')[8:32]};Sampled=0",
        }
        return Reply(200, job.body, headers)

    def answered(self, request_id: str, kind: str, body: bytes) -> Reply:
        with self.changed:
            if self.job is None or self.job.id != request_id or self.job.answer is not None:
                return Reply(400, error("InvalidRequestID", "there is no such invocation"))
            too_large = kind == "response" and len(body) > MOST_BYTES
            if too_large:
                text = f"Response payload size exceeded maximum allowed payload size ({MOST_BYTES} bytes)."
                document = error("Function.ResponseSizeTooLarge", text)
                self.job.answer = (document, "Function.ResponseSizeTooLarge")
            else:
                self.job.answer = (parsed(body), None if kind == "response" else "Unhandled")
            self.changed.notify_all()
        return Reply(413, document) if too_large else Reply(202)

    def register(self, name: str, body: bytes, features: str) -> Reply:
        with self.changed:
            extension = next((each for each in self.extensions if each.name == name and not each.id), None)
            if extension is None:
                return Reply(403, error("Extension.InvalidExtensionName", "no such file, or it is registered already"))
            events = parsed(body or b"{}").get("events", [])
            if not set(events) <= {"INVOKE", "SHUTDOWN"}:
                return Reply(400, error("Extension.InvalidEventType", "there are INVOKE and SHUTDOWN"))
            extension.id, extension.events = str(uuid.uuid4()), tuple(events)
            self.changed.notify_all()
        _, _, _, _, account, _, function = self.arn.split(":")[:7]
        told = {"functionName": function, "functionVersion": "$LATEST", "handler": self.handler}
        if "accountId" in features:
            told["accountId"] = account
        return Reply(200, told, {"Lambda-Extension-Identifier": extension.id})

    def next_event(self, identifier: str) -> Reply | None:
        with self.changed:
            extension = self._extension(identifier)
            if extension is None:
                return _UNKNOWN
            extension.waiting = True
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.over or extension.queue)
            if not extension.queue:
                return None
            extension.waiting = False
            return Reply(200, extension.queue.pop(0))

    def extension_failed(self, identifier: str, kind: str, body: bytes) -> Reply:
        if self._extension(identifier) is None:
            return _UNKNOWN
        self.fail(Failure(kind, parsed(body)))
        return Reply(202)

    def _extension(self, identifier: str) -> Extension | None:
        return next((each for each in self.extensions if each.id and each.id == identifier), None)


def failure(kind: str, message: str) -> Failure:
    """One of Lambda's own."""
    return Failure(kind, error(kind, message))


def error(kind: str, message: str) -> dict[str, str]:
    """The document of an error."""
    return {"errorType": kind, "errorMessage": message}


def parsed(body: bytes) -> Any:
    """What was posted: JSON, else text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


_UNKNOWN = Reply(403, error("Extension.UnknownExtensionIdentifier", "there is no extension of this identifier"))
