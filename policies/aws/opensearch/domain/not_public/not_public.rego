# METADATA
# title: OpenSearch domains are not open to the public
# description: >-
#   A domain in a VPC is reached from there only. The endpoint of any other stands on the internet, where only its access policy
#   keeps strangers from searching, changing and deleting the indices.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/vpc.html
#     description: Launching your Amazon OpenSearch Service domains within a VPC
#   - ref: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ac.html
#     description: Identity and Access Management in Amazon OpenSearch Service
# custom:
#   severity: CRITICAL
#   resource_types: [AWS::OpenSearch::Domain]
#   tags: [baseline, public-access]
#   requires: [resource.configuration.subnet_ids]
#   version: 1.0.0
#   frameworks:
#     fsbp: [Opensearch.2]
#     nist_800_53_r5: [AC-3, AC-4, SC-7]
#   remediation:
#     summary: Name the callers in the domain's access policy, or move to a new domain in a VPC.
#     action: restrict_access_policy
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       require_vpc:
#         description: "Whether a domain must be in a VPC, whatever its access policy says"
#         type: boolean
#         default: false
package aws.opensearch.domain.not_public

import data.opalite.access
import data.opalite.parameters

compliant if _in_vpc

compliant if {
	_require_vpc == false
	is_object(_policy)
	count(access.public_statements(_policy)) == 0
}

violations contains {
	"message": "the domain is not in a VPC",
	"subject": "vpc",
	"evidence": {"path": ["subnet_ids"], "actual": input.resource.configuration.subnet_ids, "expected": "subnets of a VPC"},
} if {
	_require_vpc == true
	not _in_vpc
}

violations contains {
	"message": substring(sprintf("the access policy lets %s call %s", [access.who(found.principal), concat(", ", found.actions)]), 0, 120),
	"subject": access.subject(_policy.statements[found.index], found.index),
	"evidence": {
		"path": ["access_policy", "statements", found.index],
		"actual": _policy.statements[found.index],
		"expected": "named principals, or a condition that pins the callers",
	},
} if {
	_require_vpc == false
	not _in_vpc
	some found in access.public_statements(_policy)
}

# Config does not tell a domain without an access policy from one whose policy it left out.
unknown contains {"path": "resource.configuration.access_policy"} if {
	not _in_vpc
	is_null(_policy)
}

_require_vpc := parameters.value("aws.opensearch.domain.not_public", "require_vpc", input.resource)

_in_vpc if {
	some subnet in input.resource.configuration.subnet_ids
	subnet != ""
}

_policy := input.resource.configuration.access_policy
