"""What is told of exemptions beside their findings: all of it, or it is still pending; and never over something newer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from opalite.config_rule.suppressing import Imported, release_overtaken, tell
from opalite.errors import AwsError, DeliveryError
from opalite.model import Outcome, Severity, Standing
from opalite.publish.suppression import RELEASE, released

EXEMPTION = {"id": "EX-1", "ticket": "SEC-1", "expires": "2026-12-31T00:00:00Z"}
NOW = "2026-11-20T08:00:00.000Z"


def standing(name, *, content="c+suppressed", pending=("securityhub",)):
    return Standing(
        finding_id=name,
        outcome=Outcome.EXEMPT,
        stage="enforce",
        severity=Severity.HIGH,
        capture_time=NOW,
        evaluated_at=NOW,
        decision_id="d",
        since=NOW,
        first_observed_at=NOW,
        content=content,
        status="WARNING",
        sent_at=NOW,
        pending=pending,
    )


def finding(name):
    return {"Id": name, "ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"}


def imported(name, *, exemption=EXEMPTION, **more):
    return Imported(finding(name), standing(name, **more), exemption)


@dataclass
class Workflow:
    refuses: frozenset[str] = frozenset()
    told: list[tuple[str, str]] = field(default_factory=list)

    def put(self, updates, *, deadline, taken):
        assert deadline() == 60
        for update in updates:
            (one,) = update["FindingIdentifiers"]
            if one["Id"] not in self.refuses:
                self.told.append((one["Id"], update["Workflow"]["Status"]))
                taken([one["Id"]])
        if self.refuses:
            raise DeliveryError(f"not taken: {', '.join(sorted(self.refuses))}")


@dataclass
class Found:
    standings: dict[str, Standing]
    faults: dict[str, str]


@dataclass
class Standings:
    """The table as somebody else has left it."""

    found: Found | AwsError
    asked: list[str] = field(default_factory=list)

    def get(self, keys, *, deadline):
        assert deadline() == 60
        self.asked += keys
        if isinstance(self.found, AwsError):
            raise self.found
        return self.found


def deadline():
    return 60


def after(*, workflow=None, found=None, of=None, replaced=("a",)):
    """What is released, and what is a problem."""
    workflow, problems = workflow or Workflow(), []
    table = Standings(found or Found({}, {}))
    taken = of or [imported("a"), imported("b")]
    release_overtaken(workflow, table, taken, [standing(name) for name in replaced], deadline, problems)
    return workflow.told, table.asked, problems


def test_what_is_told_whole_may_be_settled():
    workflow, problems = Workflow(), []
    plain, ended = imported("p", exemption=None, content="c"), imported("e", exemption=None, content="c")
    ended = replace(ended, standing=replace(ended.standing, pending=("securityhub", RELEASE)))
    done = tell(workflow, [imported("a"), plain, ended], deadline, problems)
    assert [one.finding_id for one in done] == ["a", "p", "e"]
    assert (workflow.told, problems) == ([("a", "SUPPRESSED"), ("e", "NEW")], [])


def test_what_was_not_updated_stays_pending_and_is_a_problem():
    workflow, problems = Workflow(refuses=frozenset({"b"})), []
    done = tell(workflow, [imported("a"), imported("b"), imported("c")], deadline, problems)
    assert ([one.finding_id for one in done], problems) == (["a", "c"], ["not taken: b"])


def test_where_nothing_is_suppressed_nobody_is_asked():
    workflow, problems = Workflow(refuses=frozenset({"a"})), []
    plain = imported("a", exemption=None, content="c")
    assert tell(workflow, [plain], deadline, problems) == [plain.standing]
    assert after(of=[plain]) == ([], [], [])
    assert after(replaced=()) == ([], [], [])
    assert problems == []


def test_what_somebody_newer_does_not_hold_to_be_exempt_is_released():
    newer = {"a": standing("a", content="c")}
    assert after(found=Found(newer, {})) == ([("a", "NEW")], ["a"], [])
    assert after(found=Found({}, {})) == ([("a", "NEW")], ["a"], [])


def test_what_somebody_newer_holds_to_be_exempt_too_stays_suppressed():
    assert after(found=Found({"a": standing("a", pending=())}, {})) == ([], ["a"], [])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (Found({}, {"a": "it was edited"}), "standing of a: it was edited"),
        (AwsError("too fast"), "findings may be suppressed that are not exempt any more: too fast"),
    ],
)
def test_what_cannot_be_read_is_a_problem(found, told):
    assert after(found=found) == ([], ["a"], [told])


def test_a_release_that_fails_is_a_problem():
    assert after(workflow=Workflow(refuses=frozenset({"a"}))) == ([], ["a"], ["not taken: a"])
    assert released(finding("a"))["Workflow"] == {"Status": "NEW"}
