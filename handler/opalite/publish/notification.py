"""Changes for the worse → the messages that people and programs get. Pure; docs/notifications.md says what is in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from opalite.model import Case, JsonObject, Message, Standing
from opalite.publish import mail
from opalite.publish.addressees import ACCOUNT_CHARACTERS, POLICY_CHARACTERS, Group, News, TagKeys, groups
from opalite.publish.annotation import excuse, gap
from opalite.publish.discretion import discreet
from opalite.publish.foreign import plain
from opalite.publish.life import Change

T = TypeVar("T")

SCHEMA_VERSION = 1
MOST = 20  # changes that a mail lists; the others are counted
MOST_FOR_PROGRAMS = 100  # changes that a document lists

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: a message, 262,144 bytes with its attributes. It holds the text
# and the document, as JSON within JSON; both are measured as if nothing but ASCII were sent, which makes them longest.
MESSAGE_BYTES = 262_144
TEXT_BYTES = 44_000
DOCUMENT_BYTES = 150_000

# For each thing that others wrote, in characters. An ARN or the id of a resource is whole in the first.
_ROOMS = (1024, 256)
_EVIDENCE_STEPS = 32


def told(
    changes: Sequence[tuple[Change, Case, Standing]],
    entries: Mapping[str, Mapping[str, Any]],
    *,
    most: int = MOST,
    keys: TagKeys | None = None,
    creators: Mapping[str, str] | None = None,
) -> list[tuple[Message, tuple[Standing, ...]]]:
    """What one invocation has to tell, by addressee and severity, each with the standings that it is about.

    `entries`: policies of the catalog by id. `creators`: who made what, where no tag tells it; see `groups`. The order of the
    changes does not matter, and the same changes always give the same messages; each change is in one of them.
    """
    found = groups(changes, entries, keys or TagKeys(), creators)
    return [(_message(group, most), tuple(news.standing for news in group.news)) for group in found]


def messages(
    changes: Sequence[tuple[Change, Case, Standing]],
    entries: Mapping[str, Mapping[str, Any]],
    *,
    most: int = MOST,
    keys: TagKeys | None = None,
    creators: Mapping[str, str] | None = None,
) -> list[Message]:
    """The messages alone."""
    return [message for message, _ in told(changes, entries, most=most, keys=keys, creators=creators)]


def _message(group: Group, most: int) -> Message:
    values = group.values()
    shown = max(most, MOST_FOR_PROGRAMS)
    discreetly = [news._replace(case=discreet(news.case, mail.MOST_REASONS)) for news in group.news[:shown]]
    group = group._replace(news=(*discreetly, *group.news[shown:]))
    text = _fitting(lambda listed, room: mail.text(group, listed, room), most, _text_size, TEXT_BYTES)
    document = _fitting(
        lambda listed, room: _document(group, values, listed, room), MOST_FOR_PROGRAMS, _document_size, DOCUMENT_BYTES
    )
    return Message(mail.subject(group), text, document, _attributes(group, values))


def _fitting(render: Callable[[int, int], T], most: int, size: Callable[[T], int], limit: int) -> T:
    """As much as there is room for. The last attempt always fits: all that others wrote is short then."""
    attempts = [(max(most >> halved, 1), _ROOMS[0]) for halved in range(max(most, 1).bit_length())]
    attempts += [(1, room) for room in _ROOMS[1:]]
    for listed, room in attempts[:-1]:
        found = render(listed, room)
        if size(found) <= limit:
            return found
    return render(*attempts[-1])


def _text_size(text: str) -> int:
    return len(json.dumps(text))


def _document_size(document: JsonObject) -> int:
    return len(json.dumps(json.dumps(document)))


def _attributes(group: Group, values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Severity and owner are texts, the others JSON arrays of texts, which begin with a bracket: String and String.Array."""
    lists = {name: json.dumps(found, ensure_ascii=False) for name, found in values.items() if found}
    return {"severity": str(group.severity), "owner": group.addressee, **lists}


def _document(group: Group, values: Mapping[str, Sequence[str]], listed: int, room: int) -> JsonObject:
    decisions = [news.case.decision for news in group.news]
    return {
        "type": "opalite.notification",
        "schema_version": SCHEMA_VERSION,
        "id": _id(group),
        "severity": str(group.severity),
        "owner": group.addressee,
        **{name: list(found) for name, found in values.items()},
        "addressed_by": [plain(key, room) for key in group.tags],
        "count": len(group.news),
        "counts": {
            "change": _counted(str(news.change) for news in group.news),
            "policy": _counted(plain(decision.policy_id, POLICY_CHARACTERS) for decision in decisions),
            "account": _counted(plain(decision.account_id, ACCOUNT_CHARACTERS) for decision in decisions),
        },
        "changes": [_change(news, room) for news in group.news[:listed]],
    }


def _change(news: News, room: int) -> JsonObject:
    decision, standing = news.case.decision, news.standing
    name = news.resource.get("name")
    texts = {
        "change": news.change, "outcome": decision.outcome, "severity": decision.severity,
        "policy_id": decision.policy_id, "policy_version": decision.policy_version, "title": mail.title(news),
        "account_id": decision.account_id, "region": decision.region, "environment": news.environment or None,
        "resource_type": decision.resource_type, "resource_id": decision.resource_id, "resource_name": name,
        "arn": decision.arn, "annotation": decision.annotation, "remediation": mail.remedy(news) or None,
        "since": standing.since, "first_observed_at": standing.first_observed_at, "capture_time": decision.capture_time,
        "evaluated_at": decision.evaluated_at, "finding_id": standing.finding_id,
    }  # fmt: skip
    return {
        "decision_id": plain(decision.decision_id, mail.DECISION_CHARACTERS),
        **{key: None if value is None else plain(value, room) for key, value in texts.items()},
        "exemption": None if decision.exemption is None else plain(excuse(decision.exemption), room),
        "violations": [_violation(entry, room) for entry in decision.violations[: mail.MOST_REASONS]],
        "unknown": [plain(gap(entry), room) for entry in decision.unknown[: mail.MOST_REASONS]],
        "reference": mail.reference(news),
        "console": mail.console(news),
    }


def _violation(entry: Mapping[str, Any], room: int) -> JsonObject:
    """Evidence only as far as it is one value: what is more stands in the decision."""
    evidence = entry.get("evidence", {})
    path = evidence.get("path")
    steps = path[:_EVIDENCE_STEPS] if isinstance(path, (list, tuple)) else []
    return {
        "message": plain(entry.get("message", ""), room),
        "subject": plain(entry.get("subject", ""), room),
        "path": plain(".".join(map(str, steps)), room) or None,
        "actual": _value(evidence.get("actual"), room),
        "expected": _value(evidence.get("expected"), room),
    }


def _value(value: object, room: int) -> str | float | bool | None:
    if isinstance(value, str):
        return plain(value, room)
    return value if isinstance(value, (bool, int, float)) else None


def _counted(values: Iterator[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _id(group: Group) -> str:
    """The same for the same changes, so that whoever gets a message twice can tell."""
    parts = [f"{news.change} {news.case.decision.decision_id}" for news in group.news]
    whole = "\n".join([group.severity, group.addressee, *parts])
    return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
