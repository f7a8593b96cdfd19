"""What was called, and what shall go wrong: every call to the emulated AWS passes by here."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import NamedTuple

# Names of boto3 for services whose calls cannot be told apart, or that sign by another name.
_ONE_NAME = {"elb": "elasticloadbalancing", "elbv2": "elasticloadbalancing", "monitoring": "cloudwatch"}
_DENIED = {
    "ec2": "UnauthorizedOperation",
    **dict.fromkeys(("cloudwatch", "elasticloadbalancing", "iam", "s3", "sns", "sts"), "AccessDenied"),
}
ALL = "*"
_LONGEST_SECONDS = 60.0  # that a call is held for, should nobody mend


class AwsFault(Exception):  # noqa: N818 - it becomes an answer of AWS
    """The error that AWS answers with. `status`: of HTTP, or None for the one that belongs to the code."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Call(NamedTuple):
    """One request, retries included."""

    account: str
    service: str  # as in the names of IAM actions
    operation: str
    region: str

    @property
    def action(self) -> str:
        return f"{self.service}:{self.operation}"


@dataclass(slots=True)
class _Plan:
    service: str
    operation: str
    account: str | None
    times: int | None  # None: always
    error: AwsFault | None
    seconds: float = 0.0
    mended: Event | None = None  # what it waits for

    def meets(self, call: Call) -> bool:
        return (
            self.times != 0
            and self.service == call.service
            and self.operation in (ALL, call.operation)
            and self.account in (None, call.account)
        )


@dataclass(slots=True)
class Faults:
    """Calls in the order in which they came, and plans for those to come; the first plan that meets a call is carried out."""

    sleep: Callable[[float], None] = time.sleep
    calls_made: list[Call] = field(default_factory=list)
    _plans: list[_Plan] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    @property
    def calls(self) -> Counter[str]:
        """How often each action was called: `calls["sts:AssumeRole"]`."""
        with self._lock:
            return Counter(call.action for call in self.calls_made)

    def fail(
        self,
        service: str,
        operation: str = ALL,
        *,
        account: str | None = None,
        code: str = "ThrottlingException",
        message: str = "Rate exceeded",
        status: int | None = None,
        times: int | None = 1,
    ) -> None:
        """Answer the next calls with an error; `times=None`: until `mend`."""
        self._add(_Plan(one_name(service), operation, account, times, AwsFault(code, message, status)))

    def deny(self, service: str, operation: str = ALL, account: str | None = None) -> None:
        """Refuse calls by permission, until `mend`."""
        name = one_name(service)
        code = _DENIED.get(name, "AccessDeniedException")
        message = f"User is not authorized to perform: {name}:{operation}"
        self._add(_Plan(name, operation, account, None, AwsFault(code, message)))

    def slow(
        self,
        service: str,
        operation: str = ALL,
        *,
        account: str | None = None,
        seconds: float,
        times: int | None = 1,
    ) -> None:
        """Let the next answers take some time."""
        self._add(_Plan(one_name(service), operation, account, times, None, seconds))

    def hold(self, service: str, operation: str = ALL, *, account: str | None = None) -> None:
        """Let the next call wait until `mend`, and then come to nothing: whoever made it has ended meanwhile."""
        error = AwsFault("InternalError", "nobody waits for it any more", 500)
        self._add(_Plan(one_name(service), operation, account, 1, error, mended=Event()))

    def mend(self) -> None:
        """Nothing goes wrong from now on."""
        with self._lock:
            for plan in self._plans:
                if plan.mended is not None:
                    plan.mended.set()
            self._plans.clear()

    def meet(self, call: Call) -> None:
        """Note the call. Raises AwsFault if a plan says so."""
        with self._lock:
            self.calls_made.append(call)
            plan = next((plan for plan in self._plans if plan.meets(call)), None)
            if plan is None:
                return
            if plan.times is not None:
                plan.times -= 1
        if plan.seconds:
            self.sleep(plan.seconds)
        if plan.mended is not None:
            plan.mended.wait(_LONGEST_SECONDS)
        if plan.error is not None:
            raise plan.error

    def _add(self, plan: _Plan) -> None:
        with self._lock:
            self._plans.append(plan)


def one_name(service: str) -> str:
    """The name that calls of this service have here."""
    return _ONE_NAME.get(service, service)
