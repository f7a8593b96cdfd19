# METADATA
# title: RDS DB cluster snapshots are encrypted with a customer managed key
# description: >-
#   A snapshot holds all data of its cluster, and outlives it. With a key of its own the organization decides, revokes and audits
#   who can restore it. What counts as encrypted is a parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-copy-snapshot.html
#     description: DB cluster snapshot copying
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.html
#     description: Encrypting Amazon Aurora resources
# custom:
#   severity: HIGH
#   resource_types: [AWS::RDS::DBClusterSnapshot]
#   tags: [encryption]
#   requires: [resource.configuration.kms_key_id, resource.configuration.storage_encrypted]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [RDS.4]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Restore the snapshot with a customer managed key, snapshot the new cluster, and delete the original.
#     action: replace_with_encrypted_copy
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
package aws.rds.dbclustersnapshot.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.rds.dbclustersnapshot.encryption", _used, input)

# RDS encrypts with KMS keys only. It records the key of AWS by its ARN too, so none is assumed where none is recorded.
_used := {
	"what": "the snapshot",
	"scheme": {true: "encrypted", false: null}[input.resource.configuration.storage_encrypted],
	"kms": input.resource.configuration.storage_encrypted,
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["storage_encrypted"],
	"actual": input.resource.configuration.storage_encrypted,
	"key_path": ["kms_key_id"],
}
