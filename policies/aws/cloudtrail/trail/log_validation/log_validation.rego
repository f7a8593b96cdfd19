# METADATA
# title: CloudTrail trails validate their log files
# description: >-
#   CloudTrail then writes signed digests every hour, and whoever reads the log can prove that no file was changed or removed
#   after its delivery.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-intro.html
#     description: Validating CloudTrail log file integrity
# custom:
#   severity: LOW
#   resource_types: [AWS::CloudTrail::Trail]
#   tags: [baseline, logging]
#   requires: [resource.configuration.log_file_validation]
#   version: 1.0.0
#   frameworks:
#     fsbp: [CloudTrail.4]
#     cis_aws_foundations_3_0_0: ["3.2"]
#     nist_800_53_r5: [AU-9, SI-7, SI-7(1)]
#   remediation:
#     summary: Turn log file validation of the trail on; files delivered before stay without digests.
#     action: enable_log_file_validation
package aws.cloudtrail.trail.log_validation

compliant if input.resource.configuration.log_file_validation == true

violations contains {
	"message": "log file validation is off",
	"subject": "log_file_validation",
	"evidence": {"path": ["log_file_validation"], "actual": false, "expected": true},
} if {
	input.resource.configuration.log_file_validation == false
}
