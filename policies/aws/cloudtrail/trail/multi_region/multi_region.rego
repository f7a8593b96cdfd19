# METADATA
# title: CloudTrail trails record all regions
# description: >-
#   Attackers work where nobody looks. A trail of all regions also records what happens in regions that nobody uses, and in those
#   that AWS opens later.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/receive-cloudtrail-log-files-from-multiple-regions.html
#     description: Receiving CloudTrail log files from multiple regions
# custom:
#   severity: HIGH
#   resource_types: [AWS::CloudTrail::Trail]
#   tags: [baseline, logging]
#   requires: [resource.configuration.multi_region]
#   version: 1.0.0
#   frameworks:
#     fsbp: [CloudTrail.1]
#     cis_aws_foundations_3_0_0: ["3.1"]
#     nist_800_53_r5: [AU-12, AU-2, AU-3]
#   remediation:
#     summary: Make the trail one of all regions, or delete it if another trail of all regions records the same.
#     action: enable_multi_region_trail
package aws.cloudtrail.trail.multi_region

compliant if input.resource.configuration.multi_region == true

violations contains {
	"message": sprintf("the trail records %s only", [input.resource.region]),
	"subject": "multi_region",
	"evidence": {"path": ["multi_region"], "actual": false, "expected": true},
} if {
	input.resource.configuration.multi_region == false
}
