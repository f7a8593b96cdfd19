"""Counts and exit codes."""

from __future__ import annotations

import pytest

from opalite.cli.summary import Summary, counted
from opalite.model import Decision, Outcome, Severity


def decision(outcome=Outcome.FAIL, severity=Severity.HIGH, stage="enforce", **more):
    given = {
        "account_id": "111111111111", "region": "r", "resource_type": "T", "resource_id": "x", "arn": None, "capture_time": None,
        "evaluated_at": "t", "policy_id": "aws.a.b.c", "policy_version": "1.0.0", "compliance_type": None, "annotation": "",
        "violations": [], "unknown": [], "reasons": [], "exemption": None, "decision_id": "d", "bundle_revision": "r",
        "opa_version": "o", "input_digest": "i", "outcome": outcome, "severity": severity, "stage": stage,
    } | more  # fmt: skip
    return Decision(**given)


def code(*decisions, fail_on=Severity.INFORMATIONAL, allow_undetermined=False, **counts):
    summary = Summary(**counts)
    for entry in decisions:
        summary.add(entry)
    return summary.exit_code(fail_on=fail_on, allow_undetermined=allow_undetermined)


UNDETERMINED = decision(Outcome.UNDETERMINED)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (code(), 0),
        (code(decision(Outcome.PASS), decision(Outcome.EXEMPT), decision(Outcome.NOT_APPLICABLE)), 0),
        (code(decision()), 1),
        (code(decision(severity=Severity.LOW), fail_on=Severity.HIGH), 0),
        (code(decision(severity=Severity.HIGH), fail_on=Severity.HIGH), 1),
        (code(decision(stage="audit")), 0),
        (code(UNDETERMINED), 1),
        (code(UNDETERMINED, allow_undetermined=True), 0),
        (code(decision(Outcome.UNDETERMINED, stage="audit")), 0),
        (code(decision(), problems=1), 2),
        (code(decision(), problems=1, faults=1), 3),
    ],
)
def test_the_highest_exit_code_wins(got, expected):
    assert got == expected


def test_counts():
    summary = Summary(items=3)
    for entry in (
        decision(),
        decision(Outcome.EXEMPT, exemption={"id": "EX-1"}),
        decision(Outcome.PASS, account_id="2"),
    ):
        summary.add(entry)
    summary.without_policy.update({"AWS::X::Y": 2})
    assert summary.document() == {
        "items": 3,
        "decisions": 3,
        "unreadable": 0,
        "outcomes": {"exempt": 1, "fail": 1, "pass": 1},
        "by_policy": {"aws.a.b.c": {"exempt": 1, "fail": 1, "pass": 1}},
        "by_account": {"111111111111": {"exempt": 1, "fail": 1}, "2": {"pass": 1}},
        "by_severity": {"HIGH": 1},
        "without_policy": {"AWS::X::Y": 2},
    }
    assert summary.exemptions == {("aws.a.b.c", "EX-1")}


def test_the_notice_about_types_without_a_policy_names_the_most_frequent():
    summary = Summary()
    assert summary.notice() is None
    summary.without_policy.update({f"AWS::X::T{number}": number for number in range(1, 8)})
    assert summary.notice() == (
        "28 items of types without a policy were not judged: AWS::X::T7 (7), AWS::X::T6 (6), AWS::X::T5 (5), AWS::X::T4 (4), "
        "AWS::X::T3 (3) and 2 more types"
    )


def test_of_one_the_notice_speaks_in_the_singular():
    summary = Summary()
    summary.without_policy.update(["AWS::X::Y"])
    assert summary.notice() == "1 item of a type without a policy was not judged: AWS::X::Y (1)"


@pytest.mark.parametrize(("number", "text"), [(0, "0 items"), (1, "1 item"), (2, "2 items")])
def test_things_are_counted(number, text):
    assert counted(number, "item") == text
