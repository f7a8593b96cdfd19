"""The whole: ten faults of an organization are the ten that are found; single accounts; many accounts."""

from __future__ import annotations

import re
import threading
import tracemalloc
from dataclasses import replace

import pytest

from opalite.adapters.aws import standing_item
from opalite.doctor import account, central
from opalite.doctor.checks import CHECKS
from opalite.doctor.diagnosis import Diagnosis, State, quoted, wrong
from opalite.doctor.examination import examined
from opalite.doctor.settings import Subject
from opalite.doctor.summary import GROUPS, Summary
from opalite.errors import AwsError
from opalite.ports import Absent, Denied
from opalite.remediation.aws import ledger
from unit.doctor.cloud import (
    MEMBER,
    OTHER,
    OWN,
    REGION,
    SUBJECT,
    Cloud,
    found,
    job,
    permission,
    states,
    trust,
)

NO_ORGANIZATION = Denied(
    f"organizations:DescribeOrganization is denied in account {OWN} (AWSOrganizationsNotInUseException)"
)
ORGANIZATION_CHECKS = {
    "delegated_rules", "delegated_config", "delegated_stacksets", "delegated_security_hub", "trusted_access", "rule_name",
    "organization_rules", "organization_rule_accounts",
}  # fmt: skip


def test_ten_faults_are_found_and_nothing_else():
    cloud = Cloud()
    status, recorder = "config:DescribeConfigurationRecorderStatus", "config:DescribeConfigurationRecorders"
    cloud.only(status, MEMBER, {"ConfigurationRecordersStatus": [{"name": "default", "recording": False}]})
    cloud.only(recorder, OTHER, {"ConfigurationRecorders": [
        {"name": "default", "recordingGroup": {"resourceTypes": ["AWS::IAM::Role"]}}]})  # fmt: skip
    cloud.only(
        "iam:GetRole", OTHER, {"Role": {"AssumeRolePolicyDocument": trust(principal={"AWS": "*"}, condition={})}}
    )
    cloud.only("securityhub:DescribeHub", MEMBER, Absent("x"))
    cloud.only("config:DescribeConfigRules", OTHER, {"ConfigRules": []})
    cloud.change("lambda:GetFunctionConfiguration", Timeout=3)
    cloud.answers["lambda:GetPolicy"] = permission(Principal={"Service": "events.amazonaws.com"})
    cloud.answers["sns:GetTopicAttributes"] = {"Attributes": {"KmsMasterKeyId": "key"}}
    cloud.answers["dynamodb:DescribeTimeToLive"] = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    cloud.answers["sqs:GetQueueAttributes"] = {"Attributes": {"ApproximateNumberOfMessages": "1"}}
    told = found(cloud, replace(SUBJECT, remediation_table=None))
    assert sorted(states(told, State.WRONG)) == [
        ("failed_events", ""),
        ("function_permission", ""),
        ("function_timeout", ""),
        ("recorder", MEMBER),
        ("recorder_types", OTHER),
        ("role_trust", OTHER),
        ("rule_copies", OTHER),
        ("security_hub", MEMBER),
        ("state_table_expiry", ""),
        ("topic_subscriptions", ""),
    ]
    assert states(told, State.UNKNOWN) == []


def alone() -> Cloud:
    """An account in no organization, with a function for itself."""
    cloud = Cloud()
    cloud.answers["organizations:DescribeOrganization"] = NO_ORGANIZATION
    variables = cloud.answers["lambda:GetFunctionConfiguration"]["Environment"]["Variables"]
    variables["OPALITE_ACCOUNTS"] = ""
    return cloud


def test_a_single_account_without_an_organization():
    told = found(alone(), replace(SUBJECT, remediation_table=None, whole=False))
    assert {one.account_id for one in told} == {"", OWN}
    assert (states(told, State.WRONG), states(told, State.UNKNOWN)) == ([], [])
    skipped = {
        one.check
        for one in told
        if one.message == "the function serves its own account alone (OPALITE_ACCOUNTS)" and one.state is State.SKIPPED
    }
    assert skipped == ORGANIZATION_CHECKS


def test_a_function_of_one_account_needs_nothing_of_the_organization_that_the_account_is_in():
    cloud = Cloud()
    variables = {"OPALITE_SECURITY_HUB": "on", "OPALITE_STATE_TABLE": "opalite-standings"}
    cloud.change("lambda:GetFunctionConfiguration", Environment={"Variables": variables})
    for action in ("organizations:ListDelegatedAdministrators", "config:DescribeOrganizationConfigRules"):
        cloud.deny(action)
    told = found(cloud, replace(SUBJECT, whole=False))
    assert (states(told, State.WRONG), states(told, State.UNKNOWN)) == ([], [])
    assert {check for check, _ in states(told, State.SKIPPED)} >= ORGANIZATION_CHECKS


def test_a_single_account_needs_a_rule_of_the_function():
    cloud = alone()
    cloud.answers["config:DescribeConfigRules"] = {"ConfigRules": []}
    assert states(found(cloud), State.WRONG) == [("rule_state", OWN)]


def test_without_options_only_the_own_account_is_looked_at_and_the_rest_is_skipped_with_a_reason():
    cloud = Cloud()
    told = found(cloud, Subject(), layer=None)
    assert {one.account_id for one in told} == {"", OWN}
    assert states(told, State.WRONG) == []
    assert all(one.message for one in told if one.state is State.SKIPPED)
    assert {one.check for one in told} == CHECKS.keys()


def test_each_check_is_told_once_for_each_place():
    told = found(Cloud(), replace(SUBJECT, write=True))
    keys = [(one.check, one.account_id, one.region) for one in told]
    assert len(keys) == len(set(keys))


def test_the_function_that_is_not_there_is_wrong_and_what_hangs_on_it_is_skipped():
    cloud = Cloud()
    cloud.absent("lambda:GetFunctionConfiguration")
    told = found(cloud)
    assert states(told, State.WRONG) == [("function_state", "")]
    assert {check for check, _ in states(told, State.SKIPPED)} >= {"function_layer", "function_timeout"}


def test_what_only_the_functions_environment_tells_is_unknown_if_that_is_not_told():
    cloud = Cloud()
    cloud.deny("lambda:GetFunctionConfiguration")
    told = found(cloud, replace(SUBJECT, accounts=(OWN, MEMBER)))
    unknown = {check for check, _ in states(told, State.UNKNOWN)}
    assert unknown >= {"log_bucket", "state_table", "topic", "failed_events", "member_role", "role_trust"}
    assert [one.message for one in told if (one.check, one.account_id) == ("member_role", MEMBER)] == [
        "the function's environment is not known, and no option names it"
    ]


def test_what_aws_does_not_answer_is_unknown_and_tried_later():
    cloud = Cloud()
    cloud.answers["sns:GetTopicAttributes"] = AwsError(
        "sns:GetTopicAttributes in account 111111111111, eu-west-1: timed out"
    )
    told = [one for one in found(cloud) if one.check == "topic"]
    assert told == [Diagnosis("topic", State.UNKNOWN, "sns:GetTopicAttributes: timed out", "try again later")]


def test_names_of_others_do_no_harm_in_messages_or_commands():
    cloud = Cloud()
    hostile = "x'; rm -rf ~ #\x1b]0;owned\x07\u202e\n"
    cloud.entry("config:DescribeConfigurationRecorders", name=hostile)
    cloud.answers["config:DescribeConfigurationRecorderStatus"] = {"ConfigurationRecordersStatus": []}
    cloud.answers["dynamodb:GetItem"] = {"Item": {"reason": {"S": hostile * 100}}}
    told = found(cloud)
    [stopped] = [one for one in told if one.check == "remediation_switch"]
    assert len(stopped.message) <= 300
    assert all(text.isprintable() for one in told for text in (one.message, one.remedy, one.command))
    [off] = [one for one in told if (one.check, one.account_id) == ("recorder", MEMBER)]
    assert off.command.endswith(" " + quoted(hostile))
    assert quoted(hostile).startswith("'")


def test_accounts_come_in_order_and_few_are_asked_ahead():
    cloud = Cloud()
    many = [f"{number:012}" for number in range(1, 201)]
    begun: list[str] = []
    lock = threading.Lock()
    usual = cloud.answers["config:DescribeConfigRules"]

    def noted(own, _region, _asked):
        with lock:
            begun.append(own)
        return usual

    cloud.answers["config:DescribeConfigRules"] = noted
    told = examined(job(cloud, accounts=lambda: many, jobs=4))
    first = next(one for one in told if one.account_id)
    assert first.account_id == many[0]
    assert len(begun) <= 4 * 4 + 1
    order = [first.account_id, *(one.account_id for one in told)]
    assert [one for index, one in enumerate(order) if not index or order[index - 1] != one] == many


def test_progress_is_told_by_account():
    steps = []
    found(Cloud(), progress=lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_memory_does_not_grow_with_the_accounts():
    """The summary keeps places of the first five of each group, whatever comes."""

    def peak(count):
        summary = Summary()
        tracemalloc.start()
        for number in range(count):
            summary.add(wrong("recorder", "the recorder is off", "switch it on").at(f"{number:012}", REGION))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(20_000) < 2 * peak(200) + 20_000


def test_equal_faults_are_told_together_and_too_many_different_ones_are_counted():
    summary = Summary()
    for number in range(17):
        summary.add(wrong("recorder", "the recorder is off", "switch it on").at(f"{number:012}", REGION))
    [group] = summary.groups()
    places = ", ".join(f"{number:012} {REGION}" for number in range(5))
    assert group.where() == f"17 accounts: {places}, …"
    for number in range(GROUPS + 3):
        summary.add(wrong("recorder", f"fault {number}", "mend it"))
    assert (len(summary.groups()), summary.left_out, summary.counts[State.WRONG]) == (GROUPS, 4, GROUPS + 20)


@pytest.mark.parametrize(
    ("state", "allowed", "well"),
    [
        (State.WELL, False, True), (State.NOTICE, False, True), (State.SKIPPED, False, True), (State.WRONG, True, False),
        (State.UNKNOWN, False, False), (State.UNKNOWN, True, True),
    ],
)  # fmt: skip
def test_only_a_proof_is_well(state, allowed, well):
    summary = Summary()
    summary.add(Diagnosis("recorder", state))
    assert summary.is_well(unknown=allowed) is well


def test_nothing_is_called_that_the_documents_do_not_allow():
    """And nothing is allowed that is never called."""
    cloud = Cloud()
    cloud.answers["sqs:GetQueueAttributes"] = {"Attributes": {"ApproximateNumberOfMessages": "1"}}
    cloud.entry("config:DescribeOrganizationConfigRuleStatuses", OrganizationRuleStatus="CREATE_FAILED")
    cloud.absent("lambda:GetPolicy")
    cloud.closed.add(OTHER)
    found(cloud, replace(SUBJECT, whole=False, accounts=(OWN, MEMBER, OTHER)))
    central_calls = {action for action, *_ in cloud.calls} | {"organizations:ListAccounts"}
    central_calls.remove("sts:GetCallerIdentity")  # nobody needs a permission for that
    named = {"lambda:GetLayerVersionByArn": "lambda:GetLayerVersion", "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
             "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock"}  # fmt: skip
    assert {named.get(action, action) for action in central_calls} == {*central.ACTIONS, *account.ACTIONS}
    members = {action for action, own, *_ in cloud.calls if own == MEMBER}
    assert members == set(account.ACTIONS)


def test_names_of_tables_are_those_that_the_function_writes():
    assert central.STANDINGS == ((standing_item.KEY,), standing_item.EXPIRES)
    assert (central.LEDGER[1], central.LEDGER_INDEX[0]) == (ledger.EXPIRES, ledger.DUE_INDEX)


def test_the_document_has_all_checks_and_permissions(repository):
    text = (repository / "docs" / "doctor.md").read_text()
    _, _, checks = text.partition("## The checks")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", checks, re.MULTILINE))
    assert rows == dict(CHECKS)
    allowed = set(re.findall(r'"([a-z0-9]+:[A-Z]\w+)"', text))
    assert allowed == {*central.ACTIONS, *account.ACTIONS, "sts:AssumeRole"}
