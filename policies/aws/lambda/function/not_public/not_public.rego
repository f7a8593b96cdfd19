# METADATA
# title: Lambda functions are not open to the public
# description: >-
#   A function's policy says who may call it. Open to everybody, strangers run its code with the rights of its role, and at the
#   owner's cost. S3 calls in the name of any bucket of any account, unless the policy names the account.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
#     description: Viewing resource-based IAM policies in Lambda
#   - ref: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
#     description: Control access to Lambda function URLs
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::Lambda::Function]
#   tags: [baseline, public-access]
#   requires: [resource.configuration.policy]
#   version: 1.0.0
#   frameworks:
#     fsbp: [Lambda.1]
#     nist_800_53_r5: [AC-3, AC-4, AC-6, SC-7]
#   remediation:
#     summary: Remove the permission, or give it anew for named principals or with the account of the source.
#     action: remove_public_permission
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       services:
#         description: "Service principal to reason: AWS services that may call only with a condition that pins the account they act for"
#         type: object
#         additionalProperties: {type: string}
#         default: {s3.amazonaws.com: "the ARN of a bucket names no account"}
package aws.lambda.function.not_public

import data.opalite.access
import data.opalite.parameters

compliant if {
	is_object(_services)
	count(_public) == 0
	count(_unbound) == 0
}

violations contains {
	"message": substring(sprintf("%s may call %s", [access.who(found.principal), concat(", ", found.actions)]), 0, 120),
	"subject": access.subject(_policy.statements[found.index], found.index),
	"evidence": {
		"path": ["policy", "statements", found.index],
		"actual": _policy.statements[found.index],
		"expected": "named principals, or a condition that pins the callers",
	},
} if {
	some found in _public
}

violations contains {
	"message": substring(sprintf("%s may call for any account", [service]), 0, 120),
	"subject": access.subject(_policy.statements[i], i),
	"evidence": {
		"path": ["policy", "statements", i],
		"actual": _policy.statements[i],
		"expected": "a condition that pins the account, such as aws:SourceAccount",
	},
} if {
	some [i, service] in _unbound
}

_policy := input.resource.configuration.policy

_public := access.public_statements(_policy)

_services := parameters.value("aws.lambda.function.not_public", "services", input.resource)

_unbound := {[i, service] |
	some i, statement in _policy.statements
	statement.effect == "Allow"
	some service in statement.principals.Service
	_ = _services[service]
	not _names_account(statement)
}

# A condition on the source's ARN does not count where the ARN may be that of a bucket, which anybody may own tomorrow.
_names_account(statement) if {
	conditions := [condition | some condition in statement.conditions; _is_of_account(condition)]
	access.is_pinned({"conditions": conditions})
}

_is_of_account(condition) if condition.key != "aws:sourcearn"

_is_of_account(condition) if {
	every value in condition.values {
		regex.match(`^([^:]*:){4}[0-9]{12}:`, value)
	}
}
