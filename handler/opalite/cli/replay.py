"""A record of the decision log → the same question to the policies of today, and how the answer compares. Pure but for asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from opalite import decide, strict_json
from opalite.catalog import Catalog
from opalite.errors import DecisionError, UsageError
from opalite.facts.given import GivenFacts
from opalite.judge import Fault, Judge
from opalite.model import Case, Decision, JsonObject, Question, Resource
from opalite.ports import Engine
from opalite.publish.record import record as recorded

SAME, SAME_OUTCOME, OTHER_OUTCOME = "same", "same_outcome", "other_outcome"
ALTERED, NOT_JUDGED = "altered", "not_judged"
# What policies and settings alone decide. The compliance type may also hang on what Config held, reasons of gaps on sources.
_COMPARED = ("outcome", "severity", "stage", "policy_version", "violations", "unknown", "reasons", "exemption")


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer of today beside that of the record."""

    verdict: str
    line: str  # for people
    now: JsonObject | None  # as a record, without what was judged
    differences: tuple[JsonObject, ...] = ()  # field, then, now
    exact: bool = True  # what was judged is whole, to the byte


class _AsThen:
    """An engine under the revision of the record, so that the id of the decision must come out the same."""

    def __init__(self, engine: Engine, record: Mapping[str, Any]) -> None:
        self._engine = engine
        self.bundle_revision: str = record["bundle_revision"]
        self.opa_version = engine.opa_version

    def ask(self, items: bytes) -> Mapping[str, Any]:
        return self._engine.ask(items)


def replay(record: JsonObject, engine: Engine, catalog: Catalog) -> Replay:
    """Judge what the record says was judged. Raises UsageError for a record that is none, EngineError or DecisionError."""
    left_out = [path for path in (*record["redacted"], *record["cut"]) if f"{path}/".startswith(("/judged/", "…/"))]
    if record["judged"] is None:
        return Replay(
            NOT_JUDGED, "cannot be judged again: what was judged is not in the log, for its size", None, (), exact=False
        )
    question = _question(record)
    exact = question.digest == record["input_digest"]
    if not exact and not left_out:
        return Replay(
            ALTERED,
            "the record was changed after it was written: `judged` is not what `input_digest` is of",
            None,
            (),
            exact=False,
        )
    renamed = _renamed(record["policy_id"], catalog)
    policy_id = renamed or record["policy_id"]
    if reason := _unasked(policy_id, question, catalog):
        return Replay(NOT_JUDGED, f"cannot be judged again: {reason}", None, (), exact=exact)
    decision = _decided(question, policy_id, _AsThen(engine, record), catalog)
    if decision is None:
        return Replay(
            NOT_JUDGED,
            "cannot be judged again: the policy is switched off for this resource now",
            None,
            (),
            exact=exact,
        )
    if exact and not renamed and decision.decision_id != record["decision_id"]:
        line = "the record was changed after it was written: its decision id is not that of its policy, resource, revision and time"
        return Replay(ALTERED, line, None, (), exact=False)
    now = recorded(Case(decision, strict_json.loads(question.core)))
    now |= {"bundle_revision": engine.bundle_revision, "judged": None, "facts": None}
    return _compared(record, now, exact=exact, left_out=len(left_out))


def _question(record: Mapping[str, Any]) -> Question:
    core = record["judged"].encode()
    try:
        judged = strict_json.loads(core)
        if judged["version"] != decide.INPUT_VERSION:
            raise UsageError(
                f"decision {record['decision_id']}: its input is of version {judged['version']}, this opalite asks with version "
                f"{decide.INPUT_VERSION}: use the release that made it"
            )
        resource = Resource(
            judged["resource"], judged["unknown"], judged["gone"], record["capture_time"], None, record["decision_id"]
        )
        missing = {"type", "id", "account_id", "region", "partition", "arn"} - resource.document.keys()
    except (strict_json.JsonFault, KeyError, TypeError, AttributeError):
        missing = {"judged"}
    if missing:
        raise UsageError(
            f"decision {record['decision_id']}: its record does not say what was judged: is it cut or changed?"
        )
    policies = (str(record["policy_id"]),)
    return Question(resource, record["evaluated_at"], core, sha256(core).hexdigest(), policies, selected=True)


def _renamed(policy_id: str, catalog: Catalog) -> str | None:
    try:
        (found,) = catalog.resolve([policy_id], idle=True)
    except UsageError:
        return None
    return None if found == policy_id else found


def _unasked(policy_id: str, question: Question, catalog: Catalog) -> str | None:
    """Why there is nobody to ask."""
    if policy_id not in catalog.policies:
        return f"there is no policy {policy_id} here: give its --bundle"
    if policy_id in catalog.idle:
        return f"{policy_id} judges nothing until {' or '.join(catalog.idle[policy_id])} is set: give --data"
    kind = question.resource.document["type"]
    if not catalog.applying_to(kind, frozenset({policy_id})):
        return f"{policy_id} does not judge {kind} any more"
    return None


def _decided(question: Question, policy_id: str, engine: Engine, catalog: Catalog) -> Decision | None:
    judge = Judge(engine, catalog, frozenset({policy_id}), GivenFacts({}))
    asked = Question(
        question.resource, question.evaluated_at, question.core, question.digest, (policy_id,), selected=True
    )
    for answer in judge.first([asked])[0]:
        if isinstance(answer, Fault):
            raise DecisionError(answer.message)
        if isinstance(answer, Decision):
            return answer
    return None


def _compared(then: JsonObject, now: JsonObject, *, exact: bool, left_out: int) -> Replay:
    differences = tuple(
        {"field": name, "then": then[name], "now": now[name]}
        for name in _COMPARED
        if _comparable(name, then[name]) != _comparable(name, now[name])
    )
    is_same_outcome = then["outcome"] == now["outcome"]
    is_same_revision = then["bundle_revision"] == now["bundle_revision"]
    is_same_opa = then["opa_version"] == now["opa_version"]
    if exact and is_same_revision and not differences:
        line = "exactly the same decision: same policies, same input, same outcome"
        return Replay(SAME, line if is_same_opa else f"{line}, by OPA {now['opa_version']} now", now)
    if exact and is_same_revision and is_same_opa:
        named = ", ".join(entry["field"] for entry in differences)
        line = f"the record was changed after it was written: the same policies say something else of the same input ({named})"
        return Replay(ALTERED, line, now, differences, exact=True)
    by = "by the same policies" if is_same_revision else "by another revision now"
    what = f"outcome {then['outcome']} → {now['outcome']}"
    if is_same_outcome:
        what = f"the outcome is the same, {now['outcome']}"
    if not exact:
        values = "value" if left_out == 1 else "values"
        what += f"; not judged exactly, because the log leaves out {left_out} {values} of what was judged"
    verdict = SAME_OUTCOME if is_same_outcome else OTHER_OUTCOME
    return Replay(verdict, f"judged {by}: {what}", now, differences, exact=exact)


def _comparable(name: str, value: Any) -> Any:
    if name == "unknown":
        return [{**gap, "reason": None} for gap in value]
    return value
