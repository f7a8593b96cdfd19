# METADATA
# title: Instances belong to a patch group
# description: The patch manager finds its instances by the tag PatchGroup; an instance without it is never patched.
# scope: package
# schemas:
#   - input: schema.input
#   - input.resource.configuration: schema.aws.ec2.instance
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::EC2::Instance]
#   tags: [patching, tagging]
#   requires: [resource.tags, resource.configuration.state]
#   version: 1.0.0
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       groups:
#         description: patch group to what it is for
#         type: object
#         additionalProperties: {type: string}
#         default: {linux-weekly: Sunday night, linux-monthly: first Sunday, windows-weekly: Saturday night}
#   remediation:
#     summary: Set the tag PatchGroup to one of the organization's patch groups.
package custom.ec2.instance.patch_group

import data.opalite.parameters

compliant if _groups[_group]

violations contains {
	"message": "the tag PatchGroup is missing",
	"subject": "PatchGroup",
	"evidence": {"path": ["tags", "PatchGroup"], "actual": null, "expected": _expected},
} if {
	not _group
}

violations contains {
	"message": sprintf("%q is no patch group", [_group]),
	"subject": "PatchGroup",
	"evidence": {"path": ["tags", "PatchGroup"], "actual": _group, "expected": _expected},
} if {
	not _groups[_group]
}

not_applicable contains "the instance is terminated" if input.resource.configuration.state == "terminated"

_group := input.resource.tags.PatchGroup

_groups := parameters.value("custom.ec2.instance.patch_group", "groups", input.resource)

_expected := sprintf("one of %s", [concat(", ", sort(object.keys(_groups)))])
