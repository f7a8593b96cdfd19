"""MiniStack, in an environment of its own, and what of AWS it does not have and our functions rely on.

Started by emulator.py. Nothing of ours can be imported here.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ministack.app import main
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import eventbridge, stepfunctions

_begin = stepfunctions._start_execution


def _start_execution(data: dict[str, Any]) -> Any:
    """A running execution of that name and input is found again, not refused.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    machine = data.get("stateMachineArn", "").rpartition(":")[2]
    arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine}:{data.get('name')}"
    held = stepfunctions._executions.get(arn)
    if held and held["status"] == "RUNNING" and held["input"] == data.get("input", "{}"):
        return json_response({"executionArn": arn, "startDate": held["startDate"]})
    return _begin(data)


if __name__ == "__main__":
    stepfunctions._start_execution = _start_execution
    # Only AWS may send events of a source `aws.…`, and MiniStack keeps that. Its Security Hub and AWS Config are emulated elsewhere:
    # the test's own hands are AWS's.
    eventbridge._put_events = partial(eventbridge._put_events, allow_aws_source=True)
    main()
