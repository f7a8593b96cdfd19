"""The overview of policies: by resource type, by severity, by tag, by framework. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from opalite.metadata import EVERY_TYPE
from opalite.model import JsonObject, Severity
from opalite.policy_page import markdown
from opalite.policy_page.frameworks import full_name
from opalite.policy_page.tags import meaning

_READING = (
    "Look up the policy that your decision names. `fail`: its page says when that is, and under Remediation what to do. "
    "`undetermined`: nobody has told what the verdict hangs on; see Facts, and ask whoever runs Opalite. `exempt`: it fails, and is "
    "excused until the time that the decision names."
)
_CHOOSING = (
    "A catalog tag chooses policies without naming each: `opalite evaluate --tag TAG`. Later versions may add policies to a "
    "tag."
)


def overview(entries: Mapping[str, JsonObject]) -> str:
    """The overview as Markdown, with links to the pages beside it."""
    count = f"{len(entries)} {'policy' if len(entries) == 1 else 'policies'}"
    parts = [
        "# Policies",
        f"{count}, by resource type, by severity, by tag and by framework. Each has a page.",
        _READING,
    ]
    parts += ["## By resource type", _by_type(entries), "## By severity", _by_severity(entries)]
    tags = _by_tag(entries)
    if tags:
        parts += ["## By tag", _CHOOSING, markdown.table(("tag", "stands for", "policies"), tags)]
    frameworks = list(_by_framework(entries))
    return "\n\n".join([*parts, *(["## By framework", *frameworks] if frameworks else [])]) + "\n"


def _by_type(entries: Mapping[str, JsonObject]) -> str:
    by_type: dict[str, list[str]] = {}
    for policy_id in sorted(entries):
        for kind in entries[policy_id]["resource_types"]:
            by_type.setdefault(kind, []).append(policy_id)
    rows = [
        (
            "" if place else "every type" if kind == EVERY_TYPE else kind,
            _link(policy_id),
            entries[policy_id]["severity"],
            entries[policy_id]["title"] + (" (retired)" if entries[policy_id].get("deprecated") else ""),
        )
        for kind, policy_ids in sorted(by_type.items())
        for place, policy_id in enumerate(policy_ids)
    ]
    return markdown.table(("type", "policy", "severity", "good state"), rows)


def _by_severity(entries: Mapping[str, JsonObject]) -> str:
    rows = []
    for severity in reversed(Severity):
        found = [policy_id for policy_id in sorted(entries) if entries[policy_id]["severity"] == severity]
        if found:
            rows.append((str(severity), str(len(found)), _links(found)))
    return markdown.table(("severity", "policies", "which"), rows)


def _by_tag(entries: Mapping[str, JsonObject]) -> list[tuple[str, str, str]]:
    by_tag: dict[str, list[str]] = {}
    for policy_id in sorted(entries):
        for tag in entries[policy_id].get("tags") or ():
            by_tag.setdefault(tag, []).append(policy_id)
    return [(f"`{tag}`", meaning(tag), _links(found)) for tag, found in sorted(by_tag.items())]


def _by_framework(entries: Mapping[str, JsonObject]) -> Iterator[str]:
    by_key: dict[str, dict[str, list[str]]] = {}
    for policy_id in sorted(entries):
        for key, required in (entries[policy_id].get("frameworks") or {}).items():
            for requirement in required:
                by_key.setdefault(key, {}).setdefault(requirement, []).append(policy_id)
    for key, by_requirement in sorted(by_key.items()):
        yield f"### {full_name(key)}"
        rows = [(requirement, _links(found)) for requirement, found in sorted(by_requirement.items(), key=_natural)]
        yield markdown.table(("requirement", "policies"), rows)


def _natural(pair: tuple[str, list[str]]) -> list[tuple[int, str]]:
    """EC2.2 goes before EC2.18."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", pair[0])]


def _link(policy_id: str) -> str:
    return f"[`{policy_id}`]({policy_id}.md)"


def _links(policy_ids: Iterable[str]) -> str:
    return ", ".join(_link(policy_id) for policy_id in policy_ids)
