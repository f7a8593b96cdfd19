"""The remediation function in this process: a real OPA behind the socket, an AWS organization on the loopback, one clock for all."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from emulation.aws import ACCOUNTS, REGION, LocalAws
from emulation.state_machine import Execution
from integration.lambda_function.deployed import Invocation, Layers
from opalite.remediation import approving
from opalite.remediation.actions import ACTIONS
from opalite.remediation.attempt import Attempt, read
from opalite.remediation.composition import parts
from opalite.remediation.function import Function

ADMIN, MEMBER, OTHER = ACCOUNTS
POLICY = "aws.ec2.securitygroup.restricted_ingress"
TABLE, BUCKET, EXTERNAL_ID = "opalite-remediation", "opalite-records", "opalite-3f2a"
ROLE = "opalite-remediate-revoke-ingress"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ADMIN}:opalite"
MACHINE_ARN = f"arn:aws:states:{REGION}:{ADMIN}:stateMachine:opalite-remediation"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ADMIN}:function:opalite-remediation"
_ROOT = Path(__file__).resolve().parents[4]
EVENTS = _ROOT / "tests" / "data" / "events" / "remediation"
GROUP = "sg-0f4d2c1b3a5968778"  # of the events


def event(name: str, group: str | None = None, account: str = MEMBER) -> Any:
    """An event, about another group of another account."""
    text = (EVENTS / f"{name}.json").read_text()
    return json.loads(text.replace(GROUP, group or GROUP).replace(MEMBER, account))


def definition() -> Any:
    """The state machine as it is deployed."""
    text = (_ROOT / "deploy" / "statemachine" / "remediation.asl.json").read_text()
    return json.loads(text.replace("${Partition}", "aws").replace("${RemediationFunctionArn}", FUNCTION_ARN))


@dataclass
class Clock:
    """Stands still, but while somebody sleeps; all of the function's and AWS's credentials go by it."""

    moment: datetime = datetime(2026, 11, 29, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def text(self) -> str:
        return self.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Scene:
    """`settings`: of remediation, laid over those that ship."""

    aws: LocalAws
    layers: Layers
    clock: Clock
    patch: pytest.MonkeyPatch
    seconds: float = 800.0
    log: io.StringIO = field(default_factory=io.StringIO)
    functions: list[Any] = field(default_factory=list)
    key_arn: str = ""

    def set_up(self) -> None:
        self._table()
        self.aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.aws.client("sns").create_topic(Name="opalite")
        key = self.aws.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
        self.key_arn = key["KeyMetadata"]["Arn"]
        self.aws.client("stepfunctions").create_state_machine(
            name="opalite-remediation",
            definition=json.dumps(definition()),
            roleArn=f"arn:aws:iam::{ADMIN}:role/OpaliteMachine",
        )
        for account in self.aws.accounts:
            self.aws.client("securityhub", account).enable_security_hub()
            self.aws.allow_role(account, ROLE, external_id=EXTERNAL_ID)

    def _table(self) -> None:
        key = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        due = [{"AttributeName": "due", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"}]
        names = ("pk", "sk", "due", "due_at")
        self.aws.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=key,
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            GlobalSecondaryIndexes=[
                {"IndexName": "due", "KeySchema": due, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        )

    def deploy(
        self,
        mode: str = "auto",
        *,
        actions: Mapping[str, Any] = ACTIONS,
        settings: Any = None,
        parameters: Any = None,
        **variables: str | None,
    ) -> None:
        """With that mode for the policy in all accounts. `parameters`: of other policies."""
        chosen = {
            "remediation": {POLICY: {"default": {"mode": mode, **(settings or {})}}},
            "parameters": parameters or {},
        }
        layer = self.layers(chosen)
        for name in [name for name in os.environ if name.startswith(("AWS_", "OPALITE_"))]:
            self.patch.delenv(name)
        given = {
            **self.aws.environ(),
            "OPALITE_LAYER": str(layer.folder),
            "OPALITE_OPA_SOCKET": layer.socket,
            "OPALITE_ACCOUNTS": "organization",
            "OPALITE_EXTERNAL_ID": EXTERNAL_ID,
            "OPALITE_REMEDIATION_TABLE": TABLE,
            "OPALITE_RECORD_BUCKET": BUCKET,
            "OPALITE_RECORD_PREFIX": "remediation",
            "OPALITE_SECURITY_HUB": "on",
            "OPALITE_TOPIC_ARN": TOPIC_ARN,
            "OPALITE_STATE_MACHINE_ARN": MACHINE_ARN,
            "OPALITE_APPROVAL_KEY_ARN": self.key_arn,
            **variables,
        }
        for name, value in given.items():
            if value is not None:
                self.patch.setenv(name, value)
        with contextlib.redirect_stdout(self.log):
            made = parts(os.environ, actions=actions, sleep=self.clock.sleep, clock=self.clock)
        self.functions.append(made)
        self.parts, self.function = made, Function(made)

    def __call__(self, what: Any) -> Any:
        """One invocation; `log` holds what it wrote."""
        self.log.seek(0)
        self.log.truncate()
        return self.function.handle(what, Invocation(lambda: self.seconds, FUNCTION_ARN))

    def close(self) -> None:
        for made in self.functions:
            made.parts.engine.close()

    def group(self, account: str = MEMBER, *, with_finding: bool = True) -> str:
        """Port 22 open to all, and to an office; and the finding that says so."""
        ec2 = self.aws.client("ec2", account)
        count = len(ec2.describe_security_groups()["SecurityGroups"])
        made: str = ec2.create_security_group(GroupName=f"web-{count}", Description="web tier")["GroupId"]
        for cidr in ("0.0.0.0/0", "192.0.2.0/24"):
            ec2.authorize_security_group_ingress(GroupId=made, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr)
        if with_finding:
            finding = event("finding_imported", made, account)["detail"]["findings"][0]
            self.aws.client("securityhub", account).batch_import_findings(Findings=[finding])
        return made

    def ranges(self, group: str, account: str = MEMBER) -> list[str]:
        (found,) = self.aws.client("ec2", account).describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return sorted(entry["CidrIp"] for rule in found["IpPermissions"] for entry in rule["IpRanges"])

    def attempts(self) -> list[Attempt]:
        """All of the ledger, by their beginning."""
        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE)
        items = [item for page in pages for item in page["Items"] if item["sk"]["S"] == "attempt"]
        found = [read(json.loads(item["body"]["S"])) for item in items]
        return sorted(found, key=lambda one: (one.began_at, one.id))

    def records(self) -> dict[str, Any]:
        client = self.aws.client("s3")
        keys = [one["Key"] for one in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
        return {key: json.loads(client.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys}

    def subjects(self) -> list[str]:
        sent = get_backend("sns")[ADMIN][REGION].topics[TOPIC_ARN].sent_notifications
        return [subject for _, _, subject, *_ in sent]

    def finding(self, group: str, account: str = MEMBER) -> tuple[str, str]:
        """Workflow and the words of the note."""
        held = get_backend("securityhub")[account][REGION].findings
        (data,) = [one.data for one in held if group in one.id]
        return data["Workflow"]["Status"], (data.get("Note") or {}).get("Text", "")

    def executions(self) -> list[tuple[str, Any]]:
        """Names and inputs of what the state machine was started with."""
        client = self.aws.client("stepfunctions")
        listed = client.list_executions(stateMachineArn=MACHINE_ARN)["executions"]
        described = [client.describe_execution(executionArn=one["executionArn"]) for one in listed]
        return sorted((one["name"], json.loads(one["input"])) for one in described)

    def execution(self, invoke: Callable[[Any], Any] | None = None) -> Execution:
        """The only one, as Step Functions would run it, up to where it waits for a person or ends."""
        ((_, document),) = self.executions()
        return Execution(definition(), document, invoke or self, self.clock.sleep).run()

    def signed(self, attempt: Attempt, approver: str = "arn:aws:iam::111111111111:user/anna") -> dict[str, str]:
        """An approval, signed by somebody who may."""
        kms = self.aws.client("kms")
        mac = kms.generate_mac(
            KeyId=self.key_arn, MacAlgorithm="HMAC_SHA_256", Message=approving.to_sign(attempt, approver)
        )["Mac"]
        return approving.document(attempt, approver, mac)

    def lines(self, message: str) -> list[dict[str, Any]]:
        documents = [json.loads(line) for line in self.log.getvalue().splitlines()]
        return [one for one in documents if one.get("message") == message]

    def metrics(self) -> list[tuple[dict[str, str], dict[str, float]]]:
        """Dimensions and values, without durations and calls."""
        found = []
        for line in self.log.getvalue().splitlines():
            document = json.loads(line)
            if "_aws" not in document:
                continue
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            names = [name for group in directive["Dimensions"] for name in group if name != "service"]
            values = {one["Name"]: document[one["Name"]][0] for one in directive["Metrics"]}
            kept = {name: value for name, value in values.items() if name not in ("Duration", "ApiCalls", "ApiRetries")}
            if kept:
                found.append(({name: document[name] for name in names}, kept))
        return found


@contextlib.contextmanager
def playing(layers: Layers) -> Iterator[Scene]:
    """A scene for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        clock = Clock()
        with LocalAws(now=lambda: clock().timestamp()) as aws:
            made = Scene(aws, layers, clock, patch)
            made.set_up()
            try:
                yield made
            finally:
                made.close()
