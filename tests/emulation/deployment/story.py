"""What happens between AWS and the deployed functions: told by AWS's events, seen where the functions write."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from emulation.deployment.emulator import ROOT
from emulation.deployment.running import Deployment
from emulation.lambda_results import Result

T = TypeVar("T")

POLICY = "aws.ec2.securitygroup.restricted_ingress"
RULE = "opalite-ec2-sg-restricted-ingress"
EXTERNAL_ID, IDENTITY, APPROVER = "opalite-3f2a", "opalite", "Approver"
AUTO, APPROVE = "222222222222", "333333333333"  # accounts, by the settings
SETTINGS = {
    "remediation": {
        POLICY: {"default": {"mode": "plan"}, "overrides": [
            {"accounts": [AUTO], "set": {"mode": "auto"}}, {"accounts": [APPROVE], "set": {"mode": "approve"}},
        ]},
    },
}  # fmt: skip
# Of template.yaml, with everything on, and of deploy/member.yaml; the rest follows.
MAIN = {
    "ExternalId": EXTERNAL_ID, "SourceIdentity": IDENTITY, "SecurityHub": "on", "ExemptFindings": "suppressed", "Notifications": "on",
    "Remediation": "on", "Approvers": f"arn:aws:iam::111111111111:role/{APPROVER}", "Runbooks": "on",
    "ExcludedAccounts": "999999999999",
}  # fmt: skip
MEMBER = {"SourceIdentity": IDENTITY, "SecurityHub": "on", "ExemptFindings": "suppressed", "RevokeIngress": "on"}
_ITEM = ROOT / "tests" / "data" / "items" / "ec2-security-group.event.json"
_ITEMS_OF, _ITEMS_IN, _GROUP = "111122223333", "eu-central-1", "sg-0b1c2d3e4f5a6b7c8"
_OPALITE = (sys.executable, "-c", "from opalite.cli import main; main()")
_PATIENCE = 60.0


@dataclass
class Story:
    """A queue `everything` is subscribed to the topic; Security Hub is on in each account."""

    deployment: Deployment
    _queue: str = field(init=False)
    _seen: int = 0

    def __post_init__(self) -> None:
        sqs, aws = self.deployment.client("sqs"), self.deployment.aws
        self._queue = sqs.create_queue(QueueName="everything")["QueueUrl"]
        arn = f"arn:aws:sqs:{aws.region}:{self.deployment.home}:everything"
        raw = {"RawMessageDelivery": "true"}
        topic = self.deployment.main.outputs["TopicArn"]
        self.deployment.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        for account in aws.accounts:
            aws.client("securityhub", account).enable_security_hub()
        iam = self.deployment.client("iam")
        iam.create_role(RoleName=APPROVER, AssumeRolePolicyDocument="{}")
        iam.attach_role_policy(RoleName=APPROVER, PolicyArn=self.deployment.main.outputs["ApproverPolicyArn"])

    def open_group(self, account: str) -> str:
        """A security group with port 22 open to an office, and to the world."""
        ec2 = self.deployment.aws.client("ec2", account)
        name = f"web-{len(ec2.describe_security_groups()['SecurityGroups'])}"
        group: str = ec2.create_security_group(GroupName=name, Description="web tier")["GroupId"]
        for cidr in ("0.0.0.0/0", "192.0.2.0/24"):
            ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=cidr)
        return group

    def ranges(self, account: str, group: str) -> list[str]:
        (found,) = self.deployment.aws.client("ec2", account).describe_security_groups(GroupIds=[group])[
            "SecurityGroups"
        ]
        return sorted(entry["CidrIp"] for rule in found["IpPermissions"] for entry in rule["IpRanges"])

    def recorded(self, account: str, group: str) -> Any:
        """The event of AWS Config, by the rule that the stack has made, when it records the group."""
        config, rule = self.deployment.aws.config, self.deployment.rules[account, RULE]
        text = _ITEM.read_text().replace(_ITEMS_OF, account).replace(_ITEMS_IN, config.region).replace(_GROUP, group)
        item = json.loads(text)
        world = {"ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}], "ipRanges": ["0.0.0.0/0"], "ipv6Ranges": []}
        item["configuration"]["ipPermissions"].append(
            {"fromPort": 22, "toPort": 22, "ipProtocol": "tcp", "prefixListIds": [], "userIdGroupPairs": [], **world}
        )
        return config.change_event(item, rule)

    def changed(self, account: str, group: str) -> list[Result]:
        """AWS Config records the group and invokes the function."""
        self.deployment.config_invokes(self.recorded(account, group), self.deployment.rules[account, RULE])
        return self.answers("opalite")

    def told(self, account: str, group: str) -> list[Result]:
        """Security Hub tells of the group's finding, with what it adds to it, in the account of its administrator."""
        finding = {"Workflow": {"Status": "NEW"}, "WorkflowState": "NEW", **self.finding(account, group)}
        self.deployment.put_event(
            {
                "source": "aws.securityhub",
                "detail-type": "Security Hub Findings - Imported",
                "resources": [f"{finding['ProductArn']}/{finding['Id']}"],
                "detail": {"findings": [finding]},
            }
        )
        return self.answers("opalite-remediation")

    def answers(self, name: str, count: int = 1) -> list[Result]:
        """What has come of the next invocations of the function, whoever made them."""
        found = until(lambda: _enough([one for one in self.deployment.invoked[self._seen :] if one[0] == name], count))
        self._seen = max((self.deployment.invoked.index(each) + 1 for each in found), default=self._seen)
        return [result for _, _, result in found]

    def finding(self, account: str, group: str) -> dict[str, Any]:
        """As Security Hub holds it."""
        held = self.deployment.aws.client("securityhub", account).get_findings()["Findings"]
        (found,) = [one for one in held if group in one["Id"]]
        return dict(found)

    def result(self, account: str, group: str) -> str | None:
        """What AWS Config holds."""
        results = self.deployment.aws.config.results(account, self.deployment.rules[account, RULE])
        held = results.get(("AWS::EC2::SecurityGroup", group))
        return held["complianceType"] if held else None

    def decisions(self, group: str) -> list[str]:
        """Outcomes in the decision log."""
        lines = [line for body in self._objects("decisions/") for line in gzip.decompress(body).splitlines()]
        return [one["outcome"] for one in map(json.loads, lines) if one["resource_id"] == group]

    def records(self, group: str) -> list[str]:
        """Results of the records of remediation."""
        found = [json.loads(body) for body in self._objects("remediation/")]
        return [one["result"] for one in found if group in json.dumps(one)]

    def messages(self, group: str) -> list[Any]:
        """What the topic has told of the group."""
        client, found = self.deployment.client("sqs"), []
        while got := client.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                found.append(json.loads(one["Body"]))
                client.delete_message(QueueUrl=self._queue, ReceiptHandle=one["ReceiptHandle"])
        return [one for one in found if group in json.dumps(one)]

    def attempt(self, group: str) -> Any:
        """The attempt on the group, as the ledger has it."""
        table = self.deployment.main.outputs["RemediationTable"]
        items = self.deployment.client("dynamodb").scan(TableName=table)["Items"]
        found = [json.loads(one["body"]["S"]) for one in items if one["sk"]["S"] == "attempt"]
        return next((one for one in found if group in json.dumps(one)), None)

    def execution(self, attempt: str) -> str:
        """How the execution of the attempt stands."""
        client = self.deployment.client("stepfunctions")
        machine = self.deployment.main.resources["RemediationMachine"]
        found = client.list_executions(stateMachineArn=machine)["executions"]
        return ", ".join(one["status"] for one in found if one["name"].startswith(attempt))

    def command(self, *arguments: str, role: str = APPROVER) -> subprocess.CompletedProcess[str]:
        """`opalite` as a person runs it, with a role of the functions' account."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "OPALITE_OPA") if name in os.environ}
        region = {"AWS_REGION": self.deployment.aws.region, "AWS_DEFAULT_REGION": self.deployment.aws.region}
        return subprocess.run(
            [*_OPALITE, *arguments],
            env={**kept, **region, **self.deployment.environ(role, "anna")},
            capture_output=True, text=True, timeout=_PATIENCE, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def approve(self, attempt: str) -> subprocess.CompletedProcess[str]:
        """`opalite remediate approve`, by somebody with the policy and the key of the stack."""
        outputs = self.deployment.main.outputs
        where = ("--table", outputs["RemediationTable"], "--key", outputs["ApprovalKeyArn"])
        return self.command("remediate", "approve", attempt, *where, "--yes")

    def _objects(self, prefix: str) -> list[bytes]:
        client, bucket = self.deployment.client("s3"), self.deployment.main.outputs["LogBucket"]
        keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
        return [client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]


def until(condition: Callable[[], T]) -> T:
    """Polls until the condition holds; its last value, which a test should assert."""
    end = time.monotonic() + _PATIENCE
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return value


def _enough(found: list[T], count: int) -> list[T]:
    return found[:count] if len(found) >= count else []
