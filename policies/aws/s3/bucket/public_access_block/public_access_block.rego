# METADATA
# title: S3 buckets block public access
# description: >-
#   The four settings make a bucket private whatever its policy and its access lists say, today and after the next change.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#     description: Blocking public access to your Amazon S3 storage
# custom:
#   severity: HIGH
#   resource_types: [AWS::S3::Bucket]
#   tags: [baseline, public-access]
#   requires: [resource.configuration.public_access_block]
#   version: 1.0.0
#   frameworks:
#     fsbp: [S3.8]
#     cis_aws_foundations_3_0_0: ["2.1.4"]
#     nist_800_53_r5: [AC-3, AC-6, SC-7]
#   remediation:
#     summary: Turn on all four settings of Block Public Access for the bucket.
#     action: block_public_access
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       settings:
#         description: "The settings that must be on"
#         type: array
#         items: {enum: [block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets]}
#         minItems: 1
#         uniqueItems: true
#         default: [block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets]
package aws.s3.bucket.public_access_block

import data.opalite.parameters

compliant if {
	count(_wanted) > 0
	count(_open) == 0
}

violations contains {
	"message": sprintf("%s is %s", [setting, _shown(setting)]),
	"subject": setting,
	"evidence": {"path": ["public_access_block", setting], "actual": _recorded(setting), "expected": true},
} if {
	some setting in _open
}

_wanted := parameters.of("aws.s3.bucket.public_access_block", input.resource).settings

_open contains setting if {
	some setting in _wanted
	not _is_on(setting)
}

_is_on(setting) if input.resource.configuration.public_access_block[setting] == true

# A bucket for which it was never set has no record: then nothing is blocked.
_recorded(setting) := value if {
	value := input.resource.configuration.public_access_block[setting]
} else := null

_shown(setting) := "off" if {
	_recorded(setting) == false
} else := "not set"
