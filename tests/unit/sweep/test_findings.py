"""Which findings are of policies that nobody asks any more; and that nothing which members write there is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalite.catalog import Catalog, from_entries
from opalite.errors import AwsError, DeliveryError
from opalite.model import Severity
from opalite.ports import Absent, Denied, Place
from opalite.publish.closing import key
from opalite.publish.ending import Ending, Reason, Shown
from opalite.sweep.findings import GENERATOR, Asked, Findings, end_of, product_arn

PLACE = Place("aws", "111122223333", "eu-west-1")
AT = "2026-11-29T04:00:00.000Z"
POLICY = {"title": "t", "version": "1.0.0", "severity": "LOW", "resource_types": ["AWS::S3::Bucket"]}
ENTRIES = {
    "aws.s3.bucket.plain": POLICY,
    "aws.s3.bucket.new_name": {**POLICY, "aliases": ["aws.s3.bucket.old_name"]},
    "aws.s3.bucket.idle": {**POLICY, "idle_without": ["keys"]},
    "custom.any.resource.tags": {**POLICY, "resource_types": ["*"]},
}
ASKED = Asked(Catalog(from_entries(ENTRIES, idle=frozenset({"aws.s3.bucket.idle"}))), ENTRIES)
GONE = "aws.s3.bucket.that_was"
ID = f"opalite/aws/111122223333/eu-west-1/AWS::S3::Bucket/reports/{GONE}"


def finding(policy=GONE, **changes):
    found = {
        "Id": ID.replace(GONE, policy),
        "GeneratorId": f"opalite/{policy}",
        "ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default",
        "AwsAccountId": "111122223333",
        "RecordState": "ACTIVE",
        "UpdatedAt": "2026-11-28T12:00:00Z",
        "FindingProviderFields": {"Severity": {"Label": "HIGH", "Original": "8"}},
        "Resources": [{"Type": "Other", "Id": "whatever"}],
    }
    return found | changes


def end(**changes):
    return end_of(finding(**changes), PLACE, ASKED, AT)


def test_a_finding_of_a_policy_that_is_not_there_ends():
    assert end() == Ending(
        policy_id=GONE,
        resource={
            "type": "AWS::S3::Bucket",
            "id": "reports",
            "partition": "aws",
            "account_id": "111122223333",
            "region": "eu-west-1",
        },
        reason=Reason.REMOVED,
        at=AT,
        shown=Shown(ID, "2026-11-28T12:00:00.000Z", Severity.HIGH),
    )


@pytest.mark.parametrize(
    ("policy", "kind", "expected"),
    [
        ("aws.s3.bucket.plain", "AWS::S3::Bucket", False),
        ("aws.s3.bucket.plain", "AWS::S3::AccessPoint", True),  # it does not speak of that type any more
        ("aws.s3.bucket.new_name", "AWS::S3::Bucket", False),
        ("aws.s3.bucket.old_name", "AWS::S3::Bucket", False),
        ("aws.s3.bucket.idle", "AWS::S3::Bucket", True),
        ("custom.any.resource.tags", "AWS::S3::AccessPoint", False),
    ],
)
def test_it_ends_if_the_policy_is_not_asked_about_the_type(policy, kind, expected):
    name = ID.replace(GONE, policy).replace("AWS::S3::Bucket", kind)
    assert (end(policy=policy, Id=name) is not None) is expected


def test_ids_of_resources_may_have_slashes():
    found = end(Id=ID.replace("reports", "app/web/5f1"))
    assert (found.resource["id"], found.shown.finding_id) == ("app/web/5f1", ID.replace("reports", "app/web/5f1"))


def test_an_id_that_ends_with_a_digest_is_told_by_its_generator():
    name = f"opalite/aws/111122223333/global/AWS::S3::Bucket/{'x' * 40}…~{'0' * 40}"
    assert end(Id=name).resource == {
        "type": "AWS::S3::Bucket",
        "id": f"{'x' * 40}…~{'0' * 40}",
        "partition": "aws",
        "account_id": "111122223333",
        "region": "global",
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"Id": ID.replace("111122223333", "444455556666")},
        {"Id": ID.replace("eu-west-1", "us-east-1")},
        {"Id": ID.replace("/aws/", "/aws-cn/")},
        {"Id": ID.replace("opalite", "others")},
        {"Id": ID.replace(GONE, "aws.s3.bucket.plain")},  # says two things
        {"Id": ID.replace("/reports", "")[: -len(GONE) - 1]},
        {"Id": f"{ID}\n"},
        {"Id": ID.replace("reports", "x" * 512)},
        {"Id": None},
        {"GeneratorId": GONE},
        {"GeneratorId": "opalite/"},
        {"GeneratorId": "opalite/aws.s3.bucket"},
        {"GeneratorId": f"opalite/{GONE} "},
        {"GeneratorId": None},
        {"ProductArn": "arn:aws:securityhub:eu-west-1:444455556666:product/444455556666/default"},
        {"ProductArn": None},
        {"RecordState": "ARCHIVED"},
        {"UpdatedAt": "soon"},
        {"UpdatedAt": None},
        {"UpdatedAt": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_what_is_not_ours_or_not_of_this_place_is_left_alone(changes):
    assert end(**changes) is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"FindingProviderFields": {"Severity": {"Label": "terrible"}}}, Severity.INFORMATIONAL),
        ({"FindingProviderFields": None, "Severity": {"Label": "LOW"}}, Severity.LOW),
        ({"FindingProviderFields": {}, "Severity": None}, Severity.INFORMATIONAL),
    ],
)
def test_of_its_severity_only_a_known_label_is_believed(changes, expected):
    assert end(**changes).shown.severity is expected


TEXT = st.text(max_size=60) | st.sampled_from(["opalite/", "/" * 9, ID, f"{ID}/", "\ud83d", "opalite/a.b.c.d"])


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("Id", "GeneratorId", "ProductArn", "UpdatedAt"), TEXT)))
def test_whatever_stands_there_is_read_or_left_alone(changes):
    found = end(**changes)
    assert found is None or key(found, {}).startswith("opalite/aws/111122223333/eu-west-1/")


class Hub:
    def __init__(self, *findings, error=None):
        self.findings = findings
        self.error = error
        self.asked = []

    def active(self, place, product, generator, _deadline):
        self.asked.append((place, product, generator))
        yield from self.findings
        if self.error is not None:
            raise self.error


class Outputs:
    def __init__(self, *problems):
        self.problems = problems
        self.endings = []

    def deliver(self, cases, *, rule_arn, deadline, endings):
        assert (list(cases), rule_arn, deadline()) == ([], "", 60.0)
        self.endings.append([key(one, {}) for one in endings])
        return self.problems


def ending(hub, outputs):
    return Findings(hub, outputs, ASKED, at=AT, deadline=lambda: 60.0).end(PLACE)


def test_those_that_are_not_asked_any_more_are_ended_together():
    hub, outputs = Hub(finding(), finding("aws.s3.bucket.plain"), finding("aws.s3.bucket.gone_too")), Outputs()
    assert ending(hub, outputs) == 2
    assert outputs.endings == [[ID, ID.replace(GONE, "aws.s3.bucket.gone_too")]]
    assert hub.asked == [(PLACE, product_arn(PLACE), GENERATOR)]


def test_where_there_are_none_nothing_is_delivered():
    outputs = Outputs()
    assert (ending(Hub(), outputs), outputs.endings) == (0, [])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Denied("denied"), "denied"),
        (AwsError("throttled"), "throttled"),
        (DeliveryError("no time was left"), "no time was left"),
        (Absent("ResourceNotFoundException"), "Security Hub answers ResourceNotFoundException"),
    ],
)
def test_what_was_found_before_a_failure_is_ended_all_the_same(error, told):
    outputs = Outputs("not taken", "not taken")
    with pytest.raises(DeliveryError) as raised:
        ending(Hub(finding(), error=error), outputs)
    assert str(raised.value) == f"{told}; not taken"
    assert outputs.endings == [[ID]]
