"""Evaluations, and what they may have cost."""

from __future__ import annotations

import pytest

from opalite.report.evaluations import KEY, ORDER, PRICE_USD, evaluations


@pytest.fixture
def counted(log):
    return lambda since="", price=PRICE_USD: evaluations(log.grouped(KEY, ORDER), since, price)


def test_decisions_of_one_rule_about_one_resource_are_one_evaluation(log, counted):
    log.says("1", policy_id="p").says("1", policy_id="q")  # an umbrella
    log.says("1", policy_id="p", held="b")  # a rule of its own
    log.says("2", policy_id="p", account_id="444455556666")
    assert counted() == {
        "report": "evaluations",
        "price": 0.001,
        "total": {"decisions": 4, "evaluations": 3, "cost": 0.003},
        "by_policy": [
            {"policy_id": "p", "decisions": 3, "evaluations": 3, "cost": 0.0025},
            {"policy_id": "q", "decisions": 1, "evaluations": 1, "cost": 0.0005},
        ],
        "by_account": [
            {"account_id": "111122223333", "decisions": 3, "evaluations": 2, "cost": 0.002},
            {"account_id": "444455556666", "decisions": 1, "evaluations": 1, "cost": 0.001},
        ],
    }


def test_what_aws_config_was_not_told_costs_nothing(log, counted):
    log.says("1", "undetermined", compliance_type=None).says("1", policy_id="q", stage="audit", compliance_type=None)
    assert counted()["total"] == {"decisions": 2, "evaluations": 0, "cost": 0.0}


def test_an_object_that_was_given_twice_counts_once(log, counted):
    log.says("1", decision_id="1" * 64).says("1", decision_id="1" * 64)
    assert counted()["total"] == {"decisions": 1, "evaluations": 1, "cost": 0.001}


def test_the_price_and_the_first_day_are_those_that_are_given(log, counted, moment):
    log.says("1").says("3")
    assert counted(moment("2"), "0.0005")["total"] == {"decisions": 1, "evaluations": 1, "cost": 0.0005}
