# METADATA
# title: Projects were made in this century
# description: A built-in refuses what is no time.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::CodeBuild::Project]
#   generic: true
#   version: 1.0.0
package custom.faults.project.strict

compliant if time.parse_rfc3339_ns(input.resource.configuration.created) > 0

violations contains {"message": "too old", "subject": "created", "evidence": {}} if not compliant
