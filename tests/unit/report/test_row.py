"""Lines of the log as rows, and what is none."""

from __future__ import annotations

import orjson
import pytest

from opalite.report.row import Row, RowFault, row


def test_a_record_becomes_a_row(record):
    exemption = {
        "id": "EX-1",
        "owner": "web",
        "ticket": "W-1",
        "expires": "2027-01-01T00:00:00Z",
        "reason": "r",
        "scope": None,
    }
    line = orjson.dumps({**record, "outcome": "exempt", "capture_time": "2026-10-31T10:00:00Z", "exemption": exemption})
    assert row(line, "o.jsonl.gz") == Row(
        object="o.jsonl.gz",
        decision_id="a" * 64,
        partition="aws",
        account_id="111122223333",
        region="eu-west-1",
        resource_type="AWS::S3::Bucket",
        resource_id="reports",
        policy_id="p",
        outcome="exempt",
        stage="enforce",
        severity="HIGH",
        captured="2026-10-31T10:00:00.000Z",
        evaluated_at="2026-11-01T00:00:00.000Z",
        told=1,
        exemption_id="EX-1",
        owner="web",
        ticket="W-1",
        expires="2027-01-01T00:00:00Z",
    )


def test_what_was_not_captured_counts_from_when_it_was_judged(record):
    found = row(orjson.dumps({**record, "compliance_type": None}), "o")
    assert (found.captured, found.told) == (record["evaluated_at"], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "is a record of another version; this opalite reads version 1"),
        ({"schema_version": True}, "is a record of another version; this opalite reads version 1"),
        ({"outcome": "great"}, "lacks outcome, or has it in another form: is it cut or changed?"),
        ({"severity": []}, "lacks severity, or has it in another form: is it cut or changed?"),
        (
            {"account_id": 1, "region": None},
            "lacks account_id, region, or has it in another form: is it cut or changed?",
        ),
        (
            {"evaluated_at": "x", "capture_time": []},
            "lacks evaluated_at, capture_time, or has it in another form: is it cut or changed?",
        ),
        ({"exemption": "all"}, "lacks exemption, or has it in another form: is it cut or changed?"),
    ],
)
def test_what_is_no_record_is_named_without_what_it_says(record, change, message):
    with pytest.raises(RowFault) as caught:
        row(orjson.dumps({**record, **change}), "o")
    assert str(caught.value) == message


@pytest.mark.parametrize("line", [b"", b"{", b"\xff", b"[]", b"1", b'{"policy_id": "p"}', b'{"a": "\\ud800"}'])
def test_what_is_no_json_or_something_else_is_told(line):
    with pytest.raises(RowFault):
        row(line, "o")
