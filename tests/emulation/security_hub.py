"""The part of Security Hub that moto does not have: BatchUpdateFindings, on the findings that moto holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from moto.backends import get_backend

from emulation.faults import AwsFault, Call
from emulation.limits import problems, service_model
from emulation.wire import Asked, Reply

_OPERATION = "BatchUpdateFindings"
_MOST = 100


@dataclass(slots=True)
class SecurityHub:
    """`updates`: account, workflow status and ids of each call that was taken. `violations`: what AWS would have refused.

    `unprocessed`: codes for findings that are not updated, by the end of their ids.
    """

    updates: list[tuple[str, str, list[str]]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unprocessed: dict[str, str] = field(default_factory=dict)

    def answer(self, call: Call, said: Asked) -> Reply | None:
        """None for what moto has."""
        if call.operation != _OPERATION:
            return None
        asked = json.loads(said.body)
        wrong = problems(service_model("securityhub").operation_model(_OPERATION).input_shape, asked)
        if wrong or not 0 < len(asked["FindingIdentifiers"]) <= _MOST:
            self.violations.append(f"{_OPERATION} in account {call.account}: {wrong or 'how many'}")
            raise AwsFault("InvalidInputException", "invalid")
        codes = [(one, self._updated(call, one, asked)) for one in asked["FindingIdentifiers"]]
        done = [one for one, code in codes if code is None]
        status = asked.get("Workflow", {}).get("Status", "")
        self.updates.append((call.account, status, [one["Id"] for one in done]))
        failed = [{"FindingIdentifier": one, "ErrorCode": code, "ErrorMessage": "words"} for one, code in codes if code]
        document = {"ProcessedFindings": done, "UnprocessedFindings": failed}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(document).encode())

    def _updated(self, call: Call, one: dict[str, str], asked: dict[str, Any]) -> str | None:
        """The code of why it was not."""
        held = get_backend("securityhub")[call.account][call.region].findings
        found = [
            finding.data
            for finding in held
            if finding.id == one["Id"] and finding.data["ProductArn"] == one["ProductArn"]
        ]
        if not found:
            return "FindingNotFound"
        code = next((code for end, code in self.unprocessed.items() if one["Id"].endswith(end)), None)
        if code is None:
            found[0].update({name: value for name, value in asked.items() if name != "FindingIdentifiers"})
        return code
