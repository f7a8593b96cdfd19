"""Records, notes on findings, the state machine, and the key of approvals: what AWS is asked, and what its refusals come to."""

from __future__ import annotations

import json
from dataclasses import replace

import boto3
import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from opalite.adapters.aws.batches import ATTEMPTS
from opalite.errors import AwsError, DeliveryError, UsageError
from opalite.ports import Absent, Denied
from opalite.remediation.attempt import written
from opalite.remediation.aws.findings import HubFindings, product_arn
from opalite.remediation.aws.machine import StateMachine
from opalite.remediation.aws.records import BucketRecords, JsonBucket, body, key
from opalite.remediation.aws.signatures import KmsSignatures
from opalite.remediation.model import Result
from unit.remediation.aws.cases import ACTION, ATTEMPT, FINDING, MEMBER, OWN, REGION, TARGET, attempt

BUCKET = "opalite-records"
MACHINE = f"arn:aws:states:{REGION}:{OWN}:stateMachine:opalite-remediation"
KEY = f"arn:aws:kms:{REGION}:{OWN}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PRODUCT = f"arn:aws:securityhub:{REGION}:{MEMBER}:product/{MEMBER}/default"


def bucket(sessions, **more):
    return JsonBucket(sessions, bucket=BUCKET, sleep=lambda _: None, jitter=lambda: 0.0, **more)


def records(sessions, prefix="remediation", **more):
    return BucketRecords(bucket(sessions, **more), prefix, lambda: 60.0)


def findings(sessions, asked=None):
    def of(action):
        if asked is not None:
            asked.append(action.name)
        return sessions

    return HubFindings({ACTION.name: ACTION}, of, "eu-central-1", lambda _: None, lambda: 0.0, lambda: 60.0)


def test_a_record_is_plain_json_encrypted_with_the_key_into_the_bucket_of_the_owner(accounts):
    told = accounts().tell(OWN, "PutObject", {})
    records(told, owner=MEMBER, kms_key=KEY).put(ATTEMPT, written(ATTEMPT))
    ((account, region, operation, parameters),) = told.asked
    assert (account, region, operation) == (OWN, "", "PutObject")
    shape = get_session().get_service_model("s3").operation_model("PutObject").input_shape
    validate_parameters(parameters, shape)
    checksum = parameters.pop("ChecksumSHA256")
    assert len(checksum) == 44
    assert parameters == {
        "Bucket": BUCKET,
        "Key": f"remediation/date=2026-11-29/region={REGION}/{MEMBER}-{ATTEMPT.id}.json",
        "Body": body(written(ATTEMPT)),
        "ContentType": "application/json",
        "ServerSideEncryption": "aws:kms",
        "SSEKMSKeyId": KEY,
        "BucketKeyEnabled": True,
        "ExpectedBucketOwner": MEMBER,
    }


def test_a_record_lies_under_the_same_key_as_long_as_the_attempt_goes_on(aws, sessions):
    client = boto3.client("s3", region_name=REGION)
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    for result in (Result.APPLYING, Result.DEFERRED, Result.APPLIED):
        one = attempt(result=result, changed_at="2026-11-30T01:00:00.000Z")
        records(sessions).put(one, written(one))
    (found,) = client.list_objects_v2(Bucket=BUCKET)["Contents"]
    stored = client.get_object(Bucket=BUCKET, Key=found["Key"])
    assert (json.loads(stored["Body"].read())["result"], stored["ContentType"]) == ("applied", "application/json")


@pytest.mark.parametrize("prefix", ["", "/", "a/b", "/a/b/"])
def test_keys_begin_where_they_are_to(prefix):
    folder = {"": "", "/": ""}.get(prefix, "a/b/")
    assert key(prefix, ATTEMPT) == f"{folder}date=2026-11-29/region={REGION}/{MEMBER}-{ATTEMPT.id}.json"


def test_nothing_in_a_key_leads_to_another_folder():
    odd = attempt(target=replace(TARGET, region="../x y", account_id="a/b"))
    assert key("r", odd) == f"r/date=2026-11-29/region=___x_y/a_b-{ATTEMPT.id}.json"


def test_a_record_holds_neither_token_nor_secret_and_says_where_they_were():
    document = json.loads(body(written(ATTEMPT)))
    assert document["redacted"] == [
        "/applied/0/inverse/parameters/Password",
        "/approval/token",
        "/plan/steps/0/inverse/parameters/Password",
    ]
    assert document["plan"]["steps"][0]["call"]["parameters"] == {
        "GroupId": TARGET.resource_id,
        "SecurityGroupRuleIds": ["sgr-1"],
    }
    assert b"hunter2" not in body(written(ATTEMPT))
    assert b"the-token" not in body(written(ATTEMPT))


def test_a_record_that_is_not_written_is_told(accounts):
    told = accounts().tell(OWN, "PutObject", Denied("s3:PutObject is denied in account 123456789012 (AccessDenied)"))
    with pytest.raises(DeliveryError, match=rf"bucket {BUCKET}: not written: remediation/.*AccessDenied"):
        records(told).put(ATTEMPT, written(ATTEMPT))


def test_an_attempt_is_noted_on_its_finding_by_the_role_of_the_action(accounts):
    asked = []
    processed = {"ProcessedFindings": [{"Id": FINDING, "ProductArn": PRODUCT}], "UnprocessedFindings": []}
    told = accounts().tell(MEMBER, "BatchUpdateFindings", processed)
    findings(told, asked).note(ATTEMPT)
    note = "Opalite remediation applied (auto revoke_ingress): the policy passes [attempt 0123456789abcdef0123]"
    assert asked == ["revoke_ingress"]
    assert told.asked == [
        (
            MEMBER,
            REGION,
            "BatchUpdateFindings",
            {
                "FindingIdentifiers": [{"Id": FINDING, "ProductArn": PRODUCT}],
                "Note": {"Text": note, "UpdatedBy": "opalite"},
                "Workflow": {"Status": "RESOLVED"},
            },
        )
    ]


def test_the_product_is_that_of_the_finding_that_has_asked_or_else_ours():
    given = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default"
    assert product_arn(attempt(trigger=replace(ATTEMPT.trigger, product_arn=given)), "eu-central-1") == given
    assert product_arn(ATTEMPT, "eu-central-1") == PRODUCT
    everywhere = attempt(target=replace(TARGET, region="global"))
    assert product_arn(everywhere, "eu-central-1") == PRODUCT.replace(REGION, "eu-central-1")


def test_without_a_finding_or_an_action_nothing_is_noted(accounts):
    told = accounts()
    findings(told).note(attempt(finding_id=None))
    findings(told).note(attempt(action=""))
    findings(told).note(attempt(action="of_another_version"))
    assert told.asked == []


NOT_FOUND = {
    "ProcessedFindings": [],
    "UnprocessedFindings": [
        {"FindingIdentifier": {"Id": FINDING, "ProductArn": PRODUCT}, "ErrorCode": "FindingNotFound"}
    ],
}
NO_HUB = Denied(
    "securityhub:BatchUpdateFindings is denied in account 1 (InvalidAccessException): is Security Hub enabled?"
)


@pytest.mark.parametrize(("answer", "calls"), [(NO_HUB, 1), (NOT_FOUND, ATTEMPTS)])
def test_where_there_is_no_hub_or_no_finding_there_is_nothing_to_note(accounts, answer, calls):
    """A finding may not be found just after it was imported."""
    sessions = accounts().tell(MEMBER, "BatchUpdateFindings", answer)
    findings(sessions).note(ATTEMPT)
    assert sessions.calls == {(MEMBER, "BatchUpdateFindings"): calls}


@pytest.mark.parametrize(
    "answer",
    [
        Denied("securityhub:BatchUpdateFindings is denied in account 1 (AccessDeniedException)"),
        AwsError("securityhub:BatchUpdateFindings: throttled", "TooManyRequestsException"),
        {
            "ProcessedFindings": [],
            "UnprocessedFindings": [
                {"FindingIdentifier": {"Id": FINDING, "ProductArn": PRODUCT}, "ErrorCode": "ConcurrentUpdateError"}
            ],
        },
    ],
)
def test_what_is_not_noted_is_told(accounts, answer):
    with pytest.raises(DeliveryError, match="BatchUpdateFindings: not taken"):
        findings(accounts().tell(MEMBER, "BatchUpdateFindings", answer)).note(ATTEMPT)


def machine(client, sessions):
    client.create_state_machine(
        name="opalite-remediation",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn=f"arn:aws:iam::{OWN}:role/OpaliteMachine",
    )
    return StateMachine(sessions, MACHINE)


def executions(client):
    return sorted(one["name"] for one in client.list_executions(stateMachineArn=MACHINE)["executions"])


def test_an_attempt_has_one_execution_however_often_it_is_asked(aws, sessions):
    client = boto3.client("stepfunctions", region_name=REGION)
    made = machine(client, sessions)
    for version in (1, 2, 3):
        made.start(attempt(version=version, result=Result.DEFERRED))
    made.start(attempt(id="another"))
    assert executions(client) == [ATTEMPT.id, "another"]
    (one,) = [one for one in client.list_executions(stateMachineArn=MACHINE)["executions"] if one["name"] == ATTEMPT.id]
    described = client.describe_execution(executionArn=one["executionArn"])
    assert json.loads(described["input"]) == {"attempt": ATTEMPT.id}


def test_an_execution_that_has_ended_is_followed_by_another_up_to_a_limit(aws, sessions):
    client = boto3.client("stepfunctions", region_name=REGION)
    made = machine(client, sessions)
    for _ in range(12):
        made.start(ATTEMPT)
        for one in client.list_executions(stateMachineArn=MACHINE, statusFilter="RUNNING")["executions"]:
            client.stop_execution(executionArn=one["executionArn"])
    assert executions(client) == sorted([ATTEMPT.id, *(f"{ATTEMPT.id}-{number}" for number in range(2, 11))])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (AwsError("states:StartExecution: throttled", "ThrottlingException"), AwsError),
        (AwsError("states:StartExecution: no", "StateMachineDoesNotExist"), AwsError),
        (Absent("ResourceNotFoundException"), AwsError),
        (Denied("states:StartExecution is denied"), Denied),
    ],
)
def test_a_machine_that_does_not_start_is_told(accounts, answer, kind):
    with pytest.raises(kind, match="states:StartExecution"):
        StateMachine(accounts().tell(OWN, "StartExecution", answer), MACHINE).start(ATTEMPT)


def test_a_machine_has_an_arn(accounts):
    with pytest.raises(UsageError, match="is not the ARN of a state machine"):
        StateMachine(accounts(), "opalite-remediation")


@pytest.fixture
def signing(aws):
    client = boto3.client("kms", region_name=REGION)
    arn = client.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]

    def sign(statement):
        return client.generate_mac(KeyId=arn, MacAlgorithm="HMAC_SHA_256", Message=statement)["Mac"]

    sign.arn = arn
    return sign


def test_a_signature_holds_for_its_statement_alone(signing, sessions):
    signatures = KmsSignatures(sessions, signing.arn)
    mac = signing(b"approve a")
    assert signatures.is_genuine(b"approve a", mac)
    assert not signatures.is_genuine(b"approve b", mac)
    assert not signatures.is_genuine(b"approve a", bytes(32))
    assert sessions.calls.counts() == {"kms:VerifyMac": 3, "sts:GetCallerIdentity": 1}


@pytest.mark.parametrize(
    ("statement", "mac"), [(b"approve", b""), (b"approve", bytes(31)), (b"approve", bytes(64)), (b"", bytes(32)), (b"x" * 4097, bytes(32))]
)  # fmt: skip
def test_what_kms_would_not_take_is_no_signature_and_is_not_asked(accounts, statement, mac):
    sessions = accounts()
    assert KmsSignatures(sessions, KEY).is_genuine(statement, mac) is False
    assert sessions.asked == []


@pytest.mark.parametrize(
    "answer", [{}, {"MacValid": False, "KeyId": KEY}, {"MacValid": True, "KeyId": KEY.replace("1234", "4321")}]
)
def test_nothing_but_the_word_of_kms_about_this_key_counts(accounts, answer):
    sessions = accounts().tell(OWN, "VerifyMac", answer)
    assert KmsSignatures(sessions, KEY).is_genuine(b"approve", bytes(32)) is False
    assert sessions.calls == {(OWN, "VerifyMac"): 1}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (AwsError("kms:VerifyMac: disabled", "DisabledException"), AwsError),
        (Absent("NotFoundException"), AwsError),
        (Denied("kms:VerifyMac is denied in account 1 (AccessDeniedException)"), Denied),
    ],
)
def test_a_key_that_cannot_be_asked_is_no_forgery(accounts, answer, kind):
    with pytest.raises(kind, match="kms:VerifyMac"):
        KmsSignatures(accounts().tell(OWN, "VerifyMac", answer), KEY).is_genuine(b"approve", bytes(32))


def test_a_signature_that_kms_finds_forged_is_one(accounts):
    told = accounts().tell(OWN, "VerifyMac", AwsError("kms:VerifyMac: invalid", "KMSInvalidMacException"))
    assert KmsSignatures(told, KEY).is_genuine(b"approve", bytes(32)) is False


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"Findings": [{"Id": FINDING, "Workflow": {"Status": "SUPPRESSED"}}]}, "SUPPRESSED"),
        ({"Findings": []}, None),
        ({"Findings": [{"Id": "another", "Workflow": {"Status": "NEW"}}]}, None),
        (Denied("securityhub:GetFindings is denied in account 1 (InvalidAccessException)"), None),
    ],
)
def test_the_workflow_of_a_finding_is_asked_of_the_members_own_hub(accounts, answer, status):
    told = accounts().tell(MEMBER, "GetFindings", answer)
    assert findings(told).status(ATTEMPT) == status
    assert [(account, region, operation) for account, region, operation, _ in told.asked] == [
        (MEMBER, REGION, "GetFindings")
    ]


def test_a_hub_that_may_not_be_asked_is_said_so(accounts):
    told = accounts().tell(MEMBER, "GetFindings", Denied("securityhub:GetFindings is denied (AccessDeniedException)"))
    with pytest.raises(Denied):
        findings(told).status(ATTEMPT)
