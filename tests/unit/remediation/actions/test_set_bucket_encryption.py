"""The plan of set_bucket_encryption, for every state that there may be."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from opalite.normalize.policy import policy
from opalite.remediation.actions.set_bucket_encryption import ACTION, plan, simulated
from opalite.remediation.planning.new_bucket_key import key_policy
from opalite.remediation.reading.bucket import bucket_item
from unit.remediation.actions import cases
from unit.remediation.actions.cases import ACCOUNT, REGION, target
from unit.remediation.actions.forms import check_steps

OTHER = "444455556666"
ARN, ARN2 = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a8d3c5e-{number}" for number in ("1111", "2222"))
FOREIGN = f"arn:aws:kms:{REGION}:{OTHER}:key/0a8d3c5e-3333"
ALIAS = "alias/opalite/s3"
READER = f"arn:aws:iam::{OTHER}:root"
TARGET = target("aws.s3.bucket.encryption", "AWS::S3::Bucket", "invoices.example.com")
ALL = ["create_key", "name_key", "rotate_key", "encrypt_bucket"]


def rule(algorithm="AES256", key=None, *, bucket_key=False, **more):
    default = {"SSEAlgorithm": algorithm} | ({"KMSMasterKeyID": key} if key else {})
    return {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key, **more}


def key(arn=ARN, **members):
    plain = {"arn": arn, "aliases": [ALIAS], "tag": ALIAS, "unusable": "", "rotates": True, "named": ["*"]}
    return {**plain, **members}


def details(**members):
    plain = {
        "rules": [rule()],
        "statements": [],
        "unreadable": "",
        "replication": [],
        "website": False,
        "grants": [],
        "acls": False,
        "public_acls_ignored": False,
        "keys": [],
    }
    return {**plain, **members}


def statements(*given_statements):
    return policy({"Version": "2012-10-17", "Statement": list(given_statements)})["statements"]


def allow(principal, action="s3:GetObject", **more):
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", **more}


def planned(state: dict[str, Any], subjects=("encryption",), **parameters: Any):
    return plan(found(state, subjects, parameters))


def found(state, subjects, parameters):
    body = bucket_item(TARGET, state["rules"], {"team": "billing"})
    violations = [{"message": "", "subject": subject, "evidence": {}} for subject in subjects]
    return cases.found(ACTION, TARGET, state, item=body, violations=violations, **parameters)


def names(made):
    return [step.name for step in made.steps]


def put(made):
    return made.steps[-1].call.parameters["ServerSideEncryptionConfiguration"]["Rules"]


def test_all_is_done_where_there_is_nothing():
    made = planned(details())
    assert names(made) == ALL
    assert put(made) == [rule("aws:kms", {"$output": "key_arn"}, bucket_key=True)]


def test_what_an_attempt_has_left_is_gone_on_with():
    assert names(planned(details(keys=[key(aliases=[], rotates=False)]))) == ALL[1:]
    assert names(planned(details(keys=[key(rotates=False)]))) == ALL[2:]
    assert names(planned(details(keys=[key()]))) == ALL[3:]


def test_a_key_that_people_made_is_not_rotated():
    assert names(planned(details(keys=[key(tag=None, rotates=None)]))) == ["encrypt_bucket"]


def test_a_key_of_another_alias_is_not_taken():
    assert names(planned(details(keys=[key(aliases=[], tag=f"{ALIAS}-logs")]))) == ALL


def test_a_key_that_is_going_to_be_deleted_is_not_taken_for_one_that_was_left():
    assert names(planned(details(keys=[key(aliases=[], unusable="KeyState PendingDeletion")]))) == ALL


def test_what_else_stands_in_the_rule_stays():
    blocked = {"BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]}}
    made = planned(details(keys=[key()], rules=[rule(**blocked)]))
    assert put(made) == [rule("aws:kms", ARN, bucket_key=True, **blocked)]
    assert made.steps[-1].inverse.parameters["ServerSideEncryptionConfiguration"]["Rules"] == [rule(**blocked)]


def test_two_layers_stay_two_layers():
    made = planned(details(keys=[key()], rules=[rule("aws:kms:dsse")]))
    assert put(made) == [rule("aws:kms:dsse", ARN)]


def test_a_bucket_without_a_rule_is_undone_by_deleting_it():
    made = planned(details(rules=None, keys=[key()]))
    assert made.steps[-1].inverse.operation == "DeleteBucketEncryption"


def test_where_only_the_bucket_key_is_off_the_key_stays():
    made = planned(details(rules=[rule("aws:kms", FOREIGN)], website=True), ("bucket_key",))
    assert (names(made), put(made)) == (["encrypt_bucket"], [rule("aws:kms", FOREIGN, bucket_key=True)])
    assert names(planned(details(rules=[rule("aws:kms", FOREIGN, bucket_key=True)]), ("bucket_key",))) == []


def test_the_key_of_the_settings_wins():
    made = planned(details(keys=[key()]), ("key",), key_arn=FOREIGN)
    assert names(made) == ["check_key", "encrypt_bucket"]
    assert put(made) == [rule("aws:kms", FOREIGN, bucket_key=True)]


@pytest.mark.parametrize(
    "arn",
    [
        "alias/data",
        f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1",
        f"arn:aws-cn:kms:eu-west-1:{ACCOUNT}:key/1",
        f"{ARN}:x",
    ],
)
def test_a_key_of_another_region_or_form_is_refused(arn):
    assert planned(details(), key_arn=arn).refusal == (
        "key_arn is not the ARN of a key in eu-west-1: S3 takes keys of the bucket's Region only"
    )


def test_no_key_is_made_where_the_policy_names_keys():
    assert planned(details(rules=[rule("aws:kms", ARN2, bucket_key=True)]), ("key",)).refusal == (
        "the policy allows certain keys only: name one in key_arn, or give it the alias alias/opalite/s3"
    )


def test_what_is_mended_already_is_told():
    state = details(rules=[rule("aws:kms", ARN, bucket_key=True)], keys=[key()])
    assert planned(state).refusal.startswith("the bucket is encrypted as this action does it")


@pytest.mark.parametrize("rules", [[], [rule(), rule()]])
def test_strange_rules_are_refused(rules):
    assert planned(details(rules=rules)).refusal == (
        f"the bucket has {len(rules)} encryption rules, where S3 knows one: set its encryption by hand"
    )


@pytest.mark.parametrize("subjects", [(), ("encryption", "something new")])
def test_violations_that_nobody_knows_are_refused(subjects):
    assert planned(details(), subjects).refusal.startswith("the policy tells something")


CLOUDFRONT = "cloudfront.amazonaws.com"
OAI = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1EXAMPLE"
OWN = {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg"}}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (allow("*"), "lets everybody read or write"),
        (allow("*", Condition=ORGANIZATION), "lets everybody read or write"),
        (allow({"AWS": [f"arn:aws:iam::{ACCOUNT}:role/App", READER]}), f"lets {READER} read or write"),
        (allow({"AWS": OTHER}, "s3:Put*"), f"lets {OTHER} read or write"),
        (allow({"AWS": "AROAEXAMPLE"}), "lets AROAEXAMPLE read or write"),
        (allow({"Service": CLOUDFRONT}), "let the distribution use the key"),
        (allow({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}, "s3:PutObject"), "SSE-S3 only"),
        (allow({"Service": "delivery.logs.amazonaws.com"}, "s3:PutObject"), "SSE-S3 only"),
        (allow({"Service": "logging.s3.amazonaws.com"}, "s3:PutObject"), "let it use the key"),
        (allow({"AWS": OAI}), "change to origin access control"),
        (allow({"CanonicalUser": "0123"}), "change to origin access control"),
        (allow({"Federated": "accounts.example.com"}), "lets accounts.example.com read or write"),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": OTHER}, "Action": "*", "Resource": "*"}, "lets everybody read"),
        ({"Effect": "Allow", "Principal": {"AWS": OTHER}, "NotAction": "s3:List*", "Resource": "*"}, f"lets {OTHER}"),
    ],
)
def test_whoever_could_not_use_the_key_stands_in_the_way(statement, words):
    made = planned(details(statements=statements(statement), keys=[key()]))
    assert made.steps == ()
    assert words in made.refusal


@pytest.mark.parametrize(
    "statement",
    [
        allow({"AWS": ACCOUNT}, "s3:*"),
        allow({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/App/x"}),
        allow("*", Condition=OWN),
        allow({"AWS": READER}, "s3:ListBucket"),
        allow({"Service": "cloudtrail.amazonaws.com"}, "s3:GetBucketAcl"),
        {"Effect": "Allow", "Principal": {"AWS": OTHER}, "NotAction": "s3:*Object*", "Resource": "*"},
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ],
)
def test_the_own_account_and_those_who_touch_no_object_do_not(statement):
    assert names(planned(details(statements=statements(statement)))) == ALL


def test_a_person_and_the_policy_of_the_key_must_both_say_that_somebody_is_prepared():
    reading = statements(allow({"AWS": READER}))
    said = {"prepared_principals": {READER: "reads invoices"}}
    named = [key(named=[READER])]
    assert names(planned(details(statements=reading, keys=named), **said)) == ["encrypt_bucket"]
    assert "let the key's policy name it" in planned(details(statements=reading, keys=named)).refusal
    for other in ([key()], [key(named=None)]):
        assert "does not name it" in planned(details(statements=reading, keys=other), **said).refusal
    assert "let the key's policy name it" in planned(details(statements=reading), **said).refusal
    given_key = planned(details(statements=reading), key_arn=FOREIGN, **said)
    assert names(given_key) == ["check_key", "encrypt_bucket"]


def deny(operator, header, value):
    condition = {operator: {f"s3:x-amz-server-side-encryption{header}": value}}
    return {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*", "Condition": condition}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (deny("StringNotEquals", "", "AES256"), "sets another encryption of uploads than aws:kms"),
        (deny("StringNotEqualsIfExists", "", ["AES256"]), "sets another encryption of uploads than aws:kms"),
        (deny("StringEquals", "", "aws:kms"), "sets another encryption of uploads than aws:kms"),
        (deny("StringLike", "", "aws:*"), "sets another encryption of uploads than aws:kms"),
        (deny("ForAllValues:StringNotEquals", "", "aws:kms"), "sets another encryption of uploads than aws:kms"),
        (deny("StringNotEquals", "-aws-kms-key-id", ARN2), "sets another key of uploads"),
    ],
)
def test_what_is_demanded_of_uploads_stands_in_the_way(statement, words):
    assert planned(details(statements=statements(statement), keys=[key()])).refusal == (
        f"the bucket's policy (statement 1) {words}: change the policy first"
    )


@pytest.mark.parametrize(
    "statement",
    [
        deny("StringNotEquals", "", ["aws:kms", "AES256"]),
        deny("StringEquals", "", "AES256"),
        deny("Null", "", "true"),
        deny("StringNotEquals", "-aws-kms-key-id", ARN),
        deny("Null", "-customer-algorithm", "false"),
    ],
)
def test_what_the_key_meets_does_not(statement):
    assert names(planned(details(statements=statements(statement), keys=[key()]))) == ["encrypt_bucket"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        (
            {"unreadable": "malformed: expected a policy"},
            "the bucket's policy cannot be told (malformed: expected a policy)",
        ),
        ({"website": True}, "the bucket is a website"),
        ({"replication": [{"id": "all", "kms": False}]}, "replication rule 'all' leaves out"),
        (
            {"grants": [{"to": "http://acs.amazonaws.com/groups/s3/LogDelivery", "permission": "WRITE"}]},
            "access logs by its ACL",
        ),
        ({"grants": [{"to": "0123", "permission": "READ"}]}, "the bucket's ACL lets 0123 in"),
        ({"acls": True}, "objects may be public by their ACLs"),
    ],
)
def test_what_a_key_would_break_is_told_instead_of_broken(members, words):
    made = planned(details(**members))
    assert made.steps == ()
    assert words in made.refusal


def test_replication_that_is_made_for_kms_goes_on():
    made = planned(details(replication=[{"id": "all", "kms": True}]))
    assert names(made) == ALL
    assert any(told.startswith("Replication goes on") for told in made.instructions)


def test_the_key_is_used_through_s3_and_by_the_account_alone():
    administration, use = key_policy(TARGET)["Statement"]
    assert administration["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert use["Condition"] == {
        "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": ["s3.eu-west-1.amazonaws.com"]}
    }


def test_the_command_for_objects_is_one_that_s3_understands():
    [told] = [told for told in planned(details(keys=[key()])).instructions if "create-job" in told]
    operation, manifest, report = (json.loads(text) for text in re.findall(r"'(\{.*?\})'", told))
    given_job = {
        "AccountId": ACCOUNT,
        "Operation": operation,
        "Report": report,
        "ManifestGenerator": manifest,
        "Priority": 10,
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/Batch",
        "ClientRequestToken": "1",
    }
    shape = get_session().get_service_model("s3control").operation_model("CreateJob").input_shape
    assert ParamValidator().validate(given_job, shape).generate_report() == ""
    assert operation["S3UpdateObjectEncryption"]["ObjectEncryption"]["SSEKMS"]["KMSKeyArn"] == ARN


def test_objects_are_copied_where_the_key_is_of_another_account():
    told = planned(details(), key_arn=FOREIGN).instructions
    assert any("S3PutObjectCopy" in one for one in told)
    assert not any("create-job" in one for one in told)


def test_every_call_is_of_the_form_that_aws_takes():
    made = (planned(details(), key_tags={"team": "platform"}), planned(details(rules=None), key_arn=FOREIGN))
    check_steps([step for one in made for step in one.steps], key_arn=ARN)


@pytest.mark.parametrize(
    "parameters",
    [
        {"alias": "alias/data"},
        {"alias": "alias/opalite/s3:x"},
        {"key_tags": {"aws:x": "y"}},
        {"key_tags": {"x": 1}},
        {"prepared_principals": ["x"]},
        {"unknown": 1},
    ],
)
def test_parameters_of_another_form_are_none(parameters):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(ACTION.parameters).validate(parameters)


# What is refused is drawn seldom, or hardly any state would have a plan.
SELDOM = st.sampled_from([False, False, False, True])
RULE = st.sampled_from(
    [
        rule(),
        rule("aws:kms"),
        rule("aws:kms", ARN),
        rule("aws:kms", ARN, bucket_key=True),
        rule("aws:kms", ARN2, bucket_key=True),
        rule("aws:kms:dsse", ARN2),
        rule(BlockedEncryptionTypes={"EncryptionType": ["SSE-C"]}),
        {},
        {"BucketKeyEnabled": True},
    ]
)
RULES = SELDOM.flatmap(lambda any_number: st.lists(RULE, min_size=1 - any_number, max_size=1 + any_number)) | st.none()
KEYS = st.lists(
    st.builds(
        key,
        st.sampled_from([ARN, ARN2]),
        aliases=st.sampled_from([[], [ALIAS], [f"{ALIAS}-logs"]]),
        tag=st.sampled_from([None, ALIAS, f"{ALIAS}-logs"]),
        unusable=st.sampled_from(["", "KeyState Disabled"]),
        rotates=st.sampled_from([None, True, False]),
        named=st.sampled_from([None, [], [READER]]),
    ),
    max_size=2,
    unique_by=lambda one: one["arn"],
)
STATEMENT = st.sampled_from(
    [allow("*"), allow({"AWS": READER}), allow({"AWS": ACCOUNT}), deny("StringNotEquals", "", "AES256")]
)
STATEMENTS = SELDOM.flatmap(lambda any_number: st.lists(STATEMENT, max_size=2 * any_number))
DETAILS = st.builds(
    details,
    rules=RULES,
    statements=STATEMENTS.map(lambda made: statements(*made)),
    website=SELDOM,
    acls=SELDOM,
    public_acls_ignored=st.booleans(),
    replication=st.sampled_from([[], [], [{"id": "", "kms": True}], [{"id": "", "kms": False}]]),
    keys=KEYS,
)
KNOWN = st.sampled_from([["encryption"], ["bucket_key"], ["bucket_key", "encryption"]])
ANY = st.sets(st.sampled_from(["encryption", "key", "account", "bucket_key", "?"]), max_size=3).map(sorted)
SUBJECTS = SELDOM.flatmap(lambda any_others: ANY if any_others else KNOWN)
PARAMETERS = st.fixed_dictionaries(
    {
        "key_arn": st.sampled_from(["", "", ARN2, FOREIGN, "x"]),
        "prepared_principals": st.sampled_from([{}, {READER: "why"}]),
    }
)


@given(DETAILS, SUBJECTS, PARAMETERS)
def test_any_state_has_a_plan_that_keeps_what_is_right_and_can_be_taken_back(state, subjects, parameters):
    made = planned(state, subjects, **parameters)
    assert not (made.refusal and made.steps)
    if not made.steps:
        return
    last = made.steps[-1]
    before, [after] = state["rules"] or [{}], put(made)
    assert len(before) == 1
    changed = {"ApplyServerSideEncryptionByDefault", "BucketKeyEnabled"}
    assert {name: after[name] for name in after.keys() - changed} == {
        name: before[0][name] for name in before[0].keys() - changed
    }
    assert after["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"aws:kms", "aws:kms:dsse", "AES256"}
    if state["rules"]:
        assert last.inverse.parameters["ServerSideEncryptionConfiguration"]["Rules"] == state["rules"]
    unusable = {one["arn"] for one in state["keys"] if one["unusable"]}
    if subjects != ["bucket_key"] and not parameters["key_arn"]:
        used = after["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        assert isinstance(used, dict) or used not in unusable


@given(DETAILS, SUBJECTS, PARAMETERS)
def test_on_what_a_plan_has_made_the_next_plan_has_no_steps(state, subjects, parameters):
    one = found(state, subjects, parameters)
    made = plan(one)
    after = simulated(one.state, made)
    if not made.steps:
        return
    assert (after is None) == ("create_key" in names(made))
    if after is None:
        return
    keys = [
        {**each, "aliases": [ALIAS], "rotates": True if each["tag"] else None}
        if any(step.call.parameters.get("TargetKeyId") == each["arn"] for step in made.steps)
        else each
        for each in after.details["keys"]
    ]
    again = plan(found({**after.details, "keys": keys}, subjects, parameters))
    assert again.steps == ()


KMS_RULE = rule("aws:kms", ARN, bucket_key=True)


@pytest.mark.parametrize(
    "others",
    [
        {"keys": [key(), key(ARN2, aliases=[f"{ALIAS}-archive"])]},
        {"keys": [key(unusable="KeyState PendingDeletion", tag=None, rotates=None, named=None)]},
        {"keys": []},
        {"public_acls_ignored": True, "acls": True},
        {"website": True, "replication": [{"id": "all", "kms": True}]},
        {"grants": [{"to": "somebody", "permission": "READ"}]},
    ],
)
def test_what_others_do_beside_the_encryption_keeps_nobody_from_undoing(others):
    state = details(rules=[KMS_RULE], keys=[key()])
    assert ACTION.left(state | others) == ACTION.left(state)


@pytest.mark.parametrize(
    "changed",
    [
        {"rules": [rule("aws:kms", ARN2, bucket_key=True)]},
        {"rules": [rule("aws:kms", ARN)]},
        {"rules": None},
        {"statements": statements(allow({"AWS": READER}))},
        {"unreadable": "malformed"},
    ],
)
def test_whoever_changes_the_encryption_or_the_policy_is_asked_before_undoing(changed):
    state = details(rules=[KMS_RULE], keys=[key()])
    assert ACTION.left(state | changed) != ACTION.left(state)
