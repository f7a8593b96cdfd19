"""A pattern that is accepted is one for OPA, too."""

from __future__ import annotations

import random
import subprocess

import orjson
import pytest

from opalite.patterns import is_pattern

GOOD = [
    "", "CC-[0-9]{4}", "a|b", "^a$", r"\Aa\z", "(?i)prod", "(?i:prod)|test", "(?P<team>[a-z]+)-x", r"[\w.+-]+@example\.com",
    "[[:alpha:]_]+", "[^]a]", "[*+]+", r"[\]\\]", r"\(?=a", "[(?=]x", r"\p{Lu}\pL[\p{Greek}]", r"\x41", r"a\{,3}", "a{2,}?", "ä+",
]  # fmt: skip
BAD = [
    "(", ")", "a)|(b", "*", "[a", "[b-a]", "(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<n>a)(?P=n)", "(?>a)", "(?#a)", "(?(1)a)",
    "(?x)a", "a++", "a*+", "a{2}+", "a{,3}", "a{1001}", "a{2,1001}", "a{2}{3}", "a{3,2}", r"\Z", r"\u0041", r"\N{DASH}", "\\",
    r"[\b]", r"\é", "[[:nope:]]", r"\8", "[a",
]  # fmt: skip
PIECES = [
    *"ab()[]{}?*+|^$.\\-,:1<>=!P",
    r"\d",
    r"\w",
    "[a-z]",
    "{2}",
    "{1,3}",
    "(?:",
    "(?i)",
    "(?=",
    r"\b",
    r"\z",
    r"\pL",
]


def accepted(pattern):
    try:
        return is_pattern(pattern)
    except ValueError:
        return False


@pytest.mark.parametrize("pattern", GOOD)
def test_what_python_and_re2_share_is_accepted(pattern):
    assert accepted(pattern)


@pytest.mark.parametrize("pattern", BAD)
def test_what_one_of_them_refuses_is_refused(pattern):
    assert not accepted(pattern)


def test_what_is_no_text_is_left_to_the_type():
    assert is_pattern(5)


def test_opa_takes_every_pattern_that_is_accepted(opa):
    chance = random.Random(20261123)  # noqa: S311 - to be the same each time
    patterns = GOOD + ["".join(chance.choices(PIECES, k=chance.randint(1, 7))) for _ in range(20_000)]
    patterns = [pattern for pattern in patterns if accepted(pattern)]
    query = "[pattern | some pattern in input; not regex.is_valid(pattern)]"
    done = subprocess.run(
        [opa.path, "eval", "--stdin-input", "--format", "raw", query], input=orjson.dumps(patterns), capture_output=True, check=True
    )  # fmt: skip
    assert orjson.loads(done.stdout) == []
    assert len(patterns) > 2000
