"""The text that AWS Config shows: what, where, how much more, and which decision; at most 256 characters, whatever the text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.model import Outcome
from opalite.publish.annotation import ANNOTATION_CHARACTERS, annotation, clean, cut, detail, fitted, gap, length

DECISION = "abcdef0123456789" * 4
END = " [abcdef012345]"
EXEMPTION = {"id": "EX-1", "ticket": "SEC-9", "expires": "2027-03-31T00:00:00Z"}
SSH = {"message": "port 22 is open"}


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


def found(message, path=None, actual=None, **more):
    return {"message": message, "subject": "", "evidence": {"path": path, "actual": actual, **more}}


def utf16(text):
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (say(Outcome.PASS), "Buckets are encrypted"),
        (say(Outcome.FAIL, violations=[SSH]), "port 22 is open"),
        (say(Outcome.FAIL, violations=[SSH, {"message": "b"}, {"message": "c"}]), "port 22 is open (+2 more)"),
        (
            say(Outcome.EXEMPT, violations=[SSH], exemption=EXEMPTION),
            "exempt until 2027-03-31 by EX-1 (SEC-9): port 22 is open",
        ),
        (
            say(Outcome.EXEMPT, violations=[SSH, SSH], exemption={}),
            "exempt until by ? (?): port 22 is open (+1 more)",
        ),
        (say(Outcome.NOT_APPLICABLE, reasons=["it is gone"]), "not applicable: it is gone"),
        (say(Outcome.NOT_APPLICABLE, reasons=["a replica", "b"]), "not applicable: a replica (+1 more)"),
        (
            say(Outcome.UNDETERMINED, unknown=[{"fact": "image", "key": "ami-1"}]),
            "undetermined: image ami-1 is not known",
        ),
        (
            say(Outcome.UNDETERMINED, unknown=[{"fact": "image", "key": "ami-1", "reason": "access denied"}]),
            "undetermined: image ami-1: access denied",
        ),
        (
            say(Outcome.UNDETERMINED, unknown=[{"path": "resource.tags", "reason": "not recorded"}, {}]),
            "undetermined: resource.tags: not recorded (+1 more)",
        ),
        (say(Outcome.UNDETERMINED, unknown=[{"path": "resource.tags"}]), "undetermined: resource.tags: not recorded"),
        (say(Outcome.UNDETERMINED, unknown=[{"reason": "contradiction"}]), "undetermined: contradiction"),
        (
            say(Outcome.FAIL, violations=[found("versioning is off", ["versioning"], "Suspended")]),
            "versioning is off (versioning: Suspended)",
        ),
        (
            say(Outcome.FAIL, violations=[found("versioning is off", ["versioning"], "Suspended"), SSH]),
            "versioning is off (versioning: Suspended) (+1 more)",
        ),
        (
            say(Outcome.EXEMPT, violations=[found("open", ["ingress", 0], None)], exemption=EXEMPTION),
            "exempt until 2027-03-31 by EX-1 (SEC-9): open (ingress.0)",
        ),
    ],
)
def test_annotations_say_what_where_and_which_decision(text, expected):
    assert text == expected + END


@pytest.mark.parametrize(
    ("violation", "expected"),
    [
        (SSH, ""),
        (found("m"), ""),
        (found("m", []), ""),
        (found("m", "ingress", "x"), " (x)"),
        (found("port 22 is open", ["ingress", 3]), " (ingress.3)"),
        (found("rule 3 is open", ["ingress", "3"], {"port": 22}), " (ingress.3)"),
        (found("the key is alias/aws/s3", ["encryption", "kms_key_id"], "alias/aws/s3"), " (encryption.kms_key_id)"),
        (found("KMS key id is wrong", ["encryption", "kms_key_id"], "alias/x"), " (encryption.kms_key_id: alias/x)"),
        (found("kms_key_id is alias/x", ["kms_key_id"], "alias/x"), ""),
        (found("Kms Key Id is ALIAS/X", ["kms_key_id"], "alias/x"), ""),
        (found("backups are too short", ["backup_retention_period"], 3), " (backup_retention_period: 3)"),
        (found("backups are kept for 3 days", ["backup_retention_period"], 3), " (backup_retention_period)"),
        (found("it is public", ["publicly_accessible"], actual=True), " (publicly_accessible)"),
        (found("it is public", ["publicly_accessible"], ["a", "b"]), " (publicly_accessible)"),
        (found("something", ["0"], "x"), " (0: x)"),
        (found("m", ["n"], "x" * 97), f" (n: {'x' * 97})"),
        (found("m", ["n"], "x" * 98), " (n)"),
        (found("something", ["n" * 101], "x"), ""),
        (found("something", None, "x" * 101), ""),
    ],
)
def test_the_place_and_the_value_are_added_as_far_as_the_message_lacks_them(violation, expected):
    assert detail(violation) == expected


def test_the_place_stands_where_it_just_fits():
    room = ANNOTATION_CHARACTERS - len(END)
    violation = found("x" * (room - len(" (ingress)")), ["ingress"])
    assert say(Outcome.FAIL, violations=[violation]) == f"{violation['message']} (ingress){END}"


def test_the_place_is_left_out_rather_than_cut():
    violation = found("x" * 230, ["ingress"], "0.0.0.0/0")
    assert say(Outcome.FAIL, violations=[violation]) == "x" * 230 + END


def test_the_sentence_gives_way_to_the_count_and_the_decision():
    text = say(Outcome.FAIL, violations=[{"message": "x" * 400}, {"message": "y"}])
    assert len(text) == ANNOTATION_CHARACTERS
    assert text.endswith(f"x… (+1 more){END}")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("two\nlines\tand  spaces ", "two lines and spaces"),
        ("bell\x07, escape\x1b[31m", "bell , escape [31m"),
        ("evil\u202etxt.exe", "evil txt.exe"),
        ("zero\u200bwidth\ufeff", "zero width"),
        ("half \ud83d pair", "half pair"),
        ("line\u2028separator", "line separator"),
        ("Größe 東京 🏳", "Größe 東京 🏳"),
    ],
)
def test_only_what_can_be_printed_on_one_line_is_told(raw, expected):
    assert clean(raw) == expected
    assert say(Outcome.FAIL, violations=[{"message": raw}]) == expected + END


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("abc def", 5, "abc…"),
        ("abcdef", 1, "…"),
        ("abcdef", 0, ""),
        ("🙂🙂🙂", 6, "🙂🙂🙂"),
        ("🙂🙂🙂", 5, "🙂🙂…"),
        ("🙂🙂🙂", 4, "🙂…"),
        ("ae\u0301e\u0301", 4, "ae\u0301…"),
        ("ae\u0301e\u0301", 3, "a…"),
        ("a👍🏽b", 5, "a…"),
        ("a👍🏽b", 4, "a…"),
        ("a🇩🇪b", 5, "a…"),
        ("a🇩🇪🇫🇷", 6, "a🇩🇪…"),
        ("a❤\ufe0fb", 3, "a…"),
        ("\u0301" * 9, 5, "…"),
    ],
)
def test_a_text_is_cut_between_whole_characters(text, room, expected):
    assert cut(text, room) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"fact": "image", "key": "ami-1"}, "image ami-1 is not known"),
        ({"fact": "image", "key": "ami-1", "reason": "not known"}, "image ami-1 is not known"),
        ({"fact": "image", "key": "ami-1", "reason": "denied"}, "image ami-1: denied"),
        ({"path": "resource.tags", "reason": "lost"}, "resource.tags: lost"),
        ({"path": "resource.tags"}, "resource.tags: not recorded"),
        ({"reason": "says neither"}, "says neither"),
        ({"other": 1}, "not recorded"),
    ],
)
def test_what_is_not_known_is_told_with_the_reason(entry, expected):
    assert gap(entry) == expected


# Letters, controls, bidirectional marks, joiners, marks, emoji, skin tones, flags, half surrogates.
ODD = st.text(
    st.sampled_from(
        "aé東 \n\x00\x1b\u202e\u2066\u200d\u200b\ufeff\u0301\u0308\u0e34\u093f\ufe0f🙂👍🏽🇩🇪👨\U000e0067\ud83d\udc4d\U0010ffff"
    )
)
TEXTS = st.text() | ODD | st.builds(str.__mul__, ODD, st.integers(1, 300))
PATHS = st.none() | TEXTS | st.lists(TEXTS | st.integers(), max_size=4)
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.lists(TEXTS, max_size=2)
VIOLATIONS = st.lists(
    st.builds(found, TEXTS.filter(bool), PATHS, VALUES) | st.builds(lambda text: {"message": text}, TEXTS),
    min_size=1,
    max_size=3,
)
GAPS = st.lists(
    st.dictionaries(st.sampled_from(["fact", "key", "path", "reason"]), TEXTS, min_size=1), min_size=1, max_size=3
)
EXEMPTIONS = st.dictionaries(st.sampled_from(["id", "ticket", "expires"]), TEXTS)


def is_well_formed(text):
    assert 1 <= utf16(text) <= ANNOTATION_CHARACTERS
    assert text.isprintable()
    text.encode()
    assert text.endswith(END)


@given(TEXTS, VIOLATIONS, GAPS, st.lists(TEXTS, min_size=1, max_size=3), EXEMPTIONS)
def test_an_annotation_has_1_to_256_printable_characters_and_ends_with_the_decision(
    title, violations, unknown, reasons, exemption
):
    is_well_formed(say(Outcome.PASS, title=title))
    is_well_formed(say(Outcome.FAIL, violations=violations))
    is_well_formed(say(Outcome.EXEMPT, violations=violations, exemption=exemption))
    is_well_formed(say(Outcome.NOT_APPLICABLE, reasons=reasons))
    is_well_formed(say(Outcome.UNDETERMINED, unknown=unknown))


@given(TEXTS, st.integers(1, 100_000))
def test_the_count_of_the_others_is_never_cut(message, count):
    text = say(Outcome.FAIL, violations=[{"message": message}] * count)
    more = f" (+{count - 1} more)" if count > 1 else ""
    assert text.endswith(more + END)


CHARACTER = re.compile(r"[\U0001f1e6-\U0001f1ff]{2}|(?s:.)")
TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"


def whole_characters(text):
    """As people see them, but for what is joined by signs that cannot be printed."""
    whole = []
    for character in CHARACTER.findall(text):
        if whole and (unicodedata.category(character[0]) in {"Mn", "Mc", "Me"} or character in TONES):
            whole[-1] += character
        else:
            whole.append(character)
    return whole


@given(TEXTS.map(clean), st.integers(0, 300))
def test_what_is_cut_begins_the_text_and_ends_with_a_whole_character(text, room):
    short = cut(text, room)
    assert utf16(short) <= room
    if short == text:
        return
    assert utf16(text) > room
    if room > 0:
        assert short.endswith("…")
    kept = whole_characters(short[:-1])
    assert whole_characters(text)[: len(kept)] == kept


@given(TEXTS)
def test_lengths_are_those_of_utf16(text):
    assert length(text) == utf16(text)


@given(TEXTS, st.sampled_from(["", END]))
def test_what_has_an_end_and_room_is_not_changed_but_for_space(text, end):
    said = fitted(text, end)
    plain = clean(text)
    if utf16(plain) + len(end) <= ANNOTATION_CHARACTERS:
        assert said == plain + end
    assert utf16(said) <= ANNOTATION_CHARACTERS
