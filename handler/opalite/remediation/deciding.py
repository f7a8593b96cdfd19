"""A resource as AWS tells it now → the decision of one policy, by the same normalizer and the same OPA as any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from opalite.errors import DecisionError
from opalite.facts.given import GivenFacts
from opalite.facts.live import KINDS
from opalite.judge import Fault, Judge, Judged, Pending
from opalite.model import Case, Decision, Item, Question
from opalite.normalize import resource as normalize
from opalite.remediation.action import Action
from opalite.remediation.model import State, Target
from opalite.remediation.parts import Parts

_NOTHING = GivenFacts({})


class Decided(NamedTuple):
    """`decision` is None where the policy is switched off, or sleeps. `resource`: the normalized document."""

    decision: Decision | None
    case: Case | None
    resource: Mapping[str, Any]


def decide(parts: Parts, action: Action, target: Target, state: State, *, at: str) -> Decided:
    """Raises NormalizationError, EngineError, DecisionError or AwsError: then nothing was decided."""
    kept: list[tuple[Decision, Question]] = []
    judge = Judge(
        parts.engine,
        parts.catalog,
        frozenset({target.policy_id}),
        _NOTHING,
        later=KINDS,
        keep=lambda decision, question: kept.append((decision, question)),
    )
    place = f"{target.account_id} {target.region}"
    resource = normalize(Item({**state.item, "configurationItemCaptureTime": at}, place, at))
    question = judge.question(resource, at)
    if question is None:
        return Decided(None, None, resource.document)
    judged: list[Judged] = []
    for entry in judge.first([question])[0]:
        judged += judge.again([entry], [parts.facts(action)])[0] if isinstance(entry, Pending) else [entry]
    for entry in judged:
        if isinstance(entry, Fault):
            raise DecisionError(f"{target.policy_id}: its answer cannot be trusted: {entry.message}")
        if isinstance(entry, Decision):
            core = next(question.core for decision, question in kept if decision.decision_id == entry.decision_id)
            return Decided(entry, Case(entry, orjson.loads(core)), resource.document)
    return Decided(None, None, resource.document)
