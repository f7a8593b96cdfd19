"""Findings of policies that the layer has no more: the sweep finds them at Security Hub, in every account, and ends them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from emulation.aws import ACCOUNTS, REGION
from integration.outputs.scene import TABLE, Scene, Shown
from opalite.adapters.aws import standing_item
from opalite.errors import DeliveryError
from opalite.sweep.app import Sweeper

ADMIN, MEMBER, OTHER = ACCOUNTS
INGRESS, KEYS = "aws.ec2.securitygroup.restricted_ingress", "aws.s3.bucket.encryption"
KIND = "AWS::EC2::SecurityGroup"
FUNCTION = f"arn:aws:lambda:{REGION}:{ADMIN}:function:opalite"
NOON, NIGHT = "2026-03-02T12:00:00.250Z", "2026-03-03T04:00:00.000Z"
NIGHTLY = {"time": "2026-03-03T04:00:00Z"}
NEW_LAYER, LONG_AGO = "2026-03-02T18:00:00.000+0000", "2026-01-01T00:00:00.000+0000"
ALL = [f"{account} sg-1 restricted_ingress" for account in ACCOUNTS]


@dataclass(slots=True)
class Context:
    left: float = 900.0
    step: float = 0.0
    invoked_function_arn: str = f"{FUNCTION}-sweep"
    aws_request_id: str = "9b2f6f0e-31c4-4ad5-8d0e-0a4a54a1f7c2"

    def get_remaining_time_in_millis(self) -> int:
        self.left -= self.step
        return int(self.left * 1000)


def removed(catalog: dict[str, Any]) -> dict[str, Any]:
    catalog["policies"].pop(INGRESS)
    catalog["by_type"][KIND].remove(INGRESS)
    return catalog


def renamed(catalog: dict[str, Any]) -> dict[str, Any]:
    entry = catalog["policies"].pop(INGRESS)
    name = "aws.ec2.securitygroup.nothing_open"
    catalog["policies"][name] = {**entry, "aliases": [INGRESS, *entry.get("aliases", ())], "path": name.split(".")}
    catalog["by_type"][KIND].remove(INGRESS)
    catalog["by_type"][KIND].append(name)
    return catalog


@pytest.fixture
def failed(scene, deploy, group) -> Any:
    """In every account a group that failed; the function as it was before the policy was removed."""
    function = deploy()
    for account in ACCOUNTS:
        rule = scene.aws.config.rule(account, "ingress", parameters={"policies": INGRESS})
        scene.aws.config.rule(account, "keys", parameters={"policies": KEYS})  # which the sweep starts
        for name, port in (("sg-1", 22), ("sg-2", None)):
            scene.aws.config.record(group(name, account, opened=port))
        function(scene.aws.config.schedule_event(account, rule, notified_at=NOON))
    assert scene.imported() == ALL
    assert len(scene.changes()) == len(ACCOUNTS)
    scene.aws.functions.add(FUNCTION, changed_at=NEW_LAYER)
    scene.aws.functions.add(f"{FUNCTION}-sweep")
    scene.aws.organization.set_status("999999999999", "SUSPENDED")  # that manages the organization, and has no role
    return function


@pytest.fixture
def sweep(scene, failed, tmp_path) -> Callable[..., dict[str, Any]]:
    """With the layer as it is now."""

    def swept(event: Any = NIGHTLY, *, change: Any = removed, context: Any = None, **variables: str) -> dict[str, Any]:
        told = json.loads((failed.layer.folder / "layer.json").read_text())
        (tmp_path / "layer.json").write_text(json.dumps({**told, "catalog": change(told["catalog"])}))
        given = {"OPALITE_LAYER": str(tmp_path), "OPALITE_FUNCTION_ARN": FUNCTION, **variables}
        with contextlib.redirect_stdout(io.StringIO()):
            sweeper = Sweeper({**os.environ, **given}, sleep=time.sleep)
            return sweeper.handle(event, context or Context())

    return swept


def states(scene: Scene) -> dict[str, str]:
    return {name: shown.state for name, shown in scene.findings().items()}


def handed(scene: Scene) -> list[Any]:
    taken = [event for _, event in scene.aws.functions.invoked]
    scene.aws.functions.invoked.clear()
    return taken


def ended(count: int, *, unended: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"ended": count, "unended": list(unended), "unseen": 0}


def of_findings(done: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in done.items() if name in ("ended", "unended", "unseen")}


def test_after_a_change_of_the_layer_findings_of_a_removed_policy_are_archived_in_every_account(scene, sweep, failed):
    assert of_findings(sweep()) == ended(3)
    assert scene.findings() == dict.fromkeys(ALL, Shown("NOT_AVAILABLE", "ARCHIVED", NOON, NIGHT, NIGHT))
    assert (scene.imported(), scene.changes(), scene.pending()) == (ALL, [], {})
    standings = scene.standings()
    assert {standings[name].decision_id for name in ALL} == {"ended:removed"}
    assert (of_findings(sweep()), scene.imported()) == (ended(0), [])
    # What an older sandbox decides of an event of before does not open it again.
    rule = scene.aws.config.rules.named(MEMBER, "ingress")
    failed(scene.aws.config.schedule_event(MEMBER, rule, notified_at="2026-03-02T17:00:00.000Z"))
    assert (set(states(scene).values()), scene.imported()) == ({"ARCHIVED"}, [])


def test_a_policy_that_comes_back_fails_anew(scene, sweep, failed):
    sweep()
    scene.imported()
    rule = scene.aws.config.rules.named(MEMBER, "ingress")
    again = "2026-03-04T12:00:00.000Z"
    failed(scene.aws.config.schedule_event(MEMBER, rule, notified_at=again))
    assert scene.findings()[ALL[1]] == Shown("FAILED", "ACTIVE", NOON, again, again)
    assert (scene.imported(), scene.changes()) == ([ALL[1]], [("payments", "new_failure", "sg-1")])


@pytest.mark.parametrize("change", [renamed, lambda catalog: catalog])
def test_a_policy_that_goes_by_another_name_or_is_still_there_keeps_its_findings(scene, sweep, change):
    assert of_findings(sweep(change=change)) == ended(0)
    assert (set(states(scene).values()), scene.imported()) == ({"ACTIVE"}, [])


def test_without_a_change_of_the_layer_nobody_looks_unless_it_is_asked_for(scene, sweep):
    scene.aws.functions.add(FUNCTION, changed_at=LONG_AGO)
    assert of_findings(sweep()) == {}
    assert scene.aws.calls["securityhub:GetFindings"] == 0
    assert sweep({**NIGHTLY, "findings": True, "rules": False, "accounts": [MEMBER]})["ended"] == 1
    assert scene.imported() == [ALL[1]]
    assert scene.aws.calls["config:DescribeConfigRules"] == 3  # of the sweep before


def test_without_security_hub_nobody_looks(scene, sweep):
    assert of_findings(sweep(OPALITE_SECURITY_HUB="")) == {}
    assert (scene.aws.calls["securityhub:GetFindings"], scene.imported()) == (0, [])


def test_an_account_whose_hub_is_not_enabled_is_no_fault(scene, sweep):
    scene.aws.fail("securityhub", "GetFindings", code="InvalidAccessException", status=401, times=1)
    done = sweep({**NIGHTLY, "everything": True, "accounts": [MEMBER]})
    assert (of_findings(done), handed(scene)) == (ended(0), [])


def test_what_could_not_be_ended_is_handed_on_without_starting_rules_twice(scene, sweep):
    scene.aws.deny("securityhub", "BatchImportFindings", account=MEMBER)
    done = sweep()
    assert (of_findings(done), done["failed"]) == (ended(2, unended=(MEMBER,)), [])
    (event,) = handed(scene)
    assert event == {
        "time": NIGHT, "everything": True, "accounts": [MEMBER], "attempt": 2, "findings": True, "rules": False,
    }  # fmt: skip
    assert scene.pending() == {ALL[1]: ("securityhub",)}
    sweep(event)
    (event,) = handed(scene)
    assert event["attempt"] == 3
    with pytest.raises(DeliveryError, match=r"^findings of policies .* not ended in 1 accounts: 222222222222: "):
        sweep(event)
    assert len(scene.aws.config.started) == len(ACCOUNTS)
    scene.aws.mend()
    scene.imported()
    assert sweep(event)["ended"] == 1
    assert (scene.imported(), scene.pending(), handed(scene)) == ([ALL[1]], {}, [])
    assert len(scene.aws.config.started) == len(ACCOUNTS)


def test_a_role_that_may_not_ask_security_hub_still_has_its_rules_started(scene, sweep):
    scene.aws.deny("securityhub", "GetFindings")
    done = sweep()
    assert (done["started"], done["failed"], done["unended"]) == (3, [], [*ACCOUNTS])


def test_findings_for_which_there_is_no_time_are_left_to_the_next_invocation(scene, sweep):
    events: list[Any] = [{**NIGHTLY, "everything": True}]
    done = []
    while events:
        done.append(sweep(events.pop(), context=Context(left=50.5, step=1.0)))
        events += handed(scene)
        assert len(done) < 10
    assert sum(one.get("ended", 0) for one in done) == 3
    assert set(states(scene).values()) == {"ARCHIVED"}


def test_a_finding_whose_standing_was_lost_is_archived_by_what_it_shows(scene, sweep, failed):
    client = scene.aws.client("dynamodb")
    for one in [one.finding_id for one in scene.standings().values()]:
        client.delete_item(TableName=TABLE, Key=standing_item.key(one))
    assert of_findings(sweep()) == ended(3)
    assert {name: (one.state, one.updated) for name, one in scene.findings().items()} == dict.fromkeys(
        ALL, ("ARCHIVED", NIGHT)
    )
    assert (scene.standings(), of_findings(sweep())) == ({}, ended(0))
    assert {one["FindingProviderFields"]["Severity"]["Label"] for one in scene.whole_findings().values()} == {
        "CRITICAL"
    }


def test_what_members_have_forged_ends_nothing_of_others(scene, sweep):
    """Each may import what he likes into the default product of his account, under any id."""
    client = scene.aws.client("securityhub", MEMBER)
    whole = next(one for name, one in scene.whole_findings().items() if MEMBER in name)
    ours, theirs = whole["Id"], whole["Id"].replace(MEMBER, OTHER)
    bait = {**whole, "GeneratorId": "opalite/custom.that.was.once", "Title": "https://evil.example.com"}
    names = [theirs, ours.replace(REGION, "us-east-1"), ours.replace("aws", "aws-cn", 1), "opalite", "opalite/aws", "x"]
    names += [ours.replace("sg-1", "sg-77"), ours.replace(INGRESS, KEYS).replace(KIND, "AWS::S3::Bucket")]
    client.batch_import_findings(Findings=[{**bait, "Id": name} for name in names])
    standings = scene.standings()
    scene.hubs.calls.clear()
    done = sweep({**NIGHTLY, "everything": True, "accounts": [MEMBER]}, change=lambda catalog: catalog)
    assert (of_findings(done), scene.imported(), scene.standings()) == (ended(0), [], standings)


def test_a_forged_finding_of_a_policy_that_never_was_is_archived_without_what_it_says(scene, sweep):
    client = scene.aws.client("securityhub", MEMBER)
    whole = next(one for name, one in scene.whole_findings().items() if MEMBER in name)
    name = whole["Id"].replace(INGRESS, "custom.that.was.once")
    evil = "https://evil.example.com"
    forged = {
        **whole, "Id": name, "GeneratorId": "opalite/custom.that.was.once", "Title": evil, "Description": evil,
        "Remediation": {"Recommendation": {"Text": evil}}, "ProductFields": {"opalite/x": evil},
        "Resources": [{"Type": "Other", "Id": evil}],
    }  # fmt: skip
    client.batch_import_findings(Findings=[forged])
    scene.imported()
    standings = scene.standings()
    done = sweep({**NIGHTLY, "everything": True, "accounts": [MEMBER]}, change=lambda catalog: catalog)
    assert (of_findings(done), scene.standings()) == (ended(1), standings)
    found = scene.whole_findings()[name]
    del found["Remediation"]  # is not written; moto keeps what it had
    assert (found["RecordState"], evil in json.dumps(found)) == ("ARCHIVED", False)
