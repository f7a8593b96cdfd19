# METADATA
# title: Health checks of target groups are encrypted
# description: >-
#   Health checks decide where traffic goes. In the clear they tell whoever listens which servers there are and how they fare,
#   and whoever can change them decides which of them are used.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
#     description: Health checks for Application Load Balancer target groups
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html
#     description: Health checks for Network Load Balancer target groups
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancingV2::TargetGroup]
#   tags: [transport]
#   requires: [resource.configuration.target_type, resource.configuration.health_check_protocol]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.21]
#     nist_800_53_r5: [SC-8, SC-8(1)]
#   remediation:
#     summary: Let the target group check the health of its targets over HTTPS.
#     action: encrypt_health_checks
package aws.elasticloadbalancingv2.targetgroup.encrypted_health_checks

compliant if _protocol == "HTTPS"

violations contains {
	"message": sprintf("health checks are made over %s", [_protocol]),
	"subject": "health_check_protocol",
	"evidence": {"path": ["health_check_protocol"], "actual": _protocol, "expected": "HTTPS"},
} if {
	is_string(_protocol)
	_protocol != "HTTPS"
}

not_applicable contains "the targets are functions, whose health is asked for through an encrypted API" if {
	input.resource.configuration.target_type == "lambda"
}

# A target group of another kind always has a protocol of health checks.
unknown contains {"path": "resource.configuration.health_check_protocol"} if is_null(_protocol)

_protocol := input.resource.configuration.health_check_protocol
