# METADATA
# title: S3 buckets refuse requests without TLS
# description: >-
#   What travels in clear text can be read and changed on the way. S3 answers plain HTTP unless the bucket's policy denies it.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
#     description: Security best practices for Amazon S3
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::S3::Bucket]
#   tags: [transport]
#   requires: [resource.configuration.policy]
#   version: 1.0.0
#   frameworks:
#     cis_aws_foundations_3_0_0: ["2.1.1"]
#     fsbp: [S3.5]
#     nist_800_53_r5: [AC-17(2), SC-13, SC-8, SC-8(1)]
#   remediation:
#     summary: Add a statement to the bucket policy that denies everybody all actions on bucket and objects where aws:SecureTransport is false.
#     action: deny_plain_http
package aws.s3.bucket.tls_only

import data.opalite.access

compliant if _plain_http_is_denied

violations contains {
	"message": _message,
	"subject": "policy",
	"evidence": {"path": ["policy"], "actual": _shown, "expected": "a Deny of s3:* on bucket and objects where aws:SecureTransport is false"},
} if {
	not _plain_http_is_denied
}

_plain_http_is_denied if access.denies_plain_http(input.resource.configuration.policy, _arn)

# Items do not all record the ARN, and a bucket's follows from its name.
_arn := sprintf("arn:%s:s3:::%s", [input.resource.partition, input.resource.id])

_message := "there is no bucket policy, so plain HTTP is answered" if is_null(input.resource.configuration.policy)

_message := "the bucket policy does not deny plain HTTP to everybody, for the bucket and all its objects" if {
	is_object(input.resource.configuration.policy)
}

# The names of the statements that deny: one of them may have been meant to.
_shown := null if is_null(input.resource.configuration.policy)

_shown := [object.get(statement, "sid", null) |
	some statement in input.resource.configuration.policy.statements
	statement.effect == "Deny"
] if {
	is_object(input.resource.configuration.policy)
}
