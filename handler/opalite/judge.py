"""Questions → decisions, with facts by need. Shared by the command line and the Lambda function.

A policy is first asked without facts. Who answers that its verdict hangs on some gets exactly these and is asked once more,
alone: so the decision of one policy never depends on which others are asked beside it. Organizational units are no fact of the
policy's but a part of the resource: if nobody knew them at first, they may cost one question more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opalite import decide
from opalite.catalog import Catalog
from opalite.engine.asking import ask_all
from opalite.errors import DecisionError
from opalite.model import Decision, Outcome, Question, Resource
from opalite.ports import Engine, Facts
from opalite.publish import annotation, evaluation
from opalite.waiting import Waiting, Why, explained, gather, prepare


@dataclass(frozen=True, slots=True)
class Pending:
    """A first answer that hangs on facts which are not all known yet."""

    question: Question  # of the one policy
    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that cannot be trusted: no decision is made of it."""

    policy_id: str
    source: str
    message: str


Judged = Decision | Pending | Fault


class Judge:
    """Asks one engine. Stateless but for its parts, so it may be used from several threads.

    `chosen`: the policies asked, None for all. `known`: facts that are there from the start. `later`: kinds of facts that the
    rest of the input may still tell. `keep` gets each decision with the question that it answers.
    `held`: the compliance type that AWS Config holds of a resource now, where that is known.
    """

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        chosen: frozenset[str] | None,
        known: Facts,
        *,
        later: frozenset[str] = frozenset(),
        held: Callable[[Mapping[str, Any]], str | None] | None = None,
        keep: Callable[[Decision, Question], None] | None = None,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._chosen = chosen
        self._known = known
        self._later = later
        self._held = held
        self._keep = keep
        self._identity = decide.Identity(engine.bundle_revision, engine.opa_version)

    def knows(self, resource_type: str) -> bool:
        """Whether any policy, chosen or not, speaks of the type."""
        return bool(self._catalog.applying_to(resource_type, None))

    def question(self, resource: Resource, evaluated_at: str) -> Question | None:
        """What to ask of a resource; None when no policy applies to its type."""
        document = resource.document
        expected = self._catalog.applying_to(document["type"], self._chosen)
        if not expected:
            return None
        account = self._known.lookup("account", document["account_id"], document)
        if account is not None:
            document["organizational_units"] = account["organizational_units"]
        return decide.question(resource, evaluated_at, expected, selected=self._chosen is not None)

    def first(self, questions: Sequence[Question]) -> list[list[Judged]]:
        """All answers to each question. What hangs on facts that may become known later is pending."""
        judged: list[list[list[Judged]]] = []  # by question and policy
        waiting: list[tuple[list[Judged], Question]] = []
        answered = ask_all(self._engine, questions)
        prepare(
            (
                (decide.needs(results[policy_id]), asked.resource)
                for asked, results in zip(questions, answered, strict=True)
                for policy_id in asked.expected
            ),
            (self._known,),
        )
        for asked, results in zip(questions, answered, strict=True):
            line: list[list[Judged]] = []
            for policy_id in asked.expected:
                result = results[policy_id]
                needs = decide.needs(result)
                facts = gather(needs, asked.resource, (self._known,)) if needs else {}
                if needs and self._may_come(needs, facts):
                    line.append([Pending(self._alone(asked, policy_id), result)])
                elif facts:
                    line.append([])
                    waiting.append((line[-1], self._with_facts(self._alone(asked, policy_id), facts)))
                else:
                    line.append(self._decision(asked, policy_id, result))
            judged.append(line)
        answers = ask_all(self._engine, [asked for _, asked in waiting])
        for (slot, asked), results in zip(waiting, answers, strict=True):
            slot.extend(self._decision(asked, asked.expected[0], results[asked.expected[0]]))
        return [[entry for slot in line for entry in slot] for line in judged]

    def again(self, pending: Sequence[Pending], sources: Sequence[Facts]) -> list[list[Judged]]:
        """The last word on pending answers, with whatever facts the sources have; without any the first answer stands."""
        known = (self._known, *sources)
        waiting = [Waiting(entry.question, entry.question, entry.result) for entry in pending]
        supplied = waiting
        while supplied:  # twice at most: what has been supplied once is not supplied again
            prepare(((entry.needs(), entry.first.resource) for entry in supplied), known)
            supplied = [entry for entry in supplied if entry.supply(known)]
            for entry in supplied:
                entry.asked = self._with_facts(entry.first, entry.facts)
            answers = ask_all(self._engine, [entry.asked for entry in supplied])
            for entry, results in zip(supplied, answers, strict=True):
                entry.result = results[entry.first.expected[0]]
        return [
            self._decision(entry.asked, entry.first.expected[0], entry.result, entry.explainer(known))
            for entry in waiting
        ]

    def _may_come(self, needs: Sequence[tuple[str, str]], facts: Mapping[str, Mapping[str, Any]]) -> bool:
        return any(kind in self._later and key not in facts.get(kind, {}) for kind, key in needs)

    def _alone(self, asked: Question, policy_id: str) -> Question:
        return Question(asked.resource, asked.evaluated_at, asked.core, asked.digest, (policy_id,), selected=True)

    def _with_facts(self, asked: Question, facts: Mapping[str, Any]) -> Question:
        resource = asked.resource
        account = facts.get("account", {}).get(resource.document["account_id"])
        if account is not None:
            units = {"organizational_units": account["organizational_units"]}
            resource = replace(resource, document={**resource.document, **units})
        return decide.question(resource, asked.evaluated_at, asked.expected, selected=True, facts=facts)

    def _decision(
        self, asked: Question, policy_id: str, result: Mapping[str, Any], why: Why | None = None
    ) -> list[Judged]:
        """One decision, none where the policy is switched off, or the fault."""
        policy = self._catalog.policies[policy_id]

        def render(outcome: Outcome, answer: decide.Told, decision_id: str) -> tuple[str | None, str]:
            text = annotation.annotation(
                outcome,
                policy.title,
                violations=answer.violations,
                unknown=answer.unknown,
                reasons=answer.reasons,
                exemption=answer.exemption,
                decision_id=decision_id,
            )
            previous = None
            if self._held is not None and evaluation.hangs_on_previous(outcome, answer.treatment):
                previous = self._held(asked.resource.document)
            return evaluation.compliance_type(outcome, answer.treatment, previous=previous), text

        try:
            answer = decide.told(policy_id, result)
        except DecisionError as error:
            return [Fault(policy_id, asked.resource.source, str(error))]
        if answer is not None and answer.unknown:
            gaps = asked.resource.unknown
            answer = replace(answer, unknown=[explained(gap, _recorded(gap, gaps)) for gap in answer.unknown])
        if answer is not None and why is not None and answer.unknown:
            answer = replace(answer, unknown=[explained(gap, why(gap)) for gap in answer.unknown])
        if answer is None:
            return []
        decided = decide.decision(asked, policy, answer, self._identity, render)
        if self._keep is not None:
            self._keep(decided, asked)
        return [decided]


def _recorded(gap: Mapping[str, Any], gaps: Sequence[Mapping[str, str]]) -> str | None:
    """Why the item does not tell a path that a policy found unknown by itself."""
    path = gap.get("path")
    if not isinstance(path, str) or "reason" in gap:
        return None
    return next((each["reason"] for each in gaps if f"{path}.".startswith(f"{each['path']}.")), None)
