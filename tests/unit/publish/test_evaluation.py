"""What Config is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import Outcome
from opalite.publish.evaluation import ANNOTATION_CHARACTERS, annotation, compliance_type

DECISION = "abcdef0123456789" * 4
EXEMPTION = {"id": "EX-1", "ticket": "SEC-9", "expires": "2027-03-31T00:00:00Z"}


def say(outcome: Outcome, *, violations=(), unknown=(), reasons=(), exemption=None, title="Buckets are encrypted"):
    return annotation(
        outcome,
        title,
        violations=violations,
        unknown=unknown,
        reasons=reasons,
        exemption=exemption,
        decision_id=DECISION,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (say(Outcome.PASS), "Buckets are encrypted [abcdef012345]"),
        (say(Outcome.FAIL, violations=[{"message": "port 22 is open"}]), "port 22 is open [abcdef012345]"),
        (
            say(Outcome.FAIL, violations=[{"message": "port 22 is open"}, {"message": "b"}, {"message": "c"}]),
            "port 22 is open (+2 more) [abcdef012345]",
        ),
        (
            say(Outcome.EXEMPT, violations=[{"message": "port 22 is open"}], exemption=EXEMPTION),
            "exempt until 2027-03-31 by EX-1 (SEC-9): port 22 is open [abcdef012345]",
        ),
        (say(Outcome.NOT_APPLICABLE, reasons=["it is gone"]), "not applicable: it is gone [abcdef012345]"),
        (
            say(Outcome.UNDETERMINED, unknown=[{"fact": "image", "key": "ami-1"}]),
            "undetermined: image ami-1 is not known [abcdef012345]",
        ),
        (
            say(Outcome.UNDETERMINED, unknown=[{"fact": "image", "key": "ami-1", "reason": "access denied"}]),
            "undetermined: image ami-1: access denied [abcdef012345]",
        ),
        (
            say(Outcome.UNDETERMINED, unknown=[{"path": "resource.tags", "reason": "not recorded"}]),
            "undetermined: resource.tags: not recorded [abcdef012345]",
        ),
        (
            say(Outcome.UNDETERMINED, unknown=[{"reason": "contradiction"}]),
            "undetermined: contradiction [abcdef012345]",
        ),
    ],
)
def test_annotations_say_what_where_and_which_decision(text, expected):
    assert text == expected


def test_the_sentence_gives_way_to_the_count_and_the_decision():
    text = say(Outcome.FAIL, violations=[{"message": "x" * 400}, {"message": "y"}])
    assert len(text) == ANNOTATION_CHARACTERS
    assert text.endswith("x… (+1 more) [abcdef012345]")


@given(st.text(min_size=1), st.integers(1, 2000))
def test_an_annotation_has_1_to_256_characters_on_one_line(message, count):
    text = say(Outcome.FAIL, violations=[{"message": message}] * count)
    assert 1 <= len(text) <= ANNOTATION_CHARACTERS
    assert "\n" not in text


@pytest.mark.parametrize(
    ("outcome", "treatment", "previous", "expected"),
    [
        (Outcome.PASS, {}, None, "COMPLIANT"),
        (Outcome.FAIL, {}, None, "NON_COMPLIANT"),
        (Outcome.NOT_APPLICABLE, {}, None, "NOT_APPLICABLE"),
        (Outcome.EXEMPT, {}, None, "COMPLIANT"),
        (Outcome.EXEMPT, {"exempt": "NOT_APPLICABLE"}, None, "NOT_APPLICABLE"),
        (Outcome.UNDETERMINED, {}, None, None),
        (Outcome.UNDETERMINED, {}, "NON_COMPLIANT", None),
        (Outcome.UNDETERMINED, {}, "COMPLIANT", "NON_COMPLIANT"),
        (Outcome.UNDETERMINED, {"undetermined": "NON_COMPLIANT"}, None, "NON_COMPLIANT"),
        (Outcome.UNDETERMINED, {"undetermined": "NOT_APPLICABLE"}, "COMPLIANT", "NOT_APPLICABLE"),
        (Outcome.UNDETERMINED, {"undetermined": "nothing"}, "COMPLIANT", None),
    ],
)
def test_compliance_types(outcome, treatment, previous, expected):
    assert compliance_type(outcome, treatment, previous=previous) == expected


@pytest.mark.parametrize("treatment", [{}, {"undetermined": "withdraw"}, {"undetermined": "nothing"}])
def test_undetermined_is_never_compliant(treatment):
    assert compliance_type(Outcome.UNDETERMINED, treatment, previous="COMPLIANT") != "COMPLIANT"
