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
#         description: "any: some encryption; kms: a KMS key; named_key: a KMS key that the bucket names; customer_managed: a KMS key that AWS does not manage"
#         enum: [any, kms, named_key, customer_managed]
#         default: customer_managed
#       allowed_keys:
#         description: "Key id, key ARN, alias name or alias ARN to reason; unless empty, the bucket must use one of these keys"
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

compliant if {
	_level_met
	_key_allowed
	_account_allowed
	_bucket_key_met
}

violations contains {
	"message": substring(sprintf("default encryption is %s; required is %s", [_shown, _required]), 0, 120),
	"subject": "encryption",
	"evidence": {"path": ["encryption"], "actual": input.resource.configuration.encryption, "expected": _required},
} if {
	_level_missed
}

violations contains {
	"message": substring(sprintf("%s is not an allowed key", [_shown]), 0, 120),
	"subject": "key",
	"evidence": {"path": ["encryption", "key"], "actual": _recorded_key, "expected": "an allowed key"},
} if {
	not _level_missed
	not _key_allowed
	not _key_undecided
}

violations contains {
	"message": substring(sprintf("%s is not of an allowed account", [_shown]), 0, 120),
	"subject": "account",
	"evidence": {"path": ["encryption", "key"], "actual": _recorded_key, "expected": "a key of an allowed account"},
} if {
	not _level_missed
	not _account_allowed
}

violations contains {
	"message": "the S3 Bucket Key is off",
	"subject": "bucket_key",
	"evidence": {"path": ["encryption", "bucket_key"], "actual": input.resource.configuration.encryption.bucket_key, "expected": true},
} if {
	not _level_missed
	not _bucket_key_met
}

unknown contains {"fact": "kms_key", "key": _recorded_key} if _manager_undecided

unknown contains {"fact": "kms_key", "key": _recorded_key} if _key_undecided

_required := {
	"any": "any encryption",
	"kms": "a KMS key",
	"named_key": "a KMS key named by the bucket",
	"customer_managed": "a customer managed KMS key",
}[_level]

_shown := "off" if is_null(_algorithm)

_shown := _algorithm if {
	is_string(_algorithm)
	not _kms
}

# An ARN is 75 characters and more; its last part is enough beside the evidence.
_shown := sprintf("%s with %s", [_algorithm, parts[count(parts) - 1]]) if {
	_kms
	parts := split(_key, ":")
}
