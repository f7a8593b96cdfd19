# METADATA
# title: RDS DB instances are encrypted with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data, its backups and its replicas. What
#   counts as encrypted is a parameter, from any encryption to named keys. Instances are judged in every status, because RDS fixes
#   encryption when it creates them; members of a cluster are judged like all others.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html
#     description: Encrypting Amazon RDS resources
# custom:
#   severity: HIGH
#   resource_types: [AWS::RDS::DBInstance]
#   tags: [encryption]
#   requires: [resource.configuration.kms_key_id, resource.configuration.storage_encrypted]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [RDS.3]
#     cis_aws_foundations_3_0_0: ["2.3.1"]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Copy a snapshot of the instance with a customer managed key, restore it as a new instance, and swap the two.
#     action: replace_with_encrypted_instance
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
package aws.rds.dbinstance.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.rds.dbinstance.encryption", _used, input)

# RDS encrypts with KMS keys only. It records the key of AWS by its ARN too, so none is assumed where none is recorded.
_used := {
	"what": "the DB instance",
	"scheme": {true: "encrypted", false: null}[input.resource.configuration.storage_encrypted],
	"kms": input.resource.configuration.storage_encrypted,
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["storage_encrypted"],
	"actual": input.resource.configuration.storage_encrypted,
	"key_path": ["kms_key_id"],
}
