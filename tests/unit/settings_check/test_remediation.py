"""Settings of remediation: whatever is not exactly of the agreed shape is told, for it might let something be changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opalite.remediation.action import Action
from opalite.remediation.model import Mode, Plan, State
from opalite.settings_check import remediation
from opalite.settings_check.check import check
from opalite.settings_check.layers import Layer
from opalite.settings_check.remark import Level, Remark

ID = "aws.s3.bucket.encryption"
POLICIES = {
    ID: {"resource_types": ["AWS::S3::Bucket"], "remediation": {"action": "set_encryption"}},
    "aws.s3.bucket.bare": {"resource_types": ["AWS::S3::Bucket"]},
    "aws.any.resource.tags": {"resource_types": ["*"], "remediation": {"action": "tag_resource"}},
}
AT = datetime(2026, 11, 28, tzinfo=UTC)
ONE = "111111111111"


def action(name, types=("AWS::S3::Bucket",), most=Mode.AUTO, **properties) -> Action:
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return Action(
        name=name, title=name, resource_types=types, read=lambda _, target: State({}, {}),
        plan=lambda _: Plan(action=name), most=most, permissions=(), parameters=schema,
    )  # fmt: skip


LEVEL = {"enum": ["kms", "any"], "default": "kms", "description": "how good"}
ACTIONS = {
    each.name: each
    for each in (
        action("set_encryption", level=LEVEL),
        action("notify_owner", ("*",)),
        action("replace_volume", ("AWS::EC2::Volume",), Mode.APPROVE),
        action("careful", most=Mode.PLAN),
    )
}
MODES = "off, plan, approve, auto"
NAMED = "careful, notify_owner, replace_volume, set_encryption"


def told(document, *, policy=ID) -> list[Remark]:
    layer = Layer("s.yaml", {"remediation": {policy: document}})
    return check([layer], POLICIES, at=AT, soon=timedelta(0), actions=ACTIONS)


def default(**values) -> dict:
    return {"default": values}


def window(**changes) -> dict:
    return {"days": ["sat", "sun"], "from": "22:00", "to": "04:00", "zone": "Europe/Berlin", **changes}


def test_settings_of_the_agreed_shape_have_no_remark():
    everything = {
        "mode": "auto",
        "action": "set_encryption",
        "parameters": {"level": "any"},
        "windows": [window(), window(**{"from": "00:00", "to": "24:00", "zone": "UTC"})],
        "environments": {"prod": "approve", "dev": "auto"},
        "environment_tags": ["Environment"],
        "limits": {"per_hour": 1, "per_hour_everywhere": 10_000, "per_resource_day": 1, "failures_per_hour": 1},
        "approval_hours": 720,
    }
    override = {"accounts": [ONE], "set": {"mode": "off", "windows": [], "environments": {}, "parameters": {}}}
    assert told({"default": everything, "overrides": [override]}) == []
    assert told(default(mode="approve", action="notify_owner"), policy="*") == []
    assert told(default(parameters={"level": "kms"})) == []
    assert told(default(action="notify_owner"), policy="aws.any.resource.tags") == []
    assert told({}) == []


@pytest.mark.parametrize(
    ("values", "name", "place", "what", "remedy"),
    [
        ({"mode": False}, "wrong_value", ".mode", f'False is not one of {MODES} (in YAML write "off" with quotes)', ""),
        ({"mode": "on"}, "wrong_value", ".mode", f"'on' is not one of {MODES}", ""),
        ({"mode": ["off"]}, "wrong_value", ".mode", f"['off'] is not one of {MODES}", ""),
        ({"modes": "off"}, "unknown_key", ".modes", "unknown", "did you mean mode? there are mode, windows, environments, environment_tags, limits, approval_hours, action, parameters"),
        ({"x": 1}, "unknown_key", ".x", "unknown", "there are mode, windows, environments, environment_tags, limits, approval_hours, action, parameters"),
        ({"action": "set_encription"}, "unknown_action", ".action", "there is no such action", f"did you mean set_encryption? there are {NAMED}"),
        ({"action": None}, "unknown_action", ".action", "there is no such action", f"there are {NAMED}"),
        ({"action": "replace_volume"}, "wrong_value", ".action", "replace_volume is for AWS::EC2::Volume, the policy for AWS::S3::Bucket", ""),
        ({"parameters": []}, "wrong_shape", ".parameters", "must be an object", ""),
        ({"parameters": {"levle": "any"}}, "unknown_parameter", ".parameters", "Additional properties are not allowed ('levle' was unexpected)", "did you mean level? there are level"),
        ({"parameters": {"level": "all"}}, "wrong_value", ".parameters.level", "'all' is not one of ['kms', 'any']", "wanted: how good"),
        ({"action": "notify_owner", "parameters": {"x": 1}}, "unknown_parameter", ".parameters", "Additional properties are not allowed ('x' was unexpected)", "the action has no parameters"),
        ({"windows": {}}, "wrong_shape", ".windows", "must be a list", ""),
        ({"windows": ["22:00"]}, "wrong_shape", ".windows[0]", "must be an object of days, from, to, zone", ""),
        ({"windows": [window(), window(day="sat")]}, "wrong_shape", ".windows[1]", "must be an object of days, from, to, zone", ""),
        ({"windows": [window(days=[])]}, "wrong_value", ".windows[0].days", "must be a list of any of mon, tue, wed, thu, fri, sat, sun", ""),
        ({"windows": [window(days=["Sat"])]}, "wrong_value", ".windows[0].days", "must be a list of any of mon, tue, wed, thu, fri, sat, sun", ""),
        ({"windows": [window(to=1320)]}, "wrong_time", ".windows[0].to", '1320 is not a time of the day like "22:00" (in YAML put times in quotes)', ""),
        ({"windows": [window(to="9:00")]}, "wrong_time", ".windows[0].to", "'9:00' is not a time of the day like \"22:00\"", ""),
        ({"windows": [window(**{"from": "24:00"})]}, "wrong_time", ".windows[0].from", "'24:00' is not a time of the day like \"22:00\"", ""),
        ({"windows": [window(to="22:00")]}, "wrong_time", ".windows[0]", "closes when it opens", 'a whole day is from "00:00" to "24:00"'),
        ({"windows": [window(zone="Europe/Berlinn")]}, "wrong_value", ".windows[0].zone", "'Europe/Berlinn' is no time zone", "did you mean Europe/Berlin? write a name of the IANA data base like Europe/Berlin or UTC"),
        ({"windows": [window(zone="")]}, "wrong_value", ".windows[0].zone", "'' is no time zone", "write a name of the IANA data base like Europe/Berlin or UTC"),
        ({"windows": [window(zone=None)]}, "wrong_value", ".windows[0].zone", "None is no time zone", "write a name of the IANA data base like Europe/Berlin or UTC"),
        ({"environments": ["prod"]}, "wrong_shape", ".environments", "must be an object: a mode by the value of a tag", ""),
        ({"environments": {"dev": False}}, "wrong_value", ".environments.dev", f'False is not one of {MODES} (in YAML write "off" with quotes)', ""),
        ({"environments": {"Prod": "off", "prod": "auto"}}, "wrong_value", ".environments.prod", "is Prod again: upper and lower case are one", ""),
        ({"environment_tags": "env"}, "wrong_shape", ".environment_tags", "must be a list of keys of tags", ""),
        ({"environment_tags": []}, "wrong_shape", ".environment_tags", "must be a list of keys of tags", ""),
        ({"limits": 3}, "wrong_shape", ".limits", "must be an object", ""),
        ({"limits": {"per_day": 3}}, "unknown_key", ".limits.per_day", "unknown", "there are per_hour, per_hour_everywhere, per_resource_day, failures_per_hour"),
        ({"limits": {"per_hour": 0}}, "wrong_value", ".limits.per_hour", "0 is not a whole number from 1 to 10000", ""),
        ({"limits": {"per_hour": True}}, "wrong_value", ".limits.per_hour", "True is not a whole number from 1 to 10000", ""),
        ({"approval_hours": 721}, "wrong_value", ".approval_hours", "721 is not a whole number from 1 to 720", ""),
        ({"approval_hours": 1.5}, "wrong_value", ".approval_hours", "1.5 is not a whole number from 1 to 720", ""),
    ],
)  # fmt: skip
def test_everything_else_is_an_error_with_its_place(values, name, place, what, remedy):
    assert told(default(**values)) == [
        Remark(Level.ERROR, name, f"remediation.{ID}.default{place}", what, remedy, "s.yaml")
    ]
    override = {"overrides": [{"accounts": [ONE], "set": values}]}
    assert told(override) == [
        Remark(Level.ERROR, name, f"remediation.{ID}.overrides[0].set{place}", what, remedy, "s.yaml")
    ]


def test_an_action_that_is_not_built_in_has_no_parameters():
    found = told(default(parameters={"x": 1}), policy="aws.any.resource.tags")
    assert [(remark.name, remark.what) for remark in found] == [
        ("unknown_parameter", "its action is not built in, so it has no parameters")
    ]
    assert told(default(parameters={}), policy="aws.s3.bucket.bare") == []


def test_parameters_for_every_policy_are_refused():
    found = told(default(parameters={"level": "any"}), policy="*")
    assert [(remark.name, remark.place, remark.remedy) for remark in found] == [
        ("unknown_key", "remediation.*.default.parameters", "write them below the id of a policy")
    ]


def test_parameters_are_those_of_the_action_in_the_same_place():
    entry = {
        **default(action="set_encryption", parameters={"level": "any"}),
        "overrides": [
            {"accounts": [ONE], "set": {"action": "notify_owner"}},
            {"regions": ["eu-west-1"], "set": {"action": "notify_owner", "parameters": {}}},
            {"regions": ["eu-west-2"], "set": {"parameters": {"level": "all"}}},
        ],
    }
    assert [(remark.name, remark.place) for remark in told(entry)] == [
        ("wrong_value", f"remediation.{ID}.overrides[0].set.action"),
        ("wrong_value", f"remediation.{ID}.overrides[2].set.parameters.level"),
    ]


def test_a_mode_beyond_what_the_action_does_is_noticed():
    expected = Remark(
        Level.NOTICE, "goes_no_further", f"remediation.{ID}.default.mode", "careful goes no further than plan",
        "write plan, or name another action", "s.yaml",
    )  # fmt: skip
    assert told(default(action="careful", mode="auto")) == [expected]
    assert told(default(action="careful", mode="plan")) == []
    entry = {**default(action="careful"), "overrides": [{"accounts": [ONE], "set": {"mode": "approve"}}]}
    assert [remark.name for remark in told(entry)] == ["goes_no_further"]


def test_overrides_that_do_nothing_are_told_as_of_other_settings():
    entry = {"accounts": [ONE], "set": {"mode": "off"}}
    assert [remark.name for remark in told({"overrides": [entry, entry, {"regions": ["x"], "set": {}}]})] == [
        "never_wins",
        "sets_nothing",
        "no_region",
    ]


@pytest.mark.parametrize("entry", [[], {"default": []}, {"overrides": {}}, {"overrides": [1, {"accounts": [ONE]}]}])
def test_what_is_of_no_shape_at_all_is_told(entry):
    found = told(entry)
    assert found
    assert {(remark.level, remark.name) for remark in found} <= {
        (Level.ERROR, "wrong_shape"),
        (Level.ERROR, "no_scope"),
    }


def test_where_no_zones_are_known_whatever_has_the_form_of_one_will_do(monkeypatch):
    monkeypatch.setattr("zoneinfo.available_timezones", set)  # of a machine without the data base
    remediation._zones.cache_clear()
    try:
        assert told(default(windows=[window(zone="Europe/Nowhere")])) == []
        assert [remark.name for remark in told(default(windows=[window(zone="nowhere")]))] == ["wrong_value"]
    finally:
        remediation._zones.cache_clear()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"action": "no_such_action", "parameters": {"x": 1}, "mode": "auto"}, []),
        ({"action": 7}, [("unknown_action", "there is no such action")]),
        ({"parameters": 7}, [("wrong_shape", "must be an object")]),
    ],
)
def test_where_the_actions_are_not_known_only_the_shape_is_checked(values, expected):
    document = {**default(parameters={"level": "x"}), "overrides": [{"accounts": [ONE], "set": values}]}
    layer = Layer("s.yaml", {"remediation": {ID: document}})
    found = check([layer], POLICIES, at=AT, soon=timedelta(0))
    assert [(remark.name, remark.what) for remark in found] == expected
