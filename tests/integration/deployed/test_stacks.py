"""The stacks of template.yaml as CloudFormation makes them, and which events EventBridge gives to remediation."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from architecture.cloudformation import ROOT, template
from architecture.permissions import is_allowed
from architecture.test_template import ALL_ON, IN_ORGANIZATION
from emulation.aws import ACCOUNTS
from emulation.deployment.packages import ARCHITECTURE, Built, names
from emulation.deployment.stacks import Stacks

pytestmark = pytest.mark.slow

HOME = ACCOUNTS[0]
EVENTS = ROOT / "tests" / "data" / "events" / "remediation"
ACCOUNT = {"Scope": "account", "ExternalId": "opalite-3f2a", "Remediation": "on"}
STACKS = {
    "as it ships": IN_ORGANIZATION,
    "everything": ALL_ON,
    "one rule for all": {**IN_ORGANIZATION, "RuleLayout": "umbrella", "InvokedBy": "any-rule-by-permission"},
    "a further Region": {**IN_ORGANIZATION, "LogBucket": "opalite-log-1", "LogKeyId": "1234abcd"},
    "one account": ACCOUNT,
    "one account, everything": {**ALL_ON, **ACCOUNT, "OrganizationId": ""},
    "locked, and without limits": {
        **IN_ORGANIZATION,
        "ObjectLock": "GOVERNANCE",
        "LogDays": "0",
        "RulesConcurrency": "0",
    },
}
# Of what types of template.yaml MiniStack cannot make each resource: docs/decisions/0022-deployed-locally.md.
LEFT_OUT = {"AWS::CloudWatch::Alarm"}


@pytest.fixture
def built():
    """Packages of nothing: no function is run."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("empty", "")
    return Built(dict.fromkeys(names(), content.getvalue()))


@pytest.mark.parametrize("parameters", STACKS.values(), ids=STACKS)
def test_cloudformation_makes_the_stack_whatever_is_switched_on(ministack, built, parameters):
    made = Stacks(ministack, HOME).create_main(built, {**parameters, "Architecture": ARCHITECTURE})
    functions = ministack.client("lambda", HOME).list_functions()["Functions"]
    expected = ["opalite", "opalite-remediation", "opalite-sweep"]
    remediation = parameters.get("Remediation") == "on"

    assert set(made.left_out.values()) == LEFT_OUT
    assert sorted(one["FunctionName"] for one in functions) == [
        name for name in expected if remediation or name != "opalite-remediation"
    ]
    assert set(made.outputs) <= set(template("template.yaml")["Outputs"])


@pytest.mark.parametrize(
    ("stack", "taken"),
    [
        ("everything", {"opalite-findings": {"finding_imported"}, "opalite-custom-action": {"custom_action"}}),
        ("one account", {"opalite-compliance": {"compliance_change"}}),
        ("as it ships", {}),
    ],
)
def test_eventbridge_gives_remediation_what_its_rules_are_for(ministack, built, stack, taken):
    Stacks(ministack, HOME).create_main(built, {**STACKS[stack], "Architecture": ARCHITECTURE})
    client = ministack.client("events", HOME)
    events = {
        name: (EVENTS / f"{name}.json").read_text()
        for name in ("compliance_change", "custom_action", "finding_imported")
    }
    # Neither another product's finding, nor one that was dealt with, nor a result that complies.
    foreign, finding = json.loads(events["finding_imported"]), json.loads(events["finding_imported"])
    foreign["detail"]["findings"][0]["GeneratorId"] = "aws-foundational-security-best-practices/v/1.0.0/EC2.13"
    finding["detail"]["findings"][0]["Workflow"]["Status"] = "NOTIFIED"
    result = json.loads(events["compliance_change"])
    result["detail"]["newEvaluationResult"]["complianceType"] = "COMPLIANT"
    all_events = events | {"foreign": json.dumps(foreign), "noted": json.dumps(finding), "complies": json.dumps(result)}
    patterns = {one["Name"]: one["EventPattern"] for one in client.list_rules()["Rules"] if "EventPattern" in one}

    found = {
        name: {
            event
            for event, text in all_events.items()
            if client.test_event_pattern(EventPattern=pattern, Event=text)["Result"]
        }
        for name, pattern in patterns.items()
    }

    assert found == taken
    queue = f"arn:aws:sqs:{ministack.region}:{HOME}:opalite-remediation"
    targets = [one for name in patterns for one in client.list_targets_by_rule(Rule=name)["Targets"]]
    assert [one["Arn"] for one in targets] == [queue] * len(taken)
    sqs = ministack.client("sqs", HOME)
    for target, name in zip(targets, patterns, strict=True):
        rule = client.describe_rule(Name=name)["Arn"]
        for arn in (target["Arn"], target["DeadLetterConfig"]["Arn"]):
            assert takes(sqs, arn, {"aws:SourceArn": rule, "aws:SourceAccount": HOME})
            assert not takes(
                sqs, arn, {"aws:SourceArn": rule.replace(HOME, ACCOUNTS[1]), "aws:SourceAccount": ACCOUNTS[1]}
            )


def takes(sqs, arn, source):
    """Whether the queue takes messages that EventBridge brings from there. MiniStack itself does not look at it."""
    url = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    policy = json.loads(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"])
    context = {"aws:PrincipalIsAWSService": "true", "aws:SecureTransport": "true", **source}
    return is_allowed(policy["Statement"], "sqs:SendMessage", arn, context)
