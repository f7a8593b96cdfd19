from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from opalite.model import Item
from opalite.normalize import resource

ITEMS = Path(__file__).parents[2] / "data" / "items"
KEY = "arn:aws:kms:eu-central-1:111122223333:key/6a1f0c2e-3b4d-4e5f-8a9b-0c1d2e3f4a5b"
NONE = {"algorithm": None, "key": None, "bucket_key": None}
RECORD = "ServerSideEncryptionConfiguration"


def changed(top: dict[str, Any] | None = None, /, **records: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The bucket, and the gaps by member."""
    body = orjson.loads((ITEMS / "s3-bucket.event.json").read_bytes())
    body["supplementaryConfiguration"] |= records
    body |= top or {}
    found = resource(Item(body=body, source="test"))
    gaps = {gap["path"].removeprefix("resource.configuration."): gap["reason"] for gap in found.unknown}
    return found.document["configuration"], gaps


def encryption(record: Any, top: dict[str, Any] | None = None) -> Any:
    configuration, gaps = changed(top, **{RECORD: record})
    if gaps:
        assert (configuration["encryption"], list(gaps)) == (None, ["encryption"])
        return gaps["encryption"]
    return configuration["encryption"]


def rule(**default: Any) -> dict[str, Any]:
    return {"applyServerSideEncryptionByDefault": default, "bucketKeyEnabled": True}


@pytest.mark.parametrize("spelling", ["kmsMasterKeyID", "KMSMasterKeyID", "kmsMasterKeyId", "kMSMasterKeyID"])
def test_the_key_in_every_spelling(spelling: str) -> None:
    record = {"rules": [rule(sseAlgorithm="aws:kms", **{spelling: KEY})]}
    assert encryption(record) == {"algorithm": "aws:kms", "key": KEY, "bucket_key": True}


@pytest.mark.parametrize("spelling", ["sseAlgorithm", "SSEAlgorithm"])
def test_the_algorithm_in_both_spellings(spelling: str) -> None:
    found = encryption({"rules": [rule(**{spelling: "AES256"})]})
    assert found == {"algorithm": "AES256", "key": None, "bucket_key": True}


def test_a_record_may_be_text_and_text_of_text() -> None:
    record = orjson.dumps({"rules": [rule(sseAlgorithm="aws:kms:dsse", kmsMasterKeyID=KEY)]}).decode()
    expected = {"algorithm": "aws:kms:dsse", "key": KEY, "bucket_key": True}
    assert encryption(record) == expected
    assert encryption(orjson.dumps(record).decode()) == expected


@pytest.mark.parametrize("key", ["", None])
def test_an_empty_key_is_none(key: str | None) -> None:
    record = {"rules": [{**rule(sseAlgorithm="aws:kms", kmsMasterKeyID=key), "bucketKeyEnabled": None}]}
    assert encryption(record) == {"algorithm": "aws:kms", "key": None, "bucket_key": None}


def test_a_rule_without_default_encrypts_with_nothing() -> None:
    assert encryption({"rules": [{"bucketKeyEnabled": "false"}]}) == NONE | {"bucket_key": False}


def test_equal_rules_are_one() -> None:
    same = rule(sseAlgorithm="AES256")
    assert encryption({"rules": [same, same]}) == {"algorithm": "AES256", "key": None, "bucket_key": True}


@pytest.mark.parametrize("record", [None, "null", {"rules": None}, {}])
@pytest.mark.parametrize(
    ("captured", "known"),
    [
        ("2023-01-04T23:59:59.999Z", False),
        ("2023-01-05T00:00:00.000Z", True),
        ("2023-01-05T00:30:00.000+01:00", False),
        (None, False),
    ],
)
def test_a_missing_record_means_none_since_s3_encrypts_every_bucket(record: Any, captured: Any, *, known: bool) -> None:
    found = encryption(record, {"configurationItemCaptureTime": captured})
    assert found == (NONE if known else "the item has no encryption record, which proves nothing before 2023-01-05")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (["aws:kms"], "malformed: expected an object"),
        ("aws:kms", "malformed: expected an object"),
        ({"Rules": [rule(sseAlgorithm="AES256")]}, "malformed: expected an object with rules"),
        ({"rules": {}}, "malformed: expected a list"),
        ({"rules": ["aws:kms"]}, "malformed: expected a list of objects"),
        (
            {"rules": [{"applyServerSideEncryptionByDefault": "aws:kms"}]},
            "malformed: expected an object as applyServerSideEncryptionByDefault",
        ),
        ({"rules": [rule(sseAlgorithm=256)]}, "malformed: expected text"),
        ({"rules": [rule(sseAlgorithm="aws:kms", kmsMasterKeyID=[KEY])]}, "malformed: expected text"),
        ({"rules": [rule(), rule(sseAlgorithm="AES256")]}, "malformed: expected one rule, found several that differ"),
    ],
)
def test_a_malformed_encryption_record_is_unknown(record: Any, reason: str) -> None:
    assert encryption(record) == reason


@pytest.mark.parametrize(
    ("status", "expected"),
    [("Enabled", "Enabled"), ("Suspended", "Suspended"), ("Off", None), ("", None), (None, None)],
)
def test_versioning(status: Any, expected: str | None) -> None:
    record = {"status": status, "isMfaDeleteEnabled": "true"}
    configuration, gaps = changed(BucketVersioningConfiguration=record)
    assert (configuration["versioning"], configuration["mfa_delete"], gaps) == (expected, True, {})


@pytest.mark.parametrize("record", [None, "null", {"destinationBucketName": None}, {"destinationBucketName": ""}])
def test_no_destination_means_no_logging(record: Any) -> None:
    configuration, gaps = changed(BucketLoggingConfiguration=record)
    assert (configuration["logging"], gaps) == (None, {})


def test_a_missing_public_access_block_is_none() -> None:
    configuration, gaps = changed(PublicAccessBlockConfiguration=None)
    assert (configuration["public_access_block"], gaps) == (None, {})


def test_a_record_that_says_nothing_of_a_switch_leaves_it_null() -> None:
    configuration, _ = changed(PublicAccessBlockConfiguration={"blockPublicAcls": "true"})
    assert configuration["public_access_block"] == {
        "block_public_acls": True,
        "ignore_public_acls": None,
        "block_public_policy": None,
        "restrict_public_buckets": None,
    }


def test_the_bucket_s_own_configuration_need_not_be_selected() -> None:
    row = orjson.loads((ITEMS / "s3-bucket.select.json").read_bytes())
    del row["configuration"]
    assert resource(Item(body=row, source="test")).document["configuration"] == changed()[0]


@pytest.mark.parametrize("top", [{"configuration": None}, {"configuration": {}, "supplementaryConfiguration": {}}])
def test_a_bucket_of_which_nothing_is_recorded_is_unknown(top: dict[str, Any]) -> None:
    configuration, gaps = changed(top)
    assert (configuration, list(gaps)) == (None, ["resource.configuration"])


def test_a_selected_algorithm_without_key_is_enough_only_where_no_key_belongs() -> None:
    row = orjson.loads((ITEMS / "s3-bucket.select-of-the-algorithm.json").read_bytes())
    row["supplementaryConfiguration"][RECORD]["rules"] = [rule(sseAlgorithm="AES256")]
    found = resource(Item(body=row, source="test")).document["configuration"]["encryption"]
    assert found == {"algorithm": "AES256", "key": None, "bucket_key": True}


@pytest.mark.parametrize(
    ("selected", "missing"),
    [
        ({"sseAlgorithm": "aws:kms"}, "key"),
        ({"kmsMasterKeyID": KEY}, "algorithm"),
        ({}, "algorithm"),
    ],
)
def test_a_query_for_members_of_the_rule_does_not_turn_encryption_off(selected: dict[str, str], missing: str) -> None:
    row = orjson.loads((ITEMS / "s3-bucket.select-of-the-algorithm.json").read_bytes())
    row["supplementaryConfiguration"][RECORD]["rules"] = [rule(**selected)]
    found = resource(Item(body=row, source="test"))
    reason = f"the item may have no {missing} because none was selected: select supplementaryConfiguration"
    assert found.document["configuration"]["encryption"] is None
    assert {"path": "resource.configuration.encryption", "reason": reason} in found.unknown


def test_the_bucket_policy_is_unpacked_from_its_text() -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::orders/*"}
    configuration, gaps = changed(BucketPolicy={"policyText": orjson.dumps({"Statement": statement}).decode()})
    assert gaps == {}
    assert configuration["policy"] == {
        "statements": [
            {
                "sid": None,
                "effect": "Allow",
                "principals": {"AWS": ["*"], "Service": [], "Federated": [], "CanonicalUser": []},
                "not_principals": None,
                "actions": ["s3:GetObject"],
                "not_actions": [],
                "resources": ["arn:aws:s3:::orders/*"],
                "not_resources": [],
                "conditions": [],
            }
        ]
    }


@pytest.mark.parametrize("record", [None, {}, {"policyText": None}, {"policyText": ""}])
def test_a_bucket_without_a_policy_has_none(record: Any) -> None:
    configuration, gaps = changed(BucketPolicy=record)
    assert (configuration["policy"], gaps) == (None, {})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"policyText": "{"}, "malformed: expected a policy in JSON"),
        ({"text": "{}"}, "malformed: expected an object with policyText"),
        ({"policyText": "{}"}, "malformed: expected a policy with statements"),
    ],
)
def test_a_bucket_policy_that_cannot_be_read_is_unknown(record: Any, reason: str) -> None:
    configuration, gaps = changed(BucketPolicy=record)
    assert (configuration["policy"], gaps) == (None, {"policy": reason})
