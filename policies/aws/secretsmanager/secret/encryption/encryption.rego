# METADATA
# title: Secrets are encrypted with a customer managed key
# description: >-
#   Whoever may use the key that AWS manages, every principal of the account with access to Secrets Manager, can decrypt all
#   secrets that he may read. A key of its own lets the organization decide, revoke and audit this for each secret.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
#     description: Secret encryption and decryption in AWS Secrets Manager
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::SecretsManager::Secret]
#   tags: [encryption]
#   requires: [resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Set the secret's KmsKeyId to a customer managed key, and store its value again so that the old key no longer opens it.
#     action: set_secret_key
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
package aws.secretsmanager.secret.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.secretsmanager.secret.encryption", _used, input)

# Secrets Manager encrypts every secret, without another choice with the key that AWS manages.
_used := {
	"what": "the secret",
	"scheme": "aws:kms",
	"kms": true,
	"key": input.resource.configuration.kms_key_id,
	"default_key": "alias/aws/secretsmanager",
	"path": ["kms_key_id"],
	"actual": input.resource.configuration.kms_key_id,
	"key_path": ["kms_key_id"],
}
