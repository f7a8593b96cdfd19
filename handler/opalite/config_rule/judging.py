"""Resources → verdicts under one Config rule → evaluations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from opalite.config_rule.parts import Parts
from opalite.errors import DecisionError, InvocationError
from opalite.facts.given import GivenFacts
from opalite.judge import Fault, Judge, Judged, Pending
from opalite.model import Case, Decision, Evaluation, Question, Resource
from opalite.publish import evaluation
from opalite.publish.annotation import fitted, tail
from opalite.publish.ending import Ending, Reason
from opalite.selection import Selection

Held = Callable[[Mapping[str, Any]], str | None]  # what Config holds of a resource: document → compliance type
_NOTHING = GivenFacts({})
_NAMED = 3  # faults in one message


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies of one Config rule say of one resource."""

    resource: Resource
    decisions: tuple[Decision, ...]
    faults: tuple[Fault, ...]  # answers that cannot be trusted
    spoken_of: bool  # whether any policy of the bundle speaks of the type
    evaluation: Evaluation | None
    cases: tuple[Case, ...] = ()  # of the decisions, where an output beside AWS Config wants them
    endings: tuple[Ending, ...] = ()  # of policies that are switched off for the resource, for the same


def verdicts(
    parts: Parts, resources: Sequence[Resource], selection: Selection, *, at: str | None, held: Held
) -> list[Verdict]:
    """In the order of the resources. `at`: the time as of which they are judged, else that of each one's own event or capture.

    Raises EngineError, DecisionError or AwsError: then nothing was decided.
    """
    judged: dict[str, bytes] = {}  # by decision id

    def keep(decision: Decision, question: Question) -> None:
        judged[decision.decision_id] = question.core

    judge = Judge(
        parts.engine,
        parts.catalog,
        selection.chosen,
        _NOTHING,
        later=parts.kinds,
        held=held,
        keep=keep if parts.outputs is not None else None,
    )
    asked = [judge.question(resource, at or _own_time(resource)) for resource in resources]
    first = judge.first([question for question in asked if question is not None])
    answers = iter(_completed(judge, first, parts))
    found = [
        _verdict(resource, () if question is None else next(answers), selection, at, spoken_of=question is not None)
        for resource, question in zip(resources, asked, strict=True)
    ]
    found = [_without_old(verdict, judge, held, at) for verdict in found]
    if parts.outputs is None:
        return found
    return [
        replace(verdict, cases=_cases(verdict.decisions, judged), endings=_endings(question, verdict))
        for verdict, question in zip(found, asked, strict=True)
    ]


def refuse_faults(found: Iterable[Verdict]) -> None:
    """Raises DecisionError if an answer could not be trusted; what could has been delivered by then."""
    faults = [fault for verdict in found for fault in verdict.faults]
    if faults:
        told = "; ".join(dict.fromkeys(fault.message for fault in faults[:_NAMED]))
        raise DecisionError(f"{len(faults)} answers cannot be trusted, nothing was made of them: {told}")


def _cases(decisions: Sequence[Decision], judged: Mapping[str, bytes]) -> tuple[Case, ...]:
    return tuple(Case(decision, orjson.loads(judged[decision.decision_id])) for decision in decisions)


def _endings(question: Question | None, verdict: Verdict) -> tuple[Ending, ...]:
    """Of policies that were asked and said nothing: they are switched off for the resource."""
    if question is None:
        return ()
    answered = {decision.policy_id for decision in verdict.decisions} | {fault.policy_id for fault in verdict.faults}
    resource = question.resource
    return tuple(
        Ending(
            policy_id=policy_id,
            resource=resource.document,
            reason=Reason.OFF,
            at=question.evaluated_at,
            captured_at=resource.capture_time,
        )
        for policy_id in question.expected
        if policy_id not in answered
    )


def _completed(judge: Judge, first: list[list[Judged]], parts: Parts) -> list[list[Judged]]:
    """With the last word on all that hung on facts."""
    pending = [entry for line in first for entry in line if isinstance(entry, Pending)]
    if not pending:
        return first
    last = iter(judge.again(pending, [parts.facts]))
    return [
        [done for entry in line for done in (next(last) if isinstance(entry, Pending) else [entry])] for line in first
    ]


def _verdict(
    resource: Resource, judged: Sequence[Judged], selection: Selection, at: str | None, *, spoken_of: bool
) -> Verdict:
    decisions = tuple(entry for entry in judged if isinstance(entry, Decision))
    faults = tuple(entry for entry in judged if isinstance(entry, Fault))
    if resource.gone is not None:
        told: tuple[str, str] | None = (evaluation.NOT_APPLICABLE, _farewell(resource.gone, decisions))
    else:
        told = evaluation.told(decisions, umbrella=selection.umbrella, complete=not faults)
    return Verdict(resource, decisions, faults, spoken_of, told and _evaluation(resource, *told, at))


def _without_old(verdict: Verdict, judge: Judge, held: Held, at: str | None) -> Verdict:
    """Takes back what Config holds of a resource for which nothing is enforced any more: an old COMPLIANT would stay for ever."""
    document = verdict.resource.document
    is_judged = verdict.evaluation is not None or verdict.faults
    if is_judged or any(decision.stage == "enforce" for decision in verdict.decisions):
        return verdict
    if not judge.knows(document["type"]) or held(document) is None:
        return verdict
    text = fitted("not applicable: no policy of this Config rule is enforced for this resource", "")
    return replace(verdict, evaluation=_evaluation(verdict.resource, evaluation.NOT_APPLICABLE, text, at))


def _farewell(reason: str, decisions: Sequence[Decision]) -> str:
    """Whatever policies say: a result of what is gone, or out of scope, is to go as well."""
    return fitted(f"not applicable: {reason}", tail(decisions[0].decision_id) if decisions else "")


def _evaluation(resource: Resource, compliance_type: str, annotation: str, at: str | None) -> Evaluation:
    """Ordered by when the item was captured, of a schedule by when it was announced: never by when we got to it."""
    document = resource.document
    ordered_at = at or resource.capture_time or _own_time(resource)
    return Evaluation(document["type"], document["id"], compliance_type, annotation, ordered_at)


def _own_time(resource: Resource) -> str:
    moment = resource.notified_at or resource.capture_time
    if moment is None:
        raise InvocationError("neither notificationCreationTime nor configurationItemCaptureTime: no time to judge by")
    return moment
