"""Lambda functions as others see them: when they were changed, and events that are handed to them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from emulation.faults import AwsFault, Call
from emulation.wire import Asked, Reply

_PATH = re.compile(r"/2015-03-31/functions/(?P<name>[^/]+)/(?P<what>configuration|invocations)")
_CHANGED = "2026-01-01T00:00:00.000+0000"


@dataclass(slots=True)
class Functions:
    """`invoked`: ARN and event of each asynchronous invocation. Nothing runs them: the test does, when it wants to."""

    invoked: list[tuple[str, Any]] = field(default_factory=list)
    _changed: dict[str, str] = field(default_factory=dict)

    def add(self, arn: str, *, changed_at: str = _CHANGED) -> None:
        """A function that exists, and when its code, layers or settings were changed last."""
        self._changed[arn] = changed_at

    def answer(self, call: Call, said: Asked) -> Reply | None:
        """GetFunctionConfiguration and Invoke; None for anything else."""
        match = _PATH.fullmatch(said.path)
        if match is None or call.operation not in ("GetFunctionConfiguration", "Invoke"):
            return None
        arn = self._found(unquote(match["name"]), call)
        if call.operation == "Invoke":
            if said.headers.get("x-amz-invocation-type") != "Event":
                raise AwsFault("InvalidParameterValueException", "the emulation takes asynchronous invocations only")
            self.invoked.append((arn, json.loads(said.body or b"null")))
            return Reply(202, {"Content-Type": "application/json"}, b"")
        document = {"FunctionName": arn.split(":")[6], "FunctionArn": arn, "LastModified": self._changed[arn]}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def _found(self, name: str, call: Call) -> str:
        """A function by its name or ARN. Other accounts' are not shown to anybody."""
        for arn in self._changed:
            _, _, _, region, account, _, own_name = arn.split(":")[:7]
            if name in (arn, own_name) and (region, account) == (call.region, call.account):
                return arn
        raise AwsFault("ResourceNotFoundException", f"Function not found: {name}", 404)
