"""The remediation function's environment: what an operator sets is taken exactly, or refused by name; the page names all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opalite.errors import UsageError
from opalite.remediation.environment import ROLE_PREFIX, VARIABLES, Environment, read

ONE, OTHER = "111122223333", "444455556666"
KEY = f"arn:aws:kms:eu-west-1:{ONE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
MACHINE = f"arn:aws:states:eu-west-1:{ONE}:stateMachine:opalite-remediation"
LEAST = {
    "AWS_REGION": "eu-west-1",
    "OPALITE_REMEDIATION_TABLE": "opalite-remediation",
    "OPALITE_RECORD_BUCKET": "opalite-records",
}
ALL = {
    **LEAST,
    "OPALITE_ACCOUNTS": "organization",
    "OPALITE_APPROVAL_KEY_ARN": KEY,
    "OPALITE_CREATOR_LOOKUP": "on",
    "OPALITE_EXTERNAL_ID": "opalite-3f2a",
    "OPALITE_LAYER": "/opt/other",
    "OPALITE_LOG_LEVEL": "debug",
    "OPALITE_OPA_SOCKET": "/tmp/other/opa.sock",  # noqa: S108 - a name, nothing is made there
    "OPALITE_OWNER_TAGS": "squad, team",
    "OPALITE_RECORD_KEY": "alias/opalite",
    "OPALITE_RECORD_OWNER": OTHER,
    "OPALITE_RECORD_PREFIX": "remediation",
    "OPALITE_REMEDIATION_ROLE_PREFIX": "security/mend-",
    "OPALITE_SECURITY_HUB": "on",
    "OPALITE_SOURCE_IDENTITY": "opalite",
    "OPALITE_STATE_MACHINE_ARN": MACHINE,
    "OPALITE_TOPIC_ARN": f"arn:aws:sns:eu-west-1:{ONE}:opalite",
}


def refusal(**variables):
    with pytest.raises(UsageError) as caught:
        read({**LEAST, **variables})
    return str(caught.value)


def test_the_least():
    assert read(LEAST) == Environment(region="eu-west-1", table="opalite-remediation", record_bucket="opalite-records")
    assert (read(LEAST).role_prefix, read(LEAST).accounts) == (ROLE_PREFIX, frozenset())


def test_everything():
    assert ALL.keys() - {"AWS_REGION"} == VARIABLES.keys()
    assert read(ALL) == Environment(
        region="eu-west-1",
        table="opalite-remediation",
        record_bucket="opalite-records",
        layer=Path("/opt/other"),
        socket="/tmp/other/opa.sock",  # noqa: S108
        accounts=None,
        role_prefix="security/mend-",
        external_id="opalite-3f2a",
        source_identity="opalite",
        record_prefix="remediation",
        record_owner=OTHER,
        record_key="alias/opalite",
        state_machine_arn=MACHINE,
        approval_key_arn=KEY,
        topic_arn=f"arn:aws:sns:eu-west-1:{ONE}:opalite",
        owner_tags=("squad", "team"),
        creator_lookup=True,
        security_hub=True,
        log_level="DEBUG",
    )


@pytest.mark.parametrize("name", ["OPALITE_REMEDIATION_TABLE", "OPALITE_RECORD_BUCKET"])
def test_without_ledger_or_records_there_is_no_function(name):
    assert refusal(**{name: ""}).startswith(f"{name}: is not set, and nothing is changed without a ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPALITE_APPROVAL_KEY_ARN", "alias/approvals"),
        ("OPALITE_APPROVAL_KEY_ARN", f"arn:aws:kms:eu-west-1:{ONE}:alias/approvals"),
        ("OPALITE_STATE_MACHINE_ARN", "opalite-remediation"),
        ("OPALITE_REMEDIATION_ROLE_PREFIX", "arn:aws:iam::111122223333:role/x"),
        ("OPALITE_REMEDIATION_ROLE_PREFIX", "x" * 41),
        ("OPALITE_REMEDIATION_TABLE", "a table"),
        ("OPALITE_RECORD_BUCKET", "A_Bucket"),
        ("OPALITE_RECORD_OWNER", "me"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name, value):
    assert refusal(**{"OPALITE_STATE_MACHINE_ARN": MACHINE, name: value}).startswith(f"{name}: {value!r} is not ")


def test_a_misspelt_variable_is_refused():
    assert refusal(OPALITE_MEMBER_ROLE="x").startswith(
        "OPALITE_MEMBER_ROLE: there is no such setting; there are OPALITE_"
    )


def test_a_key_for_approvals_needs_somebody_who_waits_for_them():
    assert refusal(OPALITE_APPROVAL_KEY_ARN=KEY) == (
        "OPALITE_STATE_MACHINE_ARN: is not set, but a key for approvals is: nobody would be waiting for them"
    )


def test_the_page_has_a_row_for_each_variable(repository):
    page = (repository / "docs" / "remediation" / "function.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `OPALITE_")]
    named = {name for row in rows for name in re.findall(r"`(OPALITE_[A-Z_]+)`", row)}
    short = {f"OPALITE_RECORD{name}" for row in rows for name in re.findall(r"`(_[A-Z]+)`", row)}
    assert named | short == VARIABLES.keys()
