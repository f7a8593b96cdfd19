"""How invocations end: results, errors of the environment in Lambda's words, and what goes to an on-failure destination."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulation.sandbox import Failure, failure

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ASYNC_BYTES = 1_048_576


class PayloadTooLargeError(ValueError):
    """Lambda would not have taken the event."""


@dataclass(frozen=True, slots=True)
class Result:
    """How an invocation ended.

    `error`: None, `Unhandled` (the handler raised), or what ended the environment: `Sandbox.Timedout`, `Runtime.ExitError`,
    `Runtime.ImportModuleError`, `Extension.Crash`, what an extension names itself, and the like. `payload` then tells of it.
    """

    payload: Any
    error: str | None
    duration_ms: float
    init_ms: float | None  # None: the environment was there already
    request_id: str


def encoded(event: Any, most: int) -> bytes:
    """The event as Lambda takes it. Raises PayloadTooLargeError."""
    body = json.dumps(event).encode()
    if len(body) > most:
        raise PayloadTooLargeError(f"the event has {len(body)} bytes, Lambda takes {most}")
    return body


def timed_out(seconds: float, request_id: str = "") -> Failure:
    """The time of an invocation, or without a request id of the initialization, was over."""
    whose = f"RequestId: {request_id} Error: " if request_id else ""
    return failure("Sandbox.Timedout", f"{whose}Task timed out after {seconds:.2f} seconds")


def runtime_ended(code: int) -> Failure:
    """The runtime is gone, which it never is by itself."""
    how = f"signal {-code}" if code < 0 else f"exit status {code}"
    return failure("Runtime.ExitError", f"Runtime exited with error: {how}")


def extension_ended(name: str, code: int) -> Failure:
    """So is an extension, and none has said why."""
    return failure("Extension.Crash", f"extension {name} exited with code {code}")


def not_launched(name: str, problem: OSError) -> Failure:
    return failure("Extension.LaunchError", f"extension {name} cannot be started: {problem.strerror}")


def dead_letter(arn: str, event: Any, results: Sequence[Result]) -> dict[str, Any]:
    """The record for an on-failure destination.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    last = results[-1]
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": last.request_id,
            "functionArn": f"{arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": len(results),
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": last.error},
        "responsePayload": last.payload,
    }
