"""The state machine that waits: one execution for each attempt that has to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import orjson

from opalite.errors import AwsError, UsageError
from opalite.ports import Absent, Sessions
from opalite.remediation.attempt import Attempt

ACTIONS: Final = ("states:StartExecution",)  # of the function's own account, on the state machine

_ARN: Final = re.compile(r"arn:[a-z-]+:states:([a-z0-9-]+):([0-9]{12}):stateMachine:[A-Za-z0-9_-]{1,80}")
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html: asked again with the same input, a running
# execution is found; one that has ended is refused, and its name is taken for 90 days.
_ENDED: Final = "ExecutionAlreadyExists"
_MOST: Final = 10  # executions of one attempt; after that the schedule goes on with it


@dataclass(frozen=True, slots=True)
class StateMachine:
    """Meets remediation.parts.Machine. `arn`: of a state machine of type STANDARD, in the caller's account."""

    sessions: Sessions
    arn: str

    def __post_init__(self) -> None:
        """Raises UsageError."""
        if not _ARN.fullmatch(self.arn):
            raise UsageError(f"{self.arn!r} is not the ARN of a state machine")

    def start(self, attempt: Attempt) -> None:
        """Nothing if one runs. The input is the same whatever the attempt waits for: the execution asks what that is."""
        region = self.arn.split(":")[3]
        service = self.sessions.service("stepfunctions", self.sessions.caller(), region)
        for number in range(1, _MOST + 1):
            name = attempt.id if number == 1 else f"{attempt.id}-{number}"
            try:
                service.ask("StartExecution", stateMachineArn=self.arn, name=name, input=_input(attempt))
            except Absent as absent:
                raise AwsError(f"states:StartExecution: there is no {self.arn}", str(absent)) from None
            except AwsError as error:
                if error.code != _ENDED:
                    raise
            else:
                return


def _input(attempt: Attempt) -> str:
    return orjson.dumps({"attempt": attempt.id}).decode()
