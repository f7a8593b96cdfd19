# METADATA
# title: EC2 instances answer metadata requests only with a session token
# description: >-
#   IMDSv1 gives the credentials of the instance's role to whoever can make software on it fetch an address. IMDSv2 asks for a
#   token first, which a forged request cannot get. An instance whose metadata endpoint is off tells nobody anything.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
#     description: Use the Instance Metadata Service to access instance metadata
#   - ref: https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8
#     description: "Security Hub: EC2.8"
# custom:
#   severity: HIGH
#   resource_types: [AWS::EC2::Instance]
#   tags: [baseline, identity]
#   requires: [resource.configuration.metadata_options]
#   version: 1.0.0
#   frameworks:
#     fsbp: [EC2.8]
#     cis_aws_foundations_3_0_0: ["5.6"]
#     nist_800_53_r5: [AC-3, AC-3(15), AC-3(7), AC-6]
#   remediation:
#     summary: Require tokens in the instance's metadata options, after all software on it uses IMDSv2.
#     action: require_metadata_tokens
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       max_hop_limit:
#         description: "Most hops that an answer with a token may take: 1 keeps it from containers with a network of their own; null: any number"
#         type: [integer, "null"]
#         minimum: 1
#         maximum: 64
#         default: null
package aws.ec2.instance.imdsv2

import data.opalite.parameters

compliant if _endpoint_off

compliant if {
	_options.http_tokens == "required"
	_near
}

violations contains {
	"message": "tokens are optional: IMDSv1 answers, too",
	"subject": "http_tokens",
	"evidence": {"path": ["metadata_options", "http_tokens"], "actual": "optional", "expected": "required"},
} if {
	_options.http_tokens == "optional"
	not _endpoint_off
}

violations contains {
	"message": sprintf("answers may take %d hops; at most %d are allowed", [_hops, _max_hop_limit]),
	"subject": "http_put_response_hop_limit",
	"evidence": {"path": ["metadata_options", "http_put_response_hop_limit"], "actual": _hops, "expected": _max_hop_limit},
} if {
	is_number(_hops)
	is_number(_max_hop_limit)
	_hops > _max_hop_limit
	not _endpoint_off
}

not_applicable contains sprintf("the instance is %s", [input.resource.configuration.state]) if {
	input.resource.configuration.state in {"shutting-down", "terminated"}
}

_max_hop_limit := parameters.value("aws.ec2.instance.imdsv2", "max_hop_limit", input.resource)

_options := input.resource.configuration.metadata_options

_hops := _options.http_put_response_hop_limit

_endpoint_off if _options.http_endpoint == "disabled"

_near if is_null(_max_hop_limit)

_near if {
	is_number(_hops)
	is_number(_max_hop_limit)
	_hops <= _max_hop_limit
}
