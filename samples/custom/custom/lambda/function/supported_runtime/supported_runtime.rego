# METADATA
# title: Lambda functions run on a supported runtime
# description: A runtime that AWS no longer patches leaves the function open to known flaws.
# scope: package
# schemas:
#   - input: schema.input
# related_resources:
#   - ref: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
#     description: Lambda runtimes
# custom:
#   severity: HIGH
#   resource_types: [AWS::Lambda::Function]
#   requires: [resource.configuration]
#   generic: true
#   version: 1.0.0
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       supported:
#         description: runtime to who supports it in the organization
#         type: object
#         additionalProperties: {type: string}
#         default: {python3.12: platform, python3.13: platform, nodejs22.x: web, provided.al2023: platform}
#   remediation:
#     summary: Move the function to one of the supported runtimes.
package custom.lambda.function.supported_runtime

import data.opalite.parameters

compliant if _supported[_runtime]

violations contains {
	"message": sprintf("the runtime %s is not supported", [_runtime]),
	"subject": "",
	"evidence": {"path": ["runtime"], "actual": _runtime, "expected": _expected},
} if {
	not _supported[_runtime]
}

not_applicable contains "a container image brings its own runtime" if input.resource.configuration.packageType == "Image"

unknown contains {"path": "resource.configuration.runtime"} if not _runtime

# A type without a schema comes in its generic form: AWS Config's own keys, of any type.
_runtime := input.resource.configuration.runtime if is_string(input.resource.configuration.runtime)

_supported := parameters.value("custom.lambda.function.supported_runtime", "supported", input.resource)

_expected := sprintf("one of %s", [concat(", ", sort(object.keys(_supported)))])
