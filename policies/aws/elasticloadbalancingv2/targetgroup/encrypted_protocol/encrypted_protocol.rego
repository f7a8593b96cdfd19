# METADATA
# title: Target groups receive traffic over an encrypted protocol
# description: >-
#   A load balancer that ends TLS may speak to its targets in the clear. Then requests, cookies and passwords cross the network,
#   and often accounts and zones, for whoever can listen there. The target group says what is spoken on this last part of the way.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
#     description: Target groups for your Application Load Balancers
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html
#     description: Target groups for your Network Load Balancers
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancingV2::TargetGroup]
#   tags: [transport]
#   requires: [resource.configuration.target_type, resource.configuration.protocol]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.22]
#     nist_800_53_r5: [SC-8, SC-8(1)]
#   remediation:
#     summary: Make a target group with protocol HTTPS, TLS or QUIC, and let the listeners forward to it; a protocol cannot be changed.
#     action: replace_target_group
#   parameters:
#     type: object
#     additionalProperties: false
#     properties:
#       protocols:
#         description: "Protocols of target groups that count as encrypted; add TCP where clients and targets keep TLS to themselves"
#         type: array
#         items: {enum: [HTTPS, TLS, QUIC, TCP_QUIC, TCP, UDP, TCP_UDP, HTTP]}
#         minItems: 1
#         default: [HTTPS, TLS, QUIC]
package aws.elasticloadbalancingv2.targetgroup.encrypted_protocol

import data.opalite.parameters

compliant if _protocol in _protocols

violations contains {
	"message": sprintf("traffic to the targets is %s, which does not count as encrypted", [_protocol]),
	"subject": "protocol",
	"evidence": {"path": ["protocol"], "actual": _protocol, "expected": sprintf("one of %s", [concat(", ", _protocols)])},
} if {
	is_string(_protocol)
	not _protocol in _protocols
}

not_applicable contains "the targets are functions, which are invoked through an encrypted API" if {
	input.resource.configuration.target_type == "lambda"
}

not_applicable contains "the target is a load balancer, whose own listener decides" if {
	input.resource.configuration.target_type == "alb"
}

not_applicable contains "traffic to appliances is wrapped in GENEVE as it came" if _protocol == "GENEVE"

# A target group of another kind always has a protocol.
unknown contains {"path": "resource.configuration.protocol"} if is_null(_protocol)

_protocol := input.resource.configuration.protocol

_protocols := parameters.value("aws.elasticloadbalancingv2.targetgroup.encrypted_protocol", "protocols", input.resource)
