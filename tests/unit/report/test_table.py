"""Tables for people."""

from __future__ import annotations

import pytest

from opalite.report.churn import churn
from opalite.report.evaluations import KEY, ORDER, evaluations
from opalite.report.exemptions import exemptions
from opalite.report.table import tables
from opalite.report.time_to_fix import time_to_fix

NOW = "2026-11-30T00:00:00.000Z"
HOSTILE = "=cmd|' /C calc'!A0\r\n\x1b[2J\u202e\u2028[red]" + "x" * 1_000_000


def documents(log):
    histories = log.histories()
    return [
        churn(histories, "", 5),
        time_to_fix(histories, "", NOW, 5),
        exemptions(histories, "", NOW),
        evaluations(log.grouped(KEY, ORDER), "", "0.001"),
    ]


def test_a_table_of_each_list_and_the_totals(log):
    log.says("1").says("1 00:38", "pass").says("2").says("4 05:00", "pass").says("29 22:57")
    log.says("1", severity="LOW", policy_id="q", resource_id="logs").says(
        "2", "exempt", policy_id="q", resource_id="logs"
    )
    text = tables(time_to_fix(log.histories(), "", NOW, 5))
    first, *_, last, total = text.split("\n\n")
    assert first.splitlines() == [
        "By severity",
        "severity   fixed      mean    median   excused   removed   withdrawn   open   open since",
        "────────   ─────   ───────   ───────   ───────   ───────   ─────────   ────   ─────────────────",
        "HIGH           2   1 d 2 h   1 d 2 h                                      1   2026-11-29T22:57Z",
        "LOW                                          1",
    ]
    assert last.splitlines() == [
        "Open for longest",
        "since                     for   severity   policy   account        region      type              resource",
        "─────────────────   ─────────   ────────   ──────   ────────────   ─────────   ───────────────   ────────",
        "2026-11-29T22:57Z   1 h 3 min   HIGH       p        111122223333   eu-west-1   AWS::S3::Bucket   reports",
    ]
    assert total == (
        "Total: fixed 2, mean 1 d 2 h, median 1 d 2 h, excused 1, removed 0, withdrawn 0, open 1, open since 2026-11-29T22:57Z"
    )


def test_what_others_have_named_so_stays_in_its_cell(log):
    given = {"id": HOSTILE, "owner": HOSTILE, "ticket": HOSTILE, "expires": HOSTILE}
    names = dict.fromkeys(("resource_id", "resource_type", "region", "account_id", "policy_id"), HOSTILE)
    log.says("1", **names).says("2", "pass", **names).says("3", **names)
    log.says("1", "exempt", exemption=given, **{**names, "policy_id": "p"})
    for document in documents(log):
        text = tables(document)
        assert all(line.isprintable() for line in text.split("\n"))
        assert max(map(len, text.split("\n"))) < 600
        assert len(text.split("\n")) < 40


def test_nothing_at_all_is_a_line(log):
    assert [tables(document) for document in documents(log)] == [
        "Total: decisions 0, resources 0, changed resources 0, changes 0, reopened 0, to undetermined 0",
        "Total: fixed 0, excused 0, removed 0, withdrawn 0, open 0",
        "Total: exemptions 0, resources 0, expired 0",
        "Total: decisions 0, evaluations 0, cost 0.00",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "expired"), (59, "0 min"), (3_599, "59 min"), (3_600, "1 h 0 min"), (90_000, "1 d 1 h"), (None, "")],
)
def test_spans_have_two_units(seconds, shown):
    row = dict.fromkeys(("exemption_id", "policy_id", "owner", "ticket", "expires", "last_used"), "x")
    document = {
        "report": "exemptions",
        "total": {},
        "exemptions": [{**row, "seconds_left": seconds, "resources": 1, "accounts": 1}],
    }
    cells = tables(document).splitlines()[3].split("   ")
    assert shown in [cell.strip() for cell in cells]
