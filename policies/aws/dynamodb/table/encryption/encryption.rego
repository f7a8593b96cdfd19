# METADATA
# title: DynamoDB tables are encrypted with a customer managed key
# description: >-
#   With a key of its own the organization decides, revokes and audits who can read the data. What counts as encrypted is a
#   parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/EncryptionAtRest.html
#     description: DynamoDB encryption at rest
# custom:
#   severity: HIGH
#   resource_types: [AWS::DynamoDB::Table]
#   tags: [encryption]
#   requires: [resource.configuration.encryption]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Change the encryption of the table to a customer managed key.
#     action: set_table_encryption
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
package aws.dynamodb.table.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

# While DynamoDB changes the key, the item does not say which one is in force.
unknown contains {"path": "resource.configuration.encryption", "reason": _unclear} if not _scheme

_unclear := sprintf("its status is %s, its type %v", [_encryption.status, _encryption.type])

_verdict := encryption.verdict("aws.dynamodb.table.encryption", _used, input)

# DynamoDB encrypts every table; without a record of it the key is one that DynamoDB owns and nobody sees.
_owned if is_null(input.resource.configuration.encryption)

_owned if _encryption.status == "DISABLED"

_encryption := input.resource.configuration.encryption

_scheme := "encrypted with a key that DynamoDB owns" if _owned

_scheme := {"KMS": "encrypted", "AES256": "encrypted with AES256"}[_encryption.type] if _encryption.status == "ENABLED"

_key := null if _owned

_key := _encryption.key if not _owned

_used := {
	"what": "the table",
	"scheme": _scheme,
	"kms": _scheme == "encrypted",
	"key": _key,
	"default_key": null,
	"path": ["encryption"],
	"actual": _encryption,
	"key_path": ["encryption", "key"],
}
