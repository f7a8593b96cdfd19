"""What else a check may meet: each kind of fault with its state and its words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opalite.doctor.diagnosis import State
from opalite.errors import AwsError
from opalite.ports import Absent
from unit.doctor.cloud import FUNCTION, LAYER, LAYER_FILE, MEMBER, OTHER, OWN, SUBJECT, Cloud, found, healthy, trust

CONFIGURATION = "lambda:GetFunctionConfiguration"
RECORDERS, STATES = "config:DescribeConfigurationRecorders", "config:DescribeConfigurationRecorderStatus"
ROLLOUT = "config:DescribeOrganizationConfigRuleStatuses"
ADMINISTRATORS = "organizations:ListDelegatedAdministrators"


def _change(action, **members):
    return lambda cloud: cloud.change(action, **members)


def _entry(action, **members):
    return lambda cloud: cloud.entry(action, **members)


def _answer(action, answer):
    return lambda cloud: cloud.answers.update({action: answer})


def _qualified(cloud):
    rules = cloud.answers["config:DescribeOrganizationConfigRules"]["OrganizationConfigRules"]
    rules[1]["OrganizationCustomRuleMetadata"]["LambdaFunctionArn"] = f"{FUNCTION}:live"
    cloud.entry("config:DescribeConfigRules", Source={"SourceIdentifier": f"{FUNCTION}:live"})


def _deleting(cloud):
    usual = cloud.answers["dynamodb:DescribeTable"]

    def table(*asked):
        answer = usual(*asked)
        answer["Table"]["TableStatus"] = "DELETING"
        return answer

    cloud.answers["dynamodb:DescribeTable"] = table


def _delivery(part, **info):
    answer = {"DeliveryChannelsStatus": [{"name": "default", part: {"lastStatus": "Failure", **info}}]}
    return _answer("config:DescribeDeliveryChannelStatus", answer)


TWO = [{"Arn": LAYER.replace("opalite", "a")}, {"Arn": LAYER.replace("opalite", "b")}]
TRUST = trust()
SILENT = "Lambda does not tell the time-out"
# Check, what happens, and what is said.
FAULTS = [
    ("delegated_rules", _answer("organizations:DescribeOrganization", {"Organization": {"Id": "o-1", "MasterAccountId": OWN}}),
     "well", "this is the management account"),
    ("delegated_stacksets", _answer(ADMINISTRATORS, {"DelegatedAdministrators": [{"Id": OTHER}]}), "notice",
     f"not this account, but {OTHER} is delegated administrator of member.org.stacksets.cloudformation.amazonaws.com"),
    ("delegated_security_hub", _answer(ADMINISTRATORS, {"DelegatedAdministrators": [{"Id": OTHER}]}), "well", ""),
    ("function_state", _answer(CONFIGURATION, Absent("x")), "wrong", f"{FUNCTION}: there is no such function"),
    ("function_state", _change(CONFIGURATION, LastUpdateStatus="Failed"), "wrong",
     "its last update failed (no reason is told)"),
    ("function_state", _change(CONFIGURATION, LastUpdateStatus="InProgress"), "notice",
     "the function is being made or updated"),
    ("function_timeout", _change(CONFIGURATION, Timeout=None), "unknown", SILENT),
    ("function_settings", _change(CONFIGURATION, Environment={"Error": {"ErrorCode": "AccessDenied"}}), "unknown",
     "Lambda cannot decrypt the function's environment"),
    ("function_concurrency", _answer("lambda:GetFunctionConcurrency", {}), "notice",
     "no concurrency is reserved: a burst of events can take all of the account's"),
    ("function_permission", _answer("lambda:GetPolicy", {"Policy": "{}"}), "unknown",
     "the policy of the function cannot be read"),
    ("function_permission", _answer("lambda:GetPolicy", Absent("ResourceNotFoundException")), "wrong",
     "AWS Config may not invoke the function"),
    ("function_destination", lambda cloud: (
        cloud.absent("lambda:GetFunctionEventInvokeConfig"),
        cloud.change(CONFIGURATION, DeadLetterConfig={"TargetArn": f"arn:aws:sqs:eu-west-1:{OWN}:dead"})), "well", ""),
    ("function_layer", _change(CONFIGURATION, Layers=TWO), "unknown",
     "none of the layers is called opalite, so nobody knows which one it is"),
    ("function_architecture", _change(CONFIGURATION, Architectures=["x86_64"]), "wrong",
     "the function is for x86_64, the layer for arm64"),
    ("failed_events", _answer("sqs:GetQueueUrl", Absent("x")), "wrong", "there is no such queue"),
    ("failed_events", _answer("lambda:GetFunctionEventInvokeConfig", {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sns:x"}}}),
     "skipped", "no queue is known: name it by --queue"),
    ("organization_rules", _answer("config:DescribeOrganizationConfigRules", {"OrganizationConfigRules": []}), "wrong",
     "no organization rule names the function"),
    ("organization_rules", _entry(ROLLOUT, OrganizationRuleStatus="UPDATE_IN_PROGRESS"), "notice", "AWS is deploying buckets"),
    ("organization_rules", _answer(ROLLOUT, {"OrganizationConfigRuleStatuses": []}), "unknown",
     "AWS tells no status of buckets"),
    ("organization_rules", _qualified, "well", ""),
    ("rule_copies", _qualified, "well", ""),
    ("recorder", _answer(RECORDERS, {"ConfigurationRecorders": []}), "wrong", "there is no recorder"),
    ("recorder", _entry(STATES, lastStatus="Failure", lastErrorCode="AccessDenied"), "wrong",
     "the recorder's last delivery failed (AccessDenied)"),
    ("recorder", _entry(STATES, lastStatus="Pending"), "notice", "the recorder has not delivered yet"),
    ("recorder_frequency", _entry(RECORDERS, recordingMode={"recordingModeOverrides": [
        {"recordingFrequency": "DAILY", "resourceTypes": ["AWS::S3::Bucket"]}]}),
     "notice", "recorded once a day, and a failure is not seen for so long: AWS::S3::Bucket"),
    ("delivery_channel", _delivery("configStreamDeliveryInfo", lastErrorCode="AccessDenied"), "wrong",
     "not delivered: stream (AccessDenied)"),
    ("delivery_channel", _delivery("configHistoryDeliveryInfo"), "wrong", "not delivered: history (no reason is told)"),
    ("role_trust", _answer("iam:GetRole", {"Role": {"AssumeRolePolicyDocument": "{"}}), "unknown",
     "the role's trust policy cannot be read"),
    ("role_trust", _answer("iam:GetRole", Absent("NoSuchEntity")), "skipped", "there is no role"),
    ("role_trust", _answer("iam:GetRole", {"Role": {"AssumeRolePolicyDocument": {"Statement": {
        **TRUST["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}, "Condition": {}}}}}), "wrong",
     "the role does not trust the function"),
    ("security_hub", _answer("securityhub:DescribeHub", AwsError("securityhub:DescribeHub in account 222222222222, eu-west-1: timed out")),
     "unknown", "securityhub:DescribeHub: timed out"),
    ("log_bucket_public", _answer("s3:GetPublicAccessBlock", AwsError("x", "NoSuchPublicAccessBlockConfiguration")), "wrong",
     "not blocked: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets"),
    ("log_bucket_encryption", _answer("s3:GetBucketLocation", Absent("NoSuchBucket")), "skipped", "there is no bucket"),
    ("state_table", _answer("dynamodb:DescribeTable", Absent("x")), "wrong", "there is no table opalite-standings"),
    ("state_table_expiry", _answer("dynamodb:DescribeTable", Absent("x")), "skipped", "there is no table"),
    ("state_table", _deleting, "wrong", "the table is DELETING"),
    ("remediation_switch", _answer("dynamodb:GetItem", Absent("x")), "skipped", "there is no table"),
    ("topic_subscriptions", _answer("sns:GetTopicAttributes", {"Attributes": {"SubscriptionsConfirmed": "1", "SubscriptionsPending": "2"}}),
     "notice", "2 subscriptions wait to be confirmed"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "happens", "state", "message"),
    FAULTS,
    ids=[f"{check}-{state}-{n}" for n, (check, _, state, _) in enumerate(FAULTS)],
)
def test_what_a_check_meets_is_told_as_what_it_is(check, happens, state, message):
    cloud = Cloud()
    happens(cloud)
    # In members, where there is a difference.
    told = [one for one in found(cloud) if one.check == check and one.account_id in ("", MEMBER)]
    assert [(str(one.state), one.message) for one in told] == [(state, message)]


def test_credentials_that_fail_at_an_account_make_it_unknown_not_wrong():
    class Failing(Cloud):
        __slots__ = ()

        def service(self, name, account_id, region):
            if account_id == MEMBER:
                raise AwsError(f"sts:AssumeRole in account {account_id}, eu-west-1: Throttling")
            return super().service(name, account_id, region)

    told = [one for one in found(Failing()) if one.account_id == MEMBER]
    assert {one.state for one in told} == {State.UNKNOWN}
    assert {one.message for one in told} == {"sts:AssumeRole: Throttling"}


def test_findings_that_are_off_need_no_hub():
    cloud = Cloud()
    environment = healthy()[CONFIGURATION]["Environment"]["Variables"] | {"OPALITE_SECURITY_HUB": "off"}
    cloud.change(CONFIGURATION, Environment={"Variables": environment})
    told = {one.check: one.state for one in found(cloud) if one.check in ("security_hub", "delegated_security_hub")}
    assert told == dict.fromkeys(("security_hub", "delegated_security_hub"), State.SKIPPED)
    assert "securityhub:DescribeHub" not in {action for action, *_ in cloud.calls}


def test_a_layer_that_names_no_architecture_is_known_by_its_file_only():
    cloud = Cloud()
    cloud.change("lambda:GetLayerVersionByArn", CompatibleArchitectures=[])
    told = [
        [one.state for one in found(cloud, layer=file) if one.check == "function_architecture"]
        for file in (LAYER_FILE, None)
    ]
    assert told == [[State.WELL], [State.UNKNOWN]]


def test_the_rules_are_looked_for_in_the_functions_region_only():
    told = found(Cloud(), replace(SUBJECT, regions=("eu-west-1", "eu-central-1")))
    states = {(one.region, one.state) for one in told if one.check == "rule_state" and one.account_id == MEMBER}
    assert states == {("eu-west-1", State.WELL), ("eu-central-1", State.SKIPPED)}
