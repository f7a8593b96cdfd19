"""Which runbooks are run, with what, and once."""

from __future__ import annotations

from dataclasses import replace

import jmespath
import jsonschema
import pytest

from opalite.normalize import TYPES
from opalite.remediation.actions.run_automation import ACTION, DOCUMENTS, plan
from opalite.remediation.applying import filled
from opalite.remediation.model import Call
from unit.remediation.actions.cases import found, target
from unit.remediation.actions.forms import check_call

NAME = "AWSConfigRemediation-EncryptSNSTopic"
TOPIC = "arn:aws:sns:eu-west-1:111122223333:orders"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
TOKEN = "6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
GIVEN = {"document": NAME, "role": "mender", "parameters": {"KmsKeyArn": KEY}}


def planned(details=None, *, policy_id="aws.sns.topic.encryption", resource_type="AWS::SNS::Topic", **given):
    settings = {**GIVEN, **given}
    jsonschema.Draft7Validator(ACTION.parameters).validate(settings)
    return plan(found(ACTION, target(policy_id, resource_type, TOPIC), details or {"key": None}, **settings))


def test_one_step_starts_it_and_is_waited_for():
    look, step = planned().steps
    assert look.call == Call("ssm", "DescribeDocument", {"Name": NAME})
    assert step.call.parameters["DocumentName"] == NAME
    assert step.call.parameters["Parameters"] == {
        "AutomationAssumeRole": ["arn:aws:iam::111122223333:role/opalite/automation/mender"],
        "KmsKeyArn": [KEY],
        "TopicArn": [TOPIC],
    }
    assert (step.inverse, bool(step.irreversible), step.until.wanted[0]) == (None, True, "Success")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_aws_takes_what_is_sent(name):
    document = DOCUMENTS[name]
    settings = {"document": name, "role": "mender", "parameters": dict.fromkeys(document.needed, KEY)}
    case = found(ACTION, target(document.policy_id, document.resource_type, "some-id"), {}, **settings)
    steps = plan(case).steps
    assert [step.name for step in steps] == ["look", "run"]
    for step in steps:
        check_call(step.call, token=TOKEN)


def test_the_plan_is_the_same_from_day_to_day_and_its_run_is_the_attempt_s_own():
    case = found(ACTION, target("aws.sns.topic.encryption", "AWS::SNS::Topic", TOPIC), {}, **GIVEN)
    assert plan(replace(case, at="2027-01-01T00:00:00Z")).digest == planned().digest
    look, run = planned().steps
    answer = {"Document": {"Name": NAME, "Status": "Active"}, "ResponseMetadata": {"RequestId": TOKEN}}
    outputs = {name: jmespath.search(path, answer) for name, path in look.outputs.items()}
    assert filled(run.call.parameters, outputs)["ClientToken"] == TOKEN


def test_who_goes_on_knows_that_the_token_is_not_to_be_asked_for_again():
    look, _ = planned().steps
    assert look.until.call == look.call


@pytest.mark.parametrize("document", [{"Name": NAME, "Status": "Deleting"}, {}])
def test_a_runbook_that_is_not_there_is_not_started(document):
    look, _ = planned().steps
    assert str(jmespath.search(look.until.path, {"Document": document})) in look.until.failed


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"document": ""}, "no runbook is chosen"),
        ({"document": "AWSConfigRemediation-EnableKeyRotation"}, "is for AWS::KMS::Key and aws.kms.key.rotation"),
        ({"policy_id": "aws.sns.topic.not_public"}, "is for AWS::SNS::Topic and aws.sns.topic.encryption"),
        ({"role": ""}, "set role to the name of a role"),
        ({"role": "../admin"}, "set role to the name of a role"),
        ({"role": "arn:aws:iam::1:role/admin"}, "set role to the name of a role"),
        ({"parameters": {}}, "needs KmsKeyArn"),
        ({"parameters": {"KmsKeyArn": "alias/x"}}, "is not of the form"),
        ({"parameters": {"KmsKeyArn": KEY, "TopicArn": "x"}}, "cannot be given TopicArn"),
        ({"parameters": {"KmsKeyArn": KEY, "AutomationAssumeRole": "x"}}, "cannot be given AutomationAssumeRole"),
    ],
)
def test_settings_that_are_wrong_run_nothing(given, words):
    made = planned(**given)
    assert (made.steps, words in made.refusal) == ((), True)


def test_every_runbook_is_for_a_policy_that_is_shipped(repository):
    assert DOCUMENTS
    for document in DOCUMENTS.values():
        assert (repository / "policies" / document.policy_id.replace(".", "/")).is_dir()
        assert document.resource_type in TYPES
