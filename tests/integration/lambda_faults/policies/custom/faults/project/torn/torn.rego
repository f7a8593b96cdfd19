# METADATA
# title: Projects have one owner
# description: Two rules give two values, if the project has two owners.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::CodeBuild::Project]
#   generic: true
#   version: 1.0.0
package custom.faults.project.torn

_owner := owner if some owner in input.resource.configuration.owners

compliant if _owner != ""

violations contains {"message": "no owner", "subject": "owners", "evidence": {}} if not compliant
