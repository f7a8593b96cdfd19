# METADATA
# title: S3 buckets encrypt new objects with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data. What counts as encrypted is a
#   parameter, from any algorithm to named keys. Judged is the bucket's default encryption, not each object.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
#     description: Using server-side encryption with AWS KMS keys
#   - ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
#     description: Amazon S3 Bucket Keys
# custom:
#   severity: HIGH
#   resource_types: [AWS::S3::Bucket]
#   tags: [encryption]
#   requires: [resource.configuration.encryption]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Set the bucket's default encryption to aws:kms with a customer managed key.
#     action: set_bucket_encryption
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       level:
#         description: "any: some encryption; kms: a KMS key; named_key: a KMS key that the resource names; customer_managed: a KMS key that AWS does not manage"
#         enum: [any, kms, named_key, customer_managed]
#         default: customer_managed
#       allowed_keys:
#         description: "Key id, key ARN, alias name or alias ARN to reason; unless empty, the resource must use one of these keys"
#         type: object
#         additionalProperties: {type: string}
#         default: {}
#       allowed_accounts:
#         description: "Account id to reason; unless empty, the key must belong to one of these accounts"
#         type: object
#         propertyNames: {pattern: "^[0-9]{12}$"}
#         additionalProperties: {type: string}
#         default: {}
#       require_bucket_key:
#         description: "Whether aws:kms must use an S3 Bucket Key (AES256 and aws:kms:dsse have none)"
#         type: boolean
#         default: false
package aws.s3.bucket.encryption

import data.opalite.encryption
import data.opalite.parameters

compliant if {
	_verdict.compliant == true
	_bucket_key_met
}

violations contains violation if some violation in _verdict.violations

violations contains {
	"message": "the S3 Bucket Key is off",
	"subject": "bucket_key",
	"evidence": {"path": ["encryption", "bucket_key"], "actual": _default.bucket_key, "expected": true},
} if {
	not _level_missed
	not _bucket_key_met
}

unknown contains need if some need in _verdict.unknown

_id := "aws.s3.bucket.encryption"

_default := input.resource.configuration.encryption

_verdict := encryption.verdict(_id, _used, input)

_used := {
	"what": "default encryption",
	"off": "off",
	"verb": "is",
	"scheme": _default.algorithm,
	"kms": _default.algorithm in {"aws:kms", "aws:kms:dsse"},
	"key": _default.key,
	"default_key": "alias/aws/s3",
	"path": ["encryption"],
	"actual": _default,
	"key_path": ["encryption", "key"],
}

# Whoever misses the level has more to change than this.
_level_missed if {
	some violation in _verdict.violations
	violation.subject == "encryption"
}

_bucket_key_met if parameters.of(_id, input.resource).require_bucket_key == false

_bucket_key_met if _default.algorithm in {"AES256", "aws:kms:dsse"}

_bucket_key_met if _default.bucket_key == true
