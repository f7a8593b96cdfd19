"""Each check says `well` of a deployment that is, `wrong` of a fault, and `unknown` of what AWS does not tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from opalite.doctor.checks import CHECKS
from opalite.doctor.diagnosis import State
from opalite.ports import Absent
from unit.doctor.cloud import (
    CATALOG,
    COPY,
    LAYER_FILE,
    MEMBER,
    NOW,
    OTHER,
    OWN,
    SUBJECT,
    TOPIC,
    Cloud,
    found,
    healthy,
    permission,
    states,
    trust,
)

WRITING = replace(SUBJECT, write=True)


def _environment(cloud, **variables):
    answer = healthy()["lambda:GetFunctionConfiguration"]
    kept = {name: value for name, value in answer["Environment"]["Variables"].items() if variables.get(name, value)}
    environment = {"Variables": kept | {name: value for name, value in variables.items() if value}}
    cloud.change("lambda:GetFunctionConfiguration", Environment=environment)


def _delegated(principal, administrators):
    def changed(cloud):
        usual = cloud.answers["organizations:ListDelegatedAdministrators"]
        entries = {"DelegatedAdministrators": [{"Id": one} for one in administrators]}
        cloud.answers["organizations:ListDelegatedAdministrators"] = lambda _a, _r, asked: (
            entries if asked["ServicePrincipal"].startswith(principal) else usual
        )

    return changed


def _failed_rollout(cloud):
    cloud.entry("config:DescribeOrganizationConfigRuleStatuses", OrganizationRuleStatus="CREATE_FAILED")
    failed = {"AccountId": OTHER, "MemberAccountRuleStatus": "CREATE_FAILED", "ErrorCode": "NoRecorder"}
    cloud.answers["config:GetOrganizationConfigRuleDetailedStatus"] = lambda _a, _r, asked: {
        "OrganizationConfigRuleDetailedStatus": [failed]
        * (asked["Filters"]["MemberAccountRuleStatus"] == "CREATE_FAILED")
    }


def _no_index(cloud):
    usual = cloud.answers["dynamodb:DescribeTable"]

    def table(account, region, asked):
        answer = usual(account, region, asked)
        answer["Table"]["GlobalSecondaryIndexes"] = []
        return answer

    cloud.answers["dynamodb:DescribeTable"] = table


def _other_key(cloud):
    usual = cloud.answers["dynamodb:DescribeTable"]

    def table(account, region, asked):
        answer = usual(account, region, asked)
        if asked["TableName"] == "opalite-standings":
            answer["Table"]["AttributeDefinitions"][0]["AttributeType"] = "N"
        return answer

    cloud.answers["dynamodb:DescribeTable"] = table


def _no_expiry(of):
    def changed(cloud):
        usual = cloud.answers["dynamodb:DescribeTimeToLive"]
        off = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        cloud.answers["dynamodb:DescribeTimeToLive"] = lambda _a, _r, asked: off if asked["TableName"] == of else usual

    return changed


def _change(action, **members):
    return lambda cloud: cloud.change(action, **members)


def _entry(action, **members):
    return lambda cloud: cloud.entry(action, **members)


def _answer(action, answer):
    return lambda cloud: cloud.answers.update({action: answer})


RECORDERS, RULES = "config:DescribeConfigurationRecorders", "config:DescribeConfigRules"
STATUS = "config:DescribeConfigRuleEvaluationStatus"
CONFIGURATION = "lambda:GetFunctionConfiguration"
LONG = "x" * 42
# Check: the change that makes it wrong, which accounts then are (empty: none in particular), and what is denied.
EVERY = [OWN, MEMBER, OTHER]
WRONG = {
    "delegated_rules": (_delegated("config-multi", [OTHER]), [""], "organizations:ListDelegatedAdministrators"),
    "delegated_config": (_delegated("config.", []), [""], "organizations:ListDelegatedAdministrators"),
    "delegated_stacksets": (_delegated("member.", []), [""], "organizations:ListDelegatedAdministrators"),
    "delegated_security_hub": (_delegated("security", []), [""], "organizations:ListDelegatedAdministrators"),
    "trusted_access": (
        _answer("organizations:ListAWSServiceAccessForOrganization", {"EnabledServicePrincipals": []}), [""],
        "organizations:ListAWSServiceAccessForOrganization",
    ),
    "function_state": (_change(CONFIGURATION, State="Failed", StateReasonCode="InvalidSubnet"), [""], CONFIGURATION),
    "function_settings": (lambda cloud: _environment(cloud, OPALITE_REFRESH_DAY="3"), [""], CONFIGURATION),
    "function_layer": (_change(CONFIGURATION, Layers=[]), [""], "lambda:GetLayerVersionByArn"),
    "function_architecture": (
        _change("lambda:GetLayerVersionByArn", CompatibleArchitectures=["x86_64"]), [""], "lambda:GetLayerVersionByArn",
    ),
    "function_timeout": (_change(CONFIGURATION, Timeout=59), [""], CONFIGURATION),
    "function_memory": (_change(CONFIGURATION, MemorySize=255), [""], CONFIGURATION),
    "function_destination": (
        _answer("lambda:GetFunctionEventInvokeConfig", Absent("ResourceNotFoundException")), [""],
        "lambda:GetFunctionEventInvokeConfig",
    ),
    "function_concurrency": (
        _change("lambda:GetFunctionConcurrency", ReservedConcurrentExecutions=0), [""], "lambda:GetFunctionConcurrency",
    ),
    "function_permission": (
        _answer("lambda:GetPolicy", permission(Condition={"StringEquals": {"AWS:SourceAccount": [OWN, MEMBER]}})), [""],
        "lambda:GetPolicy",
    ),
    "failed_events": (
        _answer("sqs:GetQueueAttributes", {"Attributes": {"ApproximateNumberOfMessages": "3"}}), [""],
        "sqs:GetQueueAttributes",
    ),
    "rule_name": (
        _entry("config:DescribeOrganizationConfigRules", OrganizationConfigRuleName=LONG,
               OrganizationCustomRuleMetadata={"LambdaFunctionArn": SUBJECT.function}), [""],
        "config:DescribeOrganizationConfigRules",
    ),
    "organization_rules": (
        _entry("config:DescribeOrganizationConfigRuleStatuses", OrganizationRuleStatus="UPDATE_FAILED"), [""],
        "config:DescribeOrganizationConfigRuleStatuses",
    ),
    "organization_rule_accounts": (_failed_rollout, [OTHER], "config:DescribeOrganizationConfigRuleStatuses"),
    "member_role": (lambda cloud: cloud.closed.add(MEMBER), [MEMBER], None),
    "role_trust": (_answer("iam:GetRole", {"Role": {"AssumeRolePolicyDocument": trust(condition={})}}), [MEMBER, OTHER], "iam:GetRole"),
    "recorder": (
        _entry("config:DescribeConfigurationRecorderStatus", recording=False), EVERY,
        "config:DescribeConfigurationRecorderStatus",
    ),
    "recorder_types": (
        _entry(RECORDERS, recordingGroup={"allSupported": False, "resourceTypes": ["AWS::IAM::Role"]}), EVERY, RECORDERS,
    ),
    "delivery_channel": (
        _answer("config:DescribeDeliveryChannels", {"DeliveryChannels": []}), EVERY, "config:DescribeDeliveryChannelStatus",
    ),
    "security_hub": (_answer("securityhub:DescribeHub", Absent("x")), EVERY, "securityhub:DescribeHub"),
    "rule_copies": (_entry(RULES, ConfigRuleName="OrgConfigRule-other-abcdefgh"), EVERY, RULES),
    "rule_state": (_entry(RULES, ConfigRuleState="DELETING"), EVERY, RULES),
    "rule_invocation": (
        _entry(STATUS, LastFailedInvocationTime=NOW, LastErrorCode="AccessDenied"), EVERY, STATUS,
    ),
    "rule_fresh": (
        _entry(STATUS, LastSuccessfulInvocationTime=NOW - timedelta(days=8),
               LastSuccessfulEvaluationTime=NOW - timedelta(days=8)), EVERY, STATUS,
    ),
    "test_evaluation": (
        lambda cloud: cloud.answers.update({"config:PutEvaluations": {"FailedEvaluations": [{"x": 1}]}}), EVERY, None,
    ),
    "log_bucket": (_answer("s3:GetBucketLocation", Absent("NoSuchBucket")), [""], "s3:GetBucketLocation"),
    "log_bucket_encryption": (
        _answer("s3:GetBucketEncryption", Absent("x")), [""], "s3:GetBucketEncryption",
    ),
    "log_bucket_public": (
        _answer("s3:GetPublicAccessBlock", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}), [""],
        "s3:GetPublicAccessBlock",
    ),
    "log_bucket_write": (_answer("s3:PutObject", Absent("NoSuchBucket")), [""], "s3:PutObject"),
    "state_table": (_other_key, [""], "dynamodb:DescribeTable"),
    "state_table_expiry": (_no_expiry("opalite-standings"), [""], "dynamodb:DescribeTimeToLive"),
    "topic": (_answer("sns:GetTopicAttributes", Absent("NotFound")), [""], "sns:GetTopicAttributes"),
    "topic_encryption": (
        _answer("sns:GetTopicAttributes", {"Attributes": {"SubscriptionsConfirmed": "1"}}), [""], "sns:GetTopicAttributes",
    ),
    "topic_subscriptions": (
        _answer("sns:GetTopicAttributes", {"Attributes": {"KmsMasterKeyId": "k", "SubscriptionsPending": "1"}}), [""],
        "sns:GetTopicAttributes",
    ),
    "remediation_table": (_no_index, [""], "dynamodb:DescribeTable"),
    "remediation_expiry": (_no_expiry("opalite-remediation"), [""], "dynamodb:DescribeTimeToLive"),
}  # fmt: skip
# Never wrong: worth knowing.
NOTICES = {
    "recorder_frequency": (_entry(RECORDERS, recordingMode={"recordingFrequency": "DAILY"}), EVERY, RECORDERS),
    "remediation_switch": (
        _answer("dynamodb:GetItem", {"Item": {"reason": {"S": "freeze (by anna)"}}}), [""], "dynamodb:GetItem",
    ),
}  # fmt: skip
# With these, other checks are wrong as well, because they speak of the same thing.
TOGETHER = {
    "organization_rule_accounts": {"organization_rules", "organization_rule_accounts"},
}
CASES = {**WRONG, **NOTICES}


def test_every_check_has_its_case():
    assert CASES.keys() == CHECKS.keys()


def test_every_check_is_well_in_a_deployment_that_is_well():
    told = found(Cloud(), WRITING)
    assert (states(told, State.WRONG), states(told, State.UNKNOWN)) == ([], [])
    assert {one.check for one in told if one.state is State.WELL} == CHECKS.keys()


@pytest.mark.parametrize("check", WRONG)
def test_a_fault_is_wrong_where_it_is_and_has_a_remedy(check):
    change, accounts, _ = CASES[check]
    cloud = Cloud()
    change(cloud)
    told = found(cloud, WRITING)
    wrong = [one for one in told if one.state is State.WRONG]
    assert {one.check for one in wrong} == TOGETHER.get(check, {check})
    assert [one.account_id for one in wrong if one.check == check] == accounts
    assert all(one.message and one.remedy for one in wrong)


@pytest.mark.parametrize("check", NOTICES)
def test_what_is_worth_knowing_is_a_notice(check):
    change, accounts, _ = CASES[check]
    cloud = Cloud()
    change(cloud)
    told = found(cloud, WRITING)
    assert [one.account_id for one in told if (one.check, one.state) == (check, State.NOTICE)] == accounts
    assert states(told, State.WRONG) == []


@pytest.mark.parametrize("check", [check for check, (_, _, denied) in CASES.items() if denied])
def test_what_aws_refuses_to_tell_is_unknown_and_the_permission_is_named(check):
    cloud = Cloud()
    denied = CASES[check][2]
    cloud.deny(denied)
    told = [one for one in found(cloud, WRITING) if one.check == check]
    assert State.UNKNOWN in {one.state for one in told}
    assert State.WELL not in {one.state for one in told}
    service = denied.partition(":")[0]
    assert all(f" {service}:" in one.remedy for one in told if one.state is State.UNKNOWN)


def test_an_account_that_cannot_be_entered_is_wrong_once_and_otherwise_unknown():
    cloud = Cloud()
    cloud.closed.add(MEMBER)
    told = found(cloud, WRITING)
    assert states(told, State.WRONG) == [("member_role", MEMBER)]
    checks = {check for check, account in states(told, State.UNKNOWN) if account == MEMBER}
    assert checks == {
        "role_trust", "recorder", "recorder_types", "recorder_frequency", "delivery_channel", "security_hub", "rule_copies",
        "rule_state", "rule_invocation", "rule_fresh", "test_evaluation",
    }  # fmt: skip
    assert not [one for one in told if (one.account_id, one.state) == (MEMBER, State.WELL)]


@pytest.mark.parametrize("role", [None, "OpaliteMember"])
def test_a_caller_whom_the_member_role_need_not_trust_proves_nothing_unless_he_names_it(role):
    cloud = Cloud(closed={MEMBER})
    cloud.change("sts:GetCallerIdentity", Arn=f"arn:aws:sts::{OWN}:assumed-role/Administrator/anna")
    told = [
        one.state
        for one in found(cloud, replace(SUBJECT, role=role))
        if (one.check, one.account_id) == ("member_role", MEMBER)
    ]
    assert told == [State.WRONG if role else State.UNKNOWN]


def test_a_permission_may_stand_in_the_other_policy():
    cloud = Cloud()
    cloud.answers["lambda:GetResourcePolicy"] = cloud.answers["lambda:GetPolicy"]
    cloud.absent("lambda:GetPolicy")
    assert states(found(cloud), State.WRONG) == []


def test_the_member_role_that_may_not_put_evaluations_is_wrong_and_the_operator_unknown():
    cloud = Cloud()
    cloud.deny("config:PutEvaluations")
    told = found(cloud, WRITING)
    assert states(told, State.WRONG) == [("test_evaluation", MEMBER), ("test_evaluation", OTHER)]
    assert states(told, State.UNKNOWN) == [("test_evaluation", OWN)]


def test_a_role_of_the_doctors_own_is_looked_by_and_the_member_role_looked_at():
    subject = replace(SUBJECT, role="OpaliteRead")
    told = found(Cloud(), subject)
    assert states(told, State.WRONG) == []
    cloud = Cloud()
    cloud.absent("iam:GetRole", "NoSuchEntity")
    assert states(found(cloud, subject), State.WRONG) == [("member_role", MEMBER), ("member_role", OTHER)]


@pytest.mark.parametrize(
    ("condition", "principal", "faulty"),
    [
        ({}, {"AWS": "*"}, True),
        ({"StringEquals": {"sts:ExternalId": "abc"}}, {"AWS": "*"}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}, {"AWS": "*"}, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, {"AWS": "*"}, True),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}, None, False),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, None, True),
        ({"StringEquals": {"sts:ExternalId": "abc"}}, None, False),
        ({"StringLike": {"aws:PrincipalOrgID": "*"}}, None, True),
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, None, True),
        (None, {"AWS": "arn:aws:iam::444455556666:role/Other"}, True),
        (None, {"AWS": f"arn:aws:iam::{OWN}:root"}, False),
    ],
)
def test_a_trust_that_is_open_or_names_somebody_else_is_wrong(condition, principal, faulty):
    cloud = Cloud()
    document = trust(condition=condition, principal=principal)
    cloud.answers["iam:GetRole"] = {"Role": {"AssumeRolePolicyDocument": document}}
    assert states(found(cloud), State.WRONG) == [("role_trust", MEMBER), ("role_trust", OTHER)] * faulty


ARN = "arn:aws:config:*:*:config-rule/aws-service-rule/config-multiaccountsetup.amazonaws.com/*"


@pytest.mark.parametrize(
    ("statement", "faulty"),
    [
        ({}, False),
        ({"Condition": {"ArnLike": {"AWS:SourceArn": ARN}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceOrgID": "o-exampleorgid"}}}, False),
        ({"Condition": {"StringEquals": {"aws:SourceOrgID": "o-another"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}, True),
        ({"Condition": {"StringLike": {"aws:SourceAccount": "*"}}}, False),
        ({"Effect": "Deny"}, True),
        ({"Action": "lambda:GetFunction"}, True),
        ({"Action": ["lambda:*"]}, False),
        ({"Principal": "*"}, True),
    ],
)  # fmt: skip
def test_config_must_be_let_in_for_every_account_and_nobody_else_without_condition(statement, faulty):
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = permission(**statement)
    assert states(found(cloud), State.WRONG) == [("function_permission", "")] * faulty


@pytest.mark.parametrize(
    ("group", "missing"),
    [
        (None, ""),
        ({"allSupported": True, "includeGlobalResourceTypes": False}, "no Region that was asked records AWS::IAM::Role"),
        ({"recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}, "includeGlobalResourceTypes": True}, ""),
        ({"recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
          "exclusionByResourceTypes": {"resourceTypes": ["AWS::S3::Bucket", "AWS::EC2::VPC"]}}, "not recorded: AWS::S3::Bucket"),
        ({"recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}, "resourceTypes": ["AWS::IAM::Role"]},
         "not recorded: AWS::S3::Bucket"),
        ({"allSupported": False, "resourceTypes": ["AWS::IAM::Role", "AWS::S3::Bucket"]}, ""),
    ],
)  # fmt: skip
def test_what_a_recorder_leaves_out_is_named(group, missing):
    cloud = Cloud()
    cloud.entry(
        "config:DescribeConfigurationRecorders",
        recordingGroup=group or {"allSupported": True, "includeGlobalResourceTypes": True},
    )
    told = [one.message for one in found(cloud) if one.check == "recorder_types" and one.state is State.WRONG]
    assert told == [missing] * 3 * bool(missing)


def test_global_types_are_wanted_in_one_region_only():
    cloud = Cloud()
    everything = cloud.answers["config:DescribeConfigurationRecorders"]
    without = {"ConfigurationRecorders": [{"name": "default", "recordingGroup": {"allSupported": True}}]}
    cloud.answers["config:DescribeConfigurationRecorders"] = lambda _a, region, _p: (
        everything if region == "us-east-1" else without
    )
    subject = replace(SUBJECT, regions=("eu-west-1", "us-east-1"))
    assert states(found(cloud, subject), State.WRONG) == []


def test_a_recorder_of_a_service_does_not_count():
    cloud = Cloud()
    of_service = {"name": "AWSConfigurationRecorderForX", "servicePrincipal": "x.amazonaws.com"}
    cloud.answers["config:DescribeConfigurationRecorders"] = {"ConfigurationRecorders": [of_service]}
    assert states(found(cloud), State.WRONG) == [("recorder", account) for account in EVERY]


def test_only_what_the_rules_select_need_be_recorded():
    cloud = Cloud()
    cloud.entry("config:DescribeConfigurationRecorders", recordingGroup={"resourceTypes": ["AWS::S3::Bucket"]})
    rules = cloud.answers["config:DescribeOrganizationConfigRules"]["OrganizationConfigRules"]
    rules[1]["OrganizationCustomRuleMetadata"]["InputParameters"] = '{"policies": "aws.s3.bucket.encryption"}'
    assert states(found(cloud), State.WRONG) == []
    rules[1]["OrganizationCustomRuleMetadata"]["InputParameters"] = '{"policies": "nonsense"}'
    assert states(found(cloud), State.WRONG) == [("recorder_types", account) for account in EVERY]


def test_a_quiet_rule_that_only_changes_trigger_is_a_notice():
    cloud = Cloud()
    WRONG["rule_fresh"][0](cloud)
    details = [{"MessageType": "ConfigurationItemChangeNotification"}]
    cloud.entry(RULES, Source={"SourceIdentifier": SUBJECT.function, "SourceDetails": details})
    told = found(cloud)
    assert states(told, State.WRONG) == []
    assert [account for check, account in states(told, State.NOTICE) if check == "rule_fresh"] == EVERY


def test_a_rule_of_which_aws_tells_no_status_is_unknown():
    cloud = Cloud()
    cloud.answers[STATUS] = {"ConfigRulesEvaluationStatus": []}
    assert {check for check, _ in states(found(cloud), State.UNKNOWN)} == {"rule_invocation", "rule_fresh"}


def test_a_failure_after_which_it_succeeded_is_over():
    cloud = Cloud()
    cloud.entry(STATUS, LastFailedInvocationTime=NOW - timedelta(days=1), LastErrorCode="AccessDenied")
    assert states(found(cloud), State.WRONG) == []


def test_an_excluded_account_needs_no_copy_and_no_permission():
    cloud = Cloud()
    cloud.answers["lambda:GetPolicy"] = permission(Condition={"StringEquals": {"AWS:SourceAccount": [OWN, MEMBER]}})
    rules = cloud.answers["config:DescribeOrganizationConfigRules"]["OrganizationConfigRules"]
    rules[1]["ExcludedAccounts"] = [OTHER]
    cloud.only(RULES, OTHER, {"ConfigRules": []})
    assert states(found(cloud), State.WRONG) == []


def test_the_layer_is_compared_by_what_lies_in_it_where_the_zips_differ():
    cloud = Cloud()
    cloud.change("lambda:GetLayerVersionByArn", Content={"CodeSha256": "another", "Location": "https://layers"})
    same = replace(LAYER_FILE, digest="another")
    assert states(found(cloud, fetch=lambda _: same), State.WRONG) == []
    older = replace(same, revision="fedcba9876543210")
    assert states(found(cloud, fetch=lambda _: older), State.WRONG) == [("function_layer", "")]
    assert states(found(cloud, fetch=lambda _: None), State.UNKNOWN) == [("function_layer", "")]


def test_a_layer_with_other_policies_than_are_installed_is_a_notice():
    more = {
        **CATALOG,
        "policies": {**CATALOG["policies"], "custom.a.b.c": CATALOG["policies"]["aws.s3.bucket.encryption"]},
    }
    told = found(Cloud(), layer=replace(LAYER_FILE, catalog=more))
    assert ("function_layer", "") in states(told, State.NOTICE)


def test_the_oldest_failed_event_is_told():
    cloud = Cloud()
    WRONG["failed_events"][0](cloud)
    [one] = [one for one in found(cloud) if one.state is State.WRONG]
    assert one.message == "3 failed events wait, the oldest for 2 h"


def test_what_is_named_by_options_counts_and_a_difference_is_told():
    subject = replace(SUBJECT, topic=TOPIC.replace("opalite", "other"))
    cloud = Cloud()
    told = found(cloud, subject)
    [one] = [one for one in told if one.check == "function_settings"]
    assert (one.state, one.message) == (State.NOTICE, "--topic: the function uses another one, or none")
    [asked] = [parameters for action, *_, parameters in cloud.calls if action == "sns:GetTopicAttributes"]
    assert asked == {"TopicArn": subject.topic}


def test_a_refusal_to_tell_of_the_organizations_rules_makes_the_copies_unknown():
    cloud = Cloud()
    cloud.deny("config:DescribeOrganizationConfigRules")
    told = found(cloud)
    assert {
        state for one in told if one.check == "rule_copies" and one.account_id in EVERY for state in [one.state]
    } == {State.UNKNOWN}


def test_copies_are_called_as_aws_calls_them():
    cloud = Cloud()
    cloud.answers[RULES] = {"ConfigRules": []}
    [one] = [one for one in found(cloud) if one.check == "rule_copies" and one.account_id == MEMBER]
    assert one.message == f"there is no {COPY}"
