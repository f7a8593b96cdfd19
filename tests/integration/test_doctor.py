"""`opalite doctor` by the real command, against an organization on the loopback."""

from __future__ import annotations

import json
import re
import time
import zipfile
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pytest
from moto.backends import get_backend
from moto.organizations.models import FakeDelegatedAdministrator, FakeServiceAccess

from emulation.aws import ACCOUNTS, REGION, LocalAws
from emulation.faults import AwsFault
from emulation.functions import Functions
from emulation.organization import MANAGEMENT
from emulation.wire import Reply
from integration.outputs.scene import BUCKET, ON, TABLE, TOPIC_ARN, Hubs, Scene
from opalite.cli.doctor_layer import layer_of

ADMIN, MEMBER, OTHER = ACCOUNTS
FUNCTION = f"arn:aws:lambda:{REGION}:{ADMIN}:function:opalite"
FUNCTION_ROLE = f"arn:aws:iam::{ADMIN}:role/OpaliteFunction"
LAYER = f"arn:aws:lambda:{REGION}:{ADMIN}:layer:opalite:1"
ROLE, DEAD, LEDGER = "OpaliteMember", "opalite-failed", "opalite-remediation"
PRINCIPALS = ("config-multiaccountsetup", "config", "member.org.stacksets.cloudformation", "securityhub")
SUFFIX = "abcdefgh"


class Deployed(Functions):
    """The function of a deployment, as Lambda tells of it."""

    def __init__(self):
        super().__init__()
        self.configuration = {
            "FunctionArn": FUNCTION,
            "Role": FUNCTION_ROLE,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "Timeout": 300,
            "MemorySize": 512,
            "Architectures": ["arm64"],
            "Layers": [{"Arn": LAYER}],
            "Environment": {"Variables": {**ON, "OPALITE_ACCOUNTS": "organization", "OPALITE_MEMBER_ROLE": ROLE,
                                          "OPALITE_EXTERNAL_ID": "abc"}},
        }  # fmt: skip
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "config.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
        }
        self.policy = {"Statement": [statement]}
        self.layer = {"Content": {"CodeSha256": "digest"}, "CompatibleArchitectures": ["arm64"]}
        self.destination = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ADMIN}:{DEAD}"}}

    def answer(self, call, said):
        if "/functions/" in said.path:
            assert unquote(said.path).split("/")[3] == FUNCTION
        answers = {
            "GetFunctionConfiguration": self.configuration,
            "GetFunctionEventInvokeConfig": {"DestinationConfig": self.destination},
            "GetFunctionConcurrency": {"ReservedConcurrentExecutions": 100},
            "GetPolicy": {"Policy": json.dumps(self.policy)},
            "GetLayerVersionByArn": self.layer,
        }
        if call.operation not in answers:
            return super().answer(call, said)
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(answers[call.operation]).encode())


class Recording:
    """What AWS Config tells of recorders and of the organization's rules; the emulation has none of it."""

    def __init__(self, config):
        self.off, self.group = set(), {}
        self.rules = ["buckets"]
        self.recorder_name = "default"
        config._operations |= {
            "DescribeConfigurationRecorders": self._recorders,
            "DescribeConfigurationRecorderStatus": self._states,
            "DescribeDeliveryChannels": lambda *_: {"DeliveryChannels": [{"name": "default", "s3BucketName": "items"}]},
            "DescribeDeliveryChannelStatus": lambda *_: {"DeliveryChannelsStatus": [{"name": "default"}]},
            "DescribeOrganizationConfigRules": self._rules,
            "DescribeOrganizationConfigRuleStatuses": self._statuses,
        }

    def _recorders(self, account, *_):
        usual = {"allSupported": True, "includeGlobalResourceTypes": True}
        return {
            "ConfigurationRecorders": [{"name": self.recorder_name, "recordingGroup": self.group.get(account, usual)}]
        }

    def _states(self, account, *_):
        state = {"name": self.recorder_name, "recording": account not in self.off, "lastStatus": "Success"}
        return {"ConfigurationRecordersStatus": [state]}

    def _rules(self, account, *_):
        if account != ADMIN:
            raise AwsFault("OrganizationAccessDeniedException", "This account is not a delegated administrator")
        arn = f"arn:aws:config:{REGION}:{ADMIN}:organization-config-rule/"
        metadata = {"LambdaFunctionArn": FUNCTION, "OrganizationConfigRuleTriggerTypes": ["ScheduledNotification"]}
        return {
            "OrganizationConfigRules": [
                {"OrganizationConfigRuleName": name, "OrganizationConfigRuleArn": f"{arn}{name}-{SUFFIX}",
                 "OrganizationCustomRuleMetadata": metadata}
                for name in self.rules
            ]
        }  # fmt: skip

    def _statuses(self, *_):
        told = [
            {"OrganizationConfigRuleName": name, "OrganizationRuleStatus": "CREATE_SUCCESSFUL"} for name in self.rules
        ]
        return {"OrganizationConfigRuleStatuses": told}


@pytest.fixture
def aws(monkeypatch):
    names = [f"{name}.amazonaws.com" for name in PRINCIPALS]
    monkeypatch.setattr(FakeDelegatedAdministrator, "SUPPORTED_SERVICES", names)  # moto knows one of them
    monkeypatch.setattr(FakeServiceAccess, "TRUSTED_SERVICES", names)
    local = LocalAws()
    local.functions = Deployed()
    local.recording = Recording(local.config)
    with local:
        for account in (MEMBER, OTHER):
            local.allow_role(account, ROLE, external_id="abc")
        _organization(local)
        _accounts(local)
        _outputs(local)
        yield local
        assert local.config.violations == []


def _organization(local):
    client = local.client("organizations", MANAGEMENT)
    for name in PRINCIPALS:
        client.enable_aws_service_access(ServicePrincipal=f"{name}.amazonaws.com")
        client.register_delegated_administrator(AccountId=ADMIN, ServicePrincipal=f"{name}.amazonaws.com")


def _accounts(local):
    for account in ACCOUNTS:
        local.client("securityhub", account).enable_security_hub()
        rule = local.config.rule(account, f"OrgConfigRule-buckets-{SUFFIX}", function_arn=FUNCTION)
        evaluation = {"ComplianceResourceType": "AWS::S3::Bucket", "ComplianceResourceId": "b", "ComplianceType": "COMPLIANT",
                      "OrderingTimestamp": time.time()}  # fmt: skip
        token = local.config.token(account, rule)
        local.client("config", account).put_evaluations(Evaluations=[evaluation], ResultToken=token)
        if account != ADMIN:
            _role(local, account, {"AWS": FUNCTION_ROLE}, {"StringEquals": {"sts:ExternalId": "abc"}})


def _role(local, account, principal, condition):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client = local.client("iam", account)
    if any(role["RoleName"] == ROLE for role in client.list_roles()["Roles"]):
        client.delete_role(RoleName=ROLE)
    client.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)


def _outputs(local):
    scene = Scene(local, Hubs())
    scene.make_bucket()
    scene.make_table()
    scene.make_topic()
    s3, dynamodb = local.client("s3"), local.client("dynamodb")
    blocks = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=dict.fromkeys(blocks, True))
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    local.client("sns").set_topic_attributes(
        TopicArn=TOPIC_ARN, AttributeName="KmsMasterKeyId", AttributeValue="alias/x"
    )
    get_backend("sns")[ADMIN][REGION].topics[TOPIC_ARN].subscriptions_confimed = 2  # moto never counts them
    local.client("sqs").create_queue(QueueName=DEAD)
    names = {"pk": "HASH", "sk": "RANGE"}, {"due": "HASH", "due_at": "RANGE"}
    dynamodb.create_table(
        TableName=LEDGER,
        KeySchema=_keys(names[0]),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for keys in names for name in keys],
        GlobalSecondaryIndexes=[
            {"IndexName": "due", "KeySchema": _keys(names[1]), "Projection": {"ProjectionType": "KEYS_ONLY"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for table in (TABLE, LEDGER):
        _expire(local, table, on=True)


def _keys(kinds):
    return [{"AttributeName": name, "KeyType": kind} for name, kind in kinds.items()]


def _expire(local, table, *, on):
    given = {"Enabled": on, "AttributeName": "expires"}
    local.client("dynamodb").update_time_to_live(TableName=table, TimeToLiveSpecification=given)


@pytest.fixture
def doctor(opalite, aws):
    def run(*options, **environ):
        given = ("--function", FUNCTION, "--remediation-table", LEDGER)
        return opalite("doctor", *given, *options, environ={**aws.environ(), **environ})

    return run


def told(done):
    """Check and account of what is wrong or unknown."""
    document = json.loads(done.out)
    found = [(one["state"], one["check"], one["account_id"]) for one in document["diagnoses"]]
    assert document["summary"] == {state: Counter(state for state, *_ in found)[state] for state in document["summary"]}
    return sorted(one for one in found if one[0] in ("wrong", "unknown"))


def test_a_deployment_that_is_well(aws, doctor):
    done = doctor("--all", "--format", "json")
    assert (done.code, done.err, told(done)) == (0, [], [])
    assert all(call.test_mode for call in aws.config.put_calls[len(ACCOUNTS) :])
    assert aws.client("s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_ten_planted_faults_are_the_ten_that_are_found(aws, doctor):
    aws.recording.off.add(MEMBER)
    aws.recording.group[OTHER] = {"allSupported": False, "resourceTypes": ["AWS::EC2::Instance"]}
    _role(aws, OTHER, {"AWS": "*"}, {"StringEquals": {"sts:ExternalId": "abc"}})
    aws.client("securityhub", MEMBER).disable_security_hub()
    aws.config.remove_rule(OTHER, f"OrgConfigRule-buckets-{SUFFIX}")
    aws.functions.configuration["Layers"] = []
    aws.functions.policy["Statement"][0]["Condition"] = {"StringEquals": {"AWS:SourceAccount": [ADMIN, MEMBER]}}
    aws.client("sqs").send_message(
        QueueUrl=aws.client("sqs").get_queue_url(QueueName=DEAD)["QueueUrl"], MessageBody="{}"
    )
    _expire(aws, TABLE, on=False)
    aws.client("organizations", MANAGEMENT).disable_aws_service_access(ServicePrincipal="config.amazonaws.com")
    done = doctor("--accounts", ",".join(ACCOUNTS), "--format", "json")
    assert done.code == 1
    assert told(done) == [
        ("wrong", "failed_events", ""),
        ("wrong", "function_layer", ""),
        ("wrong", "function_permission", ""),
        ("wrong", "recorder", MEMBER),
        ("wrong", "recorder_types", OTHER),
        ("wrong", "role_trust", OTHER),
        ("wrong", "rule_copies", OTHER),
        ("wrong", "security_hub", MEMBER),
        ("wrong", "state_table_expiry", ""),
        ("wrong", "trusted_access", ""),
    ]
    by_check = {one["check"]: one for one in json.loads(done.out)["diagnoses"] if one["state"] == "wrong"}
    assert by_check["recorder"]["command"] == (
        f"aws configservice start-configuration-recorder --region {REGION} --configuration-recorder-name default"
    )
    assert MEMBER in by_check["security_hub"]["command"]


def test_people_get_equal_faults_together_with_their_remedy(aws, doctor):
    aws.recording.off |= set(ACCOUNTS)
    done = doctor("--accounts", ",".join(ACCOUNTS))
    assert done.code == 1
    places = ", ".join(f"{account} {REGION}" for account in ACCOUNTS)
    assert done.out.decode().splitlines()[:3] == [
        f"wrong    recorder: the recorder is off (3 accounts: {places})",
        "         switch it on",
        "         $ aws configservice start-configuration-recorder --region REGION --configuration-recorder-name default",
    ]
    assert re.fullmatch(r"1 wrong|3 wrong, .*\d+ well", done.out.decode().splitlines()[-1])


def test_without_permissions_nothing_is_well_and_the_exit_code_says_so(aws, doctor):
    aws.deny("securityhub", account=MEMBER)
    aws.deny("iam", account=OTHER)
    done = doctor("--all", "--format", "json")
    assert (done.code, told(done)) == (1, [("unknown", "role_trust", OTHER), ("unknown", "security_hub", MEMBER)])
    remedies = {one["remedy"] for one in json.loads(done.out)["diagnoses"] if one["state"] == "unknown"}
    assert remedies == {"allow the caller iam:GetRole", "allow the caller securityhub:DescribeHub"}
    assert doctor("--all", "--allow-unknown").code == 0


def test_a_role_that_refuses_is_wrong(aws, doctor):
    aws.forbid_role(MEMBER, ROLE)
    done = doctor("--accounts", MEMBER, "--format", "json")
    assert [one for one in told(done) if one[0] == "wrong"] == [("wrong", "member_role", MEMBER)]


def test_hostile_names_do_nothing_to_the_terminal_or_the_shell(aws, doctor):
    aws.recording.recorder_name = "x'; touch /tmp/owned #\x1b[2J\u202e"
    aws.recording.off.add(ADMIN)
    text = doctor().out.decode()
    assert all(line.isprintable() for line in text.splitlines())
    assert """--configuration-recorder-name 'x'"'"'; touch /tmp/owned # [2J'""" in text


def test_write_puts_one_empty_object_which_is_the_only_one(aws, doctor):
    assert doctor("--write").code == 0
    [found] = aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert (found["Key"], found["Size"]) == ("decisions/.doctor/probe", 0)


def test_a_layer_is_known_by_its_zip(aws, doctor, repository, tmp_path):
    catalog = json.loads((repository / "data" / "catalog" / "data.json").read_text())
    said = {"bundle_revision": "0123456789abcdef", "opa_version": "1.22.2", "catalog": catalog, "architecture": "arm64"}
    path = tmp_path / "layer.zip"
    with zipfile.ZipFile(path, "w") as zipped:
        zipped.writestr("opalite/layer.json", json.dumps(said))
    aws.functions.layer["Content"] = {"CodeSha256": _digest(path)}
    assert doctor("--layer", path).code == 0
    aws.functions.configuration["Architectures"] = ["x86_64"]
    assert told(doctor("--layer", path, "--format", "json")) == [("wrong", "function_architecture", "")]


def test_a_layer_of_another_name_is_not_taken_for_ours(aws, doctor):
    aws.functions.configuration["Layers"] = [{"Arn": LAYER.replace("layer:opalite", "layer:aws-otel")}]
    done = doctor("--format", "json")
    (layer,) = [one for one in json.loads(done.out)["diagnoses"] if one["check"] == "function_layer"]
    assert (done.code, told(done), layer["state"]) == (0, [], "notice")


def test_the_place_is_put_into_commands_and_not_into_names(aws, doctor):
    aws.recording.recorder_name = "REGIONAL-ACCOUNT-recorder"
    aws.recording.off.add(MEMBER)
    [one] = [one for one in json.loads(doctor("--all", "--format", "json").out)["diagnoses"] if one["state"] == "wrong"]
    assert one["command"].endswith(f"--region {REGION} --configuration-recorder-name REGIONAL-ACCOUNT-recorder")


def test_accounts_that_no_role_opens_are_told_together(aws, doctor):
    aws.fail("lambda", "GetFunctionConfiguration", code="AccessDeniedException", times=None)
    done = doctor("--accounts", f"{MEMBER},{OTHER}")
    [line] = [line for line in done.out.decode().splitlines() if "recorder," in line]
    assert (
        "the account cannot be asked: the credentials are of another account, and no role was named (2 accounts:"
        in line
    )


def _digest(path: Path) -> str:
    return layer_of(path.read_bytes()).digest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--accounts", "12"), "'12' is not the id of an account"),
        (("--all", "--accounts", MEMBER), "--all and --accounts both say which accounts"),
        (("--external-id", "abc"), "--external-id is said when a role is assumed"),
        (("--regions", "mars"), "'mars' is not a Region like eu-west-1"),
        (("--layer", "/dev/null"), "--layer /dev/null: it is not the zip of a layer"),
        (("--function", FUNCTION.replace(ADMIN, MEMBER)), f"--function is in account {MEMBER}"),
        (("--topic", "x"), "'x' is not the ARN of a topic"),
        (("--role", "a role"), "'a role' is not the name of an IAM role"),
    ],
)
def test_misuse_is_told_before_anything_is_asked(doctor, options, message):
    done = doctor(*options)
    assert (done.code, done.out) == (2, b"")
    assert message in done.err[0]


def test_without_credentials_nothing_is_examined(aws, doctor):
    done = doctor(AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="", AWS_SESSION_TOKEN="")
    assert (done.code, done.out) == (3, b"")
    aws.fail("organizations", "ListAccounts", code="AccessDeniedException", times=None)
    assert doctor("--all").code == 3


def test_a_single_account_without_organization_or_function(opalite, aws):
    aws.fail("organizations", "DescribeOrganization", code="AWSOrganizationsNotInUseException", times=None)
    done = opalite("doctor", environ=aws.environ())
    assert (done.code, done.err) == (0, [])
    assert "the account is in no organization" in done.out.decode()
