"""Rules that OPALITE_RULES lists and that are not there, and rules of the function that it does not list."""

from __future__ import annotations

from opalite.doctor import listed
from opalite.ports import Place
from unit.doctor.cloud import MEMBER, OWN, REGION

HERE, THERE = Place("aws", OWN, REGION), Place("aws", MEMBER, REGION)


def rule(name, place=HERE, path="config-rule-abcdef"):
    arn = f"arn:aws:config:{place.region}:{place.account_id}:config-rule/{path}"
    return {"ConfigRuleName": name, "ConfigRuleArn": arn}


def arn(place, name="config-rule-abcdef"):
    return f"arn:aws:config:{place.region}:{place.account_id}:config-rule/{name}"


def test_a_name_must_be_there_in_the_functions_own_account_and_an_arn_where_it_says():
    wanted = {
        "buckets",
        "volumes",
        arn(HERE),
        arn(HERE, "config-rule-xxxxxx"),
        arn(THERE),
        arn(HERE).replace("west", "north"),
    }
    assert listed.missing([rule("buckets")], wanted, HERE, OWN) == [arn(HERE, "config-rule-xxxxxx"), "volumes"]
    assert listed.missing([], wanted, THERE, OWN) == [arn(THERE)]
    assert listed.missing([rule("buckets", THERE)], wanted, THERE, OWN) == []


def test_what_is_neither_the_organizations_nor_listed_is_refused_as_the_function_does():
    service = "aws-service-rule/config-multiaccountsetup.amazonaws.com/config-rule-abcdef"
    pack = "aws-service-rule/config-conforms.amazonaws.com/config-rule-abcdef"
    rules = [rule("a", path=service), rule("b", path=pack), rule("c"), {"ConfigRuleName": "no ARN is told"}]
    assert listed.refused(rules, {"a"}, HERE, OWN) == ["b", "c"]
    assert listed.refused(rules, {"b", "c"}, HERE, OWN) == []
    assert listed.refused([rule("c", THERE)], {"c"}, THERE, OWN) == ["c"]
    assert listed.refused([rule("c", THERE)], {arn(THERE)}, THERE, OWN) == []
