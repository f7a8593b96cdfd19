"""The page of the function says what the code needs and counts."""

from __future__ import annotations

import json
import re

import pytest

from opalite.adapters.aws import members, topics
from opalite.config_rule.telemetry import COUNTS as COMMON
from opalite.remediation.aws import asking, findings, ledger, machine, records, signatures
from opalite.remediation.telemetry import COUNTS
from opalite.remediation.triggers import DUE

_UNITS = {"organizations:ListParents"}  # of the fact `account`


@pytest.fixture(scope="module")
def page(repository):
    return (repository / "docs" / "remediation" / "function.md").read_text()


def statements(page):
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL)]
    return [one for block in blocks for one in block.get("Statement", [block])]


def actions(statement):
    named = statement["Action"]
    return {named} if isinstance(named, str) else set(named)


def test_the_roles_allow_what_is_called_and_nothing_else(page):
    of_the_actions, *own = statements(page)
    assert actions(of_the_actions) == set(findings.ACTIONS)
    called = {
        *asking.ACTIONS, *ledger.ACTIONS, *machine.ACTIONS, *records.ACTIONS, *signatures.ACTIONS, *topics.ACTIONS,
        *members.ACTIONS, *_UNITS,
    }  # fmt: skip
    assert set().union(*map(actions, own)) == called - {"organizations:ListAccounts"}  # which only the sweep calls
    assert {one["Resource"] == "*" for one in own if actions(one) & {"sts:AssumeRole", "s3:PutObject"}} == {False}


def test_every_metric_is_told(page):
    told = set(re.findall(r"`([A-Z][A-Za-z]+)`", page))
    assert {*COUNTS, "Attempts", "Duration"} <= told
    assert {"Refused", "Failures", "ApiCalls", "ApiRetries"} <= told & {*COMMON}


def test_every_form_of_event_is_told(page):
    for word in (DUE, '{"due": true}', '{"run": ', '{"advance": ', '"approval"', '{"ask": ', '{"expire": ', "SQS"):
        assert word in page
