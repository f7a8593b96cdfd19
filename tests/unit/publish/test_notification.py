"""What people and programs are told of changes for the worse: who, how many messages, what is in them, and that no name does harm."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from hashlib import sha256
from itertools import chain

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalite.model import Outcome, Severity
from opalite.publish.addressees import MOST_ADDRESSEES, MOST_VALUES, TagKeys
from opalite.publish.annotation import clean, cut
from opalite.publish.console import timeline
from opalite.publish.foreign import ascii_line, harmless, plain
from opalite.publish.life import Change
from opalite.publish.mail import SUBJECT_CHARACTERS
from opalite.publish.notification import (
    DOCUMENT_BYTES,
    MESSAGE_BYTES,
    MOST,
    MOST_FOR_PROGRAMS,
    SCHEMA_VERSION,
    TEXT_BYTES,
    messages,
    told,
)
from unit.publish.notification_cases import (
    ACCOUNT,
    ENTRIES,
    EXEMPTION,
    INGRESS,
    SSH,
    STAMP,
    TAGGED,
    UNUSED,
    news,
    one,
    owners,
    weight,
)

# One change


def test_a_mail_says_what_where_why_what_to_do_since_when_and_where_to_look():
    message = one(news(tags={"owner": "payments", "env": "prod"}))
    assert message.subject == (
        "Opalite HIGH: new failure in 111122223333: Security groups keep SSH and RDP from the world"
    )
    assert message.text == (
        "HIGH: 1 new failure\n"
        "For: payments (by the tag owner)\n"
        "\n"
        "1. Security groups keep SSH and RDP from the world\n"
        "   State:     fail since 2026-11-27T08:00:00.000Z (new failure)\n"
        "   Policy:    aws.ec2.securitygroup.restricted_ingress, version 1.0.0\n"
        "   Resource:  AWS::EC2::SecurityGroup sg-0f4d2c1b3a5968778 (bastion)\n"
        "   Account:   111122223333, eu-west-1, prod\n"
        "   Why:       tcp port 22 is open to 0.0.0.0/0 (ingress.0.source); expected: a narrower range\n"
        "   Fix:       Remove the rule.\n"
        "   Read:      https://example.com/groups\n"
        f"   Decision:  {'e5a6' * 16}\n"
        "   Timeline:  https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/resources/timeline"
        "?resourceId=sg-0f4d2c1b3a5968778&resourceType=AWS%3A%3AEC2%3A%3ASecurityGroup\n"
    )


def test_programs_get_the_same_with_a_version():
    change = news(
        tags={"owner": "payments", "env": "prod"}, arn="arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0"
    )
    document = one(change).document
    assert document == {
        "type": "opalite.notification",
        "schema_version": SCHEMA_VERSION,
        "id": document["id"],
        "severity": "HIGH",
        "owner": "payments",
        "change": ["new_failure"],
        "policy": [INGRESS],
        "account": [ACCOUNT],
        "region": ["eu-west-1"],
        "environment": ["prod"],
        "addressed_by": ["owner"],
        "count": 1,
        "counts": {"change": {"new_failure": 1}, "policy": {INGRESS: 1}, "account": {ACCOUNT: 1}},
        "changes": [
            {
                "decision_id": "e5a6" * 16,
                "change": "new_failure",
                "outcome": "fail",
                "severity": "HIGH",
                "policy_id": INGRESS,
                "policy_version": "1.0.0",
                "title": "Security groups keep SSH and RDP from the world",
                "account_id": ACCOUNT,
                "region": "eu-west-1",
                "environment": "prod",
                "resource_type": "AWS::EC2::SecurityGroup",
                "resource_id": "sg-0f4d2c1b3a5968778",
                "resource_name": "bastion",
                "arn": "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0",
                "annotation": "tcp port 22 is open to 0.0.0.0/0 [e5a6122204a5]",
                "remediation": "Remove the rule.",
                "since": "2026-11-27T08:00:00.000Z",
                "first_observed_at": "2026-10-01T08:00:00.000Z",
                "capture_time": STAMP,
                "evaluated_at": STAMP,
                "finding_id": change[2].finding_id,
                "exemption": None,
                "violations": [
                    {
                        "message": "tcp port 22 is open to 0.0.0.0/0",
                        "subject": "ingress.0",
                        "path": "ingress.0.source",
                        "actual": "0.0.0.0/0",
                        "expected": "a narrower range",
                    }
                ],
                "unknown": [],
                "reference": "https://example.com/groups",
                "console": "https://eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#/resources/timeline"
                "?resourceId=sg-0f4d2c1b3a5968778&resourceType=AWS%3A%3AEC2%3A%3ASecurityGroup",
            }
        ],
    }


def test_the_documents_name_every_member_and_attribute(repository):
    text = (repository / "docs" / "notifications.md").read_text()
    message = one(news(tags={"owner": "payments", "env": "prod"}))
    (entry,) = message.document["changes"]
    tables = [part.partition("\n\n")[0] for part in re.split(r"(?m)^\| (?:member|name) \|.*\n\|---.*\n", text)[1:]]
    named = [sorted(re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\| ([^|]+) \|", table)))) for table in tables]
    assert named == [sorted(message.attributes), sorted(message.document), sorted(entry)]


def test_the_mail_in_the_documents_is_one(repository):
    text = (repository / "docs" / "notifications.md").read_text()
    catalog = json.loads((repository / "data" / "catalog" / "data.json").read_bytes())["policies"]
    change = news(
        tags={"owner": "payments", "env": "prod"},
        violations=[{**SSH, "evidence": {"path": ["ingress", "0"]}}],
        decision_id="e5a6122204a5" + "0" * 52,
    )
    (message,) = messages([change], catalog)
    subject, mail = re.findall(r"(?ms)^```\n(\S.*?)^```$", text)
    assert message.subject + "\n" == subject
    shown = zip(message.text.splitlines(), mail.splitlines(), strict=True)
    assert [(is_there, told) for is_there, told in shown if not is_there.startswith(told.rstrip("…"))] == []


def test_subscriptions_choose_by_texts_and_by_lists():
    assert one(news(tags={"owner": "payments", "env": "prod"})).attributes == {
        "severity": "HIGH",
        "owner": "payments",
        "change": '["new_failure"]',
        "policy": f'["{INGRESS}"]',
        "account": f'["{ACCOUNT}"]',
        "region": '["eu-west-1"]',
        "environment": '["prod"]',
    }


def test_an_unknown_environment_is_no_attribute_and_an_empty_list_in_the_document():
    message = one(news(tags=None))
    assert sorted(message.attributes) == ["account", "change", "owner", "policy", "region", "severity"]
    assert message.document["environment"] == []


def test_what_is_undetermined_says_what_is_not_known():
    gaps = [
        {"fact": "image", "key": "ami-1"},
        {"path": "resource.tags", "reason": "not recorded"},
        {"reason": "c"},
        {"reason": "d"},
    ]
    message = one(news(Change.UNDETERMINED, outcome=Outcome.UNDETERMINED, violations=[], unknown=gaps))
    assert re.findall(r"(?:State|Why): +(.*)", message.text) == [
        "undetermined since 2026-11-27T08:00:00.000Z (undetermined)",
        "image ami-1 is not known",
        "resource.tags: not recorded",
        "c",
        "+1 more",
    ]
    assert message.document["changes"][0]["unknown"] == ["image ami-1 is not known", "resource.tags: not recorded", "c"]


def test_an_exemption_that_ends_soon_is_named():
    message = one(news(Change.EXEMPTION_ENDS_SOON, outcome=Outcome.EXEMPT, exemption=EXEMPTION))
    assert message.subject.startswith("Opalite HIGH: exemption ends soon in 111122223333: ")
    assert re.findall(r"Exempt: +(.*)", message.text) == ["until 2026-12-31 by EX-1 (SEC-9)"]
    assert message.document["changes"][0]["exemption"] == "until 2026-12-31 by EX-1 (SEC-9)"


def test_a_policy_that_the_catalog_does_not_know_is_told_by_its_id():
    (message,) = messages([news(policy_id="custom.s3.bucket.versioning")], {})
    assert message.subject == "Opalite HIGH: new failure in 111122223333: custom.s3.bucket.versioning"
    assert re.findall(r"(?m)^1\. (.*)$|(Fix|Read):", message.text) == [("custom.s3.bucket.versioning", "")]


@pytest.mark.parametrize("change", Change)
def test_there_are_words_for_every_change(change):
    assert one(news(change), news(change, resource_id="sg-1")).text.startswith("HIGH: 2 ")


def test_evidence_that_is_no_single_value_stays_in_the_decision():
    found = {"message": "m", "subject": "s", "evidence": {"path": "x", "actual": {"secret": 1}, "expected": ["a"]}}
    (violation,) = one(news(violations=[found])).document["changes"][0]["violations"]
    assert violation == {"message": "m", "subject": "s", "path": None, "actual": None, "expected": None}


def test_numbers_and_booleans_of_evidence_keep_their_types():
    found = {"message": "m", "subject": "", "evidence": {"path": ["a", 0], "actual": False, "expected": 7}}
    (violation,) = one(news(violations=[found])).document["changes"][0]["violations"]
    assert violation == {"message": "m", "subject": "", "path": "a.0", "actual": False, "expected": 7}


def test_secrets_that_a_policy_has_read_are_not_told():
    change, case, standing = news(
        violations=[
            {
                "message": "hunter2-hunter2 is weak",
                "subject": "s",
                "evidence": {"path": ["master_password"], "actual": "hunter2-hunter2"},
            }
        ],
        annotation="hunter2-hunter2 is weak [e5a6122204a5]",
    )
    judged = {
        **case.judged,
        "resource": {**case.judged["resource"], "configuration": {"master_password": "hunter2-hunter2"}},
    }
    message = one((change, replace(case, judged=judged), standing))
    assert re.findall(r"Why: +(.*)", message.text) == ["[redacted] is weak (master_password)"]
    (entry,) = message.document["changes"]
    assert entry["annotation"] == "[redacted] is weak [e5a6122204a5]"
    assert entry["violations"] == [
        {
            "message": "[redacted] is weak",
            "subject": "s",
            "path": "master_password",
            "actual": "[redacted]",
            "expected": None,
        }
    ]


# Whom


@pytest.mark.parametrize(
    ("tags", "policy", "addressee"),
    [
        ({"owner": "payments"}, INGRESS, "payments"),
        ({"Team": "shop", "contact": "a@example.com"}, INGRESS, "shop"),
        ({"owner": " ", "team": "shop"}, INGRESS, "shop"),
        ({"owner": "[[payments"}, INGRESS, "payments"),
        ({"OWNER": "payments"}, INGRESS, "operations"),
        ({"CreatedBy": "alice"}, INGRESS, "operations"),
        ({"CreatedBy": "alice"}, TAGGED, "alice"),
        ({"aws:createdBy": "IAMUser:AIDAEXAMPLE:bob"}, UNUSED, "IAMUser:AIDAEXAMPLE:bob"),
        ({"CreatedBy": "alice", "owner": "payments"}, TAGGED, "payments"),
        ({}, TAGGED, "operations"),
        (None, INGRESS, "operations"),
        ({"owner": 7}, INGRESS, "operations"),
    ],
)
def test_the_owner_is_told_or_who_made_it_where_that_is_the_point_or_else_operations(tags, policy, addressee):
    assert owners(news(tags=tags, policy_id=policy)) == [addressee]


def test_the_keys_of_tags_can_be_chosen():
    keys = TagKeys(owner=("Verantwortlich",), creator=(), environment=("Umgebung",))
    message = one(news(tags={"Verantwortlich": "Zoë", "owner": "x", "Umgebung": "Prüfung"}), keys=keys)
    assert (message.attributes["owner"], message.attributes["environment"]) == ("Zoë", '["Prüfung"]')


def test_the_same_name_by_different_tags_is_one_addressee():
    message = one(news(tags={"owner": "shop"}), news(tags={"team": "shop"}, resource_id="sg-1"))
    assert message.text.splitlines()[1] == "For: shop (by the tags owner, team)"


def test_nobody_known_is_said():
    assert one(news()).text.splitlines()[1] == "For: operations (nobody else is known)"


# How many


def test_five_hundred_resources_of_one_owner_are_one_message():
    changes = [news(resource_id=f"sg-{n:03}", tags={"owner": "shop"}) for n in range(500)]
    message = one(*changes)
    assert message.subject.startswith("Opalite HIGH: 500 new failures in 111122223333: Security groups keep")
    assert (message.document["count"], len(message.document["changes"])) == (500, MOST_FOR_PROGRAMS)
    assert message.text.endswith(
        f"\n\n+{500 - MOST} more, in the counts below.\n\nBy policy:\n      500  {INGRESS}\n\nBy account:\n      500  {ACCOUNT}\n"
    )


def test_a_mail_lists_the_most_a_document_more():
    changes = [news(resource_id=f"sg-{n:03}", tags={"owner": "shop"}) for n in range(45)]
    found = [one(*changes, most=most) for most in (MOST, 3, 1, 0)]
    assert [message.text.count("Decision:") for message in found] == [20, 3, 1, 1]
    assert [len(message.document["changes"]) for message in found] == [45] * 4


def test_each_severity_and_each_addressee_has_its_own_message_and_the_gravest_comes_first():
    changes = [
        news(severity=Severity.LOW),
        news(severity=Severity.CRITICAL, tags={"owner": "shop"}),
        news(severity=Severity.LOW, tags={"owner": "shop"}),
        news(severity=Severity.CRITICAL),
    ]
    found = [(message.attributes["severity"], message.attributes["owner"]) for message in messages(changes, ENTRIES)]
    assert found == [("CRITICAL", "operations"), ("CRITICAL", "shop"), ("LOW", "operations"), ("LOW", "shop")]


def test_several_kinds_of_change_policies_and_accounts_are_counted_in_the_subject():
    message = one(
        news(),
        news(policy_id=TAGGED, account_id="222222222222"),
        news(Change.UNDETERMINED, outcome=Outcome.UNDETERMINED, unknown=[{"reason": "r"}]),
    )
    assert message.subject == "Opalite HIGH: 2 new failures, 1 undetermined in 2 accounts: 2 policies"
    assert message.document["counts"] == {
        "change": {"new_failure": 2, "undetermined": 1},
        "policy": {TAGGED: 1, INGRESS: 2},
        "account": {ACCOUNT: 2, "222222222222": 1},
    }


def test_too_many_owners_are_left_to_operations_those_with_least_first():
    changes = [news(resource_id=f"sg-{n}", tags={"owner": f"o{n:03}"}) for n in range(500)]
    changes += [news(resource_id="sg-x", tags={"owner": "o499"})]
    kept = [f"o{n:03}" for n in range(MOST_ADDRESSEES - 1)]
    assert owners(*changes) == [*kept, "o499", "operations"]


def test_a_message_names_all_that_subscriptions_choose_by_so_many_values_make_several_messages():
    changes = [
        news(resource_id=f"sg-{n}", tags={"env": f"e{n:03}", "owner": "shop"}) for n in range(2 * MOST_VALUES + 1)
    ]
    found = [json.loads(message.attributes["environment"]) for message in messages(changes, ENTRIES)]
    assert [len(values) for values in found] == [MOST_VALUES, MOST_VALUES, 1]
    assert sorted(chain.from_iterable(found)) == [f"e{n:03}" for n in range(2 * MOST_VALUES + 1)]


def test_nothing_is_told_of_nothing():
    assert messages([], ENTRIES) == []


def test_the_id_is_that_of_the_changes():
    first = one(news()).document["id"]
    others = [one(news(Change.WORSE)), one(news(decision_id="f" * 64)), one(news(tags={"owner": "shop"}))]
    assert [first == one(news()).document["id"], *(first == other.document["id"] for other in others)] == [
        True,
        False,
        False,
        False,
    ]


def test_long_names_make_a_document_shorter_and_leave_the_count():
    changes = [news(resource_id=f"{n:03}" + "é" * 700, name="é" * 900, tags={"owner": "shop"}) for n in range(100)]
    message = one(*changes)
    assert (message.document["count"], len(message.document["changes"])) == (100, 6)
    assert [len(entry["resource_id"]) for entry in message.document["changes"]] == [703] * 6
    check(message)


# Links


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-west-1", "eu-west-1.console.aws.amazon.com/config/home?region=eu-west-1#"),
        ("aws", "global", "us-east-1.console.aws.amazon.com/config/home?region=us-east-1#"),
        ("aws-cn", "cn-north-1", "cn-north-1.console.amazonaws.cn/config/home?region=cn-north-1#"),
        ("aws-us-gov", "us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com/config/home?region=us-gov-west-1#"),
        ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1.console.amazonaws-eusc.eu/config/home?region=eusc-de-east-1#"),
    ],
)
def test_the_timeline_is_in_the_console_of_the_partition(partition, region, host):
    expected = f"https://{host}/resources/timeline?resourceId=b&resourceType=AWS%3A%3AS3%3A%3ABucket"
    assert timeline(partition, region, "AWS::S3::Bucket", "b") == expected


@pytest.mark.parametrize(
    ("partition", "region", "resource_id"),
    [
        ("aws-iso", "us-iso-east-1", "b"),
        ("aws-iso", "global", "b"),
        ("aws", "evil.example/#-1", "b"),
        ("aws", "", "b"),
        ("aws", "eu-west-1", "b" * 2000),
    ],
)
def test_there_is_no_link_where_it_would_lead_nowhere(partition, region, resource_id):
    assert timeline(partition, region, "AWS::S3::Bucket", resource_id) is None


def test_an_id_stays_within_its_place_in_the_link():
    link = timeline("aws", "eu-west-1", "AWS::S3::Object", "a/b?c#d&resourceId=é \n")
    assert link.split("resourceId=")[1:] == [
        "a%2Fb%3Fc%23d%26resourceId%3D%C3%A9%20%0A&resourceType=AWS%3A%3AS3%3A%3AObject"
    ]


@pytest.mark.parametrize(
    "pages", [None, [], "https://example.com", [{"ref": "http://example.com"}], [{"ref": "https://a\nb"}], [7]]
)
def test_only_a_whole_address_is_a_reference(pages):
    (message,) = messages([news()], {INGRESS: {"related_resources": pages, "remediation": None}})
    assert message.document["changes"][0]["reference"] is None


# What others wrote


def test_a_tag_cannot_forge_a_line_or_a_link():
    evil = "shop\n\n1. All is well\u2028   Fix: see https://evil.example\r\nwww.evil.example mailto:x@evil.example"
    message = one(news(tags={"owner": evil}, name=evil, resource_id=evil, violations=[{**SSH, "message": evil}]))
    assert message.text.splitlines()[1] == (
        "For: shop 1. All is well Fix: see https[:]//evil.example www[.]evil.example mailto[:]x@evil.example (by the tag owner)"
    )
    assert [line for line in message.text.split("\n") if "All is well" in line and not KNOWN_LINE.fullmatch(line)] == []
    assert sum(line[:3] == "1. " for line in message.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [("Gerät ✓", "Gerat ?"), ("a" * 200, "a" * 96 + "..."), ("a\nb\x00c", "a b c"), ("日本", "??")],
)
def test_subjects_are_one_short_line_of_ascii(text, shown):
    assert ascii_line(text, SUBJECT_CHARACTERS) == shown


def test_megabytes_become_a_line():
    assert plain("\n" * 10**6 + "x", 100) == ""
    assert harmless("://" * 10**6, 9) == "[:]//[:]…"


@pytest.mark.parametrize("room", [1, 2, 3, 10, 11, 300])
@pytest.mark.parametrize(
    "text", ["😀" * 400, "e" + "\u0301" * 400, "🇩🇪" * 400, "x" * 300 + "😀", "x" * 11, "x😀y" * 100, ""]
)
def test_texts_are_cut_as_annotations_are(text, room):
    assert plain(text, room) == cut(clean(text[: 4 * room]), room)


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "", " ", "\n", "[", "\x00\x1f\x7f\x9f", "\ud800", "\uffff\ufffe", "\u202egnp.exe", "\u2028\u2029\x85\x0b\x0c\x1c",
            "x\n\nState: pass", "HTTPS://evil.example", "WwW.evil.example", "😀" * 5000, '"\\' * 5000, "é" * 5000, "a" * 10**6, "́" * 3000,
            "🇩🇪" * 2000, "=HYPERLINK(1)", "<!channel>", "%0a%0d",
        ]
    ),
)  # fmt: skip
KEYS = ("owner", "team", "CreatedBy", "env", "x")
NAMES = st.from_regex(r"\A(aws|custom)(\.[a-z][a-z0-9_]{0,40}){3}\Z")
KNOWN_LINE = re.compile(
    r"(CRITICAL|HIGH|MEDIUM|LOW|INFORMATIONAL): \d+ [a-z0-9, ]+|For: .* \((nobody else is known|by the tags? .*)\)"
    r"|\d+\. .*|\+\d+ more, in the counts below\.|By (policy|account):| {3}[ 0-9]{6}  .+|"
    r"   (State|Policy|Resource|Account|Why|Exempt|Fix|Read|Decision|Timeline): {1,7}.*|"
)
LINK_LINE = re.compile(r"   (Read|Timeline):  +https://[!-~]+")


@st.composite
def hostile(draw):
    outcome = draw(st.sampled_from([Outcome.FAIL, Outcome.UNDETERMINED, Outcome.EXEMPT]))
    value = (
        HOSTILE
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans()
        | st.none()
    )
    evidence = st.fixed_dictionaries(
        {},
        optional={
            "path": st.lists(HOSTILE, max_size=3) | HOSTILE,
            "actual": value | st.lists(HOSTILE, max_size=2),
            "expected": value,
        },
    )
    violation = st.fixed_dictionaries({"message": HOSTILE, "subject": HOSTILE, "evidence": evidence})
    gap = st.one_of(
        st.fixed_dictionaries({"fact": HOSTILE, "key": HOSTILE}),
        st.fixed_dictionaries({"path": HOSTILE}),
        st.fixed_dictionaries({"reason": HOSTILE}),
    )
    change, case, standing = news(
        draw(st.sampled_from(Change)),
        tags=draw(st.none() | st.dictionaries(st.sampled_from(KEYS), HOSTILE)),
        name=draw(st.none() | HOSTILE),
        partition=draw(st.sampled_from(["aws", "aws-cn", "aws-iso"])),
        account_id=draw(st.sampled_from([ACCOUNT, "222222222222", '["a", "b"]' * 6])),
        region=draw(st.sampled_from(["eu-west-1", "global", "mars"])),
        resource_type=draw(st.sampled_from(["AWS::S3::Bucket", "A::" + "b" * 400])),
        resource_id=draw(HOSTILE),
        arn=draw(st.none() | HOSTILE),
        policy_id=draw(st.sampled_from([INGRESS, TAGGED]) | NAMES),
        severity=draw(st.sampled_from(Severity)),
        outcome=outcome,
        annotation=draw(HOSTILE),
        violations=draw(st.lists(violation, max_size=5)) if outcome is not Outcome.UNDETERMINED else [],
        unknown=draw(st.lists(gap, max_size=5)) if outcome is Outcome.UNDETERMINED else [],
        exemption=draw(st.dictionaries(st.sampled_from(["id", "ticket", "expires"]), HOSTILE))
        if outcome is Outcome.EXEMPT
        else None,
    )
    # An id is that of one decision on one input: what differs in anything has another id.
    decision_id = sha256(repr((case, standing)).encode("utf-8", "surrogatepass")).hexdigest()
    return change, replace(case, decision=replace(case.decision, decision_id=decision_id)), standing


CHANGES = st.lists(hostile(), max_size=6)
SLOW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large],
)


def check(message):
    assert re.fullmatch(r"[A-Za-z0-9][ -~]{0,98}", message.subject)
    assert weight(message) <= MESSAGE_BYTES
    assert len(json.dumps(message.text)) <= TEXT_BYTES
    assert len(json.dumps(json.dumps(message.document))) <= DOCUMENT_BYTES
    assert message.text.split("\n") == [*message.text.splitlines(), ""]
    assert [line for line in message.text.splitlines() if not KNOWN_LINE.fullmatch(line)] == []
    links = [line for line in message.text.splitlines() if re.search(r"://|\bwww\.|\bmailto:", line, re.IGNORECASE)]
    assert [line for line in links if not LINK_LINE.fullmatch(line)] == []
    assert len(message.attributes) <= 10
    assert {"severity", "owner", "change", "policy", "account", "region"} <= set(message.attributes)
    for name, value in message.attributes.items():
        assert value.isprintable()
        assert value.strip()
        assert re.fullmatch(r"[a-z]+", name)
        told = json.loads(value) if name not in ("severity", "owner") else value
        assert told == message.document[name]
        assert value.startswith("[") == isinstance(told, list)
    assert orjson.loads(orjson.dumps(message.document)) == message.document
    assert len(message.document["changes"]) <= message.document["count"]


@SLOW
@given(CHANGES)
def test_whatever_others_wrote_messages_stay_within_their_bounds_and_their_lines(changes):
    found = messages(changes, ENTRIES)
    for message in found:
        check(message)
    assert sum(message.document["count"] for message in found) == len(changes)


@SLOW
@given(CHANGES, st.randoms(use_true_random=False))
def test_the_order_of_the_changes_does_not_matter(changes, random):
    expected = messages(changes, ENTRIES)
    random.shuffle(changes)
    assert messages(changes, ENTRIES) == expected


@SLOW
@given(HOSTILE, HOSTILE)
def test_whatever_the_catalog_says_a_mail_keeps_its_lines(title, summary):
    entries = {
        INGRESS: {
            "title": title,
            "remediation": {"summary": summary, "action": title},
            "related_resources": [{"ref": title}],
        }
    }
    for message in messages([news(name=summary)], entries):
        check(message)


def test_the_worst_that_all_can_write_at_once_still_fits():
    """Each character three bytes of UTF-8 and seven within JSON within JSON, as many distinct values as a message names."""
    worst = "€" * 10**5
    changes = [
        replace_ids(
            news(
                Change.EXEMPTION_ENDS_SOON,
                tags={"owner": worst, "env": f"{n:03}{worst}"},
                name=worst,
                account_id=f"{n:03}" + '"' * 61,
                region=f"mars-{n}" + "x" * 40,
                resource_type=worst,
                resource_id=worst,
                arn=worst,
                policy_id=f"custom.{n:03}." + "y" * 200,
                policy_version=worst,
                annotation=worst,
                outcome=Outcome.EXEMPT,
                violations=[
                    {
                        "message": worst,
                        "subject": worst,
                        "evidence": {"path": [worst], "actual": worst, "expected": worst},
                    }
                ]
                * 9,
                exemption={"id": worst, "ticket": worst, "expires": worst},
            ),
            worst,
        )
        for n in range(MOST_VALUES)
    ]
    message = one(*changes)
    check(message)
    assert (message.document["count"], len(message.document["changes"])) == (MOST_VALUES, 1)


def replace_ids(change, text):
    kind, case, standing = change
    return kind, case, replace(standing, finding_id=text, since=text, first_observed_at=text)


def test_every_change_is_in_exactly_one_message_and_the_standing_of_each_goes_with_it():
    changes = [
        news(
            resource_id=f"sg-{n}",
            severity=list(Severity)[n % 5],
            tags={"owner": f"o{n % 7}"},
            decision_id=f"{n:064x}",
        )
        for n in range(100)
    ]
    found = told(changes, ENTRIES)
    assert [message for message, _ in found] == messages(changes, ENTRIES)
    assert [[entry["decision_id"] for entry in message.document["changes"]] for message, _ in found] == [
        [standing.decision_id for standing in standings] for _, standings in found
    ]
    about = Counter(standing.decision_id for _, standings in found for standing in standings)
    assert about == Counter({f"{n:064x}": 1 for n in range(100)})


def test_standings_go_with_a_message_that_does_not_list_them():
    changes = [news(resource_id=f"sg-{n:03}") for n in range(500)]
    ((message, standings),) = told(changes, ENTRIES, most=1)
    assert (message.document["count"], len(standings)) == (500, 500)
