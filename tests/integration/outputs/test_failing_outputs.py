"""Each output failing in turn: the others are told, AWS Config first; the next attempt tells what is missing, and nothing twice."""

from __future__ import annotations

from typing import Any

import pytest

from emulation.aws import ACCOUNTS, REGION
from integration.outputs.scene import BUCKET, TABLE, Scene
from integration.outputs.what_fails import (
    FAULTS,
    HUB,
    HUB_DENIED,
    ID,
    INGRESS,
    KIND,
    LOG,
    NOT_OURS,
    SLOW,
    TOPIC,
    TOPIC_DENIED,
    throttled,
)
from opalite.errors import DeliveryError

ADMIN, MEMBER, OTHER = ACCOUNTS
NOON = "2026-03-02T12:00:00.250Z"
KEY = f"{MEMBER} sg-1 restricted_ingress"
NOT_NOTED = f"dynamodb:UpdateItem is denied in account {ADMIN} (AccessDeniedException): table {TABLE} cannot be used"
AGAIN = "was told, but will be told again, since that could not be noted: "


def told(scene: Scene) -> set[str]:
    """Which outputs know of the only failure; each once."""
    findings, changes, records = scene.imported(), scene.changes(), scene.records() if _has_bucket(scene) else []
    assert (findings, changes) in [
        (hub, topic) for hub in ([], [KEY]) for topic in ([], [("payments", "new_failure", "sg-1")])
    ]
    assert [one["outcome"] for one in records] in ([], ["fail"])
    return {name for name, what in ((HUB, findings), (TOPIC, changes), (LOG, records)) if what}


def _has_bucket(scene: Scene) -> bool:
    return BUCKET in [bucket["Name"] for bucket in scene.aws.client("s3").list_buckets()["Buckets"]]


def compliance(scene: Scene, rule: Any) -> list[str]:
    return [one["complianceType"] for one in scene.aws.config.results(rule.account, rule).values()]


def message_of(raised: pytest.ExceptionInfo[DeliveryError]) -> str:
    """With the digest in the key of an object left out."""
    before, dash, after = str(raised.value).partition(f"/{MEMBER}-")
    return f"{before}{dash}KEY{after[32:]}" if dash else before


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_not_told_is_listed_and_told_by_the_next_attempt(scene, function, rule, group, name):
    fault = FAULTS[name]
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    fault.makes(scene)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert message_of(raised) == fault.message
    assert compliance(scene, rule) == ["NON_COMPLIANT"]
    fault.mends(scene)
    assert told(scene) == fault.told
    function(event)
    assert told(scene) == ({HUB, TOPIC} - fault.told) | {LOG}
    function(event)
    assert (told(scene), scene.pending()) == ({LOG}, {})
    assert [one.status for one in scene.findings().values()] == ["FAILED"]


def test_aws_config_is_told_first(scene, function, rule, group):
    function(scene.aws.config.change_event(group("sg-1", opened=22), rule))
    telling = ("config:PutEvaluations", "s3:PutObject", "securityhub:BatchImportFindings", "sns:PublishBatch")
    assert [call.action for call in scene.aws.calls_made if call.action in telling] == list(telling)


@pytest.mark.parametrize("others", ["told", "denied"])
def test_what_aws_config_does_not_take_is_told_to_the_others(scene, function, rule, group, others):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    scene.aws.config.fail_evaluations("sg-1", times=5)
    services = ("s3", "securityhub", "sns") if others == "denied" else ()
    for service in services:
        scene.aws.deny(service)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    first = (
        f"config:PutEvaluations in account {MEMBER}, {REGION}: not taken: {KIND} sg-1: AWS Config named it as failed"
    )
    rest = [NOT_OURS.format(ADMIN), HUB_DENIED, TOPIC_DENIED] if services else []
    assert message_of(raised) == "; ".join([f"{first} (attempt 5 was the last)", *rest])
    assert (told(scene), compliance(scene, rule)) == (set() if services else {LOG, HUB, TOPIC}, [])
    scene.aws.mend()
    function(event)
    assert told(scene) == ({LOG, HUB, TOPIC} if services else {LOG})
    assert compliance(scene, rule) == ["NON_COMPLIANT"]


def test_a_bucket_of_somebody_else_is_not_written_to(scene, deploy, rule, group):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    with pytest.raises(DeliveryError) as raised:
        deploy(OPALITE_LOG_OWNER=OTHER)(event)
    assert message_of(raised) == NOT_OURS.format(OTHER)
    assert told(scene) == {HUB, TOPIC}
    deploy()(event)
    assert told(scene) == {LOG}


def test_a_hub_that_is_not_enabled_is_told_once(scene, deploy, rule, group):
    function = deploy()
    scene.aws.fail("securityhub", code="InvalidAccessException", status=401, times=None)
    first, second = (scene.aws.config.change_event(group(name, opened=22), rule) for name in ("sg-1", "sg-2"))
    with pytest.raises(DeliveryError) as raised:
        function(first)
    words = f"securityhub:BatchImportFindings is denied in account {MEMBER} (InvalidAccessException): is Security Hub enabled in"
    not_taken = "securityhub:BatchImportFindings: not taken: 1 of a hub that is not enabled"
    assert str(raised.value) == f"{not_taken}: {words} {REGION}?"
    function(first)
    function(second)
    assert scene.aws.calls["securityhub:BatchImportFindings"] == 1
    assert scene.pending() == {f"{MEMBER} {name} restricted_ingress": ("securityhub",) for name in ("sg-1", "sg-2")}
    scene.aws.mend()
    later = deploy()  # another sandbox, or this one after some time
    for event in (first, second, first):
        later(event)
    assert scene.imported() == [f"{MEMBER} {name} restricted_ingress" for name in ("sg-1", "sg-2")]
    assert scene.changes() == [("payments", "new_failure", name) for name in ("sg-1", "sg-2")]
    assert scene.pending() == {}


def test_what_cannot_be_noted_as_told_is_told_again_under_the_same_id(scene, function, rule, group):
    event = scene.aws.config.change_event(group("sg-1", opened=22), rule)
    scene.aws.deny("dynamodb", "UpdateItem")
    with pytest.raises(DeliveryError) as raised:
        function(event)
    assert message_of(raised) == f"securityhub {AGAIN}{NOT_NOTED}; sns {AGAIN}{NOT_NOTED}"
    scene.aws.mend()
    function(event)
    first, second = scene.messages()
    assert first == second
    assert [name for _, names in scene.hubs.calls for name in names] == [ID, ID]
    assert (scene.hubs.dropped, scene.pending()) == ([ID], {})


def test_one_finding_that_is_refused_keeps_no_other_from_being_told(scene, function, rule, group):
    names = [f"sg-{number:03}" for number in range(5)]
    for name in names:
        scene.aws.config.record(group(name, opened=22))
    scene.hubs.reject[f"sg-002/{INGRESS}"] = "InvalidInput"
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    culprit = ID.replace("sg-1", "sg-002")
    not_taken = "securityhub:BatchImportFindings: not taken"
    assert str(raised.value) == f"{not_taken}: {culprit}: Security Hub refuses it (InvalidInput)"
    assert scene.pending() == {f"{MEMBER} sg-002 restricted_ingress": ("securityhub",)}
    assert scene.changes() == [("payments", "new_failure", name) for name in names]
    scene.imported()
    scene.hubs.reject.clear()
    function(event)
    assert (scene.imported(), scene.changes()) == ([f"{MEMBER} sg-002 restricted_ingress"], [])
    assert len(scene.findings()) == 5


def test_one_standing_that_was_edited_keeps_no_other_from_being_told(scene, function, rule, group):
    for name in ("sg-1", "sg-2", "sg-3"):
        scene.aws.config.record(group(name))
    function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    scene.aws.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"finding_id": {"S": ID}},
        UpdateExpression="SET outcome = :fail",
        ExpressionAttributeValues={":fail": {"S": "fail"}},
    )
    for name in ("sg-1", "sg-2", "sg-3"):
        scene.aws.config.record(group(name, opened=22, at="09:00:00.000"))
    later = scene.aws.config.schedule_event(MEMBER, rule, notified_at="2026-03-02T13:00:00.250Z")
    with pytest.raises(DeliveryError) as raised:
        function(later)
    edited = "its stamp is not that of what it says: it was edited; delete the item, the next decision writes it anew"
    assert str(raised.value) == f"standing of {ID[:100]}: table {TABLE}, item {ID}: {edited}"
    assert scene.changes() == [("payments", "new_failure", name) for name in ("sg-2", "sg-3")]
    scene.aws.client("dynamodb").delete_item(TableName=TABLE, Key={"finding_id": {"S": ID}})
    function(later)
    assert scene.changes() == [("payments", "new_failure", "sg-1")]
    assert scene.imported() == [f"{MEMBER} {name} restricted_ingress" for name in ("sg-1", "sg-2", "sg-3")]


def test_a_schedule_whose_token_has_expired_names_all_that_was_not_told(scene, function, rule, group):
    for name in ("sg-1", "sg-2"):
        scene.aws.config.record(group(name, opened=22))
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON)
    scene.aws.config.expire_tokens()
    scene.aws.deny("sns")
    with pytest.raises(DeliveryError) as raised:
        function(event)
    config, topic = str(raised.value).split("; sns:")
    assert config.startswith(
        f"config:PutEvaluations in account {MEMBER}, {REGION}: not taken: {KIND} sg-1, {KIND} sg-2: "
    )
    assert f"sns:{topic}" == TOPIC_DENIED
    assert (len(scene.findings()), len(scene.records())) == (2, 2)


def test_a_schedule_that_has_nothing_to_say_to_aws_config_says_so_whatever_the_others_do(scene, function, bucket, key):
    rule = scene.aws.config.rule(MEMBER, "keys", parameters={"policies": "aws.s3.bucket.encryption"})
    scene.aws.config.record(bucket(key=key))
    for service in ("kms", "s3", "securityhub"):
        scene.aws.deny(service)
    with pytest.raises(DeliveryError) as raised:
        function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON))
    log, hub = str(raised.value).split("; securityhub:")
    assert (log.startswith("s3:PutObject "), "not taken" in hub) == (True, True)
    assert len(scene.aws.config.put_calls) == 1
    assert [change for _, change, _ in scene.changes()] == ["undetermined"]


def test_many_standings_that_cannot_be_written_are_not_all_tried(scene, function, rule, group, slept):
    for number in range(60):
        scene.aws.config.record(group(f"sg-{number:03}", opened=22))
    event = scene.aws.config.schedule_event(MEMBER, rule, notified_at=NOON)
    scene.aws.fail("dynamodb", "PutItem", code=SLOW, times=None)
    with pytest.raises(DeliveryError) as raised:
        function(event)
    *reasons, left = str(raised.value).split("; ")
    # botocore has a quota for further attempts, which is used up soon.
    reason = throttled("dynamodb", "PutItem", ADMIN, SLOW)
    assert set(reasons) <= {reason, reason.replace(" (reached max retries: 3)", "")}
    tried = 60 - int(left.removesuffix(" more were not tried"))
    assert 3 <= tried <= 11  # those that had begun before the third was given up
    assert (scene.imported(), scene.changes(), len(scene.records())) == ([], [], 60)
    scene.aws.mend()
    function(event)
    assert (len(scene.imported()), len(scene.changes()), scene.pending()) == (60, 60, {})
