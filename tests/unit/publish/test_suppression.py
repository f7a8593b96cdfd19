"""Exemptions shown as SUPPRESSED: ours are released when they end, whatever fails in between; those of people are left alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import Outcome, Standing
from opalite.publish import life
from opalite.publish.annotation import length
from opalite.publish.life import SECURITY_HUB, SNS, Wishes
from opalite.publish.suppression import NOTE_CHARACTERS, RELEASE, is_suppressed, owed, released, said, update
from unit.publish.securityhub_cases import at, case

KEY = "opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/aws.s3.bucket.encryption"
FINDING = {"Id": KEY, "ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"}
EXEMPTION = {"id": "EX-2026-014", "ticket": "SEC-401", "expires": "2026-12-31T00:00:00Z", "owner": "x", "reason": "y"}
OF_CALL = get_session().get_service_model("securityhub").operation_model("BatchUpdateFindings").input_shape
NO_HUB = Wishes(outputs=frozenset({SNS}))
IMPORT, UPDATE, NOTHING = "import", "update", "nothing"  # what fails


@dataclass
class Told:
    """Security Hub and the table, as they are after each decision."""

    workflow: str = "NEW"
    status: str | None = None
    standing: Standing | None = None
    notes: list[str] = field(default_factory=list)

    def decide(self, name, minutes, *, suppressed=True, fails=NOTHING, wishes=None):
        known = decided(name, minutes)
        text = said("c" + name, known.decision, self.standing, suppressed=suppressed)
        step = life.step(self.standing, known, text, key=KEY, refresh_before=at(-1000), wishes=wishes)
        step = owed(self.standing, step)
        self.standing = step.standing
        if step.finding is None or fails == IMPORT:
            return self
        self.status = step.finding
        exemption = known.decision.exemption if known.decision.outcome is Outcome.EXEMPT else None
        wanted = update(FINDING, step.standing, exemption)
        if wanted is not None and fails == UPDATE:
            return self
        if wanted is not None:
            self.workflow = wanted["Workflow"]["Status"]
            self.notes.append(wanted["Note"]["Text"])
        pending = [entry for entry in self.standing.pending if entry.partition(":")[0] != SECURITY_HUB]
        self.standing = replace(self.standing, pending=tuple(pending))
        return self


def decided(name, minutes):
    if name == "audit":
        return case("exempt", minutes, stage="audit", exemption=EXEMPTION)
    return case(name, minutes, exemption=EXEMPTION if name == "exempt" else None)


def way(*names, **more):
    told = Told()
    for minutes, name in enumerate(names):
        told.decide(name, minutes, **more)
    return told


# What is told


def test_what_is_exempt_is_suppressed_with_a_note_that_says_by_what_and_until_when():
    standing = Told().decide("exempt", 0, fails=IMPORT).standing
    wanted = update(FINDING, standing, EXEMPTION)
    assert wanted == {
        "FindingIdentifiers": [FINDING],
        "Workflow": {"Status": "SUPPRESSED"},
        "Note": {"Text": "Exempt until 2026-12-31 by EX-2026-014 (SEC-401).", "UpdatedBy": "opalite"},
    }
    validate_parameters(wanted, OF_CALL)


def test_a_release_says_that_it_is_one():
    wanted = released(FINDING)
    assert wanted == {
        "FindingIdentifiers": [FINDING],
        "Workflow": {"Status": "NEW"},
        "Note": {"Text": "Not suppressed by an exemption any more.", "UpdatedBy": "opalite"},
    }
    validate_parameters(wanted, OF_CALL)


def test_a_note_is_one_line_within_the_limit():
    exemption = {**EXEMPTION, "ticket": "a\nb" * 400}
    text = update(FINDING, Told().decide("exempt", 0, fails=IMPORT).standing, exemption)["Note"]["Text"]
    assert (length(text), "\n" in text, text[-1]) == (NOTE_CHARACTERS, False, "…")


@pytest.mark.parametrize("name", ["pass", "fail", "not_applicable", "undetermined", "audit"])
def test_what_is_not_exempt_is_told_nothing(name):
    assert way(name).notes == []


def test_without_the_setting_nothing_is_told():
    told = way("exempt", "fail", "exempt", "pass", suppressed=False)
    assert (told.notes, told.standing.content) == ([], "cpass")


# When an exemption ends


@pytest.mark.parametrize(
    ("name", "status"), [("fail", "FAILED"), ("pass", "PASSED"), ("not_applicable", "ARCHIVED"), ("audit", "ARCHIVED")]
)
def test_what_is_not_exempt_any_more_is_released_once(name, status):
    told = way("exempt", name)
    assert (told.status, told.workflow, len(told.notes)) == (status, "NEW", 2)
    assert not is_suppressed(told.standing)
    told.decide("fail", 9).decide("pass", 10)
    assert len(told.notes) == 2


def test_what_nobody_knows_any_more_stays_suppressed_until_it_is_known():
    told = way("exempt", "undetermined")
    assert (told.status, told.workflow, len(told.notes), is_suppressed(told.standing)) == (
        "WARNING",
        "SUPPRESSED",
        1,
        True,
    )
    told.decide("fail", 9)
    assert (told.status, told.workflow) == ("FAILED", "NEW")


def test_what_nobody_knows_any_more_is_neither_suppressed_nor_released_when_it_is_sent_again():
    told = Told().decide("exempt", 0, fails=UPDATE).decide("undetermined", 1)
    assert (told.status, told.notes, told.standing.pending) == ("WARNING", [], ("sns:undetermined",))
    assert is_suppressed(told.standing)
    assert told.decide("exempt", 2).workflow == "SUPPRESSED"


def test_what_ends_without_a_decision_is_released():
    """Such a standing keeps the content of the one before."""
    before = way("exempt").standing
    archived = replace(before, status="ARCHIVED", pending=(SECURITY_HUB,))
    step = owed(before, life.Step(archived, "ARCHIVED", None))
    expected = replace(archived, content="cexempt", pending=(SECURITY_HUB, RELEASE))
    assert step == life.Step(expected, "ARCHIVED", None)
    assert owed(expected, life.Step(expected, "ARCHIVED", None)).standing == expected
    assert update(FINDING, expected, None) == released(FINDING)


def test_what_is_exempt_again_is_suppressed_again():
    assert way("exempt", "fail", "exempt").workflow == "SUPPRESSED"


def test_a_release_that_failed_is_pending_and_comes_with_the_next_attempt():
    told = way("exempt").decide("fail", 1, fails=UPDATE)
    assert (told.workflow, told.standing.pending) == ("SUPPRESSED", (SECURITY_HUB, RELEASE, "sns:exemption_ended"))
    told.decide("fail", 1)  # the same decision
    assert (told.workflow, told.standing.pending) == ("NEW", ("sns:exemption_ended",))


@pytest.mark.parametrize("fails", [IMPORT, UPDATE])
def test_a_release_that_failed_comes_with_the_next_decision(fails):
    told = way("exempt").decide("fail", 1, fails=fails).decide("pass", 2)
    assert (told.status, told.workflow) == ("PASSED", "NEW")


def test_a_suppression_that_failed_comes_with_the_next_attempt():
    told = Told().decide("exempt", 0, fails=UPDATE)
    assert (told.status, told.workflow, told.standing.pending) == ("WARNING", "NEW", (SECURITY_HUB,))
    assert told.decide("exempt", 0).workflow == "SUPPRESSED"


def test_a_release_waits_while_security_hub_is_switched_off_as_an_output():
    told = way("exempt").decide("fail", 1, wishes=NO_HUB).decide("fail", 2, wishes=NO_HUB)
    assert (told.status, told.workflow) == ("WARNING", "SUPPRESSED")
    assert RELEASE in told.standing.pending
    assert told.decide("fail", 3).workflow == "NEW"


# Settings that change


def test_the_setting_holds_from_the_next_decision_on():
    told = way("exempt", suppressed=False)
    assert told.decide("exempt", 1, suppressed=True).workflow == "SUPPRESSED"
    assert told.decide("exempt", 2, suppressed=False).workflow == "NEW"


def test_what_was_suppressed_is_released_though_the_setting_is_off_by_now():
    assert way("exempt").decide("fail", 1, suppressed=False).workflow == "NEW"


# Whatever happens

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "fail", "exempt", "not_applicable", "undetermined", "audit"]),
        st.booleans(),
        st.sampled_from([IMPORT, UPDATE, NOTHING]),
        st.sampled_from([None, NO_HUB]),
        st.integers(0, 1),
    ),
    max_size=12,
)


@given(STEPS, st.booleans())
def test_no_failure_stays_hidden_and_every_exemption_is_shown_as_the_setting_says(steps, suppressed):
    told, minutes = Told(), 0
    for name, setting, fails, wishes, later in steps:  # a decision of the same time and name is a retry
        minutes += later
        told.decide(name, minutes, suppressed=setting, fails=fails, wishes=wishes)
    told.decide("exempt", 50, suppressed=suppressed)
    assert told.workflow == ("SUPPRESSED" if suppressed else "NEW")
    told.decide("fail", 51, suppressed=suppressed)
    assert (told.status, told.workflow) == ("FAILED", "NEW")


@given(STEPS)
def test_no_failure_stays_hidden_whatever_was_told_before(steps):
    told = Told()
    for minutes, (name, setting, fails, wishes, _) in enumerate(steps):
        told.decide(name, minutes, suppressed=setting, fails=fails, wishes=wishes)
    told.decide("fail", 50)
    assert (told.status, told.workflow) == ("FAILED", "NEW")


@given(STEPS)
def test_what_people_suppressed_stays_so_without_the_setting(steps):
    told = Told(workflow="SUPPRESSED")
    for minutes, (name, _, fails, wishes, _) in enumerate(steps):
        told.decide(name, minutes, suppressed=False, fails=fails, wishes=wishes)
    assert (told.workflow, told.notes) == ("SUPPRESSED", [])


@given(STEPS)
def test_what_people_suppressed_stays_so_where_nothing_is_exempt(steps):
    told = Told(workflow="SUPPRESSED")
    for minutes, (name, _, fails, wishes, _) in enumerate(steps):
        told.decide("fail" if name == "exempt" else name, minutes, fails=fails, wishes=wishes)
    assert (told.workflow, told.notes) == ("SUPPRESSED", [])
