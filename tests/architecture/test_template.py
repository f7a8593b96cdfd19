"""template.yaml and deploy/: what CloudFormation and the functions make of them."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys

import pytest
import yaml

from architecture.cloudformation import ACCOUNT, ORGANIZATION, ROOT, Stack, template, text, transformed
from opalite import environment
from opalite.adapters.aws import standing_item
from opalite.remediation import environment as of_remediation
from opalite.remediation.aws import ledger

_DEPLOYED = [path for path in (ROOT / "deploy").rglob("*.yaml") if path.parent.name != "automation"]
TEMPLATES = ("template.yaml", *sorted(path.relative_to(ROOT).as_posix() for path in _DEPLOYED))
GOLDEN = ROOT / "tests" / "data" / "deployment" / "template.json"
IN_ORGANIZATION = {"OrganizationId": ORGANIZATION, "ExternalId": "opalite-3f2a"}
ALL_ON = {
    **IN_ORGANIZATION, "SecurityHub": "on", "ExemptFindings": "suppressed", "Notifications": "on", "CreatorLookup": "on",
    "OwnerTags": "owner,team", "NotificationEmail": "security@example.com", "AlarmEmail": "operators@example.com",
    "DeliveryBucket": "deliveries", "DeliveryPrefix": "o-exampleorgid/", "DeliveryOwner": "333333333333", "SourceIdentity": "opalite",
    "Remediation": "on", "Approvers": f"arn:aws:iam::{ACCOUNT}:role/Approver", "Runbooks": "on",
}  # fmt: skip
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
VARIABLES_BYTES = 4096
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
TEMPLATE_BYTES, RESOURCES, PARAMETERS = 1_000_000, 500, 200


def _in_order(rules: list[dict[str, str]]) -> list[dict[str, str]]:
    """As the alarms name them: those first that there always are."""
    order = ("sweep", "due", "findings", "custom-action", "compliance")
    return sorted(rules, key=lambda one: order.index(one["Fn::Sub"].removeprefix("${Name}-")))


def variables(stack: Stack, name: str) -> dict[str, str]:
    """The environment of a function, as Lambda sets it."""
    found = stack.resources[name]["Properties"]["Environment"]["Variables"]
    return {"AWS_REGION": "eu-west-1", **{key: str(value) for key, value in found.items()}}


def combinations():
    scopes = (
        {"Scope": "organization", **IN_ORGANIZATION},
        {"Scope": "account"},
        {"Scope": "account", "ExternalId": "opalite-3f2a"},
    )
    layouts = [{"RuleLayout": layout} for layout in ("policy", "umbrella", "none")]
    outputs = [
        dict(zip(("SecurityHub", "Notifications"), chosen, strict=True))
        for chosen in itertools.product(("on", "off"), repeat=2)
    ]
    rest = ({}, {"CreatorLookup": "on", "OwnerTags": "owner", "PassedFindings": "on", "ExemptFindings": "suppressed"})
    for parts in itertools.product(scopes, layouts, outputs, rest):
        yield {key: value for part in parts for key, value in part.items()}


def test_the_generated_parts_are_up_to_date():
    command = [sys.executable, "-c", "from opalite.cli import main; main()", "template", str(ROOT), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say():
    """Neither errors nor warnings, and no rule is ignored."""
    pytest.importorskip("cfnlint")
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()", *TEMPLATES]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.stdout, done.returncode) == ("", 0)


@pytest.mark.slow
def test_cfn_lint_has_nothing_to_say_of_what_is_deployed_either(monkeypatch, tmp_path):
    """After the transform, with the nested templates where `sam package` would have put them."""
    pytest.importorskip("cfnlint")
    pytest.importorskip("samtranslator")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    found = transformed()
    for one in found["Resources"].values():
        if one["Type"] == "AWS::CloudFormation::Stack":
            one["Properties"]["TemplateURL"] = "https://artifacts.s3.eu-west-1.amazonaws.com/nested.template"
    packaged = tmp_path / "packaged.json"
    packaged.write_text(json.dumps(found, indent=1))
    command = [sys.executable, "-c", "from cfnlint.runner import main; main()", str(packaged)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_transformed_template_is_the_one_that_was_reviewed(monkeypatch):
    pytest.importorskip("samtranslator")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    found = json.dumps(transformed(), indent=1, sort_keys=True) + "\n"
    if os.environ.get("OPALITE_REWRITE_GOLDEN"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


@pytest.mark.parametrize("path", TEMPLATES)
def test_templates_stay_within_what_cloudformation_takes(path):
    found = template(path)
    assert len(text(path).encode()) <= TEMPLATE_BYTES
    assert (len(found["Resources"]) <= RESOURCES, len(found.get("Parameters", ())) <= PARAMETERS) == (True, True)


@pytest.mark.parametrize("path", TEMPLATES)
def test_no_template_has_aliases_of_yaml(path):
    """CloudFormation knows none."""
    assert [token.start_mark.line + 1 for token in yaml.scan(text(path)) if isinstance(token, yaml.AliasToken)] == []


def test_every_parameter_is_in_a_group_once_and_says_what_it_is():
    for path in ("template.yaml", "deploy/member.yaml"):
        found = template(path)
        groups = found["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        assert sorted(name for group in groups for name in group["Parameters"]) == sorted(found["Parameters"])
        assert [name for name, one in found["Parameters"].items() if not one.get("Description")] == []
        unbounded = [
            name
            for name, one in found["Parameters"].items()
            if not {"AllowedValues", "AllowedPattern", "MinValue"} & one.keys()
        ]
        assert unbounded == []


@pytest.mark.parametrize("parameters", list(combinations()), ids=lambda one: " ".join(one.values()))
def test_the_functions_take_their_environment_whatever_is_switched_on(parameters):
    stack = Stack(template("template.yaml"), parameters)
    in_organization = parameters["Scope"] == "organization"
    named = stack.document["Mappings"]["AccountRules"]["Names"].get(parameters["RuleLayout"], "")
    for name in ("RulesFunction", "SweepFunction"):
        found = variables(stack, name)
        assert sum(len(key) + len(value) for key, value in found.items()) <= VARIABLES_BYTES
        own = environment.read(found)
        assert own.accounts == (None if in_organization else frozenset())
        assert own.member_role == ("OpaliteMember" if in_organization else None)
        assert own.security_hub == (parameters["SecurityHub"] == "on")
        assert own.rules == (frozenset() if in_organization else frozenset(filter(None, named.split(","))))
    rules = environment.read(variables(stack, "RulesFunction"))
    assert (rules.topic_arn is not None) == (parameters["Notifications"] == "on")


@pytest.mark.parametrize(
    "parameters", [one for one in combinations() if "ExternalId" in one], ids=lambda one: " ".join(one.values())
)
def test_so_does_the_function_that_mends(parameters):
    stack = Stack(template("template.yaml"), {**parameters, "Remediation": "on"})
    found = of_remediation.read(variables(stack, "RemediationFunction"))
    assert (found.record_bucket, found.external_id) == (f"opalite-log-{ACCOUNT}-eu-west-1", "opalite-3f2a")


def test_with_everything_off_there_is_no_remediation_and_no_topic_of_notifications():
    resources = Stack(template("template.yaml"), IN_ORGANIZATION).resources
    assert [name for name in resources if "Remediation" in name or name in ("Topic", "ApprovalKey")] == []


def test_a_further_region_makes_no_bucket_and_writes_to_the_first():
    stack = Stack(template("template.yaml"), {**IN_ORGANIZATION, "LogBucket": "opalite-log-1", "LogKeyId": "1234abcd"})
    assert "Log" not in stack.resources
    assert variables(stack, "RulesFunction")["OPALITE_LOG_BUCKET"] == "opalite-log-1"


def test_the_tables_are_those_that_the_functions_ask_for():
    tables = Stack(template("template.yaml"), ALL_ON).of("AWS::DynamoDB::Table")
    standings, attempts = tables["Standings"], tables["Ledger"]
    assert standings["KeySchema"] == [{"AttributeName": standing_item.KEY, "KeyType": "HASH"}]
    assert standings["TimeToLiveSpecification"] == {"AttributeName": standing_item.EXPIRES, "Enabled": True}
    [index] = attempts["GlobalSecondaryIndexes"]
    keys = [one["AttributeName"] for one in index["KeySchema"]]
    assert (index["IndexName"], keys) == (ledger.DUE_INDEX, ["due", "due_at"])
    assert attempts["TimeToLiveSpecification"] == {"AttributeName": ledger.EXPIRES, "Enabled": True}


def test_what_is_kept_outlasts_the_stack():
    stack = Stack(template("template.yaml"), ALL_ON)
    kept = {
        name: one["DeletionPolicy"]
        for name, one in stack.resources.items()
        if one.get("DeletionPolicy") and one["UpdateReplacePolicy"] == "Retain"
    }
    # A table cannot be deleted when its making fails: it is protected against that.
    policies = {
        "AWS::DynamoDB::Table": "Retain", "AWS::KMS::Key": "RetainExceptOnCreate", "AWS::S3::Bucket": "RetainExceptOnCreate",
        "AWS::S3::BucketPolicy": "Retain",
    }  # fmt: skip
    every = stack.resources.items()
    assert kept == {name: policies[one["Type"]] for name, one in every if one["Type"] in policies}


def test_each_function_has_the_longest_time_and_a_role_of_its_own():
    found = Stack(template("template.yaml"), ALL_ON).of("AWS::Serverless::Function")
    assert template("template.yaml")["Globals"]["Function"]["Timeout"] == 900
    assert len({one["Role"] for one in found.values()}) == len(found) == 3


def test_what_is_lost_when_a_function_fails_for_good_is_kept():
    """The schedule of remediation comes again: it is neither tried again nor kept."""
    found = Stack(template("template.yaml"), ALL_ON).of("AWS::Serverless::Function")
    kept = {
        name: one["EventInvokeConfig"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        for name, one in found.items()
    }
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:opalite"
    assert kept == {
        "RulesFunction": f"{queue}-failed",
        "SweepFunction": f"{queue}-undelivered",
        "RemediationFunction": None,
    }
    assert found["RemediationFunction"]["EventInvokeConfig"]["MaximumRetryAttempts"] == 0


@pytest.mark.parametrize("schedule", ["on", "off"])
def test_rules_have_schedules_only_where_these_are_asked_for(schedule):
    parameters = {"FunctionArn": "arn:aws:lambda:eu-west-1:111111111111:function:f", "Schedule": schedule}
    organization, account = (
        Stack(template(f"deploy/rules/{name}.yaml"), parameters) for name in ("organization", "account")
    )
    metadata = [
        one["OrganizationCustomRuleMetadata"] for one in organization.of("AWS::Config::OrganizationConfigRule").values()
    ]
    details = [one["Source"]["SourceDetails"] for one in account.of("AWS::Config::ConfigRule").values()]
    in_organization = {
        (one["OrganizationConfigRuleTriggerTypes"][-1], one.get("MaximumExecutionFrequency")) for one in metadata
    }
    in_account = {(one[-1]["MessageType"], one[-1].get("MaximumExecutionFrequency")) for one in details}
    changes, scheduled = (
        ("OversizedConfigurationItemChangeNotification", None),
        ("ScheduledNotification", "TwentyFour_Hours"),
    )
    assert in_organization == in_account == ({changes, scheduled} if schedule == "on" else {changes})


def test_by_default_the_sweep_alone_has_everything_judged_again():
    assert template("template.yaml")["Parameters"]["RuleSchedule"]["Default"] == "off"
    for name in ("OrganizationRules", "ConfigRules"):
        assert template("template.yaml")["Resources"][name]["Properties"]["Parameters"]["Schedule"] == {
            "Ref": "RuleSchedule"
        }


def test_an_alarm_looks_at_every_queue_and_function():
    stack = Stack(template("template.yaml"), ALL_ON)
    alarms = stack.of("AWS::CloudWatch::Alarm").values()
    several = [
        one["MetricStat"]["Metric"] for alarm in alarms for one in alarm.get("Metrics", ()) if "MetricStat" in one
    ]
    watched = {value["Value"] for one in (*alarms, *several) for value in one.get("Dimensions") or ()}
    queues = {one["QueueName"] for one in stack.of("AWS::SQS::Queue").values()}
    functions = {one["FunctionName"] for one in stack.of("AWS::Serverless::Function").values()}
    assert queues | functions <= watched


def test_alarms_look_at_every_rule_of_eventbridge_that_there_may_be():
    document = template("template.yaml")
    rules = [one["Properties"]["Name"] for one in document["Resources"].values() if one["Type"] == "AWS::Events::Rule"]
    for name in ("EventsFailed", "EventsLost"):
        metrics = document["Resources"][name]["Properties"]["Metrics"]
        [expression] = [one["Expression"] for one in metrics if "Expression" in one]
        watched = {one["Id"]: one["MetricStat"]["Metric"]["Dimensions"] for one in metrics if "MetricStat" in one}
        assert list(watched.values()) == [[{"Name": "RuleName", "Value": rule}] for rule in _in_order(rules)]
        assert expression == " + ".join(f"FILL({one}, 0)" for one in watched)


def test_every_function_and_layer_has_a_target_that_builds_it():
    folders = {"AWS::Serverless::Function": "handler", "AWS::Serverless::LayerVersion": "extension"}
    built = {
        name: one["Type"] for name, one in template("template.yaml")["Resources"].items() if one["Type"] in folders
    }
    assert [name for name, kind in built.items() if f"build-{name}" not in text(f"{folders[kind]}/Makefile")] == []


def test_nested_templates_lie_where_the_template_says():
    resources = template("template.yaml")["Resources"].values()
    for properties in (one["Properties"] for one in resources if one["Type"] == "AWS::CloudFormation::Stack"):
        declared = template(properties["TemplateURL"])["Parameters"]
        required = {name for name, one in declared.items() if "Default" not in one}
        assert required <= set(properties["Parameters"]) <= set(declared)


def test_the_state_machine_gets_all_that_its_definition_asks_for():
    machine = template("template.yaml")["Resources"]["RemediationMachine"]["Properties"]
    definition = text(machine["DefinitionUri"])
    for name in machine["DefinitionSubstitutions"]:
        definition = definition.replace(f"${{{name}}}", "")
    assert "${" not in definition


def test_the_dashboard_is_json():
    [one] = Stack(template("template.yaml"), ALL_ON).of("AWS::CloudWatch::Dashboard").values()
    assert len(json.loads(one["DashboardBody"])["widgets"]) == 6
