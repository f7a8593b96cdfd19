"""Records of a log as short as a test can say them."""

from __future__ import annotations

import orjson
import pytest

from opalite.adapters.row_store import RowStore
from opalite.report import history
from opalite.report.row import Row, row

RECORD = {
    "schema_version": 1,
    "partition": "aws",
    "account_id": "111122223333",
    "region": "eu-west-1",
    "resource_type": "AWS::S3::Bucket",
    "resource_id": "reports",
    "policy_id": "p",
    "outcome": "fail",
    "stage": "enforce",
    "severity": "HIGH",
    "compliance_type": "NON_COMPLIANT",
    "exemption": None,
    "judged": "{}",
}


def moment(text):
    """`3` is the third day at midnight, `3 12:00` that noon."""
    day, _, time = text.partition(" ")
    return f"2026-11-{int(day):02}T{time or '00:00'}:00.000Z"


class Log:
    """Grows by a record at a time, and is read in any order."""

    def __init__(self):
        self.records = []

    def says(self, at, outcome="fail", captured=None, held="a.jsonl.gz", **more):
        evaluated_at = moment(at)
        capture_time = evaluated_at if captured is None else moment(captured)
        known = {**RECORD, "evaluated_at": evaluated_at, "capture_time": capture_time, "outcome": outcome, **more}
        known.setdefault("decision_id", f"{len(self.records):064x}")
        self.records.append((held, known))
        return self

    def rows(self):
        return [row(orjson.dumps(record), name) for name, record in self.records]

    def grouped(self, by=history.KEY, within=history.ORDER):
        with RowStore(Row._fields) as store:
            store.add(reversed(self.rows()))
            return list(store.grouped(by, within))

    def histories(self):
        return list(history.histories(self.grouped()))


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def record():
    return {**RECORD, "decision_id": "a" * 64, "evaluated_at": moment("1"), "capture_time": None}


@pytest.fixture(name="moment")
def moment_():
    return moment
