# METADATA
# title: CloudTrail trails are encrypted with a customer managed key
# description: >-
#   The log tells who did what, and where the weak spots are. With a key of its own the organization decides, revokes and audits
#   who can read it, apart from who may read the bucket. What counts as encrypted is a parameter.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html
#     description: Encrypting CloudTrail log files with AWS KMS keys
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::CloudTrail::Trail]
#   tags: [encryption, logging]
#   requires: [resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [CloudTrail.2]
#     cis_aws_foundations_3_0_0: ["3.5"]
#     nist_800_53_r5: [AU-9, SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Set the trail's KmsKeyId to a customer managed key whose policy lets CloudTrail encrypt with it.
#     action: encrypt_trail
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
package aws.cloudtrail.trail.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.cloudtrail.trail.encryption", _used, input)

_key := input.resource.configuration.kms_key_id

# Without a key the log is encrypted with SSE-S3.
_used := {
	"what": "the trail",
	"scheme": {true: "aws:kms", false: "AES256"}[is_string(_key)],
	"kms": is_string(_key),
	"key": _key,
	"default_key": null,
	"path": ["kms_key_id"],
	"actual": _key,
	"key_path": ["kms_key_id"],
}
