# METADATA
# title: SQS queues are encrypted with a customer managed key
# description: >-
#   Messages stay in the queue for up to two weeks. With a key of its own the organization decides, revokes and audits who can
#   read them. What counts as encrypted is a parameter, from any encryption (SSE-SQS too) to named keys.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html
#     description: Encryption at rest in Amazon SQS
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::SQS::Queue]
#   tags: [encryption]
#   requires: [resource.configuration.kms_key_id]
#   facts: [kms_key]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [SQS.1]
#     nist_800_53_r5: [SC-12(2), SC-13, SC-28, SC-28(1)]
#   remediation:
#     summary: Set the queue's KmsMasterKeyId to a customer managed key that its senders and receivers may use.
#     action: encrypt_queue
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
package aws.sqs.queue.encryption

import data.opalite.encryption

compliant if _verdict.compliant == true

violations contains violation if some violation in _verdict.violations

unknown contains need if some need in _verdict.unknown

_verdict := encryption.verdict("aws.sqs.queue.encryption", _used, input)

_key := input.resource.configuration.kms_key_id

_managed := input.resource.configuration.sqs_managed_sse

_used := {
	"what": "the queue",
	"scheme": _scheme,
	"kms": is_string(_key),
	"key": _key,
	"default_key": null,
	"path": ["kms_key_id"],
	"actual": _key,
	"key_path": ["kms_key_id"],
}

# A queue has one of the two at most; SSE-SQS matters only where no key is set.
_scheme := "aws:kms" if is_string(_key)

_scheme := {true: "SSE-SQS", false: null}[_managed] if is_null(_key)

unknown contains {"path": "resource.configuration.sqs_managed_sse"} if {
	is_null(_key)
	is_null(_managed)
}
