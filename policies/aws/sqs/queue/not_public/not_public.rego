# METADATA
# title: SQS queues are not public
# description: >-
#   Whoever may receive from a queue reads and removes its messages, and whoever may send decides what its consumers do. A
#   queue is public when a statement of its policy lets everybody in, and no condition pins the callers to something fixed.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
#     description: Amazon SQS security best practices
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::SQS::Queue]
#   tags: [baseline, public-access]
#   requires: [resource.id]
#   facts: [resource_policy]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [SQS.3]
#     nist_800_53_r5: [AC-3, AC-4, AC-6, SC-7]
#   remediation:
#     summary: Name the principals of the statement, or add a condition such as aws:SourceAccount or aws:PrincipalOrgID with fixed values.
#     action: restrict_queue_policy
package aws.sqs.queue.not_public

import data.opalite.access

compliant if count(_public) == 0

violations contains {
	"message": substring(sprintf("%s lets %s in: %s", [name, access.who(found.principal), concat(", ", found.actions)]), 0, 120),
	"subject": name,
	"evidence": {
		"path": ["policy", "Statement", found.index],
		"actual": {"principal": found.principal, "actions": found.actions},
		"expected": "fixed principals, or a condition that pins the callers",
	},
} if {
	some found in _public
	name := access.subject(found, found.index)
}

# Config does not record the policy of a queue.
unknown contains {"fact": "resource_policy", "key": input.resource.id} if not _fact

# A policy that cannot be read whole could hide the statement that opens the queue.
unknown contains {"path": sprintf("facts.resource_policy.%s.policy", [input.resource.id])} if {
	_fact
	not _public
}

_fact := input.facts.resource_policy[input.resource.id]

_public := access.public_statements(_policy)
