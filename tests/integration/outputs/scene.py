"""What the outputs beside AWS Config have told, as those hold it who were told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock, RLock
from typing import Any, NamedTuple

import pytest
from moto.backends import get_backend
from moto.dynamodb.models import DynamoDBBackend
from moto.s3.exceptions import BucketAccessDeniedError
from moto.s3.responses import S3Response
from moto.securityhub.models import SecurityHubBackend

from emulation.aws import ACCOUNTS, REGION, LocalAws
from opalite.adapters.aws import allowance, standing_item
from opalite.model import Standing
from unit.publish.securityhub_format import faults

BUCKET, PREFIX, TABLE, TOPIC, QUEUE, PAYMENTS = (
    "opalite-log",
    "decisions",
    "opalite-standings",
    "opalite",
    "all",
    "payments",
)
ADMIN = ACCOUNTS[0]
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ADMIN}:{TOPIC}"
ON = {
    "OPALITE_LOG_BUCKET": BUCKET,
    "OPALITE_LOG_PREFIX": PREFIX,
    "OPALITE_LOG_OWNER": ADMIN,
    "OPALITE_STATE_TABLE": TABLE,
    "OPALITE_SECURITY_HUB": "on",
    "OPALITE_TOPIC_ARN": TOPIC_ARN,
}


class Shown(NamedTuple):
    """The part of a finding that its life is about."""

    status: str
    state: str
    created: str
    observed: str  # since when it is as it is
    updated: str


@dataclass(slots=True)
class Hubs:
    """Security Hub of all accounts. moto takes everything; the true one refuses findings of others and drops what is not newer."""

    calls: list[tuple[str, list[str]]] = field(default_factory=list)  # account, the ids that it was sent
    malformed: list[str] = field(default_factory=list)  # what Security Hub would have said
    dropped: list[str] = field(default_factory=list)  # ids of updates that were not newer
    reject: dict[str, str] = field(default_factory=dict)  # codes of findings to be refused, by the end of the id
    _lock: Lock = field(default_factory=Lock)

    def taking(self, patch: pytest.MonkeyPatch) -> None:
        take = SecurityHubBackend.batch_import_findings

        def taken(backend: Any, findings: list[dict[str, Any]]) -> tuple[int, int, list[dict[str, Any]]]:
            with self._lock:
                return self._answer(backend, findings, take)

        patch.setattr(SecurityHubBackend, "batch_import_findings", taken)

    def _answer(self, backend: Any, findings: list[dict[str, Any]], take: Any) -> tuple[int, int, list[dict[str, Any]]]:
        self.calls.append((backend.account_id, [one["Id"] for one in findings]))
        held = {one.id: one.data for one in backend.findings}
        refused = [(one, self._code(one["Id"])) for one in findings]
        failed = [{"Id": one["Id"], "ErrorCode": code, "ErrorMessage": ""} for one, code in refused if code]
        newer = []
        for one, code in refused:
            self._check(backend, one)
            if one["Id"] in held and one["UpdatedAt"] <= held[one["Id"]]["UpdatedAt"]:
                self.dropped.append(one["Id"])
            elif not code:
                newer.append(one)
        take(backend, newer)
        return len(failed), len(findings) - len(failed), failed

    def _code(self, name: str) -> str | None:
        return next((code for end, code in self.reject.items() if name.endswith(end)), None)

    def _check(self, backend: Any, finding: dict[str, Any]) -> None:
        self.malformed += faults(finding)
        home = f":{backend.region_name}:{backend.account_id}:product/{backend.account_id}/default"
        if finding["AwsAccountId"] != backend.account_id or not finding["ProductArn"].endswith(home):
            self.malformed.append(f"{finding['Id']} is not of account {backend.account_id}")


def atomic_writes(patch: pytest.MonkeyPatch) -> None:
    """Lets moto look at a condition and write in one, as DynamoDB does."""
    lock = RLock()

    def locked(write: Any) -> Any:
        def written(*args: Any, **more: Any) -> Any:
            with lock:
                return write(*args, **more)

        return written

    for name in ("put_item", "update_item"):
        patch.setattr(DynamoDBBackend, name, locked(getattr(DynamoDBBackend, name)))


def owned_buckets(patch: pytest.MonkeyPatch) -> None:
    """Lets moto look at who is expected to own the bucket, as S3 does."""
    put = S3Response.put_object

    def checked(response: Any) -> Any:
        expected = response.headers.get("x-amz-expected-bucket-owner")
        if expected not in (None, response.backend.get_bucket(response.bucket_name).account_id):
            raise BucketAccessDeniedError(response.bucket_name)
        return put(response)

    patch.setattr(S3Response, "put_object", checked)


@dataclass(slots=True)
class Scene:
    """An organization with a bucket, a table, a topic with two queues, and a hub in each account."""

    aws: LocalAws
    hubs: Hubs

    def set_up(self) -> None:
        self.make_bucket()
        self.make_table()
        self.make_topic()
        for account in self.aws.accounts:
            self.aws.client("securityhub", account).enable_security_hub()

    def make_bucket(self) -> None:
        client = self.aws.client("s3")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    def make_table(self) -> None:
        self.aws.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": standing_item.KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": standing_item.KEY, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def make_topic(self) -> None:
        """With a queue of everything, and one of what is grave for those of payments; see docs/notifications.md."""
        sns, sqs = self.aws.client("sns"), self.aws.client("sqs")
        sns.create_topic(Name=TOPIC)
        chosen = {"owner": ["payments"], "severity": ["CRITICAL", "HIGH"]}
        for name, more in ((QUEUE, {}), (PAYMENTS, {"FilterPolicy": json.dumps(chosen)})):
            sqs.create_queue(QueueName=name)
            attributes = {"RawMessageDelivery": "true", **more}
            endpoint = f"arn:aws:sqs:{REGION}:{ADMIN}:{name}"
            sns.subscribe(TopicArn=TOPIC_ARN, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)

    def findings(self) -> dict[str, Shown]:
        """By the end of the id: account, resource and policy."""
        return {_short(name): _shown(finding) for name, finding in self.whole_findings().items()}

    def whole_findings(self) -> dict[str, dict[str, Any]]:
        """As Security Hub holds them, by their ids."""
        backends = [get_backend("securityhub")[account][REGION] for account in self.aws.accounts]
        return {one.id: one.data for backend in backends for one in backend.findings}

    def imported(self) -> list[str]:
        """What Security Hub was sent since it was asked last."""
        found = [_short(name) for _, names in self.hubs.calls for name in names]
        self.hubs.calls.clear()
        return sorted(found)

    def messages(self, queue: str = QUEUE) -> list[dict[str, Any]]:
        """The documents that a queue has got since it was asked last."""
        return [json.loads(text) for text in self._texts(queue)]

    def changes(self) -> list[tuple[str, str, str]]:
        """Addressee, change and resource of all that was notified of since it was asked last."""
        return sorted(
            (message["owner"], change["change"], change["resource_id"])
            for message in self.messages()
            for change in message["changes"]
        )

    def mails(self) -> list[tuple[str, str]]:
        """Subjects and texts of all that was published ever."""
        sent = get_backend("sns")[ADMIN][REGION].topics[TOPIC_ARN].sent_notifications
        return [(subject, json.loads(message)["email"]) for _, message, subject, *_ in sent]

    def objects(self) -> dict[str, bytes]:
        """The decision log. What was written twice under one key was the same to the byte."""
        client = self.aws.client("s3")
        found: dict[str, bytes] = {}
        for page in client.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for version in page.get("Versions", ()):
                body = client.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])[
                    "Body"
                ].read()
                assert found.setdefault(version["Key"], body) == body
        return found

    def records(self) -> list[dict[str, Any]]:
        """Each line of each object, by time."""
        lines = [line for body in self.objects().values() for line in gzip.decompress(body).splitlines()]
        return sorted(map(json.loads, lines), key=lambda one: (one["evaluated_at"], one["resource_id"]))

    def standings(self) -> dict[str, Standing]:
        """All that is known, by the end of the key."""
        return {_short(one.finding_id): one for one in self._standings()}

    def pending(self) -> dict[str, tuple[str, ...]]:
        """What is still to be told of each."""
        return {name: one.pending for name, one in self.standings().items() if one.pending}

    def _standings(self) -> Iterator[Standing]:
        for page in self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=TABLE):
            items = [one for one in page["Items"] if not standing_item.key_of(one).startswith(allowance.PREFIX)]
            yield from map(standing_item.read, items)

    def _texts(self, queue: str) -> list[str]:
        client, found = self.aws.client("sqs"), []
        while got := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                found.append(one["Body"])
                client.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return found


def _short(name: str) -> str:
    _, _, account, _, _, resource, policy = name.split("/")
    return f"{account} {resource} {policy.rpartition('.')[2]}"


def _shown(finding: dict[str, Any]) -> Shown:
    times = [finding[name] for name in ("CreatedAt", "FirstObservedAt", "UpdatedAt")]
    return Shown(finding["Compliance"]["Status"], finding["RecordState"], *times)
