# METADATA
# title: EBS volumes are encrypted with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data. What counts as encrypted is a
#   parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html
#     description: Amazon EBS encryption
# custom:
#   severity: HIGH
#   resource_types: [AWS::EC2::Volume]
#   tags: [encryption]
#   requires: [resource.configuration.encrypted, resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [EC2.3]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Make an encrypted copy of the volume from a snapshot with a customer managed key, and swap the two.
#     action: enable_default_volume_encryption
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
package aws.ec2.volume.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.ec2.volume.encryption", _used, input)

# EBS encrypts with KMS keys only.
_used := {
	"what": "the volume",
	"scheme": {true: "encrypted", false: null}[input.resource.configuration.encrypted],
	"kms": input.resource.configuration.encrypted,
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["encrypted"],
	"actual": input.resource.configuration.encrypted,
	"key_path": ["kms_key_id"],
}
