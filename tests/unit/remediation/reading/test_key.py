"""Keys that AWS does not tell everything of."""

from __future__ import annotations

import pytest

from opalite.ports import Absent, Denied
from opalite.remediation.reading.key import keys

HOME = "arn:aws:kms:eu-west-1:123456789012"
ARN = f"{HOME}:key/0a8d3c5e"
FIT = {
    "KeyManager": "CUSTOMER",
    "KeyState": "Enabled",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "Origin": "AWS_KMS",
}


class Aws:
    """Both services; an answer may be an exception."""

    def __init__(self, **answers):
        self.answers = {
            "ListAliases": {"Aliases": []},
            "GetResources": {"ResourceTagMappingList": []},
            "ListResourceTags": {"Tags": []},
            "DescribeKey": {"KeyMetadata": FIT},
            "GetKeyPolicy": {"Policy": '{"Version": "2012-10-17", "Statement": []}'},
            **answers,
        }

    def ask(self, operation, **parameters):
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def pages(self, operation, **parameters):
        yield self.ask(operation, **parameters)


class Terms:
    """`ours`: whether the policy is that of keys that were made here."""

    def __init__(self, ours, against):
        self._ours, self._against = ours, against

    def is_ours(self, document):
        return document is not None and self._ours

    def against(self, document):
        return self._against


def alias(name, key_id="0a8d3c5e"):
    return {"AliasName": name, "AliasArn": f"{HOME}:{name}", **({"TargetKeyId": key_id} if key_id else {})}


def read(*, ours=True, against="", **answers):
    aws = Aws(**answers)
    return keys(lambda _: aws, aliases="alias/opalite/s3", tag="purpose", terms=Terms(ours, against))


LISTED = {"Aliases": [alias("alias/opalite/s3"), alias("alias/data"), alias("alias/aws/s3", None)]}
PLAIN = {"arn": ARN, "aliases": ["alias/opalite/s3"], "tag": None, "unusable": "", "rotates": None, "named": []}


LATER = f"{HOME}:key/0a8d3c5f"
TAGGED = {"ResourceTagMappingList": [{"ResourceARN": ARN, "Tags": [{"Key": "purpose", "Value": "x"}]}]}
OURS = {"Tags": [{"TagKey": "team", "TagValue": "y"}, {"TagKey": "purpose", "TagValue": "x"}]}


def test_a_key_without_an_alias_is_found_by_its_tag():
    rotation = {"KeyRotationEnabled": False}
    assert read(GetResources=TAGGED, ListResourceTags=OURS, GetKeyRotationStatus=rotation) == [
        {**PLAIN, "aliases": [], "tag": "x", "rotates": False}
    ]


def test_the_tag_is_known_before_the_tagging_service_has_heard_of_the_key():
    rotation = {"KeyRotationEnabled": True}
    assert read(ListAliases=LISTED, ListResourceTags=OURS, GetKeyRotationStatus=rotation) == [
        {**PLAIN, "tag": "x", "rotates": True}
    ]


def test_a_key_whose_tags_nobody_may_see_is_none_of_ours():
    assert read(ListAliases=LISTED, ListResourceTags=Denied("no")) == [PLAIN]


def test_other_aliases_and_those_without_a_key_are_left_out():
    assert read(ListAliases=LISTED) == [PLAIN]


def test_a_key_that_is_gone_but_still_listed_by_its_tag_is_left_out():
    assert read(GetResources=TAGGED, DescribeKey=Absent("NotFoundException")) == []


@pytest.mark.parametrize("answer", [Denied("no"), {"Policy": "{"}, {"Policy": '{"Statement": 1}'}])
def test_whom_a_policy_names_that_cannot_be_read_is_not_known(answer):
    unread = {**PLAIN, "named": None, "unusable": "its policy cannot be read"}
    assert read(ListAliases=LISTED, GetKeyPolicy=answer) == [unread]


def test_a_key_that_cannot_encrypt_is_told_with_why():
    metadata = {"KeyMetadata": {**FIT, "KeyState": "PendingDeletion", "KeySpec": "RSA_2048"}}
    assert read(ListAliases=LISTED, DescribeKey=metadata) == [
        {**PLAIN, "unusable": "KeyState PendingDeletion, KeySpec RSA_2048", "named": None}
    ]


def test_those_who_may_do_something_else_are_not_named():
    statements = """{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "a"}, "Action": "kms:Describe*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": "b"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "c", "Service": "s.amazonaws.com"}, "Action": "kms:Dec*", "Resource": "*"},
        {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*",
         "Condition": {"StringEquals": {"kms:CallerAccount": "123456789012"}}}
    ]}"""
    [key] = read(ListAliases=LISTED, GetKeyPolicy={"Policy": statements})
    assert key["named"] == ["c", "s.amazonaws.com"]


def test_what_speaks_against_the_policy_of_a_key_is_told():
    assert read(ListAliases=LISTED, against="its policy has a Deny") == [{**PLAIN, "unusable": "its policy has a Deny"}]


def test_a_tag_makes_no_key_ours():
    assert read(GetResources=TAGGED, ListResourceTags=OURS, ours=False) == []
    assert read(ListAliases=LISTED, ListResourceTags=OURS, ours=False) == [PLAIN]


@pytest.mark.parametrize("member", [{"Origin": "EXTERNAL"}, {"Origin": "EXTERNAL_KEY_STORE"}, {"KeyState": "Disabled"}])
def test_a_key_whose_material_others_have_or_that_does_not_work_is_not_found_by_its_tag(member):
    assert read(GetResources=TAGGED, ListResourceTags=OURS, DescribeKey={"KeyMetadata": {**FIT, **member}}) == []


def test_a_tagged_key_that_nobody_may_look_at_is_passed_over():
    assert read(GetResources=TAGGED, DescribeKey=Denied("no")) == []


def test_a_key_behind_the_alias_that_nobody_may_look_at_is_told():
    hidden = {**PLAIN, "unusable": "nobody may look at it", "named": None}
    assert read(ListAliases=LISTED, DescribeKey=Denied("no")) == [hidden]


def test_of_keys_that_were_left_only_the_first_is_told():
    two = {"ResourceTagMappingList": [{"ResourceARN": arn, "Tags": []} for arn in (LATER, ARN)]}
    rotation = {"KeyRotationEnabled": True}
    assert read(GetResources=two, ListResourceTags=OURS, GetKeyRotationStatus=rotation) == [
        {**PLAIN, "aliases": [], "tag": "x", "rotates": True}
    ]


def test_whether_a_key_rotates_may_be_unknown():
    assert read(ListAliases=LISTED, ListResourceTags=OURS, GetKeyRotationStatus=Denied("no")) == [{**PLAIN, "tag": "x"}]
