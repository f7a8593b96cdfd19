"""The JSON that docs/operators.md tells operators to use is what AWS takes, as far as its models say."""

from __future__ import annotations

import json
import re

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.remediation.planning import new_bucket_key
from opalite.remediation.reading import instance, rds

# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html: characters of an SCP, white space included.
SCP_CHARACTERS = 5_120
ROLE = re.compile(r"role/(Opalite\w+)")


@pytest.fixture(scope="module")
def documents(repository):
    text = (repository / "docs" / "operators.md").read_text()
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


@pytest.fixture(scope="module")
def denials(documents):
    found = [one for one in documents if any(entry.get("Effect") == "Deny" for entry in one.get("Statement", ()))]
    sids = ["RecordingAndResults", "MemberRole", "Findings", "RemediationTags", "RemediationAliases"]
    assert [one["Statement"][0]["Sid"] for one in found] == sids
    return found


@pytest.fixture(scope="module")
def operations():
    session = get_session()
    return {
        name: set(session.get_service_model(name).operation_names) for name in ("config", "iam", "kms", "securityhub")
    }


def test_service_control_policies_have_the_form_of_one(denials):
    for policy in denials:
        assert policy.keys() == {"Version", "Statement"}
        assert policy["Version"] == "2012-10-17"
        assert len(json.dumps(policy, indent=2)) <= SCP_CHARACTERS
        [statement] = policy["Statement"]
        assert statement.keys() == {"Sid", "Effect", "Action", "Resource", "Condition"}
        assert re.fullmatch("[A-Za-z0-9]+", statement["Sid"])
        assert statement["Condition"].keys() - {"ForAnyValue:StringLike"} == {"ArnNotLike"}
        assert statement["Condition"]["ArnNotLike"].keys() == {"aws:PrincipalArn"}


def test_they_deny_operations_that_there_are(denials, operations):
    for policy in denials:
        actions = policy["Statement"][0]["Action"]
        if actions == "*":
            continue
        assert actions == sorted(set(actions))
        unknown = [action for action in actions if action.partition(":")[2] not in operations[action.partition(":")[0]]]
        assert unknown == []


def test_they_keep_nothing_from_the_member_role_that_it_is_to_do(denials, repository):
    text = (repository / "docs" / "lambda.md").read_text()
    allowed = set(re.findall(r'"((?:config|securityhub|iam):\w+)"', text))
    for policy in denials:
        [statement] = policy["Statement"]
        if allowed & set(statement["Action"]):
            assert "arn:aws:iam::*:role/OpaliteMember" in statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert "config:PutEvaluations" in allowed & set(denials[0]["Statement"][0]["Action"])


def test_nobody_can_make_himself_an_exception(denials):
    """Each role that is excepted anywhere is one that only the deployment may make or change."""
    protected = set(denials[1]["Statement"][0]["Resource"])
    for policy in denials:
        excepted = policy["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        assert set([excepted] if isinstance(excepted, str) else excepted) <= protected


def test_the_tags_that_are_kept_are_those_that_remediation_believes(denials):
    believed = {*rds.TAGS, new_bucket_key.TAG, instance.PURPOSE, instance.QUARANTINE}
    [statement] = denials[3]["Statement"]
    assert set(statement["Condition"]["ForAnyValue:StringLike"]["aws:TagKeys"]) == believed


@pytest.mark.parametrize(
    ("member", "operation", "wrapped"),
    [("ProductArn", "GetFindings", "Filters"), ("RuleName", "CreateAutomationRule", None)],
)
def test_requests_to_security_hub_are_of_its_model(documents, member, operation, wrapped):
    [found] = [one for one in documents if member in one]
    shape = get_session().get_service_model("securityhub").operation_model(operation).input_shape
    validate_parameters({wrapped: found} if wrapped else found, shape)
