"""A decision → one record of the decision log: docs/decision-log.md. Pure.

What has no fixed shape (what was judged, facts, evidence) is JSON text within the record, so that a table over the log needs no
schema of it, and no resource can break the table by the names it uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from opalite.model import Case, Decision, JsonObject
from opalite.publish.record_bounds import LONG_CHARACTERS, Bounds, dumped
from opalite.publish.redaction import Redaction

SCHEMA_VERSION: Final = 1
RECORD_BYTES: Final = 1_000_000  # of a record's JSON; all that follows adds up to less

_JUDGED_BYTES: Final = 500_000
_FACTS_BYTES: Final = 50_000
_VIOLATIONS_BYTES: Final = 100_000
_EVIDENCE_BYTES: Final = 20_000  # of one violation
_LIST_BYTES: Final = 30_000
_PATHS_BYTES: Final = 20_000
_TAGS_BYTES: Final = 60_000
# https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: characters of a key and of a value.
_TAG_KEY: Final = 128
_TAG_VALUE: Final = 256

_GAP: Final = ("fact", "key", "path", "reason")
_EXEMPTION: Final = ("id", "owner", "ticket", "reason", "expires")


def record(case: Case, kept: Kept | None = None) -> JsonObject:
    """The record; its fields are those of JSON Lines output, and what it takes to understand and to repeat the decision.

    `kept`: of what was judged, if that is at hand because another policy judged the same.
    """
    return _Record(case.decision, kept or Kept(case.judged)).fields()


class Kept:
    """What is kept of what was judged. Messages may repeat what is a secret in there."""

    def __init__(self, judged: JsonObject) -> None:
        self.redaction = Redaction()
        self.bounds = Bounds()
        told = self.redaction.document(judged, "/judged")
        self.resource: JsonObject = told["resource"]
        self.facts = self.bounds.document(told["facts"], "/facts", _FACTS_BYTES)
        self.text = self.bounds.document(told, "/judged", _JUDGED_BYTES)


class _Record:
    def __init__(self, decision: Decision, kept: Kept) -> None:
        self._decision = decision
        self._kept = kept
        self._redaction = kept.redaction.copy()
        self._bounds = kept.bounds.copy()

    def fields(self) -> JsonObject:
        one, resource = self._decision, self._kept.resource
        fields: JsonObject = {
            "schema_version": SCHEMA_VERSION,
            "decision_id": one.decision_id,
            "date": one.evaluated_at[:10],
            "partition": self._line("partition", resource["partition"]),
            "account_id": self._line("account_id", one.account_id),
            "region": self._line("region", one.region),
            "organizational_units": self._units(resource["organizational_units"]),
            "resource_type": self._line("resource_type", one.resource_type),
            "resource_id": self._line("resource_id", one.resource_id),
            "resource_name": self._line("resource_name", resource["name"]),
            "arn": self._line("arn", one.arn),
            "tags": self._tags(resource["tags"]),
            "capture_time": one.capture_time,
            "evaluated_at": one.evaluated_at,
            "policy_id": self._line("policy_id", one.policy_id),
            "policy_version": self._line("policy_version", one.policy_version),
            "outcome": one.outcome.value,
            "compliance_type": one.compliance_type,
            "severity": one.severity.value,
            "stage": one.stage,
            "annotation": self._said("annotation", one.annotation),
            "violations": self._violations(),
            "unknown": self._list("unknown", (self._gap(index, gap) for index, gap in enumerate(one.unknown))),
            "reasons": self._list(
                "reasons", (self._said(f"reasons/{index}", reason) for index, reason in enumerate(one.reasons))
            ),
            "exemption": self._exemption(one.exemption),
            "bundle_revision": one.bundle_revision,
            "opa_version": one.opa_version,
            "input_digest": one.input_digest,
            "facts": self._kept.facts,
            "judged": self._kept.text,
        }
        return fields | {"redacted": _paths(self._redaction.paths), "cut": _paths(self._bounds.paths)}

    def _line(self, name: str, text: str | None) -> str | None:
        return None if text is None else self._bounds.text(text, f"/{name}", LONG_CHARACTERS)

    def _said(self, name: str, text: str) -> str:
        """A text of a policy, which may repeat what it has read."""
        return self._bounds.text(self._redaction.text(text, f"/{name}"), f"/{name}", LONG_CHARACTERS)

    def _list(self, name: str, entries: Iterable[Any]) -> list[Any]:
        return self._bounds.entries(entries, f"/{name}", _LIST_BYTES)

    def _units(self, units: list[str] | None) -> list[Any] | None:
        return None if units is None else self._list("organizational_units", units)

    def _tags(self, tags: Mapping[str, str] | None) -> list[Any] | None:
        """As a list: to many readers of JSON two keys that differ by capitals only are the same key twice."""
        if tags is None:
            return None
        cut = self._bounds.text
        entries = (
            {"key": cut(key, "/tags", _TAG_KEY), "value": cut(str(value), "/tags", _TAG_VALUE)}
            for key, value in sorted(tags.items())
        )
        return self._bounds.entries(entries, "/tags", _TAGS_BYTES)

    def _violations(self) -> list[Any]:
        entries = (self._violation(f"violations/{index}", one) for index, one in enumerate(self._decision.violations))
        return self._bounds.entries(entries, "/violations", _VIOLATIONS_BYTES)

    def _violation(self, name: str, violation: JsonObject) -> JsonObject:
        evidence = self._redaction.evidence(violation.get("evidence", {}), f"/{name}/evidence")
        return {
            "message": self._said(f"{name}/message", str(violation.get("message", ""))),
            "subject": self._said(f"{name}/subject", str(violation.get("subject", ""))),
            "evidence": self._bounds.document(evidence, f"/{name}/evidence", _EVIDENCE_BYTES),
        }

    def _gap(self, index: int, gap: JsonObject) -> JsonObject:
        return {name: self._optional(f"unknown/{index}/{name}", gap.get(name)) for name in _GAP}

    def _exemption(self, exemption: JsonObject | None) -> JsonObject | None:
        if exemption is None:
            return None
        fields: JsonObject = {name: self._optional(f"exemption/{name}", exemption.get(name)) for name in _EXEMPTION}
        scope = exemption.get("scope")
        text = None if scope is None else self._bounds.document(scope, "/exemption/scope", _LIST_BYTES)
        return fields | {"scope": text}

    def _optional(self, name: str, value: Any) -> str | None:
        if value is None:
            return None
        return self._said(name, value if isinstance(value, str) else dumped(value).decode())


def _paths(found: list[str]) -> list[str]:
    """Each once, in order, as many as there is room for; the last one then says that there are more."""
    bounds = Bounds()
    kept = bounds.entries((path[:LONG_CHARACTERS] for path in dict.fromkeys(found)), "", _PATHS_BYTES)
    return [*kept, "…"] if bounds.paths else kept
