"""Cases for the tests of findings and of their life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from opalite.model import Case, Decision, Outcome, Severity

ACCOUNT = "111122223333"
POLICY = "aws.s3.bucket.encryption"
ARN = "arn:aws:s3:::reports"
VIOLATION = {
    "message": "default encryption is off",
    "subject": "",
    "evidence": {"path": ["encryption", "algorithm"], "actual": None, "expected": "aws:kms"},
}
EXEMPTION = {
    "id": "EX-1",
    "ticket": "SEC-9",
    "owner": "team-data",
    "reason": "moved in spring",
    "expires": "2027-03-31T00:00:00Z",
    "scope": {"accounts": [ACCOUNT]},
}
ENTRY = {
    "title": "S3 buckets are encrypted by keys of your own",
    "description": "Whoever may use the key may read.",
    "severity": "HIGH",
    "frameworks": {"fsbp": ["S3.17"], "nist_800_53_r5": ["SC-13", "SC-28"], "house_rules": ["7"]},
    "remediation": {"summary": "Set default encryption to a customer managed key.", "action": "encrypt_bucket"},
    "related_resources": [{"ref": "https://docs.example.com/encryption", "description": "about it"}],
}
RESOURCE = {
    "type": "AWS::S3::Bucket",
    "id": "reports",
    "name": "reports",
    "arn": ARN,
    "partition": "aws",
    "account_id": ACCOUNT,
    "organizational_units": ["r-1", "ou-2"],
    "region": "eu-west-1",
    "tags": {"owner": "team-data"},
    "configuration": {"encryption": {"algorithm": "AES256", "key": None, "bucket_key": None}, "versioning": "Enabled"},
    "relationships": [],
}
_SAID = {
    Outcome.PASS: {},
    Outcome.FAIL: {"violations": (VIOLATION,)},
    Outcome.EXEMPT: {"violations": (VIOLATION,), "exemption": EXEMPTION},
    Outcome.NOT_APPLICABLE: {"reasons": ("it is gone",)},
    Outcome.UNDETERMINED: {"unknown": ({"fact": "kms_key", "key": "alias/x"},)},
}


def at(minutes: float) -> str:
    moment = datetime(2026, 11, 20, 8, tzinfo=UTC) + timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def case(outcome=Outcome.FAIL, minutes=0.0, *, captured=None, resource=None, **changes) -> Case:
    """`minutes`: when it was evaluated, counted from a morning in November."""
    resource = RESOURCE if resource is None else resource
    outcome = Outcome(outcome)
    fields = {
        "account_id": resource["account_id"],
        "region": resource["region"],
        "resource_type": resource["type"],
        "resource_id": resource["id"],
        "arn": resource["arn"],
        "capture_time": at(minutes if captured is None else captured),
        "evaluated_at": at(minutes),
        "policy_id": POLICY,
        "policy_version": "1.0.0",
        "outcome": outcome,
        "compliance_type": None,
        "severity": Severity.HIGH,
        "annotation": "own words",
        "violations": (),
        "unknown": (),
        "reasons": (),
        "exemption": None,
        "stage": "enforce",
        "decision_id": f"{outcome}@{captured}/{minutes}",
        "bundle_revision": "r1",
        "opa_version": "1.22.2",
        "input_digest": "d1",
    }
    decision = Decision(**(fields | _SAID[outcome] | changes))
    return Case(decision, {"version": 1, "resource": resource, "facts": {}, "unknown": [], "gone": None})
