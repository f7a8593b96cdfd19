"""What holds of all of these actions."""

from __future__ import annotations

import jsonschema
import pytest

from opalite.remediation.actions import (
    delete_load_balancer,
    notify_owner,
    quarantine_instance,
    run_automation,
    stop_instance,
    tag_resource,
)
from opalite.remediation.model import Mode

MODULES = (delete_load_balancer, notify_owner, quarantine_instance, run_automation, stop_instance, tag_resource)
ACTIONS = [module.ACTION for module in MODULES]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.ACTION.name)
def test_an_action_has_the_name_of_its_module(module):
    assert module.__name__.endswith(f".{module.ACTION.name}")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_parameter_has_a_default_and_says_what_it_is(action):
    jsonschema.Draft7Validator.check_schema(action.parameters)
    assert action.parameters["additionalProperties"] is False
    properties = action.parameters["properties"]
    assert all(entry["description"] for entry in properties.values())
    defaults = {name: entry["default"] for name, entry in properties.items()}
    jsonschema.Draft7Validator(action.parameters).validate(defaults)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_permission_for_everything_has_a_reason(action):
    assert all(permission.reason for permission in action.permissions if "*" in permission.resources)


def test_what_cannot_be_taken_back_or_hurts_takes_a_person():
    assert {action.name: action.most for action in ACTIONS} == {
        "delete_load_balancer": Mode.APPROVE,
        "notify_owner": Mode.PLAN,
        "quarantine_instance": Mode.APPROVE,
        "run_automation": Mode.AUTO,
        "stop_instance": Mode.APPROVE,
        "tag_resource": Mode.AUTO,
    }


@pytest.mark.parametrize(
    ("key", "taken"), [("Owner", True), ("aws:x", False), ("AWS:x", False), ("opalite:keep", False), ("", False)]
)
def test_defaults_cannot_set_tags_of_aws_or_of_ours(key, taken):
    validator = jsonschema.Draft7Validator(tag_resource.ACTION.parameters)
    assert validator.is_valid({"defaults": {key: "x"}}) is taken
