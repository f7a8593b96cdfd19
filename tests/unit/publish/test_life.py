"""What becomes of a finding, decision by decision: docs/findings.md has the table that is held against the code here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opalite.model import Outcome, Severity, Standing
from opalite.publish.life import ID_CHARACTERS, SECURITY_HUB, Change, Step, Wishes, finding_id, instant, step, waiting
from unit.publish.securityhub_cases import EXEMPTION, RESOURCE, at, case

FAIL, EXEMPT, PASS, GONE, OPEN = (
    Outcome.FAIL,
    Outcome.EXEMPT,
    Outcome.PASS,
    Outcome.NOT_APPLICABLE,
    Outcome.UNDETERMINED,
)
WAYS = {  # the rows of the table: what was decided before
    "nothing": (),
    "`pass`, no finding": ("pass",),
    "`pass`, PASSED": ("fail", "pass"),
    "`fail`, FAILED": ("fail",),
    "`exempt`, WARNING": ("exempt",),
    "`not_applicable`, no finding": ("not_applicable",),
    "`not_applicable`, ARCHIVED": ("fail", "not_applicable"),
    "`undetermined`, NOT_AVAILABLE": ("undetermined",),
    "`undetermined`, FAILED": ("fail", "undetermined"),
    "`undetermined`, WARNING": ("exempt", "undetermined"),
    "audit, no finding": ("audit",),
    "audit, ARCHIVED": ("fail", "audit"),
}
COLUMNS = ("pass", "fail", "exempt", "not_applicable", "undetermined", "audit")
NO_HUB, NO_SNS = Wishes(outputs=frozenset({"sns"})), Wishes(outputs=frozenset({SECURITY_HUB}))
KEY = "opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/aws.s3.bucket.encryption"


def word(name, minutes, audited="fail"):
    return case(audited, minutes, stage="audit") if name == "audit" else case(name, minutes)


def go(previous, known, *, said=None, refresh=-1000, wishes=None) -> Step:
    content = str(known.decision.outcome) if said is None else said
    found = step(previous, known, content, key=KEY, refresh_before=at(refresh), wishes=wishes)
    assert found is not None
    return found


def told(standing: Standing) -> Standing:
    return replace(standing, pending=())


def after(*cases, wishes=None) -> Standing:
    """The standing when each was delivered."""
    standing = None
    for known in cases:
        standing = told(go(standing, known, wishes=wishes).standing)
    return standing


def way(*names) -> Standing:
    return after(*(word(name, minutes) for minutes, name in enumerate(names)))


def table():
    lines = (Path(__file__).parents[3] / "docs" / "findings.md").read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| known"))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        yield from ((name, column, cell) for column, cell in zip(COLUMNS, cells, strict=True))


@pytest.mark.parametrize(("name", "column", "cell"), list(table()))
def test_the_table_of_the_documentation_holds(name, column, cell):
    previous = way(*WAYS[name])
    found = go(previous, word(column, 9))
    parts = [found.finding, f"*{found.change}*" if found.change else None]
    assert (", ".join(filter(None, parts)) or "·") == cell
    status = found.finding or (previous.status if previous else None)
    pending = ([SECURITY_HUB] if found.finding else []) + ([f"sns:{found.change}"] if found.change else [])
    now = found.standing
    assert (now.status, now.pending) == (status, tuple(pending))
    assert (now.outcome, now.stage) == (("fail", "audit") if column == "audit" else (column, "enforce"))


def test_the_table_of_the_documentation_is_whole():
    assert {(name, column) for name, column, _ in table()} == {(name, column) for name in WAYS for column in COLUMNS}


@pytest.mark.parametrize("before", [None, "pass", "exempt", "not_applicable", "undetermined"])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_is_only_audited_is_told_to_nobody(before, outcome):
    previous = after(word(before, 0)) if before else None
    found = go(previous, case(outcome, 9, stage="audit"))
    ended = "ARCHIVED" if previous and previous.sent_at else None
    assert (found.finding, found.change, found.standing.status) == (ended, None, ended)
    again = go(told(found.standing), case(outcome, 10, stage="audit"), said="else", refresh=5000)
    assert (again.finding, again.change) == (None, None)


def test_the_first_decision_makes_a_whole_standing():
    assert go(None, case(FAIL, 5, captured=3), said="c") == Step(
        Standing(
            finding_id=KEY,
            outcome=FAIL,
            stage="enforce",
            severity=Severity.HIGH,
            capture_time=at(3),
            evaluated_at=at(5),
            decision_id="fail@3/5",
            since=at(5),
            first_observed_at=at(5),
            content="c",
            status="FAILED",
            sent_at=at(5),
            pending=("securityhub", "sns:new_failure"),
        ),
        "FAILED",
        Change.NEW_FAILURE,
    )


# Time


@pytest.mark.parametrize(("captured", "minutes"), [(3, 5), (2, 9), (4, 4)])
def test_what_is_older_than_what_is_known_is_dropped(captured, minutes):
    previous = after(case(FAIL, 5, captured=4))
    assert step(previous, case(PASS, minutes, captured=captured), "c", key=KEY, refresh_before=at(0)) is None


@pytest.mark.parametrize(("captured", "minutes"), [(4, 6), (5, 5), (5, 1)])
def test_what_is_newer_goes_on(captured, minutes):
    found = go(after(case(FAIL, 5, captured=4)), case(PASS, minutes, captured=captured))
    assert (found.finding, found.standing.outcome) == ("PASSED", PASS)


def test_times_are_compared_whatever_their_spelling():
    previous = after(case(FAIL, 0, capture_time="2026-11-20T08:00:00.5Z"))
    assert previous.capture_time == "2026-11-20T08:00:00.500Z"
    older = case(PASS, 0, capture_time="2026-11-20T10:00:00+02:00")
    assert step(previous, older, "c", key=KEY, refresh_before=at(0)) is None
    assert instant("2026-11-20T08:00:00") == at(0)


def test_a_decision_without_capture_time_counts_as_of_when_it_was_made():
    known = case(FAIL, 5)
    known = replace(known, decision=replace(known.decision, capture_time=None))
    assert go(None, known).standing.capture_time == at(5)


def test_an_update_is_later_than_the_one_before_even_if_its_decision_is_not():
    """Security Hub drops others in silence: here a change comes late, after a schedule that did not know of it."""
    first = after(case(FAIL, 60, captured=0))
    late = go(first, case(PASS, 30, captured=29)).standing
    assert (late.evaluated_at, late.sent_at) == (at(30), "2026-11-20T09:00:00.001Z")
    assert late.first_observed_at == at(60)


def test_a_first_update_is_never_before_the_creation():
    found = go(after(case(PASS, 60, captured=0)), case(FAIL, 30, captured=29)).standing
    assert (found.first_observed_at, found.sent_at) == (at(60), at(60))


def test_the_beginning_of_an_outcome_is_kept_while_it_lasts():
    standings = [way(*("fail",) * count, *rest) for count, rest in ((1, ()), (3, ()), (3, ("pass",)))]
    assert [standing.since for standing in standings] == [at(0), at(0), at(3)]
    assert {standing.first_observed_at for standing in standings} == {at(0)}
    assert way("fail", "audit").since == at(0)


# Once, again, anew


def test_the_same_decision_again_gives_what_is_pending_and_nothing_else():
    first = go(None, case(FAIL, 1))
    assert go(first.standing, case(FAIL, 1), said="else", refresh=99) == first
    half = replace(first.standing, pending=("sns:new_failure",))
    assert go(half, case(FAIL, 1)) == Step(half, None, Change.NEW_FAILURE)
    other = replace(first.standing, pending=("securityhub",))
    assert go(other, case(FAIL, 1)) == Step(other, "FAILED", None)
    done = told(first.standing)
    assert go(done, case(FAIL, 1), refresh=99) == Step(done, None, None)


def test_what_another_bundle_decides_of_the_same_event_counts():
    found = go(after(case(PASS, 1)), case(FAIL, 1))
    assert (found.finding, found.change) == ("FAILED", Change.NEW_FAILURE)
    back = go(told(found.standing), case(PASS, 1, decision_id="another"))
    assert (back.finding, back.standing.sent_at) == ("PASSED", "2026-11-20T08:01:00.001Z")


@pytest.mark.parametrize("outcome", [FAIL, EXEMPT, OPEN])
def test_a_finding_that_says_something_else_is_sent_again(outcome):
    found = go(after(case(outcome, 1)), case(outcome, 2), said="else")
    assert (found.finding, found.change, found.standing.content) == (found.standing.status, None, "else")
    same = go(after(case(outcome, 1)), case(outcome, 2))
    assert (same.finding, same.standing.sent_at, same.standing.decision_id) == (None, at(1), f"{outcome}@None/2")


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (("fail",), "FAILED"),
        (("exempt",), "WARNING"),
        (("undetermined",), "NOT_AVAILABLE"),
        (("fail", "undetermined"), "FAILED"),
        (("fail", "pass"), None),
        (("fail", "not_applicable"), None),
        (("fail", "audit"), None),
        (("pass",), None),
    ],
)
def test_open_findings_are_refreshed_before_they_are_forgotten(names, status):
    previous = way(*names)
    later = word(names[-1], 90)
    assert go(previous, later, refresh=0).finding is None or previous.sent_at < at(0)
    found = go(previous, later, refresh=50)
    assert (found.finding, found.change) == (status, None)
    assert found.standing.sent_at == (at(90) if status else previous.sent_at)


def test_passed_findings_are_begun_and_kept_where_they_are_asked_for():
    wishes = Wishes(passed=True)
    first = go(None, case(PASS, 1), wishes=wishes)
    assert (first.finding, first.change, first.standing.sent_at) == ("PASSED", None, at(1))
    known = told(first.standing)
    assert go(known, case(PASS, 9), wishes=wishes).finding is None
    assert go(known, case(PASS, 9), wishes=wishes, refresh=5).finding == "PASSED"
    assert go(way("fail", "not_applicable"), case(PASS, 9), wishes=wishes).finding == "PASSED"


def test_what_is_not_known_any_more_leaves_the_finding_as_it_is():
    before = way("fail")
    found = go(before, case(OPEN, 5), said="other words")
    assert (found.finding, found.change) == (None, Change.UNDETERMINED)
    kept = (found.standing.status, found.standing.content, found.standing.sent_at)
    assert kept == (before.status, before.content, before.sent_at)
    back = go(told(found.standing), case(FAIL, 6))
    assert (back.finding, back.change, back.standing.since) == (None, None, at(6))


def test_a_failure_that_was_never_delivered_is_told_with_the_next_decision():
    lost = go(None, case(FAIL, 1)).standing
    same = go(lost, case(FAIL, 2))
    assert (same.finding, same.change) == ("FAILED", Change.NEW_FAILURE)
    unknown = go(lost, case(OPEN, 2))
    assert (unknown.finding, unknown.change) == ("FAILED", Change.UNDETERMINED)
    passed = go(lost, case(PASS, 2))
    assert (passed.finding, passed.change, passed.standing.pending) == ("PASSED", None, ("securityhub",))
    worse = go(lost, case(FAIL, 2, severity=Severity.CRITICAL))
    assert worse.change is Change.NEW_FAILURE


# Outputs that are switched off and on


def test_what_no_output_is_asked_for_is_not_sent():
    found = go(None, case(FAIL, 1), wishes=Wishes(outputs=frozenset()))
    assert (found.finding, found.change, found.standing.sent_at) == (None, None, None)


def test_open_failures_are_sent_when_security_hub_is_switched_on():
    before = go(None, case(FAIL, 1), wishes=NO_HUB).standing
    assert before.pending == ("securityhub", "sns:new_failure")
    before = replace(before, pending=("securityhub",))
    assert go(before, case(FAIL, 1), wishes=NO_HUB) == Step(before, None, None)
    again = go(before, case(FAIL, 1))
    assert (again.finding, again.standing.sent_at) == ("FAILED", at(1))
    found = go(before, case(FAIL, 2))
    assert (found.finding, found.change, found.standing.sent_at) == ("FAILED", None, at(2))


def test_what_ended_while_security_hub_was_off_is_told_when_it_is_on():
    before = go(way("fail"), case(PASS, 2), wishes=NO_HUB).standing
    assert (before.status, before.sent_at, before.pending) == ("PASSED", at(0), ("securityhub",))
    assert go(before, case(PASS, 3)).finding == "PASSED"
    never = go(go(None, case(FAIL, 1), wishes=NO_HUB).standing, case(PASS, 2), wishes=NO_HUB).standing
    assert (never.status, never.pending) == (None, ())


def test_old_changes_are_not_told_when_notifications_are_switched_on():
    before = go(None, case(FAIL, 1), wishes=NO_SNS)
    assert (before.change, before.standing.pending) == (None, ("securityhub",))
    assert go(before.standing, case(FAIL, 1)).change is None
    assert go(go(None, case(FAIL, 1)).standing, case(FAIL, 1), wishes=NO_SNS).change is None
    assert waiting(before.standing) is None


# Changes


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (Severity.LOW, Severity.HIGH, Change.WORSE),
        (Severity.HIGH, Severity.CRITICAL, Change.WORSE),
        (Severity.HIGH, Severity.HIGH, None),
        (Severity.HIGH, Severity.MEDIUM, None),
    ],
)
def test_a_failure_that_weighs_more_is_a_change(before, now, change):
    first = case(FAIL, 0, severity=before)
    assert go(after(first), case(FAIL, 9, severity=now)).change is change
    assert go(after(first, case(OPEN, 1, severity=before)), case(FAIL, 9, severity=now)).change is change


DAY = 24 * 60
ENDS = 40 * DAY


def exempt(minutes, ends=ENDS, **changes):
    return case(EXEMPT, minutes, exemption=EXEMPTION | {"expires": at(ends)}, **changes)


def test_the_end_of_an_exemption_is_announced_once():
    standing, changes = None, []
    for day in (0, 25, 26, 27, 39):
        found = go(standing, exempt(day * DAY))
        changes.append(found.change)
        standing = told(found.standing)
    assert changes == [None, None, Change.EXEMPTION_ENDS_SOON, None, None]
    assert go(standing, case(FAIL, 41 * DAY)).change is Change.EXEMPTION_ENDED


def test_an_exemption_that_was_prolonged_is_announced_again():
    known = after(exempt(0), exempt(30 * DAY), exempt(31 * DAY, ends=100 * DAY))
    assert go(known, exempt(85 * DAY, ends=100 * DAY)).change is None
    assert go(known, exempt(86 * DAY, ends=100 * DAY)).change is Change.EXEMPTION_ENDS_SOON


@pytest.mark.parametrize("previous", [None, "fail", "pass"])
def test_an_exemption_that_is_short_from_its_beginning_is_announced(previous):
    known = after(word(previous, 0)) if previous else None
    assert go(known, exempt(30 * DAY)).change is Change.EXEMPTION_ENDS_SOON


def test_how_long_before_its_end_an_exemption_is_announced_is_a_setting():
    wishes = Wishes(notice_days=2)
    assert go(None, exempt(37 * DAY), wishes=wishes).change is None
    assert go(None, exempt(38 * DAY), wishes=wishes).change is Change.EXEMPTION_ENDS_SOON


def test_an_announcement_that_was_not_delivered_is_dropped_when_the_exemption_lasts_longer():
    lost = go(None, exempt(30 * DAY)).standing
    assert go(lost, exempt(31 * DAY)).change is Change.EXEMPTION_ENDS_SOON
    assert go(lost, exempt(31 * DAY, ends=100 * DAY)).change is None


@pytest.mark.parametrize("expires", [None, "", "soon", "0001-01-01T00:00:00Z", 7])
def test_an_end_that_cannot_be_read_is_not_announced(expires):
    assert go(None, case(EXEMPT, 1, exemption={"id": "EX", "expires": expires})).change is None


# Any order, any failure

DECIDED = st.tuples(
    st.sampled_from(list(Outcome)),
    st.sampled_from(["enforce", "enforce", "audit"]),
    st.sampled_from(list(Severity)),
    st.sampled_from(["a", "b"]),
)
TIMES = st.tuples(st.integers(0, 50), st.integers(0, 50))


@given(st.dictionaries(TIMES, DECIDED, min_size=1, max_size=8), st.data())
def test_in_any_order_the_newest_stands_at_the_end(decided, data):
    arrivals = data.draw(
        st.permutations([*decided, *data.draw(st.lists(st.sampled_from(sorted(decided)), max_size=5))])
    )
    standing = None
    for captured, minutes in arrivals:
        outcome, stage, severity, said = decided[captured, minutes]
        known = case(outcome, minutes, captured=captured, stage=stage, severity=severity)
        found = step(standing, known, said, key=KEY, refresh_before=at(20))
        standing = found.standing if found else standing
    captured, minutes = max(decided)
    outcome, stage, severity, _ = decided[captured, minutes]
    newest = (outcome, stage, severity, at(captured), at(minutes), f"{outcome}@{captured}/{minutes}")
    fields = ("outcome", "stage", "severity", "capture_time", "evaluated_at", "decision_id")
    assert tuple(getattr(standing, field) for field in fields) == newest


class Hub:
    """Keeps what is sent, by Security Hub's rule: an update that is not later is dropped in silence."""

    def __init__(self):
        self.updated_at, self.status = "", None

    def take(self, found):
        if found.standing.sent_at > self.updated_at:
            self.updated_at, self.status = found.standing.sent_at, found.finding


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(DECIDED, TIMES, st.booleans(), st.booleans()), min_size=1, max_size=10))
def test_when_the_last_event_is_delivered_security_hub_holds_what_is_known(events):
    """Events come in any order, twice and late; some cannot be delivered, or nobody hears that they were."""
    hub, standing = Hub(), None
    for (outcome, stage, severity, said), (captured, minutes), is_delivered, is_heard in [*events, events[-1]]:
        known = case(outcome, minutes, captured=captured, stage=stage, severity=severity)
        found = step(standing, known, said, key=KEY, refresh_before=at(-1))
        if found is None:
            continue
        standing = found.standing
        if found.finding and is_delivered:
            hub.take(found)
        if is_delivered and is_heard:
            standing = told(standing)
    last = standing
    known = case(last.outcome, 99, captured=99, stage=last.stage, severity=last.severity)
    final = go(last, known, said="end")
    if final.finding:
        hub.take(final)
    ends = {FAIL: {"FAILED"}, EXEMPT: {"WARNING"}, OPEN: {"FAILED", "WARNING", "NOT_AVAILABLE"}}
    ends |= {PASS: {"PASSED", "ARCHIVED", None}, GONE: {"ARCHIVED", None}}
    assert hub.status in ({"ARCHIVED", None} if last.stage == "audit" else ends[last.outcome])
    assert hub.status == final.standing.status


# Ids


def test_the_id_is_of_place_resource_and_first_policy_id():
    assert finding_id(case(), {}) == KEY
    renamed = {"aliases": ["aws.s3.bucket.first", "aws.s3.bucket.second"]}
    assert finding_id(case(), renamed) == KEY.replace("aws.s3.bucket.encryption", "aws.s3.bucket.first")


def test_the_id_hangs_neither_on_the_arn_nor_on_what_was_recorded():
    gone = RESOURCE | {"arn": None, "name": None, "tags": None, "configuration": None}
    assert finding_id(case(GONE, 9, resource=gone), {}) == KEY
    assert finding_id(case(resource=RESOURCE | {"partition": None}), {}) == KEY
    assert finding_id(case(resource=RESOURCE | {"partition": "aws-cn"}), {}) == KEY.replace("/aws/", "/aws-cn/")


def test_long_ids_end_with_a_digest():
    room = ID_CHARACTERS - len(KEY) + len("reports")
    exact = finding_id(case(resource=RESOURCE | {"id": "x" * room}), {})
    longer = finding_id(case(resource=RESOURCE | {"id": "x" * (room + 1)}), {})
    assert (len(exact), len(longer)) == (ID_CHARACTERS, ID_CHARACTERS)
    assert exact.endswith("x/aws.s3.bucket.encryption")
    assert longer[:-41] == f"opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/{'x' * 419}…"
    assert longer[-41] == "~"


HOSTILE = st.text(
    st.characters(exclude_categories=()) | st.sampled_from("\x00\n\u202e\ud83d😀 /~"), min_size=1, max_size=600
)


@given(HOSTILE | st.text(min_size=1), HOSTILE | st.text(min_size=1))
def test_ids_are_valid_and_different_whatever_the_resource_is_called(one, other):
    ids = [finding_id(case(resource=RESOURCE | {"id": name}), {}) for name in (one, other)]
    assert (ids[0] == ids[1]) is (one == other)
    for name in ids:
        assert name.isprintable()
        assert 0 < len(name.encode("utf-16-le", "surrogatepass")) // 2 <= ID_CHARACTERS
