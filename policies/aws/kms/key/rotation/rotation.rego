# METADATA
# title: KMS keys are rotated automatically
# description: >-
#   With new key material every year, or as often as the key says, less data hangs on what might have leaked. KMS keeps the old
#   material, so that nothing has to be encrypted anew.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
#     description: Rotating AWS KMS keys
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::KMS::Key]
#   tags: [encryption]
#   requires:
#     - resource.configuration.manager
#     - resource.configuration.origin
#     - resource.configuration.rotation
#     - resource.configuration.spec
#     - resource.configuration.state
#   version: 1.0.0
#   frameworks:
#     fsbp: [KMS.4]
#     cis_aws_foundations_3_0_0: ["3.6"]
#     nist_800_53_r5: [SC-12, SC-12(2), SC-28(3)]
#   remediation:
#     summary: Turn on automatic rotation of the key.
#     action: enable_key_rotation
package aws.kms.key.rotation

compliant if input.resource.configuration.rotation == true

violations contains {
	"message": "the key is not rotated automatically",
	"subject": "rotation",
	"evidence": {"path": ["rotation"], "actual": false, "expected": true},
} if {
	input.resource.configuration.rotation == false
}

not_applicable contains "AWS manages the key, and rotates it" if input.resource.configuration.manager == "AWS"

# HMAC keys are symmetric too, but KMS cannot rotate them.
not_applicable contains sprintf("KMS does not rotate keys of the spec %s", [spec]) if {
	spec := input.resource.configuration.spec
	is_string(spec)
	spec != "SYMMETRIC_DEFAULT"
}

not_applicable contains sprintf("KMS does not rotate keys of the origin %s", [origin]) if {
	origin := input.resource.configuration.origin
	is_string(origin)
	origin != "AWS_KMS"
}

not_applicable contains "the key waits for its deletion" if {
	input.resource.configuration.state in {"PendingDeletion", "PendingReplicaDeletion"}
}
