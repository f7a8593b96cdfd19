"""The guard in a real OPA, by the shipped settings, by others, and with an organization's own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from opalite.adapters import documents
from opalite.engine.bundle import assemble
from opalite.engine.server import ManagedOpa
from opalite.errors import DecisionError, UsageError
from opalite.normalize import TYPES
from opalite.ports import GUARD_RULE
from opalite.remediation.brakes import Limits
from opalite.remediation.guard import Guarded, Window, ask
from opalite.remediation.model import Mode

ID = "aws.s3.bucket.encryption"
QUESTION = {
    "version": 1,
    "phase": "state",
    "at": "2026-11-28T22:00:00.000Z",
    "trigger": {"kind": "finding", "by": ""},
    "policy": {"id": ID, "action": "set_bucket_encryption", "severity": "HIGH"},
    "resource": {
        "type": "AWS::S3::Bucket",
        "id": "reports",
        "account_id": "111111111111",
        "region": "eu-west-1",
        "partition": "aws",
        "organizational_units": None,
        "tags": {"Environment": "prod"},
    },
    "decision": {"outcome": "fail", "stage": "enforce", "exemption": None, "violations": ["default encryption is off"]},
    "finding": None,
    "history": {"attempts": [], "in_progress": None},
    "stopped": None,
}
SHIPPED = Guarded(
    mode=Mode.PLAN,
    action="set_bucket_encryption",
    parameters={},
    reason="plan is set here",
    contested=False,
    limits=Limits(per_hour=10, per_hour_everywhere=100, per_resource_day=3, failures_per_hour=3),
    approval_hours=72,
    window=None,
)
OWN_GUARD = """package custom.remediation.guard

restrictions contains {"mode": "approve", "reason": "nothing by itself at the end of the year"} if {
	month := substring(input.at, 5, 2)
	month in {"11", "12"}
}
"""
OWN_TEST = """package custom.remediation.guard_test

import data.custom.remediation.guard

test_november if count(guard.restrictions) == 1 with input as {"at": "2026-11-28T22:00:00Z"}

test_spring if guard.restrictions == set() with input as {"at": "2026-04-28T22:00:00Z"}
"""


@contextmanager
def running(opa, folder, document=None, bundles=()):
    overlay = folder / "settings.json"
    overlay.write_text(json.dumps(document or {}))
    bundle = assemble(opa.path, bundles=bundles, overlays=[overlay], with_shipped=True, typed=TYPES)
    path = folder / "bundle.tar.gz"
    bundle.write(path)
    with ManagedOpa(opa.path, path, version=opa.version, revision=bundle.revision, environ=os.environ) as engine:
        yield engine


def own(folder, module=OWN_GUARD):
    place = folder / "mine" / "custom" / "remediation" / "guard"
    place.mkdir(parents=True)
    (place / "guard.rego").write_text(module)
    if module == OWN_GUARD:
        (place / "guard_test.rego").write_text(OWN_TEST)
    (folder / "mine" / ".manifest").write_text('{"roots": ["custom"], "rego_version": 1}')
    return folder / "mine"


def test_the_question_is_of_the_schema(repository):
    schema = json.loads((repository / "policies" / "schemas" / "remediation.json").read_text())
    assert list(Draft7Validator(schema).iter_errors(QUESTION)) == []


def test_what_ships_is_a_plan_for_every_policy(engine):
    assert ask(engine, QUESTION) == SHIPPED


def test_decisions_are_not_disturbed(engine):
    assert engine.ask(b"{}") == engine.ask(b"{}", GUARD_RULE) == {}


def test_settings_hold_where_they_say(opa, tmp_path):
    window = {"days": ["sun"], "from": "02:00", "to": "04:00", "zone": "Europe/Berlin"}
    entry = {
        "default": {"mode": "auto", "windows": [window], "limits": {"per_hour": 2}},
        "overrides": [
            {"regions": ["us-east-1"], "set": {"mode": "off"}},
            {"organizational_units": ["ou-ab12-cd34ef56"], "set": {"mode": "approve", "approval_hours": 4}},
        ],
    }

    def question(**resource):
        return {**QUESTION, "resource": {**QUESTION["resource"], **resource}}

    with running(opa, tmp_path, {"remediation": {ID: entry}}) as engine:
        found = ask(engine, question(organizational_units=["r-ab12"]))
        assert (found.mode, found.limits.per_hour) == (Mode.AUTO, 2)
        assert found.window == Window(False, "2026-11-29T01:00:00Z")
        assert ask(engine, question(organizational_units=[], region="us-east-1")).mode is Mode.OFF
        found = ask(engine, question(organizational_units=["r-ab12", "ou-ab12-cd34ef56"]))
        assert (found.mode, found.approval_hours) == (Mode.APPROVE, 4)
        found = ask(engine, QUESTION)
        assert (found.mode, found.reason) == (
            Mode.OFF,
            "settings hang on the account's organizational units, which are not known",
        )


def test_settings_that_are_none_are_refused(opa, tmp_path):
    document = {"remediation": {"*": {"default": {"mode": "on"}}}}
    with pytest.raises(
        UsageError, match=r"remediation\.\*\.default\.mode: 'on' is not one of off, plan, approve, auto$"
    ):
        running(opa, tmp_path, document).__enter__()


def test_an_organizations_own_guard_restricts(opa, tmp_path):
    automatic = {"remediation": {"*": {"default": {"mode": "auto"}}}}
    with running(opa, tmp_path, automatic, [own(tmp_path)]) as engine:
        found = ask(engine, QUESTION)
        assert (found.mode, found.reason) == (Mode.APPROVE, "nothing by itself at the end of the year")
        assert ask(engine, {**QUESTION, "at": "2026-04-28T22:00:00Z"}).mode is Mode.AUTO


def test_an_own_guard_is_no_policy_and_has_no_lints(opa, tmp_path, repository):
    mine = own(tmp_path)
    bundle = assemble(opa.path, bundles=[mine], overlays=(), with_shipped=True, typed=TYPES)
    assert [policy for policy in bundle.data["catalog"]["policies"] if policy.startswith("custom")] == []
    assert "mine/custom/remediation/guard/guard.rego" in bundle.modules
    for command in (
        [sys.executable, "-c", "from opalite.cli import main; main()", "policies", "lint", mine],
        [opa.path, "check", "--strict", "-b", mine],
        [opa.path, "test", "-b", mine, repository / "policies", repository / "data", "--run", "custom"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("package custom.remediation.guard\n\nrestriction contains 1 if false\n", "its `restrictions` is no set"),
        ("package custom.remediation.guard\n\nrestrictions := input.history\n", "its `restrictions` is no set"),
        (
            'package custom.remediation.guard\n\nrestrictions contains {"mode": "of", "reason": "x"}\n',
            "is no {mode, reason}",
        ),
    ],
)
def test_an_own_guard_that_says_nothing_clear_is_off(opa, tmp_path, module, says):
    automatic = {"remediation": {"*": {"default": {"mode": "auto"}}}}
    with running(opa, tmp_path, automatic, [own(tmp_path, module)]) as engine:
        found = ask(engine, QUESTION)
    assert found.mode is Mode.OFF
    assert says in found.reason


def test_an_own_guard_that_breaks_gives_no_answer(opa, tmp_path):
    module = (
        "package custom.remediation.guard\n\n"
        'restrictions contains {"mode": "off", "reason": "x"} if to_number(input.resource.id) > 3\n'
    )
    with (
        running(opa, tmp_path, None, [own(tmp_path, module)]) as engine,
        pytest.raises(DecisionError, match=r"^the guard of remediation failed: .*guard\.rego:3: "),
    ):
        ask(engine, QUESTION)


@pytest.mark.parametrize("key", QUESTION)
def test_half_a_question_gets_no_answer(engine, key):
    with pytest.raises(DecisionError, match="no answer"):
        ask(engine, {name: value for name, value in QUESTION.items() if name != key})


TIMES = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 30]))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WINDOW = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
        "from": TIMES,
        "to": TIMES | st.just("24:00"),
        "zone": st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "Australia/Lord_Howe"]),
    }
).filter(lambda window: window["from"] != window["to"])
# Half hours of two years, away from both changes of the clocks and through them.
MOMENTS = st.integers(0, 2 * 365 * 48).map(
    lambda halves: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * halves)
)


def is_open(windows, moment) -> bool:
    """The same by Python's clocks."""
    for window in windows:
        clock = moment.astimezone(ZoneInfo(window["zone"])).replace(tzinfo=None)
        begin, end = (timedelta(hours=int(text[:2]), minutes=int(text[3:])) for text in (window["from"], window["to"]))
        end += timedelta(days=0 if end > begin else 1)
        for day in (clock.date() - timedelta(days=1), clock.date()):
            midnight = datetime.combine(day, datetime.min.time())
            if DAYS[day.weekday()] in window["days"] and midnight + begin <= clock < midnight + end:
                return True
    return False


@pytest.fixture(scope="module")
def windows_engine(opa, tmp_path_factory):
    """Asks data.opalite.windows by the items alone, so that one OPA serves all examples."""
    folder = tmp_path_factory.mktemp("windows")
    place = folder / "mine" / "custom" / "windows"
    place.mkdir(parents=True)
    (place / "batch.rego").write_text(
        "package custom.windows\n\nimport data.opalite.windows\n\n"
        "batch[key] := windows.state(item.windows, item.at) if some key, item in input.items\n"
    )
    with running(opa, folder, None, [folder / "mine"]) as engine:
        yield engine


@settings(max_examples=150, deadline=None)
@given(st.lists(WINDOW, min_size=1, max_size=3), MOMENTS)
def test_windows_open_and_close_by_the_clocks_of_their_zones(windows_engine, windows, moment):
    asked = {"0": {"windows": windows, "at": moment.isoformat().replace("+00:00", "Z")}}
    state = windows_engine.ask(json.dumps(asked).encode(), "custom/windows/batch")["0"]
    assert state["open"] is is_open(windows, moment)
    if state["open"]:
        assert state["opens_at"] is None
        return
    opens = datetime.fromisoformat(state["opens_at"])
    assert moment < opens
    assert is_open(windows, opens)
    first = next(
        later for halves in range(1, 8 * 48) if is_open(windows, later := moment + timedelta(minutes=30 * halves))
    )
    # Where the clocks leap over an opening, it may be told later than it is.
    assert first <= opens <= first + timedelta(hours=1) or _clocks_change(windows, first)


def _clocks_change(windows, moment) -> bool:
    day = timedelta(days=1)
    return any(
        (moment - day).astimezone(zone).utcoffset() != (moment + day).astimezone(zone).utcoffset()
        for zone in (ZoneInfo(window["zone"]) for window in windows)
    )


def test_the_documented_settings_and_guard_can_be_used_as_they_are(opa, tmp_path, repository):
    text = (repository / "docs" / "remediation" / "guard.md").read_text()
    fences = dict(re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    document = {"remediation": documents.parse(fences["yaml"].encode(), "guard.yaml")}
    frozen = {**QUESTION, "at": "2026-12-24T22:00:00Z"}
    frozen["resource"] = {**QUESTION["resource"], "organizational_units": ["ou-exmp-sandbox1"]}
    with running(opa, tmp_path, document, [own(tmp_path, fences["rego"])]) as engine:
        found = ask(engine, frozen)
        assert (found.mode, found.reason) == (Mode.PLAN, "change freeze until 7 January")
        found = ask(engine, {**frozen, "at": "2026-11-28T22:00:00Z"})
        assert (found.mode, found.window) == (Mode.APPROVE, Window(open=True, opens_at=None))
