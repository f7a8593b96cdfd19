# METADATA
# title: Roles stay within a permissions boundary
# description: Whoever may write the policies of a role can do anything with it, unless a boundary limits what they can give.
# scope: package
# schemas:
#   - input: schema.input
# related_resources:
#   - ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
#     description: Permissions boundaries for IAM entities
# custom:
#   severity: HIGH
#   resource_types: [AWS::IAM::Role]
#   tags: [identity]
#   requires: [resource.configuration]
#   generic: true
#   version: 1.0.0
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       allowed:
#         description: ARN of a managed policy that may be the boundary, to what it is for
#         type: object
#         additionalProperties: {type: string}
#         default: {"arn:aws:iam::111122223333:policy/workload": shop and payroll, "arn:aws:iam::444455556666:policy/sandbox": hack days}
#   remediation:
#     summary: Set one of the organization's boundaries on the role.
package custom.iam.role.permissions_boundary

import data.opalite.parameters

compliant if _is_bounded

violations contains {
	"message": substring(sprintf("%s is no boundary of ours", [_boundary]), 0, 120),
	"subject": "permissionsBoundary",
	"evidence": {"path": _evidence_path, "actual": _boundary, "expected": _expected},
} if {
	_path
	is_string(_boundary)
	not _is_bounded
}

violations contains {
	"message": "there is no permissions boundary",
	"subject": "permissionsBoundary",
	"evidence": {"path": _evidence_path, "actual": null, "expected": _expected},
} if {
	_path
	is_null(_boundary)
}

not_applicable contains "the role belongs to a service, which alone may change it" if startswith(_path, "/aws-service-role/")

# Without its path nobody can tell a service's role from ours.
unknown contains {"path": "resource.configuration.path"} if {
	not _path
	not _is_bounded
}

# A type without a schema comes in its generic form: AWS Config's own keys, of any type, and null or missing for "none".
_path := input.resource.configuration.path if is_string(input.resource.configuration.path)

default _boundary := null

_boundary := input.resource.configuration.permissionsBoundary.permissionsBoundaryArn

_is_bounded if _ = _allowed[_boundary]

_allowed := parameters.value("custom.iam.role.permissions_boundary", "allowed", input.resource)

_evidence_path := ["permissionsBoundary", "permissionsBoundaryArn"]

_expected := sprintf("one of %s", [concat(", ", sort(object.keys(_allowed)))])
