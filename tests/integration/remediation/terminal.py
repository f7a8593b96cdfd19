"""Somebody at a terminal, before an AWS organization on the loopback: `opalite remediate` in processes of its own."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from emulation.aws import ACCOUNTS, REGION, LocalAws

OWN, MEMBER, OTHER = ACCOUNTS
POLICY = "aws.ec2.securitygroup.restricted_ingress"
TYPE = "AWS::EC2::SecurityGroup"
TABLE = "opalite-remediation"
BEFORE, MENDED = ["0.0.0.0/0", "192.0.2.0/24"], ["192.0.2.0/24"]


@dataclass
class Terminal:
    """`folder`: where commands are run. `opalite`: the fixture of all integration tests."""

    aws: LocalAws
    opalite: Any
    folder: Path
    template: Mapping[str, Any]  # a configuration item of a group

    def __call__(self, *arguments: str | Path, stdin: bytes | None = None, **more: Any) -> Any:
        return self.opalite(*arguments, stdin=stdin, **self._where(more))

    def remediate(self, *arguments: str | Path, **more: Any) -> Any:
        return self("remediate", *arguments, **more)

    def start(self, *arguments: str | Path, **more: Any) -> Any:
        return self.opalite.start("remediate", *arguments, **self._where(more))

    def _where(self, more: dict[str, Any]) -> dict[str, Any]:
        environ = {**self.aws.environ(), "USER": "anna", **more.pop("environ", {})}
        return {"cwd": self.folder, "environ": environ, **more}

    def settings(self, mode: str, **more: Any) -> Path:
        """With that mode for the policy; `more`: other roots."""
        path = self.folder / f"{mode}.json"
        path.write_text(json.dumps({"remediation": {POLICY: {"default": {"mode": mode}}}, **more}))
        return path

    def group(self, account: str = OWN, *, ranges: tuple[str, ...] = tuple(BEFORE), name: str = "") -> str:
        """Port 22 to each range."""
        ec2 = self.aws.client("ec2", account)
        count = len(ec2.describe_security_groups()["SecurityGroups"])
        made: str = ec2.create_security_group(GroupName=name or f"web-{count}", Description="web tier")["GroupId"]
        self.open(made, *ranges, account=account)
        return made

    def open(self, group: str, *ranges: str, account: str = OWN, port: int = 22) -> None:
        ec2 = self.aws.client("ec2", account)
        for cidr in ranges:
            ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=cidr
            )

    def ranges(self, group: str, account: str = OWN) -> list[str]:
        (found,) = self.aws.client("ec2", account).describe_security_groups(GroupIds=[group])["SecurityGroups"]
        return sorted(entry["CidrIp"] for rule in found["IpPermissions"] for entry in rule["IpRanges"])

    def item(self, group: str, account: str = OWN) -> bytes:
        """As AWS Config has recorded it, in one line."""
        permission = {
            "fromPort": 22,
            "toPort": 22,
            "ipProtocol": "tcp",
            "ipv6Ranges": [],
            "prefixListIds": [],
            "userIdGroupPairs": [],
            "ipv4Ranges": [{"cidrIp": cidr} for cidr in self.ranges(group, account)],
            "ipRanges": self.ranges(group, account),
        }
        configuration = {**self.template["configuration"], "groupId": group, "ipPermissions": [permission]}
        place = {
            "awsAccountId": account,
            "awsRegion": REGION,
            "resourceId": group,
            "ARN": f"arn:aws:ec2:{REGION}:{account}:security-group/{group}",
        }
        return orjson.dumps(
            {**self.template, **place, "configuration": configuration}, option=orjson.OPT_APPEND_NEWLINE
        )

    def named(self, group: str, account: str = OWN) -> tuple[str, ...]:
        """The options that name it."""
        return ("--policy", POLICY, "--resource", f"{account}/{REGION}/{TYPE}/{group}")

    def decision(self, group: str, account: str = OWN, **changes: Any) -> bytes:
        """As much of a line of `opalite evaluate --format jsonl` as counts."""
        body = {
            "account_id": account,
            "region": REGION,
            "resource_type": TYPE,
            "resource_id": group,
            "policy_id": POLICY,
            "outcome": "fail",
        }
        return orjson.dumps({**body, **changes}, option=orjson.OPT_APPEND_NEWLINE)

    def records(self, folder: str = "opalite-remediation") -> dict[str, Any]:
        """By id, as they stand in the folder."""
        paths = (self.folder / folder).glob("*.json")
        return {path.stem: orjson.loads(path.read_bytes()) for path in paths}

    def table(self) -> None:
        """As docs/remediation/function.md says."""
        key = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        due = [{"AttributeName": "due", "KeyType": "HASH"}, {"AttributeName": "due_at", "KeyType": "RANGE"}]
        dynamodb = self.aws.client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=key,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "due", "due_at")
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": "due", "KeySchema": due, "Projection": {"ProjectionType": "KEYS_ONLY"}}
            ],
        )
        dynamodb.update_time_to_live(
            TableName=TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )


@contextlib.contextmanager
def sitting(opalite: Any, folder: Path, template: Mapping[str, Any]) -> Iterator[Terminal]:
    """For as long as the block lasts."""
    before = os.environ.get("MOTO_EC2_LOAD_DEFAULT_AMIS")
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    try:
        with LocalAws() as aws:
            yield Terminal(aws, opalite, folder, template)
    finally:
        if before is None:
            del os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"]
        else:
            os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = before
