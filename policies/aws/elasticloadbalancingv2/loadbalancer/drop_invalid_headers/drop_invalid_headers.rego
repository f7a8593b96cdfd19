# METADATA
# title: Application Load Balancers drop invalid HTTP headers
# description: >-
#   Headers whose names are not valid are how requests are smuggled past a load balancer that reads them in one way to a server
#   that reads them in another. By default an Application Load Balancer passes them on.
# scope: package
# related_resources:
#   - ref: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
#     description: Edit attributes for your Application Load Balancer
# custom:
#   severity: MEDIUM
#   resource_types: [AWS::ElasticLoadBalancingV2::LoadBalancer]
#   tags: [network]
#   requires: [resource.configuration.type, resource.configuration.drop_invalid_headers]
#   version: 1.0.0
#   frameworks:
#     fsbp: [ELB.4]
#     nist_800_53_r5: [SC-7(4), SC-8(2)]
#   remediation:
#     summary: Turn on dropping of invalid header fields.
#     action: drop_invalid_headers
package aws.elasticloadbalancingv2.loadbalancer.drop_invalid_headers

compliant if input.resource.configuration.drop_invalid_headers == true

violations contains {
	"message": "invalid HTTP headers are passed on to the targets",
	"subject": "drop_invalid_headers",
	"evidence": {"path": ["drop_invalid_headers"], "actual": false, "expected": true},
} if {
	input.resource.configuration.drop_invalid_headers == false
}

not_applicable contains sprintf("a load balancer of type %s does not look at HTTP headers", [type]) if {
	type := input.resource.configuration.type
	type in {"network", "gateway"}
}

# The load balancer's attributes were recorded, and this one is not among them: items from before 2020 lack it.
unknown contains {"path": "resource.configuration.drop_invalid_headers"} if {
	is_null(input.resource.configuration.drop_invalid_headers)
}
