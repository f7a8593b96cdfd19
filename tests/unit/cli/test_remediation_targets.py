"""Words on the command line and lines of files → what is looked at."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opalite.cli.remediation_targets import Targets, check, targets
from opalite.errors import UsageError
from opalite.remediation.model import Target

POLICY = "aws.s3.bucket.encryption"
TARGET = Target(
    policy_id=POLICY,
    partition="aws",
    account_id="111122223333",
    region="eu-west-1",
    resource_type="AWS::S3::Bucket",
    resource_id="reports",
)
DECISION = {
    "account_id": "111122223333",
    "region": "eu-west-1",
    "resource_type": "AWS::S3::Bucket",
    "resource_id": "reports",
    "policy_id": POLICY,
    "outcome": "fail",
}


def everything(_):
    return True


@pytest.mark.parametrize(
    ("text", "partition", "region", "name"),
    [
        ("111122223333/eu-west-1/AWS::S3::Bucket/reports", "aws", "eu-west-1", "reports"),
        ("111122223333/cn-north-1/AWS::S3::Bucket/reports", "aws-cn", "cn-north-1", "reports"),
        ("111122223333/us-gov-west-1/AWS::S3::Bucket/reports", "aws-us-gov", "us-gov-west-1", "reports"),
        ("aws-iso/111122223333/us-iso-east-1/AWS::S3::Bucket/reports", "aws-iso", "us-iso-east-1", "reports"),
        ("111122223333/eu-west-1/AWS::S3::Bucket/a/b c", "aws", "eu-west-1", "a/b c"),
    ],
)
def test_a_resource_is_named_by_its_place(text, partition, region, name):
    found = targets([], [POLICY], [text], everything)

    (target,) = found.targets
    assert (target.partition, target.region, target.resource_id, found.unread) == (partition, region, name, 0)


def test_each_is_looked_at_once_for_each_policy():
    one = "111122223333/eu-west-1/AWS::S3::Bucket/reports"
    found = targets([], [POLICY, "custom.a.b.c"], [one, one], everything)

    assert [target.policy_id for target in found.targets] == [POLICY, "custom.a.b.c"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reports",
        "1/eu-west-1/AWS::S3::Bucket/x",
        "111122223333/eu-west-1/Bucket/x",
        "111122223333/EU/AWS::S3::Bucket/x",
        "111122223333/eu-west-1/AWS::S3::Bucket/",
    ],
)
def test_what_is_no_place_is_misuse_before_anything_is_started(text):
    with pytest.raises(UsageError, match="is not ACCOUNT/REGION/TYPE/ID"):
        check([], [POLICY], [text])


def test_decisions_are_read_from_files_and_chosen_by_policy(tmp_path):
    lines = [DECISION, {**DECISION, "outcome": "pass"}, {**DECISION, "policy_id": "custom.a.b.c"}, DECISION]
    path = tmp_path / "decisions.jsonl"
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)))

    assert targets([str(path)], [POLICY], [], everything) == Targets([TARGET], 0)
    assert len(targets([str(path)], [], [], everything).targets) == 2


def test_a_policy_that_is_not_there_is_told_and_not_passed_over(tmp_path, capsys):
    path = tmp_path / "decisions.jsonl"
    path.write_bytes(orjson.dumps({**DECISION, "policy_id": "custom.a.b.c"}))

    assert targets([str(path)], [], [], POLICY.__eq__) == Targets([], 1)
    assert capsys.readouterr().err == (
        f"opalite: error: {path}:1: there is no policy 'custom.a.b.c': name its bundle by --bundle\n"
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=30),
            st.dictionaries(st.sampled_from(sorted(DECISION)), st.one_of(st.text(max_size=5), st.integers(-9, 9), st.none())).map(orjson.dumps),
            st.just(orjson.dumps(DECISION)),
        ),
        max_size=8,
    )
)  # fmt: skip
def test_whatever_a_file_holds_each_line_is_a_target_told_or_nothing(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("files") / "decisions.jsonl"
    path.write_bytes(b"\n".join(lines))
    found = targets([str(path)], [], [], everything)

    assert found.unread <= sum(content.count(b"\n") + 1 for content in lines)
    assert (TARGET in found.targets) is (orjson.dumps(DECISION) in path.read_bytes().split(b"\n"))
