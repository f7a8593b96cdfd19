# METADATA
# title: ECR repositories are encrypted with a customer managed key
# description: >-
#   Images hold code and, too often, secrets. With a key of its own the organization decides, revokes and audits who can read
#   them. What counts as encrypted is a parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
#     description: Encryption at rest in Amazon ECR
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ECR::Repository]
#   tags: [encryption]
#   requires: [resource.configuration.encryption_type, resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Make a repository with a customer managed key, push the images there, and delete the old one.
#     action: replace_with_encrypted_repository
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
package aws.ecr.repository.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.ecr.repository.encryption", _used, input)

_type := input.resource.configuration.encryption_type

# ECR encrypts every repository: what is not known is never off.
_used := {
	"what": "the repository",
	"scheme": _type,
	"kms": _type in {"KMS", "KMS_DSSE"},
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["encryption_type"],
	"actual": _type,
	"key_path": ["kms_key_id"],
} if is_string(_type)
