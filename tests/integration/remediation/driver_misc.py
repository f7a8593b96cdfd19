"""One remediation after the other, as the flow does it, in moto's memory and with a real OPA."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integration.remediation import driver
from integration.remediation.driver import Crash
from opalite.remediation.applying import Applied, apply
from opalite.remediation.model import Plan


@dataclass
class Driver(driver.Driver):
    """`dies`: called with the action and "before" or "after" at each call that changes something; it may raise Crash."""

    dies: Callable[[str, str], None] = lambda *_: None
    fakes: Mapping[str, Any] = field(default_factory=dict)  # services that moto lacks

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - moto counts by the real clock

    def ask(self, name: str) -> Any:
        return _Service(self, self.fakes.get(name) or super().ask(name))

    def apply(self, plan: Plan, applied: dict[str, Applied] | None = None) -> dict[str, Applied]:
        """All steps; `applied` is kept up to date even if it dies."""
        applied = {} if applied is None else applied

        def note(one: Applied) -> None:
            applied[one.name] = Applied(
                one.name, one.progress, already=one.already, outputs=dict(one.outputs), inverse=one.inverse
            )

        for _ in range(20):
            if apply(self.ask, plan.steps, dict(applied), note) is None:
                return applied
        raise AssertionError("it never ends")

    def undo(self, applied: Mapping[str, Applied]) -> None:
        for one in reversed(applied.values()):
            if one.inverse is not None and not one.already:
                self.ask(one.inverse.service).ask(one.inverse.operation, **one.inverse.parameters)


class _Service:
    def __init__(self, driver: Driver, service: Any) -> None:
        self._driver = driver
        self._service = service

    def ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        changes = not operation.startswith(("Describe", "Get", "List", "BatchGet"))
        if changes:
            self._driver.dies(operation, "before")
        answer = self._service.ask(operation, **parameters)
        if changes:
            self._driver.dies(operation, "after")
        return answer

    def pages(self, operation: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
        return self._service.pages(operation, **parameters)


def crash_at(number: int, moment: str) -> Callable[[str, str], None]:
    """At the call of that number, from 1, before or after it."""
    seen = {"before": 0, "after": 0}

    def dies(_: str, when: str) -> None:
        seen[when] += 1
        if when == moment and seen[when] == number:
            raise Crash

    return dies
