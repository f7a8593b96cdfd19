# METADATA
# title: Projects say what they are
# description: Answers what the project holds, in whatever shape.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::CodeBuild::Project]
#   generic: true
#   version: 1.0.0
package custom.faults.project.echo

compliant := input.resource.configuration.compliant

violations contains each if some each in input.resource.configuration.violations

unknown contains each if some each in input.resource.configuration.unknown

not_applicable contains each if some each in input.resource.configuration.not_applicable
