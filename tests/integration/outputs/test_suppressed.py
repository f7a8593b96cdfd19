"""Exemptions that Security Hub shows as SUPPRESSED: set after the import, released when they end, and nothing is lost in between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from emulation.aws import ACCOUNTS
from integration.outputs.test_lives import BASTION, EXEMPTED, INGRESS
from opalite.errors import DeliveryError

MEMBER = ACCOUNTS[1]
KEY = f"{MEMBER} {BASTION} restricted_ingress"
WHILE, AFTER = "2026-03-02T12:00:00.000Z", "2026-04-02T12:00:00.000Z"
NOTE = {"Text": "Exempt until 2026-03-31 by EX-2026-014 (SEC-401).", "UpdatedBy": "opalite"}
NO_MORE = {"Text": "Not suppressed by an exemption any more.", "UpdatedBy": "opalite"}
PATIENCE = 30.0  # seconds; what takes longer has failed


@pytest.fixture
def suppressing(deploy, scene):
    """The function with the setting."""
    yield deploy(EXEMPTED, OPALITE_EXEMPT_FINDINGS="suppressed")
    assert scene.aws.security_hub.violations == []


@pytest.fixture
def schedule(scene, rule, group):
    """The event of a schedule. A bastion is open, which is exempt until the end of March."""
    scene.aws.config.record(group(BASTION, opened=22))
    return lambda at: scene.aws.config.schedule_event(MEMBER, rule, notified_at=at)


def shown(scene):
    """Status, record state, workflow and note of the only finding."""
    (finding,) = scene.whole_findings().values()
    return (
        finding["Compliance"]["Status"],
        finding["RecordState"],
        finding.get("Workflow", {}).get("Status"),
        finding.get("Note"),
    )


def updates(scene):
    """Workflow statuses and numbers of findings that were updated since it was asked last."""
    found = [(status, len(names)) for _, status, names in scene.aws.security_hub.updates if names]
    scene.aws.security_hub.updates.clear()
    return found


def test_without_the_setting_a_finding_is_only_a_warning(scene, deploy, schedule):
    function = deploy(EXEMPTED)
    for at in (WHILE, AFTER):
        function(schedule(at))
    assert shown(scene) == ("FAILED", "ACTIVE", None, None)
    assert scene.aws.calls["securityhub:BatchUpdateFindings"] == 0


def test_an_exemption_is_suppressed_while_it_holds_and_told_once(scene, suppressing, schedule):
    for at in (WHILE, WHILE, "2026-03-03T12:00:00.000Z"):
        suppressing(schedule(at))
    assert shown(scene) == ("WARNING", "ACTIVE", "SUPPRESSED", NOTE)
    assert (updates(scene), scene.pending()) == ([("SUPPRESSED", 1)], {})
    order = [call.operation for call in scene.aws.calls_made if call.service == "securityhub"]
    assert order == ["BatchImportFindings", "BatchUpdateFindings"]
    suppressing(schedule(AFTER))
    assert shown(scene) == ("FAILED", "ACTIVE", "NEW", NO_MORE)
    suppressing(schedule("2026-04-03T12:00:00.000Z"))
    assert (updates(scene), scene.pending()) == ([("NEW", 1)], {})


def test_what_was_mended_is_not_suppressed_any_more(scene, suppressing, schedule, rule, group):
    suppressing(schedule(WHILE))
    suppressing(scene.aws.config.change_event(group(BASTION, at="13:00:00.000"), rule))
    assert shown(scene) == ("PASSED", "ACTIVE", "NEW", NO_MORE)


def test_what_is_gone_is_not_suppressed_any_more(scene, suppressing, schedule, rule, group):
    suppressing(schedule(WHILE))
    gone = group(BASTION, at="13:00:00.000", configurationItemStatus="ResourceDeleted", configuration=None)
    suppressing(scene.aws.config.change_event(gone, rule))
    assert shown(scene) == ("NOT_AVAILABLE", "ARCHIVED", "NEW", NO_MORE)


def test_what_a_person_suppressed_stays_so(scene, suppressing, rule, group):
    suppressing(scene.aws.config.change_event(group("sg-1", at="08:00:00.000", opened=22), rule))
    (finding,) = scene.whole_findings().values()
    finding["Workflow"] = {"Status": "SUPPRESSED"}
    for at, opened in (("09", 3389), ("10", None), ("11", 22)):
        suppressing(scene.aws.config.change_event(group("sg-1", at=f"{at}:00:00.000", opened=opened), rule))
    assert shown(scene) == ("FAILED", "ACTIVE", "SUPPRESSED", None)
    assert updates(scene) == []


def test_many_exemptions_are_few_calls(scene, suppressing, schedule, group):
    for number in range(2, 31):
        scene.aws.config.record(group(f"sg-0ba5710e{number:09}", opened=22))
    suppressing(schedule(WHILE))
    assert updates(scene) == [("SUPPRESSED", 30)]


# What fails

DENIED = (
    "securityhub:BatchUpdateFindings is denied in account 222222222222 (AccessDeniedException); "
    "the function needs securityhub:BatchUpdateFindings in account 222222222222"
)


@pytest.mark.parametrize("at", [WHILE, AFTER])
def test_an_update_that_fails_is_told_by_finding_and_sent_by_the_next_attempt(scene, suppressing, schedule, at):
    if at == AFTER:
        suppressing(schedule(WHILE))
    before = shown(scene)[2] if at == AFTER else None
    scene.aws.deny("securityhub", "BatchUpdateFindings", account=MEMBER)
    with pytest.raises(DeliveryError) as raised:
        suppressing(schedule(at))
    finding_id = next(iter(scene.whole_findings()))
    assert str(raised.value) == f"securityhub:BatchUpdateFindings: not taken: {finding_id}: {DENIED}"
    assert shown(scene)[2] == before
    release = () if at == WHILE else ("securityhub:release",)
    assert scene.pending() == {KEY: ("securityhub", *release)}
    scene.aws.mend()
    updates(scene)
    suppressing(schedule(at))
    expected = ("WARNING", "ACTIVE", "SUPPRESSED", NOTE) if at == WHILE else ("FAILED", "ACTIVE", "NEW", NO_MORE)
    assert (shown(scene), scene.pending()) == (expected, {})
    suppressing(schedule(at))
    assert updates(scene) == [(expected[2], 1)]


def test_a_finding_that_is_not_updated_keeps_the_others_from_nothing(scene, suppressing, schedule, group):
    for number in range(2, 4):
        scene.aws.config.record(group(f"sg-0ba5710e{number:09}", opened=22))
    scene.aws.security_hub.unprocessed[f"sg-0ba5710e000000002/{INGRESS}"] = "ConcurrentUpdateError"
    with pytest.raises(DeliveryError) as raised:
        suppressing(schedule(WHILE))
    told = str(raised.value)
    assert told.startswith("securityhub:BatchUpdateFindings: not taken: opalite/aws/222222222222/")
    assert told.endswith("Security Hub does not update it (ConcurrentUpdateError) (attempt 5 was the last)")
    assert updates(scene) == [("SUPPRESSED", 2)]
    assert list(scene.pending()) == [f"{MEMBER} sg-0ba5710e000000002 restricted_ingress"]
    scene.aws.security_hub.unprocessed.clear()
    suppressing(schedule(WHILE))
    assert (updates(scene), scene.pending()) == ([("SUPPRESSED", 1)], {})


def test_an_import_that_fails_is_followed_by_no_update(scene, suppressing, schedule):
    scene.aws.deny("securityhub", "BatchImportFindings", account=MEMBER)
    with pytest.raises(DeliveryError):
        suppressing(schedule(WHILE))
    assert scene.aws.calls["securityhub:BatchUpdateFindings"] == 0
    scene.aws.mend()
    suppressing(schedule(WHILE))
    assert shown(scene) == ("WARNING", "ACTIVE", "SUPPRESSED", NOTE)


def test_what_was_suppressed_is_released_after_the_setting_was_taken_back(scene, suppressing, deploy, schedule):
    suppressing(schedule(WHILE))
    deploy(EXEMPTED)(schedule(AFTER))
    assert shown(scene) == ("FAILED", "ACTIVE", "NEW", NO_MORE)


def test_a_suppression_that_comes_after_a_newer_failure_does_not_hide_it(scene, deploy, schedule):
    """The first function has imported its warning, and waits; meanwhile the second knows that the exemption has ended."""
    first, second = (deploy(EXEMPTED, OPALITE_EXEMPT_FINDINGS="suppressed") for _ in range(2))
    called, done = Event(), Event()

    def held(_: float) -> None:
        called.set()
        assert done.wait(PATIENCE)

    scene.aws.faults.sleep = held
    scene.aws.slow("securityhub", "BatchUpdateFindings", seconds=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first, schedule(WHILE))
        assert called.wait(PATIENCE)
        second(schedule(AFTER))
        assert shown(scene)[:3] == ("FAILED", "ACTIVE", "NEW")
        done.set()
        running.result()
    assert [status for status, _ in updates(scene)] == ["NEW", "SUPPRESSED", "NEW"]
    assert (shown(scene), scene.pending()) == (("FAILED", "ACTIVE", "NEW", NO_MORE), {})
