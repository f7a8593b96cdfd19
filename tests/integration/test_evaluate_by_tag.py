"""`opalite evaluate --tag`: a word stands for all policies that name it, and never for none."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOG = orjson.loads((REPOSITORY / "data" / "catalog" / "data.json").read_bytes())["policies"]
TAGS = ", ".join(sorted({tag for entry in CATALOG.values() for tag in entry["tags"]}))
REQUIRED_TAGS = "aws.any.resource.required_tags"
BUCKET = {
    "version": "1.3",
    "accountId": "111122223333",
    "configurationItemCaptureTime": "2026-11-18T09:41:07.512Z",
    "configurationItemStatus": "OK",
    "resourceType": "AWS::S3::Bucket",
    "resourceId": "orders",
    "awsRegion": "eu-west-1",
    "tags": {},
    "configuration": {"name": "orders"},
    "supplementaryConfiguration": {},
}


@pytest.fixture
def judged(opalite):
    """The ids of the policies that judge a bucket."""

    def run(*options):
        done = opalite("evaluate", "-", "--format", "jsonl", *options, stdin=orjson.dumps(BUCKET))
        return [line["policy_id"] for line in done.lines], done.err

    return run


def of_buckets(*tags):
    return [
        policy_id
        for policy_id, entry in CATALOG.items()
        if "AWS::S3::Bucket" in entry["resource_types"] and set(tags) & set(entry["tags"])
    ]


def test_a_tag_chooses_all_policies_with_it(judged):
    assert judged("--tag", "encryption") == (of_buckets("encryption"), [])
    assert of_buckets("encryption") == ["aws.s3.bucket.encryption"]


def test_tags_and_policies_add_up(judged):
    both = of_buckets("encryption", "transport")
    assert judged("--tag", "encryption", "--tag", "transport") == (both, [])
    assert judged("--tag", "encryption", "--policy", "aws.s3.bucket.tls_only") == (both, [])
    assert judged("--tag", "encryption", "--policy", "aws.s3.bucket.encryption") == (of_buckets("encryption"), [])


def test_a_tag_that_no_policy_has_is_misuse(judged):
    said = f"opalite: --tag encrypton: no policy names it; there are: {TAGS}"
    assert judged("--tag", "encryption", "--tag", "encrypton") == ([], [said])


def test_a_tag_of_idle_policies_alone_is_misuse(judged, tmp_path):
    idle = f"opalite: --tag tagging: judges nothing until required or minimum of {REQUIRED_TAGS} is set: give --data"
    assert judged("--tag", "encryption", "--tag", "tagging") == ([], [idle])
    settings = tmp_path / "settings.yaml"
    settings.write_text(yaml.safe_dump({"parameters": {REQUIRED_TAGS: {"default": {"minimum": 1}}}}))
    assert judged("--tag", "tagging", "--data", settings) == ([REQUIRED_TAGS], [])


def test_a_tag_of_which_some_policies_are_idle_chooses_the_others(judged):
    assert "cost" in CATALOG[REQUIRED_TAGS]["tags"]
    assert judged("--tag", "cost", "--tag", "transport") == (["aws.s3.bucket.tls_only"], [])


def test_own_policies_are_chosen_with_the_shipped_ones(opalite, item):
    options = ("--tag", "patching", "--tag", "identity", "--bundle", REPOSITORY / "samples" / "custom")
    stdin = orjson.dumps(item("ec2-instance.event"))
    done = opalite("evaluate", "-", "--format", "jsonl", *options, stdin=stdin)
    assert [line["policy_id"] for line in done.lines] == ["aws.ec2.instance.imdsv2", "custom.ec2.instance.patch_group"]
    assert done.err == []
