"""Who may do what, over all policies of the templates, with everything switched on."""

from __future__ import annotations

import json

import pytest

from architecture.cloudformation import ACCOUNT, ORGANIZATION, Stack, template
from architecture.permissions import Statement, is_allowed, listed, meets, of_role, statements
from architecture.test_template import ALL_ON, IN_ORGANIZATION
from opalite.adapters.aws import allowance, functions, log_bucket, members, standings, topics
from opalite.remediation.actions import ACTIONS
from opalite.remediation.aws import asking, ledger, machine, records, signatures

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: of all inline policies of a role, without white space;
# of a managed policy; of a trust policy.
INLINE, MANAGED, TRUST = 10_240, 6_144, 2_048
MEMBER = {
    "FunctionRoleArns": f"arn:aws:iam::{ACCOUNT}:role/opalite-rules-eu-west-1,arn:aws:iam::{ACCOUNT}:role/opalite-sweep-eu-west-1",
    "RemediationRoleArns": f"arn:aws:iam::{ACCOUNT}:role/opalite-remediation-eu-west-1",
    "OrganizationId": ORGANIZATION,
    "ExternalId": "opalite-3f2a",
    "SourceIdentity": "opalite",
    "SecurityHub": "on",
    "ExemptFindings": "suppressed",
    "CreatorLookup": "on",
}
ACTIONS_ON = {"".join(part.title() for part in name.split("_")): "on" for name in ACTIONS}


def main(**parameters: str) -> Stack:
    return Stack(template("template.yaml"), {**ALL_ON, **parameters})


def member(**parameters: str) -> Stack:
    return Stack(template("deploy/member.yaml"), {**MEMBER, **ACTIONS_ON, **parameters})


STACKS = {
    "organization": main(InvokedBy="any-rule-by-permission"),
    "account": Stack(template("template.yaml"), {**ALL_ON, "Scope": "account"}),
    "member": member(),
    "runbooks": Stack(template("deploy/runbooks.yaml"), {"Name": "opalite", "FunctionArn": "arn:aws:lambda:eu-west-1:111111111111:function:f"}),
    "invocation": Stack(template("deploy/invocation.yaml"), {"FunctionArn": "arn:aws:lambda:eu-west-1:111111111111:function:f"}),
}  # fmt: skip
EVERY = [(name, one) for name, stack in STACKS.items() for one in statements(stack)]


def told(found: list[tuple[str, Statement]]) -> list[str]:
    return [f"{name}: {one.where}: {one.body.get('Sid')}" for name, one in found]


def test_no_policy_names_actions_by_a_wildcard():
    assert told([(name, one) for name, one in EVERY if any("*" in action for action in one.actions)]) == []


def test_no_policy_is_for_everything_without_a_reason():
    wide = [(name, one) for name, one in EVERY if "*" in one.resources and one.body["Effect"] == "Allow"]
    assert told([(name, one) for name, one in wide if not one.reasons.get(one.body["Sid"])]) == []


def test_every_reason_is_of_a_statement():
    sids = {one.body["Sid"] for _, one in EVERY}
    resources = [one for stack in STACKS.values() for one in stack.resources.values()]
    assert {sid for one in resources for sid in (one.get("Metadata", {}).get("Reasons") or {})} <= sids


def test_sids_are_told_apart():
    for stack in STACKS.values():
        for name, resource in stack.resources.items():
            found = [one.body["Sid"] for one in statements(stack) if one.where.split("/")[0] == name]
            assert len(found) == len(set(found)), resource


def test_everybody_is_only_ever_denied():
    every = [(name, one) for name, one in EVERY if one.body.get("Principal") in ("*", {"AWS": "*"})]
    assert {one.body["Effect"] for _, one in every} == {"Deny"}


def test_a_service_is_allowed_only_for_what_is_ours():
    """By account and ARN of the source; for a key by the encryption context, which says which group or queue it is."""
    context = "kms:EncryptionContext:aws"
    ours = {"aws:SourceAccount", "aws:SourceArn", f"{context}:logs:arn", f"{context}:sqs:arn"}
    found = [(name, one) for name, one in EVERY if "Service" in (one.body.get("Principal") or {})]
    assert len(found) > 10
    open_ones = [
        (name, one)
        for name, one in found
        if not ours & {key for keys in one.body.get("Condition", {}).values() for key in keys}
    ]
    assert told(open_ones) == []


@pytest.mark.parametrize("name", STACKS)
def test_every_role_is_trusted_to_somebody_by_a_condition(name):
    for role in STACKS[name].of("AWS::IAM::Role").values():
        for one in role["AssumeRolePolicyDocument"]["Statement"]:
            assert one["Condition"], role["RoleName"]
            named = listed(one["Principal"].get("AWS", []))
            # An account as a whole may say who it is, which lets nobody in.
            accounts = [f"arn:aws:iam::{ACCOUNT}:root"] if one["Action"] == "sts:SetSourceIdentity" else []
            assert all((":role/" in arn and "*" not in arn) or arn in accounts for arn in named)
            assert one["Principal"].keys() <= {"AWS", "Service"}


@pytest.mark.parametrize("name", STACKS)
def test_policies_are_as_short_as_iam_wants_them(name):
    stack = STACKS[name]
    for role in stack.of("AWS::IAM::Role").values():
        documents = [policy["PolicyDocument"] for policy in role["Policies"]]
        assert sum(len(json.dumps(one, separators=(",", ":"))) for one in documents) <= INLINE, role["RoleName"]
        assert len(json.dumps(role["AssumeRolePolicyDocument"], separators=(",", ":"))) <= TRUST
        assert len(role["RoleName"]) <= 64
    for policy in stack.of("AWS::IAM::ManagedPolicy").values():
        assert len(json.dumps(policy["PolicyDocument"], separators=(",", ":"))) <= MANAGED


def test_the_function_behind_the_rules_has_not_what_the_sweep_alone_does():
    """Its own account is no exception; in the others they share a role."""
    rules, sweep = (of_role(STACKS["organization"], name) for name in ("RulesRole", "SweepRole"))
    for action in ("config:StartConfigRulesEvaluation", "securityhub:GetFindings"):
        assert (is_allowed(rules, action), is_allowed(sweep, action)) == (False, True), action


ARN = f"arn:aws:iam::{ACCOUNT}:role/opalite-rules-eu-west-1"
KNOWN = {"aws:PrincipalOrgID": ORGANIZATION, "sts:ExternalId": "opalite-3f2a", "sts:SourceIdentity": "opalite"}
STRANGERS = {
    "of another organization": {**KNOWN, "aws:PrincipalOrgID": "o-another00000"},
    "of no organization": {key: value for key, value in KNOWN.items() if key != "aws:PrincipalOrgID"},
    "without the external id": {key: value for key, value in KNOWN.items() if key != "sts:ExternalId"},
    "with another external id": {**KNOWN, "sts:ExternalId": "guessed"},
    "with another source identity": {**KNOWN, "sts:SourceIdentity": "somebody"},
}


def trust(stack: Stack, name: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = stack.resources[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return found


def test_the_member_role_is_for_the_functions_alone():
    assume, identity = trust(member(), "MemberRole")
    assert assume["Principal"] == {"AWS": MEMBER["FunctionRoleArns"].split(",")}
    assert (assume["Action"], identity["Action"]) == ("sts:AssumeRole", "sts:SetSourceIdentity")
    assert meets(assume["Condition"], KNOWN)
    assert identity["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert meets(identity["Condition"], KNOWN)
    assert not meets(identity["Condition"], {**KNOWN, "sts:SourceIdentity": "somebody"})
    assert not meets(identity["Condition"], {**KNOWN, "aws:PrincipalOrgID": "o-another00000"})


@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_may_assume_nothing(name):
    for role in ("MemberRole", "RevokeIngressRole"):
        session = {"sts:RoleSessionName": "opalite-4f1c"}
        assert not meets(trust(member(), role)[0]["Condition"], {**STRANGERS[name], **session})


def test_roles_of_remediation_are_for_remediation_alone_and_for_named_attempts():
    for name in ACTIONS_ON:
        [assume, _] = trust(member(), f"{name}Role")
        assert assume["Principal"] == {"AWS": [MEMBER["RemediationRoleArns"]]}
        assert meets(assume["Condition"], {**KNOWN, "sts:RoleSessionName": "opalite-4f1c"})
        assert not meets(assume["Condition"], {**KNOWN, "sts:RoleSessionName": "somebody"})


def test_in_one_account_the_roles_are_for_that_account():
    alone = {name: value for name, value in MEMBER.items() if name not in ("OrganizationId", "SourceIdentity")}
    stack = Stack(template("deploy/member.yaml"), {**alone, **ACTIONS_ON})
    [assume] = trust(stack, "MemberRole")
    assert meets(assume["Condition"], {"aws:PrincipalAccount": ACCOUNT, "sts:ExternalId": "opalite-3f2a"})
    assert not meets(assume["Condition"], {"aws:PrincipalAccount": "222222222222", "sts:ExternalId": "opalite-3f2a"})


def test_no_role_of_remediation_is_there_unless_it_is_asked_for():
    stack = Stack(template("deploy/member.yaml"), MEMBER)
    assert list(stack.resources) == ["MemberRole"]


def test_functions_assume_their_own_roles_of_the_organization_and_no_others():
    stack = STACKS["organization"]
    mended = f"arn:aws:iam::222222222222:role/{asking.role_name('opalite-remediate-', 'revoke_ingress')}"
    detected = "arn:aws:iam::222222222222:role/OpaliteMember"
    ours, others = {"aws:ResourceOrgID": ORGANIZATION}, {"aws:ResourceOrgID": "o-another00000"}
    expected = {
        "RulesRole": (True, False),
        "SweepRole": (True, False),
        "RemediationRole": (False, True),
        "MachineRole": (False, False),
    }
    for name, may in expected.items():
        found = of_role(stack, name)
        assert tuple(is_allowed(found, "sts:AssumeRole", arn, ours) for arn in (detected, mended)) == may
        assert not any(is_allowed(found, "sts:AssumeRole", arn, others) for arn in (detected, mended))
    assumed = {arn for name in expected for one in of_role(stack, name) if "sts:AssumeRole" in listed(one["Action"]) for arn in listed(one["Resource"])}  # fmt: skip
    assert {arn.split(":role/")[1] for arn in assumed} == {
        "OpaliteMember", *(asking.role_name("opalite-remediate-", name) for name in ACTIONS),
    }  # fmt: skip


def test_in_one_account_remediation_assumes_roles_of_that_account():
    found = of_role(STACKS["account"], "RemediationRole")
    mine, other = (
        f"arn:aws:iam::{account}:role/opalite-remediate-revoke-ingress" for account in (ACCOUNT, "222222222222")
    )
    assert is_allowed(found, "sts:AssumeRole", mine, {"aws:ResourceAccount": ACCOUNT})
    assert not is_allowed(found, "sts:AssumeRole", other, {"aws:ResourceAccount": ACCOUNT})
    assert not is_allowed(of_role(STACKS["account"], "RulesRole"), "sts:AssumeRole")


def test_remediation_changes_nothing_by_its_own_role():
    """But its own tables, records and queues."""
    services = {
        action.split(":")[0]
        for one in of_role(STACKS["organization"], "RemediationRole")
        for action in listed(one["Action"])
    }
    assert services == {"dynamodb", "kms", "logs", "organizations", "s3", "sns", "sqs", "states", "sts"}


def test_only_approvers_sign_and_only_remediation_verifies():
    [key] = [one for name, one in STACKS["organization"].of("AWS::KMS::Key").items() if name == "ApprovalKey"]
    by = {action: one["Principal"]["AWS"] for one in key["KeyPolicy"]["Statement"] for action in listed(one["Action"])}
    assert by["kms:GenerateMac"] == [f"arn:aws:iam::{ACCOUNT}:role/Approver"]
    assert by["kms:VerifyMac"] == f"arn:aws:iam::{ACCOUNT}:role/opalite-remediation-eu-west-1"
    assert "kms:CreateGrant" not in by
    assert [one.where for _, one in EVERY if "kms:GenerateMac" in one.actions and one.where != "ApprovalKey"] == []
    without = Stack(template("template.yaml"), {**ALL_ON, "Approvers": ""}).resources["ApprovalKey"]["Properties"][
        "KeyPolicy"
    ]
    assert "kms:GenerateMac" not in json.dumps(without)


def test_the_keys_can_be_administered_but_not_used_by_the_account_at_large():
    """What CloudFormation does to a key and its alias must be allowed by the key's own policy, too."""
    administered = {
        "kms:CreateAlias",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
    }
    for key in STACKS["organization"].of("AWS::KMS::Key").values():
        found = key["KeyPolicy"]["Statement"]
        assert {action for action in administered if not is_allowed(found[:1], action)} == set()
        used = ("kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateMac", "kms:CreateGrant")
        assert [action for action in used if is_allowed(found, action, context={"kms:CallerAccount": ACCOUNT})] == []


def test_the_log_is_written_by_the_functions_alone_each_to_its_own_part():
    stack = STACKS["organization"]
    bucket = stack.resources["Log"]["Properties"]["BucketName"]
    context = {"aws:ResourceAccount": ACCOUNT}
    policy = stack.resources["LogPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    own = {
        "RulesRole": f"arn:aws:s3:::{bucket}/decisions/date=2026-11-29/1.json.gz",
        "RemediationRole": f"arn:aws:s3:::{bucket}/remediation/date=2026-11-29/1.json",
    }
    everything = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    for role, key in own.items():
        arn = f"arn:aws:iam::{ACCOUNT}:role/{stack.resources[role]['Properties']['RoleName']}"
        asked = {**context, "aws:PrincipalArn": arn, "aws:SecureTransport": "true"}
        for place in own.values():
            assert is_allowed([*of_role(stack, role), *policy], "s3:PutObject", place, asked) == (place == key)
        somebody = {**asked, "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Administrator"}
        assert not is_allowed([everything, *policy], "s3:PutObject", key, somebody)
        assert not is_allowed(
            [*of_role(stack, role), *policy], "s3:PutObject", key, {**asked, "aws:SecureTransport": "false"}
        )
        plain = {**asked, "s3:x-amz-server-side-encryption": "AES256"}
        assert not is_allowed([*of_role(stack, role), *policy], "s3:PutObject", key, plain)


def test_failed_events_come_from_the_function_alone():
    [policy] = [
        one for name, one in STACKS["organization"].of("AWS::SQS::QueuePolicy").items() if name == "FailedQueuePolicy"
    ]
    anybody = [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"},
        *policy["PolicyDocument"]["Statement"],
    ]
    queue = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:opalite-failed"
    sweep, somebody = ARN.replace("rules", "sweep"), f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    for principal, may in ((ARN, True), (sweep, False), (somebody, False)):
        context = {"aws:PrincipalArn": principal, "aws:SecureTransport": "true"}
        assert is_allowed(anybody, "sqs:SendMessage", queue, context) == may


def test_what_was_not_delivered_comes_from_our_rules_and_from_the_sweep():
    [statements_] = [
        one["PolicyDocument"]["Statement"]
        for name, one in STACKS["organization"].of("AWS::SQS::QueuePolicy").items()
        if name == "UndeliveredQueuePolicy"
    ]
    anybody = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}, *statements_]
    role = f"arn:aws:iam::{ACCOUNT}:role/"
    for name, may in (("opalite-sweep-eu-west-1", True), ("Administrator", False)):
        context = {"aws:PrincipalArn": role + name, "aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "false"}
        assert is_allowed(anybody, "sqs:SendMessage", context=context) == may
    service = {"aws:SecureTransport": "true", "aws:PrincipalIsAWSService": "true", "aws:SourceAccount": ACCOUNT}
    for rule, may in (("opalite-sweep", True), ("opalite-due", True), ("opalite-other", False)):
        context = {**service, "aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/{rule}"}
        assert is_allowed(statements_, "sqs:SendMessage", context=context) == may


WRITES = (
    *(f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")),
    *(f"dynamodb:PartiQL{name}" for name in ("Delete", "Insert", "Update")),
)


@pytest.mark.parametrize(
    ("table", "writers"), [("Standings", ("rules", "sweep")), ("Ledger", ("remediation",))], ids=str
)
def test_tables_are_written_by_the_roles_of_their_functions_alone(table, writers):
    policy = STACKS["organization"].of("AWS::DynamoDB::Table")[table]["ResourcePolicy"]["PolicyDocument"]["Statement"]
    everything = [{"Effect": "Allow", "Action": list(WRITES), "Resource": "*"}, *policy]
    keys = {"dynamodb:LeadingKeys": ["attempt#1"]}
    for name in (
        "rules-eu-west-1",
        "sweep-eu-west-1",
        "remediation-eu-west-1",
        "rules-eu-central-1",
        "machine-eu-west-1",
    ):
        context = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/opalite-{name}"}
        may = name in {f"{one}-eu-west-1" for one in writers}
        for given in (keys, {}):
            asked = {**context, **given}
            assert [is_allowed(everything, action, context=asked) for action in WRITES] == [may] * len(WRITES)
    assert {one["Resource"] for one in policy} == {f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/{STACKS['organization'].of('AWS::DynamoDB::Table')[table]['TableName']}"}  # fmt: skip


class Switched:
    """Sessions of an account: what `opalite remediate stop` and `start` ask DynamoDB for, and the keys of these items."""

    def __init__(self):
        self.asked = []
        log = ledger.DynamoLedger(self, "opalite-remediation", "eu-west-1", lambda: "2026-11-29T12:00:00.000Z")
        log.stop("incident 7", "anna")
        log.start()

    def caller(self):
        return ACCOUNT

    def service(self, *_):
        return self

    def ask(self, operation, **given):
        self.asked.append((f"dynamodb:{operation}", (given.get("Item") or given["Key"])["pk"]["S"]))
        return {}


def test_people_may_throw_the_switch_and_write_nothing_else():
    policy = STACKS["organization"].of("AWS::DynamoDB::Table")["Ledger"]["ResourcePolicy"]["PolicyDocument"][
        "Statement"
    ]
    everything = [{"Effect": "Allow", "Action": list(WRITES), "Resource": "*"}, *policy]
    person = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/Operator"}
    asked = Switched().asked
    assert asked == [("dynamodb:PutItem", "switch"), ("dynamodb:DeleteItem", "switch")]
    for keys, may in ((["switch"], dict(asked).keys()), (["switch", "attempt#1"], set()), (["attempt#1"], set())):
        context = {**person, "dynamodb:LeadingKeys": keys}
        assert {action for action in WRITES if is_allowed(everything, action, context=context)} == may


def test_where_any_rule_may_invoke_it_the_source_is_always_aws_config():
    function = "arn:aws:lambda:eu-west-1:111111111111:function:f"
    stack = Stack(template("deploy/invocation.yaml"), {"FunctionArn": function, "InvokedBy": "any-rule"})
    [policy] = stack.of("AWS::Lambda::ResourcePolicy").values()
    assert {one["Principal"]["Service"] for one in policy["PolicyDocument"]["Statement"]} == {"config.amazonaws.com"}
    assert is_allowed(
        policy["PolicyDocument"]["Statement"], "lambda:InvokeFunction", function, {"aws:SourceAccount": "222222222222"}
    )
    [permission] = [
        one
        for name, one in STACKS["organization"].of("AWS::Lambda::Permission").items()
        if name == "InvocationByPermission"
    ]
    assert permission["Principal"] == "config.amazonaws.com"


def test_lambda_lets_organization_rules_invoke_the_function_and_no_others():
    [policy] = STACKS["invocation"].of("AWS::Lambda::ResourcePolicy").values()
    found = policy["PolicyDocument"]["Statement"]
    rule = "arn:aws:config:eu-west-1:222222222222:config-rule/"
    copies = f"{rule}aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-abc123"
    function = "arn:aws:lambda:eu-west-1:111111111111:function:f"
    for source, account, may in (
        (copies, "222222222222", True),
        (f"{rule}config-rule-abc123", "222222222222", False),
        (f"{rule}aws-service-rule/config-conforms.amazonaws.com/config-rule-abc123", "222222222222", False),
        (f"{rule}config-rule-abc123", ACCOUNT, True),
    ):
        context = {"aws:SourceArn": source, "aws:SourceAccount": account}
        assert is_allowed(found, "lambda:InvokeFunction", function, context) == may


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("RulesRole", (*log_bucket.ACTIONS, *standings.ACTIONS, *allowance.ACTIONS, *topics.ACTIONS, members.ACTIONS[0])),
        ("SweepRole", (*functions.ACTIONS, *standings.ACTIONS, *allowance.ACTIONS, members.ACTIONS[1])),
        ("RemediationRole", (*ledger.ACTIONS, *records.ACTIONS, *machine.ACTIONS, *asking.ACTIONS, *topics.ACTIONS, members.ACTIONS[0])),
    ],
)  # fmt: skip
def test_the_functions_have_what_their_adapters_ask_for_at_home(name, needed):
    found = of_role(STACKS["organization"], name)
    assert [action for action in needed if not is_allowed(found, action)] == []


def test_the_key_for_approvals_gives_what_the_adapter_asks_for():
    statement = STACKS["organization"].resources["ApprovalKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert [action for action in signatures.ACTIONS if not is_allowed(statement, action)] == []


def test_without_outputs_nothing_of_them_is_allowed():
    stack = Stack(template("template.yaml"), IN_ORGANIZATION)
    services = {action.split(":")[0] for one in of_role(stack, "RulesRole") for action in listed(one["Action"])}
    assert services & {"dynamodb", "sns", "securityhub", "cloudtrail"} == set()
    found = Stack(template("deploy/member.yaml"), {**MEMBER, "SecurityHub": "off", "CreatorLookup": "off"})
    services = {action.split(":")[0] for one in of_role(found, "MemberRole") for action in listed(one["Action"])}
    assert services & {"securityhub", "cloudtrail"} == set()


def test_of_findings_remediation_may_change_the_note_and_the_workflow_only():
    found = of_role(member(), "RevokeIngressRole")
    hub = "arn:aws:securityhub:eu-west-1:111111111111:hub/default"
    path = "securityhub:ASFFSyntaxPath/"
    for context, may in (
        ({f"{path}Workflow.Status": "RESOLVED", f"{path}Note.Text": "mended"}, True),
        ({f"{path}Note.Text": "planned"}, True),
        ({f"{path}Workflow.Status": "SUPPRESSED"}, False),
        ({f"{path}Workflow.Status": "NEW", f"{path}Severity.Label": "LOW"}, False),
        ({f"{path}UserDefinedFields": "x"}, False),
    ):
        assert is_allowed(found, "securityhub:BatchUpdateFindings", hub, context) == may
