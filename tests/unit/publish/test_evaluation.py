"""What Config is told of one decision, and of several together: the worst, and never more than was proved."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import Decision, Outcome, Severity
from opalite.publish.annotation import ANNOTATION_CHARACTERS
from opalite.publish.evaluation import compliance_type, hangs_on_previous, told

COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"
END = " [abcdef012345]"
PASS = Decision(
    account_id="111122223333",
    region="eu-west-1",
    resource_type="AWS::S3::Bucket",
    resource_id="reports",
    arn=None,
    capture_time="2026-11-20T08:00:00.000Z",
    evaluated_at="2026-11-20T08:00:00.000Z",
    policy_id="aws.s3.bucket.a",
    policy_version="1.0.0",
    outcome=Outcome.PASS,
    compliance_type=COMPLIANT,
    severity=Severity.MEDIUM,
    annotation="own words of pass",
    violations=(),
    unknown=(),
    reasons=(),
    exemption=None,
    stage="enforce",
    decision_id="abcdef0123456789" * 4,
    bundle_revision="r",
    opa_version="1.22.2",
    input_digest="d",
)
VIOLATION = {"message": "port 22 is open", "subject": "", "evidence": {"path": ["ingress", 0]}}
FAIL = replace(
    PASS, outcome=Outcome.FAIL, compliance_type=NON_COMPLIANT, violations=(VIOLATION,), annotation="own words of fail"
)
EXEMPT = replace(
    FAIL, outcome=Outcome.EXEMPT, compliance_type=COMPLIANT, exemption={"id": "EX-1"}, annotation="own words of exempt"
)
HIDDEN = replace(EXEMPT, compliance_type=NOT_APPLICABLE)
NOT_FOR_IT = replace(
    PASS,
    outcome=Outcome.NOT_APPLICABLE,
    compliance_type=NOT_APPLICABLE,
    reasons=("a replica",),
    annotation="own words of not applicable",
)
OPEN = replace(
    PASS,
    outcome=Outcome.UNDETERMINED,
    compliance_type=None,
    unknown=({"fact": "image", "key": "ami-1"},),
    annotation="own words of undetermined",
)
WITHDRAWN = replace(OPEN, compliance_type=NON_COMPLIANT)
WAIVED = replace(OPEN, compliance_type=NOT_APPLICABLE)
KINDS = (PASS, FAIL, EXEMPT, HIDDEN, NOT_FOR_IT, OPEN, WITHDRAWN, WAIVED)
AUDITED = tuple(replace(decision, stage="audit", compliance_type=None) for decision in (PASS, FAIL, OPEN))


def named(decision, name, **more):
    return replace(decision, policy_id=f"aws.s3.bucket.{name}", **more)


def umbrella(*decisions, complete=True):
    return told(decisions, umbrella=True, complete=complete)


@pytest.mark.parametrize(
    ("outcome", "treatment", "previous", "expected"),
    [
        (Outcome.PASS, {}, None, COMPLIANT),
        (Outcome.FAIL, {}, None, NON_COMPLIANT),
        (Outcome.NOT_APPLICABLE, {}, None, NOT_APPLICABLE),
        (Outcome.EXEMPT, {}, None, COMPLIANT),
        (Outcome.EXEMPT, {"exempt": NOT_APPLICABLE}, None, NOT_APPLICABLE),
        (Outcome.EXEMPT, {"exempt": "compliant"}, None, None),
        (Outcome.UNDETERMINED, {}, None, None),
        (Outcome.UNDETERMINED, {}, NON_COMPLIANT, None),
        (Outcome.UNDETERMINED, {}, NOT_APPLICABLE, None),
        (Outcome.UNDETERMINED, {}, COMPLIANT, NON_COMPLIANT),
        (Outcome.UNDETERMINED, {"undetermined": "withdraw"}, COMPLIANT, NON_COMPLIANT),
        (Outcome.UNDETERMINED, {"undetermined": NON_COMPLIANT}, None, NON_COMPLIANT),
        (Outcome.UNDETERMINED, {"undetermined": NOT_APPLICABLE}, COMPLIANT, NOT_APPLICABLE),
        (Outcome.UNDETERMINED, {"undetermined": "nothing"}, COMPLIANT, None),
        (Outcome.UNDETERMINED, {"undetermined": COMPLIANT}, COMPLIANT, None),
        (Outcome.UNDETERMINED, {"undetermined": "?"}, COMPLIANT, None),
    ],
)  # fmt: skip
def test_compliance_types(outcome, treatment, previous, expected):
    assert compliance_type(outcome, treatment, previous=previous) == expected


@given(st.sampled_from(sorted(set(Outcome) - {Outcome.PASS, Outcome.EXEMPT})), st.text(), st.text(), st.text())
def test_only_a_pass_or_an_exemption_is_compliant_whatever_the_stages_say(outcome, exempt, undetermined, previous):
    for choice in (undetermined, COMPLIANT):
        treatment = {"exempt": exempt, "undetermined": choice}
        assert compliance_type(outcome, treatment, previous=previous) != COMPLIANT
        assert compliance_type(outcome, treatment, previous=COMPLIANT) != COMPLIANT


@pytest.mark.parametrize(
    ("outcome", "treatment", "expected"),
    [
        (Outcome.UNDETERMINED, {}, True),
        (Outcome.UNDETERMINED, {"undetermined": "withdraw", "stage": "enforce"}, True),
        (Outcome.UNDETERMINED, {"undetermined": "nothing"}, False),
        (Outcome.UNDETERMINED, {"undetermined": NON_COMPLIANT}, False),
        (Outcome.UNDETERMINED, {"stage": "audit"}, False),
        (Outcome.PASS, {}, False),
        (Outcome.FAIL, {}, False),
        (Outcome.EXEMPT, {}, False),
        (Outcome.NOT_APPLICABLE, {}, False),
    ],
)
def test_what_config_holds_is_asked_only_where_it_matters(outcome, treatment, expected):
    assert hangs_on_previous(outcome, treatment) is expected
    if not expected and treatment.get("stage") != "audit":
        assert (
            len({compliance_type(outcome, treatment, previous=held) for held in (None, COMPLIANT, NON_COMPLIANT)}) == 1
        )


@pytest.mark.parametrize("decision", KINDS)
def test_a_rule_of_one_policy_gets_its_own_words(decision):
    expected = None if decision.compliance_type is None else (decision.compliance_type, decision.annotation)
    assert told([decision], umbrella=False, complete=True) == expected


@pytest.mark.parametrize("is_umbrella", [True, False])
@pytest.mark.parametrize("complete", [True, False])
def test_of_nothing_that_is_enforced_nothing_is_told(is_umbrella, complete):
    assert told([], umbrella=is_umbrella, complete=complete) is None
    assert told(AUDITED, umbrella=is_umbrella, complete=complete) is None


def worst(decisions, *, complete):
    """The rule, said in another way: the first line that holds."""
    enforced = [decision for decision in decisions if decision.stage == "enforce"]
    sent = {decision.compliance_type for decision in enforced}
    outcomes = {decision.outcome for decision in enforced}
    if NON_COMPLIANT in sent:
        return NON_COMPLIANT
    if not complete or sent in (set(), {None}) or None in sent:
        return None
    if Outcome.UNDETERMINED in outcomes:
        return NOT_APPLICABLE
    return COMPLIANT if COMPLIANT in sent else NOT_APPLICABLE


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("is_umbrella", [True, False])
def test_of_several_policies_the_worst_is_told(complete, is_umbrella):
    for count in range(4):
        for combination in product(KINDS + AUDITED, repeat=count):
            decisions = [named(decision, name) for decision, name in zip(combination, "abc", strict=False)]
            said = told(decisions, umbrella=is_umbrella, complete=complete)
            assert (said and said[0]) == worst(decisions, complete=complete), combination
            assert said is None or 1 <= len(said[1]) <= ANNOTATION_CHARACTERS


@pytest.mark.parametrize("complete", [True, False])
def test_an_umbrella_is_never_compliant_while_anything_enforced_has_not_passed(complete):
    proved = {Outcome.PASS, Outcome.EXEMPT, Outcome.NOT_APPLICABLE}
    for combination in product(KINDS + AUDITED, repeat=3):
        said = umbrella(*combination, complete=complete)
        if said is not None and said[0] == COMPLIANT:
            assert complete
            assert {decision.outcome for decision in combination if decision.stage == "enforce"} <= proved


def test_what_is_only_audited_changes_nothing_that_is_told():
    for combination in product(KINDS, repeat=2):
        alone = umbrella(*combination)
        for audited in AUDITED:
            assert umbrella(audited, *combination) == umbrella(*combination, audited) == alone


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ([FAIL], (NON_COMPLIANT, "1 of 1 policy fails: aws.s3.bucket.a: port 22 is open")),
        (
            [PASS, named(FAIL, "b", violations=(VIOLATION, VIOLATION, VIOLATION))],
            (NON_COMPLIANT, "1 of 2 policies fails: aws.s3.bucket.b: port 22 is open (+2 more)"),
        ),
        (
            [named(FAIL, "b", violations=(VIOLATION, VIOLATION))],
            (NON_COMPLIANT, "1 of 1 policy fails: aws.s3.bucket.b: port 22 is open (+1 more)"),
        ),
        (
            [named(FAIL, "low", severity=Severity.LOW), PASS, named(FAIL, "critical", severity=Severity.CRITICAL)],
            (NON_COMPLIANT, "2 of 3 policies fail: aws.s3.bucket.critical: port 22 is open; aws.s3.bucket.low"),
        ),
        (
            [named(FAIL, name) for name in "cab"],
            (NON_COMPLIANT, "3 of 3 policies fail: aws.s3.bucket.a: port 22 is open; aws.s3.bucket.b; aws.s3.bucket.c"),
        ),
        (
            [named(WITHDRAWN, "a"), named(FAIL, "b"), named(OPEN, "c")],
            (NON_COMPLIANT, "2 of 3 policies fail: aws.s3.bucket.b: port 22 is open; aws.s3.bucket.a"),
        ),
        (
            [WITHDRAWN],
            (NON_COMPLIANT, "1 of 1 policy fails: aws.s3.bucket.a: undetermined: image ami-1 is not known"),
        ),
        (
            [named(PASS, "b"), WAIVED],
            (NOT_APPLICABLE, "1 of 2 policies is undetermined: aws.s3.bucket.a: image ami-1 is not known"),
        ),
        (
            [named(WAIVED, "b"), WAIVED],
            (NOT_APPLICABLE, "2 of 2 policies are undetermined: aws.s3.bucket.a: image ami-1 is not known; aws.s3.bucket.b"),
        ),
        ([PASS], (COMPLIANT, "1 of 1 policy passes")),
        ([PASS, PASS], (COMPLIANT, "2 of 2 policies pass")),
        (
            [PASS, named(EXEMPT, "b", exemption={"id": "EX-2"}), EXEMPT, NOT_FOR_IT],
            (COMPLIANT, "1 of 4 policies passes, 2 exempt (EX-1, EX-2), 1 not applicable"),
        ),
        ([PASS, HIDDEN], (COMPLIANT, "1 of 2 policies passes, 1 exempt (EX-1)")),
        ([EXEMPT, NOT_FOR_IT], (COMPLIANT, "1 exempt (EX-1), 1 not applicable")),
        ([HIDDEN, NOT_FOR_IT], (NOT_APPLICABLE, "1 exempt (EX-1), 1 not applicable")),
        ([replace(EXEMPT, exemption={})], (COMPLIANT, "1 exempt (?)")),
        ([NOT_FOR_IT], (NOT_APPLICABLE, "not applicable: a replica")),
        ([NOT_FOR_IT, NOT_FOR_IT], (NOT_APPLICABLE, "not applicable: a replica")),
        ([NOT_FOR_IT, replace(NOT_FOR_IT, reasons=("b",))], (NOT_APPLICABLE, "none of 2 policies applies")),
        ([replace(NOT_FOR_IT, reasons=("a", "b"))], (NOT_APPLICABLE, "the policy does not apply")),
    ],
)  # fmt: skip
def test_an_umbrella_says_how_many_which_and_why(decisions, expected):
    kind, text = expected
    assert umbrella(*decisions) == (kind, text + END)


def test_the_decision_named_is_the_one_that_is_told():
    ids = {name: name * 64 for name in "1234"}
    grave = named(FAIL, "g", severity=Severity.CRITICAL, decision_id=ids["1"])
    light = named(FAIL, "l", severity=Severity.LOW, decision_id=ids["2"])
    assert umbrella(light, grave)[1].endswith(f"[{'1' * 12}]")
    assert umbrella(named(NOT_FOR_IT, "n", decision_id=ids["3"]), named(PASS, "p", decision_id=ids["4"]))[1].endswith(
        f"[{'4' * 12}]"
    )


def test_a_failure_is_told_although_another_answer_is_missing():
    assert umbrella(FAIL, PASS, complete=False) == (
        NON_COMPLIANT,
        f"1 of 2 policies fails: aws.s3.bucket.a: port 22 is open{END}",
    )


def test_names_that_do_not_fit_are_counted():
    failing = [named(FAIL, f"policy_number_{number:02}") for number in range(40)]
    _, text = umbrella(*failing)
    assert text == (
        "40 of 40 policies fail: aws.s3.bucket.policy_number_00: port 22 is open; aws.s3.bucket.policy_number_01; "
        "aws.s3.bucket.policy_number_02; aws.s3.bucket.policy_number_03; aws.s3.bucket.policy_number_04 (+35 more)"
        f"{END}"
    )
    assert len(text) <= ANNOTATION_CHARACTERS


def test_names_that_just_fit_are_shown_whole():
    other = replace(FAIL, policy_id=f"custom.a.b.{'x' * 99}")
    _, text = umbrella(named(FAIL, "a", violations=({"message": "m" * 90},)), other)
    assert text == f"2 of 2 policies fail: aws.s3.bucket.a: {'m' * 90}; {other.policy_id}{END}"
    assert len(text) == ANNOTATION_CHARACTERS
    _, text = umbrella(
        named(FAIL, "a", violations=({"message": "m" * 90},)), replace(other, policy_id=f"{other.policy_id}y")
    )
    assert text == f"2 of 2 policies fail: aws.s3.bucket.a: {'m' * 90} (+1 more){END}"


def test_a_long_message_leaves_room_for_names():
    long = named(FAIL, "a", violations=({"message": "x" * 400},))
    _, text = umbrella(long, named(FAIL, "b"), named(FAIL, "c"))
    assert len(text) == ANNOTATION_CHARACTERS
    assert text.startswith("3 of 3 policies fail: aws.s3.bucket.a: xxxxx")
    assert text.endswith(f"x…; aws.s3.bucket.b; aws.s3.bucket.c{END}")


def test_a_policy_with_a_very_long_id_gives_way_to_the_count_and_the_decision():
    long = replace(FAIL, policy_id=f"custom.s3.bucket.{'x' * 300}")
    _, text = umbrella(long, PASS)
    assert len(text) == ANNOTATION_CHARACTERS
    assert text.startswith("1 of 2 policies fails: custom.s3.bucket.xxx")
    assert text.endswith(f"x…{END}")


def test_a_short_message_stands_beside_many_names():
    short = replace(FAIL, violations=({"message": "0"},), policy_id="custom.a.b.a")
    others = [replace(FAIL, policy_id=f"custom.a.b.{'x' * count}") for count in range(20, 60, 8)]
    _, text = umbrella(short, *others)
    assert text.startswith("6 of 6 policies fail: custom.a.b.a: 0; custom.a.b.xxxx")
    assert text.endswith(END)


MESSAGES = st.text(min_size=1) | st.text("é🙂👍🏽🇩🇪\u0301\u202e\n a", min_size=1, max_size=400)


@given(
    st.lists(
        st.builds(
            lambda kind, name, severity, text, more: replace(
                kind,
                policy_id=f"custom.a.b.{name}",
                severity=severity,
                violations=kind.violations and ({"message": text},) * more,
                unknown=kind.unknown and ({"reason": text},) * more,
                reasons=kind.reasons and (text,) * more,
                exemption=kind.exemption and {"id": text},
            ),
            st.sampled_from(KINDS),
            st.text("abcdefgh_", min_size=1, max_size=120),
            st.sampled_from(Severity),
            MESSAGES,
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_an_umbrella_has_1_to_256_printable_characters_its_count_and_a_decision(decisions):
    said = umbrella(*decisions)
    if said is None:
        return
    kind, text = said
    assert 1 <= len(text.encode("utf-16-le")) // 2 <= ANNOTATION_CHARACTERS
    assert text.isprintable()
    assert text.endswith(END)
    if kind == NON_COMPLIANT:
        failing = [decision for decision in decisions if decision.compliance_type == NON_COMPLIANT]
        assert text.startswith(f"{len(failing)} of {len(decisions)} polic")
        gravest = max(failing, key=lambda decision: list(Severity).index(decision.severity)).severity
        first = text.split(": ")[1].removesuffix(END)
        assert any(
            decision.policy_id.startswith(first.rstrip("…")) for decision in failing if decision.severity == gravest
        )
