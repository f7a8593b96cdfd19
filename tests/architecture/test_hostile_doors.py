"""Ways round the doors: who else gets something into a queue, the log or the ledger, and what is left when doors are taken away."""

from __future__ import annotations

import json
from typing import Any

from architecture.cloudformation import ACCOUNT, ROOT, Stack, template
from architecture.permissions import is_allowed, listed
from architecture.test_template import ALL_ON, IN_ORGANIZATION
from architecture.test_template_permissions import TRUST, member

# Those that are enabled in every account: https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1",
    "us-west-2",
)  # fmt: skip
ANYBODY = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
TLS = {"aws:SecureTransport": "true"}


def stack(**parameters: str) -> Stack:
    return Stack(template("template.yaml"), {**ALL_ON, **parameters})


def policies(found: Stack, kind: str) -> list[list[dict[str, Any]]]:
    return [one["PolicyDocument"]["Statement"] for one in found.of(kind).values()]


def test_no_queue_of_somebody_else_hands_its_messages_over():
    """What a queue moves to its dead-letter queue is not asked of that one's policy."""
    queues = stack().of("AWS::SQS::Queue")
    open_ones = [name for name, one in queues.items() if "RedriveAllowPolicy" not in one]
    assert open_ones == []


def test_only_our_own_rules_of_eventbridge_send_to_queues():
    found = stack()
    ours = {f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{one['Name']}" for one in found.of("AWS::Events::Rule").values()}
    allowed = {
        arn
        for statements in policies(found, "AWS::SQS::QueuePolicy")
        for one in statements
        if one["Effect"] == "Allow"
        for arn in listed(one["Condition"].get("ArnEquals", one["Condition"].get("ArnLike"))["aws:SourceArn"])
    }
    assert allowed - ours == set()


def test_the_log_is_not_written_by_replication():
    found = stack()
    [statements] = policies(found, "AWS::S3::BucketPolicy")
    place = f"arn:aws:s3:::{found.resources['Log']['Properties']['BucketName']}/decisions/1.json.gz"
    everything = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:ReplicateObject"], "Resource": "*"}
    for action in everything["Action"]:
        assert not is_allowed([everything, *statements], action, place, {**TLS, "aws:PrincipalArn": ANYBODY})


def test_only_the_functions_write_to_their_tables():
    for table in stack().of("AWS::DynamoDB::Table").values():
        statements = table["ResourcePolicy"]["PolicyDocument"]["Statement"]
        everything = {"Effect": "Allow", "Action": ["dynamodb:PutItem", "dynamodb:UpdateItem"], "Resource": "*"}
        for action in everything["Action"]:
            context = {"aws:PrincipalArn": ANYBODY, "dynamodb:LeadingKeys": "attempt#1"}
            assert not is_allowed([everything, *statements], action, context=context)


def test_what_guards_the_log_stays_with_it():
    resources = stack().resources
    kept = [resources[name].get("DeletionPolicy", "Delete") for name in ("Log", "LogPolicy")]
    assert kept == ["RetainExceptOnCreate", "Retain"]


def test_remediation_can_be_switched_off_and_on_again():
    """What is kept when its condition does not hold any more, and has a name of its own, cannot be made again."""
    kept = {
        name
        for name, one in template("template.yaml")["Resources"].items()
        if one.get("DeletionPolicy") == "Retain" and {"TableName"} & one["Properties"].keys() and "Condition" in one
    }
    assert kept == set()


def test_the_queue_of_failed_events_has_only_what_redrive_sends_again():
    functions = stack().of("AWS::Serverless::Function")
    queues = {
        name: one["EventInvokeConfig"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        for name, one in functions.items()
    }
    failed = queues["RulesFunction"]
    assert [name for name, queue in queues.items() if queue == failed] == ["RulesFunction"]


def test_a_day_without_any_event_is_noticed_on_that_day():
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: of a wider range."""
    [silence] = [one for name, one in stack().of("AWS::CloudWatch::Alarm").items() if name == "RulesSilence"]
    assert any("FILL(" in str(one.get("Expression")) for one in silence.get("Metrics", ()))


def test_trust_policies_fit_for_as_many_regions_as_the_docs_say():
    told = (ROOT / "docs" / "deploy.md").read_text()
    assert [_trust_length(number, "") <= TRUST for number in (15, 16)] == [True, False]
    assert [_trust_length(number, "opalite") <= TRUST for number in (13, 14)] == [True, False]
    assert "15 Regions, 13 with a source identity" in told
    assert _trust_length(len(REGIONS), "opalite") <= 2 * TRUST


def test_a_source_identity_does_not_halve_the_regions():
    assert _trust_length(13, "opalite") <= TRUST


def _trust_length(number: int, identity: str) -> int:
    arns = [
        f"arn:aws:iam::{ACCOUNT}:role/opalite-{kind}-{one}" for one in REGIONS[:number] for kind in ("rules", "sweep")
    ]
    role = member(FunctionRoleArns=",".join(arns), SourceIdentity=identity).resources["MemberRole"]
    return len(json.dumps(role["Properties"]["AssumeRolePolicyDocument"], separators=(",", ":")))


def test_nothing_but_names_and_arns_is_told_in_outputs():
    """The external id is in none of them, and no text that somebody has typed."""
    told = json.dumps(Stack(template("template.yaml"), ALL_ON).resolve(template("template.yaml")["Outputs"]))
    assert [word for word in (IN_ORGANIZATION["ExternalId"], "@") if word in told] == []


def test_no_machine_without_its_log_group_writes_tokens_into_it():
    [machine] = stack().of("AWS::Serverless::StateMachine").values()
    assert (machine["Logging"]["Level"], machine["Logging"]["IncludeExecutionData"]) == ("ERROR", False)
    assert (ROOT / machine["DefinitionUri"]).is_file()
