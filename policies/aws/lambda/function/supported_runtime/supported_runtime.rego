# METADATA
# title: Lambda functions run on a runtime that AWS supports
# description: >-
#   From the day of its deprecation on AWS no longer patches a runtime, and some weeks later functions on it can neither be made
#   nor changed. The dates are those that AWS announced.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
#     description: Lambda runtimes
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::Lambda::Function]
#   tags: [patching]
#   requires: [resource.configuration.runtime]
#   version: 1.0.0
#   schedule: true
#   frameworks:
#     fsbp: [Lambda.2]
#     nist_800_53_r5: [CM-2, SI-2, SI-2(2), SI-2(4), SI-2(5)]
#   remediation:
#     summary: Move the function to a newer runtime of its language.
#     action: update_function_runtime
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       runtimes:
#         description: "Runtime to the last day of its support, as YYYY-MM-DD; a runtime that is not listed is undetermined"
#         type: object
#         additionalProperties: {type: string, format: date, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
#         default:
#           dotnet10: "2028-11-14"
#           dotnet6: "2024-12-20"
#           dotnet8: "2026-11-10"
#           dotnetcore1.0: "2019-06-27"
#           dotnetcore2.0: "2019-05-30"
#           dotnetcore2.1: "2022-01-05"
#           dotnetcore3.1: "2023-04-03"
#           go1.x: "2024-01-08"
#           java11: "2027-06-30"
#           java11.al2023: "2029-06-30"
#           java17: "2027-06-30"
#           java17.al2023: "2029-06-30"
#           java21: "2029-06-30"
#           java25: "2029-06-30"
#           java8: "2024-01-08"
#           java8.al2: "2027-06-30"
#           java8.al2023: "2029-06-30"
#           nodejs: "2016-08-30"
#           nodejs10.x: "2021-07-30"
#           nodejs12.x: "2023-03-31"
#           nodejs14.x: "2023-12-04"
#           nodejs16.x: "2024-06-12"
#           nodejs18.x: "2025-09-01"
#           nodejs20.x: "2026-04-30"
#           nodejs22.x: "2027-04-30"
#           nodejs24.x: "2028-04-30"
#           nodejs4.3: "2020-03-05"
#           nodejs4.3-edge: "2020-03-05"
#           nodejs6.10: "2019-08-12"
#           nodejs8.10: "2020-03-06"
#           provided: "2024-01-08"
#           provided.al2: "2026-07-31"
#           provided.al2023: "2029-06-30"
#           python2.7: "2021-07-15"
#           python3.10: "2026-10-31"
#           python3.11: "2027-06-30"
#           python3.12: "2028-10-31"
#           python3.13: "2029-06-30"
#           python3.14: "2029-06-30"
#           python3.6: "2022-07-18"
#           python3.7: "2023-12-04"
#           python3.8: "2024-10-14"
#           python3.9: "2025-12-15"
#           ruby2.5: "2021-07-30"
#           ruby2.7: "2023-12-07"
#           ruby3.2: "2026-03-31"
#           ruby3.3: "2027-03-31"
#           ruby3.4: "2028-03-31"
#           ruby4.0: "2029-03-31"
#       deadlines:
#         description: "Runtime to another last day, as YYYY-MM-DD, that goes before the one in `runtimes`"
#         type: object
#         additionalProperties: {type: string, format: date, pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
#         default: {}
package aws.lambda.function.supported_runtime

import data.opalite.parameters

compliant if {
	is_string(_last_day)
	_today <= _last_day
}

violations contains {
	"message": substring(sprintf("support of the runtime %s ended on %s", [_runtime, _last_day]), 0, 120),
	"subject": "runtime",
	"evidence": {"path": ["runtime"], "actual": _runtime, "expected": "a runtime that AWS supports"},
} if {
	is_string(_last_day)
	_today > _last_day
}

not_applicable contains "a container image brings its own runtime" if input.resource.configuration.package_type == "Image"

# One that came after the list, or a function that must have one and has none.
unknown contains {"path": "resource.configuration.runtime", "reason": _reason} if not _last_day

_reason := sprintf("until when AWS supports %s is not listed", [_runtime]) if is_string(_runtime)

_reason := "the function has none" if is_null(_runtime)

_runtime := input.resource.configuration.runtime

_parameters := parameters.of("aws.lambda.function.supported_runtime", input.resource)

_last_day := object.union(_parameters.runtimes, _parameters.deadlines)[_runtime]

# Both are written so that text sorts as time does.
_today := substring(input.evaluated_at, 0, 10)
