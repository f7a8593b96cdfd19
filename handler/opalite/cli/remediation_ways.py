"""Commands that are printed for people to run next: with all that they need to find the attempt, and to go on as it was begun."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from opalite.cli.session import EngineOptions
from opalite.remediation.attempt import Attempt
from opalite.remediation.model import Result


@dataclass(frozen=True, slots=True)
class Ways:
    """`where`: the options that lead to where attempts are kept; `roles`: as whom AWS is asked.

    `judged_by`: settings, policies and the engine that the attempt was begun with; None if this command does not know them.
    `undone`: attempts that were taken back, each with the one that did it.
    """

    where: str
    roles: str = ""
    judged_by: str | None = None
    undone: Mapping[str, str] = field(default_factory=dict)

    def resume(self, attempt_id: str) -> str:
        """To go on. With other settings the attempt would not be allowed any more, and be taken back."""
        return f"opalite remediate resume {attempt_id}{self.where}{self.roles}{self.judged_by or ''}"

    def undo(self, attempt_id: str) -> str:
        """To take it back, which no settings keep anybody from."""
        return f"opalite remediate undo {attempt_id}{self.where}{self.roles}"

    def show(self, attempt_id: str) -> str:
        """To look at it."""
        return f"opalite remediate show {attempt_id}{self.where}"

    def approve(self, attempt_id: str) -> str:
        """To agree to the function's plan."""
        return f"opalite remediate approve {attempt_id}{self.where} --key ARN"


def undone(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Of those that were taken back: by which other one."""
    return {one.undoes: one.id for one in attempts if one.undoes is not None and one.result is Result.UNDONE}


def said(*options: tuple[str, object]) -> str:
    """As they are typed. None: it is not said."""
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in options if value is not None)


def judged_by(options: EngineOptions) -> str:
    """The engine's options, to be said again."""
    return said(*_of_overlays(options)) + ("" if options.with_shipped else " --no-shipped") + said(*_of_opa(options))


def _of_overlays(options: EngineOptions) -> Iterator[tuple[str, object]]:
    yield from (("--data", path) for path in options.data)
    yield from (("--bundle", path) for path in options.bundle)


def _of_opa(options: EngineOptions) -> Iterator[tuple[str, object]]:
    yield "--opa", options.opa
    yield "--opa-url", options.opa_url
    yield "--opa-token-file", options.token_file
    yield "--opa-ca", options.ca
    yield "--opa-cert", options.certificate
