"""What Security Hub is told of exemptions beside their findings: SUPPRESSED while they hold, NEW when they have ended.

It is told after the import, since only what is there can be updated, and before the output is settled, so that a retry tells both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from opalite.errors import AwsError, DeliveryError
from opalite.model import JsonObject, Standing
from opalite.ports import Denied
from opalite.publish.suppression import is_suppressed, released, update

Deadline = Callable[[], float]


class Workflow(Protocol):
    """The workflow of findings in the members."""

    def put(
        self, updates: Sequence[JsonObject], *, deadline: Deadline, taken: Callable[[Sequence[str]], None]
    ) -> None: ...


class Found(Protocol):
    """Standings by key, and why some could not be read."""

    @property
    def standings(self) -> Mapping[str, Standing]: ...
    @property
    def faults(self) -> Mapping[str, str]: ...


class Standings(Protocol):
    """The part of the store that is asked for here."""

    def get(self, keys: Sequence[str], *, deadline: Deadline) -> Found: ...


@dataclass(frozen=True, slots=True)
class Imported:
    """A finding that Security Hub has taken. `exemption`: of an exempt decision."""

    finding: JsonObject
    standing: Standing
    exemption: JsonObject | None


def tell(workflow: Workflow, imported: Sequence[Imported], deadline: Deadline, problems: list[str]) -> list[Standing]:
    """The standings of which Security Hub knows everything now."""
    updates = {one.standing.finding_id: update(one.finding, one.standing, one.exemption) for one in imported}
    taken = set(_put(workflow, [wanted for wanted in updates.values() if wanted is not None], deadline, problems))
    ids = {finding_id for finding_id, wanted in updates.items() if wanted is None or finding_id in taken}
    return [one.standing for one in imported if one.standing.finding_id in ids]


def release_overtaken(
    workflow: Workflow,
    standings: Standings,
    imported: Iterable[Imported],
    replaced: Iterable[Standing],
    deadline: Deadline,
    problems: list[str],
) -> None:
    """Of what we suppressed while somebody newer was at it: released, unless he holds it to be suppressed, too.

    `replaced`: standings in whose place another one stood when they were to be settled. A newer failure must not stay hidden; he
    releases it after he has written, so either he comes after our suppression, or we find here what he has written.
    """
    late = {standing.finding_id for standing in replaced}
    findings = {
        one.standing.finding_id: one.finding
        for one in imported
        if one.standing.finding_id in late and one.exemption is not None and is_suppressed(one.standing)
    }
    if not findings:
        return
    try:
        found = standings.get(list(findings), deadline=deadline)
    except AwsError as error:
        problems.append(f"findings may be suppressed that are not exempt any more: {error}")
        return
    problems += [f"standing of {finding_id[:100]}: {fault}" for finding_id, fault in found.faults.items()]
    free = [
        released(finding)
        for finding_id, finding in findings.items()
        if finding_id not in found.faults and not is_suppressed(found.standings.get(finding_id))
    ]
    _put(workflow, free, deadline, problems)


def _put(workflow: Workflow, updates: Sequence[JsonObject], deadline: Deadline, problems: list[str]) -> list[str]:
    """Ids of the findings that were updated."""
    taken: list[str] = []
    if updates:
        try:
            workflow.put(updates, deadline=deadline, taken=taken.extend)
        except (DeliveryError, AwsError, Denied) as error:
            problems.append(str(error))
    return taken
