# METADATA
# title: Redshift clusters are encrypted with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data. What counts as encrypted is a
#   parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/redshift/latest/mgmt/working-with-db-encryption.html
#     description: Amazon Redshift database encryption
# custom:
#   severity: HIGH
#   resource_types: [AWS::Redshift::Cluster]
#   tags: [encryption]
#   requires: [resource.configuration.encrypted, resource.configuration.kms_key_id, resource.configuration.hsm_configuration]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [Redshift.10]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Change the cluster to KMS encryption with a customer managed key.
#     action: enable_cluster_encryption
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
package aws.redshift.cluster.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.redshift.cluster.encryption", _used, input)

# Either an HSM holds the key, or KMS does. Who encrypts with KMS has a key recorded, that of AWS too; clusters older than
# Redshift's use of KMS may be encrypted without either.
_scheme := null if input.resource.configuration.encrypted == false

_scheme := "encrypted" if {
	input.resource.configuration.encrypted == true
	is_null(input.resource.configuration.hsm_configuration)
	is_string(input.resource.configuration.kms_key_id)
}

_scheme := "encrypted without a KMS key" if {
	input.resource.configuration.encrypted == true
	is_null(input.resource.configuration.hsm_configuration)
	is_null(input.resource.configuration.kms_key_id)
}

_scheme := "encrypted by an HSM" if {
	input.resource.configuration.encrypted == true
	is_string(input.resource.configuration.hsm_configuration)
}

_used := {
	"what": "the cluster",
	"scheme": _scheme,
	"kms": _scheme == "encrypted",
	"key": input.resource.configuration.kms_key_id,
	"default_key": null,
	"path": ["encrypted"],
	"actual": input.resource.configuration.encrypted,
	"key_path": ["kms_key_id"],
}
