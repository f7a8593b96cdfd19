# METADATA
# title: ECR repositories scan images when they are pushed
# description: >-
#   A scan names the known vulnerabilities of an image before anything runs it, and nobody has to remember to ask for it.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
#     description: Scanning images for software vulnerabilities in Amazon ECR
# custom:
#   severity: HIGH
#   resource_types: [AWS::ECR::Repository]
#   tags: [images, patching]
#   requires: [resource.configuration.scan_on_push]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ECR.1]
#     nist_800_53_r5: [RA-5]
#   remediation:
#     summary: Turn scanning on push on for the repository, or for the registry with a filter that matches it.
#     action: enable_scan_on_push
package aws.ecr.repository.scan_on_push

compliant if input.resource.configuration.scan_on_push == true

violations contains {
	"message": "images are not scanned when they are pushed",
	"subject": "scan_on_push",
	"evidence": {"path": ["scan_on_push"], "actual": false, "expected": true},
} if {
	input.resource.configuration.scan_on_push == false
}
