"""How failures begin and end."""

from __future__ import annotations

import pytest

from opalite.report.time_to_fix import End, failures, time_to_fix

DAY = 86_400
NOW = "2026-11-30T00:00:00.000Z"


def ends(log):
    return [
        (one.began[8:10], one.ended and one.ended[8:10], one.end)
        for history in log.histories()
        for one in failures(history)
    ]


@pytest.mark.parametrize(
    ("outcome", "more", "end"),
    [
        ("pass", {}, ("01", "03", End.FIXED)),
        ("exempt", {}, ("01", "03", End.EXCUSED)),
        ("not_applicable", {}, ("01", "03", End.REMOVED)),
        ("fail", {"stage": "audit"}, ("01", "03", End.WITHDRAWN)),
        ("pass", {"stage": "audit"}, ("01", "03", End.WITHDRAWN)),
        ("undetermined", {}, ("01", None, End.OPEN)),
        ("fail", {}, ("01", None, End.OPEN)),
    ],
)
def test_how_a_failure_ends(log, outcome, more, end):
    log.says("1", "fail").says("2", "fail").says("3", outcome, **more)
    assert ends(log) == [end]


def test_one_after_the_other(log):
    for day, outcome in enumerate(("pass", "fail", "undetermined", "pass", "fail", "not_applicable", "fail"), 1):
        log.says(str(day), outcome)
    assert ends(log) == [("02", "04", End.FIXED), ("05", "06", End.REMOVED), ("07", None, End.OPEN)]


def test_what_is_only_audited_does_not_fail(log):
    assert ends(log.says("1", "fail", stage="audit").says("2", "pass")) == []


def test_times_by_policy_severity_and_account_and_what_is_open(log):
    log.says("1").says("2", "pass")
    log.says("1", resource_id="slow").says("11", "pass", resource_id="slow")
    log.says("1", resource_id="mid").says("3", "pass", resource_id="mid")
    log.says("5", policy_id="q", severity="LOW", account_id="444455556666")
    log.says("7", policy_id="q", severity="CRITICAL", account_id="444455556666", resource_id="new")
    log.says("1", "pass", policy_id="r")
    none = {"fixed": 0, "mean_seconds": None, "median_seconds": None, "excused": 0, "removed": 0, "withdrawn": 0}
    took = {
        **none,
        "fixed": 3,
        "mean_seconds": round(13 * DAY / 3),
        "median_seconds": 2 * DAY,
        "open": 0,
        "open_since": None,
    }
    low, critical = "2026-11-05T00:00:00.000Z", "2026-11-07T00:00:00.000Z"
    place = {"policy_id": "q", "account_id": "444455556666", "region": "eu-west-1", "resource_type": "AWS::S3::Bucket"}
    assert time_to_fix(log.histories(), "", NOW, 10) == {
        "report": "time-to-fix",
        "total": {**took, "open": 2, "open_since": low},
        "by_policy": [{"policy_id": "q", **none, "open": 2, "open_since": low}, {"policy_id": "p", **took}],
        "by_severity": [
            {"severity": "CRITICAL", **none, "open": 1, "open_since": critical},
            {"severity": "HIGH", **took},
            {"severity": "LOW", **none, "open": 1, "open_since": low},
        ],
        "by_account": [
            {"account_id": "444455556666", **none, "open": 2, "open_since": low},
            {"account_id": "111122223333", **took},
        ],
        "oldest_open": [
            {**place, "resource_id": "reports", "severity": "LOW", "since": low, "seconds": 25 * DAY},
            {**place, "resource_id": "new", "severity": "CRITICAL", "since": critical, "seconds": 23 * DAY},
        ],
    }


def test_fixes_before_the_first_day_do_not_count_but_failures_from_then_do(log, moment):
    log.says("1").says("2", "pass").says("3").says("9", "pass")
    total = time_to_fix(log.histories(), moment("5"), NOW, 10)["total"]
    assert (total["fixed"], total["mean_seconds"]) == (1, 6 * DAY)
    log.says("3", resource_id="open")
    assert time_to_fix(log.histories(), moment("5"), NOW, 10)["total"]["open"] == 1


def test_a_fix_that_was_judged_as_of_an_earlier_time_took_no_time(log):
    log.says("2 12:00", captured="1").says("2 11:00", "pass", captured="2 11:00")
    assert time_to_fix(log.histories(), "", NOW, 10)["total"]["mean_seconds"] == 0


def test_the_oldest_are_named_whatever_their_number(log):
    for number in range(50):
        log.says(str(30 - number % 30), resource_id=f"r{number:02}")
    shown = time_to_fix(log.histories(), "", NOW, 3)["oldest_open"]
    assert [(one["resource_id"], one["since"][8:10]) for one in shown] == [("r29", "01"), ("r28", "02"), ("r27", "03")]
