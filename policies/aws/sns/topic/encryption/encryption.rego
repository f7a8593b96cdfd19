# METADATA
# title: SNS topics are encrypted with a customer managed key
# description: >-
#   Messages wait in the topic until they are delivered. With a key of its own the organization decides, revokes and audits who
#   can read them. What counts as encrypted is a parameter, from any encryption to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/sns/latest/dg/sns-server-side-encryption.html
#     description: Server-side encryption of Amazon SNS topics
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::SNS::Topic]
#   tags: [encryption]
#   requires: [resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Set the topic's KmsMasterKeyId to a customer managed key that its publishers may use.
#     action: encrypt_topic
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
package aws.sns.topic.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.sns.topic.encryption", _used, input)

_key := input.resource.configuration.kms_key_id

# SNS encrypts with KMS keys only, and records a key only while encryption is on.
_used := {
	"what": "the topic",
	"scheme": {true: "aws:kms", false: null}[is_string(_key)],
	"kms": is_string(_key),
	"key": _key,
	"default_key": null,
	"path": ["kms_key_id"],
	"actual": _key,
	"key_path": ["kms_key_id"],
}
