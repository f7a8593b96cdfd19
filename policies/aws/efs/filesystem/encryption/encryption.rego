# METADATA
# title: EFS file systems are encrypted with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data. What counts as encrypted is a
#   parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/efs/latest/ug/encryption-at-rest.html
#     description: Encrypting data at rest in Amazon EFS
# custom:
#   severity: HIGH
#   resource_types: [AWS::EFS::FileSystem]
#   tags: [encryption]
#   requires: [resource.configuration.encrypted, resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [EFS.1]
#     cis_aws_foundations_3_0_0: ["2.4.1"]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Create an encrypted file system with a customer managed key, and copy the data over.
#     action: replace_with_encrypted_file_system
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
package aws.efs.filesystem.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.efs.filesystem.encryption", _used, input)

# EFS encrypts with KMS keys only, and records that of AWS by its ARN too.
_used := {
	"what": "the file system",
	"scheme": {true: "encrypted", false: null}[input.resource.configuration.encrypted],
	"kms": input.resource.configuration.encrypted,
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["encrypted"],
	"actual": input.resource.configuration.encrypted,
	"key_path": ["kms_key_id"],
}
