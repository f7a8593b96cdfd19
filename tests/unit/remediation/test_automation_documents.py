"""The runbooks of AWS Systems Manager: they ask the function, and do nothing themselves."""

from __future__ import annotations

import re

import pytest
import yaml

from opalite.normalize import TYPES
from opalite.ports import Place
from opalite.remediation.actions import ACTIONS
from opalite.remediation.triggers import Run, Triggers

HOME = Place("aws", "111111111111", "eu-west-1")
# https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
_MEMBERS = {"description", "schemaVersion", "assumeRole", "parameters", "outputs", "mainSteps"}
# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-lamb.html: a step may take that long.
_MOST_SECONDS = 300
_GIVEN = {
    "AutomationAssumeRole": "arn:aws:iam::111111111111:role/OpaliteRunbook",
    "RemediationFunction": "opalite-remediation",
    "AccountId": "222222222222",
    "Region": "eu-west-1",
    "SecurityGroupId": "sg-0f4d2c1b3a5968778",
    "BucketName": "reports-222222222222",
}
NAMES = ("encrypt-bucket", "restrict-ingress")


@pytest.fixture(params=NAMES)
def document(request, repository):
    return yaml.safe_load((repository / "deploy" / "automation" / f"{request.param}.yaml").read_text())


def values(document):
    return {name: _GIVEN.get(name, entry.get("default")) for name, entry in document["parameters"].items()}


def filled(value, given):
    if isinstance(value, dict):
        return {name: filled(entry, given) for name, entry in value.items()}
    return re.sub(r"\{\{ ([A-Za-z:_]+) \}\}", lambda found: given[found[1]], value) if isinstance(value, str) else value


def test_there_is_none_without_a_test(repository):
    assert sorted(path.stem for path in (repository / "deploy" / "automation").iterdir()) == sorted(NAMES)


def test_its_shape(document):
    assert document.keys() == _MEMBERS
    assert (document["schemaVersion"], document["assumeRole"]) == ("0.3", "{{ AutomationAssumeRole }}")
    (step,) = document["mainSteps"]
    assert (step["action"], step["timeoutSeconds"] <= _MOST_SECONDS, step["isEnd"]) == (
        "aws:invokeLambdaFunction",
        True,
        True,
    )
    assert document["outputs"] == [f"{step['name']}.{entry['Name']}" for entry in step["outputs"]]
    assert document["parameters"]["AutomationAssumeRole"]["type"] == "AWS::IAM::Role::Arn"


def test_every_parameter_is_used_and_bounded(document):
    text = yaml.safe_dump([document["mainSteps"], document["assumeRole"]])
    given = values(document)
    assert document["parameters"].keys() > {"AutomationAssumeRole"}
    for name, entry in document["parameters"].items():
        assert f"{{{{ {name} }}}}" in text
        assert entry["description"].startswith("(Optional)" if "default" in entry else "(Required)")
        if name != "AutomationAssumeRole":
            assert entry["type"] == "String"
            assert re.fullmatch(entry["allowedPattern"].removeprefix("^").removesuffix("$"), given[name])
            assert not re.search(entry["allowedPattern"], 'x", "mode": "auto')


def test_what_it_asks_is_a_command_that_the_function_takes_and_an_action_can_mend(document, repository):
    given = {**values(document), "automation:EXECUTION_ID": "0a1b2c3d-1111-4222-8333-444455556666"}
    payload = filled(document["mainSteps"][0]["inputs"]["InputPayload"], given)

    work = Triggers(HOME, lambda _: []).parse(payload, request_id="r", at="2026-11-29T12:00:00.000Z")

    assert isinstance(work, Run)
    target = work.request.target
    assert (target.account_id, target.region) == ("222222222222", "eu-west-1")
    assert work.request.trigger.event_id == "run/0a1b2c3d-1111-4222-8333-444455556666"
    assert target.resource_type in TYPES
    assert (repository / "policies" / target.policy_id.replace(".", "/")).is_dir()
    assert any(target.resource_type in action.resource_types for action in ACTIONS.values())
