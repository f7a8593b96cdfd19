"""The part of the Amazon States Language that our state machine uses, with a clock that only goes on while it waits.

Whatever it does not know is an error: a field that was silently passed over would be one that is not tested.
https://states-language.net/spec.html
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIELDS = {
    "Wait": {"Comment", "Type", "Seconds", "SecondsPath", "Next"},
    "Choice": {"Comment", "Type", "Choices", "Default"},
    "Succeed": {"Comment", "Type"},
    "Fail": {"Comment", "Type", "Error", "Cause"},
    "Task": {
        "Comment", "Type", "Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds", "TimeoutSecondsPath",
        "Retry", "Catch", "Next",
    },
}  # fmt: skip
_INVOKE = "arn:aws:states:::lambda:invoke"
_MOST_STATES = 2000


class TaskFailure(Exception):  # noqa: N818 - not an error of ours
    """What Step Functions hears of a function: the name of its exception's class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Execution:
    """One execution, up to where it waits for a token or ends.

    `invoke`: the function; its exceptions are told by their class. `sleep`: seconds of the simulated clock.
    """

    definition: Mapping[str, Any]
    document: Any
    invoke: Callable[[Any], Any]
    sleep: Callable[[float], None]
    state: str = ""
    status: str = "RUNNING"
    token: str | None = None
    visited: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    _tokens: int = 0

    def __post_init__(self) -> None:
        assert self.definition.keys() <= {"Comment", "TimeoutSeconds", "StartAt", "States"}
        for name, state in self.definition["States"].items():
            unknown = state.keys() - _FIELDS[state["Type"]]
            assert not unknown, f"{name}: {unknown}"
        self.state = self.definition["StartAt"]

    def run(self) -> Execution:
        """Until it ends, or somebody has to come with the token."""
        while self.status == "RUNNING" and self.token is None:
            self.visited.append(self.state)
            assert len(self.visited) < _MOST_STATES, "it does not come to an end"
            state = self.definition["States"][self.state]
            getattr(self, f"_{state['Type'].lower()}")(state)
        return self

    def succeed(self, token: str | None, output: Any) -> Execution:
        """SendTaskSuccess."""
        assert token == self.token, "no task waits for this token"
        self.token = None
        self._done(self._now(), output)
        return self.run()

    def expire(self) -> Execution:
        """The time of whoever was to come is over."""
        assert self.token is not None
        self.token = None
        self._caught(self._now(), "States.Timeout")
        return self.run()

    def _now(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self.definition["States"][self.state]
        return state

    def _wait(self, state: Mapping[str, Any]) -> None:
        seconds = state["Seconds"] if "Seconds" in state else self._at(state["SecondsPath"], self.document)
        assert type(seconds) is int
        assert seconds >= 0
        self.waited.append(seconds)
        self.sleep(seconds)
        self.state = state["Next"]

    def _choice(self, state: Mapping[str, Any]) -> None:
        for choice in state["Choices"]:
            assert choice.keys() == {"Variable", "IsNumeric", "Next"}
            value = self._at(choice["Variable"], self.document)
            if (type(value) in (int, float)) is choice["IsNumeric"]:
                self.state = choice["Next"]
                return
        self.state = state["Default"]

    def _succeed(self, _: Mapping[str, Any]) -> None:
        self.status = "SUCCEEDED"

    def _fail(self, state: Mapping[str, Any]) -> None:
        self.status = f"FAILED {state['Error']}"

    def _task(self, state: Mapping[str, Any]) -> None:
        waits = state["Resource"] == f"{_INVOKE}.waitForTaskToken"
        assert waits or state["Resource"] == _INVOKE
        if "TimeoutSecondsPath" in state:
            timeout = self._at(state["TimeoutSecondsPath"], self.document)
            assert type(timeout) is int
            assert timeout > 0
        tries: dict[int, int] = {}
        while True:
            self._tokens += 1
            token = f"token-{self._tokens}"
            request = self._filled(state["Parameters"], {"Task": {"Token": token}})
            assert request.keys() == {"FunctionName", "Payload"}
            try:
                answer = self._invoked(request["Payload"])
            except TaskFailure as failed:
                if self._tried_again(state, failed.name, tries):
                    continue
                self._caught(state, failed.name)
                return
            if waits:
                self.token = token
            else:
                self._done(state, {"ExecutedVersion": "$LATEST", "Payload": answer, "StatusCode": 200})
            return

    def _invoked(self, payload: Any) -> Any:
        try:
            return json.loads(json.dumps(self.invoke(json.loads(json.dumps(payload)))))
        except Exception as error:
            raise TaskFailure(type(error).__name__) from error

    def _tried_again(self, state: Mapping[str, Any], name: str, tries: dict[int, int]) -> bool:
        for number, retry in enumerate(state.get("Retry", ())):
            if _means(retry["ErrorEquals"], name):
                done = tries.get(number, 0)
                if done >= retry.get("MaxAttempts", 3):
                    return False
                tries[number] = done + 1
                seconds = min(retry["IntervalSeconds"] * retry["BackoffRate"] ** done, retry["MaxDelaySeconds"])
                self.sleep(seconds)
                return True
        return False

    def _caught(self, state: Mapping[str, Any], name: str) -> None:
        for catch in state.get("Catch", ()):
            if _means(catch["ErrorEquals"], name):
                assert catch["ResultPath"] is None
                self.state = catch["Next"]
                return
        self.status = f"FAILED {name}"

    def _done(self, state: Mapping[str, Any], result: Any) -> None:
        if "ResultSelector" in state:
            result = self._filled(state["ResultSelector"], {}, result)
        path = state.get("ResultPath", "$")
        if path == "$":
            self.document = result
        else:
            self.document = {**self.document, path.removeprefix("$."): result}
        self.state = state["Next"]

    def _filled(self, template: Any, context: Any, document: Any = None) -> Any:
        if not isinstance(template, dict):
            return copy.deepcopy(template)
        filled = {}
        for name, value in template.items():
            if name.endswith(".$"):
                source = context if value.startswith("$$") else self.document if document is None else document
                filled[name[:-2]] = self._at(value.replace("$$", "$", 1), source)
            else:
                filled[name] = self._filled(value, context, document)
        return filled

    def _at(self, path: str, document: Any) -> Any:
        """Raises KeyError where the true one would fail: what is not there."""
        for name in path.removeprefix("$").split(".")[1:]:
            document = document[name]
        return document


def _means(names: list[str], name: str) -> bool:
    """States.TaskFailed stands for all that a task fails with, but a timeout."""
    return bool({name, "States.ALL"} & set(names)) or ("States.TaskFailed" in names and name != "States.Timeout")
