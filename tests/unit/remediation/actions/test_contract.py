"""What holds of all actions."""

from __future__ import annotations

import sys

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.remediation.action import only
from opalite.remediation.actions import ACTIONS
from opalite.remediation.model import Mode


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_the_name_of_its_module(name):
    assert sys.modules[f"opalite.remediation.actions.{name}"].ACTION is ACTIONS[name]


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_every_parameter_has_a_default_and_says_what_it_is(action):
    jsonschema.Draft7Validator.check_schema(action.parameters)
    assert action.parameters["additionalProperties"] is False
    properties = action.parameters["properties"]
    assert all(entry["description"] for entry in properties.values())
    defaults = {name: entry["default"] for name, entry in properties.items()}
    jsonschema.Draft7Validator(action.parameters).validate(defaults)


def test_a_permission_for_everything_has_a_reason():
    wide = [
        (name, permission)
        for name, action in ACTIONS.items()
        for permission in action.permissions
        if "*" in permission.resources
    ]
    assert wide
    assert [name for name, permission in wide if not permission.reason] == []


def test_what_cannot_be_taken_back_or_hurts_takes_a_person():
    assert {name: action.most for name, action in ACTIONS.items()} == {
        "delete_load_balancer": Mode.APPROVE,
        "enable_default_volume_encryption": Mode.APPROVE,
        "notify_owner": Mode.PLAN,
        "quarantine_instance": Mode.APPROVE,
        "replace_with_encrypted_cluster": Mode.PLAN,
        "replace_with_encrypted_instance": Mode.APPROVE,
        "revoke_ingress": Mode.AUTO,
        "run_automation": Mode.AUTO,
        "set_bucket_encryption": Mode.AUTO,
        "stop_instance": Mode.APPROVE,
        "tag_resource": Mode.AUTO,
    }


@pytest.mark.parametrize(
    ("key", "taken"), [("Owner", True), ("aws:x", False), ("AWS:x", False), ("opalite:keep", False), ("", False)]
)
def test_defaults_cannot_set_tags_of_aws_or_of_ours(key, taken):
    validator = jsonschema.Draft7Validator(ACTIONS["tag_resource"].parameters)
    assert validator.is_valid({"defaults": {key: "x"}}) is taken


LEFT = {
    "enable_default_volume_encryption",
    "quarantine_instance",
    "replace_with_encrypted_instance",
    "set_bucket_encryption",
}  # whose details tell of what others may change, too


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "groups", "resource_id", "orders", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["instance", "interfaces", "isolation", "snapshots", "others", "name", "rules", "default_key", "x"]
)


@pytest.mark.parametrize("name", ACTIONS)
@given(details=st.dictionaries(_NAMES, _JSON, max_size=5))
def test_undo_compares_the_details_of_any_record_and_adds_nothing_to_them(name, details):
    left = ACTIONS[name].left(details)
    assert ACTIONS[name].left(left) == left
    assert left.keys() <= details.keys()
    assert (left == details) or name in LEFT


def test_only_takes_what_is_there_and_lets_alone_what_has_no_members():
    assert only({"a": 1, "b": None, "c": 3}, "b", "c", "d") == {"b": None, "c": 3}
    assert (only(None, "a"), only(["a"], "a"), only("a", "a")) == (None, ["a"], "a")
