"""A group of changes → the subject and the text of a mail. Pure.

Each line begins with what we wrote, and what others wrote stays within its line: nobody can forge a line by a name or a tag.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opalite.model import Decision, Outcome
from opalite.publish.addressees import (
    ACCOUNT_CHARACTERS,
    BY_CLOUDTRAIL,
    POLICY_CHARACTERS,
    REGION_CHARACTERS,
    Group,
    News,
)
from opalite.publish.annotation import detail, excuse, gap
from opalite.publish.console import timeline
from opalite.publish.foreign import ascii_line, harmless
from opalite.publish.life import Change

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: Subject, one line of less than 100 characters. ASCII, because
# programs for mail and older forms of the API take nothing else for granted.
SUBJECT_CHARACTERS = 99
DECISION_CHARACTERS = 64  # an id is told whole, or it is of no use
_LINE = 300  # characters of what others wrote; more is no reading for people
MOST_REASONS = 3  # violations, or gaps, that are told of one decision

_TOLD: Mapping[Change, tuple[str, str]] = {
    Change.NEW_FAILURE: ("new failure", "new failures"),
    Change.EXEMPTION_ENDED: ("exemption ended", "exemptions ended"),
    Change.UNDETERMINED: ("undetermined", "undetermined"),
    Change.WORSE: ("failure of a higher severity", "failures of a higher severity"),
    Change.EXEMPTION_ENDS_SOON: ("exemption ends soon", "exemptions end soon"),
    Change.ACTION_NEEDED: ("action needed", "actions needed"),
}
_REFERENCE = re.compile(r"https://[!-~]{1,300}")


def subject(group: Group) -> str:
    """The gravity, what happened how often, where; the policy's title if it is one policy."""
    accounts = {news.case.decision.account_id for news in group.news}
    policies = {news.case.decision.policy_id for news in group.news}
    where = ascii_line(next(iter(accounts)), ACCOUNT_CHARACTERS) if len(accounts) == 1 else f"{len(accounts)} accounts"
    what = title(group.news[0]) if len(policies) == 1 else f"{len(policies)} policies"
    count = headline(group) if len(group.news) > 1 else _TOLD[group.news[0].change][0]
    return ascii_line(f"Opalite {group.severity}: {count} in {where}: {what}", SUBJECT_CHARACTERS)


def text(group: Group, most: int, room: int) -> str:
    """`most`: so many changes are listed, the others counted. `room`: for each thing that others wrote."""
    room = min(room, _LINE)
    lines = [f"{group.severity}: {headline(group)}", f"For: {_addressee(group, room)}"]
    for number, news in enumerate(group.news[:most], 1):
        lines += ["", f"{number}. {harmless(title(news), room)}"]
        lines += [f"   {label + ':':<10} {value}" for label, value in _entry(news, room)]
    if len(group.news) > most:
        lines += ["", f"+{len(group.news) - most} more, in the counts below."]
    if len(group.news) > 1:
        lines += ["", *_counts("policy", (news.case.decision.policy_id for news in group.news), POLICY_CHARACTERS)]
        lines += ["", *_counts("account", (news.case.decision.account_id for news in group.news), ACCOUNT_CHARACTERS)]
    return "\n".join(lines) + "\n"


def headline(group: Group) -> str:
    """How many changes of which kind."""
    counts = Counter(news.change for news in group.news)
    return ", ".join(f"{counts[change]} {_TOLD[change][counts[change] > 1]}" for change in Change if counts[change])


def title(news: News) -> str:
    """Of the policy; its id where the catalog does not know it."""
    return str(news.entry.get("title") or news.case.decision.policy_id)


def reference(news: News) -> str | None:
    """Where one can read more: the first page that the policy names."""
    pages = news.entry.get("related_resources")
    first = pages[0] if isinstance(pages, Sequence) and pages else None
    link = first.get("ref") if isinstance(first, Mapping) else None
    return link if isinstance(link, str) and _REFERENCE.fullmatch(link) else None


def remedy(news: News) -> str:
    """What the policy says can be done; empty if it says nothing."""
    remediation = news.entry.get("remediation")
    return str(remediation.get("summary") or "") if isinstance(remediation, Mapping) else ""


def console(news: News) -> str | None:
    """The resource in AWS Config's console."""
    decision = news.case.decision
    partition = str(news.resource.get("partition") or "aws")
    return timeline(partition, decision.region, decision.resource_type, decision.resource_id)


def _addressee(group: Group, room: int) -> str:
    name = harmless(group.addressee, room)
    if not group.tags:
        return f"{name} (nobody else is known)"
    if group.tags == (BY_CLOUDTRAIL,):
        return f"{name} (by CloudTrail)"
    keys = ", ".join(harmless(key, room) for key in group.tags)
    return f"{name} (by the tag {keys})" if len(group.tags) == 1 else f"{name} (by the tags {keys})"


def _entry(news: News, room: int) -> Iterator[tuple[str, str]]:
    decision = news.case.decision
    name = news.resource.get("name")
    named = f" ({harmless(name, room)})" if name and name != decision.resource_id else ""
    since = harmless(news.standing.since, room)
    yield "State", f"{decision.outcome} since {since} ({_TOLD[news.change][0]})"
    policy = harmless(decision.policy_id, POLICY_CHARACTERS)
    yield "Policy", f"{policy}, version {harmless(decision.policy_version, room)}"
    yield "Resource", f"{harmless(decision.resource_type, room)} {harmless(decision.resource_id, room)}{named}"
    place = f"{harmless(decision.account_id, ACCOUNT_CHARACTERS)}, {harmless(decision.region, REGION_CHARACTERS)}"
    yield "Account", place + (f", {harmless(news.environment, room)}" if news.environment else "")
    for reason in _reasons(decision):
        yield "Why", harmless(reason, room)
    if decision.exemption is not None:
        yield "Exempt", harmless(excuse(decision.exemption), room)
    for label, value in (("Fix", harmless(remedy(news), room)), ("Read", reference(news))):
        if value:
            yield label, value
    yield "Decision", harmless(decision.decision_id, DECISION_CHARACTERS)
    link = console(news)
    if link:
        yield "Timeline", link


def _reasons(decision: Decision) -> Iterator[str]:
    if decision.outcome is Outcome.UNDETERMINED:
        told = [gap(entry) for entry in decision.unknown[:MOST_REASONS]]
    else:
        told = [_violation(entry) for entry in decision.violations[:MOST_REASONS]]
    yield from told or [decision.annotation]
    more = len(decision.unknown if decision.outcome is Outcome.UNDETERMINED else decision.violations) - len(told)
    if more:
        yield f"+{more} more"


def _violation(entry: Mapping[str, Any]) -> str:
    expected = entry.get("evidence", {}).get("expected")
    asked = f"; expected: {expected}" if isinstance(expected, str) and expected else ""
    return f"{entry['message']}{detail(dict(entry))}{asked}"


def _counts(what: str, values: Iterator[str], room: int) -> list[str]:
    counts = Counter(harmless(value, room) for value in values)
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return [f"By {what}:", *(f"   {counts[value]:>6}  {value}" for value in ranked)]
