"""Verdicts that go to and fro."""

from __future__ import annotations

from opalite.report.churn import churn

NOTHING = {"decisions": 0, "resources": 0, "changed_resources": 0, "changes": 0, "reopened": 0, "to_undetermined": 0}


def test_changes_are_counted_by_policy_and_account_and_by_resource(log, moment):
    for day, outcome in enumerate(("pass", "fail", "pass", "undetermined", "fail", "fail"), 1):
        log.says(str(day), outcome)
    log.says("1", "fail", resource_id="logs").says("2", "pass", resource_id="logs")
    log.says("1", "pass", policy_id="q", account_id="444455556666")
    counts = {"decisions": 8, "resources": 2, "changed_resources": 2, "changes": 5, "reopened": 2, "to_undetermined": 1}
    quiet = {**NOTHING, "decisions": 1, "resources": 1}
    assert churn(log.histories(), "", 10) == {
        "report": "churn",
        "total": {**counts, "decisions": 9, "resources": 3},
        "by_policy": [{"policy_id": "p", **counts}, {"policy_id": "q", **quiet}],
        "by_account": [{"account_id": "111122223333", **counts}, {"account_id": "444455556666", **quiet}],
        "flappiest": [
            {
                "policy_id": "p",
                "account_id": "111122223333",
                "region": "eu-west-1",
                "resource_type": "AWS::S3::Bucket",
                "resource_id": "reports",
                "changes": 4,
                "reopened": 2,
                "outcome": "fail",
            }
        ],
    }


def test_what_is_older_is_only_what_it_changed_from(log, moment):
    log.says("1", "pass").says("2", "fail").says("3", "pass")
    log.says("1", "pass", resource_id="old").says("2", "fail", resource_id="old")
    counts = {**NOTHING, "decisions": 1, "resources": 1, "changed_resources": 1, "changes": 1}
    assert churn(log.histories(), moment("3"), 10)["total"] == counts


def test_late_decisions_stand_where_their_item_was_captured(log):
    log.says("1", "pass").says("3", "fail").says(
        "4", "pass", captured="2"
    )  # a schedule that did not know of the third day
    assert churn(log.histories(), "", 10)["total"]["changes"] == 1


def test_a_decision_that_two_rules_asked_for_counts_once(log):
    for name in ("a", "b"):
        log.says("1", "pass", held=name, decision_id="1" * 64).says("2", "fail", held=name, decision_id="2" * 64)
    assert churn(log.histories(), "", 10)["total"]["decisions"] == 2


def test_no_more_resources_are_named_than_asked_for(log):
    for number, name in enumerate(("b", "c", "a", "d")):
        for day in range(1, 5 + number % 3):
            log.says(str(day), "pass" if day % 2 else "fail", resource_id=name)
    shown = churn(log.histories(), "", 3)["flappiest"]
    assert [(one["resource_id"], one["changes"]) for one in shown] == [("a", 5), ("c", 4), ("b", 3)]


def test_nothing_is_nothing():
    assert churn([], "", 5) == {"report": "churn", "total": NOTHING, "by_policy": [], "by_account": [], "flappiest": []}
