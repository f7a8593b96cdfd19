"""Conditions hold, do not hold, or cannot be told: the third is taken for neither of the others."""

from __future__ import annotations

import pytest

from opalite.doctor.conditions import Judged, every, judged, some

ROLE = "arn:aws:iam::111111111111:role/path/function"
KNOWN = {"sts:externalid": ("abc",), "sts:sourceidentity": (), "aws:principalarn": (ROLE,), "aws:tagkeys": ("a", "b"),
         "aws:securetransport": ("true",), "aws:requesttag/team": ("blue",)}  # fmt: skip


@pytest.mark.parametrize(
    ("operator", "key", "values", "holds"),
    [
        ("StringEquals", "sts:ExternalId", "abc", True),
        ("StringEquals", "STS:EXTERNALID", ["x", "abc"], True),
        ("StringEquals", "sts:ExternalId", "ABC", False),
        ("StringEqualsIgnoreCase", "sts:ExternalId", "ABC", True),
        ("StringNotEqualsIgnoreCase", "sts:ExternalId", "ABC", False),
        ("StringEquals", "sts:ExternalId", "a*", False),
        ("StringLike", "sts:ExternalId", "a?c", True),
        ("StringLike", "sts:ExternalId", "[a]bc", False),
        ("StringNotLike", "sts:ExternalId", ["x*", "a*"], False),
        ("StringNotEquals", "sts:ExternalId", ["x", "y"], True),
        ("StringEquals", "sts:ExternalId", [], False),
        # What he does not have.
        ("StringEquals", "sts:SourceIdentity", "x", False),
        ("StringEqualsIfExists", "sts:SourceIdentity", "x", True),
        ("StringNotEquals", "sts:SourceIdentity", "x", True),
        ("StringEquals", "aws:RequestTag/Owner", "x", False),
        ("StringEquals", "aws:RequestTag/Team", "blue", True),
        ("StringEqualsIfExists", "sts:ExternalId", "x", False),
        ("Null", "sts:SourceIdentity", "true", True),
        ("Null", "sts:SourceIdentity", "false", False),
        ("Null", "sts:ExternalId", "false", True),
        # ARNs, part by part.
        ("ArnEquals", "aws:PrincipalArn", ROLE, True),
        ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/path/*", True),
        ("ArnLike", "aws:PrincipalArn", "arn:*:role/path/function", None),
        ("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/other", True),
        ("StringLike", "aws:PrincipalArn", "arn:*:role/path/function", True),
        # Several values.
        ("ForAnyValue:StringEquals", "aws:TagKeys", "b", True),
        ("ForAllValues:StringEquals", "aws:TagKeys", "b", False),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["a", "b", "c"], True),
        ("ForAllValues:StringEquals", "sts:SourceIdentity", "x", True),
        ("ForAnyValue:StringNotEquals", "sts:SourceIdentity", "x", False),
        ("Bool", "aws:SecureTransport", False, False),
        ("BoolIfExists", "aws:SecureTransport", "TRUE", True),
        # What nobody can tell.
        ("StringEquals", "aws:SourceVpc", "vpc-1", None),
        ("StringNotEquals", "aws:SourceVpc", "vpc-1", None),
        ("StringEqualsIfExists", "aws:SourceVpc", "vpc-1", None),
        ("Null", "aws:SourceVpc", "true", None),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", None),
        ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z", None),
        ("StringFuzzy", "sts:ExternalId", "abc", None),
        ("StringEquals", "sts:ExternalId", "${aws:username}", None),
        ("StringNotEquals", "sts:ExternalId", "${aws:username}", None),
        ("StringEquals", "sts:ExternalId", ["${aws:username}", "abc"], True),
        ("StringNotEquals", "sts:ExternalId", ["${aws:username}", "abc"], False),
    ],
)  # fmt: skip
def test_a_condition_holds_as_aws_says_or_cannot_be_told(operator, key, values, holds):
    told = judged({"Condition": {operator: {key: values}}}, KNOWN)
    assert told.holds is holds
    assert bool(told.why) is not bool(holds)


def test_a_statement_without_conditions_holds():
    assert judged({}, KNOWN) == Judged(holds=True)


def test_one_condition_is_enough_against_it_whatever_the_others_say():
    unknown = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    refused = {"StringEquals": {"sts:ExternalId": "secret-of-somebody", "sts:SourceIdentity": "me"}}
    assert judged({"Condition": {**unknown, **refused}}, KNOWN) == Judged(
        False, ("sts:ExternalId is another one", "sts:SourceIdentity is demanded, and the function has none")
    )
    assert judged({"Condition": unknown}, KNOWN) == Judged(None, ("IpAddress of aws:SourceIp",))


@pytest.mark.parametrize(
    ("found", "all_of", "one_of"),
    [
        ([], True, False), ([True, True], True, True), ([True, None], None, True), ([False, None], False, None),
        ([None], None, None), ([True, False, None], False, True),
    ],
)  # fmt: skip
def test_what_nobody_can_tell_spreads_only_where_it_matters(found, all_of, one_of):
    assert (every(found), some(found)) == (all_of, one_of)
