"""Five hundred resources of an organization: fixed, deleted, exempted, exempted no more, replayed, out of order. Nothing doubled."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from emulation.aws import ACCOUNTS

INGRESS = "aws.ec2.securitygroup.restricted_ingress"
EACH = 168  # in each of three accounts; those whose number is divisible by six pass from the beginning
FAILING = EACH // 6 * 5
SIXTH = EACH // 6
EXEMPTED = {
    "exemptions": {
        INGRESS: {
            "EX-1": {
                "scope": {"resources": ["sg-exempted*"]},
                "owner": "platform", "ticket": "SEC-1", "reason": "bastions", "expires": "2026-03-20T00:00:00Z",
            }
        }
    }
}  # fmt: skip


def _name(number: int) -> str:
    fate = ("passing", "fixed", "deleted", "exempted", "staying", "late")[number % 6]
    return f"sg-{fate}-{number:04}"


class Story:
    """Three accounts with a Config rule and EACH groups of each."""

    def __init__(self, scene: Any, function: Any, group: Any) -> None:
        self.scene, self.function, self.group, self.config = scene, function, group, scene.aws.config
        self.rules = {
            account: self.config.rule(account, "ingress", parameters={"policies": INGRESS}) for account in ACCOUNTS
        }

    def recorded(self, fates: set[int], at: str, *, opened: bool) -> None:
        """Groups of these fates, as AWS Config discovers them from then on."""
        for account, number in self._numbers(fates):
            self.config.record(self.group(_name(number), account, opened=22 if opened else None, at=at))

    def scheduled(self, day: str, times: int = 1) -> list[dict[str, Any]]:
        """All Config rules are run."""
        events = [
            self.config.schedule_event(account, rule, notified_at=f"{day}T12:00:00.000Z")
            for account, rule in self.rules.items()
        ]
        self.sent(events * times)
        return events

    def sent(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            self.function(event)

    def fixed(self) -> list[dict[str, Any]]:
        return [
            self.config.change_event(self.group(_name(number), account, at="13:00:00.000"), self.rules[account])
            for account, number in self._numbers({1})
        ]

    def deleted(self) -> list[dict[str, Any]]:
        gone = {"configurationItemStatus": "ResourceDeleted", "configuration": None}
        events = []
        for account, number in self._numbers({2}):
            item = self.group(_name(number), account, at="13:00:00.000", **gone)
            self.config.record(item)
            events.append(self.config.change_event(item, self.rules[account]))
        return events

    def late(self) -> list[dict[str, Any]]:
        """Failures of before, of one that is fixed and one that is gone by now."""
        return [
            self.config.change_event(
                self.group(_name(number), account, opened=22, at="12:30:00.000"), self.rules[account]
            )
            for account in ACCOUNTS
            for number in (1, 2)
        ]

    def told(self) -> tuple[Counter[tuple[str, str]], Counter[str], int, int]:
        """Findings by status and state, changes by kind, messages, findings sent; the last three since it was asked last."""
        shown = Counter((one.status, one.state) for one in self.scene.findings().values())
        messages = self.scene.messages()
        changes: Counter[str] = sum((Counter(message["counts"]["change"]) for message in messages), Counter())
        return shown, changes, len(messages), len(self.scene.imported())

    def standing(self) -> tuple[Any, ...]:
        return self.scene.findings(), self.scene.objects(), self.scene.standings()

    def _numbers(self, fates: set[int]) -> list[tuple[str, int]]:
        return [(account, number) for account in ACCOUNTS for number in range(EACH) if number % 6 in fates]


@pytest.mark.slow
def test_five_hundred_resources_of_three_accounts(scene, deploy, group):
    story = Story(scene, deploy(), group)
    story.recorded({0}, "08:00:00.000", opened=False)
    story.recorded({1, 2, 3, 4, 5}, "08:00:00.000", opened=True)

    first = story.scheduled("2026-03-02")
    failed = Counter({("FAILED", "ACTIVE"): 3 * FAILING})
    assert story.told() == (failed, Counter(new_failure=3 * FAILING), 6, 3 * FAILING)  # a message for each page

    known = story.standing()
    story.sent([*first, *reversed(first)])  # replayed twice
    assert (story.told(), story.standing()) == ((failed, Counter(), 0, 0), known)

    changes = story.fixed() + story.deleted()
    story.sent(changes)
    passed, archived = {("PASSED", "ACTIVE"): 3 * SIXTH}, {("NOT_AVAILABLE", "ARCHIVED"): 3 * SIXTH}
    mended = Counter({("FAILED", "ACTIVE"): 9 * SIXTH, **passed, **archived})
    assert story.told() == (mended, Counter(), 0, 6 * SIXTH)

    known = story.standing()
    story.sent([*reversed(changes), *story.late()])
    findings, objects, standings = story.standing()
    assert (story.told(), findings, standings) == ((mended, Counter(), 0, 0), known[0], known[2])
    assert len(objects) == len(known[1]) + 6  # the log has what came late, and nothing twice

    story.recorded({1}, "13:00:00.000", opened=False)
    story.function = deploy(EXEMPTED)
    story.scheduled("2026-03-03")
    exempt = Counter({("FAILED", "ACTIVE"): 6 * SIXTH, ("WARNING", "ACTIVE"): 3 * SIXTH, **passed, **archived})
    assert story.told() == (exempt, Counter(), 0, 3 * SIXTH)

    story.scheduled("2026-03-10", times=2)
    assert story.told() == (exempt, Counter(exemption_ends_soon=3 * SIXTH), 3, 0)

    story.scheduled("2026-03-21", times=2)
    assert story.told() == (mended, Counter(exemption_ended=3 * SIXTH), 3, 3 * SIXTH)
    assert (scene.pending(), scene.hubs.dropped) == ({}, [])
    for account, rule in story.rules.items():
        held = Counter(one["complianceType"] for one in story.config.results(account, rule).values())
        assert held == {"NON_COMPLIANT": 3 * SIXTH, "COMPLIANT": 2 * SIXTH, "NOT_APPLICABLE": SIXTH}
