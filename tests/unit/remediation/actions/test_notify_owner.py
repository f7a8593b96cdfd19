"""What the owner is told."""

from __future__ import annotations

import pytest

from opalite.remediation.actions.notify_owner import ACTION, plan
from opalite.remediation.reading.loadbalancer import CLASSIC, NEXT
from unit.remediation.actions.cases import found, target

MONTH = "it costs about $16.43 a month (list price of us-east-1, 2025; an estimate without traffic)"


def told(since, resource_type=NEXT, kind="application"):
    evidence = {"path": [], "actual": {"targets": 0, "since": since, "days": None}, "expected": "at least one"}
    violation = {"message": "no registered targets", "subject": "targets", "evidence": evidence}
    return plan(found(ACTION, target("x", resource_type, "id"), {"kind": kind}, violations=[violation]))


def test_since_when_and_what_that_has_cost():
    made = told("2026-11-20T12:00:00.000Z")
    assert (made.steps, made.refusal) == ((), "")
    assert made.instructions == (
        "no registered targets",
        MONTH,
        "since 2026-11-20T12:00:00.000Z, when it was last used at the latest, that is about $5.40",
    )


@pytest.mark.parametrize("since", [None, "", "soon", "2026-11-20T12:00:00", "2027-01-01T00:00:00Z", 5])
def test_nothing_is_said_of_a_time_that_is_not_known(since):
    assert told(since).instructions == ("no registered targets", MONTH)


def test_of_a_kind_without_a_price_the_cost_is_not_told():
    assert told(None, CLASSIC, "other").instructions == ("no registered targets",)


def test_of_other_types_there_is_no_cost():
    made = plan(found(ACTION, target("p", "AWS::EC2::Instance", "i-1"), {"instance": {}}))
    assert made.instructions == ("it does not comply with p",)
