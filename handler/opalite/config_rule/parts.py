"""What the function is made of: given once, by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from opalite.catalog import Catalog
from opalite.config_rule.telemetry import Telemetry
from opalite.environment import Environment
from opalite.ports import ConfigItems, ConfigResults, Delivery, Engine, Facts, Members, OversizedItems

if TYPE_CHECKING:
    from opalite.config_rule.outputs import Outputs


class Context(Protocol):
    """What Lambda says of an invocation: https://docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    invoked_function_arn: str
    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Until Lambda ends the invocation."""
        ...


class Remaining:
    """How many seconds are left of the invocation that runs now. Called like a function."""

    def __init__(self) -> None:
        self._context: Context | None = None

    def begin(self, context: Context) -> None:
        """A new invocation."""
        self._context = context

    def __call__(self) -> float:
        """Before the first invocation there is as much as anybody wants."""
        return float("inf") if self._context is None else self._context.get_remaining_time_in_millis() / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything that an invocation needs."""

    environment: Environment
    catalog: Catalog
    engine: Engine
    facts: Facts
    kinds: frozenset[str]  # of facts that may be asked for
    items: ConfigItems
    results: ConfigResults
    delivery: Delivery
    oversized: OversizedItems | None
    members: Members
    outputs: Outputs | None  # beside AWS Config
    telemetry: Telemetry
    remaining: Remaining
    renew: Callable[[], None]  # forget what was refused: somebody may have permitted it since the last event
    known_as: Callable[[str, str], Any]  # account and partition of the function itself
