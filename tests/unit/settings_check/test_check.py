"""Every fault and everything idle in settings is told, each by its name, with file, place and remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from opalite.settings_check.check import check
from opalite.settings_check.layers import Layer
from opalite.settings_check.places import one_slip
from opalite.settings_check.remark import Level, Remark

ID, OTHER, OLD = "aws.a.b.level", "aws.a.b.ports", "aws.a.b.retired"
POLICIES = {
    ID: {
        "aliases": ["aws.a.b.grade"],
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "level": {"enum": ["any", "kms"], "description": "how good"},
                "keys": {"description": "reason by key", "additionalProperties": {"additionalProperties": False}},
            },
        },
    },
    OTHER: {},
    OLD: {"deprecated": True},
}
AT = datetime(2026, 11, 23, tzinfo=UTC)
ONE, TWO, THREE = "111111111111", "222222222222", "333333333333"
UNIT, SLIP = "ou-ab12-cd34ef56", "ou-ab12-cd34ef65"


def told(*layers, used=None, soon=30) -> list[Remark]:
    layers = tuple(layer if isinstance(layer, Layer) else Layer("s.yaml", layer) for layer in layers)
    return check(layers, POLICIES, at=AT, soon=timedelta(days=soon), used=used)


def overrides(*entries, default=None) -> dict:
    return {"parameters": {ID: {"default": default or {}, "overrides": list(entries)}}}


def exemption(expires="2027-06-01T00:00:00Z", **scope) -> dict:
    texts = {"owner": "platform", "ticket": "SEC-1", "reason": "bastion", "expires": expires}
    return {"scope": scope or {"accounts": [ONE]}, **texts}


def exemptions(**by_name) -> dict:
    return {"exemptions": {ID: by_name}}


def test_settings_that_all_do_something_get_no_remark():
    entries = [
        {"accounts": [ONE], "set": {"level": "any"}},
        {"accounts": [ONE], "regions": ["eu-west-1", "us-gov-west-1", "global"], "set": {"level": "kms"}},
        {"accounts": [TWO], "set": {"level": "any"}},
        {"accounts": [ONE, TWO], "set": {"keys": {}}},
        {"organizational_units": [UNIT, "r-ab12"], "set": {"level": "any"}},
    ]
    documents = [overrides(*entries), exemptions(a=exemption(), b=exemption(organizational_units=[UNIT]))]
    assert told(*documents, {}, {"stages": {"*": {"default": {"stage": "audit"}}}}, used=[(ID, "a"), (ID, "b")]) == []


def test_all_faults_are_told_and_not_the_first_alone():
    found = told(
        {
            "parameters": {ID: {"default": {"level": "all", "levle": "any"}, "overrides": [{"set": {}}]}, "aws.a.b.x": {}},
            "exemptions": {ID: {"EX-1": {"scope": {}}}},
            "stage": {},
        }
    )  # fmt: skip
    assert [(remark.level, remark.name, remark.place) for remark in found] == [
        ("error", "unknown_key", "stage"),
        ("error", "no_scope", f"parameters.{ID}.overrides[0]"),
        ("error", "unknown_parameter", f"parameters.{ID}.default"),
        ("error", "wrong_value", f"parameters.{ID}.default.level"),
        ("error", "unknown_policy", "parameters.aws.a.b.x"),
        ("error", "missing_text", f"exemptions.{ID}.EX-1.owner"),
        ("error", "missing_text", f"exemptions.{ID}.EX-1.ticket"),
        ("error", "missing_text", f"exemptions.{ID}.EX-1.reason"),
        ("error", "missing_text", f"exemptions.{ID}.EX-1.expires"),
        ("error", "no_scope", f"exemptions.{ID}.EX-1.scope"),
        ("warning", "sets_nothing", f"parameters.{ID}.overrides[0]"),
    ]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"parameters": {"aws.a.b.levels": {}}},
            ("unknown_policy", "parameters.aws.a.b.levels", "there is no such policy", f"did you mean {ID}? `opalite policies list` shows them"),
        ),
        (
            {"stages": {"custom.x.y.z": {}}},
            ("unknown_policy", "stages.custom.x.y.z", "there is no such policy", "`opalite policies list` shows them; one of your own needs `--bundle`"),
        ),
        (
            {"parameters": {"aws.a.b.grade": {}}},
            ("former_id", "parameters.aws.a.b.grade", "there is no such policy", f"this is the former id of {ID}: write that"),
        ),
        (
            {"parameters": {ID: {"default": {"levle": "any"}}}},
            ("unknown_parameter", f"parameters.{ID}.default", "Additional properties are not allowed ('levle' was unexpected)", "did you mean level? there are level, keys"),
        ),
        (
            {"parameters": {ID: {"default": {"colour": "red"}}}},
            ("unknown_parameter", f"parameters.{ID}.default", "Additional properties are not allowed ('colour' was unexpected)", "there are level, keys"),
        ),
        (
            {"parameters": {OTHER: {"default": {"x": 1}}}},
            ("unknown_parameter", f"parameters.{OTHER}.default", "Additional properties are not allowed ('x' was unexpected)", "the policy has no parameters"),
        ),
        (
            {"parameters": {ID: {"default": {"level": True}}}},
            ("wrong_value", f"parameters.{ID}.default.level", "True is not one of ['any', 'kms'] (in YAML put yes, no, on, off in quotes)", "wanted: how good"),
        ),
        (
            {"parameters": {ID: {"overrides": [{"accounts": ["1"], "set": {"level": "any"}}]}}},
            ("wrong_account", f"parameters.{ID}.overrides[0].accounts", "'1' is not an account id of 12 digits", ""),
        ),
        (
            exemptions(a=exemption(tags={"data": "public"})),
            ("tags_alone", f"exemptions.{ID}.a.scope.tags", "also name accounts or organizational_units, for whoever may tag a resource could exempt it", ""),
        ),
        (
            {"parameters": {ID: {"default": {"keys": {"x": {"levle": 1}}}}}},
            ("unknown_parameter", f"parameters.{ID}.default.keys.x", "Additional properties are not allowed ('levle' was unexpected)", "wanted: reason by key"),
        ),
        (
            exemptions(a=exemption(expires=" ")),
            ("missing_text", f"exemptions.{ID}.a.expires", "is missing", "every exemption names owner, ticket, reason, expires (times and numbers in quotes)"),
        ),
        (
            exemptions(a=exemption(expires="2027-01-01")),
            ("wrong_time", f"exemptions.{ID}.a.expires", "'2027-01-01' is not a time like \"2027-03-31T00:00:00Z\"", ""),
        ),
    ],
)  # fmt: skip
def test_an_error_says_where_what_and_what_to_do(document, expected):
    assert told(document) == [Remark(Level.ERROR, *expected, file="s.yaml")]


def test_what_cannot_be_read_is_an_error_with_its_line():
    layers = [
        Layer("a.yaml", {}, unreadable="3: the key 'x' is given twice"),
        Layer("b.json", {}, unreadable="cannot be read"),
    ]
    assert told(*layers) == [
        Remark(Level.ERROR, "unreadable", "line 3", "the key 'x' is given twice", "", "a.yaml"),
        Remark(Level.ERROR, "unreadable", "", "cannot be read", "", "b.json"),
    ]


def test_the_worst_comes_first_then_the_order_of_the_files():
    late, soon = exemptions(a=exemption("2026-01-01T00:00:00Z")), exemptions(b=exemption("2026-11-25T00:00:00Z"))
    found = told(Layer("1", soon), Layer("2", late), Layer("3", {"x": {}}), Layer("4", {"y": {}}))
    assert [(remark.level, remark.file) for remark in found] == [
        ("error", "3"),
        ("error", "4"),
        ("warning", "2"),
        ("notice", "1"),
    ]


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("2026-11-22T23:59:59Z", (Level.WARNING, "expired", "expired on 2026-11-22T23:59:59Z: it excuses nothing any more", "remove it, or have it approved for longer")),
        ("2026-11-23T00:00:00Z", (Level.WARNING, "expired", "expired on 2026-11-23T00:00:00Z: it excuses nothing any more", "remove it, or have it approved for longer")),
        ("2026-11-23T02:00:00+02:00", (Level.WARNING, "expired", "expired on 2026-11-23T02:00:00+02:00: it excuses nothing any more", "remove it, or have it approved for longer")),
        ("2026-11-23T00:00:01Z", (Level.NOTICE, "expires_soon", "expires on 2026-11-23T00:00:01Z, in less than a day", "repair what it excuses until then, or have it approved for longer")),
        ("2026-11-24T00:00:00Z", (Level.NOTICE, "expires_soon", "expires on 2026-11-24T00:00:00Z, in 1 day", "repair what it excuses until then, or have it approved for longer")),
        ("2026-12-23T00:00:00Z", (Level.NOTICE, "expires_soon", "expires on 2026-12-23T00:00:00Z, in 30 days", "repair what it excuses until then, or have it approved for longer")),
        ("2026-12-23T00:00:00.5Z", None),
    ],
)  # fmt: skip
def test_exemptions_that_have_expired_or_will_soon(expires, expected):
    found = told(exemptions(a=exemption(expires)))
    if expected is None:
        assert found == []
        return
    level, name, what, remedy = expected
    assert found == [Remark(level, name, f"exemptions.{ID}.a.expires", what, remedy, "s.yaml")]


def test_exemptions_that_excused_nothing_are_told_where_decisions_are_known():
    document = exemptions(a=exemption(), b=exemption(), late=exemption("2026-01-01T00:00:00Z"))
    what, remedy = (
        "excused nothing in the decisions of --evaluated",
        "remove it, if these decisions were about all that it is for",
    )
    assert told(document, used=[(ID, "a"), (OTHER, "b")]) == [
        Remark(Level.WARNING, "unused", f"exemptions.{ID}.b", what, remedy, "s.yaml"),
        Remark(
            Level.WARNING, "expired", f"exemptions.{ID}.late.expires",
            "expired on 2026-01-01T00:00:00Z: it excuses nothing any more", "remove it, or have it approved for longer", "s.yaml",
        ),
    ]  # fmt: skip


def test_an_exemption_that_a_later_file_renews_has_not_expired():
    old, new = exemptions(a=exemption("2026-01-01T00:00:00Z")), exemptions(a=exemption())
    assert told(Layer("old", old), Layer("new", new)) == []
    assert [remark.file for remark in told(Layer("new", new), Layer("old", old))] == ["old"]


def test_an_override_that_a_later_one_for_the_same_scope_beats_never_wins():
    first = {"accounts": [ONE], "set": {"level": "any"}}
    found = told(overrides(first, {"accounts": [TWO, ONE], "set": {"level": "kms"}}))
    assert found == [
        Remark(
            Level.WARNING, "never_wins", f"parameters.{ID}.overrides[0]",
            "never wins: of entries for the same accounts, units and Regions the last one wins, overrides[1]",
            "remove one of them", "s.yaml",
        )
    ]  # fmt: skip
    assert told(overrides(first, first)) == found


def test_an_override_for_a_unit_and_one_for_a_region_are_two_whatever_their_names():
    entries = [{"organizational_units": ["x"], "set": {"level": "any"}}, {"regions": ["x"], "set": {"level": "kms"}}]
    assert [remark.name for remark in told(overrides(*entries))] == ["no_unit", "no_region"]


def test_an_override_may_lose_a_key_alone_or_to_several():
    entries = [
        {"accounts": [ONE, TWO], "set": {"level": "any", "keys": {}}},
        {"accounts": [ONE], "set": {"level": "kms"}},
        {"accounts": [TWO], "set": {"level": "kms"}},
    ]
    assert [(remark.name, remark.what) for remark in told(overrides(*entries))] == [
        (
            "never_wins",
            "never wins for level: of entries for the same accounts, units and Regions the last one wins, overrides[1] and overrides[2]",
        )
    ]


@pytest.mark.parametrize(
    "later",
    [
        {"accounts": [ONE], "set": {"level": "kms"}},  # not for TWO
        {"accounts": [ONE, TWO], "set": {"keys": {}}},  # another key
        {"accounts": [ONE, TWO], "regions": ["eu-west-1"], "set": {"level": "kms"}},  # narrower
        {"regions": ["eu-west-1"], "set": {"level": "kms"}},  # wider
        {"accounts": [THREE], "set": {"level": "kms"}},
    ],
)
def test_an_override_that_wins_somewhere_is_left_alone(later):
    assert told(overrides({"accounts": [ONE, TWO], "set": {"level": "any"}}, later)) == []


def test_overrides_of_stages_are_looked_at_too():
    entry = {"regions": ["eu-west-1"], "set": {"stage": "off"}}
    found = told({"stages": {"*": {"overrides": [entry, entry, {"regions": ["eu-west-2"], "set": {}}]}}})
    assert [(remark.name, remark.place) for remark in found] == [
        ("never_wins", "stages.*.overrides[0]"),
        ("sets_nothing", "stages.*.overrides[2]"),
    ]


def test_overrides_that_a_later_file_replaces_are_not_in_force():
    first, second = {"accounts": [ONE], "set": {"level": "any"}}, {"accounts": [TWO], "set": {"level": "any"}}
    layers = [
        Layer("a", overrides(first)),
        Layer("b", {"parameters": {ID: {"overrides": []}}}),
        Layer("c", overrides(second)),
    ]
    what = "not in force: c gives overrides too, and they replace these whole"
    place = f"parameters.{ID}.overrides"
    assert told(*layers) == [
        Remark(Level.NOTICE, "replaced", place, what, "keep them in one file, or repeat them there", "a")
    ]
    assert (
        told(Layer("a", overrides(first)), {"stages": {ID: {"overrides": [second | {"set": {"stage": "off"}}]}}}) == []
    )
    twice = Layer("a", overrides(first, first))
    assert [remark.name for remark in told(twice, Layer("b", overrides(second)))] == ["replaced"]
    for elsewhere in ({"parameters": {OTHER: {"overrides": []}}}, {"parameters": {ID: {"default": {"level": "any"}}}}):
        assert [remark.name for remark in told(twice, Layer("b", elsewhere))] == ["never_wins"]


def test_settings_of_a_retired_policy_are_told():
    assert told({"parameters": {OLD: {"default": {}}}}) == [
        Remark(
            Level.NOTICE, "retired", f"parameters.{OLD}", "the policy is retired",
            "`opalite policies show` says why; move these settings to what replaces it", "s.yaml",
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    "unit", ["ou-ab12-cd34ef5", "ou-ab1-cd34ef56", "OU-ab12-cd34ef56", "ab12", "r-1", "ou_ab12_cd34ef56", "r-ab12 "]
)
def test_what_has_not_the_shape_of_a_unit_matches_nothing(unit):
    remedy = "write ids like ou-ab12-cd34ef56 or r-ab12, as AWS Organizations shows them"
    place = f"parameters.{ID}.overrides[0].organizational_units[1]"
    other = "ou-zzzz-99999999"
    assert told(overrides({"organizational_units": [other, unit], "set": {"level": "any"}})) == [
        Remark(
            Level.WARNING,
            "no_unit",
            place,
            f"{unit!r} is no organizational unit, so it matches nothing",
            remedy,
            "s.yaml",
        )
    ]


def test_the_unit_that_was_probably_meant_is_named():
    found = told(overrides({"organizational_units": [UNIT, "ou-ab12-cd34ef5"], "set": {"level": "any"}}))
    assert [remark.remedy.partition("? ")[0] for remark in found] == [f"did you mean {UNIT}"]


def test_a_unit_that_is_another_but_for_a_slip_is_told_where_it_is_rarer():
    documents = [
        exemptions(a=exemption(organizational_units=[SLIP]), b=exemption(organizational_units=[UNIT])),
        overrides({"organizational_units": [UNIT], "set": {"level": "any"}}),
    ]
    what = f"{SLIP} matches nothing if it is a misspelt {UNIT}, which is named twice"
    remedy = "correct it, or else look which of the two there is"
    expected = Remark(
        Level.WARNING, "unit_typo", f"exemptions.{ID}.a.scope.organizational_units[0]", what, remedy, "s.yaml"
    )
    assert told(*documents) == [expected]
    known = Layer("known", documents[1], checked=False)
    only = exemptions(a=exemption(organizational_units=[SLIP]))
    assert [remark.what for remark in told(known, only)] == [what.replace("twice", "once")]
    assert told(Layer("known", documents[0], checked=False), documents[1]) == []


def test_a_unit_is_not_held_against_what_is_none():
    none = UNIT[:-1]
    entries = [
        {"organizational_units": [none], "regions": [name], "set": {"level": "any"}}
        for name in ("eu-west-1", "eu-west-2")
    ]
    found = told(overrides(*entries, {"organizational_units": [UNIT], "set": {"level": "any"}}))
    assert [(remark.name, remark.place) for remark in found] == [
        ("no_unit", f"parameters.{ID}.overrides[0].organizational_units[0]"),
        ("no_unit", f"parameters.{ID}.overrides[1].organizational_units[0]"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("abcd", "abcd", False),
        ("abcd", "abxd", True),
        ("abcd", "abdc", True),
        ("abcd", "bacd", True),
        ("abcd", "acbd", True),
        ("abcd", "abc", True),
        ("abcd", "bcd", True),
        ("abd", "abcd", True),
        ("abcd", "axcx", False),
        ("abcd", "cbad", False),
        ("abcd", "abxy", False),
        ("abcd", "bcad", False),
        ("abcd", "badc", False),
        ("abcd", "ab", False),
        ("abcd", "dab", False),
    ],
)
def test_one_slip(first, second, same):
    assert one_slip(first, second) is same
    assert one_slip(second, first) is same


@pytest.mark.parametrize("region", ["eu-west", "EU-WEST-1", "Ireland", "eu_west_1", "*"])
def test_what_has_not_the_shape_of_a_region_matches_nothing(region):
    found = told(exemptions(a=exemption(accounts=[ONE], regions=[region])))
    remedy = "write it like eu-west-1 (`global` for IAM and the like)"
    assert found == [
        Remark(
            Level.WARNING, "no_region", f"exemptions.{ID}.a.scope.regions[0]",
            f"{region!r} is no Region, so it matches nothing", remedy, "s.yaml",
        )
    ]  # fmt: skip


def test_layers_that_are_not_checked_are_silent():
    bad = {
        **overrides({"organizational_units": ["x"], "set": {}}),
        "exemptions": {ID: {"a": exemption("2026-01-01T00:00:00Z")}},
    }
    assert told(Layer("known", {**bad, "stages": {OLD: {}}, "x": {}}, checked=False), used=[]) == []


@pytest.mark.parametrize(
    "document",
    [
        [],
        None,
        {"parameters": [], "exemptions": 1, "stages": "x"},
        {
            "parameters": {ID: [], OTHER: {"overrides": {}}},
            "exemptions": {ID: {"a": [], "b": {"scope": [], "expires": 1}}},
        },
        {"parameters": {ID: {"overrides": [1, {"accounts": 1, "set": {"level": "any"}}, {"accounts": [1], "set": 1}]}}},
        {"exemptions": {ID: {"a": {"scope": {"organizational_units": [1], "regions": "x"}, "expires": "never"}}}},
    ],
)
def test_what_is_of_no_shape_at_all_gives_errors_and_nothing_else(document):
    found = told(document, used=[])
    assert found
    assert {remark.level for remark in found} <= {Level.ERROR, Level.WARNING}
    assert found[0].level is Level.ERROR
    assert {remark.name for remark in found if remark.level is Level.WARNING} <= {"unused"}
