"""What can go wrong with each output, and what the function says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulation.aws import ACCOUNTS, REGION
from integration.outputs.scene import BUCKET, TABLE, TOPIC_ARN, Scene

ADMIN, MEMBER, _ = ACCOUNTS
INGRESS = "aws.ec2.securitygroup.restricted_ingress"
KIND = "AWS::EC2::SecurityGroup"
ID = f"opalite/aws/{MEMBER}/{REGION}/{KIND}/sg-1/{INGRESS}"
LOG, HUB, TOPIC = "log", "hub", "topic"

OBJECT = f"decisions/date=2026-03-02/region={REGION}/{MEMBER}-KEY.jsonl.gz"
NOT_WRITTEN = f"s3:PutObject to bucket {BUCKET}: not written: {OBJECT}: "
REFUSED = f"s3:PutObject is denied in account {ADMIN} (AccessDenied); may the function write there (s3:PutObject) and use the key "
NOT_OURS = f"{NOT_WRITTEN}{REFUSED}(kms:GenerateDataKey), and is it account {{}} that owns the bucket?"
NOT_FOUND = f"securityhub:BatchImportFindings: not taken: {ID}: "
NOT_IN_HUB = (
    f"{NOT_FOUND}securityhub:BatchImportFindings is denied in account {MEMBER} (AccessDeniedException); the function "
)
HUB_DENIED = f"{NOT_IN_HUB}needs securityhub:BatchImportFindings in account {MEMBER}"
NOT_PUBLISHED = f"sns:Publish to {TOPIC_ARN}: not taken: message 1 of 1: "
TOPIC_DENIED = f"{NOT_PUBLISHED}sns:PublishBatch is denied in account {ADMIN} (AccessDenied); the function needs sns:Publish on the topic"


def throttled(service: str, operation: str, account: str, code: str) -> str:
    words = f"An error occurred ({code}) when calling the {operation} operation (reached max retries: 3): Rate exceeded"
    return f"{service}:{operation} in account {account}, {REGION}: {words}"


@dataclass(frozen=True, slots=True)
class Fault:
    """`told`: what the first attempt tells all the same."""

    makes: Callable[[Scene], Any]
    message: str
    told: frozenset[str]
    mends: Callable[[Scene], Any] = lambda scene: scene.aws.mend()


def failing(service: str, operation: str, code: str, status: int = 400) -> Callable[[Scene], Any]:
    return lambda scene: scene.aws.fail(service, operation, code=code, status=status, times=None)


SLOW = "ProvisionedThroughputExceededException"
FAULTS = {
    "log: denied": Fault(lambda scene: scene.aws.deny("s3"), NOT_OURS.format(ADMIN), frozenset({HUB, TOPIC})),
    "log: throttled": Fault(
        failing("s3", "PutObject", "SlowDown", 503),
        f"{NOT_WRITTEN}{throttled('s3', 'PutObject', ADMIN, 'SlowDown')} (attempt 3 was the last)",
        frozenset({HUB, TOPIC}),
    ),
    "log: no bucket": Fault(
        lambda scene: scene.aws.client("s3").delete_bucket(Bucket=BUCKET),
        f"{NOT_WRITTEN}there is no such bucket",
        frozenset({HUB, TOPIC}),
        Scene.make_bucket,
    ),
    "standings: denied": Fault(
        lambda scene: scene.aws.deny("dynamodb"),
        f"dynamodb:BatchGetItem is denied in account {ADMIN} (AccessDeniedException): table {TABLE} cannot be used",
        frozenset({LOG}),
    ),
    "standings: no table": Fault(
        lambda scene: scene.aws.client("dynamodb").delete_table(TableName=TABLE),
        f"dynamodb:BatchGetItem: there is no table {TABLE} in account {ADMIN}, {REGION}",
        frozenset({LOG}),
        Scene.make_table,
    ),
    "standings: reading throttled": Fault(
        failing("dynamodb", "BatchGetItem", SLOW),
        f"standing of {ID[:100]}: {throttled('dynamodb', 'BatchGetItem', ADMIN, SLOW)} (attempt 5 was the last)",
        frozenset({LOG}),
    ),
    "standings: writing throttled": Fault(
        failing("dynamodb", "PutItem", SLOW), throttled("dynamodb", "PutItem", ADMIN, SLOW), frozenset({LOG})
    ),
    "hub: denied": Fault(
        lambda scene: scene.aws.deny("securityhub", account=MEMBER), HUB_DENIED, frozenset({LOG, TOPIC})
    ),
    "hub: throttled": Fault(
        failing("securityhub", "BatchImportFindings", "TooManyRequestsException", 429),
        f"{NOT_FOUND}{throttled('securityhub', 'BatchImportFindings', MEMBER, 'TooManyRequestsException')} (attempt 5 was the last)",
        frozenset({LOG, TOPIC}),
    ),
    "topic: denied": Fault(lambda scene: scene.aws.deny("sns"), TOPIC_DENIED, frozenset({LOG, HUB})),
    "topic: throttled": Fault(
        failing("sns", "PublishBatch", "Throttled", 429),
        f"{NOT_PUBLISHED}{throttled('sns', 'PublishBatch', ADMIN, 'Throttled')} (attempt 5 was the last)",
        frozenset({LOG, HUB}),
    ),
    "topic: its key": Fault(
        failing("sns", "PublishBatch", "KMSAccessDenied"),
        f"{NOT_PUBLISHED}may the function use the topic's key? (KMSAccessDenied)",
        frozenset({LOG, HUB}),
    ),
    "topic: gone": Fault(
        lambda scene: scene.aws.client("sns").delete_topic(TopicArn=TOPIC_ARN),
        f"{NOT_PUBLISHED}the topic is not there (NotFound)",
        frozenset({LOG, HUB}),
        Scene.make_topic,
    ),
    "all but AWS Config": Fault(
        lambda scene: [scene.aws.deny(service) for service in ("s3", "securityhub", "sns")],
        f"{NOT_OURS.format(ADMIN)}; {HUB_DENIED}; {TOPIC_DENIED}",
        frozenset(),
    ),
}
