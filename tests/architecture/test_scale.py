"""benchmarks/scale.py: its formulas by hand, its defaults against the catalog, and the tables in docs/operators.md."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY / "benchmarks"))

from scale import ACCOUNTS, report, short  # noqa: E402 - found by the path above
from scale_cost import EVALUATIONS, LOGGED_GB, monthly, tiered  # noqa: E402
from scale_load import Assumptions, Layout, load  # noqa: E402

ONE = Assumptions(
    resources=100, changes=2, policies=3, scheduled=1, scheduled_rules=5, schedules=1, sweeps=1, sweep_hours=1, peak=10,
    seconds=0.5, seconds_per_resource=0.1, failing=0.1, worsening=0.1, refresh_days=30, event_log=1000, decision_log=100,
)  # fmt: skip


def scale(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "scale.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_tables_of_the_documents_are_those_of_the_script():
    done = scale()
    assert (done.returncode, done.stdout) == (0, report(Assumptions(), ACCOUNTS) + "\n")
    assert done.stdout in (REPOSITORY / "docs" / "operators.md").read_text()


def test_how_many_policies_speak_of_a_resource_is_taken_from_the_catalog():
    policies = json.loads((REPOSITORY / "data/catalog/data.json").read_text())["policies"]
    typed = [one for one in policies.values() if "*" not in one["resource_types"]]
    types = {kind for one in typed for kind in one["resource_types"]}
    scheduled = [one for one in typed if one.get("schedule")]
    default = Assumptions()
    assert (round(len(typed) / len(types), 1), round(len(scheduled) / len(types), 1)) == (
        default.policies,
        default.scheduled,
    )
    assert len(scheduled) == default.scheduled_rules


def test_rules_by_policy_are_invoked_once_for_each_policy_of_the_type():
    made = load(ONE, 10, Layout.POLICY)
    # 10 times 100 resources: 2,000 changes for 3 policies; one scheduled policy of each by the sweep, and once more by its schedule
    assert (made.changes, made.events, made.evaluations, made.decisions) == (2000, 7000, 8000, 8000)
    assert made.schedule_invocations == 50
    assert made.put_evaluations == made.objects == 7000 + 50  # 20 resources for each schedule: one page
    assert made.imports == 6000 * 0.1 + 1000 * 3 * 0.1 / 30
    assert made.writes == 8000 + made.imports
    assert made.log_bytes == 7050 * 1000 + 8000 * 100
    assert made.lambda_seconds == 7000 * 0.5 + 1000 * 0.1


def test_an_umbrella_is_invoked_once_and_decides_by_all_its_policies():
    made = load(ONE, 10, Layout.UMBRELLA)
    assert (made.events, made.evaluations, made.decisions) == (3000, 4000, 12000)
    assert (made.schedule_invocations, made.seconds_of_a_schedule) == (10, 10.0)
    assert made.imports == load(ONE, 10, Layout.POLICY).imports


def test_without_scheduled_policies_nobody_is_evaluated_anew():
    for layout in Layout:
        made = load(replace(ONE, scheduled=0), 10, layout)
        assert (made.schedule_invocations, made.sweep_events_at_peak) == (0, 0)
        assert made.evaluations == made.events


def test_sandboxes_are_events_in_a_second_times_seconds_of_an_event():
    made = load(ONE, 86_400, Layout.UMBRELLA)
    assert made.change_events_at_peak == 100 * 2 * 10
    assert made.sweep_events_at_peak == 2400
    assert made.sandboxes_at_peak == 2400 * 0.5
    assert made.sandboxes_for_a_new_layer == 86_400 * 100 * 0.5 / (6 * 3600)


def test_first_findings_of_an_account_come_at_ten_in_a_second():
    assert load(ONE, 10, Layout.POLICY).seconds_of_first_imports == 3.0


@pytest.mark.parametrize(("count", "cost"), [(0, 0), (100_000, 100), (500_000, 420), (1_500_000, 920)])
def test_evaluations_cost_less_the_more_there_are(count, cost):
    assert tiered(count, EVALUATIONS) == pytest.approx(cost)


def test_logs_cost_less_the_more_there_are():
    assert tiered(35_000, LOGGED_GB) == pytest.approx(10_000 * 0.5 + 20_000 * 0.25 + 5_000 * 0.1)


def test_a_month_has_thirty_days_of_items_events_and_units():
    given = replace(ONE, resources=1e6 / 30, changes=1, policies=1, schedules=0, sweeps=0, failing=0, worsening=0)
    cost = monthly(given, load(given, 1, Layout.UMBRELLA))
    assert cost["AWS Config: items"] == pytest.approx(3000)
    assert cost["AWS Config: evaluations"] == pytest.approx(100 + 320 + 250)
    assert cost["Lambda"] == pytest.approx(0.2 + 1e6 * 0.5 * 0.0000133334)
    assert cost["DynamoDB"] == pytest.approx(0.625 + 0.125)
    assert cost["decision log in S3: requests"] == pytest.approx(5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.1234, "0.12"), (3.0, "3"), (9.96, "10"), (45.6, "46"), (1234, "1,200"), (13_200_000, "13,000,000")],
)
def test_two_digits_are_shown(value, text):
    assert short(value) == text


def test_own_numbers_are_taken_and_shown():
    done = scale("--accounts", "1000", "--resources", "500")
    assert done.returncode == 0
    assert done.stdout.strip() == report(Assumptions(resources=500), [1000])
    assert "| `--resources` | resources in an account, of the types that policies speak of | 500 |" in done.stdout


@pytest.mark.parametrize("arguments", [("--accounts", "0"), ("--resources", "-1"), ("--sweep-hours", "0")])
def test_numbers_that_cannot_be_are_refused(arguments):
    done = scale(*arguments)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        2,
        "scale.py: error: numbers are positive; only shares and what happens in a day may be 0",
    )
