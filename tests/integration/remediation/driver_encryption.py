"""AWS in memory for the two actions of encryption: what moto has, and the few operations that it lacks.

moto's tagging API knows no KMS keys, and its EC2 neither tells nor resets the default key of EBS: these are answered here from what
moto's own KMS and EC2 hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2 import ec2_backends

from integration.remediation import driver
from integration.remediation.driver import ACCOUNT, REGION, Crash, iam_actions
from opalite.remediation.applying import Applied, apply
from opalite.remediation.model import Call, Plan


@dataclass
class Driver(driver.Driver):
    besides: list[str] = field(default_factory=list)  # IAM actions of calls that moto lacks
    dies_after: str | None = None  # the operation after whose call nothing is noted any more

    def ask(self, name: str) -> Any:
        return _Service(self, name)

    def apply(self, plan: Plan, note: Callable[[Applied], None] | None = None) -> list[Applied]:
        """In the order in which they were done."""
        done: dict[str, Applied] = {}

        def noted(one: Applied) -> None:
            done[one.name] = one
            if note:
                note(one)

        assert apply(self.ask, plan.steps, {}, noted) is None
        return list(done.values())

    def undo(self, applied: list[Applied]) -> None:
        for one in reversed(applied):
            if one.inverse is not None:
                self.make(one.inverse)

    def make(self, call: Call) -> None:
        self.ask(call.service).ask(call.operation, **call.parameters)

    def called(self) -> set[str]:
        """The IAM actions of everything that was called."""
        return super().called() | iam_actions(self.besides)


def names(plan: Plan) -> list[str]:
    return [step.name for step in plan.steps]


class _Service:
    def __init__(self, driver: Driver, name: str) -> None:
        self._driver = driver
        self._name = name

    @property
    def _remote(self) -> Any:
        return self._driver.sessions.service(self._name, ACCOUNT, REGION)

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        lacking = _LACKING.get(operation)
        if lacking:
            self._driver.besides.append(f"{self._name}:{operation}")
        answer = lacking(**parameters) if lacking else self._remote.ask(operation, **parameters)
        if self._driver.dies_after == operation:
            raise Crash(operation)
        return answer

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        if operation != "GetResources":
            yield from self._remote.pages(operation, **parameters)
            return
        self._driver.besides.append("tag:GetResources")
        [wanted] = parameters["TagFilters"]
        kms = self._driver.facts.service("kms", ACCOUNT, REGION)
        for page in kms.pages("ListKeys"):
            found = []
            for key in page["Keys"]:
                tags = {
                    tag["TagKey"]: tag["TagValue"] for tag in kms.ask("ListResourceTags", KeyId=key["KeyId"])["Tags"]
                }
                if wanted["Key"] in tags:
                    listed = [{"Key": name, "Value": value} for name, value in tags.items()]
                    found.append({"ResourceARN": key["KeyArn"], "Tags": listed})
            yield {"ResourceTagMappingList": found}


def _ebs() -> Any:
    return ec2_backends[ACCOUNT][REGION]


def _default_key() -> dict[str, Any]:
    return {"KmsKeyId": _ebs().default_kms_key_id or "alias/aws/ebs"}


def _reset() -> dict[str, Any]:
    _ebs().default_kms_key_id = ""
    return _default_key()


_LACKING: Mapping[str, Callable[..., dict[str, Any]]] = {
    "GetEbsDefaultKmsKeyId": _default_key,
    "ResetEbsDefaultKmsKeyId": _reset,
}
