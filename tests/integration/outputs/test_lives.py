"""What becomes of resources of an organization, and what is told of it at each step: in Security Hub, in the log, to people."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.scene import Shown

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS, KEYS = "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption"
BASTION = "sg-0ba5710e000000001"
EXEMPTED = {
    "exemptions": {
        INGRESS: {
            "EX-2026-014": {
                "scope": {"resources": ["sg-0ba5710e*"]},
                "owner": "platform",
                "ticket": "SEC-401",
                "reason": "moves behind Session Manager",
                "expires": "2026-03-31T00:00:00Z",
            }
        }
    }
}
SIZES = {ADMIN: 10, MEMBER: 110, OTHER: 20}  # the member's are more than a page
NOON = "2026-03-02T12:00:00.250Z"


def name(number: int) -> str:
    return f"sg-{number:017x}"


def at(time: str) -> str:
    """As of when what was captured then is judged."""
    return f"2026-03-02T{time}Z"


@pytest.fixture
def organization(scene, group):
    """Groups of three accounts, in each of them one that is open and one that is exempted; and a Config rule in each."""
    rules = {}
    for account, size in SIZES.items():
        rules[account] = scene.aws.config.rule(account, "ingress", parameters={"policies": INGRESS})
        for number in range(size - 1):
            scene.aws.config.record(group(name(number), account, opened=None if number else 22))
        scene.aws.config.record(group(BASTION, account, opened=22))
    return rules


def everywhere(shown: Shown, resource: str) -> dict[str, Shown]:
    return {f"{account} {resource} restricted_ingress": shown for account in ACCOUNTS}


def test_the_first_schedule_tells_of_what_fails_or_is_exempt_and_its_replay_of_nothing(scene, deploy, organization):
    function = deploy(EXEMPTED)
    events = [
        scene.aws.config.schedule_event(account, rule, notified_at=NOON) for account, rule in organization.items()
    ]
    for event in events:
        function(event)
    failed, exempt = (Shown(status, "ACTIVE", NOON, NOON, NOON) for status in ("FAILED", "WARNING"))
    findings = {**everywhere(failed, name(0)), **everywhere(exempt, BASTION)}
    assert scene.findings() == findings
    assert scene.imported() == sorted(findings)
    assert scene.changes() == [("payments", "new_failure", name(0))] * 3
    objects, records = scene.objects(), scene.records()
    assert Counter(key.split("/")[3][:12] for key in objects) == {ADMIN: 1, MEMBER: 2, OTHER: 1}
    assert {key.rpartition("/")[0] for key in objects} == {"decisions/date=2026-03-02/region=eu-west-1"}
    assert Counter((one["account_id"], one["outcome"]) for one in records) == {
        (account, outcome): count
        for account, size in SIZES.items()
        for outcome, count in (("pass", size - 2), ("fail", 1), ("exempt", 1))
    }
    assert len({one["decision_id"] for one in records}) == len(records) == len(scene.standings()) == sum(SIZES.values())
    standings = scene.standings()
    for event in events * 2:
        function(event)
    assert (scene.findings(), scene.imported(), scene.changes()) == (findings, [], [])
    assert scene.objects() == objects  # of more versions, which are the same
    assert (scene.standings(), scene.pending()) == (standings, {})


def test_a_resource_from_its_creation_to_its_end(scene, function, rule, group):
    steps: list[tuple[dict[str, Any], str, tuple[str, ...], Shown | None]] = [
        ({"at": "08:00:00.000"}, "pass", (), None),
        ({"at": "09:00:00.000", "opened": 22}, "fail", ("new_failure",), _shown("FAILED", "09:00:00.750")),
        # Something else is wrong now, since the same time.
        ({"at": "10:00:00.000", "opened": 3389}, "fail", (), _shown("FAILED", "09:00:00.750", "10:00:00.750")),
        ({"at": "11:00:00.000"}, "pass", (), _shown("PASSED", "11:00:00.750")),
        ({"at": "12:00:00.000"}, "pass", (), _shown("PASSED", "11:00:00.750")),
        ({"at": "13:00:00.000", "opened": 22}, "fail", ("new_failure",), _shown("FAILED", "13:00:00.750")),
        (
            {"at": "14:00:00.000", "configurationItemStatus": "ResourceDeleted", "configuration": None},
            "not_applicable",
            (),
            _shown("NOT_AVAILABLE", "14:00:00.750", state="ARCHIVED"),
        ),
    ]
    events = []
    for made, outcome, changes, shown in steps:
        events.append(scene.aws.config.change_event(group("sg-1", **made), rule))
        before = scene.findings()
        for _ in range(3):  # Lambda delivers more than once
            function(events[-1])
        key = f"{MEMBER} sg-1 restricted_ingress"
        assert scene.findings() == ({} if shown is None else {key: shown})
        assert scene.imported() == ([] if scene.findings() == before else [key])
        assert scene.changes() == [("payments", change, "sg-1") for change in changes]
        assert (scene.standings()[key].outcome, scene.pending()) == (outcome, {})
    assert [one["outcome"] for one in scene.records()] == [step[1] for step in steps]
    objects, findings, standings = scene.objects(), scene.findings(), scene.standings()
    for event in reversed(events):  # everything once more, in any order
        function(event)
    assert (scene.findings(), scene.imported(), scene.changes()) == (findings, [], [])
    assert (scene.objects(), scene.standings(), scene.hubs.dropped) == (objects, standings, [])


def _shown(status: str, observed: str, updated: str | None = None, *, state: str = "ACTIVE") -> Shown:
    return Shown(status, state, at("08:00:00.750"), at(observed), at(updated or observed))


def test_what_comes_late_is_in_the_log_alone(scene, function, rule, group):
    newer = scene.aws.config.change_event(group("sg-1", at="09:00:00.000", opened=22), rule)
    older = scene.aws.config.change_event(group("sg-1", at="08:00:00.000"), rule)
    function(newer)
    known = scene.standings()
    assert (len(scene.imported()), scene.changes()) == (1, [("payments", "new_failure", "sg-1")])
    function(older)
    shown = Shown("FAILED", "ACTIVE", *[at("09:00:00.750")] * 3)
    assert scene.findings() == {f"{MEMBER} sg-1 restricted_ingress": shown}
    assert (scene.imported(), scene.changes(), scene.standings()) == ([], [], known)
    assert [one["outcome"] for one in scene.records()] == ["pass", "fail"]


def test_an_exemption_from_its_notice_to_its_end(scene, deploy, group, rule):
    function = deploy(EXEMPTED)
    scene.aws.config.record(group(BASTION, opened=22))
    warned, failed = [], []
    for day, changes in (
        ("2026-03-02", ()),
        ("2026-03-20", ("exemption_ends_soon",)),
        ("2026-03-21", ()),
        ("2026-04-02", ("exemption_ended",)),
        ("2026-04-03", ()),
    ):
        when = f"{day}T12:00:00.000Z"
        function(scene.aws.config.schedule_event(MEMBER, rule, notified_at=when))
        assert scene.changes() == [("payments", change, BASTION) for change in changes]
        (warned if day < "2026-03-31" else failed).append((*scene.findings().values(), len(scene.imported())))
    begun, ended = "2026-03-02T12:00:00.000Z", "2026-04-02T12:00:00.000Z"
    assert warned == [(Shown("WARNING", "ACTIVE", begun, begun, begun), sent) for sent in (1, 0, 0)]
    assert failed == [(Shown("FAILED", "ACTIVE", begun, ended, ended), sent) for sent in (1, 0)]
    assert [one["outcome"] for one in scene.records()] == ["exempt"] * 3 + ["fail"] * 2


def test_a_policy_that_is_only_audited_any_more_archives_what_it_said(scene, deploy, rule, group):
    event, key = scene.aws.config.change_event, f"{MEMBER} sg-1 restricted_ingress"
    deploy()(event(group("sg-1", at="08:00:00.000", opened=22), rule))
    assert scene.changes() == [("payments", "new_failure", "sg-1")]
    audits = deploy({"stages": {INGRESS: {"default": {"stage": "audit"}}}})
    for time in ("09", "10"):
        audits(event(group("sg-1", at=f"{time}:00:00.000", opened=22), rule))
        archived = Shown("NOT_AVAILABLE", "ARCHIVED", at("08:00:00.750"), at("08:00:00.750"), at("09:00:00.750"))
        assert (scene.findings(), scene.changes()) == ({key: archived}, [])
    audits(event(group("sg-2", opened=22), rule))
    assert (scene.imported(), scene.changes()) == ([key, key], [])
    deploy()(event(group("sg-1", at="11:00:00.000", opened=22), rule))
    assert scene.findings() == {
        key: Shown("FAILED", "ACTIVE", at("08:00:00.750"), at("08:00:00.750"), at("11:00:00.750"))
    }
    assert scene.changes() == [("payments", "new_failure", "sg-1")]
    stages = [(one["resource_id"], one["stage"]) for one in scene.records()]
    assert stages == [
        ("sg-1", "enforce"), ("sg-2", "audit"), ("sg-1", "audit"), ("sg-1", "audit"), ("sg-1", "enforce"),
    ]  # fmt: skip


def test_what_nobody_knows_any_more_leaves_an_open_failure_as_it_is(scene, function, bucket, key):
    rule = scene.aws.config.rule(MEMBER, "keys", parameters={"policies": KEYS})
    function(scene.aws.config.change_event(bucket(at="08:00:00.000"), rule))
    (failed,) = scene.findings().values()
    assert (failed.status, len(scene.changes()), len(scene.imported())) == ("FAILED", 1, 1)
    scene.aws.deny("kms", account=MEMBER)
    function(scene.aws.config.change_event(bucket(at="09:00:00.000", key=key), rule))
    assert [change for _, change, _ in scene.changes()] == ["undetermined"]
    assert ([*scene.findings().values()], scene.imported()) == ([failed], [])
    assert [one.outcome for one in scene.standings().values()] == ["undetermined"]
    scene.aws.mend()
    function(scene.aws.config.change_event(bucket(at="10:00:00.000", key=key), rule))
    times = [at(time) for time in ("08:00:00.750", "10:00:00.750", "10:00:00.750")]
    assert [*scene.findings().values()] == [Shown("PASSED", "ACTIVE", *times)]
    assert (scene.changes(), len(scene.imported()), scene.pending()) == ([], 1, {})


def test_subscriptions_get_what_they_chose(scene, function, rule, group):
    function(scene.aws.config.change_event(group("sg-1", opened=22), rule))
    function(scene.aws.config.change_event(group("sg-2", opened=22, tags={"owner": "web"}), rule))
    function(scene.aws.config.change_event(group("sg-3", opened=22, tags={}), rule))
    told = {queue: [message["owner"] for message in scene.messages(queue)] for queue in ("all", "payments")}
    assert told == {"all": ["payments", "web", "operations"], "payments": ["payments"]}
    assert [text.splitlines()[:2] for _, text in scene.mails()] == [
        ["CRITICAL: 1 new failure", f"For: {whom}"]
        for whom in ("payments (by the tag owner)", "web (by the tag owner)", "operations (nobody else is known)")
    ]
