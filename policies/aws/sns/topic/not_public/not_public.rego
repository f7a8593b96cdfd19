# METADATA
# title: SNS topics are not public
# description: >-
#   Whoever may subscribe to a topic reads all its messages, and whoever may publish decides what its subscribers believe. A
#   topic is public when a statement of its policy lets everybody in, and no condition pins the callers to something fixed.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html
#     description: Amazon SNS security best practices
#   - ref: https://docs.aws.amazon.com/config/latest/developerguide/sns-topic-no-public-access.html
#     description: What AWS Config takes for public
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::SNS::Topic]
#   tags: [baseline, public-access]
#   requires: [resource.configuration.policy]
#   version: 1.0.0
#   frameworks:
#     fsbp: [SNS.4]
#     nist_800_53_r5: [AC-3, AC-4, AC-6, SC-7]
#   remediation:
#     summary: Name the principals of the statement, or add a condition such as aws:SourceAccount or aws:PrincipalOrgID with fixed values.
#     action: restrict_topic_policy
package aws.sns.topic.not_public

import data.opalite.access

# Every topic has a policy.
compliant if {
	is_object(input.resource.configuration.policy)
	count(_public) == 0
}

violations contains {
	"message": substring(sprintf("%s lets %s in: %s", [name, access.who(found.principal), concat(", ", found.actions)]), 0, 120),
	"subject": name,
	"evidence": {
		"path": ["policy", "statements", found.index],
		"actual": {"principal": found.principal, "actions": found.actions},
		"expected": "fixed principals, or a condition that pins the callers",
	},
} if {
	some found in _public
	name := access.subject(found, found.index)
}

_public := access.public_statements(input.resource.configuration.policy)
