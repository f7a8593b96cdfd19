"""What `opalite explain` says, as a document and for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from opalite.cli.replay import Replay
from opalite.model import JsonObject, Policy
from opalite.publish.annotation import clean, cut, gap

_WIDTH = 11
_LONGEST = 400  # characters of a line
_MOST_PATHS = 10


def document(
    record: JsonObject, source: str, answer: Replay, policy: Policy | None, texts: Sequence[JsonObject]
) -> JsonObject:
    """Everything, with what is JSON text in the log as JSON."""
    told = {**record, "facts": _parsed(record["facts"]), "judged": _parsed(record["judged"])}
    told["violations"] = [{**one, "evidence": _parsed(one.get("evidence"))} for one in record["violations"]]
    return {
        "decision": told,
        "source": source,
        "policy": None
        if policy is None
        else {"id": policy.id, "title": policy.title, "version": policy.version, "texts": list(texts)},
        "verdict": answer.verdict,
        "exact": answer.exact,
        "summary": answer.line,
        "now": None
        if answer.now is None
        else {name: value for name, value in answer.now.items() if name not in ("judged", "facts", "redacted", "cut")},
        "differences": list(answer.differences),
    }


def text(told: JsonObject) -> bytes:
    """Lines of a name and what there is to say; nothing of it can move a terminal's cursor."""
    lines = []
    for name, said in _lines(told):
        line = clean(said)
        lines.append(f"{name:<{_WIDTH}}{line if len(line) <= _LONGEST else cut(line, _LONGEST)}".rstrip())
    return ("\n".join(lines) + "\n").encode()


def _lines(told: JsonObject) -> Iterator[tuple[str, str]]:
    one, policy, now = told["decision"], told["policy"], told["now"]
    name = f" ({one['resource_name']})" if one["resource_name"] not in (None, one["resource_id"]) else ""
    config = (
        f"AWS Config was told {one['compliance_type']}" if one["compliance_type"] else "AWS Config was told nothing"
    )
    yield "decision", one["decision_id"]
    yield "outcome", f"{one['outcome']}; severity {one['severity']}, stage {one['stage']}; {config}"
    yield "policy", f"{one['policy_id']} {one['policy_version']}" + (f": {policy['title']}" if policy else "")
    yield (
        "resource",
        f"{one['resource_type']} {one['resource_id']}{name} in account {one['account_id']}, {one['region']}",
    )
    yield "time", f"judged as of {one['evaluated_at']}, captured {one['capture_time'] or 'at a time that is not known'}"
    yield from _why(one)
    yield from _facts(one["facts"])
    yield "by", f"revision {one['bundle_revision']}, OPA {one['opa_version']}; input {one['input_digest'][:16]}"
    if now is not None:
        yield "now by", f"revision {now['bundle_revision']}, OPA {now['opa_version']}"
    if policy:
        version = "" if policy["version"] == one["policy_version"] else f"version {policy['version']} now; "
        files = ", ".join(f"{entry['file']} (SHA-256 {entry['sha256'][:16]})" for entry in policy["texts"])
        yield "text", f"{version}{files or 'not told by an OPA that runs elsewhere'}"
    left_out = [*one["redacted"], *one["cut"]]
    for left in left_out[:_MOST_PATHS]:
        yield "left out", left
    if len(left_out) > _MOST_PATHS:
        yield "left out", f"and {len(left_out) - _MOST_PATHS} more; --format json names them all"
    for entry in told["differences"]:
        yield "differs", f"{entry['field']}: {_json(entry['then'])} → {_json(entry['now'])}"
    yield "log", told["source"]
    yield "verdict", told["summary"]


def _why(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if one["outcome"] == "pass":
        yield "why", "the policy proves the good state, names no violation, and knows all that it needs"
    for violation in one["violations"]:
        yield "why", violation["message"]
        evidence = violation["evidence"]
        if isinstance(evidence, dict):
            steps = evidence.get("path")
            path = ".".join(str(step) for step in steps) if isinstance(steps, list) else ""
            yield (
                "",
                f"  {path or 'evidence'}: found {_json(evidence.get('actual'))}, wanted {_json(evidence.get('expected'))}",
            )
    for entry in one["unknown"]:
        yield "unknown", gap({name: value for name, value in entry.items() if value is not None})
    for reason in one["reasons"]:
        yield "why", f"not applicable: {reason}"
    exemption = one["exemption"]
    if exemption is not None:
        who = f"{exemption['id']} of {exemption['owner']} ({exemption['ticket']})"
        yield "exemption", f"{who}, until {exemption['expires']}: {exemption['reason']}"


def _facts(facts: Any) -> Iterator[tuple[str, str]]:
    if facts is None:
        yield "facts", "left out of the log for their size"
    elif not facts:
        yield "facts", "none"
    elif isinstance(facts, dict):
        for kind, known in facts.items():
            for key, fact in known.items() if isinstance(known, dict) else ():
                yield "fact", f"{kind} {key}: {_json(fact)}"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _parsed(said: Any) -> Any:
    """JSON text as JSON; what is none, as it is."""
    if not isinstance(said, str):
        return None
    try:
        return orjson.loads(said)
    except orjson.JSONDecodeError:
        return said
