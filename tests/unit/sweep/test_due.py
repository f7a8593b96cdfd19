"""Which Config rules are evaluated anew: ours alone, and of these no more than need it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.catalog import Catalog, from_entries
from opalite.ports import Place
from opalite.sweep.due import Judged, Reason, Window, due, ours

OWN, MEMBER, STRANGER = "444455556666", "111122223333", "777788889999"
HERE, HOME = Place("aws", MEMBER, "eu-west-1"), Place("aws", OWN, "eu-west-1")
FUNCTION = f"arn:aws:lambda:eu-west-1:{OWN}:function:opalite"
COPY = "aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-3fa9zk"
WINDOW = Window("2026-11-28T04:00:00.000Z", "2026-11-29T04:00:00.000Z")
WITHIN = "2026-11-28T23:59:59Z"

PLAIN, TIMED, IDLE = "aws.s3.bucket.plain", "aws.s3.bucket.timed", "aws.s3.bucket.asleep"
TYPES = {"title": "t", "version": "1.0.0", "severity": "LOW", "resource_types": ["AWS::S3::Bucket"]}
CATALOG = Catalog(
    from_entries(
        {
            PLAIN: {**TYPES, "aliases": ["aws.s3.bucket.former"], "tags": ["simple"], "schedule": False},
            TIMED: {**TYPES, "tags": ["timed"], "schedule": True},
            IDLE: {**TYPES, "tags": ["dormant"], "schedule": True, "idle_without": ["required"]},
        },
        frozenset({IDLE}),
    )
)
JUDGED = Judged(
    function_arn=FUNCTION,
    listed=frozenset(),
    own_account=OWN,
    catalog=CATALOG,
    exemptions={},
    window=WINDOW,
    everything=False,
)


def arn(path=COPY, account=MEMBER):
    return f"arn:aws:config:eu-west-1:{account}:config-rule/{path}"


def rule(name="OrgConfigRule-opalite-lf3sbwf9", *, source=None, **members):
    """A Config rule as DescribeConfigRules tells it; a member that is None is left out."""
    told = {
        "ConfigRuleName": name,
        "ConfigRuleArn": arn(),
        "ConfigRuleId": "config-rule-3fa9zk",
        "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": FUNCTION, "SourceDetails": [], **(source or {})},
        "ConfigRuleState": "ACTIVE",
        "EvaluationModes": [{"Mode": "DETECTIVE"}],
        **members,
    }
    return {key: value for key, value in told.items() if value is not None}


def asking(name="rule", **parameters):
    return rule(name, InputParameters=json.dumps(parameters))


def exempted(policy_id, expires=WITHIN, **scope):
    return {policy_id: {"EX-1": {"scope": scope, "owner": "o", "ticket": "t", "reason": "r", "expires": expires}}}


def reasons(rules, judged=JUDGED, place=HERE, **changes):
    return due(list(rules), place, replace(judged, **changes))


# Whose Config rules


@pytest.mark.parametrize(
    "member",
    [
        {},
        {"ConfigRuleState": None, "EvaluationModes": None},
        {"ConfigRuleState": "EVALUATING"},
        {"EvaluationModes": [{"Mode": "PROACTIVE"}, {"Mode": "DETECTIVE"}]},
        {"source": {"SourceIdentifier": f"{FUNCTION}:live"}},
        {"source": {"SourceIdentifier": f"{FUNCTION}:12"}},
        {"InputParameters": "none that we take"},
    ],
)
def test_the_copies_of_an_organization_rule_that_name_the_function_are_ours(member):
    assert ours([rule(**member)], HERE, JUDGED) == [rule(**member)]


@pytest.mark.parametrize(
    "member",
    [
        {"ConfigRuleState": "DELETING"},
        {"ConfigRuleState": "DELETING_RESULTS"},
        {"EvaluationModes": [{"Mode": "PROACTIVE"}]},
        {"source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_VERSIONING_ENABLED"}},
        {"source": {"Owner": "CUSTOM_POLICY", "SourceIdentifier": None}},
        {"source": {"Owner": "AWS"}},
        {"source": {"SourceIdentifier": f"{FUNCTION}-sweep"}},
        {"source": {"SourceIdentifier": FUNCTION.replace(OWN, STRANGER)}},
        {"source": {"SourceIdentifier": FUNCTION.replace("eu-west-1", "eu-west-2")}},
        {"ConfigRuleName": None},
        {"ConfigRuleArn": None},
    ],
)
def test_the_rules_of_others_and_those_that_cannot_be_evaluated_are_not(member):
    assert ours([rule(**member)], HERE, JUDGED) == []
    assert ours([{key: value for key, value in rule().items() if key != "Source"}], HERE, JUDGED) == []


def test_a_rule_that_a_member_has_made_is_not_for_the_function_would_refuse_its_events():
    made = rule("mine", ConfigRuleArn=arn("config-rule-abc123"))
    assert ours([made], HERE, JUDGED) == []
    assert ours([made], HERE, replace(JUDGED, listed=frozenset({"mine"}))) == []
    assert ours([made], HERE, replace(JUDGED, listed=frozenset({made["ConfigRuleArn"]}))) == [made]


def test_a_name_that_is_listed_counts_in_the_functions_own_account():
    made = rule("mine", ConfigRuleArn=arn("config-rule-abc123", OWN))
    assert ours([made], HOME, replace(JUDGED, listed=frozenset({"mine"}))) == [made]
    assert ours([made], HOME, JUDGED) == []


# Which are due


def test_only_rules_whose_verdicts_time_or_facts_can_change_are_due_when_nothing_else_has():
    rules = [
        asking("both", policies=f"{PLAIN},{TIMED}"),
        asking("plain", policies=PLAIN),
        asking("former", policies="aws.s3.bucket.former"),
        asking("tagged", tags="timed"),
        asking("simple", tags="simple"),
        rule("all"),
        rule("empty", InputParameters=""),
        rule("object", InputParameters="{}"),
    ]
    assert reasons(rules) == dict.fromkeys(["all", "both", "empty", "object", "tagged"], Reason.TIME)
    assert list(reasons(reversed(rules))) == ["all", "both", "empty", "object", "tagged"]


def test_an_idle_policy_is_not_asked_so_time_does_not_change_it():
    rules = [
        asking("idle", policies=IDLE),
        asking("dormant", tags="dormant"),
        asking("plain", policies=f"{IDLE},{PLAIN}"),
    ]
    assert reasons(rules) == {}
    assert reasons(rules, exemptions=exempted(IDLE)) == {}


def test_after_a_change_of_policies_or_settings_every_rule_is_due_even_when_its_policy_is_idle_now():
    rules = [asking("idle", policies=IDLE), asking("plain", policies=PLAIN), rule("all")]
    assert reasons(rules, everything=True) == dict.fromkeys(["all", "idle", "plain"], Reason.DATA)


REFUSED = [
    '{"policies": "aws.s3.bucket.gone"}',
    '{"tags": "nothing-has-it"}',
    '{"bucket": "mine"}',
    '{"policies": ["aws.s3.bucket.timed"]}',
    '{"policies": null}',
    '{"policies": "aws.s3.bucket.timed", "policies": "aws.s3.bucket.plain"}',
    "[]",
    "null",
    '"timed"',
    "{",
    " ",
    '{"policies": "\ud800"}',
]


@pytest.mark.parametrize("parameters", REFUSED)
def test_a_rule_whose_parameters_the_function_refuses_is_never_due(parameters):
    asked = rule(InputParameters=parameters)
    for everything in (False, True):
        assert reasons([asked], exemptions=exempted(TIMED), everything=everything) == {}


@pytest.mark.parametrize("policy", [PLAIN, "aws.s3.bucket.former"])
def test_an_expired_exemption_makes_the_rules_of_its_policy_due(policy):
    rules = [asking("asks", policies=policy), asking("other", policies=IDLE), rule("all")]
    assert reasons(rules, exemptions=exempted(PLAIN, accounts=[MEMBER])) == {
        "all": Reason.EXEMPTION,
        "asks": Reason.EXEMPTION,
    }


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("2026-11-28T03:59:59.999Z", False),
        ("2026-11-28T04:00:00Z", False),  # that was in the window before
        ("2026-11-28T04:00:00.001Z", True),
        ("2026-11-28T04:00:00.001000Z", True),
        ("2026-11-28T06:00:00+02:00", False),
        ("2026-11-28T06:00:01+02:00", True),
        ("2026-11-29T04:00:00Z", True),
        ("2026-11-29T04:00:00.001Z", False),  # that will be in the next one
        ("2026-11-29T05:00:00Z", False),
        ("2026-11-28T23:30:00-05:00", False),
        ("2026-11-28T22:30:00-05:00", True),
    ],
)
def test_an_exemption_counts_in_exactly_one_window(expires, expected):
    found = reasons([asking(policies=PLAIN)], exemptions=exempted(PLAIN, expires))
    assert found == ({"rule": Reason.EXEMPTION} if expected else {})


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"accounts": [MEMBER]}, True),
        ({"accounts": [STRANGER, MEMBER], "regions": ["eu-west-1"]}, True),
        ({"accounts": [STRANGER]}, False),
        ({"accounts": [STRANGER], "organizational_units": ["ou-a"]}, False),
        ({"organizational_units": ["ou-a"]}, True),
        ({"resources": ["reports-*"]}, True),
        ({"regions": ["us-east-1"]}, True),
        ({}, True),
    ],
)
def test_an_exemption_of_other_accounts_is_none_here(scope, expected):
    found = reasons([asking(policies=PLAIN)], exemptions=exempted(PLAIN, **scope))
    assert found == ({"rule": Reason.EXEMPTION} if expected else {})


def test_one_of_several_exemptions_is_enough():
    entries = {
        **exempted(PLAIN, "2026-01-01T00:00:00Z")[PLAIN],
        "EX-2": {"scope": {"accounts": [STRANGER]}, "expires": WITHIN},
        "EX-3": {"scope": {"accounts": [MEMBER]}, "expires": WITHIN},
    }
    assert reasons([asking(policies=PLAIN)], exemptions={PLAIN: entries}) == {"rule": Reason.EXEMPTION}


def test_what_has_changed_most_is_the_reason():
    both = exempted(TIMED)
    assert reasons([asking(policies=TIMED)], exemptions=both) == {"rule": Reason.EXEMPTION}
    assert reasons([asking(policies=TIMED)], exemptions=both, everything=True) == {"rule": Reason.DATA}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


PARAMETERS = st.text() | st.builds(json.dumps, st.dictionaries(st.sampled_from(["policies", "tags", "x"]), JSON) | JSON)


@given(PARAMETERS, st.booleans())
def test_whatever_the_parameters_of_one_rule_are_the_others_are_found(parameters, everything):
    asked = [rule("own"), rule("odd", InputParameters=parameters)]
    found = reasons(ours(asked, HERE, JUDGED), everything=everything)
    assert found.keys() - {"odd"} == {"own"}
