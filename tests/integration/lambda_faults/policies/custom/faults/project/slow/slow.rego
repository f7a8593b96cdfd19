# METADATA
# title: Projects are judged slowly
# description: Takes as long as the project says.
# scope: package
# custom:
#   severity: LOW
#   resource_types: [AWS::CodeBuild::Project]
#   generic: true
#   version: 1.0.0
package custom.faults.project.slow

_side := numbers.range(1, input.resource.configuration.rounds)

_work := sum([_row(number) | some number in _side])

_row(number) := sum([product | some other in _side; product := number * other])

compliant if _work > 0

violations contains {"message": "no work", "subject": "", "evidence": {}} if _work == 0
