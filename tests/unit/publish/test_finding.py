"""What Security Hub is told: whole findings, and that it takes each of them, whatever resources and people are called."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalite.model import Case, Outcome, Severity
from opalite.publish.finding import content, finding, product_arn
from opalite.publish.frameworks import requirements
from opalite.publish.life import Wishes, step
from unit.publish.securityhub_cases import ACCOUNT, ENTRY, EXEMPTION, RESOURCE, VIOLATION, at, case
from unit.publish.securityhub_format import faults

ROOT = Path(__file__).parents[3]
PRODUCT = f"arn:aws:securityhub:eu-west-1:{ACCOUNT}:product/{ACCOUNT}/default"
CATALOG = json.loads((ROOT / "data" / "catalog" / "data.json").read_text())["policies"]
GOLDEN = sorted((ROOT / "tests" / "data" / "golden" / "normalize").glob("*.json"))


def standing(known, *before, wishes=None):
    found = None
    for one in (*before, known):
        found = step(found, one, content(one), key="the-id", refresh_before=at(0), wishes=wishes).standing
    return found


def render(known, *before, entry=ENTRY, is_new=False, wishes=None):
    where = product_arn(known, home_region="us-east-1")
    return finding(known, entry, standing(known, *before, wishes=wishes), product_arn=where, is_new=is_new)


def test_a_failure_is_a_whole_finding():
    assert render(case(Outcome.FAIL, 5, captured=3), is_new=True) == {
        "SchemaVersion": "2018-10-08",
        "Id": "the-id",
        "ProductArn": PRODUCT,
        "ProductName": "Opalite",
        "GeneratorId": "opalite/aws.s3.bucket.encryption",
        "AwsAccountId": ACCOUNT,
        "CreatedAt": at(5),
        "UpdatedAt": at(5),
        "FirstObservedAt": at(5),
        "LastObservedAt": at(5),
        "Title": "S3 buckets are encrypted by keys of your own",
        "Description": "default encryption is off (encryption.algorithm). Whoever may use the key may read.",
        "Severity": {"Label": "HIGH"},
        "Types": [
            "Software and Configuration Checks/AWS Security Best Practices",
            "Software and Configuration Checks/Industry and Regulatory Standards",
        ],
        "FindingProviderFields": {
            "Severity": {"Label": "HIGH"},
            "Types": [
                "Software and Configuration Checks/AWS Security Best Practices",
                "Software and Configuration Checks/Industry and Regulatory Standards",
            ],
        },
        "ProductFields": {
            "opalite/policy_id": "aws.s3.bucket.encryption",
            "opalite/policy_version": "1.0.0",
            "opalite/outcome": "fail",
            "opalite/stage": "enforce",
            "opalite/decision_id": "fail@3/5",
            "opalite/bundle_revision": "r1",
            "opalite/opa_version": "1.22.2",
            "opalite/input_digest": "d1",
            "opalite/evaluated_at": at(5),
            "opalite/capture_time": at(3),
            "opalite/resource_type": "AWS::S3::Bucket",
            "opalite/resource_id": "reports",
            "opalite/violations": "1",
            "opalite/evidence": json.dumps([VIOLATION], sort_keys=True, separators=(",", ":")),
        },
        "Resources": [
            {
                "Type": "AwsS3Bucket",
                "Id": "arn:aws:s3:::reports",
                "Partition": "aws",
                "Region": "eu-west-1",
                "Tags": {"owner": "team-data"},
                "Details": {
                    "AwsS3Bucket": {
                        "Name": "reports",
                        "BucketVersioningConfiguration": {"Status": "Enabled"},
                        "ServerSideEncryptionConfiguration": {
                            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                        },
                    },
                    "Other": {"resource_name": "reports", "organizational_units": "r-1/ou-2"},
                },
            }
        ],
        "Compliance": {
            "Status": "FAILED",
            "SecurityControlId": "aws.s3.bucket.encryption",
            "StatusReasons": [
                {"ReasonCode": "VIOLATION", "Description": "default encryption is off (encryption.algorithm)"}
            ],
            "RelatedRequirements": [
                "AWS Foundational Security Best Practices v1.0.0/S3.17",
                "NIST.800-53.r5 SC-13",
                "NIST.800-53.r5 SC-28",
                "house_rules 7",
            ],
            "AssociatedStandards": [
                {"StandardsId": "standards/aws-foundational-security-best-practices/v/1.0.0"},
                {"StandardsId": "standards/nist-800-53/v/5.0.0"},
            ],
        },
        "RecordState": "ACTIVE",
        "Remediation": {
            "Recommendation": {
                "Text": "Set default encryption to a customer managed key.",
                "Url": "https://docs.example.com/encryption",
            }
        },
    }


def test_severity_and_types_at_the_top_are_written_once():
    """Later they are the customer's."""
    first, later = render(case(), is_new=True), render(case())
    assert first.keys() - later.keys() == {"Severity", "Types"}


def test_an_exemption_is_a_warning_that_names_it():
    found = render(case(Outcome.EXEMPT, 5))
    assert found["Compliance"]["Status"] == "WARNING"
    assert found["Compliance"]["StatusReasons"] == [
        {
            "ReasonCode": "EXEMPTION",
            "Description": "exempt until 2027-03-31 by EX-1 (SEC-9), owner team-data: moved in spring",
        },
        {"ReasonCode": "VIOLATION", "Description": "default encryption is off (encryption.algorithm)"},
    ]
    assert {name: value for name, value in found["ProductFields"].items() if "exemption" in name} == {
        "opalite/exemption_id": "EX-1",
        "opalite/exemption_ticket": "SEC-9",
        "opalite/exemption_owner": "team-data",
        "opalite/exemption_reason": "moved in spring",
        "opalite/exemption_expires": "2027-03-31T00:00:00Z",
    }
    assert found["Description"] == (
        "Exempt until 2027-03-31 by EX-1 (SEC-9): default encryption is off (encryption.algorithm). "
        "Whoever may use the key may read."
    )


@pytest.mark.parametrize(
    ("known", "before", "said", "status", "state"),
    [
        (Outcome.PASS, [Outcome.FAIL], "", "PASSED", "ACTIVE"),
        (Outcome.UNDETERMINED, [], "Undetermined: kms_key alias/x is not known. ", "NOT_AVAILABLE", "ACTIVE"),
        (
            Outcome.UNDETERMINED,
            [Outcome.FAIL],
            "It failed when last known; now it is undetermined: kms_key alias/x is not known. ",
            "FAILED",
            "ACTIVE",
        ),
        (
            Outcome.UNDETERMINED,
            [Outcome.EXEMPT],
            "It was exempt when last known; now it is undetermined: kms_key alias/x is not known. ",
            "WARNING",
            "ACTIVE",
        ),
        (Outcome.NOT_APPLICABLE, [Outcome.FAIL], "Not applicable: it is gone. ", "NOT_AVAILABLE", "ARCHIVED"),
    ],
)
def test_every_outcome_has_its_words_and_its_status(known, before, said, status, state):
    earlier = [case(outcome, minutes) for minutes, outcome in enumerate(before)]
    found = render(case(known, 9), *earlier)
    assert found["Description"] == f"{said}Whoever may use the key may read."
    assert (found["Compliance"]["Status"], found["RecordState"]) == (status, state)


def test_a_policy_that_is_only_audited_any_more_archives_its_finding_and_says_why():
    found = render(case(Outcome.FAIL, 9, stage="audit"), case(Outcome.FAIL, 1))
    assert (found["RecordState"], found["Compliance"]["Status"]) == ("ARCHIVED", "NOT_AVAILABLE")
    assert found["Compliance"]["StatusReasons"][0] == {
        "ReasonCode": "STAGE",
        "Description": "the policy is at stage audit: it is reported, but not enforced",
    }


def test_workflow_is_left_to_security_hub():
    assert not {"Workflow", "WorkflowState", "Note", "UserDefinedFields", "Region"} & render(case(), is_new=True).keys()


def test_times_tell_creation_beginning_update_and_last_look():
    found = render(
        case(Outcome.FAIL, 60, captured=50), case(Outcome.PASS, 1), case(Outcome.FAIL, 20), case(Outcome.FAIL, 30)
    )
    times = ("CreatedAt", "FirstObservedAt", "UpdatedAt", "LastObservedAt")
    assert [found[name] for name in times] == [at(1), at(20), "2026-11-20T09:00:00.000Z", at(60)]


def test_an_update_is_later_than_the_one_before_although_its_decision_is_not():
    found = render(case(Outcome.PASS, 30, captured=29), case(Outcome.FAIL, 60, captured=0))
    assert (found["UpdatedAt"], found["LastObservedAt"]) == ("2026-11-20T09:00:00.001Z", at(30))


def test_several_violations_are_listed_and_counted():
    violations = [{"message": f"port {port} is open", "subject": "", "evidence": {}} for port in range(30)]
    found = render(case(violations=violations))
    assert found["Description"].startswith("port 0 is open; port 1 is open; port 2 is open (+27 more). ")
    assert len(found["Compliance"]["StatusReasons"]) == 20
    assert found["ProductFields"]["opalite/violations"] == "30"


def test_evidence_is_whole_json_as_far_as_it_fits():
    violations = [{"message": f"{letter * 700}", "subject": "", "evidence": {}} for letter in "abcd"]
    assert json.loads(render(case(violations=violations))["ProductFields"]["opalite/evidence"]) == violations[:2]
    long = [{"message": "x" * 3000, "subject": "", "evidence": {}}]
    assert "opalite/evidence" not in render(case(violations=long))["ProductFields"]


@pytest.mark.parametrize(
    ("region", "expected"),
    [("eu-west-1", PRODUCT), ("global", PRODUCT.replace("eu-west-1", "us-east-1"))],
)
def test_findings_go_to_the_region_of_the_resource_or_home(region, expected):
    assert product_arn(case(resource=RESOURCE | {"region": region}), home_region="us-east-1") == expected
    cn = RESOURCE | {"region": region, "partition": "aws-cn"}
    assert product_arn(case(resource=cn), home_region="us-east-1") == expected.replace(":aws:", ":aws-cn:")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"remediation": None, "related_resources": []}, None),
        ({"remediation": {"summary": " "}}, {"Url": "https://docs.example.com/encryption"}),
        ({"remediation": {"summary": "x" * 600}, "related_resources": None}, {"Text": "x" * 511 + "…"}),
        (
            {
                "remediation": None,
                "related_resources": [{"ref": "javascript:x"}, {"ref": "https://a b"}, {"ref": None}],
            },
            None,
        ),
        ({"remediation": None, "related_resources": [{"ref": "x"}, {"ref": "http://a"}]}, {"Url": "http://a"}),
    ],
)
def test_remediation_is_what_the_policy_says_of_it(more, expected):
    found = render(case(), entry=ENTRY | more).get("Remediation")
    assert found == (None if expected is None else {"Recommendation": expected})


def test_a_custom_policy_that_says_little_still_makes_a_finding():
    found = render(case(), entry={"title": "t", "description": "d", "severity": "HIGH"})
    assert faults(found) == []
    assert (found["FindingProviderFields"]["Types"], found["Compliance"].keys()) == (
        ["Software and Configuration Checks/AWS Security Best Practices"],
        {"Status", "SecurityControlId", "StatusReasons"},
    )


def test_a_long_list_of_requirements_does_not_hide_a_short_one():
    found = requirements({"nist_800_53_r5": [f"AC-{number}" for number in range(40)], "fsbp": ["S3.1", "S3.2"]})
    assert len(found) == 32
    assert found[:2] == [f"AWS Foundational Security Best Practices v1.0.0/S3.{number}" for number in (1, 2)]


# Limits


def test_details_give_way_where_a_finding_would_be_too_large():
    group = {"protocol": "😀" * 300, "ipv4": [{"cidr": "😀" * 300}] * 50, "ipv6": []}
    resource = RESOURCE | {"type": "AWS::EC2::SecurityGroup", "configuration": {"ingress": [group] * 100}}
    found = render(case(resource=resource))
    assert faults(found) == []
    assert found["Resources"][0].keys() == {"Type", "Id", "Partition", "Region", "Tags"}


@pytest.mark.parametrize("known", [case(outcome, 5) for outcome in Outcome])
@pytest.mark.parametrize("policy", sorted(CATALOG))
def test_security_hub_takes_findings_of_every_shipped_policy(policy, known):
    assert faults(render(known, case(Outcome.FAIL), entry=CATALOG[policy], is_new=True)) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_security_hub_takes_findings_of_every_kind_of_resource(path):
    found = json.loads(path.read_text())
    if "resource" in found:
        assert faults(render(case(resource=found["resource"]))) == []


NASTY = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.sampled_from(["", " ", "\x00", "\n\n", "\ud83d", "😀" * 700, "x" * 3000, "\u202e", "e\u0301" * 400, "aws:tag"]),
)
NAME = NASTY.filter(bool)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | NASTY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NASTY, inner, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(sorted({kind for entry in CATALOG.values() for kind in entry["resource_types"]} - {"*"}))
MEMBERS = st.sampled_from(
    [
        "ingress",
        "egress",
        "encryption",
        "kms_key_id",
        "security_groups",
        "image_id",
        "network_interfaces",
        "size",
        "instances",
        "layers",
        "members",
    ]
)
VIOLATIONS = st.fixed_dictionaries(
    {"message": NAME, "subject": NASTY, "evidence": st.fixed_dictionaries({}, optional={"path": JSON, "actual": JSON})}
)
SAID = {
    Outcome.PASS: st.just({}),
    Outcome.FAIL: st.fixed_dictionaries({"violations": st.lists(VIOLATIONS, min_size=1, max_size=25)}),
    Outcome.EXEMPT: st.fixed_dictionaries(
        {
            "violations": st.lists(VIOLATIONS, min_size=1, max_size=3),
            "exemption": st.dictionaries(st.sampled_from(sorted(EXEMPTION)), JSON),
        }
    ),
    Outcome.NOT_APPLICABLE: st.fixed_dictionaries({"reasons": st.lists(NAME, min_size=1, max_size=25)}),
    Outcome.UNDETERMINED: st.fixed_dictionaries(
        {
            "unknown": st.lists(
                st.dictionaries(st.sampled_from(["fact", "key", "path", "reason"]), NAME, min_size=1).filter(
                    lambda gap: gap.keys() != {"key"}
                ),
                min_size=1,
                max_size=25,
            )
        }
    ),
}
RESOURCES = st.builds(
    lambda more: RESOURCE | more,
    st.fixed_dictionaries(
        {
            "type": TYPES | st.just("Some::Other::Thing"),
            "id": NAME,
            "name": st.none() | NAME,
            "arn": st.none() | NAME,
            "partition": st.none() | st.sampled_from(["aws", "aws-cn", "aws-iso", "aws-eusc"]),
            "account_id": st.just(ACCOUNT) | st.text(string.ascii_letters + "/;", min_size=1, max_size=20),
            "region": st.sampled_from(["eu-west-1", "global", "ap-northeast-1", "a" * 40]),
            "organizational_units": st.none() | st.lists(NASTY, max_size=5),
            "tags": st.none() | st.dictionaries(NASTY, NASTY | JSON, max_size=60),
            "configuration": JSON | st.dictionaries(MEMBERS, JSON, max_size=6),
        }
    ),
)
ENTRIES = st.fixed_dictionaries(
    {"title": NASTY, "description": NASTY},
    optional={
        "frameworks": st.dictionaries(NASTY | st.just("fsbp"), st.lists(NASTY, max_size=40), max_size=3),
        "remediation": st.none() | st.fixed_dictionaries({"summary": NASTY, "action": NASTY}),
        "related_resources": st.lists(
            st.fixed_dictionaries({"ref": NASTY | NASTY.map("https://{}".format)}), max_size=2
        ),
    },
)


@st.composite
def known_cases(draw, minutes=5.0) -> Case:
    outcome = draw(st.sampled_from(list(Outcome)))
    changes = draw(SAID[outcome]) | {"severity": draw(st.sampled_from(list(Severity)))}
    changes["stage"] = draw(st.sampled_from(["enforce", "enforce", "audit"]))
    return case(outcome, minutes, resource=draw(RESOURCES), **changes)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(known_cases(), ENTRIES, st.booleans())
def test_security_hub_takes_the_finding_of_any_case(known, entry, is_new):
    before = case(Outcome.FAIL, 1)
    assert faults(render(known, before, entry=entry, is_new=is_new)) == []


@pytest.mark.slow
def test_megabyte_texts_do_not_cost_the_finding():
    huge = "😀" * 500_000
    resource = RESOURCE | {"id": huge, "name": huge, "arn": huge, "tags": {huge: huge, "owner": "a"}}
    resource |= {
        "configuration": {"versioning": huge, "encryption": {"algorithm": huge}},
        "organizational_units": [huge],
    }
    violations = [{"message": huge, "subject": huge, "evidence": {"path": [huge], "actual": huge}}] * 3
    known = case(Outcome.EXEMPT, violations=violations, exemption=dict.fromkeys(EXEMPTION, huge), resource=resource)
    entry = {"title": huge, "description": huge, "remediation": {"summary": huge}, "frameworks": {huge: [huge]}}
    assert faults(render(known, entry=entry)) == []


# Content


def test_content_is_the_same_for_another_decision_that_says_the_same():
    later = case(Outcome.FAIL, 99, bundle_revision="r2", opa_version="9", input_digest="d2", annotation="x [y]")
    assert content(case(Outcome.FAIL, 1)) == content(later)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (case(), case(resource=RESOURCE | {"tags": {"owner": "else"}})),
        (case(), case(resource=RESOURCE | {"configuration": {"versioning": "Suspended"}})),
        (case(), case(violations=[VIOLATION, VIOLATION])),
        (case(), case(severity=Severity.LOW)),
        (case(), case(policy_version="2.0.0")),
        (case(Outcome.EXEMPT), case(Outcome.EXEMPT, exemption=EXEMPTION | {"expires": "2028-01-01T00:00:00Z"})),
        (case(Outcome.UNDETERMINED), case(Outcome.UNDETERMINED, unknown=[{"path": "resource.tags"}])),
        (case(Outcome.NOT_APPLICABLE), case(Outcome.NOT_APPLICABLE, reasons=["a replica"])),
    ],
)
def test_content_differs_where_the_finding_would(one, other):
    assert content(one) != content(other)


def test_content_differs_between_outcomes():
    assert len({content(case(outcome)) for outcome in Outcome}) == len(Outcome)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(known_cases())
def test_content_is_a_digest_of_any_case_and_always_the_same(known):
    one = content(known)
    assert one == content(replace(known, decision=replace(known.decision, decision_id="x", evaluated_at=at(77))))
    assert len(one) == 64


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(known_cases())
def test_findings_that_differ_but_in_times_and_decisions_have_different_content(known):
    """Else a change would never be sent."""
    other = replace(known, decision=replace(known.decision, severity=Severity.INFORMATIONAL))
    assert (content(known) == content(other)) is (known == other)


def test_passed_findings_where_they_are_asked_for_are_valid():
    for outcome, before in product(Outcome, Outcome):
        found = render(case(outcome, 5), case(before, 1), wishes=Wishes(passed=True))
        assert faults(found) == []
